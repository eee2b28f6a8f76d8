//! CSV of bulk jobs, read from pieces of any size and written (salesforce-api 6.1).
//!
//! Knows no fields. Strict: what is not CSV is an error, not a guess. Invariants: memory is
//! bounded by one record; how the bytes are cut into pieces makes no difference.

/// Bytes of a record at most: 400,000 characters of data, quoted, with room.
const MAX_RECORD: usize = 4 << 20;
/// Columns at most (salesforce-api 6.1).
const MAX_COLUMNS: usize = 5_000;

/// Why a body is not CSV. Says nothing of what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum CsvError {
    /// A quote where none may be.
    #[error("a quote in the middle of a value")]
    Quote,
    /// It ends inside of quotes.
    #[error("it ends in the middle of a record")]
    Cut,
    /// Another number of values than the header has.
    #[error("a record of another width than the header")]
    Width,
    /// A record larger than any there can be.
    #[error("a record that is too large")]
    Large,
    /// Not text.
    #[error("not UTF-8")]
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first sign of a record.
    Record,
    /// Before the first sign of a value that is not the first.
    Value,
    Plain,
    Quoted,
    /// Behind a quote inside of quotes.
    Quote,
    /// Behind a carriage return outside of quotes.
    Return,
}

/// Takes records out of pieces.
#[derive(Debug)]
pub(super) struct Reader {
    at: At,
    /// Values of the record so far, one after the other.
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    width: Option<usize>,
    start: usize,
}

/// Values of one record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'r> {
    text: &'r str,
    ends: &'r [usize],
}

impl<'r> Record<'r> {
    /// The value at a place; empty beyond the last.
    pub(super) fn get(&self, at: usize) -> &'r str {
        let start = match at.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
        };
        let end = self.ends.get(at).copied().unwrap_or_default();
        self.text.get(start..end).unwrap_or_default()
    }

    /// All values in order.
    pub(super) fn iter(self) -> impl Iterator<Item = &'r str> {
        (0..self.ends.len()).map(move |at| self.get(at))
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            at: At::Record,
            text: Vec::new(),
            ends: Vec::new(),
            width: None,
            start: 0,
        }
    }
}

impl Reader {
    /// Takes a piece, and gives every record that it completes to `each`.
    pub(super) fn take<E: From<CsvError>>(
        &mut self,
        piece: &[u8],
        mut each: impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = self.without_mark(piece);
        while let Some((&byte, after)) = rest.split_first() {
            match (self.at, byte) {
                (At::Quoted, b'"') => self.at = At::Quote,
                (At::Quoted, _) => {
                    let run = rest.iter().position(|b| *b == b'"').unwrap_or(rest.len());
                    let (run, after) = rest.split_at(run);
                    self.push(run)?;
                    rest = after;
                    continue;
                }
                (At::Quote, b'"') => {
                    self.push(b"\"")?;
                    self.at = At::Quoted;
                }
                (At::Record | At::Value, b'"') => self.at = At::Quoted,
                (At::Plain, b'"') => return Err(CsvError::Quote.into()),
                // An empty line is no record.
                (At::Record, b'\r' | b'\n') => {}
                (At::Return, b'\n') => self.at = At::Record,
                (At::Return, _) => return Err(CsvError::Quote.into()),
                (_, b',') => {
                    self.end_value()?;
                    self.at = At::Value;
                }
                (_, b'\r' | b'\n') => {
                    self.end_value()?;
                    each(self.record()?)?;
                    self.text.clear();
                    self.ends.clear();
                    self.at = if byte == b'\r' {
                        At::Return
                    } else {
                        At::Record
                    };
                }
                (At::Quote, _) => return Err(CsvError::Quote.into()),
                (At::Record | At::Value | At::Plain, _) => {
                    let run = rest
                        .iter()
                        .position(|b| matches!(b, b'"' | b',' | b'\r' | b'\n'))
                        .unwrap_or(rest.len());
                    let (run, after) = rest.split_at(run);
                    self.push(run)?;
                    self.at = At::Plain;
                    rest = after;
                    continue;
                }
            }
            rest = after;
        }
        Ok(())
    }

    /// The end of the body. A last record without a line ending may have been cut, so it is an
    /// error.
    pub(super) fn finish(&self) -> Result<(), CsvError> {
        match self.at {
            At::Record | At::Return => Ok(()),
            _ => Err(CsvError::Cut),
        }
    }

