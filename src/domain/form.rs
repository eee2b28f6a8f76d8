//! What a person may give in the fields of a record: by the App's table, the mapping, and what
//! the CRM describes.
//!
//! Pure. It says what is wrong and what is taken, and changes nothing. Invariants: a value that
//! is accepted has the form its field keeps; a field that no row carries to the CRM is held to
//! its table alone.

use super::id::FieldName;
use super::mapping::{AppField, Blanks, Creates, Pair, Row};
use super::schema::{FieldInfo, ObjectInfo};
use super::text::nearest;
use super::transform::{NoLookup, Side, Step};
use super::value::{FieldKind, Value};

pub use self::filled::{FilledBy, Given};
pub use self::fit::fit;
use self::fit::{is_address, shown};

mod filled;
mod fit;
#[cfg(test)]
mod tests;

/// Values of a list that are named in a message, and letters that they take in all: how many are left
/// out is not what is cut.
const NAMED: usize = 6;
const LETTERS: usize = 48;

/// Whether a value can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It can.
    Taken,
    /// It is known, and cannot, because it `is ...`.
    Off(String),
}

/// A value to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// As the App keeps it.
    pub value: String,
    /// As people know it; the value itself where there is no other name.
    pub label: String,
    /// Whether it is taken.
    pub standing: Standing,
}

impl Choice {
    fn plain(value: &str) -> Self {
        Self {
            value: value.to_owned(),
            label: value.to_owned(),
            standing: Standing::Taken,
        }
    }
}

/// What becomes of a value that is not in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// It is refused.
    Refused,
    /// It becomes a new value of the list in the CRM.
    New,
    /// It is taken as it is; the list only says what is usual.
    Taken,
}

/// Which values a field takes, beside their type and length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Takes {
    /// Any.
    Any,
    /// None: it is the record's id in the CRM, which nobody gives.
    Nothing,
    /// One of a list, or several of it where the field holds several.
    Listed(Vec<Choice>, Others),
}

/// Whether a record can be without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blank {
    /// It can.
    Taken,
    /// The CRM refuses it.
    Refused,
}

/// What is done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It is made.
    Create,
    /// It is changed.
    Edit,
}

/// What a person may give in one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// The App field.
    pub name: FieldName,
    /// What it holds.
    pub kind: FieldKind,
    /// Characters at most, on either side; 0 means no limit.
    pub most: u32,
    /// Which values.
    pub takes: Takes,
    /// No value in a new record.
    pub blank_new: Blank,
    /// No value any more in a record that is there.
    pub blank_later: Blank,
    /// Who fills it.
    pub filled: FilledBy,
}

/// What may be given in each field of a pair's App table, in the order of the table. Without the
/// description of the CRM's object, only the table counts. `users` are the users of the CRM with
/// the addresses the App keeps.
pub fn specs(pair: &Pair, object: Option<&ObjectInfo>, users: &[Choice]) -> Vec<FieldSpec> {
    let fields = pair.app_fields.iter();
    fields
        .map(|field| {
            let mut spec = FieldSpec {
                name: field.name.clone(),
                kind: field.kind,
                most: field.length,
                takes: Takes::Any,
                blank_new: Blank::Taken,
                blank_later: Blank::Taken,
                filled: FilledBy::of(pair.active().filter(|r| r.app.contains(&field.name))),
            };
            for row in pair.active().filter(|r| r.app.contains(&field.name)) {
                spec.narrow(pair, row, object, users);
            }
            if pair.holds_crm_id(&field.name) {
                spec.takes = Takes::Nothing;
            }
            spec
        })
        .collect()
}

/// The field of a pair that hands a record to a user of the CRM: the one with the step `user` on
/// its way to the owner.
pub fn owner_field(pair: &Pair) -> Option<&FieldName> {
    carried(pair, "OwnerId")
        .filter(|row| row.to_crm.names_user())?
        .app
        .first()
}

/// The field of a pair that says how far a record is: the one that goes to the status or stage.
pub fn status_field(pair: &Pair) -> Option<&FieldName> {
    let row = carried(pair, "Status").or_else(|| carried(pair, "StageName"))?;
    row.app.first()
}

/// The row that carries one App field to a CRM field.
fn carried<'p>(pair: &'p Pair, crm: &str) -> Option<&'p Row> {
    pair.active().find(|row| {
        let alone = row.app.len() == 1 && row.crm.len() == 1;
        alone && row.flow.writes(Side::Crm) && row.crm.iter().any(|f| f.as_str() == crm)
    })
}

