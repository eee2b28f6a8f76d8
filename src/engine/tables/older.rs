//! Values of tables as older versions wrote them.
//!
//! Reads only. Invariant: what was kept before there was a setting has its usual value.

mod objects;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(super) use self::objects::object;
use super::{Connection, Restored, SavedVersion};
use crate::crm::Identity;
use crate::crm::version::ApiVersion;
use crate::domain::id::{ConflictId, FieldName, ObjectName, PairName, RowId, TableName};
use crate::domain::mapping::{
    AppField, BadFields, Converts, Creates, DeletePolicy, FirstLink, Guard, Leaves, Overflow, Pair,
    Row, Strategy,
};
use crate::domain::schedule::Schedule;
use crate::engine::view::Anew;
use crate::store::read_older;

/// What version 1 wrote of a pair. A setting that came later has its usual value.
#[derive(Deserialize)]
#[serde(remote = "Pair")]
struct Written {
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
    #[serde(skip)]
    bad_fields: BadFields,
    #[serde(skip)]
    on_convert: Converts,
    #[serde(skip)]
    overflow: Option<Overflow>,
}

/// A pair of version 1: without a word on fields that are refused.
#[derive(Deserialize)]
struct First(#[serde(with = "Written")] Pair);

/// A pair of version 2: without a word on converted leads.
#[derive(Deserialize)]
struct Second {
    first: First,
    bad_fields: BadFields,
}

/// A pair of version 3: without a word on lines that find no room.
#[derive(Deserialize)]
struct Third {
    second: Second,
    on_convert: Converts,
}

/// A saved version around a pair.
#[derive(Deserialize)]
struct Saved<P> {
    pair: P,
    at: Timestamp,
    changes: Vec<String>,
}

impl From<First> for Pair {
    fn from(First(pair): First) -> Self {
        pair
    }
}

impl From<Second> for Pair {
    fn from(Second { first, bad_fields }: Second) -> Self {
        Self {
            bad_fields,
            ..first.into()
        }
    }
}

impl From<Third> for Pair {
    fn from(Third { second, on_convert }: Third) -> Self {
        Self {
            on_convert,
            ..second.into()
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

/// A stage of version 1: it did not say which questions were asked then.
#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
enum FirstRestored {
    Leaves(Anew),
    Waits,
    Compares,
    Asks,
}

/// How far a pair was that an older version compared anew.
pub(super) fn restored(version: u8, bytes: &[u8]) -> Option<Restored> {
    let first = match version {
        1 => read_older(bytes)?,
        _ => return None,
    };
    Some(match first {
        FirstRestored::Leaves(how) => Restored::Leaves(how),
        FirstRestored::Waits => Restored::Waits,
        FirstRestored::Compares => Restored::Compares,
        // All that are open, as it was then.
        FirstRestored::Asks => Restored::Asks(ConflictId(u64::MAX)),
    })
}

/// A pair that an older version kept.
pub(super) fn pair(version: u8, bytes: &[u8]) -> Option<Pair> {
    match version {
        1 => read_older::<First>(bytes).map(Pair::from),
        2 => read_older::<Second>(bytes).map(Pair::from),
        3 => read_older::<Third>(bytes).map(Pair::from),
        _ => None,
    }
}

/// A saved version that an older version kept.
pub(super) fn saved(version: u8, bytes: &[u8]) -> Option<SavedVersion> {
    match version {
        1 => saved_with::<First>(bytes),
        2 => saved_with::<Second>(bytes),
        3 => saved_with::<Third>(bytes),
        _ => None,
    }
}

fn saved_with<P: DeserializeOwned + Into<Pair>>(bytes: &[u8]) -> Option<SavedVersion> {
    let Saved { pair, at, changes } = read_older::<Saved<P>>(bytes)?;
    let pair = pair.into();
    Some(SavedVersion { pair, at, changes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::preset;
    use crate::store::written;

    /// Settings that came later are the last things that are written of a pair, one byte long each.
    fn without(pair: &Pair, settings: usize) -> Vec<u8> {
        let mut bytes = written(pair);
        bytes.truncate(bytes.len() - settings);
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
    fn a_pair_that_was_careful_before_waits_for_all_that_is_asked() {
        let all = ConflictId(u64::MAX);
        for (first, now) in [
            (
                FirstRestored::Leaves(Anew::ByRules),
                Restored::Leaves(Anew::ByRules),
            ),
            (FirstRestored::Waits, Restored::Waits),
            (FirstRestored::Compares, Restored::Compares),
            (FirstRestored::Asks, Restored::Asks(all)),
        ] {
            assert_eq!(restored(1, &written(&first)), Some(now));
        }
    }

    #[test]
    fn what_was_kept_before_is_read_as_it_was() {
        for kept in preset::preset("whole-crm").unwrap() {
            let dropping = Pair {
                bad_fields: BadFields::Drop,
                ..kept.clone()
            };
            let following = Pair {
                on_convert: Converts::Follow,
                ..dropping.clone()
            };
            for (number, kept, lacks) in [(1, &kept, 3), (2, &dropping, 2), (3, &following, 1)] {
                let older = without(kept, lacks);
                assert_eq!(pair(number, &older), Some(kept.clone()));
                assert_eq!(pair(number, &written(kept)), None);
                let (at, changes) = (Timestamp::UNIX_EPOCH, vec!["new".to_owned()]);
                let mut bytes = older;
                bytes.extend(written(&(at, &changes)));
                let version = saved(number, &bytes).unwrap();
                assert_eq!((&version.pair, version.changes), (kept, changes));
            }
        }
    }
}
