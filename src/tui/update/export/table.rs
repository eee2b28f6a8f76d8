//! Rows as a file has them: CSV as RFC 4180 has it, or a JSON object on each line.
//!
//! Pure. Invariant: a cell comes back from the file as it went in.

use serde_json::{Map, Value as Json};

use crate::engine::view::{ConflictRow, RecordRow, RunRow};

/// How the rows of a list are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Cells with commas between.
    Csv,
    /// An object on each line.
    Lines,
}

impl Format {
    /// By the ending of a file's name.
    pub fn of(path: &str) -> Option<Self> {
        let (_, ending) = path.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Lines),
            _ => None,
        }
    }
}

/// Rows as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Names of the columns.
    pub head: Vec<String>,
    /// Cells; none is no value.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A cell with the name of its column.
pub type Named = (&'static str, String);

impl Table {
    /// Of rows whose cells bring their names.
    pub fn named(rows: impl Iterator<Item = Vec<Named>>) -> Self {
        let mut table = Self::default();
        for row in rows {
            if table.head.is_empty() {
                table.head = row.iter().map(|(name, _)| (*name).to_owned()).collect();
            }
            let cells = row.into_iter().map(|(_, cell)| Some(cell));
            table.rows.push(cells.collect());
        }
        table
    }

    /// As the text of a file.
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Csv => csv(self),
            Format::Lines => lines(self),
        }
    }
}

/// The columns of a list of records.
pub fn record_head<'c>(columns: impl Iterator<Item = &'c str>) -> Vec<String> {
    let own = ["id", "state", "name"].into_iter();
    let all = own.chain(columns).chain(["changed"]);
    all.map(str::to_owned).collect()
}

/// A row of such a list.
pub fn record(row: RecordRow) -> Vec<Option<String>> {
    let own = [
        row.key.app_id.to_string(),
        row.word.as_str().to_owned(),
        row.name,
    ];
    let values = own.map(Some).into_iter().chain(row.values);
    values.chain([Some(row.changed.to_string())]).collect()
}

/// A record in conflict.
pub fn conflict(row: &ConflictRow) -> Vec<Named> {
    vec![
        ("pair", row.key.pair.to_string()),
        ("id", row.key.app_id.to_string()),
        ("state", row.word.as_str().to_owned()),
        ("name", row.name.clone()),
        ("object", row.object.to_string()),
        ("open", row.open.to_string()),
        ("decided", row.decided.to_string()),
        ("waits", row.waits_for.clone()),
        ("since", row.since.to_string()),
    ]
}

/// A run.
pub fn run(row: &RunRow) -> Vec<Named> {
    let counts = &row.run.counts;
    vec![
        ("run", row.run.id.to_string()),
        ("state", row.run.word().as_str().to_owned()),
        ("pair", row.run.pair.to_string()),
        ("title", row.title.clone()),
        ("started", row.run.started_at.to_string()),
        ("in", counts.pulled.to_string()),
        ("out", counts.pushed.to_string()),
        ("conflicts", counts.conflicts.to_string()),
        ("failed", counts.failed.to_string()),
    ]
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
        };
        let text = table.write(Format::Csv);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<Vec<String>> = reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect())
            .collect();
        assert_eq!(rows, [["Ada, \"the\" first\nof many", ""], ["Bo", "x"]]);
        let text = table.write(Format::Lines);
        let first: Json = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["note"], Json::Null);
        assert_eq!(first["name"], "Ada, \"the\" first\nof many");
    }
}
