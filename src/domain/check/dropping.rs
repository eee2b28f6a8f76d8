//! Checks of fields that are left out because Salesforce refuses them (sync-semantics 9.2).

use super::Checker;
use crate::domain::filter::Filter;
use crate::domain::id::FieldName;
use crate::domain::mapping::{BadFields, Creates, Row};
use crate::domain::transform::Side;

impl Checker<'_> {
    /// A record that is made without a field by which it is found, or told to belong to the pair, is
    /// made a second time, or lost sight of.
    pub(super) fn bad_fields(&mut self) {
        let pair = self.pair;
        if pair.bad_fields == BadFields::Hold {
            return;
        }
        let writes = |row: &&Row| row.flow.writes(Side::Crm);
        if !pair.active().any(|row| writes(&row)) {
            return self.warn(
                None,
                "drop_bad_fields is \"on\", and no row writes to Salesforce",
                "leave drop_bad_fields out",
            );
        }
        if pair.create_in_crm == Creates::Off || pair.key_field.is_none() {
            return;
        }
        let filter: Option<Filter> = pair.filter.parse().ok();
        let asked = filter.as_ref().map(Filter::fields).unwrap_or_default();
        let matched = |row: &Row| pair.match_on.iter().flatten().any(|id| *id == row.id);
        let filtered = |row: &Row| {
            row.crm
                .iter()
                .any(|f| asked.iter().any(|a| *a == f.as_str()))
        };
        let found: Vec<(&Row, &str)> = pair
            .active()
            .filter(writes)
            .filter_map(|row| match (matched(row), filtered(row)) {
                (true, _) => Some((row, "records are matched by it")),
                (false, true) => Some((row, "the filter asks for it")),
                (false, false) => None,
            })
            .collect();
        for (row, why) in found {
            let names: Vec<&str> = row.crm.iter().map(FieldName::as_str).collect();
            let text = format!(
                "new records may be made without {}, as drop_bad_fields is \"on\", and {why}",
                names.join(" + ")
            );
            let fix = "leave drop_bad_fields out, or do without this row there";
            self.warn(Some(row), text, fix);
        }
    }
}
