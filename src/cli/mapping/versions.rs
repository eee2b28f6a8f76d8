//! `syncdeck mapping versions`: what was saved, when, and what each version changed.

use std::io::Write;

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::Outcome;
use crate::cli::out::Out;
use crate::cli::say;
use crate::cli::session::Session;
use crate::domain::id::PairName;
use crate::error::Result;

/// Arguments of `mapping versions`.
#[derive(Debug, Args)]
pub struct VersionsArgs {
    /// Pair
    pub pair: String,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Lists them, newest first.
///
/// # Errors
/// When there is no such pair.
pub async fn run<W: Write>(
    session: &mut Session,
    args: VersionsArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let detail = session.mapping(&PairName::new(args.pair)).await?;
    if args.json {
        let rows = detail
            .versions
            .iter()
            .map(|row| json!({ "version": row.version, "at": row.at, "changes": row.changes }));
        let rows: Vec<Json> = rows.collect();
        out.json(&json!({ "pair": detail.pair.name, "versions": rows }))?;
        return Ok(Outcome::Fine);
    }
    let rows = detail.versions.iter().map(|row| {
        vec![
            row.version.to_string(),
            say::time(row.at),
            row.changes.join("; "),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    out.table(&["VERSION", "SAVED", "WHAT CHANGED"], &rows)?;
    Ok(Outcome::Fine)
}
