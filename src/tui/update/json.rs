//! What `Y` copies where no record is in front: the row under the cursor as JSON.
//!
//! Reads only. Invariant: it holds what the row says, and nothing that the screen does not show.

use serde_json::{Value as Json, json};

use super::export::{conflict_cells, run_cells};
use super::try_filter::part_of;
use super::{act, mapping, mapping_form, schedules};
use crate::engine::view::RunRow;
use crate::tui::action::{Context, TABLE};
use crate::tui::model::Model;
use crate::tui::order;
use crate::tui::state::{MappingPane, OverviewPane, RunPane, Section};
use crate::tui::trouble::Trouble;

/// Whether it is this that `Y` copies here; records and conflicts have values of their own.
pub fn is_here(model: &Model) -> bool {
    !matches!(
        model.context(),
        Context::Conflict | Context::Records | Context::Record
    )
}

/// The row under the cursor.
pub fn row(model: &Model) -> Option<Json> {
    match model.context() {
        Context::Overview => on_overview(model),
        Context::Business => {
            let view = model.overview.business.get()?;
            let row = view.objects.get(model.overview.objects.selected())?;
            Some(json!({
                "pair": row.pair, "object": row.object, "records": row.records,
                "waiting": row.waiting, "conflicts": row.conflicts, "refused": row.refused,
            }))
        }
        Context::Log => model.log.runs.selected().map(run),
        Context::Run => in_run(model),
        Context::Conflicts => model.conflicts.rows.selected().map(|row| {
            let cells = conflict_cells(row).into_iter();
            cells
                .map(|(name, cell)| (name.to_owned(), Json::from(cell)))
                .collect()
        }),
        Context::Mapping => in_mapping(model),
        Context::Settings => in_settings(model),
        Context::Conflict | Context::Records | Context::Record | Context::Setup => None,
    }
}

fn run(row: &RunRow) -> Json {
    let cells = run_cells(row).into_iter();
    cells
        .map(|(name, cell)| (name.to_owned(), Json::from(cell)))
        .collect()
}

fn on_overview(model: &Model) -> Option<Json> {
    let summary = model.summary.as_ref()?;
    let state = &model.overview;
    match state.pane {
        OverviewPane::Connections => {
            let row = summary.connections.get(state.connections.selected())?;
            Some(json!({
                "state": row.word.as_str(), "system": row.system, "account": row.account,
                "sign_in": row.sign_in, "api": row.api, "checked": row.checked,
            }))
        }
        OverviewPane::Syncs => {
            let row = order::here(model)?;
            let last = row.last.map(|last| {
                json!({
                    "run": last.id, "at": last.at, "state": last.word().as_str(),
                    "in": last.counts.pulled, "out": last.counts.pushed,
                    "conflicts": last.counts.conflicts, "failed": last.counts.failed,
                })
            });
            Some(json!({
                "state": row.word.as_str(), "pair": row.name, "title": row.title,
                "records": row.records, "waiting": row.waiting, "failing": row.failing,
                "conflicts": row.open_conflicts, "last": last,
            }))
        }
        OverviewPane::Attention => {
            let row = summary.attention.get(state.attention.selected())?;
            Some(json!({ "state": row.word.as_str(), "text": row.text, "pair": row.pair }))
        }
    }
}

fn in_run(model: &Model) -> Option<Json> {
    let detail = model.log.detail.get()?;
    match model.log.pane {
        RunPane::Groups => match Trouble::selected(model) {
            Some(Trouble::Kind(group)) => Some(json!({
                "code": group.code, "records": group.records, "what": group.what,
                "why": group.why, "fix": group.fix, "request": group.request,
            })),
            Some(Trouble::Whole(_)) | None => Some(run(&RunRow {
                run: detail.run.clone(),
                title: detail.title.clone(),
                taken_back: detail.taken_back,
            })),
        },
        RunPane::Records => {
            let at = model.log.records.selected();
            let at = at.checked_sub(detail.records.offset)?;
            serde_json::to_value(detail.records.rows.get(at)?).ok()
        }
        RunPane::Steps => {
            let step = detail.steps.get(model.log.steps.selected())?;
            Some(json!({ "at": step.at, "state": step.word.as_str(), "text": step.text }))
        }
    }
}

fn in_mapping(model: &Model) -> Option<Json> {
    match model.mapping.pane {
        MappingPane::Rows => {
            let row = mapping::selected(model)?;
            Some(json!({
                "app": row.app, "crm": row.crm, "row": mapping_form::row_text(row),
                "id": row.id,
            }))
        }
        MappingPane::Versions => {
            let detail = model.mapping.detail.get()?;
            let row = detail.versions.get(model.mapping.versions.selected())?;
            Some(json!({ "version": row.version, "at": row.at, "changes": row.changes }))
        }
    }
}

fn in_settings(model: &Model) -> Option<Json> {
    let view = model.settings.view.get()?;
    let at = model.settings.cursor();
    match model.settings.section() {
        Section::Connections => {
            let row = model.summary.as_ref()?.connections.get(at)?;
            Some(json!({
                "system": row.system, "account": row.account, "sign_in": row.sign_in,
                "login_url": view.login_url, "client_id": view.client_id,
                "redirect_uri": view.redirect_uri, "scopes": view.scopes,
            }))
        }
        Section::Schedule => {
            let row = view.pairs.get(at)?;
            let staged = schedules::staged_here(model).map(|s| s.schedule.to_string());
            Some(json!({
                "pair": row.name, "schedule": row.schedule.to_string(), "staged": staged,
            }))
        }
        Section::Filters => {
            let row = view.pairs.get(at)?;
            let staged = part_of(model, row).filter;
            let staged = (staged != row.filter).then_some(staged);
            Some(json!({ "pair": row.name, "filter": row.filter, "staged": staged }))
        }
        Section::Rules => {
            let (pair, rule) = view.rules().nth(at)?;
            let (text, open) = (&rule.text, rule.open);
            Some(json!({ "pair": pair.name, "rule": text, "conflicts": open }))
        }
        Section::Limits => {
            let row = view.limits.first()?;
            Some(json!({ "system": row.system, "at_once": row.at_once, "resumes": row.resumes }))
        }
        Section::Look => Some(json!({ "theme": act::theme_names(model).get(at)? })),
        Section::Keys => {
            let info = TABLE.get(at)?;
            let keys = model.options.keymap.keys_of(info.action);
            Some(json!({ "action": info.name, "keys": keys, "help": info.help }))
        }
        Section::Vault => Some(json!({ "locked_by": view.vault })),
        Section::About => Some(json!({
            "version": env!("CARGO_PKG_VERSION"), "data": view.data_dir,
            "config_file": view.config_file, "logs": view.log_dir,
        })),
    }
}
