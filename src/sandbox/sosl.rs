//! SOSL (salesforce-api 2.10): `FIND {words} IN ... RETURNING Object(fields WHERE ...)`.
//!
//! Finds words; it is no search engine: no ranking, no stems, and nothing lags behind writes. The
//! part in the brackets of an object is handed to SOQL.

use super::{
    fail::Fail,
    org::{Org, Record},
    schema::{Kind, ObjIx, Object},
    value::Ref,
};

/// Most records of one search.
const MOST: usize = 2000;

/// Which fields are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    All,
    Name,
    Email,
    Phone,
}

impl Group {
    /// The group of a name; the side bar looks at all.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "ALL" | "SIDEBAR" => Self::All,
            "NAME" => Self::Name,
            "EMAIL" => Self::Email,
            "PHONE" => Self::Phone,
            _ => return None,
        })
    }
}

/// One object to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub object: String,
    /// `Id, Name`
    pub fields: String,
    /// `WHERE ... ORDER BY ... LIMIT ...`, as SOQL.
    pub rest: String,
}

/// A search.
#[derive(Debug, Clone)]
pub struct Search {
    pub words: Words,
    pub group: Group,
    /// Empty: every searchable object, with its id.
    pub wanted: Vec<Wanted>,
    pub limit: usize,
}

fn malformed(text: impl Into<String>) -> Fail {
    Fail::new("MALFORMED_SEARCH", text)
}

/// Reads a search.
pub fn parse(text: &str) -> Result<Search, Fail> {
    let rest = keyword(text.trim(), "FIND")
        .ok_or_else(|| malformed("unexpected token: a search begins with FIND"))?;
    let no_braces = "No search term found. The search term must be enclosed in braces.";
    let rest = rest
        .trim_start()
        .strip_prefix('{')
        .ok_or_else(|| malformed(no_braces))?;
    let (term, mut rest) = braces(rest).ok_or_else(|| malformed(no_braces))?;
    let mut search = Search {
        words: Words::parse(&term)?,
        group: Group::All,
        wanted: Vec::new(),
        limit: MOST,
    };
    if let Some(after) = keyword(rest, "IN") {
        let (name, after) = word(after);
        search.group =
            Group::named(name).ok_or_else(|| malformed(format!("unexpected token: '{name}'")))?;
        rest = keyword(after, "FIELDS")
            .ok_or_else(|| malformed("unexpected token: FIELDS is missing"))?;
    }
    if let Some(mut after) = keyword(rest, "RETURNING") {
        loop {
            let (one, left) = wanted(after)?;
            search.wanted.push(one);
            rest = left;
            match left.trim_start().strip_prefix(',') {
                Some(more) => after = more,
                None => break,
            }
        }
    }
    if let Some(after) = keyword(rest, "LIMIT") {
        let (number, left) = word(after);
        let limit = number.parse().ok().filter(|n| *n <= MOST);
        search.limit = limit.ok_or_else(|| malformed(format!("unexpected token: '{number}'")))?;
        rest = left;
    }
    match rest.trim() {
        "" => Ok(search),
        other => Err(malformed(format!("unexpected token: '{}'", word(other).0))),
    }
}

/// What follows a word, if the text begins with it.
fn keyword<'t>(text: &'t str, wanted: &str) -> Option<&'t str> {
    let (found, rest) = word(text);
    found.eq_ignore_ascii_case(wanted).then_some(rest)
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    text.split_at(end)
}

/// The text up to the closing brace, escapes read, and what follows.
fn braces(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '}' => return Some((out, &text[at + 1..])),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}

fn wanted(text: &str) -> Result<(Wanted, &str), Fail> {
    let (object, rest) = word(text);
    let whole = |fields: &str, rest: &str| Wanted {
        object: object.to_owned(),
        fields: fields.trim().to_owned(),
        rest: rest.trim().to_owned(),
    };
    let Some(inside) = rest.trim_start().strip_prefix('(') else {
        return Ok((whole("Id", ""), rest));
    };
    let mut depth = 1;
    let mut quoted = false;
    let mut escaped = false;
    let end = inside.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    });
    let end = end.ok_or_else(|| malformed("unexpected token: '<EOF>'"))?;
    let (body, rest) = (&inside[..end], &inside[end + 1..]);
    let upper = body.to_ascii_uppercase();
    let cut = ["WHERE ", "USING ", "ORDER BY", "LIMIT ", "OFFSET "]
        .iter()
        .filter_map(|clause| upper.find(&format!(" {clause}")))
        .min()
        .unwrap_or(body.len());
    let (fields, clauses) = body.split_at(cut);
    Ok((whole(fields, clauses), rest))
}

