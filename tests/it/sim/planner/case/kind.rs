//! What a row holds, and how each meaning of it is written on either side.

use super::*;

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
    pub(super) const ALL: [Self; 9] = [
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
