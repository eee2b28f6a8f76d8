//! Mappings as viewers see them: a version with its problems, a draft on real records, a save.
//!
//! Blocking. Whether a mapping is sound is `domain::check`'s business, what a new version means
//! for linked records is the run's. Invariant: a version is never overwritten, and nothing is
//! saved that `check` fails.

use jiff::Timestamp;

use crate::domain::changes;
use crate::domain::check::{Coverage, Finding, SampleFields, Severity, check, coverage};
use crate::domain::id::PairName;
use crate::domain::mapping::Pair;
use crate::domain::run::Word;
use crate::domain::schema::ObjectInfo;
use crate::domain::text::{nearest, some};
use crate::domain::transform::Side;
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

use super::audit::{Draft, What};
use super::cx::meaning;
use super::filters;
use super::owners;
use super::state::State;
use super::tables::{DRAFTS, RECONSIDER, SavedVersion, VERSIONS};
use super::tx::Durability;
use super::view::{MappingDetail, Problem, VersionRow};

#[cfg(test)]
pub(super) mod fixture;
mod preview;
#[cfg(test)]
mod tests;

pub use preview::preview;

/// Records that a mapping is tried on before it is shown or saved.
const TRIED: usize = 50;
/// Problems that are told when an object changed.
const TOLD: usize = 5;
/// Records in one answer of a query (salesforce-api 4.1).
const PAGE: u64 = 2_000;

/// A pair's mapping: the current one, or an older version.
pub fn mapping(state: &State, name: &PairName, version: Option<u32>) -> Result<MappingDetail> {
    let current = pair(state, name)?;
    let saved = versions(state, name)?;
    let draft = match version {
        None => kept_draft(state, &current)?,
        Some(_) => None,
    };
    let pair = match version {
        Some(version) if version != current.version => saved
            .iter()
            .find(|v| v.pair.version == version)
            .map(|v| v.pair.clone())
            .ok_or_else(|| no_version(name, version, current.version))?,
        _ => current,
    };
    let object = state.object(&pair.object)?;
    Ok(MappingDetail {
        problems: problems(state, &pair, object.as_ref())?,
        coverage: match &object {
            Some(object) => coverage(&pair, object, &preview::app_values(state, &pair)?),
            None => Vec::new(),
        },
        used: preview::used(state, &pair)?,
        versions: saved
            .into_iter()
            .rev()
            .map(|saved| VersionRow {
                version: saved.pair.version,
                at: saved.at,
                changes: saved.changes,
            })
            .collect(),
        object,
        pair,
        draft,
    })
}

fn draft_key(name: &PairName) -> Key {
    Key::new().text(name.as_str())
}

/// The draft that was kept, if it was made from the current version. The schedule is no part of
/// a draft: it may have been set since.
fn kept_draft(state: &State, current: &Pair) -> Result<Option<Pair>> {
    let kept: Option<Pair> = state.store().get(&DRAFTS, &draft_key(&current.name))?;
    Ok(kept
        .filter(|draft| draft.version == current.version)
        .map(|draft| Pair {
            schedule: current.schedule.clone(),
            ..draft
        }))
}

/// Whether staged changes of a mapping are kept.
///
/// # Errors
/// When the store cannot be read.
pub fn has_draft(state: &State, current: &Pair) -> Result<bool> {
    Ok(kept_draft(state, current)?.is_some_and(|draft| draft != *current))
}

/// Keeps staged changes until they are saved, or forgets them.
pub fn keep_draft(state: &State, name: &PairName, draft: Option<&Pair>) -> Result<()> {
    let current = pair(state, name)?;
    let mut tx = state.begin();
    match draft {
        Some(draft) if draft.name == current.name => {
            tx.put(&DRAFTS, &draft_key(name), draft);
        }
        _ => tx.delete(&DRAFTS, &draft_key(name)),
    }
    Ok(tx.commit(Durability::Now)?)
}

/// Whether a draft has fields that the object did not have, or not for us, when it was read last.
///
/// # Errors
/// When the store cannot be read.
pub fn misses_fields(state: &State, draft: &Pair) -> Result<bool> {
    let Some(object) = state.object(&draft.object)? else {
        return Ok(false);
    };
    let mut fields = draft.rows.iter().flat_map(|row| &row.crm);
    Ok(fields.any(|name| object.field(name.as_str()).is_none()))
}

