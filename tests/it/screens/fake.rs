//! The engine's end of a link, played by a script: it keeps decisions, records and a mapping,
//! answers every command at once, and remembers what it was asked.

#[path = "fake/answers.rs"]
mod answers;
#[path = "fake/conflicts.rs"]
mod conflicts;
#[path = "fake/records.rs"]
mod records;
#[path = "fake/runs.rs"]
mod runs;
#[path = "fake/staging.rs"]
mod staging;

use std::collections::BTreeMap;

use syncdeck::crm::codes::UnknownCodes;
use syncdeck::domain::conflict::{Choice, Fingerprint};
use syncdeck::domain::filter::{Filter, Subject};
use syncdeck::domain::id::{AppId, ConflictId, CrmId, FieldName, PairName, RowId, RunId};
use syncdeck::domain::listing::{Order, SavedView};
use syncdeck::domain::mapping::{DeletePolicy, Pair};
use syncdeck::domain::mass::Held;
use syncdeck::domain::record::{AppRecord, Link, LinkState, Presence};
use syncdeck::domain::run::{Failure, LogLine, RunState, Word, run_rows};
use syncdeck::domain::schedule::Schedule;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::{Cell, Fields, Value};
use syncdeck::engine::command::{Command, HeldEnd, HeldFilter, Page, Request, TextPlace, Values};
use syncdeck::engine::notice::{Notice, Reply, Topics};
use syncdeck::engine::summary::{Attention, Env, Target};
use syncdeck::engine::view::{
    Acted, Base, BrowserView, BusinessView, Candidate, ConflictDetail, ConflictField, ConflictRow,
    Count, Decided, DeletePreview, DriftRow, Edit, EditStaged, EditsStaged, FieldStanding,
    FilterView, FormField, GivenBy, HeldDone, HeldFrom, HeldRow, OpenConflict, Part, Pinned,
    PlanPage, RecordConflict, RecordDetail, RecordField, RecordFormView, RecordHit, RecordPage,
    RecordRow, Refused, Relink, RelinkView, RowRules, ScheduleLine, ScheduleList, ScheduleRow,
    ScheduleStaged, SearchView, SignInView, SignedInView, SignedOut, StagedTimes, Staging,
    TextsView, TypedForm, ViewCount, WriteLine, WritePreview,
};
use syncdeck::error::{Error, Kind};

use super::{data, figures, forms};

/// Everything as one part.
pub fn part<T>(rows: Vec<T>) -> Part<T> {
    Part {
        total: rows.len() as u64,
        offset: 0,
        rows,
    }
}

/// A part of it.
pub fn page_of<T>(rows: Vec<T>, page: Page) -> Part<T> {
    Part {
        total: rows.len() as u64,
        offset: page.offset,
        rows: rows
            .into_iter()
            .skip(page.offset)
            .take(page.limit)
            .collect(),
    }
}

