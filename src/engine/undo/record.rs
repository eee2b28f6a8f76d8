//! One record of a run that is taken back: the App's half at once, the CRM's half as an intent.
//!
//! Invariant: what is put back is held. The base becomes what both sides have then, so that no
//! later sync writes it again until a side changes; a side that moved before keeps its move.

use crate::appdb::{Author, Change, Expect};
use crate::domain::conflict::{Conflict, Kind};
use crate::domain::id::{AppId, SyncKey};
use crate::domain::reconcile::{CompiledRow, canon_cell, canon_of};
use crate::domain::record::{
    AppRecord, BasePair, Link, LinkState, Observation, Presence, Standing,
};
use crate::domain::run::{LogLine, RecordResult, ResultKind, Word};
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Fields, Value};
use crate::engine::conflicts::{self, Sides};
use crate::engine::ingest::new_link;
use crate::engine::journal;
use crate::engine::planner::{self, Write};
use crate::engine::tables::{Agreed, Intent, Op, UNLINKED, record_key};
use crate::engine::tx::Tx;
use crate::engine::work::{Step, Work};

use super::merged::Old;
use super::overflow::{spilled, turn};
use super::plan::{self, Back, Book, CrmBack, Now};
use super::work::Undo;
use super::written::{End, Touched};

/// What became of a record.
#[derive(Debug)]
pub(super) enum Planned {
    /// There is nothing to wait for.
    Done,
    /// To be sent once the transaction is durable.
    Send(Box<Intent>),
    /// The observation is too fresh to guard a write.
    Read,
}

impl Work {
    /// Takes back one record: the App in this transaction, the CRM by an intent.
    pub(super) fn take_back_one(
        &mut self,
        tx: &mut Tx<'_>,
        undo: &Undo,
        id: &AppId,
        touched: &Touched,
    ) -> Step<Planned> {
        let name = self.cx.name().clone();
        if tx.state().open_intent(&name, id)?.is_some() {
            self.put_off(tx, id, "an earlier write is still being checked")?;
            return Ok(Planned::Done);
        }
        let app = tx.app_record(&self.cx.pair.pair.table, id)?;
        let link = tx.link(&name, id)?;
        let open = tx.open_conflicts(&name, id)?;
        let crm_id = link.as_ref().and_then(|l| l.crm_id);
        let book = Book {
            undone: undo.run,
            cx: &self.cx,
            object: &self.object,
            me: undo.me.as_ref(),
        };
        let now_old = undo.old(tx, self, touched)?;
        let lines = spilled(tx, touched)?;
        let now = Now {
            app: app.as_ref(),
            link: link.as_ref(),
            open: &open,
            children: undo.children.of(tx, id, crm_id.as_ref())?,
            old: now_old,
            spilled: &lines,
        };
        let back = plan::back(book, touched, now);
        let seen = link.as_ref().and_then(|l| l.seen.as_ref());
        let guarded = matches!(back.crm, Some(CrmBack::Fields(_)));
        if guarded && seen.is_some_and(|s| self.unsettled(s)) {
            return Ok(Planned::Read);
        }
        let title = self.cx.title(app.as_ref(), seen);
        let link = link.unwrap_or_else(|| new_link(&self.cx, id));
        self.ask(tx, undo, &link, app.as_ref(), &back)?;
        let app = self.app_back(tx, app, &back)?;
        let link = self.link_back(tx, link, app.as_ref(), &back)?;
        let link = match now_old {
            Old::Back(seen) if back.relink.is_some() => self.relink(tx, link, seen)?,
            _ => link,
        };
        turn(tx, (self.run.id, id), lines, &back.turns, self.now())?;
        if let Some(old) = &back.awaits {
            self.await_back(tx, &link, old);
        }
        let intent = match &back.crm {
            None => None,
            Some(crm) => Some(self.crm_back(tx, link, app.as_ref(), crm, &title)?),
        };
        let result = RecordResult {
            run: self.run.id,
            app_id: id.clone(),
            crm_id,
            name: title,
            kind: ResultKind::Applied,
            did: in_words(&back),
            failure: None,
            tries: 1,
        };
        self.report(tx, result, &back, intent.as_ref())?;
        Ok(intent.map_or(Planned::Done, |intent| Planned::Send(Box::new(intent))))
    }

    fn unsettled(&self, seen: &Observation) -> bool {
        seen.seen_at < seen.stamp.max(seen.modified) + self.cx.settings.settle
    }

