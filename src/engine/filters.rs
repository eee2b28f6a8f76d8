//! What a filter would do to a pair: which query it becomes, and which records would leave.
//!
//! Reads only, and nothing of the CRM: linked records are always observed (sync-semantics 19.3), so
//! that what is known here answers. Invariant: the filter's own evaluator decides.

use jiff::Timestamp;

use super::mappings;
use super::state::State;
use super::tables::LINKS;
use super::view::{FilterSample, FilterView};
use crate::crm::salesforce::pushdown::{self, Pushed};
use crate::domain::filter::{Filter, FilterError, Subject};
use crate::domain::id::PairName;
use crate::domain::mapping::Pair;
use crate::domain::reconcile::{Compiled, Scope};
use crate::domain::record::{CrmPresence, LinkState, Observation};
use crate::domain::run::Word;
use crate::domain::schema::ObjectInfo;
use crate::domain::text::some;
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

/// Tries a filter on a pair; its own where none is given.
///
/// # Errors
/// There is no such pair; the filter is not understood, or asks for a field that is not read: the
/// message shows the place.
pub fn test(
    state: &State,
    name: &PairName,
    text: Option<&str>,
    samples: usize,
    now: Timestamp,
) -> Result<FilterView> {
    let pair = mappings::pair(state, name)?;
    let text = text.unwrap_or(&pair.filter);
    let object = state.object(&pair.object)?.ok_or_else(|| {
        let text = format!("the fields of {} were not read yet", pair.object);
        Error::new(Kind::Crm, text).hint("sign in, then sync once")
    })?;
    let filter = read(&pair, &object, text)?;
    let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let Pushed { condition, rest } = pushdown::push(&filter, &object, second);
    let mut view = FilterView {
        pair: name.clone(),
        filter: filter.to_string(),
        query: match &condition {
            Some(condition) => format!("SELECT Id FROM {} WHERE {condition}", object.name),
            None => format!("SELECT Id FROM {}", object.name),
        },
        condition,
        rest: (rest != Filter::All).then(|| rest.to_string()),
        stay: 0,
        leave: 0,
        enter: 0,
        staying: Vec::new(),
        leaving: Vec::new(),
        entering: Vec::new(),
    };
    for row in state.store().scan(&LINKS, &Key::new().text(name.as_str())) {
        let (_, link) = row?;
        let Some(seen) = link.seen.filter(|s| s.presence == CrmPresence::Live) else {
            continue;
        };
        let rests = link.state == LinkState::OutOfScope;
        let (count, shown) = match (matches(&filter, &seen, second), rests) {
            (true, false) => (&mut view.stay, &mut view.staying),
            (true, true) => (&mut view.enter, &mut view.entering),
            (false, false) => (&mut view.leave, &mut view.leaving),
            (false, true) => continue,
        };
        *count += 1;
        if shown.len() < samples {
            let app = state.app_record(&pair.table, &link.app_id)?;
            shown.push(FilterSample {
                name: super::naming::record_name(&pair, app.as_ref(), Some(&seen)),
                app_id: link.app_id,
                crm_id: seen.id,
            });
        }
    }
    Ok(view)
}

/// Reads a filter of a pair.
///
/// # Errors
/// It is not understood, or asks for a field that is not read: the message shows the place.
pub fn read(pair: &Pair, object: &ObjectInfo, text: &str) -> Result<Filter> {
    let filter: Filter = text.parse().map_err(|error| misread(text, &error))?;
    let fields = pair.crm_fields();
    let mut read: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
    read.push("Id");
    pushdown::check(text, &filter, object, &read).map_err(|error| misread(text, &error))?;
    Ok(filter)
}

/// What saving a draft with another filter does to the records that are linked, in words.
///
/// # Errors
/// When the store cannot be read.
pub fn effect(state: &State, draft: &Pair, now: Timestamp) -> Result<Vec<String>> {
    let same = |current: &Pair| current.filter == draft.filter;
    let Some(object) = state.object(&draft.object)? else {
        return Ok(Vec::new());
    };
    if state.pair(&draft.name)?.as_ref().is_none_or(same) {
        return Ok(Vec::new());
    }
    let compiled = Compiled::new(draft.clone(), &object);
    let (mut leave, mut enter) = (0, 0);
    for row in state
        .store()
        .scan(&LINKS, &Key::new().text(draft.name.as_str()))
    {
        let (_, link) = row?;
        let Some(seen) = link.seen.filter(|s| s.presence == CrmPresence::Live) else {
            continue;
        };
        let rests = link.state == LinkState::OutOfScope;
        match compiled.scope(&seen.fields, seen.modified, now) {
            Scope::Outside if !rests && link.state != LinkState::Closed => leave += 1,
            Scope::Inside if rests => enter += 1,
            Scope::Outside | Scope::Inside | Scope::Unknown => {}
        }
    }
    let records = |n| some(n, "linked record", "linked records");
    let leaving = draft.on_leave.words();
    Ok(vec![format!(
        "The filter leaves {} outside, which {leaving}, and takes {} back. Others in Salesforce that \
         match are taken in by the next run.",
        records(leave),
        records(enter)
    )])
}

/// Whether a record of the CRM matches a filter on its fields.
pub fn matches(filter: &Filter, seen: &Observation, now: Timestamp) -> bool {
    filter.matches(&Subject {
        field: &|name| seen.fields.get(name).cloned(),
        state: Word::Ok,
        columns: &[],
        changed: Some(seen.modified),
        marked: false,
        now,
    })
}

/// A mistake, under the text it is in.
fn misread(text: &str, error: &FilterError) -> Error {
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let message = format!(
        "the filter: {error}\n  {shown}\n  {}^",
        " ".repeat(error.at)
    );
    Error::new(Kind::Usage, message)
        .hint("`syncdeck mapping export` names the fields that are read; `filter test --help` has examples")
}
