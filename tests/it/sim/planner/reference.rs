//! The naive engine: slow, without faults, on meanings instead of values.
//!
//! Written from the tables of sync-semantics 5.1 to 5.4 and from nothing of the product, so that
//! the two can be compared. Invariant: a record is only looked at when it is at rest.

mod decide;
mod make;
mod texts;

use syncdeck::domain::mapping::{
    Blanks, Converts, DeletePolicy, FirstLink, Flow, Foreign, Leaves, Strategy,
};
use syncdeck::domain::transform::Side;

use self::decide::decide;
use self::texts::pen;
pub use self::texts::{Line, Notes};
use super::case::{Case, Event, Number, RowCase, Start, Step};

/// Seconds inside which nothing is decided by time: two of the clocks, one on top.
const MARGIN: i64 = 3;

/// The App's side of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppSide {
    None,
    Live,
    Tombstone,
}

/// The CRM's side of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrmSide {
    None,
    Live,
    Deleted,
    /// Merged into one that nobody has, with this meaning in this row.
    MergedFree(usize, u8),
    MergedTaken,
    Converted,
}

/// How the two belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    None,
    Active,
    CrmDeleted,
    /// Deleted in the App; what is there is left alone.
    AppDeleted,
    Converted,
    /// Outside the pair's filter.
    Resting,
    Closed,
}

/// One row of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowState {
    pub a: u8,
    pub c: u8,
    pub base: Option<(u8, u8)>,
    /// When the App's value changed.
    pub a_at: i64,
    /// A person is asked.
    pub open: bool,
    /// It never comes to rest, so it is left alone until both sides agree.
    pub fights: bool,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub app: AppSide,
    pub crm: CrmSide,
    pub tie: Tie,
    pub readable: bool,
    pub hidden: Vec<bool>,
    /// There is a second CRM record that matches.
    pub twin: bool,
    pub c_at: i64,
    /// It is outside the pair's filter.
    pub outside: bool,
    /// Whether it is cannot be told.
    pub stage_hidden: bool,
    /// It was outside once.
    pub left: bool,
    pub rows: Vec<RowState>,
    /// Of each row that appends; of the others it is empty.
    pub notes: Vec<Notes>,
    /// The CRM's text, which all of them write.
    pub text: Vec<Line>,
    lines: u32,
    /// A person is asked about the record as a whole.
    pub open: bool,
}

/// What a row comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Do {
    Leave,
    Push,
    Pull,
    Agree,
    Ask,
}

/// The naive engine.
#[derive(Debug, Clone)]
pub struct Reference<'a> {
    case: &'a Case,
    pub records: Vec<Record>,
    pub now: i64,
}

impl<'a> Reference<'a> {
    /// As the case begins.
    pub fn new(case: &'a Case) -> Self {
        let records = case.records.iter().map(|record| {
            let linked = matches!(record.start, Start::Linked | Start::BaseLost);
            let rows = case.rows.iter().zip(&record.values).map(|(row, value)| {
                let m = value.meaning();
                RowState {
                    a: if record.start == Start::CrmOnly { 0 } else { m },
                    c: match record.start {
                        Start::AppOnly => 0,
                        _ => m,
                    },
                    base: (record.start == Start::Linked && !row.appends()).then_some((m, m)),
                    a_at: 0,
                    open: false,
                    fights: false,
                }
            });
            let text = |row: usize| {
                let all: &[&str] = match record.values[row].meaning() {
                    0 => &[],
                    1 => &["one", "two"],
                    2 => &["three"],
                    _ => &["\u{1f600}"],
                };
                all.iter().map(|line| Line::typed(line)).collect::<Vec<_>>()
            };
            let appends = |row: &usize| case.rows[*row].appends();
            let last = (0..case.rows.len()).rfind(appends);
            let there = match record.start {
                Start::AppOnly => Vec::new(),
                _ => last.map(text).unwrap_or_default(),
            };
            let notes = (0..case.rows.len()).map(|row| {
                let here = match record.start {
                    Start::CrmOnly => Vec::new(),
                    _ if !appends(&row) => Vec::new(),
                    _ => text(row),
                };
                let base = (here.clone(), there.clone());
                Notes {
                    app: here,
                    base: (record.start == Start::Linked).then_some(base),
                }
            });
            Record {
                notes: notes.collect(),
                text: there.clone(),
                lines: 0,
                app: match record.start {
                    Start::CrmOnly => AppSide::None,
                    _ => AppSide::Live,
                },
                crm: match record.start {
                    Start::AppOnly => CrmSide::None,
                    _ => CrmSide::Live,
                },
                tie: if linked { Tie::Active } else { Tie::None },
                readable: true,
                hidden: vec![false; case.rows.len()],
                twin: record.start == Start::Twice,
                c_at: 0,
                outside: false,
                stage_hidden: false,
                left: false,
                rows: rows.collect(),
                open: false,
            }
        });
        Self {
            records: records.collect(),
            case,
            now: 0,
        }
    }

