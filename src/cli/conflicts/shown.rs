//! Conflicts and previews of a write, as text and as JSON.
//!
//! Asks nothing and decides nothing. Text from records is escaped by `Out`.

use std::io::Write;

use serde_json::{Value as Json, json};

use super::super::out::{Out, shown};
use super::super::say;
use super::super::session::key_text;
use crate::domain::conflict::Choice;
use crate::domain::transform::Side;
use crate::engine::view::{ConflictDetail, FieldStanding, WritePreview};
use crate::error::Result;

pub(super) fn detail_text<W: Write>(detail: &ConflictDetail, out: &mut Out<W>) -> Result<()> {
    out.line(&format!(
        "{}  {} <-> {}  {}",
        shown(&detail.name),
        detail.object,
        detail.table,
        detail.word
    ))?;
    if let Some(record) = &detail.record {
        out.line(&format!(
            "  the record as a whole: {}; {}",
            shown(&record.conflict.kind.cause()),
            standing(&record.standing)
        ))?;
        for (side, answer) in [("app", &record.take_app), ("crm", &record.take_crm)] {
            let means = match answer {
                Ok(does) => shown(does),
                Err(why) => format!("off: {}", shown(why)),
            };
            out.line(&format!("    {side}  {means}"))?;
        }
    }
    for field in &detail.fields {
        out.line("")?;
        out.line(&format!(
            "{} <-> {}  {}",
            shown(&field.app_label),
            shown(&field.crm_label),
            match (&field.standing, field.ruled) {
                (FieldStanding::Open, Some(_)) => "open; its rule decides it with the next sync",
                (of, _) => standing(of),
            }
        ))?;
        let base = match &field.base {
            Some(b) => {
                let value = shown(&say::cell(Some(&b.app)));
                format!("{value}  agreed {}", say::time(b.at))
            }
            None => "(never agreed)".into(),
        };
        out.line(&format!("  base  {base}"))?;
        let by = |at: &crate::domain::conflict::Origin| {
            let who = at.by.as_deref().map(shown).unwrap_or_default();
            format!("{} {who}", at.at.map(say::time).unwrap_or_default())
        };
        let app = shown(&say::cell(field.app.as_ref()));
        let crm = shown(&say::cell(field.crm.as_ref()));
        out.line(&format!("  app   {app}  {}", by(&field.app_origin)))?;
        out.line(&format!("  crm   {crm}  {}", by(&field.crm_origin)))?;
        if let Some((to_app, to_crm)) = &field.result {
            out.line(&format!(
                "  then  app {}, crm {}",
                shown(&say::cell(Some(to_app))),
                shown(&say::cell(Some(to_crm)))
            ))?;
        }
        out.line(&format!("  limits  {}", field.bounds()))?;
        if let Some(note) = &field.note {
            out.line(&format!("  why   {}", shown(note)))?;
        }
        if let Some(error) = &field.error {
            out.line(&format!("  fail  {}", shown(error)))?;
        }
    }
    out.line("")?;
    if !detail.same.is_empty() {
        let same = say::some(detail.same.len() as u64, "more field is", "more fields are");
        out.line(&format!("{same} the same"))?;
        for (label, cell) in &detail.same {
            let value = shown(&say::cell(Some(cell)));
            out.line(&format!("  {}  {value}", shown(label)))?;
        }
    }
    if let Some(url) = &detail.url {
        out.line(&format!("in Salesforce  {}", shown(url)))?;
    }
    let writes = &detail.writes;
    if writes.lines.is_empty() && writes.acts.is_empty() {
        out.line("a write would send nothing of it")?;
    } else {
        out.line("a write would send")?;
        preview_text(writes, ("decision", "decisions"), out)?;
    }
    say::happened("history", &detail.history, out)
}

fn standing(standing: &FieldStanding) -> &'static str {
    match standing {
        FieldStanding::Open => "open",
        FieldStanding::Decided(choice) => match choice {
            Choice::Take(Side::App) => "decided: app",
            Choice::Take(Side::Crm) => "decided: crm",
            Choice::Base => "decided: base",
            Choice::Typed { .. } => "decided: typed",
            Choice::Both => "decided: both",
            Choice::Ignore => "decided: ignore",
        },
        FieldStanding::Auto(Side::App) => "automatic: app",
        FieldStanding::Auto(Side::Crm) => "automatic: crm",
        FieldStanding::Ignored => "ignored",
        FieldStanding::Writing => "being written",
        FieldStanding::Settled => "settled",
    }
}

/// Characters of the longest text; none without a limit.
fn longest(characters: u32) -> Option<u32> {
    (characters > 0).then_some(characters)
}

