//! Exactly what taking back a run would do, and the go-ahead for it.
//!
//! Reads only what is stored. Invariant: a go-ahead for another content is refused.

use jiff::{SignedDuration, Timestamp};

use crate::crm::{MAX_COLLECTION, MAX_GUARDED, MAX_RETRIEVE};
use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::run::Run;
use crate::domain::schema::ObjectInfo;
use crate::domain::text::some;
use crate::domain::transform::Side;
use crate::engine::command::{Allowance, RecordKey};
use crate::engine::cx::Settings;
use crate::engine::decisions::{Desk, hash_of};
use crate::engine::state::State;
use crate::engine::view::{WriteLine, WritePreview};
use crate::error::{Error, Kind, Result};

use super::automated::Told;
use super::brake::{self, Masses};
use super::children::Children;
use super::list::List;
use super::merged::Old;
use super::overflow::spilled;
use super::plan::{self, Back, Book, CrmBack, Now};
use super::written;

/// Records whose writes are in memory together.
const TOGETHER: usize = 100;

/// What taking back a run would do, as far as is known here: Salesforce is read again before
/// anything is written there.
///
/// # Errors
/// When the run is not known, still works, wrote nothing, or what it replaced is not kept.
pub fn preview(
    state: &State,
    settings: &Settings,
    run: RunId,
    now: Timestamp,
) -> Result<WritePreview> {
    Ok(look(state, settings, run, now)?.0)
}

/// Checks that taking it back would do exactly what was previewed; gives the run's pair.
///
/// # Errors
/// [`Kind::Changed`] when it would do something else, [`Kind::Refused`] when there is nothing, or so
/// much of one kind that it has to be allowed by number.
pub fn confirm(
    state: &State,
    settings: &Settings,
    run: RunId,
    (hash, allow): (u64, &[Allowance]),
    now: Timestamp,
) -> Result<PairName> {
    let (preview, pair, asked) = look(state, settings, run, now)?;
    if preview.hash != hash {
        let what = "what would be put back has changed since the preview; nothing was written";
        return Err(Error::new(Kind::Changed, what).hint("look at the preview again"));
    }
    if preview.decisions == 0 && asked == 0 {
        return Err(Error::new(
            Kind::Refused,
            format!("nothing that run {run} wrote can be put back now"),
        )
        .hint(format!("`syncdeck runs undo {run} --dry-run` says why")));
    }
    brake::allowed(&preview.held, allow)?;
    Ok(pair)
}

/// The run, if it can be taken back at all.
fn known(state: &State, kept: SignedDuration, run: RunId, now: Timestamp) -> Result<Run> {
    let found = state.run(run)?.ok_or_else(|| {
        Error::new(Kind::Usage, format!("there is no run {run}")).hint("`syncdeck runs` lists them")
    })?;
    if !found.state.has_ended() {
        let what = format!("run {run} has not ended");
        return Err(Error::new(Kind::Refused, what).hint("wait for its end, or cancel it"));
    }
    let open = state.intents()?.iter().filter(|i| i.run == run).count();
    if open > 0 {
        let what = format!("it is not known yet what became of {open} writes of run {run}");
        return Err(Error::new(Kind::Refused, what).hint("sync once more, then try again"));
    }
    if written::is_known(state, run)? {
        return Ok(found);
    }
    let old = found
        .ended_at
        .is_some_and(|ended| now.duration_since(ended) > kept);
    let what = match found.counts.pulled + found.counts.pushed {
        0 => format!("run {run} wrote nothing"),
        _ if old => {
            let days = some(kept.as_hours().unsigned_abs() / 24, "day", "days");
            format!("run {run} is too old: what it replaced was kept for {days}")
        }
        _ => format!("what run {run} replaced was not kept"),
    };
    Err(Error::new(Kind::Refused, what))
}

