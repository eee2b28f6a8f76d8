//! Arguments and words that commands with lists and records have in common.

use std::io::Write;

use clap::Args;

use super::out::Out;
use super::say;
use super::session::record_key;
use crate::engine::command::{Page, RecordKey};
use crate::error::Result;

/// Which part of a list.
#[derive(Debug, Clone, Copy, Args)]
pub struct PageArgs {
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Leave out this many first
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: usize,
}

impl From<PageArgs> for Page {
    fn from(args: PageArgs) -> Self {
        Self {
            offset: args.offset,
            limit: args.limit,
        }
    }
}

/// Which record to show.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Record, as the list names it
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub record: RecordKey,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Says how many rows are behind the ones shown, and how to see them.
///
/// # Errors
/// When the output cannot be written.
pub fn more<W: Write>(out: &mut Out<W>, offset: usize, shown: usize, total: u64) -> Result<()> {
    let end = offset + shown;
    match total.saturating_sub(end as u64) {
        0 => Ok(()),
        rest => out.line(&format!("{} more: --offset {end}", say::number(rest))),
    }
}
