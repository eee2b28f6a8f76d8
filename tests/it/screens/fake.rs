//! The engine's end of a link, played by a script: it keeps decisions, records and a mapping,
//! answers every command at once, and remembers what it was asked.

use std::collections::BTreeMap;

use syncdeck::domain::conflict::Choice;
use syncdeck::domain::id::{AppId, ConflictId, PairName, RowId, RunId};
use syncdeck::domain::mapping::Pair;
use syncdeck::domain::record::{AppRecord, Presence};
use syncdeck::domain::run::{LogLine, Word};
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::{Cell, Fields, Value};
use syncdeck::engine::command::{Command, Request};
use syncdeck::engine::notice::{Notice, Reply, Topics};
use syncdeck::engine::summary::Env;
use syncdeck::engine::view::{
    BrowserView, BusinessView, ConflictDetail, ConflictField, ConflictRow, CreatedView, Decided,
    FieldStanding, Part, RecordDetail, RecordField, RecordHit, RecordPage, RecordRow, ScheduleList,
    SearchView, SignInView, SignedInView, SignedOut, WriteLine, WritePreview,
};
use syncdeck::error::{Error, Kind};

use super::{data, figures};

/// Everything as one part.
pub fn part<T>(rows: Vec<T>) -> Part<T> {
    Part {
        total: rows.len() as u64,
        offset: 0,
        rows,
    }
}

/// A scripted engine.
#[derive(Debug)]
pub struct Fake {
    pub choices: BTreeMap<ConflictId, Choice>,
    pub overruled: BTreeMap<RowId, Choice>,
    pub written: Vec<String>,
    pub pair: Pair,
    pub draft: Option<Pair>,
    pub people: Vec<(String, Fields)>,
    pub asked: Vec<String>,
    pub business: BusinessView,
    /// Runs that came since, newest first in the list.
    pub new_runs: u64,
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
            hash: 7,
        }
    }
}

impl Fake {
    /// The summary as it stands.
    pub fn summary(&self) -> Notice {
        let open = self.rows().len() as u64;
        Notice::Summary(data::shared(data::summary(open, self.choices.len() as u64)))
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
        fields
    }

    fn rows(&self) -> Vec<ConflictRow> {
        data::conflict_names()
            .into_iter()
            .filter(|(app, _)| !self.written.iter().any(|w| w == app))
            .map(|(app, name)| {
                let fields = self.fields(app);
                let mine: Vec<_> = fields.iter().filter(|f| f.conflict.is_some()).collect();
                let decided = mine
                    .iter()
                    .filter(|f| f.standing != FieldStanding::Open)
                    .count();
                let word = match decided {
                    0 => Word::Conf,
                    n if n == mine.len() => Word::Ready,
                    _ => Word::Part,
                };
                ConflictRow {
                    key: data::key("people", app),
                    word,
                    name: name.into(),
                    object: "Contact".into(),
                    open: mine.len() as u32,
                    decided: decided as u32,
                    waits_for: match word {
                        Word::Ready => "w to write".into(),
                        _ => "you".into(),
                    },
                    since: data::at("11:20:00"),
                    conflicts: mine
                        .iter()
                        .filter_map(|f| Some((f.conflict?, f.fp)))
                        .collect(),
                }
            })
            .collect()
    }

    fn preview(&self, apps: &[String]) -> WritePreview {
        let mut lines = Vec::new();
        let mut decisions = 0;
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
        let crm = lines.iter().filter(|l| l.to == Side::Crm).count() as u32;
        let app = lines.iter().filter(|l| l.to == Side::App).count() as u32;
        WritePreview {
            lines,
            acts: Vec::new(),
            decisions,
            crm_records: crm.min(1),
            app_records: app.min(1),
            api_calls: crm.min(1) * 2,
            hash: self.hash + u64::from(decisions),
            refused: Vec::new(),
        }
    }

    fn detail(&self, app: &str) -> Option<Box<ConflictDetail>> {
        let row = self
            .rows()
            .into_iter()
            .find(|r| r.key.app_id.as_str() == app)?;
        Some(Box::new(ConflictDetail {
            key: row.key,
            name: row.name,
            object: row.object,
            table: "people".into(),
            crm_id: Some(data::crm_id_of(app)),
            word: row.word,
            record: None,
            fields: self.fields(app),
            same: vec![
                ("external_id".into(), data::cell("8812")),
                ("city".into(), data::cell("London")),
            ],
            writes: self.preview(&[app.to_owned()]),
            history: vec![LogLine {
                at: data::at("14:30:21"),
                word: Word::Conf,
                run: Some(RunId(8841)),
                text: "run 8841 found fields that both sides changed".into(),
            }],
        }))
    }

