//! Values of tables as older versions wrote them.
//!
//! Reads only. Invariant: what was kept before there was a setting has its usual value.

mod objects;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

pub(super) use self::objects::object;
use super::{Connection, SavedVersion};
use crate::crm::Identity;
use crate::crm::version::ApiVersion;
use crate::domain::id::{FieldName, ObjectName, PairName, RowId, TableName};
use crate::domain::mapping::{
    AppField, BadFields, Creates, DeletePolicy, FirstLink, Guard, Leaves, Pair, Row, Strategy,
};
use crate::domain::schedule::Schedule;
use crate::store::read_older;

/// A pair of version 1: without a word on fields that are refused.
#[derive(Debug, Deserialize)]
struct First {
    name: PairName,
    object: ObjectName,
    table: TableName,
    app_fields: Vec<AppField>,
    version: u32,
    key_field: Option<FieldName>,
    title: FieldName,
    create_in_app: Creates,
    create_in_crm: Creates,
    on_crm_delete: DeletePolicy,
    on_app_delete: DeletePolicy,
    guard: Guard,
    first_link: FirstLink,
    match_on: Vec<Vec<RowId>>,
    filter: String,
    on_leave: Leaves,
    strategy: Strategy,
    schedule: Schedule,
    rows: Vec<Row>,
}

/// A saved version around it.
#[derive(Debug, Deserialize)]
struct FirstSaved {
    pair: First,
    at: Timestamp,
    changes: Vec<String>,
}

impl From<First> for Pair {
    fn from(first: First) -> Self {
        let First {
            name,
            object,
            table,
            app_fields,
            version,
            key_field,
            title,
            create_in_app,
            create_in_crm,
            on_crm_delete,
            on_app_delete,
            guard,
            first_link,
            match_on,
            filter,
            on_leave,
            strategy,
            schedule,
            rows,
        } = first;
        Self {
            name,
            object,
            table,
            app_fields,
            version,
            key_field,
            title,
            create_in_app,
            create_in_crm,
            on_crm_delete,
            on_app_delete,
            guard,
            first_link,
            match_on,
            filter,
            on_leave,
            strategy,
            schedule,
            rows,
            bad_fields: BadFields::default(),
        }
    }
}

/// A connection of version 1: without a word on the version of the API.
#[derive(Debug, Deserialize)]
struct FirstConnection {
    identity: Option<Identity>,
    checked: Option<Timestamp>,
    described: BTreeMap<ObjectName, Timestamp>,
}

/// The connection as an older version kept it.
pub(super) fn connection(version: u8, bytes: &[u8]) -> Option<Connection> {
    let FirstConnection {
        identity,
        checked,
        described,
    } = match version {
        1 => read_older(bytes)?,
        _ => return None,
    };
    Some(Connection {
        identity,
        checked,
        described,
        version: ApiVersion::default(),
    })
}

/// A pair that an older version kept.
pub(super) fn pair(version: u8, bytes: &[u8]) -> Option<Pair> {
    match version {
        1 => read_older::<First>(bytes).map(Pair::from),
        _ => None,
    }
}

/// A saved version that an older version kept.
pub(super) fn saved(version: u8, bytes: &[u8]) -> Option<SavedVersion> {
    let FirstSaved { pair, at, changes } = match version {
        1 => read_older(bytes)?,
        _ => return None,
    };
    let pair = pair.into();
    Some(SavedVersion { pair, at, changes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::preset;
    use crate::store::written;

    /// The setting is the last thing that is written of a pair, and one byte long.
    fn as_first(pair: &Pair) -> Vec<u8> {
        let mut bytes = written(pair);
        bytes.pop();
        bytes
    }

    #[test]
    fn a_connection_that_was_kept_before_is_read_as_it_was() {
        let kept = Connection {
            checked: Some(Timestamp::UNIX_EPOCH),
            described: BTreeMap::from([("Lead".into(), Timestamp::UNIX_EPOCH)]),
            ..Connection::default()
        };
        let first = (&kept.identity, &kept.checked, &kept.described);
        assert_eq!(connection(1, &written(&first)), Some(kept.clone()));
        assert_eq!(connection(1, &written(&kept)), None);
    }

    #[test]
    fn what_was_kept_before_is_read_as_it_was() {
        for kept in preset::preset("whole-crm").unwrap() {
            assert_eq!(pair(1, &as_first(&kept)), Some(kept.clone()));
            assert_eq!(pair(1, &written(&kept)), None);
            let (at, changes) = (Timestamp::UNIX_EPOCH, vec!["new".to_owned()]);
            let mut bytes = as_first(&kept);
            bytes.extend(written(&(at, &changes)));
            let version = saved(1, &bytes).unwrap();
            assert_eq!((version.pair, version.changes), (kept, changes));
        }
    }
}
