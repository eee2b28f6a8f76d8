//! Rows with more columns than a query can name: read group by group and put together again
//! (sync-semantics 4.2).
//!
//! Knows no window and no mapping. Invariant: all columns of a row that is given are of one
//! version of the record; a row whose groups differ in their stamps is read again.

use jiff::Timestamp;

use super::super::error::{CrmError, Effect, ErrorClass};
use super::super::{ChangePage, ChangeQuery, CrmRow, Cursor, MAX_RETRIEVE, Retrieved};
use super::query::Scope;
use super::rows::Plan;
use super::{Salesforce, soql};
use crate::domain::id::{CrmId, FieldName};
use crate::domain::schema::ObjectInfo;

/// Times records that change while they are read are read again.
const ROUNDS: usize = 5;

impl Salesforce {
    /// The columns to read, in as many groups as queries need.
    pub(super) fn plans(&self, object: &ObjectInfo, fields: &[FieldName]) -> Vec<Plan> {
        Plan::groups(object, fields, self.longest_select)
    }

    /// A page of a window.
    pub(super) async fn change_page(
        &self,
        query: &ChangeQuery,
        cursor: Option<&Cursor>,
    ) -> Result<ChangePage, CrmError> {
        let plans = self.plans(&query.object, &query.fields);
        let Some((plan, others)) = plans.split_first() else {
            return Err(moving(0));
        };
        let (page, at) = match cursor {
            Some(cursor) => self.next_page(plan, &cursor.0).await?,
            None => {
                let select = soql::select(&query.object, plan.columns())?;
                let soql = select + &soql::window(query);
                self.first_page(plan, Scope::All, &soql).await?
            }
        };
        let (rows, moved) = match others.is_empty() {
            true => (page.rows, Vec::new()),
            false => self.complete(&query.object, page.rows, &plans).await?,
        };
        Ok(ChangePage {
            rows,
            moved,
            next: page.next.map(Cursor),
            total: page.total,
            at,
        })
    }

    /// Reads the other columns of a page. Gives the rows that are as the page has them, and those
    /// that changed meanwhile, read anew. One that cannot be read by id any more is left out: what
    /// became of it is newer than the page.
    async fn complete(
        &self,
        object: &ObjectInfo,
        page: Vec<CrmRow>,
        plans: &[Plan],
    ) -> Result<(Vec<CrmRow>, Vec<CrmRow>), CrmError> {
        let (mut rows, mut changed) = (Vec::with_capacity(page.len()), Vec::new());
        let mut page = page.into_iter();
        loop {
            let some: Vec<CrmRow> = page.by_ref().take(MAX_RETRIEVE).collect();
            if some.is_empty() {
                break;
            }
            let ids: Vec<CrmId> = some.iter().map(|row| row.id).collect();
            let mut parts: Vec<Option<CrmRow>> = some.into_iter().map(Some).collect();
            let others = plans.get(1..).unwrap_or_default();
            self.add_columns(object, &ids, others, &mut parts).await?;
            for (part, id) in parts.into_iter().zip(ids) {
                match part {
                    Some(row) => rows.push(row),
                    None => changed.push(id),
                }
            }
        }
        let mut moved = Vec::new();
        for ids in changed.chunks(MAX_RETRIEVE) {
            let again = self.read_groups(object, ids, plans).await?;
            moved.extend(again.rows.into_iter().flatten());
        }
        Ok((rows, moved))
    }

    /// Reads records by id, all columns of one version.
    pub(super) async fn retrieve_rows(
        &self,
        object: &ObjectInfo,
        ids: &[CrmId],
        fields: &[FieldName],
    ) -> Result<Retrieved, CrmError> {
        let plans = self.plans(object, fields);
        match &plans[..] {
            [plan] => self.retrieve_by(object, ids, plan).await,
            plans => self.read_groups(object, ids, plans).await,
        }
    }

    /// Finds records by a field: which they are first, then their columns.
    pub(super) async fn find_wide(
        &self,
        object: &ObjectInfo,
        field: &FieldName,
        values: &[String],
        plans: &[Plan],
    ) -> Result<Retrieved, CrmError> {
        let bare = Plan::new(object, &[]);
        let found = self.find_by(object, field, values, &bare).await?;
        let ids: Vec<CrmId> = found.rows.iter().flatten().map(|row| row.id).collect();
        let mut rows = Vec::with_capacity(ids.len());
        for ids in ids.chunks(MAX_RETRIEVE) {
            rows.extend(self.read_groups(object, ids, plans).await?.rows);
        }
        rows.retain(Option::is_some);
        Ok(Retrieved { rows, at: found.at })
    }

    async fn read_groups(
        &self,
        object: &ObjectInfo,
        ids: &[CrmId],
        plans: &[Plan],
    ) -> Result<Retrieved, CrmError> {
        let Some((first, others)) = plans.split_first() else {
            return Err(moving(ids.len()));
        };
        let mut rows: Vec<Option<CrmRow>> = vec![None; ids.len()];
        let mut left: Vec<usize> = (0..ids.len()).collect();
        let mut began: Option<Timestamp> = None;
        for _ in 0..ROUNDS {
            let asked: Vec<CrmId> = left.iter().filter_map(|at| ids.get(*at)).copied().collect();
            let got = self.retrieve_by(object, &asked, first).await?;
            let at = *began.get_or_insert(got.at);
            let missing: Vec<bool> = got.rows.iter().map(Option::is_none).collect();
            let mut parts = got.rows;
            self.add_columns(object, &asked, others, &mut parts).await?;
            let mut again = Vec::new();
            for ((place, part), missing) in left.into_iter().zip(parts).zip(missing) {
                match (part, rows.get_mut(place)) {
                    (Some(row), Some(slot)) => *slot = Some(row),
                    (None, _) if !missing => again.push(place),
                    // Not readable from the first column on.
                    _ => {}
                }
            }
            left = again;
            if left.is_empty() {
                return Ok(Retrieved { rows, at });
            }
        }
        Err(moving(left.len()))
    }

    /// Adds the columns of the other plans to rows; one that has changed since becomes `None`.
    async fn add_columns(
        &self,
        object: &ObjectInfo,
        ids: &[CrmId],
        others: &[Plan],
        parts: &mut [Option<CrmRow>],
    ) -> Result<(), CrmError> {
        for plan in others {
            let got = self.retrieve_by(object, ids, plan).await?;
            for (part, more) in parts.iter_mut().zip(got.rows) {
                let joined = part
                    .take()
                    .zip(more)
                    .and_then(|(row, more)| join(row, more));
                *part = joined;
            }
        }
        Ok(())
    }
}

/// A row with the columns of another group of the same version.
fn join(mut row: CrmRow, more: CrmRow) -> Option<CrmRow> {
    let version = |row: &CrmRow| (row.id, row.stamp, row.modified, row.presence);
    if version(&row) != version(&more) {
        return None;
    }
    row.fields.extend(more.fields);
    Some(row)
}

fn moving(records: usize) -> CrmError {
    CrmError {
        class: ErrorClass::TransientCall,
        code: "keeps_changing".to_owned(),
        message: format!("{records} records changed each time all of their fields were read"),
        fields: Box::default(),
        record: None,
        status: None,
        request: String::new(),
        effect: Effect::None,
    }
}
