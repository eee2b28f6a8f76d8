//! A case: a mapping, a few records, and what happens to them, as plain data made from a seed.
//!
//! A value is a number: its *meaning* (0 is empty) and the *form* it is written in. Two forms of a
//! meaning are equal for the product. In a row that appends, a number is what somebody does to the
//! text, see [`Pen`]; all such rows of a case write one text of the CRM. Invariant: the same seed gives the same case, and a smaller
//! case is a case.

use rust_decimal::Decimal;
use syncdeck::domain::mapping::{
    Blanks, Creates, DeletePolicy, FirstLink, Flow, Foreign, Leaves, Mark, Strategy,
};
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::{Cell, FieldKind, Value};

use crate::sim::random::Random;

/// Meanings of a value; the first is empty.
pub const MEANINGS: u8 = 4;

/// What a row holds, and how it is written on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Long,
    Bool,
    Number,
    Set,
    Date,
    /// The CRM has a prefix in front.
    Prefixed,
    /// Other words on either side; meaning 3 has no word on the other one.
    Mapped,
    /// Two fields with one meaning.
    Group,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Text,
        Self::Long,
        Self::Bool,
        Self::Number,
        Self::Set,
        Self::Date,
        Self::Prefixed,
        Self::Mapped,
        Self::Group,
    ];

    /// Kind of its fields.
    pub fn field(self) -> FieldKind {
        match self {
            Self::Text | Self::Prefixed | Self::Mapped | Self::Group => FieldKind::Text,
            Self::Long => FieldKind::LongText,
            Self::Bool => FieldKind::Bool,
            Self::Number => FieldKind::Number { scale: 2 },
            Self::Set => FieldKind::MultiPicklist,
            Self::Date => FieldKind::Date,
        }
    }

    /// How a meaning is written on a side, in one of two forms.
    pub fn cell(self, side: Side, meaning: u8, form: u8) -> Cell {
        let at = usize::from(meaning);
        let odd = form % 2 == 1;
        let text = |plain: [&str; 4], other: [&str; 4]| {
            vec![Value::text(if odd { other[at] } else { plain[at] })]
        };
        match (self, side) {
            (Self::Text, _) => text(
                ["", "x", "\u{e9}", "a\u{a0}"],
                ["", " x ", "e\u{301}", "a\u{a0}\t"],
            ),
            (Self::Long, _) => text(
                ["", "one\ntwo", "three", "\u{1f600}"],
                ["", "one\r\ntwo", "three\n", "\u{1f600} "],
            ),
            // A checkbox is never empty in the CRM.
            (Self::Bool, _) if odd => {
                text(["no", "yes", "false", "1"], ["no", "yes", "false", "1"])
            }
            (Self::Bool, _) => vec![Value::Bool(meaning % 2 == 1)],
            (Self::Number, _) => match (meaning, odd) {
                (0, _) => vec![Value::Null],
                (1, false) => vec![Value::Number(Decimal::new(1, 0))],
                (1, true) => vec![Value::Number(Decimal::new(1000, 3))],
                (2, false) => vec![Value::Number(Decimal::new(250, 2))],
                (2, true) => vec![Value::Number(Decimal::new(24_999, 4))],
                (_, false) => vec![Value::Number(Decimal::new(-7, 0))],
                (_, true) => vec![Value::text("-7.00")],
            },
            (Self::Set, _) => match (meaning, odd) {
                (0, _) => vec![Value::Null],
                (1, false) => vec![Value::Set(vec!["A".into(), "B".into()])],
                (1, true) => vec![Value::text("B;A")],
                (2, false) => vec![Value::Set(vec!["A".into()])],
                (2, true) => vec![Value::Set(vec!["A".into(), "A".into()])],
                (_, false) => vec![Value::Set(vec!["C".into(), "D".into()])],
                (_, true) => vec![Value::Set(vec!["D".into(), "C".into()])],
            },
            (Self::Date, _) if meaning == 0 => vec![Value::Null],
            (Self::Date, _) => {
                let text = format!("2026-03-{:02}", 28 + at);
                vec![match odd {
                    true => Value::text(text),
                    false => Value::Date(text.parse().unwrap()),
                }]
            }
            (Self::Prefixed, Side::App) => text(["", "x", "y", "z"], ["", "x ", "y\t", "z\n"]),
            (Self::Prefixed, Side::Crm) => text(
                ["", "p: x", "p: y", "p: z"],
                ["", "p: x ", "p: y\t", "p: z\n"],
            ),
            (Self::Mapped, Side::App) => {
                text(["", "Open", "Done", "Odd"], ["", "Open", "Done", "Odd"])
            }
            (Self::Mapped, Side::Crm) => text(
                ["", "1-open", "2-done", "9-odd"],
                ["", "1-open", "2-done", "9-odd"],
            ),
            (Self::Group, _) => {
                let pairs = [
                    ["", ""],
                    ["Oslo", "NO"],
                    ["Bergen", "NO"],
                    ["Ume\u{e5}", ""],
                ];
                let pair = pairs[at];
                let end = if odd { " " } else { "" };
                let text = |t: &str| match t {
                    "" => Value::Null,
                    t => Value::text(format!("{t}{end}")),
                };
                vec![text(pair[0]), text(pair[1])]
            }
        }
    }

    /// Meanings that count as one, as a number.
    pub fn class(self, meaning: u8) -> u8 {
        match self {
            // A checkbox that is empty is not ticked.
            Self::Bool => u8::from(meaning % 2 == 1),
            _ => meaning,
        }
    }

    /// Whether a meaning is that there is none.
    pub fn blank(self, meaning: u8) -> bool {
        meaning == 0 && self != Self::Bool
    }

    /// Whether a meaning can go to the other side.
    pub fn crosses(self, meaning: u8) -> bool {
        !(self == Self::Mapped && meaning == 3)
    }
}

