//! `syncdeck records restore`: a deletion taken back, as long as no sync has seen it.

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::cli::Outcome;
use crate::cli::out::Out;
use crate::cli::session::{Session, ask, key_text, record_key};
use crate::engine::command::{Command, RecordKey};
use crate::engine::notice::Reply;
use crate::error::{Error, Kind, Result};

/// Arguments of `records restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Record, as `records delete` named it
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub record: RecordKey,
    /// Revision of its deletion, as `records delete` said it
    pub revision: u64,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Brings the record back.
///
/// # Errors
/// When it changed after it was deleted, or a sync has taken the deletion to Salesforce.
pub async fn run<W: Write>(
    session: &mut Session,
    args: RestoreArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let RecordKey { pair, app_id } = args.record.clone();
    let records = vec![(app_id, args.revision)];
    let command = Command::RestoreRecords { pair, records };
    let acted = ask!(session, command, Reply::Acted(acted) => acted);
    if let Some(refused) = acted.refused.first() {
        let what = format!("it was not brought back: {}", refused.why);
        return Err(Error::new(Kind::Refused, what)
            .hint("`syncdeck runs undo` takes back a run that carried it over"));
    }
    let key = key_text(&args.record);
    match args.json {
        true => out.json(&json!({ "record": key, "did": "restored" }))?,
        false => out.line(&format!("{key} is back; the next sync goes on with it"))?,
    }
    Ok(Outcome::Fine)
}
