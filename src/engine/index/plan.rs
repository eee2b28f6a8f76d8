//! Decides filters from what the index keeps, as far as that goes.
//!
//! Pure. Invariant: an answer is the one that the record itself would give; where the index does
//! not know enough there is none, and the record has to be opened.

use jiff::Timestamp;

use super::chunk::Need;
use super::codes::Codes;
use super::layout::{Layout, NOT_WHOLE};
use super::lines::{Line, PART};
use crate::domain::filter::{Filter, Needle, Test, Wanted};
use crate::domain::text::fold;
use crate::domain::value::Value;
use crate::engine::records::short;

/// A filter made ready for many records.
#[derive(Debug)]
pub enum Plan {
    Known(bool),
    Each(Vec<Plan>),
    Any(Vec<Plan>),
    Not(Box<Plan>),
    /// A word in title or columns: parts of the text, and codes of columns.
    Word {
        folded: String,
        parts: Vec<usize>,
        codes: Vec<(usize, Vec<bool>)>,
    },
    /// What is asked of the id.
    Id(Test),
    /// What is asked of a text field.
    Part(usize, Test),
    /// What is asked of a coded field, by code.
    Code(usize, Vec<bool>),
    /// Whether it changed since.
    Since(Timestamp),
    /// Only the record knows.
    Open,
}

impl Plan {
    /// Of a filter.
    pub fn of(filter: &Filter, layout: &Layout, codes: &Codes, now: Timestamp) -> Self {
        let all = |parts: &[Filter]| {
            let plans = parts.iter().map(|f| Self::of(f, layout, codes, now));
            plans.collect()
        };
        match filter {
            Filter::All => Self::Known(true),
            Filter::Each(parts) => Self::Each(all(parts)),
            Filter::Any(parts) => Self::Any(all(parts)),
            Filter::Not(part) => Self::Not(Box::new(Self::of(part, layout, codes, now))),
            Filter::Word(needle) => word(needle, layout, codes),
            Filter::Field { name, test } => field(name, test, layout, codes, now),
            Filter::Since(span) => match now.checked_sub(span.duration()) {
                Ok(from) => Self::Since(from),
                Err(_) => Self::Open,
            },
            Filter::State(_) | Filter::Marked => Self::Open,
        }
    }

    /// Whether it looks at texts.
    pub fn need(&self) -> Need {
        let texts = match self {
            Self::Each(plans) | Self::Any(plans) => {
                plans.iter().any(|plan| plan.need() == Need::Texts)
            }
            Self::Not(plan) => plan.need() == Need::Texts,
            Self::Word { .. } | Self::Part(..) => true,
            Self::Known(_) | Self::Since(_) | Self::Open | Self::Id(_) | Self::Code(..) => false,
        };
        match texts {
            true => Need::Texts,
            false => Need::Places,
        }
    }

    /// Whether a record passes; none when it has to be opened.
    pub fn verdict(&self, codes: &Codes, line: &Line<'_>) -> Option<bool> {
        match self {
            Self::Known(known) => Some(*known),
            Self::Open => None,
            Self::Not(plan) => plan.verdict(codes, line).map(|v| !v),
            Self::Each(plans) => {
                let verdicts = plans.iter().map(|p| p.verdict(codes, line));
                first(verdicts, Decides::No)
            }
            Self::Any(plans) => {
                let verdicts = plans.iter().map(|p| p.verdict(codes, line));
                first(verdicts, Decides::Yes)
            }
            Self::Code(at, passing) => codes.columns().get(*at)?.passes(passing, line.slot),
            Self::Since(from) => codes.since(line.slot, *from),
            Self::Part(at, test) => asked(test, line.text.split(PART).nth(*at)?),
            Self::Id(test) => {
                Some(test.holds(&Value::from(line.id().as_str()), Timestamp::UNIX_EPOCH))
            }
            Self::Word {
                folded,
                parts,
                codes: coded,
            } => {
                let by_code = coded
                    .iter()
                    .map(|(at, passing)| codes.columns().get(*at)?.passes(passing, line.slot));
                let by_text = in_parts(line, folded, parts);
                first(std::iter::once(by_text).chain(by_code), Decides::Yes)
            }
        }
    }
}

