//! What a record is called for people.
//!
//! It reads values only and never asks a system. Invariant: every record has a name, at worst its id.

use crate::domain::id::FieldName;
use crate::domain::mapping::Pair;
use crate::domain::record::{AppRecord, Observation};
use crate::domain::value::Value;

/// Name of a record for people: its title field, or what the CRM calls it, or its id. A person whose
/// title is the last name has the first name before it, where that is mapped.
pub fn record_name(pair: &Pair, app: Option<&AppRecord>, seen: Option<&Observation>) -> String {
    let title = pair.rows.iter().find(|r| r.app.contains(&pair.title));
    let first = title
        .filter(|row| row.crm.iter().any(|f| f.as_str() == "LastName"))
        .and_then(|_| {
            let first = |f: &FieldName| f.as_str() == "FirstName";
            let row = pair.rows.iter().find(|r| r.crm.iter().any(first))?;
            row.app.first()
        })
        .filter(|first| **first != pair.title);
    let joined = |values: &mut dyn Iterator<Item = Option<&Value>>| {
        let parts: Vec<String> = values
            .flatten()
            .map(ToString::to_string)
            .filter(|part| !part.is_empty())
            .collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    let app_title = || {
        let app = app?;
        let mut fields = first.into_iter().chain([&pair.title]);
        joined(&mut fields.by_ref().map(|f| app.fields.get(f)))
    };
    let crm_title = || {
        let (seen, row) = (seen?, title?);
        let first = first.and(Some("FirstName")).map(FieldName::from);
        let mut fields = first.iter().chain(&row.crm);
        joined(&mut fields.by_ref().map(|f| seen.fields.get(f)))
    };
    app_title()
        .or_else(crm_title)
        .or_else(|| seen.map(|s| s.id.to_string()))
        .or_else(|| app.map(|a| a.id.to_string()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::id::AppId;
    use crate::domain::preset::preset;
    use crate::domain::record::Presence;

    fn called(object: &str, fields: &[(&str, &str)]) -> String {
        let pairs = preset("whole-crm").unwrap();
        let pair = pairs.iter().find(|p| p.object.as_str() == object).unwrap();
        let fields = fields
            .iter()
            .map(|(f, v)| (FieldName::from(*f), Value::text(*v)));
        let at = Timestamp::UNIX_EPOCH;
        let app = AppRecord {
            id: AppId::new("a1"),
            table: pair.table.clone(),
            rev: 1,
            fields: fields.collect(),
            changed_at: BTreeMap::new(),
            changed_by: "a person".into(),
            typed_by: BTreeMap::new(),
            created_at: at,
            updated_at: at,
            presence: Presence::Live,
            sync_key: None,
        };
        record_name(pair, Some(&app), None)
    }

    #[test]
    fn a_person_has_both_names_and_anything_else_its_title() {
        let both = [("first_name", "Xin"), ("last_name", "Evans")];
        assert_eq!(called("Contact", &both), "Xin Evans");
        assert_eq!(called("Contact", &both[1..]), "Evans");
        assert_eq!(called("Contact", &[]), "a1");
        assert_eq!(called("Account", &[("name", "Acme")]), "Acme");
    }
}