/// Saves a draft as the next version and says which. `draft.version` is the version it was made
/// from. A pair that does not exist yet begins with version 1.
pub fn save(state: &State, mut draft: Pair, person: &str, now: Timestamp) -> Result<u32> {
    let mut tx = state.begin();
    let current = state.pair(&draft.name)?;
    let words = match &current {
        None => vec!["new".to_owned()],
        Some(current) => what_changed(state, current, &draft)?,
    };
    let object = state.object(&draft.object)?;
    refuse_unsound(problems(state, &draft, object.as_ref())?)?;
    draft.version = current.as_ref().map_or(1, |c| c.version + 1);
    if let Some(current) = current {
        // The first version may have come without an entry of its own.
        let key = version_key(&current);
        if !state.store().contains(&VERSIONS, &key)? {
            let entry = SavedVersion {
                pair: current,
                at: now,
                changes: vec!["before the first change".to_owned()],
            };
            tx.put(&VERSIONS, &key, &entry);
        }
    }
    tx.put_pair(&draft);
    tx.put(&RECONSIDER, &Key::new().text(draft.name.as_str()), &());
    let text = format!(
        "{person} saved mapping {} as version {}: {}",
        draft.name,
        draft.version,
        words.join("; ")
    );
    tx.log(now, Word::Info, None, text);
    let text = format!("version {}: {}", draft.version, words.join("; "));
    tx.audit(Draft::new(now, person, What::MappingSaved, text).pair(&draft.name));
    let version = draft.version;
    let entry = SavedVersion {
        at: now,
        changes: words,
        pair: draft,
    };
    tx.put(&VERSIONS, &version_key(&entry.pair), &entry);
    tx.delete(&DRAFTS, &draft_key(&entry.pair.name));
    tx.commit(Durability::Now)?;
    Ok(version)
}

/// A pair, or an error that names the ones there are.
pub fn pair(state: &State, name: &PairName) -> Result<Pair> {
    if let Some(pair) = state.pair(name)? {
        return Ok(pair);
    }
    let known: Vec<PairName> = state.pairs()?.into_iter().map(|p| p.name).collect();
    let error = Error::new(Kind::Usage, format!("there is no pair {name}"));
    let meant = nearest(name.as_str(), known.iter().map(PairName::as_str));
    Err(match (meant, known.is_empty()) {
        (Some(meant), _) => error.hint(format!("did you mean {meant}?")),
        (None, true) => error.hint("load a preset or import a mapping file"),
        (None, false) => {
            let names: Vec<&str> = known.iter().map(PairName::as_str).collect();
            error.hint(format!("pairs: {}", names.join(", ")))
        }
    })
}

fn version_key(pair: &Pair) -> Key {
    Key::new()
        .text(pair.name.as_str())
        .number(u64::from(pair.version))
}

/// Saved versions, oldest first.
fn versions(state: &State, name: &PairName) -> Result<Vec<SavedVersion>> {
    let prefix = Key::new().text(name.as_str());
    let saved: std::result::Result<Vec<_>, _> = state
        .store()
        .scan(&VERSIONS, &prefix)
        .map(|row| row.map(|(_, saved)| saved))
        .collect();
    Ok(saved?)
}

fn no_version(name: &PairName, version: u32, current: u32) -> Error {
    Error::new(
        Kind::Usage,
        format!("the mapping {name} has no version {version}"),
    )
    .hint(format!("its current version is {current}"))
}

fn what_changed(state: &State, current: &Pair, draft: &Pair) -> Result<Vec<String>> {
    if draft.version != current.version {
        return Err(Error::new(
            Kind::Changed,
            format!(
                "the mapping {} is at version {} now, and yours was made from version {}",
                current.name, current.version, draft.version
            ),
        )
        .hint("take back your changes, look at the new version, and make them again"));
    }
    if current == draft {
        return Err(Error::new(
            Kind::Usage,
            format!("the mapping {} would not change", current.name),
        ));
    }
    let moved = current.object != draft.object || current.table != draft.table;
    if moved && state.counters(&current.name).records > 0 {
        return Err(Error::new(
            Kind::Refused,
            format!(
                "{} has records of {} and {}, so neither can be exchanged",
                current.name, current.object, current.table
            ),
        )
        .hint("add a pair of another name for the other object or table"));
    }
    Ok(changes::changes(current, draft))
}

fn refuse_unsound(problems: Vec<Problem>) -> Result<()> {
    let fails: Vec<Problem> = problems
        .into_iter()
        .filter(|p| p.word == Word::Fail)
        .collect();
    let Some(first) = fails.first() else {
        return Ok(());
    };
    let more = match fails.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Err(Error::new(
        Kind::Refused,
        format!("the mapping cannot be saved: {}{more}", first.text),
    )
    .hint(first.fix.clone()))
}

