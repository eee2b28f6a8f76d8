//! What needs a person: each thing with its cause in words, and where Enter puts it right.
//!
//! Reads only, and little: of refused records a few are opened, whatever their number. Invariant:
//! what is worst comes first, and one cause is one line.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::crm::salesforce::API_VERSION;
use crate::crm::version::ApiVersion;
use crate::domain::conflict::TO_DECIDE;
use crate::domain::id::PairName;
use crate::domain::mapping::{Pair, Strategy};
use crate::domain::mass::{Held, Mass};
use crate::domain::run::{Run, RunState, Word};
use crate::domain::text::{grouped, some};
use crate::error::Result;
use crate::store::keys::Key;

use super::drifted;
use super::left_out::{self, LeftOut};
use super::overview::Runs;
use super::state::State;
use super::summary::{Attention, ConnectionRow, Helps, Next, PairRow, Rests, Summary, Target};
use super::tables::{OPEN_CONFLICTS, QUARANTINE, Switches, app_id_of};
use super::undo::{Holding, Seen};
use super::unreachable;

mod addresses;

/// Refused records that are opened to say why.
const LOOKED_AT: usize = 20;
/// Records whose conflicts are opened to say how many are decided, at most.
const OPENED: u64 = 100;
/// Share of the org's calls, in per cent, from which on it is told.
const MANY_CALLS: u64 = 70;
/// What runs fail with while the connection does not work.
const OF_THE_CONNECTION: [&str; 7] = [
    "sign_in_over",
    "INVALID_SESSION_ID",
    "invalid_grant",
    "auth",
    "unreachable",
    "resting",
    "network",
];

/// What was read for the summary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) state: &'a State,
    pub(super) pairs: &'a [Pair],
    pub(super) switches: &'a Switches,
    pub(super) runs: &'a Runs,
    pub(super) held: &'a [(PairName, Held)],
    /// Fields that are held since runs were taken back.
    pub(super) holds: &'a [(PairName, Holding)],
    /// Pairs whose mapping has changes that are not saved.
    pub(super) drafts: &'a [&'a PairName],
    /// By how much the org's clock is ahead of ours, if it is too much.
    pub(super) clock_fault: Option<SignedDuration>,
    pub(super) now: Timestamp,
}

/// The list, worst first.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn list(known: Known<'_>, summary: &Summary) -> Result<Vec<Attention>> {
    let down = summary.connections.iter().any(|c| c.trouble.is_some());
    let works = !down && summary.connections.iter().any(|c| c.word != Word::None);
    let waits = |run: &Run| down && is_of_connection(run);
    let waiting = summary.pairs.iter().filter(|pair| {
        let run = known.runs.last.get(&pair.name);
        run.is_some_and(waits)
    });
    let waiting = waiting.count() as u64;
    let connections = summary.connections.iter();
    let mut all: Vec<_> = connections
        .filter_map(|it| connection(it, waiting))
        .collect();
    for pair in &summary.pairs {
        let Some(run) = known.runs.last.get(&pair.name) else {
            continue;
        };
        if is_of_connection(run) && works {
            all.push(missed(pair, run));
        } else if !waits(run) {
            all.extend(ended(pair, run));
        }
        if pair.failing > 0 {
            all.push(refused(known, pair, run)?);
        }
        all.extend(not_shown(known, pair, run)?);
    }
    for pair in known.pairs {
        all.extend(left_out(pair, &left_out::of(known.state, &pair.name)?));
        all.extend(
            drifted::found(known.state, &pair.name)?.map(|(_, found)| drift(&pair.name, found)),
        );
    }
    all.extend(known.held.iter().map(held));
    all.extend(known.holds.iter().map(holds));
    all.extend(summary.pairs.iter().filter_map(|pair| rests(known, pair)));
    all.extend(conflicts(known, summary)?);
    if summary.staged > 0 {
        let decisions = some(summary.staged, "decision is", "decisions are");
        let text = format!("{decisions} made and not written");
        all.push(item(Word::Ready, text, "write", Target::Conflicts));
    }
    if summary.edits > 0 {
        let edits = some(summary.edits, "edit is", "edits are");
        let text = format!("{edits} made and not written");
        all.push(item(Word::Ready, text, "write", Target::Write));
    }
    if summary.schedules > 0 {
        let schedules = some(summary.schedules, "schedule is", "schedules are");
        let text = format!("{schedules} changed and not written");
        all.push(item(Word::Ready, text, "write", Target::Write));
    }
    all.extend(known.drafts.iter().copied().map(draft));
    all.extend(known.clock_fault.map(clock));
    all.extend(not_by_time(known));
    all.extend(known.state.audit_fault().map(|broken| {
        let text = format!("{broken}; `syncdeck audit verify` looks at all of it");
        item(Word::Fail, text, "check all", Target::Audit)
    }));
    all.extend(stuck(known));
    if summary.paused {
        let text = "paused: nothing starts by schedule; p on the Overview goes on".to_owned();
        all.push(item(Word::Hold, text, "see schedules", Target::Schedule));
    }
    all.sort_by_key(|it| rank(it.word));
    Ok(all)
}