impl FieldSpec {
    /// What one row asks of the field.
    fn narrow(&mut self, pair: &Pair, row: &Row, object: Option<&ObjectInfo>, users: &[Choice]) {
        let steps = &row.to_crm.0;
        let to_crm = row.flow.writes(Side::Crm);
        if to_crm && row.to_crm.names_user() {
            self.takes = Takes::Listed(users.to_vec(), Others::Refused);
            return;
        }
        // Appended text becomes part of a longer one: nothing about the whole follows for it.
        if row.flow.appends() {
            return;
        }
        let Some(object) = object else { return };
        let crm: Vec<&FieldInfo> = row
            .crm
            .iter()
            .filter_map(|f| object.field(f.as_str()))
            .collect();
        if crm.len() != row.crm.len() || row.app.len() != 1 {
            return;
        }
        if let [field] = crm.as_slice() {
            if let Some(takes) = listed(row, field) {
                self.takes = takes;
            }
            if to_crm && keeps_length(steps) && field.length > 0 {
                self.most = match self.most {
                    0 => field.length,
                    most => most.min(field.length),
                };
            }
        }
        if !to_crm || fills(steps) {
            return;
        }
        if pair.create_in_crm == Creates::Allowed && crm.iter().any(|f| f.required()) {
            self.blank_new = Blank::Refused;
        }
        let kept = |f: &&FieldInfo| !f.nillable && f.kind != FieldKind::Bool;
        if row.blanks == Blanks::Propagate && crm.iter().any(kept) {
            self.blank_later = Blank::Refused;
        }
    }

    /// The value that a person typed in the form its field keeps; or what is wrong, as words that
    /// follow the field's name. Nothing typed is no value.
    pub fn read(&self, typed: Option<&str>, occasion: Occasion) -> Result<Value, String> {
        self.check(typed.map_or(Value::Null, Value::text), occasion)
    }

    /// As [`FieldSpec::read`], for a value that was read before.
    pub fn check(&self, value: Value, occasion: Occasion) -> Result<Value, String> {
        let table = AppField {
            name: self.name.clone(),
            kind: self.kind,
            length: self.most,
        };
        let named = match (&self.takes, &value) {
            (Takes::Listed(choices, _), Value::Text(text)) => named(choices, text),
            _ => None,
        };
        let value = fit(&table, named.unwrap_or(value))?;
        let blank = match occasion {
            Occasion::Create => self.blank_new,
            Occasion::Edit => self.blank_later,
        };
        match (&value, &self.takes) {
            (Value::Null, Takes::Nothing) if occasion == Occasion::Create => Ok(value),
            (_, Takes::Nothing) => Err("is the id in Salesforce, which nobody changes".to_owned()),
            (Value::Null, _) if blank == Blank::Refused => {
                Err("is needed: Salesforce takes no record without it".to_owned())
            }
            (Value::Text(text), Takes::Listed(choices, others)) => {
                among(choices, *others, text).map(|()| value)
            }
            (Value::Text(text), _) if self.kind == FieldKind::Email && !is_address(text) => Err(
                format!("is an address such as ada@example.com, not {}", shown(text)),
            ),
            (Value::Set(items), Takes::Listed(choices, others)) => {
                items
                    .iter()
                    .try_for_each(|item| among(choices, *others, item))?;
                Ok(value)
            }
            _ => Ok(value),
        }
    }

    /// Whether a text is not in the list of the CRM, and would become a new value there.
    pub fn is_new(&self, text: &str) -> bool {
        match &self.takes {
            Takes::Listed(choices, Others::New) => {
                !text.is_empty() && choices.iter().all(|c| c.value != text)
            }
            _ => false,
        }
    }

    /// What the field takes, in a few words; nothing where any text will do.
    pub fn note(&self) -> String {
        if let Takes::Listed(choices, _) = &self.takes {
            let taken = choices.iter().filter(|c| c.standing == Standing::Taken);
            return format!("Enter lists {}", taken.count());
        }
        match (self.kind, self.most) {
            (FieldKind::Number { .. }, _) => "number".to_owned(),
            (FieldKind::Date, _) => "2026-11-20".to_owned(),
            (FieldKind::DateTime, _) => "2026-11-20T14:30:00Z".to_owned(),
            (FieldKind::Time, _) => "14:30:00".to_owned(),
            (FieldKind::MultiPicklist, _) => "a; b".to_owned(),
            (_, 0) => String::new(),
            (_, most) => format!("up to {most}"),
        }
    }
}

