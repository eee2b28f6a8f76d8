//! `syncdeck records link`, `unlink`, `unlinked`: which record is which, said by hand.
//!
//! Whether two records may be linked is the engine's business. Invariant: unlinking asks first.

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::cli::Outcome;
use crate::cli::ask::{Answer, Consent};
use crate::cli::out::{Out, shown};
use crate::cli::session::{Session, ask, key_text, record_key};
use crate::domain::id::{CrmId, PairName};
use crate::engine::command::{Command, RecordKey};
use crate::engine::notice::Reply;
use crate::error::Result;

/// Arguments of `records link`.
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// Record, as the list names it
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub record: RecordKey,
    /// Salesforce Id, 15 or 18 characters
    #[arg(value_name = "CRM_ID")]
    pub crm_id: CrmId,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records unlink`.
#[derive(Debug, Args)]
pub struct UnlinkArgs {
    /// Record, as the list names it
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub record: RecordKey,
    /// Consent.
    #[command(flatten)]
    pub consent: Consent,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records unlinked`.
#[derive(Debug, Args)]
pub struct UnlinkedArgs {
    /// Pair
    pub pair: String,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Links two records.
///
/// # Errors
/// When one of them is linked already, or is not there.
pub async fn link<W: Write>(
    session: &mut Session,
    args: LinkArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let command = Command::LinkRecord {
        key: args.record.clone(),
        crm_id: args.crm_id,
    };
    ask!(session, command, Reply::Done => ());
    if args.json {
        out.json(&json!({
            "record": key_text(&args.record), "did": "linked", "crm_id": args.crm_id,
        }))?;
    } else {
        out.line(&format!("linked with {}", args.crm_id))?;
    }
    Ok(Outcome::Fine)
}

/// Ends a link, after consent.
///
/// # Errors
/// When the record is not linked.
pub async fn unlink<W: Write>(
    session: &mut Session,
    args: UnlinkArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let detail = super::detail(session, &args.record).await?;
    let crm_id = detail.link.as_ref().and_then(|l| l.crm_id);
    let question = format!("Unlink {} from Salesforce?", shown(&detail.name));
    let (did, text, outcome) = match args.consent.ask(&question).await? {
        Answer::No => ("nothing", "nothing was unlinked", Outcome::NeedsPerson),
        Answer::Yes => {
            let key = args.record.clone();
            ask!(session, Command::UnlinkRecord { key }, Reply::Done => ());
            ("unlinked", "unlinked", Outcome::Fine)
        }
    };
    if args.json {
        out.json(&json!({ "record": key_text(&args.record), "did": did, "crm_id": crm_id }))?;
    } else {
        out.line(text)?;
    }
    Ok(outcome)
}

/// Lists what can be linked.
///
/// # Errors
/// When there is no such pair.
pub async fn unlinked<W: Write>(
    session: &mut Session,
    args: UnlinkedArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let pair = PairName::new(args.pair);
    let command = Command::Candidates { pair: pair.clone() };
    let found = ask!(session, command, Reply::Candidates(found) => found);
    let was = |app_id: &crate::domain::id::AppId| {
        key_text(&RecordKey {
            pair: pair.clone(),
            app_id: app_id.clone(),
        })
    };
    if args.json {
        let rows: Vec<_> = found
            .iter()
            .map(|c| {
                let was = c.was.as_ref().map(was);
                json!({ "crm_id": c.crm_id, "name": c.name, "unlinked_from": was })
            })
            .collect();
        out.json(&json!({ "unlinked": rows }))?;
        return Ok(Outcome::Fine);
    }
    let rows: Vec<_> = found
        .iter()
        .map(|c| {
            let why = match &c.was {
                Some(id) => format!("unlinked from {}", was(id)),
                None => "waits to be linked".to_owned(),
            };
            vec![c.crm_id.to_string(), c.name.clone(), why]
        })
        .collect();
    out.table(&["SALESFORCE", "NAME", "WHY"], &rows)?;
    Ok(Outcome::Fine)
}
