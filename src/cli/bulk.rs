//! Whole tables of App records as CSV or NDJSON, in and out.
//!
//! Rows are handled one after the other: memory does not grow with the file. Invariant: a row
//! that cannot be taken is named by its number and reason, and does not stop the others.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};

use clap::{Args, ValueEnum};
use serde_json::Value as Json;

use super::ask::not_typed;
use super::out::{Out, shown};
use super::records::{detail, field_of, revision};
use super::session::{Session, ask};
use super::{Outcome, say};
use crate::domain::id::{AppId, PairName};
use crate::domain::mapping::Pair;
use crate::domain::record::AppRecord;
use crate::domain::value::{Fields, Value};
use crate::engine::command::{Command, RecordKey, WholeFrom};
use crate::engine::notice::Reply;
use crate::error::{Error, Kind, Result};

/// Form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-separated, with a head
    Csv,
    /// One JSON object per line
    Ndjson,
}

/// Arguments of `records import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Pair
    pub pair: String,
    /// File; `-` is standard input
    pub file: String,
    /// Form of the file; without it, by its ending
    #[arg(long, value_enum)]
    pub format: Option<Format>,
}

/// Arguments of `records export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Pair
    pub pair: String,
    /// Form of the output
    #[arg(long, value_enum, default_value = "csv")]
    pub format: Format,
    /// Words and `field:value`, as in the console
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub filter: String,
}

/// What a row says: which record, and its fields as read.
struct Row {
    id: Option<AppId>,
    fields: Fields,
}

/// Takes a file in.
///
/// # Errors
/// When the file cannot be read at all or its head is wrong.
pub async fn import<W: Write>(
    session: &mut Session,
    args: ImportArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let name = PairName::new(args.pair);
    let pair = session.pair(&name).await?;
    let format = args.format.unwrap_or(if args.file.ends_with("json") {
        Format::Ndjson
    } else {
        Format::Csv
    });
    let (mut made, mut changed, mut refused) = (0u64, 0u64, 0u64);
    for (number, row) in rows(open(&args.file)?, format, &pair)? {
        match take(session, &name, row).await {
            Ok(Taken::Made) => made += 1,
            Ok(Taken::Changed) => changed += 1,
            Err(error) if !is_about_the_row(error.kind()) => return Err(error),
            Err(error) => {
                refused += 1;
                out.line(&format!("row {number}: {}", shown(error.message())))?;
            }
        }
    }
    out.line(&format!(
        "{} made, {} changed, {} not taken",
        say::number(made),
        say::number(changed),
        say::number(refused)
    ))?;
    Ok(if refused == 0 {
        Outcome::Fine
    } else {
        Outcome::NeedsPerson
    })
}

/// Whether the next row may fare better.
fn is_about_the_row(kind: Kind) -> bool {
    match kind {
        Kind::Usage | Kind::Changed | Kind::Refused | Kind::Crm => true,
        Kind::Config
        | Kind::Vault
        | Kind::Store
        | Kind::Auth
        | Kind::Network
        | Kind::Cancelled
        | Kind::Internal => false,
    }
}

enum Taken {
    Made,
    Changed,
}

async fn take(session: &mut Session, pair: &PairName, row: Result<Row>) -> Result<Taken> {
    let row = row?;
    let Some(app_id) = row.id else {
        let command = Command::CreateRecord {
            pair: pair.clone(),
            fields: row.fields,
        };
        ask!(session, command, Reply::Created(_) => ());
        return Ok(Taken::Made);
    };
    let key = RecordKey {
        pair: pair.clone(),
        app_id,
    };
    let rev = revision(&detail(session, &key).await?)?;
    let command = Command::EditRecord {
        key,
        rev,
        fields: row.fields,
    };
    ask!(session, command, Reply::Done => ());
    Ok(Taken::Changed)
}

fn open(file: &str) -> Result<Box<dyn Read>> {
    not_typed(file)?;
    if file == "-" {
        return Ok(Box::new(io::stdin()));
    }
    match File::open(file) {
        Ok(open) => Ok(Box::new(open)),
        Err(e) => Err(Error::new(Kind::Usage, format!("cannot read {file}: {e}"))),
    }
}

type Rows<'p> = Box<dyn Iterator<Item = (u64, Result<Row>)> + 'p>;

/// The rows of a file with their line numbers.
fn rows<'p>(file: impl Read + 'p, format: Format, pair: &'p Pair) -> Result<Rows<'p>> {
    match format {
        Format::Csv => csv_rows(file, pair),
        Format::Ndjson => Ok(ndjson_rows(file, pair)),
    }
}

