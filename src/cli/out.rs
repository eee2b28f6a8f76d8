//! Output of the plain commands: text, tables, JSON.
//!
//! It is the one place that writes to standard output. A reader that went away (`| head`) is
//! no fault: the rest is dropped and the command ends as usual.
//!
//! Invariant: text that came from outside reaches a terminal only through [`shown`].

use std::io::{self, Write};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::domain::text::{Breaks, escape};
use crate::error::{Error, Kind, Result};

/// Where a command writes.
#[derive(Debug)]
pub struct Out<W: Write = io::Stdout> {
    to: W,
    reader: Reader,
}

#[derive(Debug, PartialEq, Eq)]
enum Reader {
    There,
    Gone,
}

impl Out {
    /// Standard output.
    pub fn stdout() -> Self {
        Self::to(io::stdout())
    }
}

impl<W: Write> Out<W> {
    /// Some other place, for tests.
    pub fn to(to: W) -> Self {
        Self {
            to,
            reader: Reader::There,
        }
    }

    /// One line of our own words. Outside text in it has been through [`shown`].
    ///
    /// # Errors
    /// When the output cannot be written, but not when its reader went away.
    pub fn line(&mut self, line: &str) -> Result<()> {
        let done = writeln!(self.to, "{line}").and_then(|()| self.to.flush());
        self.check(done)
    }

    /// Text as it is, for files that go through a pipe.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn raw(&mut self, text: &str) -> Result<()> {
        let done = self
            .to
            .write_all(text.as_bytes())
            .and_then(|()| self.to.flush());
        self.check(done)
    }

    /// One line of JSON.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value)
            .map_err(|e| Error::new(Kind::Internal, "this cannot be said in JSON").caused_by(e))?;
        self.line(&text)
    }

    /// A table with a head; columns as wide as their widest cell. Cells are made safe here.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn table(&mut self, head: &[&str], rows: &[Vec<String>]) -> Result<()> {
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|r| r.iter().map(|c| shown(c)).collect())
            .collect();
        let widths: Vec<usize> = (0..head.len())
            .map(|i| {
                rows.iter()
                    .filter_map(|r| r.get(i))
                    .map(|c| c.width())
                    .chain([head[i].width()])
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let put = |cells: &mut dyn Iterator<Item = &str>| {
            let mut line = String::new();
            for (cell, width) in cells.zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width - cell.width().min(*width) + 2));
            }
            line.trim_end().to_owned()
        };
        self.line(&put(&mut head.iter().copied()))?;
        for row in &rows {
            self.line(&put(&mut row.iter().map(String::as_str)))?;
        }
        Ok(())
    }

    fn check(&mut self, done: io::Result<()>) -> Result<()> {
        match done {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                self.reader = Reader::Gone;
                Ok(())
            }
            Err(e) => Err(Error::new(
                Kind::Internal,
                format!("cannot write the output: {e}"),
            )),
        }
    }

    /// What it was made of.
    pub fn into_inner(self) -> W {
        self.to
    }

    /// Whether anybody still reads; long output may stop early when not.
    pub fn is_read(&self) -> bool {
        self.reader == Reader::There
    }
}

/// Writes an error to standard error: `error:`, then after a blank line `hint:`.
pub fn print_error(error: &Error) {
    let mut text = format!("error: {}\n", many_lines(error.message()));
    if let Some(hint) = error.remedy() {
        text.push_str(&format!("\nhint: {}\n", many_lines(hint)));
    }
    note(&text);
}

/// Writes text to standard error. Nobody may be there to read it, which changes nothing.
pub fn note(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Outside text on one line: control characters as `^[`, and characters that turn or hide text
/// as `<U+202E>`, as the console shows them; so nothing in a record can steer the terminal or
/// disguise a word.
pub fn shown(text: &str) -> String {
    escape(text, Breaks::Show).into_owned()
}

/// Outside text whose line breaks stay.
pub fn many_lines(text: &str) -> String {
    text.lines().map(shown).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        assert_eq!(shown("a\x1b[2Jb\0\u{9b}m\x7f"), "a^[[2Jb^@<U+009B>m^?");
        assert_eq!(shown("x\u{202e}fdp.exe"), "x<U+202E>fdp.exe");
        assert_eq!(shown("one\r\ntwo\t"), "one^M^Jtwo^I");
        assert_eq!(
            shown("\u{645}\u{631} caf\u{e9} \u{1f600}"),
            "\u{645}\u{631} caf\u{e9} \u{1f600}"
        );
    }

    #[test]
    fn columns_line_up_behind_wide_letters() {
        let mut out = Out::to(Vec::new());
        let rows = [
            vec!["\u{6771}\u{4eac}".into(), "1".into()],
            vec!["a".into(), "2".into()],
        ];
        out.table(&["name", "n"], &rows).unwrap();
        let text = String::from_utf8(out.to).unwrap();
        assert_eq!(text, "name  n\n\u{6771}\u{4eac}  1\na     2\n");
    }

    struct Closed(io::ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_fault_but_a_full_disk_is() {
        let mut out = Out::to(Closed(io::ErrorKind::BrokenPipe));
        out.line("x").unwrap();
        assert!(!out.is_read());
        let mut out = Out::to(Closed(io::ErrorKind::StorageFull));
        assert!(out.line("x").is_err());
    }
}
