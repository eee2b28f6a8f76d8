//! `:export FILE`: what a list shows, with its filter and its order, as CSV or as a line of JSON
//! for each row; a mapping as TOML.
//!
//! Writes nothing itself. Records are asked for page by page, so that a person sees how far it is
//! and can stop. Invariant: a file holds every row of the list that was shown, with whole values,
//! or a message says what is missing.

mod table;

use std::collections::BTreeSet;

use super::{act, by_marks};
use crate::domain::id::{AppId, PairName};
use crate::domain::listing::Shape;
use crate::domain::mapping_file;
use crate::domain::run::Word;
use crate::engine::command::{Command, Page, Values};
use crate::engine::view::{ConflictRow, Part, RecordPage, RunRow};
use crate::tui::ask::{Ask, ExportId};
use crate::tui::canvas::Line;
use crate::tui::effect::Effect;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::{Model, Screen};
use crate::tui::save::{File, Over, Saved};
use crate::tui::text::{count, group};
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::toast::Changed;

use table::{Format, Table, record, record_head};

pub use table::{conflict as conflict_cells, run as run_cells};

/// Rows of a file.
const MOST: usize = 10_000;
/// Records that are asked for at once.
const PART: usize = 1_000;

/// Records on their way to a file.
#[derive(Debug)]
pub struct Export {
    id: ExportId,
    path: String,
    pair: PairName,
    filter: String,
    shape: Shape,
    table: Table,
    /// Records that are in it: the list may move while it is read.
    seen: BTreeSet<AppId>,
    /// Rows that were asked for.
    asked: usize,
    /// Rows of the list.
    total: u64,
}

impl Export {
    /// Rows that are here, and rows that will be.
    pub fn so_far(&self) -> (u64, u64) {
        let all = self.total.min(MOST as u64);
        (self.table.rows.len() as u64, all)
    }
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
        _ if Format::of(path).is_none() => {
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
        Screen::Records => return begin_records(model, path),
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

fn mapping(model: &mut Model, path: &str) {
    match model.mapping.current() {
        Some(pair) => {
            let text = mapping_file::to_toml(std::slice::from_ref(pair));
            save(model, path, text);
        }
        None => say(model, "The mapping is not here yet."),
    }
}

fn begin_records(model: &mut Model, path: &str) {
    if model.export.is_some() {
        return say(model, "An export is being made; Ctrl-c stops it.");
    }
    let Some(pair) = model.records.pair.clone() else {
        return say(model, "The records are not here yet.");
    };
    model.exports += 1;
    model.export = Some(Export {
        id: ExportId(model.exports),
        path: path.to_owned(),
        pair,
        filter: by_marks::of_records(model),
        shape: model.records.shape.clone(),
        table: Table::default(),
        seen: BTreeSet::new(),
        asked: 0,
        total: 0,
    });
    next(model);
}

/// Asks for the next part.
fn next(model: &mut Model) {
    let Some(export) = &mut model.export else {
        return;
    };
    let page = Page {
        offset: export.asked,
        limit: PART.min(MOST - export.asked.min(MOST)),
    };
    export.asked += page.limit;
    let command = Command::Records {
        pair: export.pair.clone(),
        filter: export.filter.clone(),
        shape: export.shape.clone(),
        values: Values::Whole,
        page,
    };
    let ask = Ask::ExportPart(export.id);
    model.ask(ask, command);
}

/// A part of the records is here; one that nobody waits for any more is dropped.
pub fn records(model: &mut Model, id: ExportId, page: RecordPage) {
    let Some(mut export) = model.export.take_if(|export| export.id == id) else {
        return;
    };
    if let Some(why) = page.filter_error {
        return model.say(Word::Info, format!("Nothing was exported: {why}"));
    }
    export.table.head = record_head(page.columns.iter().map(|name| name.as_str()));
    export.total = page.part.total;
    let got = page.part.rows.len();
    for row in page.part.rows {
        if export.seen.insert(row.key.app_id.clone()) {
            export.table.rows.push(record(row));
        }
    }
    let more = got > 0 && (export.asked as u64) < export.total && export.asked < MOST;
    if more {
        model.export = Some(export);
        return next(model);
    }
    write(model, &export.path, &export.table, export.total);
}

/// Stops what is on its way to a file; says whether there was anything.
pub fn stop(model: &mut Model) -> Changed {
    let Some(export) = model.export.take() else {
        return Changed::No;
    };
    let (done, all) = export.so_far();
    let text = format!(
        "Stopped after {} of {} rows; nothing was written. Ctrl-c again leaves.",
        group(done),
        group(all)
    );
    model.say(Word::Info, text);
    Changed::Yes
}

/// The conflicts of the list are here.
pub fn conflicts(model: &mut Model, path: &str, part: Part<ConflictRow>) {
    let table = Table::named(part.rows.iter().map(conflict_cells));
    write(model, path, &table, part.total);
}

/// The runs of the log are here.
pub fn runs(model: &mut Model, path: &str, part: Part<RunRow>) {
    let table = Table::named(part.rows.iter().map(run_cells));
    write(model, path, &table, part.total);
}

fn write(model: &mut Model, path: &str, table: &Table, total: u64) {
    let Some(format) = Format::of(path) else {
        return;
    };
    let got = table.rows.len() as u64;
    if got < total {
        let (got, total) = (group(got), group(total));
        let text = format!("{got} of {total} rows are exported; a filter makes them fewer.");
        model.say(Word::Warn, text);
    }
    let text = table.write(format);
    save(model, path, text);
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

/// A part of the records could not be had; one that nobody waits for any more is not missed.
pub fn part_refused(model: &mut Model, id: ExportId, error: &crate::error::Error) {
    if model.export.take_if(|export| export.id == id).is_some() {
        refused(model, error);
    }
}

/// A list could not be had.
pub fn refused(model: &mut Model, error: &crate::error::Error) {
    let text = format!("Nothing was exported. {}", act::with_hint(error));
    model.say(Word::Fail, text);
}