/// What `check` says of a pair, with the described object, the other pairs and real records.
fn problems(state: &State, pair: &Pair, object: Option<&ObjectInfo>) -> Result<Vec<Problem>> {
    let others = state.pairs()?;
    let mut objects = Vec::new();
    for other in &others {
        objects.extend(state.object(&other.object)?);
    }
    let tried: Vec<SampleFields> = preview::real_records(state, pair, TRIED)?
        .into_iter()
        .map(|r| (r.app.map(|a| a.fields), r.seen.map(|s| s.fields)))
        .collect();
    let found = check(pair, object, &others, &objects, &tried);
    let mut found: Vec<Problem> = found.into_iter().map(problem).collect();
    if let Some(object) = object
        && found.iter().all(|known| known.word != Word::Fail)
        && let Err(error) = filters::read(pair, object, &pair.filter)
    {
        found.push(Problem {
            row: None,
            word: Word::Fail,
            text: error.message().to_owned(),
            fix: error.remedy().unwrap_or_default().to_owned(),
        });
    }
    found.extend(owners::problems(state, pair)?);
    if let Some(object) = object {
        let values = preview::app_values(state, pair)?;
        found.extend(owners::queues(state, pair, object, &values)?);
        let all = coverage(pair, object, &values);
        found.extend(all.iter().filter_map(without_place));
    }
    Ok(found)
}

/// Values of the App that a list does not take; those of the list itself are `check`'s.
fn without_place(found: &Coverage) -> Option<Problem> {
    const NAMED: usize = 6;
    if found.from == Side::Crm || found.without.is_empty() {
        return None;
    }
    let Coverage {
        field,
        without,
        lacking,
        ..
    } = found;
    let named = without.iter().take(NAMED).map(String::as_str);
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match lacking.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let values = some(*lacking as u64, "value", "values");
    Some(Problem {
        row: Some(found.row),
        word: Word::Warn,
        text: format!("{values} of the App have no place in {field}: {named}{more}"),
        fix: "give each a place in the map on the way to Salesforce, or * for everything else, or \
              add it to the list there"
            .to_owned(),
    })
}

fn problem(finding: Finding) -> Problem {
    Problem {
        row: finding.row,
        word: match finding.severity {
            Severity::Fail => Word::Fail,
            Severity::Warn => Word::Warn,
        },
        text: finding.text,
        fix: finding.fix,
    }
}

/// Notes what is wrong with a pair since its object is described otherwise (sync-semantics 22).
///
/// # Errors
/// When the store fails.
pub fn look_again(state: &State, pair: &Pair, object: &ObjectInfo, now: Timestamp) -> Result<()> {
    let problems = problems(state, pair, Some(object))?;
    let mut tx = state.begin();
    for problem in problems.iter().take(TOLD) {
        let text = format!("{}: {}: {}", pair.name, problem.text, problem.fix);
        tx.log(now, Word::Warn, None, text);
    }
    match tx.is_empty() {
        true => Ok(()),
        false => Ok(tx.commit(Durability::Soon)?),
    }
}

/// What saving a draft means, in words.
fn after_saving(state: &State, draft: &Pair) -> Result<Vec<String>> {
    let Some(current) = state.pair(&draft.name)? else {
        return Ok(vec!["The next run reads every record.".to_owned()]);
    };
    if current == *draft {
        return Ok(vec!["Nothing is changed.".to_owned()]);
    }
    let mut out = Vec::new();
    let records = u64::try_from(state.counters(&draft.name).records).unwrap_or(0);
    let new_rows = draft.active().filter(|row| {
        let was = current.active().find(|was| was.id == row.id);
        was.is_none_or(|was| meaning(was) != meaning(row))
    });
    let new_rows: Vec<String> = new_rows.map(changes::name).collect();
    out.push(format!(
        "The next run reads all {} again (about {}) and compares them by the new version.",
        some(records, "record", "records"),
        some(records.div_ceil(PAGE).max(1), "API call", "API calls"),
    ));
    if !new_rows.is_empty() {
        out.push(format!(
            "Both sides are compared as at the first link for: {}. Open conflicts of these rows \
             are closed.",
            new_rows.join(", ")
        ));
        out.push("The other rows keep their last agreed values.".to_owned());
    }
    let silent = |row: &&crate::domain::mapping::Row| draft.active().all(|r| r.id != row.id);
    let stopped: Vec<String> = current.active().filter(silent).map(changes::name).collect();
    if !stopped.is_empty() {
        out.push(format!(
            "No longer synced, values stay as they are: {}.",
            stopped.join(", ")
        ));
    }
    let appends = |pair: &Pair| {
        let rows = pair.active();
        rows.filter(|r| r.flow.appends()).count()
    };
    if appends(draft) > appends(&current) {
        out.push("Appended text is never taken back.".to_owned());
    }
    Ok(out)
}
