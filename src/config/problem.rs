//! What is wrong with a configuration file, shown at the place where it stands.
//!
//! It turns a position and a few words into the text a person reads: file, line, column, the
//! line itself with a mark under the fault, what was expected, and a guess at what was meant.
//! It does not decide what is wrong.
//!
//! Invariant: a value that may be a secret is never repeated. The line is cut after the `=`
//! where the key is unknown or has to do with secrets, and texts that quote the value are replaced.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use crate::domain::text::nearest;
use crate::error::{Error, Kind};

/// One fault of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the file the fault stands at.
    pub span: Range<usize>,
    /// What is wrong: one sentence, no full stop.
    pub message: String,
    /// What may stand there.
    pub expected: Option<String>,
    /// A word that was probably meant.
    pub meant: Option<String>,
    /// Whether the value may be shown.
    pub line: Line,
}

/// How much of the source line a report may repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// All of it.
    Whole,
    /// Up to the `=`.
    KeyOnly,
}

impl Problem {
    /// Makes a problem at a place with a message.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            expected: None,
            meant: None,
            line: Line::Whole,
        }
    }

    /// Adds what may stand there.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Adds the nearest of the known words, if one is near.
    #[must_use]
    pub fn meant<'a>(mut self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        self.meant = nearest(word, known).map(str::to_owned);
        self
    }

    /// Keeps the value out of the report.
    #[must_use]
    pub fn key_only(mut self) -> Self {
        self.line = Line::KeyOnly;
        self
    }

    /// Translates an error of the TOML reader.
    pub fn from_toml(error: &toml::de::Error, text: &str) -> Self {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().next().unwrap_or("not readable");
        if let Some((key, known)) = unknown_field(message) {
            let problem = Self::new(span, format!("unknown key `{key}`")).key_only();
            return if known.is_empty() {
                problem.expected("no key here")
            } else {
                problem
                    .expected(format!("one of: {}", known.join(", ")))
                    .meant(&key, known.iter().copied())
            };
        }
        let (what, expected) = match message.split_once(", expected ") {
            Some((what, expected)) => (what, Some(plain(expected))),
            None => (message, None),
        };
        let mut problem = match what.strip_prefix("invalid type: ") {
            // The reader repeats the value (`string "abc"`); its kind is enough.
            Some(found) => {
                let kind = found.split([' ', '`', '"']).next().unwrap_or(found);
                Self::new(span, format!("wrong kind of value: {kind}"))
            }
            None => Self::new(span, what),
        };
        problem.expected = expected;
        if is_delicate(line_at(text, problem.span.start).text) {
            problem = problem.key_only();
        }
        problem
    }

    /// The report of this problem: message, place, marked line, expectation, guess.
    pub fn render(&self, file: &Path, text: &str) -> String {
        let at = line_at(text, self.span.start);
        let gutter = at.number.to_string().len();
        let delicate = self.line == Line::KeyOnly || is_delicate(at.text);
        let shown = if delicate {
            key_part(at.text)
        } else {
            at.text.to_owned()
        };
        let before = at.text.get(..at.offset).unwrap_or(at.text);
        let start = before.chars().count().min(shown.chars().count());
        let marked = text.get(self.span.clone()).unwrap_or("");
        let width = marked.lines().next().unwrap_or("").chars().count();
        let room = shown.chars().count().saturating_sub(start);
        let mut out = self.message.clone();
        let _ = write!(
            out,
            "\n{:gutter$}--> {}:{}:{}\n{:gutter$} |\n{} | {}\n{:gutter$} | {}{}",
            "",
            file.display(),
            at.number,
            before.chars().count() + 1,
            "",
            at.number,
            visible(&shown),
            "",
            " ".repeat(start),
            "^".repeat(width.min(room).max(1)),
        );
        if let Some(expected) = &self.expected {
            let _ = write!(out, " expected {expected}");
        }
        if let Some(meant) = &self.meant {
            let _ = write!(out, "\n{:gutter$} = did you mean `{meant}`?", "");
        }
        out
    }
}

/// Makes the one error for all problems of a file, in the order of the file.
pub fn report(file: &Path, text: &str, mut problems: Vec<Problem>) -> Error {
    problems.sort_by_key(|p| p.span.start);
    let body: Vec<_> = problems.iter().map(|p| p.render(file, text)).collect();
    Error::new(Kind::Config, body.join("\n\n"))
        .hint("nothing was started; correct the file, then run `syncdeck config check`")
}

struct At<'a> {
    number: usize,
    /// Byte offset of the place within the line.
    offset: usize,
    text: &'a str,
}

fn line_at(text: &str, position: usize) -> At<'_> {
    let mut position = position.min(text.len());
    while !text.is_char_boundary(position) {
        position -= 1;
    }
    let start = text[..position].rfind('\n').map_or(0, |i| i + 1);
    let end = text[position..]
        .find('\n')
        .map_or(text.len(), |i| position + i);
    At {
        number: text[..start].matches('\n').count() + 1,
        offset: position - start,
        text: text[start..end].trim_end_matches('\r'),
    }
}

/// The key with the value left out.
fn key_part(line: &str) -> String {
    match line.split_once('=') {
        Some((key, _)) => format!("{key}= ..."),
        None if line.trim_start().starts_with('[') => line.to_owned(),
        None => line
            .chars()
            .take_while(|c| c.is_alphanumeric() || "_-. \"".contains(*c))
            .collect(),
    }
}

fn is_delicate(line: &str) -> bool {
    // An address may hold a name and a password in front of its host.
    if line.contains("://") && line.contains('@') {
        return true;
    }
    let key = line.split('=').next().unwrap_or(line).to_ascii_lowercase();
    ["secret", "token", "passw", "passphrase", "proxy", "private"]
        .iter()
        .any(|w| key.contains(w))
}

fn unknown_field(message: &str) -> Option<(String, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    // Backticks stand around each known name: every second piece is a name.
    let known = rest.split('`').skip(1).step_by(2).collect();
    Some((visible(key), known))
}

/// The words of the reader in the words of a person.
fn plain(expected: &str) -> String {
    match expected {
        "i64" => "a whole number".into(),
        "literal string" => "a value".into(),
        "a boolean" | "bool" => "true or false".into(),
        "a string" => "text in quotes".into(),
        "a map" => "a table".into(),
        e if e.starts_with("struct ") => "a table".into(),
        e => e.to_owned(),
    }
}

/// Control characters as visible signs, so that a file cannot steer the terminal.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_under_the_fault_behind_wide_text() {
        let text = "a = 1\n\"gr\u{fc}n\" = \"x\" # bad\n";
        let start = text.find("\"x\"").unwrap();
        let shown = Problem::new(start..start + 3, "no").render(Path::new("f"), text);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[1], " --> f:2:10");
        assert_eq!(lines[4], "  |          ^^^");
    }

    #[test]
    fn a_delicate_line_shows_no_value() {
        let text = "client_secret = \"hunter2\"";
        let shown = Problem::new(16..25, "no").render(Path::new("f"), text);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("client_secret = ..."), "{shown}");
    }
}
