//! SOQL as text (salesforce-api 4).
//!
//! Builds the few queries that are needed. Invariant: names are checked and values are literals
//! of their field's kind, so that no value can change what a query asks.

use std::fmt::Write as _;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::super::error::CrmError;
use super::super::{ChangeQuery, CrmId};
use super::errors::not_sent;
use super::pushdown::push;
use crate::domain::id::FieldName;
use crate::domain::schema::ObjectInfo;
use crate::domain::value::FieldKind;

/// Longest literal in a WHERE clause; a longer value cannot be equal to a filterable field.
const MAX_LITERAL: usize = 4000;

/// A name of an object or field, safe to put into a query or a path.
///
/// # Errors
/// Not a name: code `not_sent`.
pub(super) fn name(text: &str) -> Result<&str, CrmError> {
    let fits = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fits {
        Ok(text)
    } else {
        Err(not_sent(
            "a name holds other characters than letters, digits and _",
        ))
    }
}

/// A text literal. The backslash first, then the quote.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                write!(out, "\\u{:04X}", u32::from(c)).ok();
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// An instant, unquoted.
pub(super) fn instant(at: Timestamp) -> String {
    let format = if at.subsec_nanosecond() == 0 {
        "%Y-%m-%dT%H:%M:%SZ"
    } else {
        "%Y-%m-%dT%H:%M:%S.%3fZ"
    };
    at.strftime(format).to_string()
}

/// A value as a literal for a field of a kind; none when no record can have it.
pub(super) fn literal(kind: FieldKind, text: &str) -> Option<String> {
    let trimmed = text.trim();
    if trimmed.is_empty() || text.chars().count() > MAX_LITERAL {
        return None;
    }
    match kind {
        FieldKind::Number { .. } => Some(trimmed.parse::<Decimal>().ok()?.to_string()),
        FieldKind::Date => Some(trimmed.parse::<jiff::civil::Date>().ok()?.to_string()),
        FieldKind::DateTime => Some(instant(trimmed.parse().ok()?)),
        FieldKind::Bool => trimmed.parse::<bool>().ok().map(|b| b.to_string()),
        FieldKind::Time | FieldKind::Opaque => None,
        _ => Some(quote(text)),
    }
}

/// `SELECT columns FROM object`.
pub(super) fn select(object: &ObjectInfo, columns: &[FieldName]) -> Result<String, CrmError> {
    let mut soql = "SELECT ".to_owned();
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            soql.push(',');
        }
        soql.push_str(name(column.as_str())?);
    }
    soql.push_str(" FROM ");
    soql.push_str(name(object.name.as_str())?);
    Ok(soql)
}

/// The window of a change query, in the order in which it can be resumed.
pub(super) fn window(query: &ChangeQuery) -> String {
    condition(query) + " ORDER BY SystemModstamp, Id"
}

/// The condition of a change query: lower bound inclusive, or after the last durable row; upper
/// bound exclusive (sync-semantics 4.2); and what can be told of its filter.
pub(super) fn condition(query: &ChangeQuery) -> String {
    let from = match (query.after, query.since) {
        (Some((stamp, id)), _) => {
            let stamp = instant(stamp);
            Some(format!(
                "(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{id}'))"
            ))
        }
        (None, Some(since)) => Some(format!("SystemModstamp >= {}", instant(since))),
        (None, None) => None,
    };
    let until = query
        .until
        .map(|until| format!("SystemModstamp < {}", instant(until)));
    let matching = query.matching.as_ref();
    let matching = matching.and_then(|it| push(&it.filter, &query.object, it.at).condition);
    let conditions: Vec<String> = from.into_iter().chain(until).chain(matching).collect();
    match conditions.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", conditions.join(" AND ")),
    }
}

/// Puts literals into as few `IN` lists as fit: each whole query, percent-encoded, stays within
/// the limit unless a single literal is longer.
pub(super) fn in_lists(
    select: &str,
    field: &str,
    literals: &[String],
    limit: usize,
) -> Vec<String> {
    let head = format!("{select} WHERE {field} IN (");
    let mut queries = Vec::new();
    let mut open: Option<(String, usize)> = None;
    for literal in literals {
        let size = encoded_len(literal) + 3;
        open = match open {
            Some((mut soql, used)) if used + size <= limit => {
                soql.push(',');
                soql.push_str(literal);
                Some((soql, used + size))
            }
            full => {
                queries.extend(full.map(|(soql, _)| soql + ")"));
                Some((format!("{head}{literal}"), encoded_len(&head) + size + 3))
            }
        };
    }
    queries.extend(open.map(|(soql, _)| soql + ")"));
    queries
}