fn item(word: Word, text: String, hint: &str, target: Target) -> Attention {
    Attention {
        word,
        text,
        hint: hint.to_owned(),
        target,
        pair: None,
    }
}

fn of_pair(pair: &PairName, item: Attention) -> Attention {
    Attention {
        pair: Some(pair.clone()),
        ..item
    }
}

/// Broken, stopped by a rule, for a person to decide, to be looked at, the rest.
fn rank(word: Word) -> u8 {
    match word {
        Word::Fail => 0,
        Word::Hold => 1,
        Word::Conf | Word::Del => 2,
        Word::Warn => 3,
        _ => 4,
    }
}

fn is_of_connection(run: &Run) -> bool {
    let code = run.failure.as_ref().map_or("", |f| f.code.as_str());
    run.state == RunState::Failed && OF_THE_CONNECTION.contains(&code)
}

fn connection(row: &ConnectionRow, waiting: u64) -> Option<Attention> {
    let system = &row.system;
    if let Some(trouble) = &row.trouble {
        let syncs = match waiting {
            0 => String::new(),
            n => format!(", {} for it", some(n, "sync waits", "syncs wait")),
        };
        let text = format!("{system}: {}{syncs}: {}", trouble.what, trouble.why);
        let (hint, target) = match trouble.helps {
            Helps::SigningIn => ("sign in", Target::SignIn),
            Helps::Checking => ("see why", Target::Trouble),
        };
        return Some(item(row.word, text, hint, target));
    }
    if row.word == Word::None {
        let text = format!("{system}: nobody is signed in");
        return Some(item(Word::Warn, text, "sign in", Target::SignIn));
    }
    if let ApiVersion::Retiring(said) = &row.version {
        let text = format!("{system}: it works still, but Salesforce says: {said}. {API_VERSION}");
        return Some(item(Word::Warn, text, "see why", Target::Trouble));
    }
    let (used, all) = row.api.filter(|(_, all)| *all > 0)?;
    let share = used.saturating_mul(100) / all;
    let budget = row.budget.as_deref().unwrap_or_default();
    (share >= MANY_CALLS).then(|| {
        let text = format!("{system}: {share}% of the API calls of 24 hours are used; {budget}");
        item(Word::Warn, text, "limits", Target::Limits)
    })
}

/// A last run that did not come to its end.
fn ended(pair: &PairRow, run: &Run) -> Option<Attention> {
    let (name, failure) = (&pair.name, run.failure.as_ref());
    let what = failure.map_or("the run failed", |f| f.what.as_str());
    let (word, text, hint) = match run.state {
        RunState::Failed => (Word::Fail, format!("{name}: {what}"), "see why"),
        RunState::PutOff => {
            let text = format!("{name}: the last run was put off: {what}");
            let fix = failure.map_or("", |f| f.fix.as_str());
            (Word::Wait, said(text, fix), "see why")
        }
        RunState::Interrupted => {
            let text = format!("{name}: the last run was interrupted; sync goes on");
            (Word::Warn, text, "see run")
        }
        _ => return None,
    };
    Some(of_pair(name, item(word, text, hint, Target::Run(run.id))))
}

/// A last run that found no connection, which works again: nobody has to sign in once more.
fn missed(pair: &PairRow, run: &Run) -> Attention {
    let name = &pair.name;
    let what = run.failure.as_ref().map_or("it failed", |f| &f.what);
    let text =
        format!("{name}: the last run ended early: {what}. The connection works again: sync");
    of_pair(name, item(Word::Warn, text, "see run", Target::Run(run.id)))
}

/// With what helps as a sentence of its own.
fn said(text: String, fix: &str) -> String {
    match fix {
        "" => text,
        fix => format!("{text}. {fix}"),
    }
}