    fn record_page(&self, pair: PairName, filter: &str) -> RecordPage {
        let all = self.people.len() as u64;
        let rows: Vec<RecordRow> = self
            .people
            .iter()
            .filter(|(id, _)| id.contains(filter))
            .map(|(id, fields)| RecordRow {
                key: data::key(pair.as_str(), id),
                word: if id == "ada" { Word::Conf } else { Word::Ok },
                name: name_of(id),
                values: ["email", "title"]
                    .map(|f| fields.get(f).map_or(String::new(), Value::to_string))
                    .to_vec(),
                changed: data::at("13:58:02"),
            })
            .collect();
        RecordPage {
            pair,
            columns: vec!["email".into(), "title".into()],
            part: part(rows),
            all,
            filter_error: filter
                .contains('(')
                .then(|| "at character 1: a closing bracket is missing".into()),
        }
    }

    fn search(&self, text: String) -> SearchView {
        let holds = |it: &str| it.to_lowercase().contains(&text.to_lowercase());
        let found: Vec<RecordHit> = self
            .people
            .iter()
            .filter(|(id, _)| holds(&name_of(id)))
            .map(|(id, fields)| RecordHit {
                key: data::key("people", id),
                name: name_of(id),
                object: "Contact".into(),
                word: if id == "ada" { Word::Conf } else { Word::Ok },
                found: fields["email"].to_string(),
            })
            .collect();
        let mut view = figures::found(text.clone());
        view.records.total = found.len() as u64;
        view.records.rows = found;
        view
    }

