//! What the scripted engine answers to each command.

use super::*;

impl Fake {
    pub(super) fn reply(
        &mut self,
        command: Command,
        more: &mut Vec<Notice>,
    ) -> Result<Reply, Error> {
        let everything = Topics {
            runs: true,
            conflicts: true,
            records: true,
            mappings: true,
            settings: true,
        };
        Ok(match command {
            Command::Runs { filter, .. } => self.runs(&filter),
            Command::Run { id, .. } => self.run(id),
            // Words in the name, and ids.
            Command::Conflicts { filter, page } => {
                let mut rows = self.rows();
                let filter: Filter = filter.parse().unwrap();
                rows.retain(|row| {
                    let id = Value::text(row.key.app_id.as_str());
                    let pair = Value::text(row.key.pair.as_str());
                    filter.matches(&Subject {
                        field: &|name| {
                            Some(if name == "id" {
                                id.clone()
                            } else {
                                pair.clone()
                            })
                        },
                        state: row.word,
                        columns: &[&row.name],
                        changed: None,
                        marked: false,
                        now: data::now(),
                    })
                });
                Reply::Conflicts(page_of(rows, page))
            }
            Command::Conflict { key } => Reply::Conflict(self.detail(key.app_id.as_str())),
            Command::Decide { decisions } if self.undecided.is_some() => {
                let why = self.undecided.clone().unwrap();
                let refused = decisions.iter().map(|d| (d.conflict, why.clone()));
                Reply::Decided(Decided {
                    staged: 0,
                    refused: refused.collect(),
                })
            }
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
            Command::PreviewUndo { .. } => Reply::Preview(Box::new(self.preview(&["ada".into()]))),
            Command::Undo { run, hash, .. } => {
                assert_eq!(hash, self.preview(&["ada".into()]).hash);
                self.undone.push(run);
                Reply::Started(vec![RunId(8843)])
            }
            Command::Write { scope, hash } => {
                let preview = self.preview(&apps(&scope));
                if preview.hash != hash {
                    return Err(Error::new(
                        Kind::Changed,
                        "the preview is no longer what would be written",
                    ));
                }
                let written = preview.records.iter().map(|key| key.app_id.as_str());
                for id in written {
                    let Some(edit) = self.edits.remove(id) else {
                        continue;
                    };
                    self.rev += 1;
                    match self.people.iter_mut().find(|(known, _)| known == id) {
                        Some((_, fields)) => fields.extend(edit.fields),
                        None => self.people.push((id.to_owned(), edit.fields)),
                    }
                }
                let ready: Vec<String> = self
                    .rows()
                    .into_iter()
                    .filter(|r| r.word == Word::Ready)
                    .map(|r| r.key.app_id.as_str().to_owned())
                    .collect();
                self.written.extend(ready);
                for line in preview.schedules {
                    self.new_schedules.remove(&line.pair);
                    self.schedules.insert(line.pair, line.after);
                }
                self.choices.clear();
                more.push(self.summary());
                more.push(Notice::Changed(everything));
                let runs = (preview.decisions > 0).then_some(RunId(8843));
                Reply::Started(runs.into_iter().collect())
            }
            Command::Allow { allowances, .. } => {
                let asked = allowances.into_iter().map(|a| (a.name, a.number));
                self.allowed.extend(asked);
                Reply::Started(vec![RunId(8843)])
            }
            Command::Sync { .. } | Command::Sweep { .. } | Command::Retry { .. } => {
                Reply::Started(vec![RunId(8843)])
            }
            Command::SyncRecords { records, .. } => {
                let ids: Vec<String> = records.iter().map(ToString::to_string).collect();
                self.asked.push(format!("sync {}", ids.join(" ")));
                if let Some(new) = records.iter().find(|id| id.as_str() == "luigi") {
                    let text = format!("1 record is not in Salesforce yet: {new}");
                    return Err(Error::new(Kind::Refused, text));
                }
                Reply::Started(vec![RunId(8843)])
            }
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
            Command::MappingVersion { pair, version } => {
                let mut older = data::pair(pair.as_str());
                older.version = version;
                if version == 13 {
                    older.rows[2].to_crm = "trim".parse().unwrap();
                    older.rows[2].to_app = "trim".parse().unwrap();
                }
                Reply::Mapping(Box::new(data::mapping(older)))
            }
            Command::PreviewMapping { draft, row, .. } => {
                let mut preview = data::mapping_preview(&draft, row);
                if self.sound {
                    preview.problems.clear();
                }
                Reply::MappingPreview(Box::new(preview))
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
            Command::Records {
                pair,
                filter,
                shape,
                values,
                page: wanted,
            } => {
                let mut page = self.record_page(pair, &filter);
                if shape.sort.is_some_and(|s| s.order == Order::Down) {
                    page.part.rows.reverse();
                }
                page.part = page_of(page.part.rows, wanted);
                if values == Values::Shown {
                    for value in page.part.rows.iter_mut().flat_map(|r| &mut r.values) {
                        *value = value.take().map(|v| v.chars().take(200).collect());
                    }
                }
                Reply::Records(Box::new(page))
            }
            Command::Views { .. } => {
                let built_in = SavedView::built_in().into_iter();
                Reply::Views(built_in.chain(self.views.clone()).collect())
            }
            Command::SaveView { view, .. } => {
                if let Err(why) = view.check_name() {
                    return Err(Error::new(Kind::Usage, why));
                }
                self.views.retain(|known| known.name != view.name);
                self.views.push(view);
                Reply::Done
            }
            Command::RemoveView { name, .. } => {
                self.views.retain(|known| known.name != name);
                Reply::Done
            }
            Command::CountCrm { objects } => {
                Reply::Counted(objects.into_iter().map(|o| (o, 40)).collect())
            }
            Command::Business => Reply::Business(Box::new(self.business.clone())),
            Command::SearchCrm { text } if text == "nobody answers" => {
                return Err(Error::new(Kind::Crm, "Salesforce did not answer").hint("try again"));
            }
            Command::SearchCrm { text } if text.starts_with("no such person") => {
                let mut found = figures::found_there(text);
                found.rows.clear();
                Reply::SearchCrm(Box::new(found))
            }
            Command::SearchCrm { text } => Reply::SearchCrm(Box::new(figures::found_there(text))),
            Command::SearchTexts { text, from } => {
                let mut rows = self.search(text.clone()).records.rows;
                // Three parts, which find one after the other.
                let at = from.map_or(0, |from| from.after.map_or(0, |id| id.as_str().len()));
                rows = rows.into_iter().skip(at).take(1).collect();
                Reply::SearchTexts(Box::new(TextsView {
                    text,
                    rows,
                    searched: 1_000,
                    all: 3_000,
                    next: (at < 2).then(|| TextPlace {
                        pair: PairName::new("people"),
                        after: Some(AppId::new("x".repeat(at + 1))),
                    }),
                }))
            }
            Command::Search { text } => Reply::Search(Box::new(self.search(text))),
            Command::Record { key } => match self.record(&key.app_id) {
                Some(detail) => Reply::Record(Box::new(detail)),
                None => return Err(Error::new(Kind::Refused, "this record is gone")),
            },
            Command::Candidates { .. } => Reply::Candidates(vec![Candidate {
                crm_id: data::crm_id_of("ada"),
                name: "A. Lovelace".into(),
                was: None,
            }]),
            Command::LinkRecord { key, crm_id } => {
                if crm_id != data::crm_id_of("ada") {
                    let text = format!("Salesforce has no Contact {crm_id} that we may read");
                    return Err(Error::new(Kind::Refused, text));
                }
                self.linked.insert(key.app_id.as_str().to_owned(), crm_id);
                Reply::Done
            }
            Command::GoOn => Reply::Done,
            Command::UnlinkRecord { key } => {
                self.linked.remove(key.app_id.as_str());
                Reply::Done
            }
            Command::RecordForm { pair, app_id } => {
                Reply::RecordForm(Box::new(self.form(pair, app_id)?))
            }
            Command::KeepForm { app_id, typed, .. } => {
                let id = app_id.map_or(String::new(), |id| id.as_str().to_owned());
                match typed {
                    Some(typed) => self.forms.insert(id, typed),
                    None => self.forms.remove(&id),
                };
                Reply::Done
            }
            // Only commands without a screen do so.
            Command::EditRecord { .. }
            | Command::CreateRecord { .. }
            | Command::EditRecords { .. } => {
                return Err(Error::new(Kind::Internal, "the console stages its edits"));
            }
            Command::StageFields {
                pair,
                records,
                fields,
            } => {
                let reply = self.stage_fields(&pair, &records, &fields);
                more.push(self.summary());
                more.push(Notice::Changed(everything));
                reply
            }
            Command::StageEdits { pair, edits } => {
                let reply = self.stage_edits(&pair, edits);
                more.push(self.summary());
                more.push(Notice::Changed(everything));
                reply
            }
            Command::StageEdit { pair, app_id, edit } => {
                let app_id = app_id.unwrap_or_else(|| AppId::new("new"));
                let id = app_id.as_str().to_owned();
                if edit.as_ref().is_some_and(|e| self.has_moved(&id, e)) {
                    return Err(Error::new(Kind::Changed, "the record changed meanwhile"));
                }
                let before = match edit.clone() {
                    Some(edit) => self.edits.insert(id, edit),
                    None => self.edits.remove(&id),
                };
                more.push(self.summary());
                more.push(Notice::Changed(everything));
                Reply::EditStaged(Box::new(EditStaged {
                    key: data::key(pair.as_str(), app_id.as_str()),
                    before,
                    after: edit,
                }))
            }
            Command::RecordKeys {
                pair,
                filter,
                limit,
            } => {
                let rows = self.record_page(pair, &filter).part.rows;
                Reply::RecordKeys(Part {
                    total: rows.len() as u64,
                    offset: 0,
                    rows: rows.into_iter().map(|r| r.key).take(limit).collect(),
                })
            }
            Command::ViewCounts { .. } => {
                let counts = [Count::Exactly(4_118), Count::Unknown, Count::About(37_000)];
                let views = SavedView::built_in().into_iter().zip(counts);
                let rows = views.map(|(view, count)| ViewCount {
                    name: view.name,
                    count,
                });
                Reply::ViewCounts(rows.collect())
            }
            Command::PreviewDelete { pair, records } => self.preview_delete(pair, records),
            Command::PinRecords { pair, records } => self.pinned(pair, records),
            Command::DeleteRecords { records, .. } => {
                more.push(Notice::Changed(everything));
                self.deletes(records)
            }
            Command::RestoreRecords { records, .. } => self.restores(records),
            Command::DeleteRecord { key, .. } => {
                self.people.retain(|(id, _)| id != key.app_id.as_str());
                Reply::Done
            }
            Command::Settings => {
                let mut view = data::settings();
                if let Some(pair) = view.pairs.iter_mut().find(|p| p.name == self.pair.name) {
                    pair.filter.clone_from(&self.pair.filter);
                    pair.on_leave = self.pair.on_leave;
                }
                for pair in &mut view.pairs {
                    if let Some(schedule) = self.schedules.get(&pair.name) {
                        pair.schedule = schedule.clone();
                    }
                }
                Reply::Settings(Box::new(view))
            }
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
            Command::DryRun { .. } => Reply::Planned(Box::new(data::plan())),
            Command::Plans => Reply::Plans(vec![data::plan()]),
            Command::Plan { page, .. } => Reply::Plan(Box::new(PlanPage {
                plan: data::plan(),
                items: data::plan_items()
                    .into_iter()
                    .skip(page.offset)
                    .take(page.limit)
                    .collect(),
            })),
            Command::ApplyPlan { .. } => Reply::Started(vec![RunId(9_000)]),
            Command::Drift { page, .. } => Reply::Drift(Part {
                rows: self.drifted.iter().take(page.limit).cloned().collect(),
                offset: page.offset,
                total: self.drifted.len() as u64,
            }),
            Command::Repair { records, .. } => {
                self.repaired = Some(records);
                Reply::Started(vec![RunId(9_001)])
            }
            Command::TestFilter {
                filter: Some(filter),
                ..
            } if filter.contains('(') => {
                let text = "the filter: at character 1: expected a field, as `Amount:>1000`: a pair is \
                            filtered by the fields of its object";
                return Err(Error::new(Kind::Usage, text));
            }
            Command::TestFilter { pair, filter, .. } => Reply::Filter(Box::new(FilterView {
                pair,
                query: match filter.as_deref().unwrap_or_default() {
                    "" => "SELECT Id FROM Contact".to_owned(),
                    filter => format!("SELECT Id FROM Contact WHERE {filter}"),
                },
                condition: filter.clone(),
                rest: None,
                stay: 3_902,
                leave: match filter.as_deref() {
                    Some("few") => 4,
                    Some("some") => 5,
                    _ => 216,
                },
                enter: 0,
                entering: Vec::new(),
                staying: Vec::new(),
                leaving: data::leaving(filter.as_deref()),
                filter: filter.unwrap_or_default(),
            })),
            Command::PreviewRelink => Reply::Relinking(Box::new(self.relink.clone())),
            Command::Relink(relink) if relink.links != self.relink.links() => {
                let error = Error::new(Kind::Changed, "4,400 are linked by now");
                return Err(error.hint("look again, and give that number"));
            }
            Command::Relink(relink) => {
                self.left = Some(relink);
                Reply::Done
            }
            Command::Edits { .. }
            | Command::WholeRecords(_)
            | Command::Quarantine { .. }
            | Command::Audit { .. }
            | Command::AuditLines { .. }
            | Command::VerifyAudit { .. } => {
                return Err(Error::new(Kind::Internal, "no screen asks this"));
            }
            Command::HeldFields { filter } => Reply::HeldFields(self.held_fields(&filter)),
            Command::EndHold { filter, end } => {
                let fields = self.held_fields(&filter).len() as u64;
                self.ended.push(end);
                Reply::HoldEnded(HeldDone {
                    fields,
                    refused: Vec::new(),
                })
            }
            Command::Release { filter } => Reply::Released(filter.records.len() as u64),
            Command::Schedules { .. } => Reply::Schedules(self.schedule_list()),
            Command::SetSchedule { .. } => {
                return Err(Error::new(Kind::Internal, "the console stages schedules"));
            }
            Command::StageSchedule { pair, schedule } => {
                let reply = self.stage_schedule(pair, schedule);
                more.push(self.summary());
                more.push(Notice::Changed(everything));
                reply
            }
            Command::Pause
            | Command::Resume
            | Command::Cancel
            | Command::LeaveSignIn
            | Command::CheckConnection => Reply::Done,
            Command::Disconnect => Reply::SignedOut(SignedOut::Now),
        })
    }
}
