//! Records with open conflicts, oldest first, and one of them field by field. A filter that asks
//! for `state:ok` lists those whose conflicts were decided, newest first.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::conflict::{Choice, Conflict, Staged, State as Standing, conflict_rows};
use crate::domain::filter::{Filter, Subject};
use crate::domain::id::{AppId, ConflictId, PairName, RowId};
use crate::domain::mapping::Pair;
use crate::domain::reconcile::{Action, Clocks};
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, FieldKind, Value};
use crate::engine::command::{Page, RecordKey};
use crate::engine::conflicts::{app_origin, crm_origin};
use crate::engine::cx::Settings;
use crate::engine::decisions::look::{Decision, Resolution, RowNow};
use crate::engine::decisions::{Case, Desk, look, preview_of};
use crate::engine::mappings;
use crate::engine::naming::record_name;
use crate::engine::records;
use crate::engine::state::State;
use crate::engine::tables::{DECIDED, OPEN_CONFLICTS};
use crate::engine::view::{
    ConflictDetail, ConflictField, ConflictRow, FieldStanding, OpenConflict, Part,
};
use crate::engine::wanted::Wanted;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::store::keys::Parts;

use super::asked::{self, Asked, base_of, note, ruled, unruled};
use super::decided;
use super::rules::{Times, rules};
use super::tally::Tally;

/// Lines of a record's history that are shown.
const HISTORY_SHOWN: usize = 50;

/// Records with open conflicts, oldest first; of these those that a filter takes.
///
/// Conflict ids grow with time, so the order is known without opening any conflict; without a
/// filter only those of the page are opened.
///
/// # Errors
/// [`ErrorKind::Usage`] when the filter is not understood; when the store fails, or the answer is
/// not wanted any more.
pub fn conflicts(
    state: &State,
    filter: &str,
    page: Page,
    now: Timestamp,
    wanted: &Wanted,
) -> Result<Part<ConflictRow>> {
    let filter = conflict_rows().read(filter).map_err(|why| {
        Error::new(
            ErrorKind::Usage,
            format!("the filter was not understood: {why}"),
        )
    })?;
    let which = match filter.states().contains(&"ok") {
        true => Which::Decided,
        false => Which::Open,
    };
    let table = match which {
        Which::Open => &OPEN_CONFLICTS,
        Which::Decided => &DECIDED,
    };
    let mut found = Vec::new();
    for row in state.store().scan(table, &[]) {
        let (key, ids) = row?;
        wanted.check()?;
        if let Some(oldest) = ids.iter().min() {
            found.push((*oldest, key, ids));
        }
    }
    match which {
        Which::Open => found.sort_unstable_by_key(|(oldest, ..)| *oldest),
        Which::Decided => {
            let newest = |ids: &[ConflictId]| std::cmp::Reverse(ids.iter().max().copied());
            found.sort_unstable_by_key(|(.., ids)| newest(ids));
        }
    }
    let mut total = found.len() as u64;
    let mut pairs = BTreeMap::new();
    let mut rows = Vec::new();
    let shown = match filter {
        Filter::All => page.offset..page.offset.saturating_add(page.limit),
        _ => {
            total = 0;
            0..found.len()
        }
    };
    for (_, key, ids) in found.into_iter().skip(shown.start).take(shown.len()) {
        wanted.check()?;
        let mut parts = Parts::of(&key);
        let Ok((pair, id)) = parts.text().and_then(|p| Ok((p, parts.text()?))) else {
            continue;
        };
        let key = RecordKey {
            pair: PairName::new(pair),
            app_id: AppId::new(id),
        };
        if !pairs.contains_key(&key.pair) {
            pairs.insert(key.pair.clone(), state.pair(&key.pair)?);
        }
        let Some(pair) = pairs.get(&key.pair).and_then(Option::as_ref) else {
            continue;
        };
        let mut open = Vec::with_capacity(ids.len());
        for id in &ids {
            open.extend(state.conflict(*id)?);
        }
        let row = match which {
            Which::Open => row(state, key, pair, &open)?,
            Which::Decided => decided::row(state, key, pair, &open)?,
        };
        let Some(row) = row else {
            continue;
        };
        if filter == Filter::All {
            rows.push(row);
        } else if takes(&filter, &row, pair, &open, now) {
            let at = usize::try_from(total).unwrap_or(usize::MAX);
            if at >= page.offset && rows.len() < page.limit {
                rows.push(row);
            }
            total += 1;
        }
    }
    Ok(Part {
        rows,
        offset: page.offset,
        total,
    })
}

/// Which conflicts are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Open,
    Decided,
}