fn csv_rows<'p>(file: impl Read + 'p, pair: &'p Pair) -> Result<Rows<'p>> {
    let mut reader = csv::Reader::from_reader(file);
    let unreadable = |e: csv::Error| Error::new(Kind::Usage, format!("not readable as CSV: {e}"));
    let head = reader.headers().map_err(unreadable)?.clone();
    let head = head.iter().map(|c| c.trim_start_matches('\u{feff}'));
    // A wrong column is a wrong file: nothing is taken.
    let columns = head
        .map(|c| {
            if c == "id" {
                Ok(None)
            } else {
                field_of(pair, c).map(Some)
            }
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Box::new(reader.into_records().map(move |record| {
        let record = match record.map_err(unreadable) {
            Ok(record) => record,
            Err(error) => return (0, Err(error)),
        };
        let line = record.position().map_or(0, csv::Position::line);
        let mut row = Row {
            id: None,
            fields: Fields::new(),
        };
        for (column, text) in columns.iter().zip(&record) {
            match column {
                None => row.id = (!text.is_empty()).then(|| AppId::new(text)),
                Some(field) => match say::parse(pair.app_kind(field), text) {
                    Ok(value) => {
                        row.fields.insert(field.clone(), value);
                    }
                    Err(e) => {
                        return (line, Err(Error::new(e.kind(), format!("`{field}`: {e}"))));
                    }
                },
            }
        }
        (line, Ok(row))
    })))
}

fn ndjson_rows<'p>(file: impl Read + 'p, pair: &'p Pair) -> Rows<'p> {
    let lines = BufReader::new(file).lines().enumerate();
    Box::new(
        lines
            .filter(|(_, line)| line.as_ref().map_or(true, |l| !l.trim().is_empty()))
            .map(move |(i, line)| (i as u64 + 1, ndjson_row(line, pair))),
    )
}

fn ndjson_row(line: io::Result<String>, pair: &Pair) -> Result<Row> {
    let bad = |what: &str| Error::new(Kind::Usage, what.to_owned());
    let line = line.map_err(|_| bad("not readable as text"))?;
    let json: Json = serde_json::from_str(&line).map_err(|_| bad("not a JSON object"))?;
    let Json::Object(map) = json else {
        return Err(bad("not a JSON object"));
    };
    let mut row = Row {
        id: None,
        fields: Fields::new(),
    };
    for (name, value) in map {
        if name == "id" {
            row.id = value.as_str().map(AppId::new);
            continue;
        }
        let field = field_of(pair, &name)?;
        let value = say::parse_json(pair.app_kind(&field), &value)
            .map_err(|e| Error::new(e.kind(), format!("`{field}`: {e}")))?;
        row.fields.insert(field, value);
    }
    Ok(row)
}

/// Writes a table out.
///
/// # Errors
/// When the pair is not there, the filter is not understood, or the output cannot be written.
pub async fn export<W: Write>(
    session: &mut Session,
    args: ExportArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let name = PairName::new(args.pair);
    let pair = session.pair(&name).await?;
    if args.format == Format::Csv {
        let head = std::iter::once("id").chain(pair.app_fields.iter().map(|f| f.name.as_str()));
        out.raw(&csv_line(head)?)?;
    }
    let mut after = None;
    while out.is_read() {
        let from = WholeFrom {
            pair: name.clone(),
            filter: args.filter.clone(),
            after,
        };
        let command = Command::WholeRecords(from);
        let part = ask!(session, command, Reply::WholeRecords(p) => p);
        for record in &part.records {
            out.raw(&record_line(record, &pair, args.format)?)?;
        }
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    Ok(Outcome::Fine)
}

fn record_line(record: &AppRecord, pair: &Pair, format: Format) -> Result<String> {
    let value = |name| record.fields.get(name).unwrap_or(&Value::Null);
    match format {
        Format::Csv => {
            let cells = pair.app_fields.iter().map(|f| match value(&f.name) {
                Value::Bool(b) => b.to_string(),
                Value::Set(items) => items.join(";"),
                other => other.to_string(),
            });
            csv_line(std::iter::once(record.id.to_string()).chain(cells))
        }
        Format::Ndjson => {
            let mut map = serde_json::Map::new();
            map.insert("id".into(), Json::String(record.id.to_string()));
            for field in &pair.app_fields {
                map.insert(field.name.to_string(), say::to_json(value(&field.name)));
            }
            Ok(format!("{}\n", Json::Object(map)))
        }
    }
}

fn csv_line<T: AsRef<[u8]>>(cells: impl IntoIterator<Item = T>) -> Result<String> {
    let cannot = |_| Error::new(Kind::Internal, "this record cannot be written as CSV");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(cells)
        .map_err(|e| cannot(e.to_string()))?;
    let bytes = writer.into_inner().map_err(|e| cannot(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| cannot(e.to_string()))
}
