//! Opening a profile's store, putting its first mappings in, setting schedules, and backing it up.
//!
//! Knows neither settings files nor where the key comes from. Invariant: a mapping that is there
//! is never written over here.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::audit::{Draft, What};
use super::mappings;
use super::restored;
use super::state::State;
use super::tables::{MISSED, PAIRS, SCHEMA, SWITCHES, SavedVersion, VERSIONS};
use super::tx::{Durability, Tx};
use crate::domain::id::PairName;
use crate::domain::mapping::Pair;
use crate::domain::run::Word;
use crate::domain::schedule::Schedule;
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;
use crate::store::{Exported, Options, SealError, Sealer, Store};
use crate::vault::DataKey;

/// Where a profile's data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Directory of the store.
    pub store: PathBuf,
    /// Directory of the automatic backups.
    pub backups: PathBuf,
}

/// The data key as the store wants it.
#[derive(Debug)]
pub struct Sealed(pub DataKey);

impl Sealer for Sealed {
    fn seal(&self, table: &str, key: &[u8], plain: &[u8]) -> Vec<u8> {
        self.0.seal(table, key, plain)
    }

    fn open(
        &self,
        table: &str,
        key: &[u8],
        sealed: &[u8],
    ) -> std::result::Result<Vec<u8>, SealError> {
        self.0.open(table, key, sealed).map_err(|_| SealError)
    }
}

/// Opens the store and the engine's state over it; pairs of one that was put back are stopped. `purpose` is what another process is told
/// that finds it in use. Blocking; can take seconds after a crash.
///
/// # Errors
/// In use, damaged, newer, full, or sealed with another key.
pub fn open(places: &Places, key: DataKey, purpose: &str, cache_bytes: u64) -> Result<Arc<State>> {
    let mut options = Options::new(&places.store, purpose);
    options.cache_bytes = cache_bytes;
    options.schema = SCHEMA;
    let store = Store::open(&options, Arc::new(Sealed(key)))?;
    let state = State::open(store)?;
    restored::stop(&state)?;
    Ok(Arc::new(state))
}

/// Puts the pairs that are not there yet in, as version 1, all in one commit. Gives their names.
/// Blocking.
///
/// # Errors
/// The store cannot be read or written.
pub fn install(state: &State, pairs: Vec<Pair>, now: Timestamp) -> Result<Vec<PairName>> {
    let mut tx = state.begin();
    let mut installed = Vec::new();
    for mut pair in pairs {
        if state.pair(&pair.name)?.is_some() || installed.contains(&pair.name) {
            continue;
        }
        pair.version = 1;
        let name = Key::new().text(pair.name.as_str());
        tx.put(&PAIRS, &name, &pair);
        tx.audit(Draft::engine(now, What::Installed, "version 1").pair(&pair.name));
        installed.push(pair.name.clone());
        let first = SavedVersion {
            pair,
            at: now,
            changes: vec!["first version".to_owned()],
        };
        tx.put(&VERSIONS, &name.number(1), &first);
    }
    if !tx.is_empty() {
        tx.commit(Durability::Now)?;
    }
    Ok(installed)
}

/// Sets when a pair runs; the next time is counted from `now`. A schedule is not part of what a
/// mapping means: it makes no new version. Blocking.
///
/// # Errors
/// No such pair; the store cannot be read or written.
pub fn set_schedule(
    state: &State,
    name: &PairName,
    schedule: Schedule,
    by: &str,
    now: Timestamp,
) -> Result<()> {
    let mut tx = state.begin();
    let pair = mappings::pair(state, name)?;
    put_schedule(state, &mut tx, pair, schedule, (by, now))?;
    Ok(tx.commit(Durability::Now)?)
}

