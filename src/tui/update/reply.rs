//! What the engine says, put into the model.

use std::sync::Arc;

use super::{
    act, after_write, bulk, business, conflicts, decide, drift, export, held, link, log, mapping,
    marked, plan, record_form, records, relink, revert, schedules, search, settings, sign_in,
    staged_many, try_filter, view_pane, views, write,
};
use crate::domain::conflict::Choice;
use crate::domain::run::{RunState, Word};
use crate::engine::notice::{Notice, Reply, Topics};
use crate::engine::summary::Summary;
use crate::engine::view::{Decided, Sample, SignedOut};
use crate::error::{Error, Kind};
use crate::tui::ask::{Ask, Way};
use crate::tui::modal::{FormPurpose, Modal};
use crate::tui::model::{Model, Screen};
use crate::tui::state::{Follow, Loaded};
use crate::tui::text::{count, group};
use crate::tui::widget::list::ListState;

/// Takes one notice.
pub fn notice(model: &mut Model, notice: Notice) {
    match notice {
        Notice::Summary(summary) => take_summary(model, summary),
        Notice::Changed(topics) => changed(model, topics),
        Notice::SignedIn(result) => sign_in::signed_in(model, result),
        Notice::Reply { id, result } => {
            // An answer nobody waits for any more is dropped.
            let Some(ask) = model.asks.close(id) else {
                return;
            };
            match result {
                Ok(reply) => answer(model, ask, reply),
                Err(error) => refused(model, ask, &error),
            }
        }
    }
}

fn take_summary(model: &mut Model, summary: Arc<Summary>) {
    let first = model.summary.is_none();
    if let Some(before) = &model.summary
        && let (Some(run), None) = (&before.running, &summary.running)
    {
        let done = summary
            .pairs
            .iter()
            .find(|p| p.name == run.pair)
            .and_then(|p| p.last);
        // A dry run is no run: what its pair did last is something else.
        if let Some(last) = done.filter(|last| last.id == run.run) {
            let counts = &last.counts;
            let text = format!(
                "{} {}: {} in, {} out, {}, {} failed.",
                run.title,
                last.state,
                group(counts.pulled),
                group(counts.pushed),
                count(counts.conflicts, "conflict", "conflicts"),
                group(counts.failed)
            );
            let word = match last.state {
                RunState::Succeeded if counts.failed == 0 => Word::Ok,
                _ => Word::Warn,
            };
            model.say(word, text);
        }
    }
    model.overview.connections.clamp(summary.connections.len());
    model.overview.attention.clamp(summary.attention.len());
    model.summary = Some(summary);
    after_write::look(model);
    settings::follow(model);
    if first {
        // Screens that need to know the pairs could not ask before.
        act::load(model);
    }
}

/// The visible page is asked for again; the others are when they are gone to.
fn changed(model: &mut Model, topics: Topics) {
    if topics.records || topics.conflicts || topics.runs {
        search::ask(model);
    }
    if topics.conflicts {
        marked::look(model);
    }
    match model.screen {
        Screen::Overview if topics.records || topics.runs => business::load(model),
        Screen::Log if topics.runs => {
            if model.log.follow == Follow::On {
                model.log.runs.list.select(0);
            }
            log::load(model);
        }
        Screen::Conflicts if topics.conflicts => conflicts::load(model),
        Screen::Records if topics.records => records::load(model),
        Screen::Mapping if topics.mappings && model.mapping.draft.is_none() => mapping::load(model),
        Screen::Settings if settings::shows(model, topics) => settings::load(model),
        _ => {}
    }
}

