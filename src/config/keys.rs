//! The key file `keys.toml`, as written: action names and key texts with their places.
//!
//! ```toml
//! [conflict]
//! take_crm = ["c", "2"]     # the action conflict.take_crm
//! ```
//! What the actions and keys mean is the console's knowledge; this only reads.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::place::Place;
use crate::error::Result;

/// One action with the keys it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Dotted action name.
    pub action: String,
    /// Where the name stands, in bytes.
    pub at: Range<usize>,
    /// The keys as written, each with its place. Empty takes the keys away.
    pub keys: Vec<(String, Range<usize>)>,
}

/// A key file with its text, for messages about places in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Name for messages.
    pub source: String,
    /// The whole text.
    pub text: String,
    /// Rows in file order.
    pub rows: Vec<KeyRow>,
}

/// Reads a key file.
///
/// # Errors
/// [`crate::error::Kind::Config`] with line and column when it is not TOML or a row is neither
/// a text nor a list of texts.
pub fn parse(source: &str, text: &str) -> Result<KeyFile> {
    let place = Place::new(source, text);
    let table = DeTable::parse(text).map_err(|e| place.toml(&e))?;
    let mut rows = Vec::new();
    collect(&place, "", table.get_ref(), &mut rows)?;
    rows.sort_by_key(|row: &KeyRow| row.at.start);
    Ok(KeyFile {
        source: source.to_owned(),
        text: text.to_owned(),
        rows,
    })
}

fn collect(
    place: &Place<'_>,
    prefix: &str,
    table: &DeTable<'_>,
    rows: &mut Vec<KeyRow>,
) -> Result<()> {
    for (name, value) in table {
        let action = match prefix {
            "" => name.get_ref().to_string(),
            prefix => format!("{prefix}.{}", name.get_ref()),
        };
        let keys = match value.get_ref() {
            DeValue::Table(inner) => {
                collect(place, &action, inner, rows)?;
                continue;
            }
            DeValue::String(key) => vec![(key.to_string(), value.span())],
            DeValue::Array(list) => {
                let mut keys = Vec::new();
                for item in list {
                    let Some(key) = item.get_ref().as_str() else {
                        return Err(place.error(item.span(), "expected a key in quotes"));
                    };
                    keys.push((key.to_owned(), item.span()));
                }
                keys
            }
            _ => {
                return Err(
                    place.error(value.span(), "expected a key in quotes, or a list of keys")
                );
            }
        };
        rows.push(KeyRow {
            action,
            at: name.span(),
            keys,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_dotted_names_are_the_same() {
        let file = parse(
            "keys.toml",
            "open = \"Enter\"\n[conflict]\ntake_crm = [\"c\", \"2\"]\n",
        )
        .unwrap();
        let names: Vec<_> = file.rows.iter().map(|r| r.action.as_str()).collect();
        assert_eq!(names, ["open", "conflict.take_crm"]);
        assert_eq!(file.rows[1].keys.len(), 2);
    }

    #[test]
    fn a_number_is_no_key() {
        let error = parse("keys.toml", "open = 3\n").unwrap_err();
        assert_eq!(
            error.message(),
            "keys.toml:1:8: expected a key in quotes, or a list of keys"
        );
    }
}
