//! CSV as bulk jobs take and give it (salesforce-api 6.1): delimiters, line endings, quoting.

use super::super::fail::Fail;

/// How it is sent.
pub const MEDIA_TYPE: &str = "text/csv;charset=UTF-8";

/// What stands between columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delimiter {
    #[default]
    Comma,
    Tab,
    Pipe,
    Semicolon,
    Caret,
    Backquote,
}

const DELIMITERS: [(Delimiter, &str, u8); 6] = [
    (Delimiter::Comma, "COMMA", b','),
    (Delimiter::Tab, "TAB", b'\t'),
    (Delimiter::Pipe, "PIPE", b'|'),
    (Delimiter::Semicolon, "SEMICOLON", b';'),
    (Delimiter::Caret, "CARET", b'^'),
    (Delimiter::Backquote, "BACKQUOTE", b'`'),
];

impl Delimiter {
    /// The delimiter of a name.
    pub fn named(name: &str) -> Option<Self> {
        let found = DELIMITERS.iter().find(|(_, n, _)| *n == name);
        found.map(|(delimiter, ..)| *delimiter)
    }
    fn entry(self) -> (&'static str, u8) {
        let found = DELIMITERS.iter().find(|(d, ..)| *d == self);
        found.map_or(("COMMA", b','), |(_, name, byte)| (*name, *byte))
    }
    /// Its name.
    pub fn name(self) -> &'static str {
        self.entry().0
    }
    /// Its byte.
    pub fn byte(self) -> u8 {
        self.entry().1
    }
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    #[default]
    Lf,
    Crlf,
}

impl Ending {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lf => "LF",
            Self::Crlf => "CRLF",
        }
    }
    /// Its bytes.
    pub fn text(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::Crlf => "\r\n",
        }
    }
    fn fits(self, data: &[u8]) -> bool {
        let first = data.iter().position(|b| *b == b'\n');
        let crlf = first.is_some_and(|at| at > 0 && data[at - 1] == b'\r');
        first.is_none() || crlf == (self == Self::Crlf)
    }
}

fn invalid(text: impl std::fmt::Display) -> Fail {
    Fail::new("INVALIDBATCH", format!("InvalidBatch : {text}"))
}

/// A header and the rows below it.
pub type Sheet = (Vec<String>, Vec<Vec<String>>);

/// Reads a header and rows.
pub fn read(data: &[u8], delimiter: Delimiter, ending: Ending) -> Result<Sheet, Fail> {
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    if !ending.fits(data) {
        return Err(invalid(format!(
            "LineEnding is invalid on user data. Current LineEnding setting is {}",
            ending.name()
        )));
    }
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter.byte())
        .from_reader(data);
    let fields = |record: &::csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header: Vec<String> = fields(reader.headers().map_err(invalid)?);
    if header.iter().all(String::is_empty) {
        return Err(invalid("the CSV has no header"));
    }
    if header.iter().map(String::len).sum::<usize>() > 32_000 {
        return Err(invalid("the header is longer than 32000 characters"));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(fields(&record.map_err(invalid)?));
    }
    Ok((header, rows))
}

/// Appends one line, every value in quotes.
pub fn line<'v>(
    out: &mut Vec<u8>,
    values: impl IntoIterator<Item = &'v str>,
    delimiter: Delimiter,
    ending: Ending,
) {
    for (i, value) in values.into_iter().enumerate() {
        if i > 0 {
            out.push(delimiter.byte());
        }
        out.push(b'"');
        out.extend_from_slice(value.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(ending.text().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in proptest::collection::vec(proptest::collection::vec("\\PC{0,8}[,\"\n\t]?", 3), 1..5), pick in 0usize..6) {
            let delimiter = DELIMITERS[pick].0;
            let mut out = Vec::new();
            line(&mut out, ["a", "b", "c"], delimiter, Ending::Lf);
            for row in &rows {
                line(&mut out, row.iter().map(String::as_str), delimiter, Ending::Lf);
            }
            let (header, read) = read(&out, delimiter, Ending::Lf).unwrap();
            prop_assert_eq!(header, ["a", "b", "c"]);
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn no_bytes_make_it_fail_badly(data in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&data, Delimiter::Comma, Ending::Lf);
        }
    }
}
