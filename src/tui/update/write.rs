//! From staged decisions to a write: preview, question, write.
//!
//! The question is answered with a button for small batches, by typing for large or deleting
//! ones (terminal-ux 10). Invariant: what is written is named by the hash of what was shown.

use std::collections::BTreeSet;

use super::act::go;
use super::mapping;
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::engine::command::{Command, RecordKey, WriteScope};
use crate::engine::summary::Env;
use crate::engine::view::{WriteLine, WritePreview};
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::{Model, Screen};
use crate::tui::text::{self, count};
use crate::tui::theme::Role;
use crate::tui::widget::confirm::Confirm;

/// Records a button may answer for in production.
const BY_BUTTON: u32 = 50;
/// Where the values of a change begin on lines of their own.
const VALUE_AT: usize = 14;
/// Lines the values of a change take at most.
const VALUE_LINES: usize = 6;
/// Columns of a question that has them.
const LEAST: usize = 66;
/// Columns for when a pair runs, and will run.
const SCHEDULE: usize = 68;

/// `w`: asks for the preview of what is meant here.
pub fn begin(model: &mut Model) {
    if model.screen == Screen::Mapping {
        return mapping::ask_save(model);
    }
    if is_only_a_draft(model) {
        go(model, Screen::Mapping);
        return mapping::ask_save(model);
    }
    let scope = match (&model.screen, &model.conflicts.open) {
        (Screen::Conflicts, Some(key)) => WriteScope::Records(vec![key.clone()]),
        (Screen::Conflicts, None) if !model.conflicts.marks.is_empty() => {
            let marked: Vec<RecordKey> = model.conflicts.marks.keys().cloned().collect();
            WriteScope::Records(marked)
        }
        _ => WriteScope::All,
    };
    ask(model, scope);
}

/// Whether what is staged is a mapping and nothing else: `w` saves it from any screen then.
pub fn is_only_a_draft(model: &Model) -> bool {
    let to_write = model.summary.as_ref().map_or(0, |s| s.to_write());
    to_write == 0 && !model.conflicts.history.can_undo() && model.mapping.draft.is_some()
}

/// Asks for the preview of a scope.
pub fn ask(model: &mut Model, scope: WriteScope) {
    model.ask(Ask::Preview(scope.clone()), Command::Preview { scope });
}

/// Puts the question over a preview.
pub fn question(model: &mut Model, scope: WriteScope, preview: &WritePreview) {
    let empty = preview.lines.is_empty() && preview.acts.is_empty();
    let schedules = preview.schedules.len() as u64;
    let all = u64::from(preview.decisions + preview.edits) + schedules;
    if empty && all == 0 {
        let elsewhere = model.summary.as_ref().map_or(0, |s| s.to_write());
        let why = match preview.refused.first() {
            Some((name, why)) => format!(" {name}: {why}"),
            None if elsewhere > 0 => format!(" w on the list writes the {elsewhere} of others."),
            None => String::new(),
        };
        model.say(
            Word::Info,
            format!("Nothing is staged here that can be written.{why}"),
        );
        return;
    }
    let question = Question {
        title: format!("Write {}?", asked(preview)),
        go: format!("Write {all}"),
        typed: records(preview),
        says: match (preview.decisions, preview.edits) {
            (1.., edits) if edits > 0 || schedules > 0 => [
                "Each is written only if nobody changed it since you looked. Before",
                "that u takes it back; after it \"revert run\" takes back decisions.",
            ],
            (0, 0) => [
                "Each is set only if nobody changed it since you looked.",
                "Before it is set u takes it back.",
            ],
            // Edits are no run: what was there before is in the history of the record.
            (0, _) => [
                "Each is written only if nobody changed these fields since you",
                "looked. Before it is written u takes it back.",
            ],
            _ => [
                "Each is sent only if the other side did not change since you",
                "looked. u takes it back before, \"revert run\" afterwards.",
            ],
        },
        release: Release::Send(
            Ask::Write(
                preview.records.clone(),
                preview.schedules.iter().map(|s| s.pair.clone()).collect(),
            ),
            Box::new(Command::Write {
                scope,
                hash: preview.hash,
            }),
        ),
    };
    put(model, question, preview);
}

/// `3 decisions on 2 records`: what the lines below count are records, each named where it is
/// written, on one side or on both.
fn asked(preview: &WritePreview) -> String {
    let (decisions, edits) = (preview.decisions.into(), preview.edits.into());
    let schedules = preview.schedules.len() as u64;
    if decisions == 0 {
        return staged(decisions, edits, schedules);
    }
    let on = count(records(preview), "record", "records");
    let of_records = format!("{} on {on}", staged(decisions, edits, 0));
    match schedules {
        0 => of_records,
        n => format!("{of_records}, and {}", count(n, "schedule", "schedules")),
    }
}

/// How many records it is about.
fn records(preview: &WritePreview) -> u64 {
    preview.records.iter().collect::<BTreeSet<_>>().len() as u64
}

