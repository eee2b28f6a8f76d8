//! `:export FILE`: what a list shows, with its filter and its order, as CSV or as a line of JSON
//! for each row; a mapping as TOML.
//!
//! Writes nothing itself. Invariant: a file holds every row of the list that was shown, and whole
//! values, or a message says what is missing.

use serde_json::{Map, Value as Json};

use super::{act, by_marks};
use crate::domain::mapping_file;
use crate::domain::run::Word;
use crate::engine::command::{Command, Page};
use crate::engine::view::{ConflictRow, Part, RecordPage, RunRow, SHOWN};
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::effect::Effect;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::{Model, Screen};
use crate::tui::save::{File, Over, Saved};
use crate::tui::text::{count, group};
use crate::tui::widget::confirm::Confirm;

/// Rows of a file.
const MOST: usize = 10_000;

/// How the rows of a list are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Lines,
}

/// Rows as they are written.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
    total: u64,
}

/// Asks for what the screen shows, to write it to a file.
pub fn begin(model: &mut Model, path: &str) {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let toml = ending.eq_ignore_ascii_case("toml");
    match (model.screen, toml) {
        (Screen::Mapping, true) => return mapping(model, path),
        (Screen::Mapping, false) => {
            return say(
                model,
                "A mapping is exported as TOML: name a file that ends in .toml.",
            );
        }
        _ if format(path).is_none() => {
            return say(
                model,
                "Name a file that ends in .csv or .ndjson; a mapping in .toml.",
            );
        }
        _ => {}
    }
    let page = Page {
        offset: 0,
        limit: MOST,
    };
    let command = match model.screen {
        Screen::Records => model.records.pair.clone().map(|pair| Command::Records {
            pair,
            filter: by_marks::of_records(model),
            shape: model.records.shape.clone(),
            page,
        }),
        Screen::Conflicts => Some(Command::Conflicts {
            filter: by_marks::of_conflicts(model),
            page,
        }),
        Screen::Log => Some(Command::Runs {
            pair: None,
            filter: model.log.filter.clone(),
            page,
        }),
        Screen::Overview | Screen::Mapping | Screen::Settings => None,
    };
    match command {
        Some(command) => model.ask(Ask::Export(path.to_owned()), command),
        None => say(
            model,
            "There is no list here; 2, 3, 4 and 5 have what can be exported.",
        ),
    }
}

fn say(model: &mut Model, text: &str) {
    model.say(Word::Info, text);
}

fn format(path: &str) -> Option<Format> {
    let (_, ending) = path.rsplit_once('.')?;
    match ending.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "ndjson" | "jsonl" => Some(Format::Lines),
        _ => None,
    }
}

fn mapping(model: &mut Model, path: &str) {
    match model.mapping.current() {
        Some(pair) => {
            let text = mapping_file::to_toml(std::slice::from_ref(pair));
            save(model, path, text);
        }
        None => say(model, "The mapping is not here yet."),
    }
}

/// The records of the list are here.
pub fn records(model: &mut Model, path: &str, page: RecordPage) {
    if let Some(why) = page.filter_error {
        return model.say(Word::Info, format!("Nothing was exported: {why}"));
    }
    let columns = page.columns.iter().map(ToString::to_string);
    let own = ["id", "state", "name"].map(str::to_owned);
    let head = own.into_iter().chain(columns).chain(["changed".to_owned()]);
    let rows = page.part.rows.into_iter().map(|row| {
        let own = [
            row.key.app_id.to_string(),
            row.word.as_str().to_owned(),
            row.name,
        ];
        let values = own.map(Some).into_iter().chain(row.values);
        values.chain([Some(row.changed.to_string())]).collect()
    });
    let table = Table {
        head: head.collect(),
        rows: rows.collect(),
        total: page.part.total,
    };
    write(model, path, &table);
}

/// The conflicts of the list are here.
pub fn conflicts(model: &mut Model, path: &str, part: Part<ConflictRow>) {
    let head = [
        "pair", "id", "state", "name", "object", "open", "decided", "waits", "since",
    ];
    let row = |row: ConflictRow| {
        let cells = [
            row.key.pair.to_string(),
            row.key.app_id.to_string(),
            row.word.as_str().to_owned(),
            row.name,
            row.object.to_string(),
            row.open.to_string(),
            row.decided.to_string(),
            row.waits_for,
            row.since.to_string(),
        ];
        cells.map(Some).to_vec()
    };
    let table = Table {
        head: head.map(str::to_owned).to_vec(),
        total: part.total,
        rows: part.rows.into_iter().map(row).collect(),
    };
    write(model, path, &table);
}