    /// Values that somebody changed since become conflicts, and stay.
    fn ask(
        &self,
        tx: &mut Tx<'_>,
        undo: &Undo,
        link: &Link,
        app: Option<&AppRecord>,
        back: &Back,
    ) -> Step<()> {
        let now = self.now();
        for asked in &back.asked {
            let row = self.cx.pair.rows.iter().find(|r| r.row.id == asked.row);
            let Some(row) = row else { continue };
            let sides = Sides {
                app,
                seen: link.seen.as_ref(),
            };
            let fresh = conflicts::of_row(tx, &self.cx, link, row, sides, now);
            let kind = Kind::Rollback {
                run: undo.run,
                side: asked.side,
                before: asked.before.clone(),
                after: asked.after.clone(),
            };
            conflicts::open(tx, Conflict { kind, ..fresh }, now)?;
        }
        Ok(())
    }

    /// The App's half, by compare-and-set.
    fn app_back(
        &self,
        tx: &mut Tx<'_>,
        app: Option<AppRecord>,
        back: &Back,
    ) -> Step<Option<AppRecord>> {
        let changes = !back.app.is_empty() || back.stand.is_some();
        let app = match app {
            Some(app) if changes => app,
            app => return Ok(app),
        };
        let change = Change {
            table: app.table.clone(),
            id: app.id.clone(),
            expect: Expect::Rev(app.rev),
            fields: back.app.clone(),
            presence: back.stand.unwrap_or(app.presence),
            sync_key: None,
            by: Author::Run(self.run.id),
            at: self.now(),
        };
        let record = tx.change_app(self.cx.name(), &change);
        Ok(Some(record.map_err(planner::from_app)?))
    }

    /// Holds what was put back in the App, and sets how the two belong together.
    fn link_back(
        &self,
        tx: &mut Tx<'_>,
        mut link: Link,
        app: Option<&AppRecord>,
        back: &Back,
    ) -> Step<Link> {
        let before = link.clone();
        let ours = |row: &&CompiledRow| row.row.app.iter().any(|f| back.app.contains_key(f));
        for row in self.cx.pair.rows.iter().filter(ours) {
            let side = |side| self.standing(row, side, &link, app);
            let (Some(app), Some(crm)) = (
                app.and_then(|a| canon_of(Side::App, &row.row.app, &row.app, &a.fields)),
                side(Side::Crm),
            ) else {
                continue;
            };
            let base = BasePair {
                app,
                crm,
                standing: Standing::Settled,
                at: self.now(),
                run: self.run.id,
            };
            link.bases.insert(row.row.id, base);
        }
        if let Some(state) = &back.link {
            link.state = state.clone();
            tx.linked(self.run.id, &link.app_id, End::of(&before), End::of(&link));
        }
        if link != before {
            tx.put_link(link.clone(), before.crm_id)?;
        }
        Ok(link)
    }

    /// What a side held at the last agreement: if it moved since, that is still seen as a move.
    fn standing(
        &self,
        row: &CompiledRow,
        side: Side,
        link: &Link,
        app: Option<&AppRecord>,
    ) -> Option<Cell> {
        let base = link.bases.get(&row.row.id);
        match side {
            Side::App => base
                .map(|b| b.app.clone())
                .or_else(|| canon_of(side, &row.row.app, &row.app, &app?.fields)),
            Side::Crm => base
                .map(|b| b.crm.clone())
                .or_else(|| canon_of(side, &row.row.crm, &row.crm, &link.seen.as_ref()?.fields)),
        }
    }

    /// The CRM's half.
    fn crm_back(
        &self,
        tx: &mut Tx<'_>,
        link: Link,
        app: Option<&AppRecord>,
        crm: &CrmBack,
        title: &str,
    ) -> Step<Intent> {
        let mut write = Write {
            app_id: link.app_id.clone(),
            crm_id: link.crm_id,
            sync_key: None,
            op: Op::Update,
            fields: Fields::new(),
            agreed: Vec::new(),
            // What else waits to be written of this record is not written by this.
            app_rev: journal::IN_PART,
            unmodified_since: None,
            auto: Vec::new(),
            name: title.to_owned(),
        };
        match crm {
            CrmBack::Fields(fields) => {
                write.unmodified_since = link.seen.as_ref().map(|s| s.modified);
                write.agreed = self.agreed_on(&link, app, fields);
                write.fields = fields.clone();
            }
            CrmBack::Delete(_) => write.op = Op::Delete,
            CrmBack::Create(fields) => {
                write.op = Op::Create;
                write.agreed = self.agreed_on(&link, app, fields);
                write.fields = fields.clone();
                write.crm_id = None;
                let key = self.made_anew(tx, link, app)?;
                if let Some(name) = &self.cx.pair.pair.key_field {
                    let value = Value::text(key.as_str());
                    write.fields.insert(name.clone(), value);
                }
                write.sync_key = Some(key);
            }
        }
        Ok(journal::intend(tx, &self.cx, &write, self.now()))
    }

