//! Where in a file a mistake is, for messages: line and column.

use std::ops::Range;

use crate::error::{Error, Kind};

/// A file being read.
#[derive(Debug, Clone, Copy)]
pub struct Place<'t> {
    source: &'t str,
    text: &'t str,
}

impl<'t> Place<'t> {
    /// A file by name and content.
    pub fn new(source: &'t str, text: &'t str) -> Self {
        Self { source, text }
    }

    /// An error at a byte range of the file: `name:line:column: message`.
    pub fn error(&self, span: Range<usize>, message: impl AsRef<str>) -> Error {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let message = message.as_ref();
        Error::new(
            Kind::Config,
            format!("{}:{line}:{column}: {message}", self.source),
        )
    }

    /// The same for an error of the TOML reader.
    pub fn toml(&self, error: &toml::de::Error) -> Error {
        self.error(error.span().unwrap_or(0..0), error.message())
    }
}
