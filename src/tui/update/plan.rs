//! From a dry run to what it found, and to doing exactly that.
//!
//! The plan itself stays with the engine; shown are its counts and its first records. Invariant:
//! what is applied is named by the hash of what was shown.

use super::write;
use crate::domain::dry_run::{Left, Plan, PlanItem, Tally};
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::domain::transform::Side;
use crate::domain::value::Value;
use crate::engine::command::{Command, Page};
use crate::engine::summary::Env;
use crate::engine::view::PlanPage;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::Model;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::confirm::Confirm;

/// Records that are shown; `syncdeck plan show` has them all.
const SHOWN: usize = 200;
/// Records a button may answer for in production.
const BY_BUTTON: u64 = 50;

/// Asks for a dry run of all pairs.
pub fn begin(model: &mut Model) {
    model.say(
        Word::Info,
        "Dry run: reading what a sync would do. Nothing is written.",
    );
    model.ask(Ask::DryRun, Command::DryRun { pairs: Vec::new() });
}

/// A plan was made: asks for its first records.
pub fn made(model: &mut Model, plan: &Plan) {
    let page = Page {
        offset: 0,
        limit: SHOWN,
    };
    model.ask(Ask::Plan, Command::Plan { id: plan.id, page });
}

/// Shows a plan, and asks whether to do what it says.
pub fn question(model: &mut Model, page: &PlanPage) {
    if model.is_busy() {
        return;
    }
    let plan = &page.plan;
    let total = plan.total();
    if total.items == 0 {
        let read = grouped(total.read);
        let text = format!("Dry run: {read} records read, a sync would do nothing.");
        return model.say(Word::Ok, text);
    }
    let Some(summary) = model.summary.clone() else {
        return;
    };
    let production = summary.env != Some(Env::Sandbox);
    let release = Release::Send(
        Ask::Start(format!("Plan {} is applied", plan.id)),
        Box::new(Command::ApplyPlan {
            plan: plan.id,
            hash: Some(plan.hash.clone()),
        }),
    );
    let title = format!("Dry run: apply plan {}?", plan.id);
    let body = body(&summary.profile, summary.env, page);
    let records = total.crm.total() + total.app.total();
    let deletes = total.crm.deleted + total.app.deleted > 0;
    let confirm = if deletes || (production && records > BY_BUTTON) {
        Confirm::typed(
            title,
            body,
            format!("{} {records}", summary.profile),
            release,
        )
    } else {
        Confirm::ask(
            title,
            body,
            "Leave it",
            format!("Apply plan {}", plan.id),
            release,
        )
    };
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

fn body(profile: &str, env: Option<Env>, page: &PlanPage) -> Vec<Line> {
    let PlanPage { plan, items } = page;
    let calls = text::count(plan.calls.write, "API call", "API calls");
    let mut body = vec![
        write::where_it_goes(profile, env),
        Line::text(format!("Nothing was written. Doing it takes {calls}.")),
        Line::new(),
    ];
    for part in plan.pairs.iter().filter(|part| part.tally.items > 0) {
        body.push(Line::of(Role::Title, text::Safe::from(part.title.clone())));
        body.extend(counts(&part.tally));
        for held in &part.holds {
            let line = Line::text("  ").add(Role::Dim, Word::Hold.as_str());
            let text = text::Safe::from(format!("{held}"));
            body.push(line.to_column(14).add(Role::Text, text));
        }
    }
    body.push(Line::new());
    body.push(Line::text(
        "Everything is read again first. If a record of the plan has moved,",
    ));
    body.push(Line::text("nothing is written, and the place is named."));
    for item in items {
        body.push(Line::new());
        body.extend(item_lines(item));
    }
    let more = plan.total().items.saturating_sub(items.len() as u64);
    if more > 0 {
        let text = format!("{} more: syncdeck plan show {}", grouped(more), plan.id);
        body.push(Line::new());
        body.push(Line::of(Role::Dim, text));
    }
    body
}

fn counts(tally: &Tally) -> Vec<Line> {
    let mut lines = Vec::new();
    for (side, role, deeds) in [
        ("Salesforce", Role::Crm, tally.crm),
        ("App", Role::App, tally.app),
    ] {
        if deeds.total() > 0 {
            let words = format!(
                "{} to create, {} to change, {} to delete",
                grouped(deeds.created),
                grouped(deeds.changed),
                grouped(deeds.deleted)
            );
            let line = Line::text("  ").add(role, side).to_column(14);
            lines.push(line.add(Role::Text, words));
        }
    }
    let conflicts = match tally.conflicts {
        1 => "conflict would arise",
        _ => "conflicts would arise",
    };
    for (word, n, what) in [
        (Word::Conf, tally.conflicts, conflicts),
        (Word::Wait, tally.waits, "would wait"),
        (Word::Fail, tally.refused, "cannot go on"),
        (Word::None, tally.skipped, "left out by a policy"),
    ] {
        if n > 0 {
            let line = Line::text("  ").add(Role::Dim, word.as_str()).to_column(14);
            lines.push(line.add(Role::Text, format!("{} {what}", grouped(n))));
        }
    }
    lines
}

fn item_lines(item: &PlanItem) -> Vec<Line> {
    let mut lines = vec![Line::of(Role::Title, item.name.as_str())];
    for (side, name, role) in [
        (Side::Crm, "Salesforce", Role::Crm),
        (Side::App, "App", Role::App),
    ] {
        let Some(planned) = item.to(side) else {
            continue;
        };
        let head = Line::text("  ").add(role, name).to_column(14);
        lines.push(head.add(Role::Text, planned.deed.word()));
        for field in &planned.fields {
            lines.push(
                Line::text("    ")
                    .add(Role::Text, text::fit(field.name.as_str(), 18))
                    .to_column(24)
                    .add(Role::Dim, value(&field.from))
                    .add(Role::Text, " -> ")
                    .add(role, value(&field.to)),
            );
        }
    }
    for conflict in &item.conflicts {
        let line = Line::text("  ")
            .add(Role::Dim, Word::Conf.as_str())
            .to_column(14);
        lines.push(line.add(Role::Text, conflict.about.as_str()));
    }
    let left = match &item.left {
        Some(Left::Waits(why)) => Some((Word::Wait, why)),
        Some(Left::Refused(why)) => Some((Word::Fail, why)),
        None => None,
    };
    if let Some((word, why)) = left {
        let line = Line::text("  ").add(Role::Dim, word.as_str()).to_column(14);
        lines.push(line.add(Role::Text, why.as_str()));
    }
    lines
}

fn value(value: &Value) -> text::Safe {
    match value {
        Value::Null => text::value(None),
        value => text::value(Some(&value.to_string())),
    }
}