    /// Lets somebody do something; false when it is not possible.
    pub fn happens(&mut self, step: Step) -> bool {
        let taken = self
            .records
            .iter()
            .enumerate()
            .any(|(i, r)| i != step.record && r.tie == Tie::Active && r.crm == CrmSide::Live);
        let record = &mut self.records[step.record];
        let live = record.crm == CrmSide::Live;
        let possible = match step.event {
            Event::App { .. } | Event::DeleteApp => record.app == AppSide::Live,
            Event::Crm { .. } | Event::Echo => live,
            // Of two that match, none goes: what is left would be one match.
            Event::DeleteCrm | Event::Convert => live && !record.twin,
            Event::MergeFree { row, .. } => live && !record.twin && !self.case.rows[row].appends(),
            Event::MergeTaken => live && !record.twin && taken,
            Event::Undelete => record.crm == CrmSide::Deleted,
            Event::Unreadable | Event::Readable => record.crm != CrmSide::None,
            Event::Hide { .. } | Event::Show { .. } => true,
            Event::Leave | Event::Return => live && self.case.on_leave.is_some(),
            Event::HideStage | Event::ShowStage => self.case.on_leave.is_some(),
        };
        if !possible {
            return false;
        }
        self.now += step.after;
        let now = self.now;
        match step.event {
            Event::App { row, value } if self.case.rows[row].appends() => {
                pen(value, &mut record.notes[row].app);
            }
            Event::Crm { row, value } if self.case.rows[row].appends() => {
                pen(value, &mut record.text);
                record.c_at = now;
            }
            Event::App { row, value } => {
                record.rows[row].a = value.meaning();
                record.rows[row].a_at = now;
            }
            Event::Crm { row, value } => {
                record.rows[row].c = self.case.rows[row].saves.stored(value.meaning());
                record.c_at = now;
            }
            Event::DeleteApp => record.app = AppSide::Tombstone,
            Event::DeleteCrm => record.crm = CrmSide::Deleted,
            Event::Undelete => record.crm = CrmSide::Live,
            Event::MergeFree { row, value } => {
                record.crm = CrmSide::MergedFree(row, value.meaning());
                record.c_at = now;
            }
            Event::MergeTaken => record.crm = CrmSide::MergedTaken,
            Event::Convert => record.crm = CrmSide::Converted,
            Event::Unreadable => record.readable = false,
            Event::Readable => record.readable = true,
            Event::Hide { row } => record.hide(self.case, row, true),
            Event::Show { row } => record.hide(self.case, row, false),
            Event::Leave | Event::Return => {
                record.outside = step.event == Event::Leave;
                record.left |= record.outside;
                record.c_at = now;
            }
            Event::HideStage => record.stage_hidden = true,
            Event::ShowStage => record.stage_hidden = false,
            Event::Echo => {}
        }
        true
    }