fn takes(
    filter: &Filter,
    row: &ConflictRow,
    pair: &Pair,
    open: &[Conflict],
    now: Timestamp,
) -> bool {
    let of_fields = |text: &dyn Fn(&Conflict) -> Option<String>| {
        let texts: Vec<String> = open.iter().filter_map(text).collect();
        Value::text(texts.join(", "))
    };
    let cell = |cell: &Option<Cell>| {
        let cell = cell.as_ref()?;
        let parts: Vec<String> = cell.iter().map(Value::to_string).collect();
        Some(parts.join(", "))
    };
    let fields = of_fields(&|c| Some(pair.row(c.row?)?.label(Side::App))).to_string();
    let columns = [
        row.name.as_str(),
        row.object.as_str(),
        row.key.pair.as_str(),
        row.waits_for.as_str(),
        fields.as_str(),
    ];
    filter.matches(&Subject {
        field: &|name| {
            Some(match name.to_ascii_lowercase().as_str() {
                "name" => Value::text(row.name.as_str()),
                "pair" => Value::text(row.key.pair.as_str()),
                "id" => Value::text(row.key.app_id.as_str()),
                "object" => Value::text(row.object.as_str()),
                "waits" => Value::text(row.waits_for.as_str()),
                "field" => Value::text(fields.as_str()),
                "app" => of_fields(&|c| cell(&c.app)),
                "crm" => of_fields(&|c| cell(&c.crm)),
                _ => return None,
            })
        },
        state: row.word,
        columns: &columns,
        changed: Some(row.since),
        marked: false,
        now,
    })
}

fn row(
    state: &State,
    key: RecordKey,
    pair: &Pair,
    open: &[Conflict],
) -> Result<Option<ConflictRow>> {
    let Some(since) = open.iter().map(|c| c.opened_at).min() else {
        return Ok(None);
    };
    let app = state.app_record(&pair.table, &key.app_id)?;
    let link = state.link(&key.pair, &key.app_id)?;
    // With a new version of the mapping every record is compared again.
    let compared = link.as_ref().filter(|l| l.mapping_version != pair.version);
    let by_rule = compared.is_some() && open.iter().all(|c| asked::is_ruled(pair, c));
    let seen = link.and_then(|l| l.seen);
    let tally = Tally::of(open);
    Ok(Some(ConflictRow {
        name: record_name(pair, app.as_ref(), seen.as_ref()),
        object: pair.object.clone(),
        word: tally.word(),
        waits_for: match by_rule {
            true => "the next sync".to_owned(),
            false => tally.waits_for(open),
        },
        open: tally.open,
        decided: tally.decided,
        since,
        conflicts: open.iter().map(in_list).collect(),
        key,
    }))
}

fn in_list(conflict: &Conflict) -> OpenConflict {
    let staged = conflict.staged.as_ref().map(|s| s.choice.clone());
    OpenConflict {
        id: conflict.id,
        fp: conflict.fp,
        choice: match conflict.state {
            Standing::Ignored => Some(Choice::Ignore),
            _ => staged,
        },
    }
}

