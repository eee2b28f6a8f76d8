//! `syncdeck records views`: lists of records under a name.
//!
//! Invariant: looking changes nothing.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::Outcome;
use crate::cli::out::Out;
use crate::cli::say;
use crate::cli::session::{Session, ask};
use crate::domain::id::PairName;
use crate::domain::listing::{SavedView, Shape, Sort, columns};
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::view::Count;
use crate::error::{Error, Kind, Result};

/// What to do with views.
#[derive(Debug, Subcommand)]
pub enum ViewsCommand {
    /// List the views of a pair
    #[command(after_help = "\
Example:
  syncdeck records views list leads --json

Exit codes: 0 fine, 2 it could not be done.")]
    List(ViewListArgs),
    /// Keep a filter, an order and columns under a name
    #[command(after_help = "\
Example:
  syncdeck records views save leads 'my new ones' --filter 'status:new' --sort -changed
    --columns contactEmail,owner

One of the same name is replaced.

Exit codes: 0 kept, 2 it could not be done: a filter, order or column was not understood.")]
    Save(ViewSaveArgs),
    /// Forget a view
    #[command(after_help = "\
Example:
  syncdeck records views remove leads 'my new ones'

Exit codes: 0 forgotten, 2 it could not be done.")]
    Remove(ViewRemoveArgs),
}

/// Arguments of `records views list`.
#[derive(Debug, Args)]
pub struct ViewListArgs {
    /// Pair
    pub pair: String,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records views save`.
#[derive(Debug, Args)]
pub struct ViewSaveArgs {
    /// Pair
    pub pair: String,
    /// Name
    pub name: String,
    /// Words and `field:value`, as in the console
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        allow_hyphen_values = true
    )]
    pub filter: String,
    /// Order and columns.
    #[command(flatten)]
    pub shape: ShapeArgs,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records views remove`.
#[derive(Debug, Args)]
pub struct ViewRemoveArgs {
    /// Pair
    pub pair: String,
    /// Name
    pub name: String,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Order and columns of a list.
#[derive(Debug, Clone, Args, Default)]
pub struct ShapeArgs {
    /// Order: a field, or name, state, changed; with - in front the largest first
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    pub sort: Option<Sort>,
    /// Columns beside the name, with commas between
    #[arg(long, value_name = "FIELDS")]
    pub columns: Option<String>,
}

impl ShapeArgs {
    /// As the engine takes it.
    pub fn shape(self) -> Shape {
        Shape {
            sort: self.sort,
            columns: self.columns.as_deref().map(columns).unwrap_or_default(),
        }
    }
}

/// Does it.
///
/// # Errors
/// What the engine refuses.
pub async fn run<W: Write>(
    session: &mut Session,
    command: ViewsCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        ViewsCommand::List(args) => list(session, args, out).await,
        ViewsCommand::Save(args) => {
            let view = SavedView {
                name: args.name,
                filter: args.filter,
                shape: args.shape.shape(),
            };
            let pair = PairName::new(args.pair);
            let name = view.name.clone();
            ask!(session, Command::SaveView { pair, view }, Reply::Done => ());
            said(out, args.json, &name, "saved")
        }
        ViewsCommand::Remove(args) => {
            let pair = PairName::new(args.pair);
            let name = args.name.clone();
            ask!(session, Command::RemoveView { pair, name }, Reply::Done => ());
            said(out, args.json, &args.name, "removed")
        }
    }
}

fn said<W: Write>(out: &mut Out<W>, json: bool, name: &str, did: &str) -> Result<Outcome> {
    if json {
        out.json(&json!({ "view": name, "did": did }))?;
    } else {
        out.line(did)?;
    }
    Ok(Outcome::Fine)
}

/// The view of a pair with this name.
///
/// # Errors
/// When it has none; names those there are.
pub async fn named(session: &mut Session, pair: &PairName, name: &str) -> Result<SavedView> {
    let command = Command::Views { pair: pair.clone() };
    let views = ask!(session, command, Reply::Views(views) => views);
    if let Some(view) = views.iter().find(|view| view.name == name) {
        return Ok(view.clone());
    }
    let names: Vec<&str> = views.iter().map(|view| view.name.as_str()).collect();
    let text = format!("`{pair}` has no view {name:?}");
    Err(Error::new(Kind::Usage, text).hint(format!("views: {}", names.join(", "))))
}

async fn list<W: Write>(
    session: &mut Session,
    args: ViewListArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let pair = PairName::new(args.pair);
    let command = Command::Views { pair: pair.clone() };
    let views = ask!(session, command, Reply::Views(views) => views);
    let counts = ask!(session, Command::ViewCounts { pair }, Reply::ViewCounts(c) => c);
    let count = |view: &SavedView| counts.iter().find(|c| c.name == view.name).map(|c| c.count);
    let shown = |view: &SavedView| {
        let columns: Vec<&str> = view.shape.columns.iter().map(|c| c.as_str()).collect();
        let sort = view.shape.sort.as_ref().map(ToString::to_string);
        (sort.unwrap_or_default(), columns.join(", "))
    };
    if args.json {
        let rows: Vec<_> = views
            .iter()
            .map(|view| {
                json!({
                    "name": view.name, "filter": view.filter, "columns": view.shape.columns,
                    "sort": view.shape.sort.as_ref().map(ToString::to_string),
                    "records": match count(view) {
                        Some(Count::Exactly(n) | Count::About(n)) => Some(n),
                        Some(Count::Unknown) | None => None,
                    },
                    "exactly": matches!(count(view), Some(Count::Exactly(_))),
                })
            })
            .collect();
        out.json(&json!({ "views": rows }))?;
        return Ok(Outcome::Fine);
    }
    let rows: Vec<_> = views
        .iter()
        .map(|view| {
            let (sort, columns) = shown(view);
            let records = match count(view) {
                Some(Count::Exactly(n)) => say::number(n),
                Some(Count::About(n)) => format!("~{}", say::number(n)),
                Some(Count::Unknown) => "many".to_owned(),
                None => "-".to_owned(),
            };
            vec![
                view.name.clone(),
                records,
                view.filter.clone(),
                sort,
                columns,
            ]
        })
        .collect();
    out.table(&["VIEW", "RECORDS", "FILTER", "SORT", "COLUMNS"], &rows)?;
    Ok(Outcome::Fine)
}