/// The literal of a record id.
pub(super) fn id_literal(id: &CrmId) -> String {
    format!("'{id}'")
}

/// Length in a query string, where most signs take three bytes.
pub(super) fn encoded_len(text: &str) -> usize {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .map(str::len)
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a literal the way the grammar says: the text, and what follows it.
    fn read_literal(soql: &str) -> (String, &str) {
        let mut chars = soql.char_indices();
        assert_eq!(chars.next().map(|(_, c)| c), Some('\''));
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => return (text, &soql[at + 1..]),
                '\\' => match chars.next().unwrap().1 {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    'u' => {
                        let hex: String = (0..4).map(|_| chars.next().unwrap().1).collect();
                        text.push(char::from_u32(u32::from_str_radix(&hex, 16).unwrap()).unwrap());
                    }
                    c @ ('\\' | '\'') => text.push(c),
                    c => panic!("unknown escape {c:?}"),
                },
                c => text.push(c),
            }
        }
        panic!("the literal does not end: {soql:?}");
    }

    #[test]
    fn the_backslash_is_escaped_first() {
        assert_eq!(quote(r"O'Brien"), r"'O\'Brien'");
        assert_eq!(quote(r"\' OR Id != null"), r"'\\\' OR Id != null'");
        assert_eq!(quote("a\0b"), r"'a\u0000b'");
    }

    #[test]
    fn names_are_checked() {
        assert!(name("Syncdeck_Key__c").is_ok());
        for bad in [
            "",
            "Id FROM User",
            "Id,Name",
            "1a",
            "a'b",
            "Owner.Name",
            "a-b",
            "ä",
        ] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn literals_follow_the_kind() {
        let number = FieldKind::Number { scale: 2 };
        assert_eq!(literal(number, " 1.50 ").as_deref(), Some("1.50"));
        assert_eq!(literal(number, "1 OR 1=1"), None);
        assert_eq!(
            literal(FieldKind::Date, "2024-01-31").as_deref(),
            Some("2024-01-31")
        );
        assert_eq!(
            literal(FieldKind::DateTime, "2024-01-31T10:00:00+01:00").as_deref(),
            Some("2024-01-31T09:00:00Z")
        );
        assert_eq!(literal(FieldKind::Bool, "true").as_deref(), Some("true"));
        assert_eq!(literal(FieldKind::Email, "a@b").as_deref(), Some("'a@b'"));
        assert_eq!(literal(FieldKind::Text, ""), None);
        assert_eq!(literal(FieldKind::Text, &"x".repeat(4001)), None);
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_literal(text in "[\\\\'\\n\\r\\t\\x00-\\x1f\\x7f\"uU0-9a-fnO R=%_é😀\u{202e}]{1,30}") {
            let soql = format!("{} LIMIT 1", quote(&text));
            prop_assert_eq!(read_literal(&soql), (text, " LIMIT 1"));
        }

        #[test]
        fn any_text_is_one_literal(text in any::<String>()) {
            let soql = format!("{})", quote(&text));
            prop_assert_eq!(read_literal(&soql), (text, ")"));
        }

        #[test]
        fn lists_hold_every_value_once_and_fit(values in proptest::collection::vec("[a-z' ]{1,40}", 0..60)) {
            let literals: Vec<String> = values.iter().map(|v| quote(v)).collect();
            let queries = in_lists("SELECT Id FROM Lead", "Email", &literals, 400);
            let mut found = Vec::new();
            for query in &queries {
                prop_assert!(encoded_len(query) <= 400, "{}", encoded_len(query));
                let mut rest = query.strip_prefix("SELECT Id FROM Lead WHERE Email IN (").unwrap();
                loop {
                    let (value, after) = read_literal(rest);
                    found.push(value);
                    match after.strip_prefix(',') {
                        Some(next) => rest = next,
                        None => { prop_assert_eq!(after, ")"); break }
                    }
                }
            }
            prop_assert_eq!(found, values);
        }
    }
}