/// Records in quarantine, with what the first of them says.
fn refused(known: Known<'_>, pair: &PairRow, last: &Run) -> Result<Attention> {
    let prefix = Key::new().text(pair.name.as_str());
    let of = known.pairs.iter().find(|of| of.name == pair.name);
    let rows = known.state.store().scan(&QUARANTINE, &prefix);
    let mut says: Vec<String> = Vec::new();
    for row in rows.take(LOOKED_AT) {
        let (key, refused) = row?;
        let Some((of, id)) = of.zip(app_id_of(&key)) else {
            continue;
        };
        let what = addresses::without(&refused.failure, known.state, of, &id)?;
        if !says.contains(&what) {
            says.push(what);
        }
    }
    let records = some(pair.failing, "record is", "records are");
    let why = match says.as_slice() {
        [] => String::new(),
        [one] => format!(": {one}"),
        [first, ..] => format!(" for different reasons, one says: {first}"),
    };
    let text = format!("{}: {records} refused{why}", pair.name);
    let run = known.runs.refused.get(&pair.name).copied();
    let target = Target::Run(run.unwrap_or(last.id));
    Ok(of_pair(
        &pair.name,
        item(Word::Fail, text, "see errors", target),
    ))
}

/// Linked records that did not answer for several runs (rule R17).
fn not_shown(known: Known<'_>, pair: &PairRow, last: &Run) -> Result<Option<Attention>> {
    let Some((number, since, first)) = unreachable::told_of(known.state, &pair.name)? else {
        return Ok(None);
    };
    let records = some(number, "record is", "records are");
    let text = format!(
        "{}: {records} not shown by Salesforce, {first} since {}: the sync user may not see them \
         any more, or they were removed for good. Nothing is written to them until it may, or a \
         comparison of all ids finds that they are gone",
        pair.name,
        since.strftime("%Y-%m-%d %H:%M UTC"),
    );
    let item = item(Word::Warn, text, "see run", Target::Run(last.id));
    Ok(Some(of_pair(&pair.name, item)))
}

/// Rows, and new records, that Salesforce stands in the way of.
fn left_out(pair: &Pair, all: &[LeftOut]) -> Option<Attention> {
    let first = all.first()?;
    let (name, so) = (&pair.name, first.so(pair));
    let rows = all.iter().skip(1).filter_map(|other| other.row);
    let others: Vec<String> = rows.map(|row| left_out::label(pair, row)).collect();
    let others = match others.as_slice() {
        [] => String::new(),
        others => format!(", and so are others: {}", others.join(", ")),
    };
    let text = format!("{name}: {so}{others}. {}", first.fix());
    let target = Target::Mapping(name.clone(), first.row);
    Some(of_pair(name, item(Word::Warn, text, "see mapping", target)))
}

/// Records that differ although nothing moved.
fn drift(pair: &PairName, found: usize) -> Attention {
    let records = drifted::so_many(found);
    let text = format!(
        "{pair}: in {records} both sides differ, though neither changed since they agreed. \
         `syncdeck drift repair {pair}` puts that right"
    );
    let target = Target::Drift(pair.clone());
    of_pair(pair, item(Word::Warn, text, "put right", target))
}

fn held((pair, held): &(PairName, Held)) -> Attention {
    let target = Target::Held(pair.clone(), Box::new(held.clone()));
    let text = format!("{pair}: {held}");
    of_pair(pair, item(Word::Hold, text, "decide", target))
}

/// Fields that were put back on one side, and that nobody has carried over or let go yet.
fn holds((pair, found): &(PairName, Holding)) -> Attention {
    let fields = some(found.fields, "field is", "fields are");
    let least = match found.seen {
        Seen::All => "",
        Seen::Part => "at least ",
    };
    let text = format!(
        "{pair}: {least}{fields} held since a run was taken back: the other side keeps its value. \
         `held:yes` in Records or `syncdeck held list` shows them; P in Records ends it"
    );
    of_pair(
        pair,
        item(
            Word::Info,
            text,
            "see records",
            Target::HeldRecords(pair.clone()),
        ),
    )
}

/// Rules that rest, unless the pair itself does: then what is held says how it goes on.
fn rests(known: Known<'_>, pair: &PairRow) -> Option<Attention> {
    let name = &pair.name;
    let mut held = known.held.iter();
    let is_held = held.any(|(of, held)| of == name && held.what == Mass::Restored);
    let works = matches!(pair.next, Next::Now | Next::Queued);
    let until = match pair.rests? {
        Rests::Compared if is_held || works => return None,
        Rests::Compared => {
            let text = format!(
                "{name}: no rule decides until everything was compared; sync goes on with it"
            );
            let target = pair
                .last
                .map_or(Target::Schedule, |run| Target::Run(run.id));
            return Some(of_pair(name, item(Word::Warn, text, "see run", target)));
        }
        // The next run finds that all is answered.
        Rests::Answered(Some(0)) => return None,
        Rests::Answered(Some(1)) => "1 question of its comparison is answered".to_owned(),
        Rests::Answered(Some(n)) => format!(
            "{} of its comparison are answered",
            some(n, "question", "questions")
        ),
        Rests::Answered(None) => "the questions of its comparison are answered".to_owned(),
    };
    let text = format!("{name}: no rule decides until {until}");
    Some(of_pair(
        name,
        item(Word::Conf, text, "decide", Target::Conflicts),
    ))
}

