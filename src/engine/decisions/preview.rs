//! Exactly what writing what is staged would do, and the go-ahead for it.
//!
//! Reads only. Invariant: the hash is of what would be written, and of nothing else; a go-ahead
//! for another content is refused.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::crm::{MAX_COLLECTION, MAX_GUARDED, MAX_RETRIEVE};
use crate::domain::conflict::{Fingerprint, State as Standing};
use crate::domain::id::PairName;
use crate::domain::text::some;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Value};
use crate::engine::command::{RecordKey, WriteScope};
use crate::engine::cx::Settings;
use crate::engine::records::staged;
use crate::engine::restored;
use crate::engine::schedules;
use crate::engine::state::State;
use crate::engine::tables::{OPEN_CONFLICTS, OVERRULES, app_id_of};
use crate::engine::view::{WriteLine, WritePreview};
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

use super::case::{self, Case};
use super::desk::Desks;
use super::outcome::{Resolution, Whole};
use super::resolve::resolve;

/// Why decisions about an org that was left are not written.
const OF_THE_ORG_LEFT: &str = "decided for the org that was left; sign in to the other one and sync, \
                               and what differs there is asked anew";

/// What would be written on both sides, with the number of API calls and a hash of the content.
///
/// # Errors
/// When the store fails, or a pair is gone.
pub fn preview(
    state: &State,
    settings: &Settings,
    scope: &WriteScope,
    now: Timestamp,
) -> Result<WritePreview> {
    Ok(look(state, settings, scope, now)?.0)
}

/// What a confirmed write is to do, each grouped by pair.
#[derive(Debug)]
pub struct Confirmed {
    /// Records whose decisions are written.
    pub decisions: Vec<RecordKey>,
    /// Records whose edits are written.
    pub edits: Vec<RecordKey>,
    /// Pairs whose schedules are set.
    pub schedules: Vec<PairName>,
}

/// Checks that writing would do exactly what was previewed, and says which records to write.
///
/// # Errors
/// [`Kind::Changed`] when it would do something else, [`Kind::Refused`] when there is nothing.
pub fn confirm(
    state: &State,
    settings: &Settings,
    scope: &WriteScope,
    hash: u64,
    now: Timestamp,
) -> Result<Confirmed> {
    let (preview, confirmed) = look(state, settings, scope, now)?;
    if preview.hash != hash {
        let what = "what would be written has changed since the preview; nothing was written";
        return Err(Error::new(Kind::Changed, what).hint("look at the preview again"));
    }
    let Confirmed {
        decisions,
        edits,
        schedules,
    } = &confirmed;
    if decisions.is_empty() && edits.is_empty() && schedules.is_empty() {
        let error = Error::new(Kind::Refused, "nothing is staged that can be written");
        return Err(match preview.refused.into_iter().next() {
            Some((what, why)) => error.hint(format!("{what}: {why}")),
            None => error,
        });
    }
    Ok(confirmed)
}

fn look(
    state: &State,
    settings: &Settings,
    scope: &WriteScope,
    now: Timestamp,
) -> Result<(WritePreview, Confirmed)> {
    let keys = match scope {
        WriteScope::All => with_decisions(state)?,
        WriteScope::Records(keys) => keys.iter().cloned().collect(),
    };
    let left = restored::left(state)?;
    let mut desks = Desks::new(state, settings);
    let mut preview = WritePreview::default();
    let mut calls = Calls::default();
    let mut writes = Vec::new();
    for key in keys {
        let desk = desks.get(&key.pair)?;
        // One record at a time, so that a running sync is not kept waiting.
        let tx = state.begin();
        if state.open_intent(&key.pair, &key.app_id)?.is_some() {
            continue;
        }
        let Some(case) = case::load(&tx, &desk.cx, &key, now)? else {
            continue;
        };
        if !case.has_decisions() {
            continue;
        }
        if left.contains(&key.pair) {
            refuse_left(&mut preview, &key.pair);
            continue;
        }
        let resolution = resolve(&tx, &desk.cx, &desk.object, &case, now)?;
        if add(&mut preview, &case, &resolution) == Adds::Something {
            calls.count(&key.pair, &resolution);
            writes.push(key);
        }
    }
    let edits = staged::preview(state, scope, &writes, &mut preview)?;
    let schedules = match scope {
        WriteScope::All => schedules::staged::preview(state, &mut preview)?,
        WriteScope::Records(_) => Vec::new(),
    };
    preview.api_calls = calls.total();
    preview.hash = hash(&preview);
    preview.records = writes.iter().chain(&edits).cloned().collect();
    let confirmed = Confirmed {
        decisions: writes,
        edits,
        schedules,
    };
    Ok((preview, confirmed))
}