fn answer(model: &mut Model, ask: Ask, reply: Reply) {
    match (ask, reply) {
        (Ask::Export(path), Reply::Runs(part)) => export::runs(model, &path, part),
        (Ask::Export(path), Reply::Conflicts(part)) => export::conflicts(model, &path, part),
        (Ask::ExportPart(id), Reply::Records(page)) => export::records(model, id, *page),
        (_, Reply::Runs(part)) => {
            let had = model.log.runs.selected().map(|r| r.run.id);
            model.log.runs.take(part);
            // A new run comes in on top: the cursor stays on the run it was on, but for the top,
            // which is the newest.
            if model.log.runs.list.selected() > 0
                && let Some(at) = had.and_then(|had| model.log.runs.find(|r| r.run.id == had))
            {
                model.log.runs.list.select(at);
            }
            // Without a detail for the row under the cursor, ask for it now.
            let now = model.log.runs.selected().map(|r| r.run.id);
            let shown = model.log.detail.get().map(|d| d.run.id);
            if model.log.open.is_none() && (had != now || shown != now) {
                log::load_run(model);
            }
        }
        (Ask::FailedWrites(run), Reply::Run(detail)) => after_write::mark(model, run, &detail),
        (Ask::MarkFailed(run), Reply::Run(detail)) => log::take_marks(model, run, &detail),
        // What was asked for before its list came to hold nothing.
        (_, Reply::Run(_)) if log::shown(model).is_none() => {}
        (_, Reply::Run(detail)) => {
            if model
                .log
                .detail
                .get()
                .is_none_or(|old| old.run.id != detail.run.id)
            {
                model.log.groups = ListState::default();
                model.log.records = ListState::default();
                model.log.steps = ListState::default();
            }
            model.log.detail = Loaded::Here(detail);
        }
        (Ask::MarkConflicts { filter, wanted }, Reply::Conflicts(part)) => {
            marked::take(model, &filter, wanted, part);
        }
        (Ask::MarkedConflicts(asked), Reply::Conflicts(part)) => {
            marked::looked(model, &asked, &part);
        }
        (_, Reply::Conflicts(part)) => {
            let had = model.conflicts.rows.selected().map(|r| r.key.clone());
            model.conflicts.rows.take(part);
            // Rows go as they are written: the cursor stays on the record it was on.
            if model.conflicts.rows.list.selected() > 0
                && let Some(had) = had
                && let Some(at) = model.conflicts.rows.find(|r| r.key == had)
            {
                model.conflicts.rows.list.select(at);
            }
            conflicts::follow(model);
            marked::refresh(model);
            let now = model.conflicts.rows.selected().map(|r| r.key.clone());
            let shown = match model.conflicts.detail.get() {
                Some(Some(d)) => Some(d.key.clone()),
                _ => None,
            };
            if model.conflicts.open.is_none() && now != shown {
                conflicts::load_detail(model);
            }
        }
        (_, Reply::Conflict(_)) if conflicts::shown(model).is_none() => {}
        (Ask::Conflict(key), Reply::Conflict(detail)) => {
            // What was decided long ago stays, to be taken back; what was open a moment ago is done.
            let was_open = match model.conflicts.detail.get() {
                Some(Some(shown)) => shown.key == key && !shown.is_settled(),
                _ => false,
            };
            let is_done = detail.as_ref().is_none_or(|d| d.is_settled() && was_open);
            let gone = is_done && model.conflicts.open.as_ref() == Some(&key);
            if let Some(detail) = &detail {
                model.conflicts.fields.clamp(conflicts::items(detail));
            }
            model.conflicts.detail = Loaded::Here(detail);
            if gone {
                model.conflicts.open = None;
                model.say(
                    Word::Ok,
                    "This record has no open conflicts any more: both sides agree.",
                );
                conflicts::load(model);
            }
        }
        (ask, Reply::Decided(decided)) => {
            for (_, why) in &decided.refused {
                model.say(Word::Warn, format!("Not staged: {why}."));
            }
            give_back(model, &decided);
            for (conflict, _) in &decided.refused {
                model.conflicts.history.settle(*conflict);
                if ask == Ask::Decide(Way::Forth) {
                    model.conflicts.history.refused(*conflict);
                }
            }
            if model.screen == Screen::Conflicts {
                conflicts::load(model);
            }
        }
        (Ask::Preview(scope), Reply::Preview(preview)) => write::question(model, scope, &preview),
        (Ask::PreviewUndo(run), Reply::Preview(preview)) => revert::question(model, run, &preview),
        (Ask::Hold(end), Reply::HeldFields(rows)) => held::question(model, end, &rows),
        (Ask::Told(say), Reply::HoldEnded(done)) => {
            held::ended(model, &say, &done);
            act::load(model);
        }
        (_, Reply::Planned(plan)) => plan::made(model, &plan),
        (Ask::Plan, Reply::Plan(page)) => plan::question(model, &page),
        (_, Reply::Relinking(view)) => relink::choose(model, view),
        (Ask::Drift(pair), Reply::Drift(part)) => drift::question(model, &pair, &part),
        (Ask::Start(what), Reply::Started(runs)) => {
            let names: Vec<String> = runs.iter().map(ToString::to_string).collect();
            let text = match names.as_slice() {
                [] => format!("{what}; it runs already."),
                [one] => format!("{what}: run {one}."),
                many => format!("{what}: runs {}.", many.join(", ")),
            };
            model.say(Word::Ok, text);
            act::load(model);
        }
        (ask, Reply::Started(runs)) => {
            let mut only_schedules = false;
            if let Ask::Write(records, schedules) = &ask {
                model.wrote.extend(&runs);
                only_schedules = records.is_empty();
                // What is being written can no longer be taken back.
                model.conflicts.history.written(records, schedules);
                for record in records {
                    model.conflicts.marks.remove(record);
                }
            }
            let text = match runs.first() {
                None if only_schedules => "Set: pairs run as staged from now on.".to_owned(),
                None => "Written in the App. s syncs it now.".to_owned(),
                Some(run) => format!(
                    "Being written by run {run}. Records leave this list when both sides agree."
                ),
            };
            model.say(Word::Ok, text);
            act::load(model);
        }
        (Ask::MappingVersion(version), Reply::Mapping(detail)) => {
            mapping::compared(model, version, detail.pair);
        }
        (_, Reply::Mapping(detail)) => take_mapping(model, *detail),
        (_, Reply::MappingPreview(preview)) => {
            let same_row = model.mapping.preview.get().map(|p| p.row) == Some(preview.row);
            model.mapping.sample = if same_row {
                let most = preview.samples.len().saturating_sub(1);
                model.mapping.sample.min(most)
            } else {
                // The sample that shows what is wrong comes first.
                let wrong = |s: &Sample| s.round_trip == Some(false) || s.to_crm.is_refused();
                preview.samples.iter().position(wrong).unwrap_or(0)
            };
            model.mapping.preview = Loaded::Here(preview);
        }
        (_, Reply::Saved { version }) => mapping::saved(model, version),
        (Ask::MarkRecords { filter, wanted }, Reply::Records(page)) => {
            bulk::take_range(model, &filter, wanted, *page);
        }
        (_, Reply::Records(mut page)) => {
            if page.filter_error.is_some() {
                // The engine shows all then: none of it is what was asked for, or may be marked.
                page.part.rows.clear();
                page.part.total = 0;
            }
            let part = std::mem::replace(
                &mut page.part,
                crate::engine::view::Part {
                    rows: Vec::new(),
                    offset: 0,
                    total: 0,
                },
            );
            model.records.filter_error = page.filter_error.clone().or(page.sort_error.clone());
            model.records.rows.take(part);
            model.records.page = Some(*page);
            let now = model.records.rows.selected().map(|r| r.key.clone());
            let shown = model.records.detail.get().map(|d| d.key.clone());
            if model.records.open.is_none() && now != shown {
                records::load_detail(model);
            }
        }
        (_, Reply::Record(_)) if records::shown(model).is_none() => {}
        (_, Reply::Record(detail)) => {
            model.records.fields.clamp(detail.fields.len());
            record_form::look(model, &detail);
            if model.records.pair.as_ref() == Some(&detail.pair.name) {
                let fields = detail.pair.app_fields.iter().map(|f| f.name.clone());
                let table = detail.pair.table.clone();
                model.records.known = Some((table, fields.collect()));
            }
            model.records.detail = Loaded::Here(detail);
            records::select_wanted(model);
        }
        (_, Reply::Search(view)) => search::take(model, view),
        (Ask::FindThere(key), Reply::SearchCrm(view)) => link::found(model, key, *view),
        (_, Reply::SearchTexts(view)) => search::take_texts(model, *view),
        (_, Reply::SearchCrm(view)) => search::take_crm(model, view),
        (_, Reply::Business(view)) => {
            model.overview.objects.clamp(view.objects.len());
            model.overview.business = Loaded::Here(view);
        }
        (_, Reply::Views(views)) => {
            model.records.views_list.clamp(views.len());
            model.records.views = views;
        }
        (_, Reply::ViewCounts(counts)) => view_pane::counted(model, counts),
        (Ask::RecordKeys(filter), Reply::RecordKeys(keys)) => bulk::mark(model, &filter, keys),
        (_, Reply::DeletePreview(preview)) => bulk::question(model, *preview),
        (_, Reply::Released(records)) => bulk::released(model, records),
        (_, Reply::Acted(acted)) => bulk::acted(model, acted),
        (Ask::SaveView(view), Reply::Done) => views::saved(model, *view),
        (Ask::Candidates(key), Reply::Candidates(found)) => link::open(model, key, found),
        (Ask::Link(key), Reply::Done) => link::done(model, &key),
        (Ask::Form(act), Reply::RecordForm(view)) => record_form::open(model, act, *view),
        (_, Reply::Pinned(pinned)) => staged_many::pinned(model, *pinned),
        (Ask::FormMarked(pinned), Reply::RecordForm(view)) => {
            record_form::open_marked(model, *view, *pinned);
        }
        (Ask::FormAgain(act), Reply::RecordForm(view)) => {
            record_form::open_again(model, act, *view);
        }
        (Ask::FormNew(why), Reply::RecordForm(view)) => record_form::open_new(model, *view, &why),
        (Ask::Restage, Reply::EditsStaged(done)) => {
            for left in &done.refused {
                model.say(Word::Warn, format!("{}: {}.", left.app_id, left.why));
            }
            if model.screen == Screen::Records {
                records::load(model);
            }
        }
        (_, Reply::EditsStaged(done)) => bulk::staged(model, *done),
        (ask, Reply::ScheduleStaged(done)) => schedules::staged(model, &ask, *done),
        (ask, Reply::EditStaged(done)) => record_form::staged(model, &ask, *done),
        (_, Reply::Schedules(list)) => schedules::take(model, list),
        (_, Reply::Filter(view)) => try_filter::take(model, view),
        (_, Reply::Settings(view)) => model.settings.view = Loaded::Here(view),
        (_, Reply::SignIn(view)) => sign_in::sign_in_began(model, view),
        (_, Reply::SignedIn(who)) => sign_in::signed_in(model, Ok(who)),
        (Ask::KeepDraft | Ask::KeepForm, Reply::Done) => {}
        (Ask::Told(_), Reply::SignedOut(SignedOut::Before)) => {
            model.say(
                Word::Info,
                "Nobody was signed in; there was nothing to sign out of.",
            );
            act::load(model);
        }
        (Ask::Told(text), Reply::Verdict(verdict)) => {
            match &verdict.broken {
                Some(broken) => model.say(Word::Fail, format!("{broken}.")),
                None => model.say(Word::Ok, text),
            }
            act::load(model);
        }
        (Ask::Told(text), Reply::Done | Reply::SignedOut(SignedOut::Now)) => {
            model.say(Word::Ok, text);
            act::load(model);
        }
        // Neither is logged: answers hold record values.
        (_, _) => tracing::warn!("an answer that fits no question"),
    }
}