/// The same for one pair in a transaction that has nothing else of this table of switches.
pub(super) fn put_schedule(
    state: &State,
    tx: &mut Tx<'_>,
    mut pair: Pair,
    schedule: Schedule,
    (by, now): (&str, Timestamp),
) -> Result<()> {
    pair.schedule = schedule;
    tx.put_pair(&pair);
    let name = &pair.name;
    let mut switches = state.switches()?;
    switches.set_mark(name, now);
    tx.put(&SWITCHES, &[], &switches);
    tx.delete(&MISSED, &Key::new().text(name.as_str()));
    let when = pair.schedule.words();
    tx.audit(Draft::new(now, by, What::ScheduleSet, when.as_str()).pair(name));
    let text = format!("{name} runs {when}, set by {by}");
    tx.log(now, Word::Info, None, text);
    Ok(())
}

/// How long a backup is good.
const BACKUP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether the newest backup is a day old, or there is none. A backup from the future (the clock
/// was set back) counts as none. Blocking.
///
/// # Errors
/// The directory cannot be read.
pub fn backup_is_due(places: &Places, now: Timestamp) -> Result<bool> {
    let newest = newest_backup(&places.backups).map_err(|error| {
        let dir = places.backups.display();
        Error::new(
            Kind::Store,
            format!("cannot look for backups in {dir}: {error}"),
        )
        .hint("check the permissions of the directory")
    })?;
    Ok(newest.is_none_or(|at| {
        let age = SystemTime::from(now).duration_since(at);
        age.is_err() || age.is_ok_and(|age| age >= BACKUP_EVERY)
    }))
}

fn newest_backup(dir: &Path) -> std::io::Result<Option<SystemTime>> {
    let mut newest = None;
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.path().extension().is_some_and(|ext| ext == "backup") {
            newest = newest.max(Some(entry.metadata()?.modified()?));
        }
    }
    Ok(newest)
}

/// Makes a backup and removes all but the newest `keep`. Values that do not open are left out and
/// named. It opens with the profile's own vault only. Blocking, about as long as reading the store.
///
/// # Errors
/// The disk is full or cannot be written.
pub fn backup(state: &State, places: &Places, keep: NonZeroUsize) -> Result<(PathBuf, Exported)> {
    Ok(state.store().backup(&places.backups, keep)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::KEY_BYTES;

    fn key(byte: u8) -> DataKey {
        DataKey::from_bytes([byte; KEY_BYTES]).unwrap()
    }

    fn places(dir: &Path) -> Places {
        Places {
            store: dir.join("store"),
            backups: dir.join("backups"),
        }
    }

    fn pair(name: &str, version: u32) -> Pair {
        Pair {
            version,
            ..crate::engine::session::tests::pair(name, "Lead")
        }
    }

    #[test]
    fn a_mapping_is_put_in_once_and_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let now = Timestamp::UNIX_EPOCH;
        let state = open(&places, key(1), "test", 16 << 20).unwrap();
        let put = install(&state, vec![pair("leads", 7), pair("people", 1)], now).unwrap();
        assert_eq!(put.len(), 2);
        let leads = PairName::new("leads");
        assert_eq!(state.pair(&leads).unwrap().unwrap().version, 1);

        let mut other = pair("leads", 1);
        other.table = "elsewhere".into();
        assert!(install(&state, vec![other], now).unwrap().is_empty());
        assert_eq!(state.pair(&leads).unwrap().unwrap().table.as_str(), "leads");
        let versions = state.store().keys(&VERSIONS, &Key::new().text("leads"));
        assert_eq!(versions.count(), 1);
    }

    #[test]
    fn the_wrong_key_does_not_open_it() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        drop(open(&places, key(1), "test", 16 << 20).unwrap());
        let error = open(&places, key(2), "test", 16 << 20).unwrap_err();
        assert_eq!(error.kind(), Kind::Vault);
    }

    #[test]
    fn a_backup_is_due_once_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let state = open(&places, key(1), "test", 16 << 20).unwrap();
        let now = Timestamp::now();
        let due = |hours: i64| {
            let at = now + jiff::SignedDuration::from_hours(hours);
            backup_is_due(&places, at).unwrap()
        };
        assert!(due(0));
        backup(&state, &places, NonZeroUsize::MIN).unwrap();
        assert!(!due(1));
        assert!(due(25));
        assert!(due(-48));
    }
}