/// One record with its open conflicts, or else with those that were decided; `None` when it has
/// neither.
///
/// # Errors
/// When the store fails, or the pair is gone.
pub fn conflict(
    state: &State,
    settings: &Settings,
    key: &RecordKey,
    now: Timestamp,
) -> Result<Option<ConflictDetail>> {
    mappings::pair(state, &key.pair)?;
    let mut decided = Vec::new();
    if state.open_conflicts(&key.pair, &key.app_id)?.is_empty() {
        decided = state.decided(&key.pair, &key.app_id)?;
        if decided.is_empty() {
            return Ok(None);
        }
    }
    let desk = Desk::open(state, settings, &key.pair)?;
    let tx = state.begin();
    let Some(case) = look::load(&tx, &desk.cx, key, now)? else {
        return Ok(None);
    };
    if case.conflicts.is_empty() && decided.is_empty() {
        return Ok(None);
    }
    let resolution = look::resolve(&tx, &desk.cx, &desk.object, &case, now)?;
    let asked = Asked {
        tx: &tx,
        desk: &desk,
        case: &case,
        now,
    };
    let record = match case.whole() {
        Some(open) => Some(asked.open(open)?),
        None => {
            let whole = decided.iter().find(|c| c.row.is_none());
            whole.map(|closed| asked.settled(closed)).transpose()?
        }
    };
    drop(tx);
    let pair = &desk.cx.pair.pair;
    let clocks = desk.cx.clocks(state, case.seen.as_ref(), now);
    let mut fields = Vec::new();
    let mut automatic = Vec::new();
    let mut same = Vec::new();
    let is_decided = |row: RowId| decided.iter().any(|c| c.row == Some(row));
    for row in case.rows(&desk.cx) {
        if is_decided(row.row.row.id) {
            continue;
        }
        if let Some(conflict) = row.conflict {
            let standing = standing(conflict);
            fields.push(field(&desk, &case, &resolution, &row, standing, &clocks));
            continue;
        }
        let auto = |side| match row.overrule {
            Some(staged) => FieldStanding::Decided(staged.choice.clone()),
            None => FieldStanding::Auto(side),
        };
        match row.outcome.map(|o| &o.action) {
            Some(Action::Push(_) | Action::Append(_)) => {
                automatic.push(field(
                    &desk,
                    &case,
                    &resolution,
                    &row,
                    auto(Side::App),
                    &clocks,
                ));
            }
            Some(Action::Pull(_)) => {
                automatic.push(field(
                    &desk,
                    &case,
                    &resolution,
                    &row,
                    auto(Side::Crm),
                    &clocks,
                ));
            }
            Some(Action::Nothing | Action::Adopt) => {
                same.push((row.row.row.label(Side::App), row.app.unwrap_or_default()));
            }
            _ => {}
        }
    }
    fields.extend(automatic);
    fields.extend(decided::fields(
        state,
        &desk,
        &case,
        &resolution,
        &decided,
        &clocks,
    )?);
    let in_conflict = fields.iter().filter(|f| f.conflict.is_some());
    let in_conflict = in_conflict.map(|f| f.row);
    let word = match decided.is_empty() {
        true => Tally::of(&case.conflicts).word(),
        false => Word::Ok,
    };
    let times = Times { cx: &desk.cx, now };
    Ok(Some(ConflictDetail {
        key: key.clone(),
        name: case.name.clone(),
        object: pair.object.clone(),
        table: pair.table.clone(),
        crm_id: case.link.crm_id,
        url: records::address(state, &case.link)?,
        word,
        record,
        rules: rules(state, pair, in_conflict, Some(times))?,
        fields,
        same,
        writes: preview_of(&case, &resolution),
        history: state.history(&key.pair, &key.app_id, HISTORY_SHOWN)?,
    }))
}

pub(super) fn standing(conflict: &Conflict) -> FieldStanding {
    match (&conflict.state, &conflict.staged) {
        (Standing::Resolving, _) => FieldStanding::Writing,
        (Standing::Ignored, _) => FieldStanding::Ignored,
        (_, Some(Staged { choice, .. })) => FieldStanding::Decided(choice.clone()),
        _ => FieldStanding::Open,
    }
}

pub(super) fn field(
    desk: &Desk,
    case: &Case,
    resolution: &Resolution,
    now: &RowNow<'_>,
    standing: FieldStanding,
    clocks: &Clocks,
) -> ConflictField {
    let row = &now.row.row;
    let written = resolution.row(row.id);
    let decision = now
        .conflict
        .map_or(Decision::Row(row.id), |c| Decision::Conflict(c.id));
    let refused = resolution.refused.iter().find(|r| r.decision == decision);
    let pair = &desk.cx.pair.pair;
    let first_app = row.app.first();
    let app_field = pair.app_fields.iter().find(|f| Some(&f.name) == first_app);
    let crm_field = row.crm.first().and_then(|f| desk.object.field(f.as_str()));
    ConflictField {
        conflict: now.conflict.map(|c| c.id),
        row: row.id,
        app_label: row.label(Side::App),
        crm_label: row.label(Side::Crm),
        kind: now.row.app.first().copied().unwrap_or(FieldKind::Text),
        base: base_of(now),
        note: now
            .conflict
            .and_then(|c| note(&c.kind).or_else(|| unruled(now, case, clocks))),
        app: now.app.clone(),
        crm: now.crm.clone(),
        app_origin: app_origin(now.row, case.app.as_ref()),
        // Once we have written another field of it, Salesforce names us as its last author.
        crm_origin: match now.conflict {
            Some(conflict) if conflict.fp == now.fp => conflict.crm_origin.clone(),
            _ => crm_origin(&desk.cx, case.seen.as_ref()),
        },
        fp: now.fp,
        standing,
        result: written.map(|w| -> (Cell, Cell) { (w.after.app.clone(), w.after.crm.clone()) }),
        error: refused
            .map(|r| r.why.clone())
            .or_else(|| now.conflict.and_then(|c| c.error.clone())),
        strategy: row.strategy,
        ruled: now.conflict.and_then(|_| ruled(now, case, pair.version)),
        limits: (
            app_field.map_or(0, |f| f.length),
            crm_field.map_or(0, |f| f.length),
        ),
    }
}