/// Gives back what was typed for conflicts whose decision was refused, so that none of it is lost.
fn give_back(model: &mut Model, decided: &Decided) {
    let history = &model.conflicts.history;
    let typed = decided.refused.iter().filter_map(|(conflict, _)| {
        let Choice::Typed { cell, .. } = history.known(*conflict)? else {
            return None;
        };
        Some((*conflict, cell))
    });
    for (conflict, cell) in typed.collect::<Vec<_>>() {
        decide::give_back(model, conflict, &cell);
    }
}

fn take_mapping(model: &mut Model, detail: crate::engine::view::MappingDetail) {
    if model.mapping.pair.as_ref() != Some(&detail.pair.name) {
        // It was asked for by the Records screen, for the fields of its table.
        if model.mapping.draft.is_some() {
            return;
        }
        model.mapping.pair = Some(detail.pair.name.clone());
    }
    let mut detail = detail;
    let kept = detail.draft.take();
    mapping::take_up(model, &detail.pair, kept);
    model.mapping.detail = Loaded::Here(Box::new(detail));
    let len = model.mapping.current().map_or(0, |p| p.rows.len());
    model.mapping.rows.clamp(len);
    mapping::take_wanted(model);
    if model.screen == Screen::Mapping
        && !matches!(
            model.modal,
            Some(Modal::Form(_, FormPurpose::MappingRow(_)))
        )
    {
        mapping::load_preview(model);
    }
}