    /// Rows that agree, or are held, once these fields are written.
    fn agreed_on(&self, link: &Link, app: Option<&AppRecord>, fields: &Fields) -> Vec<Agreed> {
        let none = Fields::new();
        let seen = link.seen.as_ref().map_or(&none, |s| &s.fields);
        let ours = |row: &&CompiledRow| row.row.crm.iter().any(|f| fields.contains_key(f));
        let rows = self.cx.pair.rows.iter().filter(ours);
        rows.map(|row| {
            let value = |f| fields.get(f).or_else(|| seen.get(f)).cloned();
            let crm: Cell = row
                .row
                .crm
                .iter()
                .map(|f| value(f).unwrap_or_default())
                .collect();
            Agreed {
                row: row.row.id,
                app: self.standing(row, Side::App, link, app).unwrap_or_default(),
                crm: canon_cell(&row.crm, &crm),
            }
        })
        .collect()
    }

    /// A record that is made again has a key of its own: the old one may still be in the recycle
    /// bin (sync-semantics 14.7).
    fn made_anew(&self, tx: &mut Tx<'_>, mut link: Link, app: Option<&AppRecord>) -> Step<SyncKey> {
        let key = self.cx.new_sync_key(&link.app_id);
        let was = link.crm_id.take();
        link.seen = None;
        link.bases.clear();
        link.sync_key = Some(key.clone());
        link.state = match app.is_some_and(|a| a.presence == Presence::Live) {
            true => LinkState::Unlinked,
            // It was deleted in the App; that stays so, and is not carried over again.
            false => LinkState::Closed,
        };
        let at = record_key(&link.pair, &link.app_id);
        if link.state == LinkState::Unlinked {
            tx.put(&UNLINKED, &at, &());
        }
        tx.put_link(link, was)?;
        Ok(key)
    }

    /// Into the record's history, the run's results and its counts.
    fn report(
        &mut self,
        tx: &mut Tx<'_>,
        mut result: RecordResult,
        back: &Back,
        intent: Option<&Intent>,
    ) -> Step<()> {
        let linked = back.link.is_some() || back.relink.is_some();
        let whole = back.stand.is_some() || linked || !back.turns.is_empty();
        let wrote_app = whole || !back.app.is_empty();
        let asked = !back.asked.is_empty();
        let (kind, word) = match (wrote_app || intent.is_some(), asked, back.left.is_empty()) {
            (true, ..) => (ResultKind::Applied, Word::Ok),
            (false, true, _) => (ResultKind::Conflict, Word::Conf),
            (false, false, false) => (ResultKind::Skipped, Word::Hold),
            (false, false, true) => return Ok(()),
        };
        let counts = self.counts();
        counts.pulled += u64::from(wrote_app);
        counts.conflicts += u64::from(asked);
        let line = LogLine {
            at: self.now(),
            word,
            run: Some(self.run.id),
            text: result.did.clone(),
        };
        tx.history(self.cx.name(), &result.app_id, &line);
        result.kind = kind;
        Ok(tx.put_result(&result)?)
    }
}

/// What happens to a record, in words without values.
fn in_words(back: &Back) -> String {
    let mut parts: Vec<String> = back.acts.iter().map(|act| (*act).to_owned()).collect();
    for (side, what) in [
        (Side::App, "put back in the App"),
        (Side::Crm, "put back in Salesforce"),
    ] {
        let fields = back.lines.iter().filter(|l| l.to == side);
        let fields: Vec<&str> = fields.map(|l| l.field.as_str()).collect();
        if !fields.is_empty() {
            parts.push(format!("{what}: {}", fields.join(", ")));
        }
    }
    for (what, why) in &back.left {
        parts.push(format!("{what} left: {why}"));
    }
    parts.join("; ")
}
