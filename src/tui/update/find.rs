//! Finding a text where it is not a filter: in a run, on the Overview, in a mapping and in the
//! settings. It looks in the pane in focus, from the cursor on, around its end.
//!
//! It looks at what the rows show, and at nothing else: what is staged, where that is shown.
//! Invariant: without a match the cursor stays.

use super::schedules::{schedule_of, schedule_text};
use super::try_filter::{filter_text, part_of};
use super::{act, mapping, mapping_form};
use crate::domain::run::Word;
use crate::domain::text::fold;
use crate::engine::view::RunDetail;
use crate::tui::action::{Context, TABLE};
use crate::tui::model::{Model, Screen};
use crate::tui::order;
use crate::tui::state::{MappingPane, OverviewPane, RunPane, Section, SettingsPane};
use crate::tui::trouble::Trouble;
use crate::tui::widget::list::{ListState, Step};

/// Whether `/` finds here, and does not filter.
pub fn is_here(model: &Model) -> bool {
    matches!(
        model.context(),
        Context::Run | Context::Overview | Context::Mapping | Context::Settings
    )
}

/// What is looked for on this screen; empty when nothing is.
pub fn text(model: &Model) -> &str {
    match model.context() {
        Context::Run => &model.log.find,
        Context::Overview => &model.overview.find,
        Context::Mapping => &model.mapping.find,
        Context::Settings => &model.settings.find,
        _ => "",
    }
}

/// Looks for a text, from the cursor on; an empty one ends the search.
pub fn begin(model: &mut Model, text: &str) {
    let slot = match model.context() {
        Context::Run => &mut model.log.find,
        Context::Overview => &mut model.overview.find,
        Context::Mapping => &mut model.mapping.find,
        Context::Settings => &mut model.settings.find,
        _ => return,
    };
    text.trim().clone_into(slot);
    if !slot.is_empty() {
        go(model, Step::Down, From::Here);
    }
}

/// To the next match, or the one before.
pub fn step(model: &mut Model, step: Step) {
    go(model, step, From::Beyond);
}

/// Whether the row under the cursor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Here,
    Beyond,
}

fn go(model: &mut Model, step: Step, from: From) {
    let in_order =
        model.context() == Context::Overview && model.overview.pane == OverviewPane::Syncs;
    if in_order {
        order::keep(model);
    }
    let wanted = fold(text(model)).into_owned();
    let (texts, first) = texts(model);
    let Some(list) = list(model) else {
        return;
    };
    let len = texts.len();
    let at = list.selected().saturating_sub(first);
    let gap = usize::from(from == From::Beyond);
    let turn = |n: usize| match step {
        Step::Up => (at + 2 * len.max(1) - gap - n) % len.max(1),
        _ => (at + gap + n) % len.max(1),
    };
    let holds = |at: &usize| {
        texts
            .get(*at)
            .is_some_and(|text| fold(text).contains(&wanted))
    };
    match (0..len).map(turn).find(holds) {
        Some(found) => {
            list.select(first + found);
            if in_order {
                order::select(model, found);
            }
            if model.context() == Context::Mapping {
                mapping::load_preview(model);
            }
        }
        None => {
            let text = format!(
                "\"{}\" is not in this pane; Tab goes to the next.",
                text(model)
            );
            model.say(Word::Info, text);
        }
    }
}

/// The cursor of the pane in focus.
fn list(model: &mut Model) -> Option<&mut ListState> {
    let (overview, log) = (&mut model.overview, &mut model.log);
    Some(match model.screen {
        Screen::Log => match log.pane {
            RunPane::Groups => &mut log.groups,
            RunPane::Records => &mut log.records,
            RunPane::Steps => &mut log.steps,
        },
        Screen::Overview => match overview.pane {
            OverviewPane::Connections => &mut overview.connections,
            OverviewPane::Syncs => &mut overview.syncs,
            OverviewPane::Attention => &mut overview.attention,
        },
        Screen::Mapping => match model.mapping.pane {
            MappingPane::Rows => &mut model.mapping.rows,
            MappingPane::Versions => &mut model.mapping.versions,
        },
        Screen::Settings => match model.settings.pane {
            SettingsPane::Sections => &mut model.settings.sections,
            SettingsPane::Content => {
                let section = model.settings.section();
                model.settings.content.entry(section).or_default()
            }
        },
        _ => return None,
    })
}