/// Which values of a picklist an App field may hold.
fn listed(row: &Row, field: &FieldInfo) -> Option<Takes> {
    let has_list = matches!(field.kind, FieldKind::Picklist | FieldKind::MultiPicklist);
    if !has_list || field.picklist.is_empty() {
        return None;
    }
    if !row.flow.writes(Side::Crm) {
        // The App's own business; what comes from there is what is likely.
        let there = field.picklist.iter().filter_map(|value| {
            let cell = [Value::text(value.clone())];
            let cell = row.to_app.apply(Side::App, &cell, &NoLookup).ok()?;
            Some(Choice::plain(&cell.first()?.to_string()))
        });
        return Some(Takes::Listed(once(there.collect()), Others::Taken));
    }
    let others = match field.restricted {
        true => Others::Refused,
        false => Others::New,
    };
    match row.to_crm.0.as_slice() {
        [] | [Step::Trim] => {
            let values = field.picklist.iter().map(|v| Choice::plain(v));
            Some(Takes::Listed(values.collect(), others))
        }
        [Step::Map { pairs, other }] => {
            let fits = |to: &String| others == Others::New || field.picklist.contains(to);
            let values = pairs.iter().filter(|(_, to)| fits(to));
            let values = values.map(|(from, _)| Choice::plain(from)).collect();
            let others = match other.as_ref().is_some_and(fits) {
                true => Others::Taken,
                false => Others::Refused,
            };
            Some(Takes::Listed(values, others))
        }
        _ => None,
    }
}

fn once(mut choices: Vec<Choice>) -> Vec<Choice> {
    let mut seen = std::collections::BTreeSet::new();
    choices.retain(|c| seen.insert(c.value.clone()));
    choices
}

/// Whether a text has as many characters at the end of its way.
fn keeps_length(steps: &[Step]) -> bool {
    let keeps = |s: &Step| matches!(s, Step::Trim | Step::Lower | Step::Upper | Step::Phone);
    steps.iter().all(keeps)
}

/// Whether the steps give a value where there is none.
fn fills(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Constant(_) | Step::Default(_) => true,
        Step::Map { other, .. } => other.is_some(),
        _ => false,
    })
}

/// The value of the one choice that people know by this name.
fn named(choices: &[Choice], text: &str) -> Option<Value> {
    let text = text.trim();
    let same = |known: &str| known.eq_ignore_ascii_case(text);
    if let Some(choice) = choices.iter().find(|c| c.value == text) {
        return Some(Value::text(choice.value.clone()));
    }
    let mut found = choices.iter().filter(|c| same(&c.label) || same(&c.value));
    match (found.next(), found.next()) {
        (Some(choice), None) => Some(Value::text(choice.value.clone())),
        _ => None,
    }
}

fn among(choices: &[Choice], others: Others, text: &str) -> Result<(), String> {
    let mut found = choices.iter().filter(|c| c.value == text).peekable();
    if let Some(first) = found.peek() {
        let label = first.label.clone();
        return match found.all(|c| c.standing != Standing::Taken) {
            false => Ok(()),
            true => Err(
                match choices
                    .iter()
                    .find(|c| c.value == text)
                    .map(|c| &c.standing)
                {
                    Some(Standing::Off(why)) => {
                        format!("cannot be {label}, who {why}; {}", takes(choices))
                    }
                    _ => format!("cannot be {label}; {}", takes(choices)),
                },
            ),
        };
    }
    if others != Others::Refused {
        return Ok(());
    }
    let twice = choices
        .iter()
        .filter(|c| c.label.eq_ignore_ascii_case(text))
        .count()
        > 1;
    if twice {
        return Err(format!(
            "{} is the name of several; give the e-mail address",
            shown(text)
        ));
    }
    let known = choices.iter().filter(|c| c.standing == Standing::Taken);
    let near = nearest(
        text,
        known.flat_map(|c| [c.value.as_str(), c.label.as_str()]),
    );
    Err(match near {
        Some(near) => format!("has no {} in its list; did you mean {near}?", shown(text)),
        None => format!("has no {} in its list; {}", shown(text), takes(choices)),
    })
}

fn takes(choices: &[Choice]) -> String {
    let taken: Vec<&str> = choices
        .iter()
        .filter(|c| c.standing == Standing::Taken)
        .map(|c| c.label.as_str())
        .collect();
    let letters = |named: usize| -> usize {
        let named = taken.iter().take(named);
        named.map(|label| label.chars().count()).sum()
    };
    // The first is named however long it is.
    let named = (2..=NAMED.min(taken.len()))
        .rev()
        .find(|n| letters(*n) <= LETTERS);
    let named = named.unwrap_or(1);
    let first = taken.get(..named).unwrap_or_default().join(", ");
    match taken.len().saturating_sub(named) {
        _ if taken.is_empty() => "it takes none that is known here".to_owned(),
        0 => format!("it takes {first}"),
        more => format!("it takes {first} and {more} more"),
    }
}
