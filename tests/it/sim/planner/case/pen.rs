//! Values as numbers, and what somebody does to a text.

use super::*;

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
