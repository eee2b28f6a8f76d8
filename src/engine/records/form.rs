//! What the form of a record shows and takes, and what a person has typed there so far.
//!
//! Blocking. Checks nothing that is typed: it is kept as it stands. Invariant: what is kept of a
//! form is no value of any record.

use jiff::Timestamp;

use super::staged;
use crate::domain::form::{Choice, Standing, owner_field, specs, status_field};
use crate::domain::id::{AppId, PairName};
use crate::domain::record::Presence;
use crate::domain::value::Value;
use crate::engine::command::RecordKey;
use crate::engine::mappings;
use crate::engine::naming::record_name;
use crate::engine::state::State;
use crate::engine::tables::{FORMS, record_key};
use crate::engine::tx::Durability;
use crate::engine::view::{Base, FormField, RecordFormView, TypedForm};
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

/// Bytes that are kept of one form.
pub const MAX_TYPED: usize = 4 * 1024 * 1024;

/// The form of a record, or of a new one.
pub fn form(state: &State, name: &PairName, app_id: Option<&AppId>) -> Result<RecordFormView> {
    let pair = mappings::pair(state, name)?;
    let staged = match app_id {
        None => None,
        Some(id) => {
            let (pair, app_id) = (name.clone(), id.clone());
            staged::of(state, &RecordKey { pair, app_id })?.map(|staged| staged.edit)
        }
    };
    let is_new = staged.as_ref().is_some_and(|edit| edit.base == Base::New);
    let record = match app_id {
        None => None,
        Some(id) => match state.app_record(&pair.table, id)? {
            None if is_new => None,
            found => Some(found.ok_or_else(|| super::detail::missing(name, id))?),
        },
    };
    if let Some(record) = record.as_ref().filter(|r| r.presence == Presence::Deleted) {
        let text = format!("the record was deleted by {}", record.changed_by);
        return Err(Error::new(Kind::Changed, text));
    }
    let link = match app_id {
        Some(id) => state.link(name, id)?,
        None => None,
    };
    let rests = link.as_ref().is_some_and(|link| link.state.rests());
    let seen = link.and_then(|link| link.seen);
    let object = state.object(&pair.object)?;
    let value = |spec: &crate::domain::form::FieldSpec| match &record {
        Some(record) => record.fields.get(&spec.name).cloned().unwrap_or_default(),
        None => Value::Null,
    };
    let fields = specs(&pair, object.as_ref(), &users(state)?)
        .into_iter()
        .map(|spec| FormField {
            value: value(&spec),
            spec: match rests {
                true => spec.resting(&pair),
                false => spec,
            },
        })
        .collect();
    let imagined = match (&staged, app_id) {
        (Some(edit), Some(id)) if is_new => {
            let at = Timestamp::default();
            Some(staged::imagined(&pair, id, &edit.fields, at))
        }
        _ => None,
    };
    Ok(RecordFormView {
        name: record_name(&pair, record.as_ref().or(imagined.as_ref()), seen.as_ref()),
        rev: record.as_ref().map_or(0, |r| r.rev),
        changed_by: record.map(|r| r.changed_by).unwrap_or_default(),
        fields,
        owner: owner_field(&pair).cloned(),
        status: status_field(&pair).cloned(),
        typed: state.store().get(&FORMS, &key(name, app_id))?,
        staged,
        pair: pair.name,
        table: pair.table,
        app_id: app_id.cloned(),
    })
}

/// Keeps what is typed in a form, or forgets it. It is on the disk with the next durable commit.
pub fn keep_form(
    state: &State,
    name: &PairName,
    app_id: Option<&AppId>,
    typed: Option<&TypedForm>,
) -> Result<()> {
    let key = key(name, app_id);
    let mut tx = state.begin();
    match typed {
        Some(typed) => {
            let bytes: usize = typed.texts.values().flatten().map(String::len).sum();
            if bytes > MAX_TYPED {
                let text = "what is typed in this form is too long to be kept";
                return Err(Error::new(Kind::Usage, text).hint("a form holds 4 MB"));
            }
            tx.put(&FORMS, &key, typed);
        }
        None if state.store().contains(&FORMS, &key)? => tx.delete(&FORMS, &key),
        None => return Ok(()),
    }
    Ok(tx.commit(Durability::Soon)?)
}

fn key(name: &PairName, app_id: Option<&AppId>) -> Key {
    match app_id {
        Some(id) => record_key(name, id),
        None => Key::new().text(name.as_str()),
    }
}

/// The users of the CRM by their names, as the App keeps them: by e-mail address.
fn users(state: &State) -> Result<Vec<Choice>> {
    let mut users: Vec<Choice> = state
        .users()?
        .into_iter()
        .filter(|user| !user.email.is_empty())
        .map(|user| Choice {
            value: user.email,
            label: user.name,
            standing: match user.active {
                true => Standing::Taken,
                false => Standing::Off("is inactive in Salesforce".to_owned()),
            },
        })
        .collect();
    users.sort_by(|a, b| (&a.label, &a.value).cmp(&(&b.label, &b.value)));
    Ok(users)
}