pub(super) fn detail_json(detail: &ConflictDetail) -> Json {
    let fields: Vec<_> = detail
        .fields
        .iter()
        .map(|f| {
            json!({
                "conflict": f.conflict, "app_field": f.app_label, "crm_field": f.crm_label,
                "standing": standing(&f.standing),
                "base": say::cell_json(f.base.as_ref().map(|b| &b.app)),
                "app": say::cell_json(f.app.as_ref()), "crm": say::cell_json(f.crm.as_ref()),
                "app_origin": f.app_origin, "crm_origin": f.crm_origin,
                "result_app": say::cell_json(f.result.as_ref().map(|r| &r.0)),
                "result_crm": say::cell_json(f.result.as_ref().map(|r| &r.1)),
                "note": f.note, "error": f.error, "rule": f.strategy.name(), "ruled": f.ruled,
                "agreed_at": f.base.as_ref().map(|b| b.at),
                "longest_app": longest(f.limits.0), "longest_crm": longest(f.limits.1),
            })
        })
        .collect();
    json!({
        "record": key_text(&detail.key), "name": detail.name, "object": detail.object,
        "table": detail.table, "crm_id": detail.crm_id, "state": detail.word.as_str(),
        "whole_record": detail.record.as_ref().map(|r| json!({
            "standing": standing(&r.standing), "cause": r.conflict.kind.cause(),
            "app": r.take_app.as_ref().ok(), "crm": r.take_crm.as_ref().ok(),
            "app_off": r.take_app.as_ref().err(), "crm_off": r.take_crm.as_ref().err(),
        })),
        "fields": fields, "address": detail.url,
        "same": detail.same.iter().map(|(label, cell)| json!({
            "field": label, "value": say::cell_json(Some(cell)),
        })).collect::<Vec<_>>(),
        "writes": preview_json(&detail.writes, "decisions"),
        "history": say::happened_json(&detail.history),
    })
}

/// `what` is counted in the last line, one and many: decisions, or records.
pub fn preview_text<W: Write>(
    preview: &WritePreview,
    what: (&str, &str),
    out: &mut Out<W>,
) -> Result<()> {
    let rows: Vec<_> = preview
        .lines
        .iter()
        .map(|l| {
            vec![
                l.name.clone(),
                side(l.to).into(),
                l.field.clone(),
                say::cell(Some(&l.now)),
                say::cell(Some(&l.after)),
                l.check.clone(),
                l.by.clone(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.table(
            &["RECORD", "TO", "FIELD", "NOW", "THEN", "ONLY IF", "BY"],
            &rows,
        )?;
    }
    for act in &preview.acts {
        out.line(&shown(act))?;
    }
    for line in &preview.schedules {
        let (now, after) = (line.now.words(), line.after.words());
        out.line(&format!("{} runs {after} instead of {now}", line.pair))?;
    }
    for (record, reason) in &preview.refused {
        out.line(&format!("not now: {}: {}", shown(record), shown(reason)))?;
    }
    let mut counted = say::some(preview.decisions.into(), what.0, what.1);
    if preview.edits > 0 {
        let edits = say::some(preview.edits.into(), "edit", "edits");
        counted = format!("{counted} and {edits}");
    }
    if !preview.schedules.is_empty() {
        let schedules = say::some(preview.schedules.len() as u64, "schedule", "schedules");
        counted = format!("{counted} and {schedules}");
    }
    out.line(&format!(
        "{counted}: {}, {}, {}",
        say::some(
            preview.crm_records.into(),
            "Salesforce record",
            "Salesforce records"
        ),
        say::some(preview.app_records.into(), "App record", "App records"),
        say::some(preview.api_calls.into(), "API call", "API calls")
    ))
}

pub fn preview_json(preview: &WritePreview, what: &str) -> Json {
    let lines: Vec<_> = preview
        .lines
        .iter()
        .map(|l| {
            json!({
                "record": key_text(&l.key), "name": l.name, "to": side(l.to), "field": l.field,
                "now": say::cell_json(Some(&l.now)), "after": say::cell_json(Some(&l.after)),
                "check": l.check, "by": l.by,
            })
        })
        .collect();
    json!({
        "lines": lines, "acts": preview.acts, what: preview.decisions,
        "edits": preview.edits,
        "schedules": preview.schedules.iter().map(|line| json!({
            "pair": line.pair, "now": line.now.to_string(), "after": line.after.to_string(),
        })).collect::<Vec<_>>(),
        "crm_records": preview.crm_records, "app_records": preview.app_records,
        "api_calls": preview.api_calls, "refused": preview.refused,
        "automation": preview.automation,
        "very_many": preview.held.iter().map(|held| json!({
            "what": held.name(), "number": held.number, "limit": held.limit,
        })).collect::<Vec<_>>(),
    })
}

fn side(side: Side) -> &'static str {
    match side {
        Side::App => "app",
        Side::Crm => "crm",
    }
}