/// `3 decisions, 1 edit and 2 schedules`.
pub fn staged(decisions: u64, edits: u64, schedules: u64) -> String {
    let parts = [
        (decisions, "decision", "decisions"),
        (edits, "edit", "edits"),
        (schedules, "schedule", "schedules"),
    ];
    let parts = parts.into_iter().filter(|(many, ..)| *many > 0);
    let mut parts: Vec<String> = parts.map(|(n, one, many)| count(n, one, many)).collect();
    match parts.pop() {
        None => count(0, "decision", "decisions"),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
    }
}

/// A question over a preview.
pub struct Question {
    /// What is asked.
    pub title: String,
    /// The button that does it.
    pub go: String,
    /// The number that is typed where a button is not enough.
    pub typed: u64,
    /// What holds for all of it.
    pub says: [&'static str; 2],
    /// What is sent then.
    pub release: Release,
}

/// Puts a question over a preview, to be answered with a button or by typing.
pub fn put(model: &mut Model, question: Question, preview: &WritePreview) {
    if model.is_busy() {
        return;
    }
    let Some(summary) = model.summary.clone() else {
        return;
    };
    let production = summary.env != Some(Env::Sandbox);
    let records = preview.crm_records + preview.app_records;
    // The box leaves four columns at each side; more than a hundred are not easier to read, and
    // more than the changes take only cost bytes.
    let width = usize::from(model.size.0.saturating_sub(8)).min(100);
    let taken = preview.lines.iter().map(|line| Change::of(line, width));
    let taken = taken.map(|change| change.width()).filter(|w| *w <= width);
    let width = taken.max().unwrap_or(0).max(LEAST.min(width));
    let body = body(&summary.profile, summary.env, width, &question, preview);
    let Question {
        title,
        go,
        typed,
        release,
        ..
    } = question;
    let deletes = preview
        .acts
        .iter()
        .any(|act| act.contains("delete") || act.contains("remove"));
    let confirm = if deletes || !preview.held.is_empty() || (production && records > BY_BUTTON) {
        Confirm::typed(title, body, format!("{} {typed}", summary.profile), release)
    } else {
        Confirm::ask(title, body, "Cancel", go, release)
    };
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// Profile and kind of org; one that is not proven to be a sandbox counts as production.
pub fn where_it_goes(profile: &str, env: Option<Env>) -> Line {
    let line = Line::text(format!("{profile}  "));
    match env {
        Some(Env::Sandbox) => line.add(Role::Sandbox, "SANDBOX"),
        Some(Env::Production) | None => line.add(Role::Production, "PRODUCTION"),
    }
}

fn body(
    profile: &str,
    env: Option<Env>,
    width: usize,
    question: &Question,
    preview: &WritePreview,
) -> Vec<Line> {
    let mut lines = preview.lines.iter();
    let only = preview.lines.first();
    let only = only.filter(|first| lines.all(|line| line.key == first.key));
    let mut head = where_it_goes(profile, env);
    if let Some(line) = only {
        head = head
            .add(Role::Text, "  ")
            .add(Role::Text, line.name.as_str());
    }
    let mut body = vec![head, Line::new()];
    if preview.crm_records + preview.app_records > 0 || preview.schedules.is_empty() {
        body.push(Line::text(format!(
            "  Salesforce   {}   {}",
            count(u64::from(preview.crm_records), "record", "records"),
            count(u64::from(preview.api_calls), "API call", "API calls"),
        )));
        body.push(Line::text(format!(
            "  App          {}",
            count(u64::from(preview.app_records), "record", "records"),
        )));
    }
    if !preview.held.is_empty() {
        gap(&mut body);
    }
    let held = preview.held.iter().map(|held| format!("{}.", held.much()));
    body.extend(held.map(|text| Line::of(Role::Hold, text)));
    if !preview.acts.is_empty() {
        gap(&mut body);
        body.extend(
            preview
                .acts
                .iter()
                .map(|act| Line::of(Role::Warn, act.as_str())),
        );
    }
    if !preview.schedules.is_empty() {
        gap(&mut body);
        body.push(Line::of(Role::Title, "When pairs run"));
    }
    for line in &preview.schedules {
        body.push(Line::text(line.pair.as_str()));
        let change = Line::of(Role::Dim, line.now.words())
            .add(Role::Text, " -> ")
            .add(Role::Text, line.after.words());
        // No part of when it will run may be missing from what is agreed to.
        let parts = change.wrapped(SCHEDULE);
        body.extend(parts.into_iter().map(|part| Line::text("  ").join(part)));
    }
    if !preview.lines.is_empty() {
        gap(&mut body);
        let mut last: Option<&RecordKey> = None;
        for line in &preview.lines {
            if only.is_none() && last != Some(&line.key) {
                body.push(Line::of(Role::Title, line.name.as_str()));
                last = Some(&line.key);
            }
            body.extend(write_lines(line, width));
        }
    }
    // What changes comes first: of a long question the first frame has only the beginning.
    gap(&mut body);
    body.extend(question.says.map(Line::text));
    for sentence in &preview.automation {
        gap(&mut body);
        let lines = text::wrap(sentence, width);
        body.extend(lines.into_iter().map(Line::text));
    }
    if !preview.refused.is_empty() {
        gap(&mut body);
        body.push(Line::text("Not written now:"));
        for (name, why) in &preview.refused {
            body.push(Line::of(Role::Hold, "  HOLD  ").add(Role::Text, format!("{name}: {why}")));
        }
    }
    body
}

/// A blank line before what comes next; never two.
fn gap(body: &mut Vec<Line>) {
    if body.last() != Some(&Line::new()) {
        body.push(Line::new());
    }
}

/// One change of the contract in `width` columns: where, which field, from what, to what, by
/// whom, and where there is room on which condition.
struct Change {
    head: Line,
    values: Line,
    tail: String,
}

impl Change {
    fn of(line: &WriteLine, width: usize) -> Self {
        let (system, role) = match line.to {
            Side::Crm => ("Salesforce", Role::Crm),
            Side::App => ("App", Role::App),
        };
        Self {
            head: Line::text("  ")
                .add(role, system)
                .to_column(14)
                .add(Role::Text, text::fit(line.field.as_str(), 16))
                .to_column(32),
            values: Line::of(Role::Dim, cell_text(&line.now))
                .add(Role::Text, " -> ")
                .add(role, cell_text(&line.after)),
            tail: format!("  {:<9}", line.by),
        }
        .checked(line, width)
    }

    /// With the condition, where all of it fits into a wide line.
    fn checked(self, line: &WriteLine, width: usize) -> Self {
        let long = format!("{}  {}", self.tail, line.check);
        let needs = self.width() + text::width(&long) - text::width(&self.tail);
        match width >= 110 && needs <= width {
            true => Self { tail: long, ..self },
            false => self,
        }
    }

    /// In one line.
    fn width(&self) -> usize {
        self.head.width() + self.values.width() + text::width(&self.tail)
    }

    fn fits(&self, width: usize) -> bool {
        self.width() <= width
    }

    /// With who decided it at the right, if everything fits; else as much as fits.
    fn in_one(self, width: usize) -> Line {
        let end = width.saturating_sub(text::width(&self.tail));
        if self.fits(width) {
            return self
                .head
                .join(self.values)
                .to_column(end)
                .add(Role::Dim, self.tail);
        }
        self.head.join(self.values)
    }
}

/// A change in one line, for the pane under the fields.
pub fn write_line(line: &WriteLine, width: usize) -> Line {
    Change::of(line, width).in_one(width)
}

/// A change with its values on lines of their own where they are long: this is what is agreed
/// to.
pub fn write_lines(line: &WriteLine, width: usize) -> Vec<Line> {
    let change = Change::of(line, width);
    if change.fits(width) {
        return vec![change.in_one(width)];
    }
    let end = width.saturating_sub(text::width(&change.tail));
    let mut out = vec![change.head.to_column(end).add(Role::Dim, change.tail)];
    let wrapped = change.values.wrapped(width.saturating_sub(VALUE_AT));
    // One line takes no more than a line that says that one is missing.
    let most = VALUE_LINES + usize::from(wrapped.len() == VALUE_LINES + 1);
    let cut = wrapped.len().saturating_sub(most);
    for line in wrapped.into_iter().take(most) {
        out.push(Line::text(" ".repeat(VALUE_AT)).join(line));
    }
    if cut > 0 {
        let more = format!("{}.. {cut} more lines", " ".repeat(VALUE_AT));
        out.push(Line::of(Role::Dim, more));
    }
    out
}

/// The values of a row on one side, as one text.
pub fn cell_text(cell: &[crate::domain::value::Value]) -> text::Safe {
    use crate::domain::value::Value;
    match cell {
        [] => text::value(None),
        [Value::Null] => text::value(None),
        [one] => text::value(Some(&one.to_string())),
        many => {
            let texts: Vec<String> = many
                .iter()
                .map(|v| match v {
                    Value::Null => "(null)".to_owned(),
                    v => v.to_string(),
                })
                .collect();
            text::Safe::from(texts.join(" | "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::AppId;
    use crate::domain::value::Value;

    /// A change whose values take so many lines of 26 columns.
    fn change(lines: usize) -> Vec<String> {
        let line = WriteLine {
            key: RecordKey {
                pair: "people".into(),
                app_id: AppId::new("ada"),
            },
            name: "Ada".into(),
            to: Side::Crm,
            field: "Description".into(),
            now: vec![Value::text("x".repeat(20))],
            after: vec![Value::text("y".repeat(20 + 26 * (lines - 2)))],
            check: String::new(),
            by: "you".into(),
        };
        let shown = write_lines(&line, VALUE_AT + 26);
        shown.iter().skip(1).map(Line::plain).collect()
    }

    #[test]
    fn a_long_value_is_shown_rather_than_that_one_line_is_missing() {
        let of_seven = change(VALUE_LINES + 1);
        assert_eq!(of_seven.len(), VALUE_LINES + 1, "{of_seven:?}");
        assert!(!of_seven.concat().contains("more"), "{of_seven:?}");
        let of_eight = change(VALUE_LINES + 2);
        assert_eq!(of_eight.len(), VALUE_LINES + 1, "{of_eight:?}");
        assert!(
            of_eight.concat().contains(".. 2 more lines"),
            "{of_eight:?}"
        );
    }
}