/// A scripted engine.
#[derive(Debug)]
pub struct Fake {
    pub choices: BTreeMap<ConflictId, Choice>,
    pub overruled: BTreeMap<RowId, Choice>,
    pub written: Vec<String>,
    /// Runs that were taken back.
    pub undone: Vec<RunId>,
    pub pair: Pair,
    pub draft: Option<Pair>,
    pub people: Vec<(String, Fields)>,
    pub asked: Vec<String>,
    pub business: BusinessView,
    /// Runs that came since, newest first in the list.
    pub new_runs: u64,
    /// What is typed in forms, by record; empty for a new one.
    pub forms: BTreeMap<String, TypedForm>,
    /// What is staged, by record.
    pub edits: BTreeMap<String, Edit>,
    /// Revision of every record.
    pub rev: u64,
    /// Saved views.
    pub views: Vec<SavedView>,
    /// Links made by hand.
    pub linked: BTreeMap<String, CrmId>,
    /// What holds for a record as a whole.
    pub stands: BTreeMap<String, LinkState>,
    /// Records that somebody else deleted.
    pub deleted: Vec<String>,
    /// Why no decision is taken, if so.
    pub undecided: Option<String>,
    /// Records that were deleted from here, to be brought back.
    pub removed: Vec<(String, Fields)>,
    /// Records that somebody changes before they are deleted.
    pub moving: Vec<String>,
    /// Whether every mapping is found to be without a fault.
    pub sound: bool,
    pub codes: UnknownCodes,
    /// The person that a run failed on, with the field of the error.
    pub failing: Option<(String, String)>,
    /// What helps against the first error of a run, if it is another.
    pub fix: Option<String>,
    /// Why every run failed as a whole, if they did.
    pub whole: Option<Failure>,
    /// Whether the clock of Salesforce is not known.
    pub unheard: bool,
    /// What a write would do to whole records.
    pub acts: Vec<String>,
    /// Writes that wait to be allowed.
    pub held: Option<Held>,
    /// Made otherwise of what a write would do.
    pub previewed: fn(&mut WritePreview),
    /// What becomes of the fields of a conflict before they are shown.
    pub compared: fn(&mut [ConflictField]),
    /// What is asked about each record in conflict as a whole.
    pub whole_record: Option<RecordConflict>,
    /// Names and numbers that were allowed.
    pub allowed: Vec<(String, u64)>,
    /// How fields of records stand, by their names, if not the same.
    pub states: BTreeMap<String, String>,
    /// Records that each run took in as a first import, which lists none of them.
    pub imported: u64,
    /// Holds that were ended.
    pub ended: Vec<HeldEnd>,
    /// What leaving the org would mean.
    pub relink: RelinkView,
    /// How the org of the profile was left.
    pub left: Option<Relink>,
    /// Whether the run of the data has ended.
    pub idle: bool,
    /// Records that differ although nothing moved.
    pub drifted: Vec<DriftRow>,
    /// Those that were to be put right; none for all.
    pub repaired: Option<Vec<AppId>>,
    /// Further records in conflict, of which the list shows a part.
    pub crowd: u64,
    /// Schedules that were set.
    pub schedules: BTreeMap<PairName, Schedule>,
    /// Schedules that are staged.
    pub new_schedules: BTreeMap<PairName, Schedule>,
    hash: u64,
}

impl Default for Fake {
    fn default() -> Self {
        let person = |id: &str, email: &str, title: &str| {
            let mut fields = Fields::new();
            fields.insert("email".into(), Value::text(email));
            fields.insert("title".into(), Value::text(title));
            fields.insert("phone".into(), Value::Null);
            (id.to_owned(), fields)
        };
        Self {
            choices: BTreeMap::new(),
            overruled: BTreeMap::new(),
            written: Vec::new(),
            undone: Vec::new(),
            pair: data::pair("people"),
            draft: None,
            people: vec![
                person("ada", "ada.l@analytical.example", "Countess of Lovelace"),
                person("babbage", "cb@analytical.example", "Inventor"),
                person("luigi", "lm@analytical.example", "General"),
            ],
            asked: Vec::new(),
            business: figures::business(),
            new_runs: 0,
            forms: BTreeMap::new(),
            edits: BTreeMap::new(),
            rev: 17,
            views: Vec::new(),
            linked: BTreeMap::new(),
            stands: BTreeMap::new(),
            deleted: Vec::new(),
            undecided: None,
            removed: Vec::new(),
            moving: Vec::new(),
            sound: false,
            hash: 7,
            codes: UnknownCodes::default(),
            failing: None,
            fix: None,
            whole: None,
            acts: Vec::new(),
            unheard: false,
            held: None,
            previewed: |_| {},
            compared: |_| {},
            whole_record: None,
            allowed: Vec::new(),
            states: BTreeMap::new(),
            relink: data::relink(),
            imported: 0,
            ended: Vec::new(),
            left: None,
            idle: false,
            drifted: Vec::new(),
            repaired: None,
            crowd: 0,
            schedules: BTreeMap::new(),
            new_schedules: BTreeMap::new(),
        }
    }
}