    /// Brings every record to rest.
    pub fn settle(&mut self) {
        for index in 0..self.records.len() {
            for _ in 0..10 {
                let before = self.records[index].clone();
                self.whole(index);
                if self.records[index] == before {
                    break;
                }
            }
        }
    }

    fn whole(&mut self, index: usize) {
        use {AppSide as A, CrmSide as C};
        let (case, now) = (self.case, self.now);
        let record = &mut self.records[index];
        record.open = false;
        if record.tie == Tie::CrmDeleted && record.crm == C::Live && record.readable {
            // Brought back there: brought back here.
            record.app = A::Live;
            record.tie = Tie::Active;
        }
        let app_moved = record.moved(case, Side::App);
        let crm_moved = record.moved(case, Side::Crm);
        // What is not shown moves nothing.
        let unknown = case.on_leave.is_some() && record.stage_hidden;
        let inside = !record.outside && !unknown;
        let leaves = case.on_leave != Some(Leaves::Continue)
            && match unknown {
                true => record.tie == Tie::Resting,
                false => record.outside,
            };
        let follows = case.on_convert == Converts::Follow;
        match (record.tie, record.app, record.crm) {
            (Tie::Closed, ..) => {}
            (Tie::None, A::Tombstone, _) => {}
            (Tie::None, A::Live, C::Live) if record.twin => record.open = true,
            // One that is not inside is not taken in, and nothing is made that is the same.
            (Tie::None, _, C::Live | C::Converted) if !inside => {}
            (Tie::None, A::Live, C::Live) => {
                record.tie = Tie::Active;
                record.fields(case, now, false);
            }
            // No row writes the field that the filter asks for: nobody knows whether it would pass.
            (Tie::None, A::Live, _) if case.on_leave.is_some() => {}
            (Tie::None, A::Live, _) => record.create_in_crm(case, now),
            (Tie::None, A::None, C::Converted) if follows => {}
            (Tie::None, A::None, C::Live | C::Converted) => record.create_in_app(case, now),
            (Tie::None, A::None, _) => {}
            (..) if !record.readable => {}
            // Deleted on one side, and left at that.
            (Tie::AppDeleted, A::Tombstone | A::None, C::Live) => {}
            (Tie::CrmDeleted, A::Live, C::Deleted | C::None)
                if case.on_crm_delete == DeletePolicy::Ignore => {}
            (_, A::Live, C::Converted) if follows => {
                record.fields(case, now, true);
                record.tie = Tie::Closed;
            }
            (_, _, C::Live | C::Converted) if leaves => {
                record.tie = match case.on_leave {
                    Some(Leaves::Unlink) if !record.stage_hidden => Tie::Closed,
                    _ => Tie::Resting,
                };
                let ends = |r: &mut RowState| (r.open, r.fights) = (false, false);
                record.rows.iter_mut().for_each(ends);
            }
            (Tie::Resting, A::Live, C::Deleted | C::None) => {}
            (Tie::Resting | Tie::AppDeleted, A::Live, C::Live) => {
                record.tie = Tie::Active;
                record.fields(case, now, false);
            }
            (_, A::Live, C::Live) => record.fields(case, now, false),
            (_, _, C::Live) if crm_moved && case.strategy != Strategy::App => record.open = true,
            (_, _, C::Live) => match case.on_app_delete {
                DeletePolicy::Propagate => record.crm = C::Deleted,
                DeletePolicy::Ignore | DeletePolicy::MarkWith(_) => record.tie = Tie::AppDeleted,
                _ => record.tie = Tie::Closed,
            },
            (_, A::Live, C::Deleted | C::None) if app_moved && case.strategy != Strategy::Crm => {
                record.open = true;
            }
            (_, A::Live, C::Deleted | C::None) => match case.on_crm_delete {
                DeletePolicy::Unlink => record.tie = Tie::Closed,
                DeletePolicy::Ignore => record.tie = Tie::CrmDeleted,
                _ => {
                    record.app = A::Tombstone;
                    record.tie = Tie::CrmDeleted;
                    let ends = |r: &mut RowState| (r.open, r.fights) = (false, false);
                    record.rows.iter_mut().for_each(ends);
                }
            },
            (Tie::CrmDeleted, _, C::Deleted | C::None) => {}
            (_, _, C::Deleted | C::None) => record.tie = Tie::Closed,
            (_, A::Live, C::MergedFree(row, meaning)) => {
                record.crm = C::Live;
                record.rows[row].c = meaning;
            }
            (_, A::Live, C::MergedTaken) => record.open = true,
            (_, _, C::MergedFree(..) | C::MergedTaken) => {
                if record.tie != Tie::CrmDeleted {
                    record.tie = Tie::Closed;
                }
            }
            (_, A::Live, C::Converted) => {
                record.tie = Tie::Converted;
                record.fields(case, now, true);
            }
            (_, _, C::Converted) => {}
        }
    }
}