fn look(
    state: &State,
    settings: &Settings,
    run: RunId,
    now: Timestamp,
) -> Result<(WritePreview, PairName, usize)> {
    let found = known(state, settings.kept, run, now)?;
    let desk = Desk::open(state, settings, &found.pair)?;
    let me = state.connection()?.identity.map(|who| who.user_id);
    let list = List::read(state, run)?;
    let children = Children::read(state, &found.pair)?;
    let book = Book {
        undone: run,
        cx: &desk.cx,
        object: &desk.object,
        me: me.as_ref(),
    };
    let mut sum = Sum::default();
    let mut in_crm = 0;
    for part in list.parts(state, TOGETHER) {
        for (id, touched) in part? {
            in_crm += usize::from(touched.is_in_crm());
            // One record at a time, so that a running sync is not kept waiting.
            let tx = state.begin();
            let app = tx.app_record(&desk.cx.pair.pair.table, &id)?;
            let link = tx.link(&found.pair, &id)?;
            let open = tx.open_conflicts(&found.pair, &id)?;
            let crm_id = link.as_ref().and_then(|l| l.crm_id);
            let lines = spilled(&tx, &touched)?;
            let now = Now {
                app: app.as_ref(),
                link: link.as_ref(),
                open: &open,
                old: Old::NotRead,
                spilled: &lines,
                children: children.of(&tx, &id, crm_id.as_ref())?,
            };
            let back = plan::back(book, &touched, now);
            let seen = link.as_ref().and_then(|l| l.seen.as_ref());
            let name = desk.cx.title(app.as_ref(), seen);
            let label = if name.is_empty() { id.as_str() } else { &name };
            sum.automated.add(label, touched.automated.iter());
            sum.add(&found, &id, &name, back);
        }
    }
    let records = u64::try_from(state.counters(&found.pair).records).unwrap_or(0);
    let masses = std::mem::take(&mut sum.masses);
    sum.preview.held = masses.too_many(records, settings.few);
    let named = std::mem::take(&mut sum.automated).sentences();
    sum.preview.automation = automation(run, &desk.object, in_crm, named);
    let preview = sum.whole();
    if preview.decisions == 0 && preview.refused.is_empty() {
        let what = format!("nothing of run {run} is left to put back");
        return Err(Error::new(Kind::Refused, what));
    }
    Ok((preview, found.pair, sum.asked))
}

/// What the org may have done by itself because of a run, as far as that can be known: which of
/// its triggers and flows there are, it tells nobody who only writes records. What came back
/// otherwise than it was written is named.
fn automation(run: RunId, object: &ObjectInfo, records: usize, named: Vec<String>) -> Vec<String> {
    if records == 0 {
        return Vec::new();
    }
    let written = some(records as u64, "record", "records");
    let triggers = match object.triggerable {
        true => "triggers, ",
        false => "",
    };
    let what = match named.is_empty() {
        true => "What they did is",
        false => "What came back otherwise is named below; what else they did is",
    };
    let general = format!(
        "Run {run} wrote {written} of {} in Salesforce, where {triggers}flows, approvals and e-mail \
         rules may have acted on that. {what} not known here and is not taken back; what is put back \
         there may start them again.",
        object.name
    );
    [general].into_iter().chain(named).collect()
}

/// Adds records up.
#[derive(Debug, Default)]
struct Sum {
    preview: WritePreview,
    updates: usize,
    creates: usize,
    deletes: usize,
    asked: usize,
    masses: Masses,
    automated: Told,
}

impl Sum {
    fn add(&mut self, run: &Run, id: &AppId, name: &str, back: Back) {
        self.masses.add(&back);
        let out = &mut self.preview;
        let label = if name.is_empty() { id.as_str() } else { name };
        out.decisions += u32::from(back.writes());
        out.app_records += u32::from(!back.app.is_empty() || back.stand.is_some());
        out.crm_records += u32::from(back.crm.is_some());
        match back.crm {
            Some(CrmBack::Fields(_)) => self.updates += 1,
            Some(CrmBack::Create(_)) => self.creates += 1,
            Some(CrmBack::Delete(_)) => self.deletes += 1,
            None => {}
        }
        self.asked += back.asked.len();
        let acts = back.acts.into_iter().map(|act| format!("{act}: {label}"));
        out.acts.extend(acts);
        for (what, why) in back.left {
            out.refused.push((format!("{label}: {what}"), why));
        }
        let key = || RecordKey {
            pair: run.pair.clone(),
            app_id: id.clone(),
        };
        out.lines
            .extend(back.lines.into_iter().map(|line| WriteLine {
                key: key(),
                name: name.to_owned(),
                to: line.to,
                field: line.field,
                now: line.now,
                after: line.after,
                check: match line.to {
                    Side::App => format!("only if still as run {} wrote it", run.id),
                    Side::Crm => "only if unchanged when it is read again".to_owned(),
                },
                by: format!("run {}", run.id),
            }));
    }

    fn whole(&mut self) -> WritePreview {
        let mut preview = std::mem::take(&mut self.preview);
        let writes = self.updates.div_ceil(MAX_GUARDED)
            + self.creates.div_ceil(MAX_COLLECTION)
            + self.deletes.div_ceil(MAX_COLLECTION);
        let all = self.updates + self.creates + self.deletes;
        // Read before, and once more to confirm.
        let calls = writes + 2 * all.div_ceil(MAX_RETRIEVE);
        preview.api_calls = u32::try_from(calls).unwrap_or(u32::MAX);
        preview.hash = hash_of(&preview);
        preview
    }
}