fn refused(model: &mut Model, ask: Ask, error: &Error) {
    let text = error.message().to_owned();
    let hint = error.remedy().map(str::to_owned);
    match ask {
        Ask::Runs => model.log.runs.part = Loaded::Failed(text, hint),
        Ask::Run(_) => model.log.detail = Loaded::Failed(text, hint),
        Ask::Conflicts => model.conflicts.rows.part = Loaded::Failed(text, hint),
        Ask::Conflict(_) => model.conflicts.detail = Loaded::Failed(text, hint),
        Ask::Mapping(_) => model.mapping.detail = Loaded::Failed(text, hint),
        Ask::MappingPreview => model.mapping.preview = Loaded::Failed(text, hint),
        Ask::Records => model.records.rows.part = Loaded::Failed(text, hint),
        Ask::Record(_) => model.records.detail = Loaded::Failed(text, hint),
        Ask::Business => model.overview.business = Loaded::Failed(text, hint),
        Ask::Search => {
            if let Some(Modal::Search(search)) = &mut model.modal {
                search.view = Loaded::Failed(text, hint);
            }
        }
        Ask::SearchCrm => search::refused_crm(model, text, hint),
        Ask::Settings => model.settings.view = Loaded::Failed(text, hint),
        Ask::BeginSignIn | Ask::FinishSignIn => {
            if let Some(Modal::SignIn(sign_in)) = &mut model.modal {
                sign_in.error = Some(act::with_hint(error));
            } else {
                model.say(Word::Fail, act::with_hint(error));
            }
        }
        Ask::Write(..) if error.kind() == Kind::Changed => {
            model.say(
                Word::Warn,
                format!(
                    "Nothing was written: {}. w shows the preview again.",
                    error.message()
                ),
            );
            conflicts::load(model);
        }
        ask @ Ask::Stage(..) => record_form::refused(model, &ask, error),
        Ask::Export(_) => export::refused(model, error),
        Ask::ExportPart(id) => export::part_refused(model, id, error),
        Ask::SaveView(_) => views::refused(model, error),
        Ask::Link(key) | Ask::FindThere(key) => link::refused(model, &key, error),
        Ask::FormAgain(_) => record_form::gone(model, error),
        Ask::Bulk => bulk::broke_off(model, &act::with_hint(error)),
        Ask::ViewCounts => view_pane::rest(model),
        Ask::TestFilter => try_filter::refused(model, error),
        _ => model.say(Word::Fail, act::with_hint(error)),
    }
}