impl RowState {
    /// Whether a side moved since they agreed.
    fn moved(&self, row: &RowCase) -> bool {
        let class = |m: u8| row.kind.class(m);
        let differs = |(a, c)| class(self.a) != class(a) || class(self.c) != class(c);
        self.base.is_none_or(differs)
    }
}

impl Record {
    fn hide(&mut self, case: &Case, row: usize, hidden: bool) {
        for (i, other) in case.rows.iter().enumerate() {
            if i == row || (other.appends() && case.rows[row].appends()) {
                self.hidden[i] = hidden;
            }
        }
    }

    fn moved(&self, case: &Case, side: Side) -> bool {
        case.rows.iter().enumerate().any(|(i, row)| {
            let state = &self.rows[i];
            if side == Side::Crm && self.hidden[i] {
                return false;
            }
            if row.appends() {
                return self.notes[i].moved(side, &self.text);
            }
            // What was never agreed, nobody has seen on the other side.
            match (side, state.base) {
                (Side::App, Some((a, _))) => row.kind.class(state.a) != row.kind.class(a),
                (Side::Crm, Some((_, c))) => row.kind.class(state.c) != row.kind.class(c),
                (Side::App, None) => !row.kind.blank(state.a),
                (Side::Crm, None) => !row.kind.blank(state.c),
            }
        })
    }

    fn fields(&mut self, case: &Case, now: i64, frozen: bool) {
        // A write that the CRM changes comes back as its own change.
        for _ in 0..4 {
            let c_at = self.c_at;
            for (i, row) in case.rows.iter().enumerate().filter(|(_, r)| !r.appends()) {
                let state = self.rows[i];
                let action = match decide(case, row, &state, self.hidden[i], c_at) {
                    Do::Push | Do::Ask if frozen => Do::Leave,
                    Do::Push | Do::Pull if state.fights => Do::Ask,
                    action => action,
                };
                let moved = state.moved(row);
                let state = &mut self.rows[i];
                if !frozen && !self.hidden[i] {
                    state.fights &= moved && action != Do::Agree;
                    state.open = action == Do::Ask || state.fights;
                }
                match action {
                    Do::Leave | Do::Ask => {}
                    Do::Push => {
                        state.c = row.saves.stored(state.a);
                        state.base = Some((state.a, state.a));
                        self.c_at = now;
                    }
                    Do::Pull => {
                        state.a = state.c;
                        state.a_at = now;
                        state.base = Some((state.a, state.c));
                    }
                    Do::Agree => state.base = Some((state.a, state.c)),
                }
            }
        }
        // What would still be written is written for ever.
        for (i, row) in case.rows.iter().enumerate().filter(|(_, r)| !r.appends()) {
            let state = self.rows[i];
            let action = decide(case, row, &state, self.hidden[i], self.c_at);
            if matches!(action, Do::Push | Do::Pull) && !frozen {
                (self.rows[i].fights, self.rows[i].open) = (true, true);
            }
        }
        // What they write makes the record newer, which the other rows see next time.
        self.texts(case, now, frozen);
    }
}