/// Which verdict of one decides for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decides {
    Yes,
    No,
}

/// The first of these decides; without it, who does not know leaves it open.
fn first(verdicts: impl Iterator<Item = Option<bool>>, decides: Decides) -> Option<bool> {
    let decides = decides == Decides::Yes;
    let mut all = Some(!decides);
    for verdict in verdicts {
        match verdict {
            Some(v) if v == decides => return Some(decides),
            Some(_) => {}
            None => all = None,
        }
    }
    all
}

fn word(needle: &Needle, layout: &Layout, codes: &Codes) -> Plan {
    let mut parts = vec![0];
    let mut coded = Vec::new();
    for column in &layout.columns {
        if let Some(at) = layout.texts.iter().position(|t| t == column) {
            parts.push(at + 1);
        } else if let Some(at) = layout.coded.iter().position(|c| c.field == *column)
            && let Some(values) = codes.columns().get(at)
        {
            let passing = values.passing(|v| needle.is_in(&short(v)));
            coded.push((at, passing));
        } else if *column != layout.title {
            return Plan::Open;
        }
    }
    Plan::Word {
        folded: needle.folded().to_owned(),
        parts,
        codes: coded,
    }
}

fn field(name: &str, test: &Test, layout: &Layout, codes: &Codes, now: Timestamp) -> Plan {
    let is = |field: &str| field.eq_ignore_ascii_case(name);
    if let Some(at) = layout.coded.iter().position(|c| is(c.field.as_str()))
        && let Some(values) = codes.columns().get(at)
    {
        return Plan::Code(at, values.passing(|v| test.holds(v, now)));
    }
    let part = if is(layout.title.as_str()) {
        Some(0)
    } else {
        let at = layout.texts.iter().position(|t| is(t.as_str()));
        at.map(|at| at + 1)
    };
    match (part, test) {
        (Some(at), Test::Contains(_) | Test::Is(_)) => Plan::Part(at, test.clone()),
        (None, Test::Contains(_) | Test::Is(_)) if is("id") => Plan::Id(test.clone()),
        _ => Plan::Open,
    }
}

/// What is asked of a text of which the folded form is here.
fn asked(test: &Test, part: &str) -> Option<bool> {
    if part.ends_with(NOT_WHOLE) {
        return None;
    }
    let (wanted, exactly) = match test {
        Test::Contains(wanted) => (wanted, Exactly::No),
        Test::Is(wanted) => (wanted, Exactly::Yes),
        Test::Compare(..) => return None,
    };
    let verdicts = wanted.iter().map(|w| match (w, exactly) {
        (Wanted::Null, _) => Some(part.is_empty()),
        (Wanted::Text(_), _) if part.is_empty() => Some(false),
        (Wanted::Text(needle), Exactly::No) => Some(part.contains(needle.folded())),
        // Upper and lower case count, and only the record has them.
        (Wanted::Text(needle), Exactly::Yes) => (part != needle.folded()).then_some(false),
    });
    first(verdicts, Decides::Yes)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exactly {
    Yes,
    No,
}

fn in_parts(line: &Line<'_>, folded: &str, parts: &[usize]) -> Option<bool> {
    let text = line.text;
    // A record without a title is called by its id.
    let by_id = || text.starts_with(PART) || text.is_empty();
    if by_id() && fold(&line.id()).contains(folded) {
        return Some(true);
    }
    let found = text.contains(folded);
    if !found && !text.contains(NOT_WHOLE) {
        return Some(false);
    }
    let mut all = Some(false);
    for (at, part) in text.split(PART).enumerate() {
        if !parts.contains(&at) {
            continue;
        }
        if part.ends_with(NOT_WHOLE) {
            // A list shows only so much of a column, and all of a title.
            all = None;
        } else if part.contains(folded) {
            return Some(true);
        }
    }
    all
}
