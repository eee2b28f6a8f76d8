//! Prints filters, so that reading the text gives the same filter again.
//!
//! Knows no meaning. Quotes whatever the reader of `text` would take for syntax.

use std::fmt;

use super::text::ENDS;
use super::{Filter, Limit, Span, Test, Unit, Wanted};

pub(super) fn write(filter: &Filter, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match filter {
        Filter::All => Ok(()),
        Filter::Each(parts) => joined(parts, " ", f),
        Filter::Any(parts) => joined(parts, " or ", f),
        Filter::Not(part) => {
            f.write_str("-")?;
            inner(part, f)
        }
        Filter::Word(needle) => write_text(needle.as_str(), Place::Word, f),
        Filter::Field { name, test } => {
            write!(f, "{name}:")?;
            match test {
                Test::Contains(wanted) => write_wanted(wanted, Place::Value, f),
                Test::Is(wanted) => {
                    f.write_str("=")?;
                    write_wanted(wanted, Place::Value, f)
                }
                Test::Compare(order, limit) => {
                    f.write_str(order.sign())?;
                    write_limit(limit, f)
                }
            }
        }
        Filter::State(words) => {
            f.write_str("state:")?;
            for (i, word) in words.iter().enumerate() {
                f.write_str(if i == 0 { "" } else { "," })?;
                write_text(word, Place::Value, f)?;
            }
            Ok(())
        }
        Filter::Since(span) => write!(f, "since:{span}"),
        Filter::Marked => f.write_str("is:marked"),
    }
}

fn joined(parts: &[Filter], by: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        f.write_str(if i == 0 { "" } else { by })?;
        inner(part, f)?;
    }
    Ok(())
}

/// A part of something larger: groups get parentheses.
fn inner(part: &Filter, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match part {
        Filter::Each(_) | Filter::Any(_) => {
            f.write_str("(")?;
            write(part, f)?;
            f.write_str(")")
        }
        _ => write(part, f),
    }
}

fn write_wanted(wanted: &[Wanted], place: Place, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, wanted) in wanted.iter().enumerate() {
        f.write_str(if i == 0 { "" } else { "," })?;
        match wanted {
            Wanted::Null => f.write_str("null")?,
            Wanted::Text(needle) => write_text(needle.as_str(), place, f)?,
        }
    }
    Ok(())
}

fn write_limit(limit: &Limit, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match limit {
        Limit::Number(n) => write!(f, "{n}"),
        Limit::Date(date) => write!(f, "{date}"),
        Limit::At(at) => write!(f, "{at}"),
        Limit::Age(span) => write!(f, "{span}"),
    }
}

/// Where a text stands, which decides what has to be quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Word,
    Value,
}

fn write_text(text: &str, place: Place, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let special = text
        .chars()
        .any(|c| c.is_whitespace() || ENDS.contains(&c) || c == '\\');
    let misread = match place {
        Place::Word => text == "or" || text.starts_with('-') || text.contains(':'),
        Place::Value => text == "null" || text.starts_with(['=', '<', '>']),
    };
    if !special && !misread && !text.is_empty() {
        return f.write_str(text);
    }
    f.write_str("\"")?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => 's',
            Unit::Minute => 'm',
            Unit::Hour => 'h',
            Unit::Day => 'd',
            Unit::Week => 'w',
        };
        write!(f, "{}{unit}", self.count)
    }
}