    /// The piece without the byte order mark that a body may begin with.
    fn without_mark<'p>(&mut self, piece: &'p [u8]) -> &'p [u8] {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        let mut rest = piece;
        while let Some(expected) = MARK.get(self.start) {
            match rest.split_first() {
                Some((byte, after)) if byte == expected => {
                    self.start += 1;
                    rest = after;
                }
                Some(_) => {
                    // Its beginning only looked like one; then it is no UTF-8 anyway.
                    let seen = MARK.get(..self.start).unwrap_or_default();
                    self.text.extend_from_slice(seen);
                    self.start = MARK.len();
                }
                None => break,
            }
        }
        rest
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), CsvError> {
        if self.text.len() + bytes.len() > MAX_RECORD {
            return Err(CsvError::Large);
        }
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    fn end_value(&mut self) -> Result<(), CsvError> {
        if self.ends.len() >= MAX_COLUMNS {
            return Err(CsvError::Large);
        }
        self.ends.push(self.text.len());
        Ok(())
    }

    fn record(&mut self) -> Result<Record<'_>, CsvError> {
        let width = *self.width.get_or_insert(self.ends.len());
        if width != self.ends.len() {
            return Err(CsvError::Width);
        }
        let text = std::str::from_utf8(&self.text).map_err(|_| CsvError::Text)?;
        // A sign that a comma cut in two is whole again without the comma.
        if !self.ends.iter().all(|end| text.is_char_boundary(*end)) {
            return Err(CsvError::Text);
        }
        Ok(Record {
            text,
            ends: &self.ends,
        })
    }
}

/// Appends one line, every value in quotes.
pub(super) fn line<'v>(out: &mut Vec<u8>, values: impl IntoIterator<Item = &'v str>) {
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.push(b'"');
        for (part, text) in value.split('"').enumerate() {
            if part > 0 {
                out.extend_from_slice(b"\"\"");
            }
            out.extend_from_slice(text.as_bytes());
        }
        out.push(b'"');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<Vec<String>>, CsvError> {
        let mut reader = Reader::default();
        let mut rows = Vec::new();
        for piece in pieces {
            reader.take::<CsvError>(piece, |record| {
                rows.push(record.iter().map(str::to_owned).collect());
                Ok(())
            })?;
        }
        reader.finish()?;
        Ok(rows)
    }

    #[test]
    fn forms_that_are_read() {
        let rows =
            read(&["\u{feff}\"Id\",Name\r\n\"1\",\"a \"\"b\"\"\r\nc,\"\r\n2,\n\n".as_bytes()]);
        let want = [
            vec!["Id", "Name"],
            vec!["1", "a \"b\"\r\nc,"],
            vec!["2", ""],
        ];
        assert_eq!(rows.unwrap(), want);
        assert_eq!(read(&[b""]), Ok(vec![]));
    }

    #[test]
    fn forms_that_are_not() {
        for (text, error) in [
            (&b"a,b\n1\n"[..], CsvError::Width),
            (b"a\n\"1", CsvError::Cut),
            (b"a\n1", CsvError::Cut),
            (b"a\n1\"2\n", CsvError::Quote),
            (b"a\n\"1\"2\n", CsvError::Quote),
            (b"a\n\xff\n", CsvError::Text),
            (b"\xef\xbba\n", CsvError::Text),
            (b"\xc3,\xa9\n", CsvError::Text),
        ] {
            assert_eq!(read(&[text]), Err(error), "{text:?}");
        }
    }

    #[test]
    fn nothing_grows_without_end() {
        let mut reader = Reader::default();
        let piece = vec![b'x'; 1 << 16];
        let mut given = 0;
        let error = loop {
            match reader.take::<CsvError>(&piece, |_| Ok(())) {
                Ok(()) => given += piece.len(),
                Err(error) => break error,
            }
            assert!(given <= 2 * MAX_RECORD);
        };
        assert_eq!(error, CsvError::Large);
        assert!(reader.text.capacity() <= 2 * MAX_RECORD);
        let commas = vec![b','; MAX_COLUMNS + 1];
        assert_eq!(read(&[&commas]), Err(CsvError::Large));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_however_it_is_cut(
            rows in proptest::collection::vec(proptest::collection::vec("[\\PC\"\r\n,]{0,8}", 3), 1..6),
            cuts in proptest::collection::vec(1usize..9, 0..40),
        ) {
            let mut out = Vec::new();
            for row in &rows {
                line(&mut out, row.iter().map(String::as_str));
            }
            prop_assert_eq!(&read(&[&out]).unwrap(), &rows);
            let mut pieces = Vec::new();
            let mut rest = &out[..];
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(&read(&pieces).unwrap(), &rows);
            for cut in 0..out.len() {
                // A cut body is an error or ends exactly behind a record.
                if let Ok(short) = read(&[&out[..cut]]) {
                    prop_assert!(short.len() < rows.len());
                }
            }
        }

        #[test]
        fn any_bytes_are_survived(data in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r')], 0..200)) {
            let _ = read(&[&data]);
        }
    }
}