    fn record(&self, app: &AppId) -> Option<RecordDetail> {
        let (id, fields) = self.people.iter().find(|(id, _)| id == app.as_str())?;
        let shown = |name: &str| fields.get(name).cloned().map(|v| vec![v]);
        Some(RecordDetail {
            key: data::key("people", id),
            name: name_of(id),
            word: if id == "ada" { Word::Conf } else { Word::Ok },
            app: Some(AppRecord {
                id: app.clone(),
                table: "people".into(),
                rev: 17,
                fields: fields.clone(),
                changed_at: BTreeMap::new(),
                changed_by: "jo".into(),
                typed_by: BTreeMap::new(),
                created_at: data::at("09:00:00"),
                updated_at: data::at("13:58:02"),
                presence: Presence::Live,
                sync_key: None,
            }),
            link: None,
            pair: self.pair.clone(),
            fields: ["email", "title", "phone"]
                .into_iter()
                .zip([2u16, 4, 3])
                .map(|(name, row)| RecordField {
                    row: RowId(row),
                    app_label: name.into(),
                    crm_label: name.to_uppercase(),
                    app: shown(name),
                    crm: shown(name),
                    state: "same".into(),
                })
                .collect(),
            failure: None,
            url: Some("https://acme.my.salesforce.example/0035g00000AdaQ1".into()),
            history: Vec::new(),
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

    fn reply(&mut self, command: Command, more: &mut Vec<Notice>) -> Result<Reply, Error> {
        let everything = Topics {
            runs: true,
            conflicts: true,
            records: true,
            mappings: true,
            settings: true,
        };
        Ok(match command {
            Command::Runs { pair, .. } => {
                let mut rows = data::runs();
                for n in 0..self.new_runs {
                    let mut new = rows[0].clone();
                    new.run.id = RunId(9_000 + n);
                    rows.insert(0, new);
                }
                rows.retain(|r| pair.as_ref().is_none_or(|p| r.run.pair == *p));
                Reply::Runs(part(rows))
            }
            Command::Run { id, .. } => {
                // One that came since did the same as the newest before.
                let known = data::runs().iter().any(|r| r.run.id == id);
                let id = if known { id } else { data::runs()[0].run.id };
                Reply::Run(Box::new(data::run_detail(id)))
            }
            Command::Conflicts { .. } => Reply::Conflicts(part(self.rows())),
            Command::Conflict { key } => Reply::Conflict(self.detail(key.app_id.as_str())),
            Command::Decide { decisions } => {
                let staged = decisions.len();
                for decision in decisions {
                    match decision.choice {
                        Some(choice) => self.choices.insert(decision.conflict, choice),
                        None => self.choices.remove(&decision.conflict),
                    };
                }
                more.push(self.summary());
                Reply::Decided(Decided {
                    staged,
                    refused: Vec::new(),
                })
            }
            Command::Overrule { overrule } => {
                match overrule.choice {
                    Some(choice) => self.overruled.insert(overrule.row, choice),
                    None => self.overruled.remove(&overrule.row),
                };
                Reply::Decided(Decided {
                    staged: 1,
                    refused: Vec::new(),
                })
            }
            Command::Preview { scope } => Reply::Preview(Box::new(self.preview(&apps(&scope)))),
            Command::Write { scope, hash } => {
                let preview = self.preview(&apps(&scope));
                if preview.hash != hash {
                    return Err(Error::new(
                        Kind::Changed,
                        "the preview is no longer what would be written",
                    ));
                }
                let ready: Vec<String> = self
                    .rows()
                    .into_iter()
                    .filter(|r| r.word == Word::Ready)
                    .map(|r| r.key.app_id.as_str().to_owned())
                    .collect();
                self.written.extend(ready);
                self.choices.clear();
                more.push(self.summary());
                more.push(Notice::Changed(everything));
                Reply::Started(vec![RunId(8843)])
            }
            Command::Sync { .. } | Command::Retry { .. } => Reply::Started(vec![RunId(8843)]),
            Command::Mapping { pair } => {
                let shown = if pair.as_str() == "people" {
                    self.pair.clone()
                } else {
                    data::pair(pair.as_str())
                };
                let mut detail = data::mapping(shown);
                detail.draft = self.draft.clone().filter(|d| d.name == pair);
                Reply::Mapping(Box::new(detail))
            }
            Command::MappingVersion { .. } => {
                Reply::Mapping(Box::new(data::mapping(data::pair("people"))))
            }
            Command::PreviewMapping { draft, row, .. } => {
                Reply::MappingPreview(Box::new(data::mapping_preview(&draft, row)))
            }
            Command::KeepDraft { draft, .. } => {
                self.draft = draft.map(|d| *d);
                Reply::Done
            }
            Command::SaveMapping { draft } => {
                self.draft = None;
                self.pair = Pair {
                    version: draft.version + 1,
                    ..*draft
                };
                Reply::Saved {
                    version: self.pair.version,
                }
            }
            Command::Records { pair, filter, .. } => {
                Reply::Records(Box::new(self.record_page(pair, &filter)))
            }
            Command::Business => Reply::Business(Box::new(self.business.clone())),
            Command::SearchCrm { text } if text == "nobody answers" => {
                return Err(Error::new(Kind::Crm, "Salesforce did not answer").hint("try again"));
            }
            Command::SearchCrm { text } => Reply::SearchCrm(Box::new(figures::found_there(text))),
            Command::Search { text } => Reply::Search(Box::new(self.search(text))),
            Command::Record { key } => match self.record(&key.app_id) {
                Some(detail) => Reply::Record(Box::new(detail)),
                None => return Err(Error::new(Kind::Refused, "this record is gone")),
            },
            Command::EditRecord { key, fields, .. } => {
                let person = self
                    .people
                    .iter_mut()
                    .find(|(id, _)| id == key.app_id.as_str())
                    .unwrap();
                person.1.extend(fields);
                Reply::Done
            }
            Command::CreateRecord { fields, .. } => {
                self.people.push(("new".into(), fields));
                Reply::Created(CreatedView {
                    app_id: AppId::new("new"),
                })
            }
            Command::DeleteRecord { key, .. } => {
                self.people.retain(|(id, _)| id != key.app_id.as_str());
                Reply::Done
            }
            Command::Settings => Reply::Settings(Box::new(data::settings())),
            Command::BeginSignIn { .. } => Reply::SignIn(SignInView::Browser(BrowserView {
                address: format!(
                    "https://acme.my.salesforce.example/services/oauth2/authorize?response_type=code&client_id=3MVG9.example&state=9f1c2e&code_challenge={}",
                    "Q".repeat(43)
                ),
                redirect_uri: "http://localhost:7717/callback".into(),
                callback: Ok(()),
                hint: "The app may not list this address.".into(),
            })),
            Command::FinishSignIn { pasted } => {
                use secrecy::ExposeSecret;
                if !pasted.expose_secret().contains("state=9f1c2e") {
                    return Err(Error::new(
                        Kind::Auth,
                        "the pasted address belongs to another sign-in",
                    )
                    .hint("R makes a fresh address"));
                }
                Reply::SignedIn(SignedInView {
                    username: "sync@acme.example".into(),
                    org_name: "Acme".into(),
                    org_id: "00D5g000000EzZkEAK".into(),
                    env: Env::Production,
                })
            }
            Command::Quarantine { .. }
            | Command::Release { .. }
            | Command::Audit { .. }
            | Command::AuditLines { .. }
            | Command::VerifyAudit { .. } => {
                return Err(Error::new(Kind::Internal, "no screen asks this"));
            }
            Command::Schedules { .. } => Reply::Schedules(ScheduleList {
                paused: false,
                rows: Vec::new(),
            }),
            Command::Pause
            | Command::Resume
            | Command::Cancel
            | Command::SetSchedule { .. }
            | Command::LeaveSignIn
            | Command::CheckConnection => Reply::Done,
            Command::Disconnect => Reply::SignedOut(SignedOut::Now),
        })
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
