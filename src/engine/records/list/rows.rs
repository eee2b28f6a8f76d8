//! A record as a row of a list.
//!
//! Invariant: what a list is searched in is as long as what a screen shows, whatever the rows have.

use super::List;
use crate::domain::filter::Filter;
use crate::domain::id::FieldName;
use crate::domain::record::AppRecord;
use crate::domain::run::Word;
use crate::domain::value::Value;
use crate::engine::command::{RecordKey, Values};
use crate::engine::naming::record_name;
use crate::engine::tables::{EDITS, record_key};
use crate::engine::view::{RecordRow, SHOWN, Staging};
use crate::error::Result;

impl List<'_> {
    pub(super) fn values(columns: &[FieldName], record: &AppRecord) -> Vec<Option<String>> {
        let values = columns.iter().map(|c| record.fields.get(c));
        values
            .map(|value| value.filter(|v| !v.is_null()).map(short))
            .collect()
    }

    /// The cells of a row, and its name.
    fn cells(&self, record: &AppRecord, name: String) -> (Vec<Option<String>>, String) {
        match self.values {
            Values::Shown => {
                let name = name.chars().take(SHOWN).collect();
                (Self::values(&self.shown, record), name)
            }
            Values::Whole => {
                let all = self.shown.iter().map(|c| record.fields.get(c));
                let all = all.map(|value| value.filter(|v| !v.is_null()).map(Value::to_string));
                (all.collect(), name)
            }
        }
    }

    pub(super) fn row(&self, record: &AppRecord) -> Result<RecordRow> {
        let link = self.state.link(&self.pair.name, &record.id)?;
        let name = record_name(
            self.pair,
            Some(record),
            link.as_ref().and_then(|l| l.seen.as_ref()),
        );
        let (values, name) = self.cells(record, name);
        Ok(RecordRow {
            key: RecordKey {
                pair: self.pair.name.clone(),
                app_id: record.id.clone(),
            },
            word: self.holds.word(&record.id, Some(record), link.as_ref())?,
            name,
            values,
            changed: record.updated_at,
            staged: match self
                .state
                .store()
                .contains(&EDITS, &record_key(&self.pair.name, &record.id))?
            {
                true => Staging::Edit,
                false => Staging::Nothing,
            },
        })
    }

    /// The row of a record that is staged and not there yet, if the filter takes it.
    pub(in crate::engine::records) fn imagined(
        &self,
        filter: &Filter,
        record: &AppRecord,
    ) -> Option<RecordRow> {
        let name = record_name(self.pair, Some(record), None);
        self.matches(filter, record, Word::None).then(|| {
            let (values, name) = self.cells(record, name);
            RecordRow {
                key: RecordKey {
                    pair: self.pair.name.clone(),
                    app_id: record.id.clone(),
                },
                word: Word::None,
                name,
                values,
                changed: record.updated_at,
                staged: Staging::New,
            }
        })
    }
}

/// A value as a list shows it.
pub fn short(value: &Value) -> String {
    value.to_string().chars().take(SHOWN).collect()
}