/// The rows of the pane in focus as texts, and the place of the first.
fn texts(model: &Model) -> (Vec<String>, usize) {
    match model.context() {
        Context::Run => match model.log.detail.get() {
            Some(detail) => in_run(detail, model.log.pane),
            None => (Vec::new(), 0),
        },
        Context::Overview => (on_overview(model), 0),
        Context::Mapping => (in_mapping(model), 0),
        Context::Settings => (in_settings(model), 0),
        _ => (Vec::new(), 0),
    }
}

fn in_run(detail: &RunDetail, pane: RunPane) -> (Vec<String>, usize) {
    match pane {
        RunPane::Groups => {
            let one = Trouble::all(detail).into_iter();
            (one.map(|trouble| trouble.parts().join(" ")).collect(), 0)
        }
        RunPane::Steps => (detail.steps.iter().map(|s| s.text.clone()).collect(), 0),
        RunPane::Records => {
            let one = detail.records.rows.iter().map(|r| {
                let crm = r.crm_id.map_or(String::new(), |id| id.to_string());
                let failure = r.failure.as_ref();
                let why = failure.map_or(String::new(), |f| format!("{} {}", f.code, f.what));
                format!("{} {} {crm} {} {why}", r.name, r.app_id, r.did)
            });
            (one.collect(), detail.records.offset)
        }
    }
}

fn on_overview(model: &Model) -> Vec<String> {
    let Some(summary) = &model.summary else {
        return Vec::new();
    };
    match model.overview.pane {
        OverviewPane::Connections => {
            let rows = summary.connections.iter();
            rows.map(|c| format!("{} {} {}", c.word.as_str(), c.system, c.account))
                .collect()
        }
        OverviewPane::Syncs => {
            let rows = order::seen(model).into_iter();
            let rows = rows.filter_map(|at| summary.pairs.get(at));
            rows.map(|p| format!("{} {} {}", p.word.as_str(), p.name, p.title))
                .collect()
        }
        OverviewPane::Attention => {
            let rows = summary.attention.iter();
            rows.map(|a| format!("{} {}", a.word.as_str(), a.text))
                .collect()
        }
    }
}

fn in_mapping(model: &Model) -> Vec<String> {
    match model.mapping.pane {
        MappingPane::Rows => {
            let rows = model.mapping.current().map_or(&[][..], |pair| &pair.rows);
            rows.iter().map(mapping_form::row_text).collect()
        }
        MappingPane::Versions => {
            let detail = model.mapping.detail.get();
            let rows = detail.map_or(&[][..], |detail| &detail.versions);
            rows.iter()
                .map(|v| format!("v{} {}", v.version, v.changes.join(" ")))
                .collect()
        }
    }
}

fn in_settings(model: &Model) -> Vec<String> {
    if model.settings.pane == SettingsPane::Sections {
        return Section::ALL.map(|s| s.name().to_owned()).to_vec();
    }
    let Some(view) = model.settings.view.get() else {
        return Vec::new();
    };
    match model.settings.section() {
        Section::Connections => {
            let rows = model.summary.as_ref().map(|s| s.connections.iter());
            let rows = rows.into_iter().flatten();
            rows.map(|c| format!("{} {}", c.system, c.account))
                .collect()
        }
        Section::Schedule => {
            let rows = view.pairs.iter();
            rows.map(|p| {
                let when = schedule_text(schedule_of(model, p));
                format!("{} {} {when}", p.name, p.title)
            })
            .collect()
        }
        Section::Filters => {
            let rows = view.pairs.iter();
            rows.map(|p| {
                let part = part_of(model, p);
                let filter = filter_text(&part.filter);
                format!("{} {} {filter}", p.name, p.title)
            })
            .collect()
        }
        Section::Rules => {
            let rows = view.rules();
            rows.map(|(pair, rule)| format!("{} {}", pair.title, rule.text))
                .collect()
        }
        Section::Look => act::theme_names(model),
        Section::Keys => {
            let keys = |info| model.options.keymap.keys_of(info);
            let rows = TABLE.iter();
            rows.map(|i| format!("{} {} {} {}", keys(i.action), i.name, i.label, i.help))
                .collect()
        }
        Section::Limits | Section::Vault | Section::About => Vec::new(),
    }
}
