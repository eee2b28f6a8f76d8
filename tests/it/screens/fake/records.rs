//! Records of the scripted engine: how they are listed, found, shown and edited, and how they go.

use super::*;

impl Fake {
    pub(super) fn record_page(&self, pair: PairName, filter: &str) -> RecordPage {
        let all = self.people.len() as u64;
        let held = self.states.values().any(|state| state.starts_with("held"));
        // Of every record the same fields are held.
        let fits = |id: &str| id.contains(filter) || (filter == "held:yes" && held);
        let rows: Vec<RecordRow> = self
            .people
            .iter()
            .filter(|(id, _)| fits(id))
            .map(|(id, fields)| RecordRow {
                key: data::key(pair.as_str(), id),
                word: if id == "ada" { Word::Conf } else { Word::Ok },
                name: name_of(id),
                values: ["email", "title"]
                    .map(|f| fields.get(f).filter(|v| !v.is_null()).map(Value::to_string))
                    .to_vec(),
                changed: data::at("13:58:02"),
                staged: match self.edits.contains_key(id) {
                    true => Staging::Edit,
                    false => Staging::Nothing,
                },
            })
            .collect();
        let new = self.edits.iter().filter(|(_, edit)| edit.base == Base::New);
        let new = new.map(|(id, _)| RecordRow {
            key: data::key(pair.as_str(), id),
            word: Word::None,
            name: name_of(id),
            values: vec![None, None],
            changed: data::now(),
            staged: Staging::New,
        });
        let rows = new.chain(rows).collect();
        RecordPage {
            pair,
            columns: vec!["email".into(), "title".into()],
            part: part(rows),
            all,
            filter_error: filter
                .contains('(')
                .then(|| "at character 1: a closing bracket is missing".into()),
            sort_error: None,
        }
    }

    pub(super) fn search(&self, text: String) -> SearchView {
        let holds = |it: &str| it.to_lowercase().contains(&text.to_lowercase());
        let found: Vec<RecordHit> = self
            .people
            .iter()
            .filter(|(id, _)| holds(&name_of(id)))
            .map(|(id, fields)| RecordHit {
                key: data::key("people", id),
                name: name_of(id),
                object: "Contact".into(),
                word: if id == "ada" { Word::Conf } else { Word::Ok },
                found: fields["email"].to_string(),
            })
            .collect();
        let mut view = figures::found(text.clone());
        view.records.total = found.len() as u64;
        view.records.rows = found;
        view
    }

    pub(super) fn record(&self, app: &AppId) -> Option<RecordDetail> {
        let staged = self.edits.get(app.as_str());
        let person = self.people.iter().find(|(id, _)| id == app.as_str());
        if person.is_none() && staged.is_none() {
            return None;
        }
        let id = app.as_str();
        let fields = person.map(|(_, fields)| fields.clone());
        let shown = |name: &str| fields.as_ref()?.get(name).cloned().map(|v| vec![v]);
        Some(RecordDetail {
            staged: staged.cloned(),
            key: data::key("people", id),
            name: name_of(id),
            word: if id == "ada" { Word::Conf } else { Word::Ok },
            app: fields.clone().map(|fields| AppRecord {
                id: app.clone(),
                table: "people".into(),
                rev: self.rev,
                fields,
                changed_at: BTreeMap::new(),
                changed_by: "jo".into(),
                typed_by: BTreeMap::new(),
                created_at: data::at("09:00:00"),
                updated_at: data::at("13:58:02"),
                presence: Presence::Live,
                sync_key: None,
            }),
            link: self.linked.get(id).map(|crm| {
                let state = self.stands.get(id).cloned();
                Link {
                    state: state.unwrap_or(LinkState::Active),
                    ..forms::link(id, *crm)
                }
            }),
            pair: forms::handing_over(&self.pair),
            fields: ["email", "title", "phone"]
                .into_iter()
                .zip([2u16, 4, 3])
                .map(|(name, row)| RecordField {
                    row: RowId(row),
                    app_label: name.into(),
                    crm_label: name.to_uppercase(),
                    app: shown(name),
                    crm: shown(name),
                    held: self
                        .states
                        .get(name)
                        .filter(|state| state.starts_with("held"))
                        .map(|_| HeldFrom::Decision),
                    state: self.states.get(name).map_or("same", String::as_str).into(),
                    staged: staged
                        .and_then(|edit| edit.fields.get(&FieldName::new(name)).cloned())
                        .map(|value| vec![value]),
                })
                .collect(),
            failure: None,
            url: Some("https://acme.my.salesforce.example/0035g00000AdaQ1".into()),
            history: Vec::new(),
        })
    }