/// The runs of the log are here.
pub fn runs(model: &mut Model, path: &str, part: Part<RunRow>) {
    let head = [
        "run",
        "state",
        "pair",
        "title",
        "started",
        "in",
        "out",
        "conflicts",
        "failed",
    ];
    let row = |row: RunRow| {
        let counts = &row.run.counts;
        let cells = [
            row.run.id.to_string(),
            row.run.word().as_str().to_owned(),
            row.run.pair.to_string(),
            row.title,
            row.run.started_at.to_string(),
            counts.pulled.to_string(),
            counts.pushed.to_string(),
            counts.conflicts.to_string(),
            counts.failed.to_string(),
        ];
        cells.map(Some).to_vec()
    };
    let table = Table {
        head: head.map(str::to_owned).to_vec(),
        total: part.total,
        rows: part.rows.into_iter().map(row).collect(),
    };
    write(model, path, &table);
}

fn write(model: &mut Model, path: &str, table: &Table) {
    let Some(format) = format(path) else {
        return;
    };
    let got = table.rows.len() as u64;
    if got < table.total {
        let (got, total) = (group(got), group(table.total));
        let text = format!("{got} of {total} rows are exported; a filter makes them fewer.");
        model.say(Word::Warn, text);
    }
    let cells = table.rows.iter().flatten().flatten();
    if cells.into_iter().any(|cell| is_cut(cell)) {
        let text = format!(
            "Values longer than {SHOWN} characters are cut, as in the list; \"syncdeck records \
             export\" writes them whole."
        );
        model.say(Word::Warn, text);
    }
    let text = match format {
        Format::Csv => csv(table),
        Format::Lines => lines(table),
    };
    save(model, path, text);
}

/// Whether a list may have left out the end of a value.
fn is_cut(cell: &str) -> bool {
    cell.chars().nth(SHOWN - 1).is_some()
}

fn csv(table: &Table) -> String {
    let mut out = String::new();
    let head = table.head.iter().map(|name| Some(name.as_str()));
    csv_line(&mut out, head);
    for row in &table.rows {
        csv_line(&mut out, row.iter().map(Option::as_deref));
    }
    out
}

/// A line as RFC 4180 has it.
fn csv_line<'a>(out: &mut String, cells: impl Iterator<Item = Option<&'a str>>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        let cell = cell.unwrap_or_default();
        if cell.contains([',', '"', '\n', '\r']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out.push_str("\r\n");
}

fn lines(table: &Table) -> String {
    let mut out = String::new();
    for row in &table.rows {
        let cells = row
            .iter()
            .map(|cell| cell.clone().map_or(Json::Null, Json::String));
        let object: Map<String, Json> = table.head.iter().cloned().zip(cells).collect();
        out.push_str(&Json::Object(object).to_string());
        out.push('\n');
    }
    out
}

fn save(model: &mut Model, path: &str, text: String) {
    let file = File {
        path: path.to_owned(),
        text,
        over: Over::Nothing,
    };
    model.effects.push(Effect::Save(file));
}

/// Says what became of the file, or asks whether the one that is there is replaced.
pub fn saved(model: &mut Model, saved: Saved) {
    match saved {
        Saved::Written(path) => {
            model.say(Word::Ok, format!("Written: {path}, for your eyes only."))
        }
        Saved::Failed(path, why) => {
            let text = format!("{path} was not written: {why}. :export takes another name.");
            model.say(Word::Fail, text);
        }
        Saved::Exists(file) if model.modal.is_some() => {
            model.say(
                Word::Warn,
                format!("{} is there already; nothing was written.", file.path),
            );
        }
        Saved::Exists(file) => {
            let bytes = count(file.text.len() as u64, "byte", "bytes");
            let body = vec![
                Line::text(format!("{} is there already.", file.path)),
                Line::text(format!(
                    "It would be replaced by {bytes}, and cannot be had back."
                )),
            ];
            let release = Release::Save(Box::new(File {
                over: Over::Replaces,
                ..file
            }));
            let confirm = Confirm::ask("Replace the file?", body, "Keep it", "Replace", release);
            model.modal = Some(Modal::Confirm(Box::new(confirm)));
        }
    }
}

/// A list could not be had.
pub fn refused(model: &mut Model, error: &crate::error::Error) {
    let text = format!("Nothing was exported. {}", act::with_hint(error));
    model.say(Word::Fail, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_signs_of_the_format_come_back_whole() {
        let table = Table {
            head: vec!["name".into(), "note".into()],
            rows: vec![
                vec![Some("Ada, \"the\" first\nof many".into()), None],
                vec![Some("Bo".into()), Some("x".into())],
            ],
            total: 2,
        };
        let text = csv(&table);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<Vec<String>> = reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect())
            .collect();
        assert_eq!(rows, [["Ada, \"the\" first\nof many", ""], ["Bo", "x"]]);
        let first: Json = serde_json::from_str(lines(&table).lines().next().unwrap()).unwrap();
        assert_eq!(first["note"], Json::Null);
        assert_eq!(first["name"], "Ada, \"the\" first\nof many");
    }

    #[test]
    fn a_value_as_long_as_a_list_shows_may_be_cut() {
        assert!(!is_cut(&"\u{e9}".repeat(SHOWN - 1)));
        assert!(is_cut(&"\u{e9}".repeat(SHOWN)));
    }
}