fn conflicts(known: Known<'_>, summary: &Summary) -> Result<Option<Attention>> {
    if summary.open_conflicts == 0 {
        return Ok(None);
    }
    let open = look(known, summary)?;
    let decided = match open.decided {
        0 => String::new(),
        all if all == summary.open_conflicts => ", all decided".to_owned(),
        some => format!(", {} decided", grouped(some)),
    };
    let pairs = summary.pairs.iter().filter(|p| p.open_conflicts > 0);
    let by_pair: Vec<String> = pairs
        .map(|p| format!("{} {}", p.name, p.open_conflicts))
        .collect();
    let by_pair = by_pair.join(", ");
    let found = open
        .found
        .iter()
        .enumerate()
        .map(|(at, (what, n))| match at {
            0 => format!("{} {what}", some(*n, "record", "records")),
            _ => format!("{} {what}", grouped(*n)),
        });
    let found: Vec<String> = found.collect();
    let text = format!("{}{decided}: {by_pair}", found.join("; "));
    let item = item(Word::Conf, text, "decide", Target::Conflicts);
    Ok(Some(item))
}

/// Records with open conflicts.
struct Open {
    /// How many, by what was found of them.
    found: BTreeMap<&'static str, u64>,
    /// Those that are all decided and not written.
    decided: u64,
}

/// Looks at the records with open conflicts; where there are too many, only their number is told.
fn look(known: Known<'_>, summary: &Summary) -> Result<Open> {
    let mut open = Open {
        found: BTreeMap::new(),
        decided: 0,
    };
    if summary.open_conflicts > OPENED {
        open.found.insert(TO_DECIDE, summary.open_conflicts);
        return Ok(open);
    }
    for row in known.state.store().scan(&OPEN_CONFLICTS, &[]) {
        let mut conflicts = Vec::new();
        for id in row?.1 {
            conflicts.extend(known.state.conflict(id)?);
        }
        let whole = conflicts.iter().find(|conflict| conflict.row.is_none());
        let found = whole.or(conflicts.first());
        let what = found.map_or(TO_DECIDE, |conflict| conflict.kind.of_records());
        *open.found.entry(what).or_default() += 1;
        let all = conflicts.iter().all(|conflict| conflict.staged.is_some());
        open.decided += u64::from(all);
    }
    if open.found.is_empty() {
        open.found.insert(TO_DECIDE, summary.open_conflicts);
    }
    Ok(open)
}

fn draft(pair: &PairName) -> Attention {
    let text = format!("{pair}: changes of the mapping are staged and not saved");
    let target = Target::Mapping(pair.clone(), None);
    of_pair(pair, item(Word::Ready, text, "save", target))
}

/// A clock that is wrong makes sign-ins fail in ways that nobody can guess.
fn clock(ahead: SignedDuration) -> Attention {
    let minutes = some(ahead.abs().as_mins().unsigned_abs(), "minute", "minutes");
    let how = match ahead.is_positive() {
        true => "behind",
        false => "ahead of",
    };
    let text = format!(
        "the clock of this machine is {minutes} {how} that of Salesforce: sign-ins fail by it"
    );
    item(Word::Warn, text, "check again", Target::Trouble)
}

/// Rules that decide by time while a clock cannot be trusted (sync-semantics 13.5).
fn not_by_time(known: Known<'_>) -> Option<Attention> {
    let by_time = |pair: &Pair| {
        let rows = pair.active();
        let mut rules = rows.map(|row| row.strategy.under(pair.strategy));
        rules.any(Strategy::is_by_time)
    };
    let mut pairs = known.pairs.iter().filter(|pair| by_time(pair));
    let first = pairs
        .next()
        .filter(|_| known.state.clocks_are_distrusted())?;
    let text = "a clock was set, here or in Salesforce: what the rule `newest` would decide waits \
                for a person, until three answers agree on the time";
    let target = Target::Mapping(first.name.clone(), None);
    Some(item(Word::Warn, text.to_owned(), "see rules", target))
}

/// Schedules that start nothing although they say when.
fn stuck(known: Known<'_>) -> impl Iterator<Item = Attention> {
    known.pairs.iter().filter_map(move |pair| {
        let mark = known.switches.mark(&pair.name)?;
        let why = pair.schedule.stuck(mark, known.now)?;
        let text = format!("{}: {why}", pair.name);
        let item = item(Word::Warn, text, "see schedules", Target::Schedule);
        Some(of_pair(&pair.name, item))
    })
}