impl Fake {
    /// One whose records hold what terminals stumble over: wide letters, right-to-left text, and
    /// text that would like to be obeyed.
    pub fn hostile() -> Self {
        let mut fake = Self::default();
        let emails = [
            "ls\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}",
            "\u{4f60}\u{597d}\u{4f60}\u{597d}@x.example",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}@x.example",
        ];
        for ((_, fields), email) in fake.people.iter_mut().zip(emails) {
            fields.insert("email".into(), Value::text(email));
        }
        fake
    }

    /// The summary as it stands.
    pub fn summary(&self) -> Notice {
        let open = self.rows().len() as u64;
        let mut summary = data::summary(open, self.choices.len() as u64);
        summary.edits = self.edits.len() as u64;
        summary.schedules = self.new_schedules.len() as u64;
        summary.connections[0].codes = self.codes.clone();
        if self.idle {
            summary.running = None;
        }
        if let Some(held) = &self.held {
            summary.attention.push(Attention {
                word: Word::Hold,
                text: format!("people: {held}"),
                hint: "decide".into(),
                target: Target::Held(PairName::new("people"), Box::new(held.clone())),
                pair: None,
            });
        }
        if let Some(row) = self.drifted.first() {
            summary.attention.push(Attention {
                word: Word::Warn,
                text: "people: in some records both sides differ".into(),
                hint: "put right".into(),
                target: Target::Drift(row.key.pair.clone()),
                pair: Some(row.key.pair.clone()),
            });
        }
        Notice::Summary(data::shared(summary))
    }

    fn fields(&self, app: &str) -> Vec<ConflictField> {
        let mut fields = data::fields(app);
        for field in &mut fields {
            let choice = match field.conflict {
                Some(id) => self.choices.get(&id),
                None => self.overruled.get(&field.row),
            };
            match choice {
                None if field.conflict.is_none() => field.result = taken(field, Side::App),
                None => {}
                Some(Choice::Ignore) => field.standing = FieldStanding::Ignored,
                Some(choice) => {
                    field.result = match choice {
                        Choice::Take(side) => taken(field, *side),
                        Choice::Base => field.base.as_ref().map(|b| (b.app.clone(), b.crm.clone())),
                        Choice::Typed { cell, .. } => Some((cell.clone(), cell.clone())),
                        Choice::Both => Some((join(field), join(field))),
                        Choice::Ignore => None,
                    };
                    field.standing = FieldStanding::Decided(choice.clone());
                }
            }
        }
        (self.compared)(&mut fields);
        fields
    }

    fn preview(&self, apps: &[String]) -> WritePreview {
        let mut lines = Vec::new();
        let many = |id: &&ConflictId| id.0 >= 1_000;
        let mut decisions = self.choices.keys().filter(many).count() as u32;
        for (app, name) in data::conflict_names() {
            if !apps.is_empty() && !apps.iter().any(|a| a == app) {
                continue;
            }
            let fields = self.fields(app);
            let staged = fields
                .iter()
                .filter(|f| f.conflict.is_some() && f.standing != FieldStanding::Open)
                .count();
            if staged == 0 && apps.is_empty() {
                continue;
            }
            decisions += staged as u32;
            for field in &fields {
                let Some((to_app, to_crm)) = &field.result else {
                    continue;
                };
                let sides = [
                    (Side::Crm, to_crm, &field.crm, &field.crm_label),
                    (Side::App, to_app, &field.app, &field.app_label),
                ];
                for (to, after, now, label) in sides {
                    if now.as_ref() == Some(after) {
                        continue;
                    }
                    lines.push(WriteLine {
                        key: data::key("people", app),
                        name: name.into(),
                        to,
                        field: label.clone(),
                        now: now.clone().unwrap_or_default(),
                        after: after.clone(),
                        check: "only if not changed since 14:11".into(),
                        by: if field.conflict.is_some() {
                            "you".into()
                        } else {
                            "automatic".into()
                        },
                    });
                }
            }
        }
        let mut refused = Vec::new();
        let mut edits = 0;
        let all = self.edits.iter().filter(|_| apps.is_empty());
        for (id, edit) in all {
            if self.has_moved(id, edit) {
                refused.push((name_of(id), "jo changed it meanwhile".to_owned()));
                continue;
            }
            edits += 1;
            let saw = |name: &FieldName| match &edit.base {
                Base::Values(saw) => saw.get(name).cloned().unwrap_or_default(),
                Base::New => Value::Null,
            };
            lines.extend(edit.fields.iter().map(|(name, value)| WriteLine {
                key: data::key("people", id),
                name: name_of(id),
                to: Side::App,
                field: name.to_string(),
                now: vec![saw(name)],
                after: vec![value.clone()],
                check: "only if nobody changed it since".into(),
                by: "you".into(),
            }));
        }
        let crm = lines.iter().filter(|l| l.to == Side::Crm).count() as u32;
        let app = lines.iter().filter(|l| l.to == Side::App).count() as u32;
        let mut records: Vec<_> = lines.iter().map(|l| l.key.clone()).collect();
        records.dedup();
        let mut preview = WritePreview {
            records,
            lines,
            acts: self.acts.clone(),
            held: Vec::new(),
            decisions,
            edits,
            crm_records: crm.min(1),
            app_records: app.min(1),
            api_calls: crm.min(1) * 2,
            hash: self.hash + u64::from(decisions) + 1_000 * u64::from(edits),
            schedules: self.schedule_lines(apps),
            refused,
            automation: Vec::new(),
        };
        (self.previewed)(&mut preview);
        preview
    }

    /// Whether a field has another value than the person saw who edited it.
    pub fn has_moved(&self, id: &str, edit: &Edit) -> bool {
        let Base::Values(saw) = &edit.base else {
            return false;
        };
        let mut people = self.people.iter();
        let gone = self.deleted.iter().any(|d| d == id);
        gone || people
            .find(|(known, _)| known == id)
            .is_none_or(|(_, fields)| {
                let now = |name| fields.get(name).cloned().unwrap_or_default();
                saw.iter().any(|(name, was)| now(name) != *was)
            })
    }

    /// Answers one request.
    pub fn answer(&mut self, request: Request) -> Vec<Notice> {
        let said = format!("{:?}", request.command);
        self.asked.push(
            said.split([' ', '{', '('])
                .next()
                .unwrap_or_default()
                .to_owned(),
        );
        let mut more = Vec::new();
        let result = self.reply(request.command, &mut more);
        let mut notices = vec![Notice::Reply {
            id: request.id,
            result,
        }];
        notices.append(&mut more);
        notices
    }
}

fn name_of(id: &str) -> String {
    match id {
        "ada" => "Ada Lovelace-Byron".into(),
        "babbage" => "Charles Babbage".into(),
        "luigi" => "Luigi Menabrea".into(),
        other => other.into(),
    }
}

fn taken(field: &ConflictField, side: Side) -> Option<(Cell, Cell)> {
    let value = match side {
        Side::App => field.app.clone(),
        Side::Crm => field.crm.clone(),
    }?;
    Some((value.clone(), value))
}

fn join(field: &ConflictField) -> Cell {
    let text = |cell: &Option<Cell>| {
        cell.iter()
            .flatten()
            .map(Value::to_string)
            .collect::<String>()
    };
    data::cell(&format!("{}\n{}", text(&field.app), text(&field.crm)))
}

fn apps(scope: &syncdeck::engine::command::WriteScope) -> Vec<String> {
    match scope {
        syncdeck::engine::command::WriteScope::All => Vec::new(),
        syncdeck::engine::command::WriteScope::Records(keys) => {
            keys.iter().map(|k| k.app_id.as_str().to_owned()).collect()
        }
    }
}