    /// Fields whose state says that they are held: in the App something was put back.
    pub(super) fn held_fields(&self, filter: &HeldFilter) -> Vec<HeldRow> {
        let details = filter.records.iter();
        let details = details.filter_map(|key| self.record(&key.app_id));
        let fields = details.flat_map(|detail| {
            let of = (detail.key, detail.name);
            detail.fields.into_iter().map(move |f| (of.clone(), f))
        });
        let asked = |label: &str| filter.field.as_ref().is_none_or(|f| f == label);
        fields
            .filter(|(_, field)| field.held.is_some() && asked(&field.app_label))
            .map(|((key, name), field)| HeldRow {
                key,
                name,
                row: field.row,
                app_label: field.app_label,
                crm_label: field.crm_label,
                app: field.app,
                crm: Some(vec!["as in Salesforce".into()]),
                put_back: Side::App,
                run: RunId(8840),
                by: RunId(8841),
            })
            .collect()
    }

    pub(super) fn form(
        &self,
        pair: PairName,
        app_id: Option<AppId>,
    ) -> Result<RecordFormView, Error> {
        let id = app_id.as_ref().map_or("", AppId::as_str);
        if self.deleted.iter().any(|d| d == id) {
            return Err(Error::new(Kind::Changed, "the record was deleted by jo"));
        }
        let person = self.people.iter().find(|(known, _)| known == id);
        let fields = forms::specs(&self.pair)
            .into_iter()
            .map(|spec| FormField {
                value: person
                    .and_then(|(_, fields)| fields.get(&spec.name).cloned())
                    .unwrap_or_default(),
                spec,
            })
            .collect();
        Ok(RecordFormView {
            pair,
            table: "people".into(),
            name: name_of(id),
            rev: app_id.as_ref().map_or(0, |_| self.rev),
            app_id: app_id.clone(),
            changed_by: "jo".into(),
            fields,
            owner: Some("owner".into()),
            status: Some("status".into()),
            typed: self.forms.get(id).cloned(),
            staged: self.edits.get(id).cloned(),
        })
    }

    pub(super) fn preview_delete(&self, pair: PairName, records: Vec<AppId>) -> Reply {
        let (here, gone): (Vec<AppId>, Vec<AppId>) = records
            .into_iter()
            .partition(|id| self.people.iter().any(|(known, _)| known == id.as_str()));
        Reply::DeletePreview(Box::new(DeletePreview {
            pair,
            policy: DeletePolicy::Propagate,
            linked: here.len() as u64 - 1,
            names: here.iter().take(3).map(|id| name_of(id.as_str())).collect(),
            records: here.into_iter().map(|id| (id, self.rev)).collect(),
            refused: gone
                .into_iter()
                .map(|app_id| Refused {
                    app_id,
                    why: "it is gone already".into(),
                })
                .collect(),
        }))
    }

    pub(super) fn pinned(&self, pair: PairName, records: Vec<AppId>) -> Reply {
        let (here, gone): (Vec<AppId>, Vec<AppId>) = records
            .into_iter()
            .partition(|id| !self.deleted.iter().any(|d| d == id.as_str()));
        let refused = gone.into_iter().map(|app_id| Refused {
            app_id,
            why: "it is gone already".into(),
        });
        Reply::Pinned(Box::new(Pinned {
            pair,
            refused: refused.collect(),
            records: here.into_iter().map(|id| (id, self.rev)).collect(),
        }))
    }

    pub(super) fn deletes(&mut self, records: Vec<(AppId, u64)>) -> Reply {
        let mut acted = Acted::default();
        for (app_id, rev) in records {
            let id = app_id.as_str();
            if self.moving.iter().any(|m| m == id) {
                let why = "the record changed meanwhile: jo changed it".into();
                acted.refused.push(Refused { app_id, why });
                continue;
            }
            let at = self.people.iter().position(|(known, _)| known == id);
            self.removed.push(self.people.remove(at.unwrap()));
            acted.done.push((app_id, rev + 1));
        }
        Reply::Acted(acted)
    }

    pub(super) fn restores(&mut self, records: Vec<(AppId, u64)>) -> Reply {
        let mut acted = Acted::default();
        for (app_id, rev) in records {
            let is = |(known, _): &(String, Fields)| known == app_id.as_str();
            let at = self.removed.iter().position(is);
            self.people.push(self.removed.remove(at.unwrap()));
            acted.done.push((app_id, rev + 1));
        }
        Reply::Acted(acted)
    }
}