/// What the CRM makes of a saved value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saves {
    /// What was sent.
    AsSent,
    /// Meaning 3 becomes meaning 2.
    Changed,
}

impl Saves {
    /// The meaning that is stored.
    pub fn stored(self, meaning: u8) -> u8 {
        match (self, meaning) {
            (Self::Changed, 3) => 2,
            _ => meaning,
        }
    }
}

/// One row of the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowCase {
    pub kind: Kind,
    pub flow: Flow,
    pub strategy: Strategy,
    pub blanks: Blanks,
    pub saves: Saves,
}

impl RowCase {
    /// Whether it adds text instead of replacing it.
    pub fn appends(&self) -> bool {
        self.flow.appends()
    }

    /// Whether it comes to rest by itself: not when a rule always writes its own value against a
    /// CRM that always changes it (sync-semantics 2.5).
    pub fn settles(&self) -> bool {
        self.flow != Flow::ToCrm(Foreign::Enforce) || self.saves == Saves::AsSent
    }
}

/// How a record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Linked and agreed.
    Linked,
    /// Linked, and nothing is known of an agreement.
    BaseLost,
    AppOnly,
    CrmOnly,
    /// On both sides, not linked, and recognised.
    Unlinked,
    /// The App's record matches two of the CRM.
    Twice,
}

/// A value as a number below `2 * MEANINGS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number(pub u8);

impl Number {
    pub fn meaning(self) -> u8 {
        self.0 % MEANINGS
    }
    pub fn form(self) -> u8 {
        self.0 / MEANINGS
    }
}

/// What somebody does to a text of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pen {
    /// Writes this at the end.
    Last(&'static [&'static str]),
    /// Writes this at the top.
    First(&'static str),
    /// Writes this below the first line.
    Second(&'static str),
    /// Strikes the first line out.
    StrikeFirst,
    /// Strikes the last line out.
    StrikeLast,
    /// Corrects the first line.
    Correct,
    /// Strikes out everything.
    Clear,
}

impl Number {
    /// As something done to a text.
    pub fn pen(self) -> Pen {
        match self.0 % 8 {
            0 => Pen::Last(&["one"]),
            1 => Pen::First("two"),
            2 => Pen::Second("three"),
            3 => Pen::Last(&["two", "one"]),
            4 => Pen::StrikeFirst,
            5 => Pen::StrikeLast,
            6 => Pen::Correct,
            _ => Pen::Clear,
        }
    }
}

impl Pen {
    /// Does it to lines of any make.
    pub fn write<L>(self, lines: &mut Vec<L>, new: impl Fn(&str) -> L, correct: impl Fn(&mut L)) {
        match self {
            Self::Last(all) => lines.extend(all.iter().map(|line| new(line))),
            Self::First(line) => lines.insert(0, new(line)),
            Self::Second(line) => lines.insert(lines.len().min(1), new(line)),
            Self::StrikeFirst => drop((!lines.is_empty()).then(|| lines.remove(0))),
            Self::StrikeLast => drop(lines.pop()),
            Self::Correct => lines.first_mut().into_iter().for_each(correct),
            Self::Clear => lines.clear(),
        }
    }
}

/// A record as it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordCase {
    pub start: Start,
    pub values: Vec<Number>,
}