/// The words of a search: alternatives of words that must all be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<Vec<Term>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    present: bool,
    /// Words in a row; `*` and `?` stand for letters.
    words: Vec<String>,
}

impl Words {
    /// Reads the text between the braces.
    pub fn parse(text: &str) -> Result<Self, Fail> {
        if text.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
            return Err(malformed(format!(
                "search term must be longer than one character: {text}"
            )));
        }
        let mut any = vec![Vec::new()];
        let mut present = true;
        for piece in pieces(text) {
            match piece.as_str() {
                "AND" => {}
                "OR" => any.push(Vec::new()),
                "NOT" => present = false,
                _ => {
                    let words = split(piece.trim_matches('"'));
                    if let (Some(all), false) = (any.last_mut(), words.is_empty()) {
                        all.push(Term { present, words });
                    }
                    present = true;
                }
            }
        }
        any.retain(|all| !all.is_empty());
        match any.is_empty() {
            true => Err(malformed("No search term found.")),
            false => Ok(Self(any)),
        }
    }

    /// Whether a record has them in the fields of a group.
    pub fn fit(&self, object: &Object, record: &Record, group: Group) -> bool {
        let looked_at = |kind: Kind, name: bool| match group {
            Group::All => !matches!(kind, Kind::Picklist | Kind::Multipicklist | Kind::Base64),
            Group::Name => name,
            Group::Email => kind == Kind::Email,
            Group::Phone => kind == Kind::Phone,
        };
        let texts: Vec<Vec<String>> = object
            .each()
            .filter(|(_, f)| looked_at(f.kind, f.is_name()))
            .filter_map(|(ix, _)| match record.cell(ix) {
                Ref::Text(text) => Some(split(text)),
                _ => None,
            })
            .collect();
        let has = |term: &Term| {
            let found = texts.iter().any(|text| {
                text.windows(term.words.len()).any(|row| {
                    row.iter()
                        .zip(&term.words)
                        .all(|(have, want)| wild(want, have))
                })
            });
            found == term.present
        };
        self.0.iter().any(|all| all.iter().all(has))
    }
}

/// Cut at blanks, quoted parts whole.
fn pieces(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match (c, out.last_mut()) {
            ('"', Some(last)) => {
                quoted = !quoted;
                last.push(c);
            }
            (c, _) if c.is_whitespace() && !quoted => out.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    out.retain(|piece| !piece.is_empty());
    out
}

fn split(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && c != '*' && c != '?')
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

fn wild(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| wild(rest, &text[at..]))
        }
        Some(c) => text
            .chars()
            .next()
            .filter(|t| c == '?' || *t == c)
            .is_some_and(|t| wild(&pattern[c.len_utf8()..], &text[t.len_utf8()..])),
    }
}

/// The objects that are searched when none is named.
pub fn searchable(org: &Org) -> Vec<ObjIx> {
    let names = [
        "Account",
        "Contact",
        "Lead",
        "Opportunity",
        "Case",
        "Campaign",
    ];
    names.iter().filter_map(|n| org.schema.object(n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_search_is_taken_apart() {
        let text = "FIND {a\\}b \"c d\" OR e*} IN NAME FIELDS RETURNING Lead(Id, Name WHERE X = 'y)' LIMIT 2), Contact LIMIT 7";
        let search = parse(text).unwrap();
        assert_eq!((search.group, search.limit), (Group::Name, 7));
        assert_eq!(search.wanted[0].fields, "Id, Name");
        assert_eq!(search.wanted[0].rest, "WHERE X = 'y)' LIMIT 2");
        assert_eq!(search.wanted[1].fields, "Id");
        assert!(wild("e*", "emil") && !wild("e?", "emil") && wild("*l", "emil"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail_badly(text in "(FIND )?[{}a-z*'\\\\() ,]{0,40}") {
            let _ = parse(&text);
        }
    }
}
