//! The org's answers to the client's calls.

use super::super::coverage::ADOPTED;
use super::*;

impl Crm for Org {
    fn identity(&self) -> Answer<'_, Identity> {
        Box::pin(async {
            Ok(Identity {
                org_id: OrgId::new("00D000000000001AAA"),
                org_name: "Simulated".to_owned(),
                org_kind: OrgKind::Sandbox,
                user_id: "005000000000001".parse().unwrap(),
                username: String::new(),
                display_name: String::new(),
                instance_url: String::new(),
            })
        })
    }

    fn describe<'a>(&'a self, _: &'a ObjectName) -> Answer<'a, ObjectInfo> {
        Box::pin(async { Err(trouble("describe", Effect::None)) })
    }

    fn changes<'a>(
        &'a self,
        query: &'a ChangeQuery,
        cursor: Option<&'a Cursor>,
    ) -> Answer<'a, ChangePage> {
        Box::pin(async move {
            if let Some(cursor) = cursor {
                let mut org = self.inner();
                org.alive()?;
                let lost = || trouble("INVALID_QUERY_LOCATOR", Effect::None);
                let page = org.pages.remove(&cursor.0).ok_or_else(lost)?;
                let (rows, next, at) = page?;
                drop(org);
                self.given(&rows);
                return Ok(ChangePage {
                    total: rows.len() as u64,
                    rows,
                    moved: Vec::new(),
                    next: next.map(Cursor),
                    at,
                });
            }
            let page = self.read("changes", |org, at| org.pages(query, at))?;
            self.given(&page.rows);
            Ok(page)
        })
    }

    fn retrieve<'a>(
        &'a self,
        _: &'a ObjectInfo,
        ids: &'a [CrmId],
        fields: &'a [FieldName],
    ) -> Answer<'a, Retrieved> {
        Box::pin(async move {
            self.read(&format!("retrieve {}", ids.len()), |org, at| {
                let rows = ids.iter().map(|id| {
                    let id = id.to_string();
                    let record = org.lead(&id).ok()?;
                    let shown = !org.not_shown.contains(&id);
                    shown.then(|| org.row(&record, fields))
                });
                Ok(Retrieved {
                    rows: rows.collect(),
                    at,
                })
            })
        })
    }

    fn find<'a>(
        &'a self,
        _: &'a ObjectInfo,
        field: &'a FieldName,
        values: &'a [String],
        fields: &'a [FieldName],
    ) -> Answer<'a, Retrieved> {
        Box::pin(async move {
            self.read(&format!("find {}", values.len()), |org, at| {
                let mut rows = Vec::new();
                for id in org.all_leads() {
                    let record = org.lead(&id).unwrap();
                    let value = record[field.as_str()].as_str().unwrap_or_default();
                    if values.iter().any(|v| v == value) && !org.not_shown.contains(&id) {
                        rows.push(Some(org.row(&record, fields)));
                    }
                }
                if org.switch == Switch::TwinsUnasked && field.as_str() != KEY {
                    rows.truncate(1);
                }
                if field.as_str() == KEY && !rows.is_empty() {
                    org.coverage.met(ADOPTED.to_owned());
                }
                Ok(Retrieved { rows, at })
            })
        })
    }

    fn create<'a>(&'a self, _: WritePermit, _: &'a ObjectInfo, rows: &'a [Fields]) -> Written<'a> {
        Box::pin(async move {
            let keyless = self.inner().switch == Switch::NoKey;
            let without = |fields: &Fields| {
                let mut fields = fields.clone();
                fields.retain(|name, _| !keyless || name.as_str() != KEY);
                One::Create(fields)
            };
            self.overlapping("create", rows.iter().map(without).collect())
                .await
        })
    }

    fn update<'a>(
        &'a self,
        _: WritePermit,
        _: &'a ObjectInfo,
        rows: &'a [UpdateRow],
    ) -> Written<'a> {
        Box::pin(async move {
            let one = |row: &UpdateRow| One::Update(row.id, row.fields.clone(), None);
            self.overlapping("update", rows.iter().map(one).collect())
                .await
        })
    }

    fn update_guarded<'a>(
        &'a self,
        _: WritePermit,
        _: &'a ObjectInfo,
        rows: &'a [GuardedUpdate],
    ) -> Written<'a> {
        Box::pin(async move {
            let one = |row: &GuardedUpdate| {
                One::Update(
                    row.row.id,
                    row.row.fields.clone(),
                    Some(row.unmodified_since),
                )
            };
            self.overlapping("update if", rows.iter().map(one).collect())
                .await
        })
    }

    fn delete<'a>(&'a self, _: WritePermit, ids: &'a [CrmId]) -> Written<'a> {
        Box::pin(async move {
            self.overlapping("delete", ids.iter().map(|id| One::Delete(*id)).collect())
                .await
        })
    }

    fn limits(&self) -> Answer<'_, ApiUsage> {
        Box::pin(async {
            Ok(ApiUsage {
                used: 0,
                max: 100_000,
            })
        })
    }

    fn usage(&self) -> Option<ApiUsage> {
        None
    }

    fn calls(&self) -> u64 {
        0
    }

    fn lane(&self, _: Class) -> Arc<dyn Crm> {
        Arc::new(self.clone())
    }

    fn for_run(&self) -> Arc<dyn Crm> {
        Arc::new(self.clone())
    }

    fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    fn record_url(&self, id: &CrmId) -> String {
        id.to_string()
    }
}