/// Something that happens to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    App {
        row: usize,
        value: Number,
    },
    Crm {
        row: usize,
        value: Number,
    },
    DeleteApp,
    DeleteCrm,
    Undelete,
    /// Merged into a record that nobody else has, which has this value in this row.
    MergeFree {
        row: usize,
        value: Number,
    },
    /// Merged into the record that another one is linked to.
    MergeTaken,
    Convert,
    /// The CRM does not show it, and does not say why.
    Unreadable,
    Readable,
    /// A field is taken from our user, or given back.
    Hide {
        row: usize,
    },
    Show {
        row: usize,
    },
    /// The record is observed again, in other words that mean the same.
    Echo,
    /// It leaves the pair's filter, or comes back.
    Leave,
    Return,
    /// The field that the filter asks for is taken from our user, or given back.
    HideStage,
    ShowStage,
}

/// An event, whose record it happens to, and how long after the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub record: usize,
    pub event: Event,
    pub after: i64,
}

/// A whole case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub rows: Vec<RowCase>,
    pub records: Vec<RecordCase>,
    pub phases: Vec<Vec<Step>>,
    pub on_crm_delete: DeletePolicy,
    pub on_app_delete: DeletePolicy,
    pub first_link: FirstLink,
    /// For records that one side deleted and the other changed.
    pub strategy: Strategy,
    pub creates: Creates,
    /// What becomes of who leaves the pair's filter; none where it has no filter.
    pub on_leave: Option<Leaves>,
    /// Seed of the order in which decisions are carried out.
    pub order: u64,
}

impl Case {
    /// The case of a seed.
    pub fn of(seed: u64) -> Self {
        let mut r = Random(seed.wrapping_mul(0x5851_F42D_4C95_7F2D));
        let rows: Vec<RowCase> = (0..1 + r.below(6)).map(|_| row(&mut r)).collect();
        let records: Vec<RecordCase> = (0..1 + r.below(3))
            .map(|_| RecordCase {
                start: match r.below(10) {
                    0..5 => Start::Linked,
                    5 => Start::BaseLost,
                    6 => Start::AppOnly,
                    7 => Start::CrmOnly,
                    8 => Start::Unlinked,
                    _ => Start::Twice,
                },
                values: rows.iter().map(|_| number(&mut r)).collect(),
            })
            .collect();
        let mut phases = Vec::new();
        let on_leave = match r.one_in(3) {
            true => Some(Leaves::ALL[r.below(Leaves::ALL.len())]),
            false => None,
        };
        for _ in 0..1 + r.below(3) {
            let steps = 1 + r.below(8);
            phases.push(
                (0..steps)
                    .map(|_| Step {
                        record: r.below(records.len()),
                        event: match on_leave.is_some() && r.one_in(5) {
                            true => filter_event(&mut r),
                            false => event(&mut r, rows.len()),
                        },
                        after: [0, 1, 2, 3, 4, 100][r.below(6)],
                    })
                    .collect(),
            );
        }
        let policies = [
            DeletePolicy::Propagate,
            DeletePolicy::Mark,
            DeletePolicy::Unlink,
            DeletePolicy::Ignore,
        ];
        let mark = Mark {
            field: "Mark__c".into(),
            value: "gone".to_owned(),
        };
        Self {
            on_crm_delete: policies[r.below(4)].clone(),
            on_app_delete: match r.below(5) {
                4 => DeletePolicy::MarkWith(mark),
                n => policies[n].clone(),
            },
            strategy: match r.one_in(3) {
                true => Strategy::ALL[r.below(Strategy::ALL.len())],
                false => Strategy::Ask,
            },
            first_link: [FirstLink::Review, FirstLink::Crm, FirstLink::App][r.below(3)],
            creates: match r.one_in(8) {
                true => Creates::Off,
                false => Creates::Allowed,
            },
            on_leave,
            order: r.below(usize::MAX) as u64,
            rows,
            records,
            phases,
        }
    }