/// Decisions of a pair whose org was left are about values of that org; told once.
fn refuse_left(preview: &mut WritePreview, pair: &PairName) {
    let told = |(of, _): &(String, String)| of == pair.as_str();
    if !preview.refused.iter().any(told) {
        let of = pair.as_str().to_owned();
        preview.refused.push((of, OF_THE_ORG_LEFT.to_owned()));
    }
}

/// What writing would do to one record.
pub fn of(case: &Case, resolution: &Resolution) -> WritePreview {
    let mut preview = WritePreview::default();
    let mut calls = Calls::default();
    if add(&mut preview, case, resolution) == Adds::Something {
        calls.count(&case.key.pair, resolution);
    }
    preview.api_calls = calls.total();
    preview.hash = hash(&preview);
    preview
}

/// Records with staged decisions, by pair.
fn with_decisions(state: &State) -> Result<BTreeSet<RecordKey>> {
    let mut keys = BTreeSet::new();
    for pair in state.pairs()? {
        if state.counters(&pair.name).staged <= 0 {
            continue;
        }
        let prefix = Key::new().text(pair.name.as_str());
        for row in state.store().scan(&OPEN_CONFLICTS, &prefix) {
            let (key, ids) = row?;
            for id in ids {
                let waits = state
                    .conflict(id)?
                    .is_some_and(|c| c.staged.is_some() && c.state == Standing::Pending);
                if waits {
                    keys.extend(record_of(&pair.name, &key));
                    break;
                }
            }
        }
        for key in state.store().keys(&OVERRULES, &prefix) {
            keys.extend(record_of(&pair.name, &key?));
        }
    }
    Ok(keys)
}

/// The record that a key of (pair, App id) names.
fn record_of(pair: &PairName, key: &[u8]) -> Option<RecordKey> {
    Some(RecordKey {
        pair: pair.clone(),
        app_id: app_id_of(key)?,
    })
}

/// Whether a record adds to a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Adds {
    /// It will be written.
    Something,
    /// Nothing of it can be.
    Nothing,
}

/// Adds what would be written for one record.
fn add(preview: &mut WritePreview, case: &Case, resolution: &Resolution) -> Adds {
    for refusal in &resolution.refused {
        let what = format!("{}: {}", case.name, refusal.label);
        preview.refused.push((what, refusal.why.clone()));
    }
    if resolution.decisions == 0 {
        return Adds::Nothing;
    }
    preview.decisions += resolution.decisions;
    let (mut app, mut crm) = (0, 0);
    for row in &resolution.rows {
        for side in [Side::Crm, Side::App] {
            if !row.changes(side) {
                continue;
            }
            let (now, after, check) = match side {
                Side::Crm => (&row.crm_now, &row.after.crm, crm_check(case)),
                Side::App => (&row.app_now, &row.after.app, app_check(case)),
            };
            match side {
                Side::Crm => crm = 1,
                Side::App => app = 1,
            }
            preview.lines.push(WriteLine {
                key: case.key.clone(),
                name: case.name.clone(),
                to: side,
                field: row.row.row.label(side),
                now: now.clone(),
                after: after.clone(),
                check,
                by: row.by.words().to_owned(),
            });
        }
    }
    if let Some((_, whole)) = &resolution.whole {
        preview.acts.push(act(case, whole));
        match whole {
            Whole::CreateInCrm(_) | Whole::DeleteInCrm(_) => crm = 1,
            Whole::DeleteBoth(_) | Whole::BringBack(_) => (app, crm) = (1, 1),
            Whole::DeleteInApp | Whole::RestoreInApp(..) | Whole::LinkTo(_) => app = 1,
        }
    }
    preview.app_records += app;
    preview.crm_records += crm;
    Adds::Something
}

