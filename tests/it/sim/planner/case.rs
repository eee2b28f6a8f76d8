//! A case: a mapping, a few records, and what happens to them, as plain data made from a seed.
//!
//! A value is a number: its *meaning* (0 is empty) and the *form* it is written in. Two forms of a
//! meaning are equal for the product. In a row that appends, a number is what somebody does to the
//! text, see [`Pen`]; all such rows of a case write one text of the CRM. Invariant: the same seed gives the same case, and a smaller
//! case is a case.

mod kind;
mod pen;
mod smaller;

use rust_decimal::Decimal;
use syncdeck::domain::mapping::{
    Blanks, Converts, Creates, DeletePolicy, FirstLink, Flow, Foreign, Leaves, Mark, Strategy,
};
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::{Cell, FieldKind, Value};

pub use self::kind::Kind;
pub use self::pen::Number;
use crate::sim::random::Random;

/// Strategies that decide alone, so that a seed keeps its story: what is inherited, and who wins a
/// tie, is tested with decisions.
const BASIC: usize = 5;

/// Meanings of a value; the first is empty.
pub const MEANINGS: u8 = 4;

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

/// Whether the CRM has a field for a key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Ours,
    None,
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
    pub on_convert: Converts,
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
                true => Strategy::ALL[r.below(BASIC)],
                false => Strategy::Ask,
            },
            first_link: [FirstLink::Review, FirstLink::Crm, FirstLink::App][r.below(3)],
            creates: match r.one_in(8) {
                true => Creates::Off,
                false => Creates::Allowed,
            },
            on_leave,
            order: r.below(usize::MAX) as u64,
            on_convert: match r.one_in(2) {
                true => Converts::Follow,
                false => Converts::Freeze,
            },
            rows,
            records,
            phases,
        }
    }
}

impl Case {
    /// Without a key of ours nothing is made in the CRM (sync-semantics 3.5). Follows from the
    /// order, so that no seed has another case for it.
    pub fn key(&self) -> Key {
        match self.order % 16 {
            5 => Key::None,
            _ => Key::Ours,
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
        strategy: Strategy::ALL[r.below(BASIC)],
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