    /// Cases that are a little less, the largest steps first.
    pub fn smaller(&self) -> Vec<Self> {
        let mut out = Vec::new();
        let mut with = |change: &dyn Fn(&mut Self)| {
            let mut case = self.clone();
            change(&mut case);
            out.push(case);
        };
        for phase in 0..self.phases.len() {
            with(&|c| drop(c.phases.remove(phase)));
            for step in 0..self.phases[phase].len() {
                with(&|c| {
                    c.phases[phase].remove(step);
                });
            }
        }
        for record in (0..self.records.len()).filter(|_| self.records.len() > 1) {
            with(&|c| c.drop_record(record));
        }
        for row in (0..self.rows.len()).filter(|_| self.rows.len() > 1) {
            with(&|c| c.drop_row(row));
        }
        with(&|c| c.on_leave = None);
        for row in 0..self.rows.len() {
            with(&|c| {
                if !c.rows[row].appends() {
                    c.rows[row].kind = Kind::Text;
                }
            });
            with(&|c| c.rows[row].blanks = Blanks::Propagate);
            with(&|c| c.rows[row].saves = Saves::AsSent);
            with(&|c| c.rows[row].strategy = Strategy::Ask);
        }
        with(&|c| c.strategy = Strategy::Ask);
        out.retain(|case| case != self);
        out
    }

    fn drop_record(&mut self, gone: usize) {
        self.records.remove(gone);
        for steps in &mut self.phases {
            steps.retain(|s| s.record != gone);
            for step in steps {
                step.record -= usize::from(step.record > gone);
            }
        }
    }

    fn drop_row(&mut self, gone: usize) {
        self.rows.remove(gone);
        for record in &mut self.records {
            record.values.remove(gone);
        }
        for steps in &mut self.phases {
            steps.retain(|s| s.event.row() != Some(gone));
            for step in steps {
                if let Some(row) = step.event.row_mut() {
                    *row -= usize::from(*row > gone);
                }
            }
        }
    }
}

impl Event {
    fn row(mut self) -> Option<usize> {
        self.row_mut().copied()
    }

    fn row_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::App { row, .. }
            | Self::Crm { row, .. }
            | Self::MergeFree { row, .. }
            | Self::Hide { row }
            | Self::Show { row } => Some(row),
            _ => None,
        }
    }
}

fn number(r: &mut Random) -> Number {
    Number(r.below(2 * usize::from(MEANINGS)) as u8)
}

fn row(r: &mut Random) -> RowCase {
    let flow = match r.below(2) {
        0 => Flow::Both,
        _ => Flow::ALL[r.below(Flow::ALL.len())],
    };
    let appends = flow.appends();
    let kind = match appends {
        true => Kind::Long,
        false => Kind::ALL[r.below(Kind::ALL.len())],
    };
    RowCase {
        kind,
        flow,
        strategy: Strategy::ALL[r.below(Strategy::ALL.len())],
        // A text that is appended to is never emptied from the other side.
        blanks: match r.one_in(4) && !appends {
            true => Blanks::Keep,
            false => Blanks::Propagate,
        },
        saves: match !appends && kind != Kind::Bool && r.one_in(6) {
            true => Saves::Changed,
            false => Saves::AsSent,
        },
    }
}

fn filter_event(r: &mut Random) -> Event {
    match r.below(10) {
        0..5 => Event::Leave,
        5..8 => Event::Return,
        8 => Event::HideStage,
        _ => Event::ShowStage,
    }
}

fn event(r: &mut Random, rows: usize) -> Event {
    let row = r.below(rows);
    let value = number(r);
    match r.below(40) {
        0..13 => Event::App { row, value },
        13..26 => Event::Crm { row, value },
        26 | 27 => Event::DeleteApp,
        28 | 29 => Event::DeleteCrm,
        30 | 31 => Event::Undelete,
        32 => Event::MergeFree { row, value },
        33 => Event::MergeTaken,
        34 => Event::Convert,
        35 => Event::Unreadable,
        36 => Event::Readable,
        37 => Event::Hide { row },
        38 => Event::Show { row },
        _ => Event::Echo,
    }
}