fn crm_check(case: &Case) -> String {
    match &case.seen {
        Some(seen) => format!("only if not changed since {}", seen.modified),
        None => String::new(),
    }
}

fn app_check(case: &Case) -> String {
    match &case.app {
        Some(app) => format!("only if still at revision {}", app.rev),
        None => String::new(),
    }
}

/// What happens to the record, in words.
fn act(case: &Case, whole: &Whole) -> String {
    let name = &case.name;
    match whole {
        Whole::CreateInCrm(fields) => {
            let fields = some(fields.len() as u64, "field", "fields");
            format!("create in Salesforce with {fields}: {name}")
        }
        Whole::DeleteInCrm(id) => format!("delete in Salesforce: {name} ({id})"),
        Whole::DeleteBoth(id) => {
            format!("delete in Salesforce, and mark as deleted in the App: {name} ({id})")
        }
        Whole::BringBack(fields) => {
            let fields = some(fields.len() as u64, "field", "fields");
            format!("bring back in the App, and create in Salesforce with {fields}: {name}")
        }
        Whole::DeleteInApp => format!("mark as deleted in the App: {name}"),
        Whole::RestoreInApp(..) => format!("bring back in the App as Salesforce has it: {name}"),
        Whole::LinkTo(seen) => {
            format!("link with Salesforce record {}: {name}", seen.id)
        }
    }
}

/// Hash of what would be written. Revisions and times that only guard it are not part of it.
pub fn hash(preview: &WritePreview) -> u64 {
    let mut flat = Cell::new();
    let text = |t: &str| Value::Text(t.to_owned());
    for line in &preview.lines {
        flat.push(text(line.key.pair.as_str()));
        flat.push(text(line.key.app_id.as_str()));
        flat.push(Value::Bool(line.to == Side::Crm));
        flat.push(text(&line.field));
        flat.extend(line.now.iter().cloned());
        flat.push(Value::Null);
        flat.extend(line.after.iter().cloned());
    }
    flat.extend(preview.acts.iter().map(|a| text(a)));
    flat.push(Value::Number(preview.decisions.into()));
    flat.push(Value::Number(preview.edits.into()));
    for line in &preview.schedules {
        flat.push(text(line.pair.as_str()));
        flat.push(text(&line.now.to_string()));
        flat.push(text(&line.after.to_string()));
    }
    Fingerprint::of(None, Some(&flat), None).0
}

/// API calls by pair: each kind of write goes in batches of its own.
#[derive(Debug, Default)]
struct Calls {
    pairs: BTreeMap<PairName, (usize, usize, usize)>,
}

impl Calls {
    fn count(&mut self, pair: &PairName, resolution: &Resolution) {
        let (updates, creates, deletes) = self.pairs.entry(pair.clone()).or_default();
        match &resolution.whole {
            Some((_, Whole::CreateInCrm(_) | Whole::BringBack(_))) => *creates += 1,
            Some((_, Whole::DeleteInCrm(_) | Whole::DeleteBoth(_))) => *deletes += 1,
            Some(_) => {}
            None if resolution.push().is_empty() => {}
            None => *updates += 1,
        }
    }

    /// Writes, and the read that confirms them.
    fn total(&self) -> u32 {
        let calls: usize = self
            .pairs
            .values()
            .map(|(updates, creates, deletes)| {
                updates.div_ceil(MAX_GUARDED)
                    + creates.div_ceil(MAX_COLLECTION)
                    + deletes.div_ceil(MAX_COLLECTION)
                    + (updates + creates).div_ceil(MAX_RETRIEVE)
            })
            .sum();
        u32::try_from(calls).unwrap_or(u32::MAX)
    }
}
