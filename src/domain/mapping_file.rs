//! Pairs as a TOML file, for review in git.
//!
//! Text in, values out; files are somebody else's business, and whether a mapping is sound is
//! `check`'s. Invariant: what [`to_toml`] writes, [`from_toml`] reads back as the same pairs, and
//! a file with an unknown key is refused.

use std::fmt;
use std::fmt::Write as _;

use super::mapping::{
    BadFields, Blanks, Converts, Creates, DeletePolicy, EVERY_N_HOURS, FirstLink, Flow, Guard,
    Leaves, OnFull, Overflow, Pair, Row, Strategy, Switch,
};
use super::schedule;
use super::transform::{Chain, Side};
use super::transform_text::STEP_NAMES;
use super::value::FieldKind;

mod read;
#[cfg(test)]
mod tests;

pub use read::from_toml;

/// Number of the file format.
pub const FORMAT: i64 = 1;

/// What is wrong with a mapping file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
    /// The name that was meant, if one is near.
    pub meant: Option<String>,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )?;
        match &self.meant {
            Some(meant) => write!(f, "; did you mean {meant}?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FileError {}

/// A set of values with names in the file.
pub(super) trait Named: Clone + PartialEq + 'static {
    /// Values and names.
    const NAMES: &'static [(Self, &'static str)];

    /// Its name.
    fn named(&self) -> &'static str {
        let found = Self::NAMES.iter().find(|(value, _)| value == self);
        found.map_or("", |(_, name)| name)
    }
}

impl Named for Creates {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Allowed, "allowed"), (Self::Off, "off")];
}

impl Named for DeletePolicy {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Propagate, "propagate"),
        (Self::Mark, "mark"),
        (Self::Unlink, "unlink"),
        (Self::Ignore, "ignore"),
    ];
}

impl Named for Leaves {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Freeze, "freeze"),
        (Self::Continue, "continue"),
        (Self::Unlink, "unlink"),
    ];
}

impl Named for BadFields {
    const NAMES: &'static [(Self, &'static str)] = &[(Self::Hold, "off"), (Self::Drop, "on")];
}

impl Named for Converts {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Freeze, "freeze"), (Self::Follow, "follow")];
}

impl Named for Guard {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Precondition, "precondition"),
        (Self::Recheck, "recheck"),
        (Self::None, "none"),
    ];
}

impl Named for FirstLink {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Review, "review"),
        (Self::Crm, "crm"),
        (Self::App, "app"),
    ];
}

impl Named for Blanks {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Propagate, "propagate"), (Self::Keep, "keep")];
}

impl Named for Switch {
    const NAMES: &'static [(Self, &'static str)] = &[(Self::On, "on"), (Self::Off, "off")];
}

impl Named for OnFull {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Reject, Self::Reject.name()),
        (Self::Rotate, Self::Rotate.name()),
        (Self::Child, Self::Child.name()),
    ];
}

impl Named for FieldKind {
    // A number's decimals stand behind its name: number(2).
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Text, "text"),
        (Self::LongText, "long_text"),
        (Self::Email, "email"),
        (Self::Phone, "phone"),
        (Self::Url, "url"),
        (Self::Picklist, "picklist"),
        (Self::MultiPicklist, "multi_picklist"),
        (Self::Bool, "bool"),
        (Self::Date, "date"),
        (Self::DateTime, "date_time"),
        (Self::Time, "time"),
        (Self::Reference, "reference"),
        (Self::Opaque, "opaque"),
    ];
}

/// Writes pairs in a stable order, with comments on top that name every value.
pub fn to_toml(pairs: &[Pair]) -> String {
    let mut out = String::new();
    header(&mut out);
    for pair in pairs {
        write_pair(&mut out, pair);
    }
    out
}

fn one_of<T: Named>() -> String {
    let names: Vec<&str> = T::NAMES.iter().map(|(_, name)| *name).collect();
    names.join(", ")
}

/// The names of all flows, one of them with a number to be filled in.
fn flow_names() -> Vec<String> {
    let names = Flow::choices().map(|flow| flow.name().into_owned());
    names.chain([EVERY_N_HOURS.to_owned()]).collect()
}

fn header(out: &mut String) {
    let flows = flow_names();
    let strategies: Vec<&str> = Strategy::ALL.iter().map(|s| s.name()).collect();
    let lines = [
        ("flow", flows.join(", ")),
        ("to_crm, to_app", STEP_NAMES.join(", ")),
        ("strategy", strategies.join(", ")),
        ("blanks", one_of::<Blanks>()),
        ("switch", one_of::<Switch>()),
        ("on_full (of flow append)", one_of::<OnFull>()),
        (
            "kind",
            format!("number(DECIMALS), {}", one_of::<FieldKind>()),
        ),
        ("create_in_*", one_of::<Creates>()),
        ("on_*_delete", one_of::<DeletePolicy>()),
        (
            "mark_field, mark_value",
            "what `on_app_delete = mark` sets in Salesforce".to_owned(),
        ),
        ("on_leave", one_of::<Leaves>()),
        ("drop_bad_fields", one_of::<BadFields>()),
        ("on_convert", one_of::<Converts>()),
        (
            "overflow",
            "where lines go with `on_full = overflow_child`: a pair, and its rows that take what \
             the line belongs to (parent) and what it says (text)"
                .to_owned(),
        ),
        ("guard", one_of::<Guard>()),
        ("first_link", one_of::<FirstLink>()),
        ("schedule", schedule::FORMS.replace('"', "")),
        (
            "match_on",
            "rules tried in order; all rows of a rule must be equal".to_owned(),
        ),
        (
            "filter",
            "which records of the object belong to the pair, as in `filter test`".to_owned(),
        ),
    ];
    out.push_str("# Field mappings of syncdeck. The values of each key:\n");
    for (key, names) in lines {
        let mut line = format!("#   {key}:");
        for name in names.split(' ') {
            if line.chars().count() + name.chars().count() >= 100 {
                out.push_str(&line);
                out.push('\n');
                line = "#      ".to_owned();
            }
            line.push(' ');
            line.push_str(name);
        }
        out.push_str(&line);
        out.push('\n');
    }
    line(out, "format", &FORMAT.to_string());
}

fn write_pair(out: &mut String, pair: &Pair) {
    out.push_str("\n[[pair]]\n");
    line(out, "name", &quoted(pair.name.as_str()));
    line(out, "object", &quoted(pair.object.as_str()));
    line(out, "table", &quoted(pair.table.as_str()));
    line(out, "version", &pair.version.to_string());
    if let Some(key) = &pair.key_field {
        line(out, "key_field", &quoted(key.as_str()));
    }
    line(out, "title", &quoted(pair.title.as_str()));
    line(out, "create_in_app", &quoted(pair.create_in_app.named()));
    line(out, "create_in_crm", &quoted(pair.create_in_crm.named()));
    line(out, "on_crm_delete", &quoted(pair.on_crm_delete.named()));
    match &pair.on_app_delete {
        DeletePolicy::MarkWith(mark) => {
            line(out, "on_app_delete", &quoted(DeletePolicy::Mark.named()));
            line(out, "mark_field", &quoted(mark.field.as_str()));
            line(out, "mark_value", &quoted(&mark.value));
        }
        policy => line(out, "on_app_delete", &quoted(policy.named())),
    }
    line(out, "guard", &quoted(pair.guard.named()));
    line(out, "first_link", &quoted(pair.first_link.named()));
    let rules: Vec<String> = pair
        .match_on
        .iter()
        .map(|rule| {
            let rows: Vec<String> = rule.iter().map(ToString::to_string).collect();
            format!("[{}]", rows.join(", "))
        })
        .collect();
    line(out, "match_on", &format!("[{}]", rules.join(", ")));
    if !pair.filter.is_empty() {
        line(out, "filter", &quoted(&pair.filter));
    }
    if pair.on_leave != Leaves::default() {
        line(out, "on_leave", &quoted(pair.on_leave.named()));
    }
    if pair.bad_fields != BadFields::default() {
        line(out, "drop_bad_fields", &quoted(pair.bad_fields.named()));
    }
    if pair.on_convert != Converts::default() {
        line(out, "on_convert", &quoted(pair.on_convert.named()));
    }
    if let Some(Overflow { pair, parent, text }) = &pair.overflow {
        let pair = quoted(pair.as_str());
        let value = format!("{{ pair = {pair}, parent = {parent}, text = {text} }}");
        line(out, "overflow", &value);
    }
    line(out, "strategy", &quoted(pair.strategy.name()));
    line(out, "schedule", &quoted(&pair.schedule.to_string()));
    out.push_str("fields = [\n");
    for field in &pair.app_fields {
        let kind = match field.kind {
            FieldKind::Number { scale } => format!("number({scale})"),
            kind => kind.named().to_owned(),
        };
        let name = quoted(field.name.as_str());
        let _ = write!(out, "  {{ name = {name}, kind = {}", quoted(&kind));
        if field.length > 0 {
            let _ = write!(out, ", length = {}", field.length);
        }
        out.push_str(" },\n");
    }
    out.push_str("]\n");
    for row in &pair.rows {
        write_row(out, row);
    }
}

/// A row; what has its usual value is left out, so that what is said matters.
fn write_row(out: &mut String, row: &Row) {
    out.push_str("\n[[pair.row]]\n");
    line(out, "id", &row.id.to_string());
    for (key, side) in [("app", Side::App), ("crm", Side::Crm)] {
        let names = match side {
            Side::App => &row.app,
            Side::Crm => &row.crm,
        };
        let names: Vec<String> = names.iter().map(|n| quoted(n.as_str())).collect();
        let text = match names.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        line(out, key, &text);
    }
    line(out, "flow", &quoted(&row.flow.name()));
    let on_full = row.flow.on_full().unwrap_or_default();
    if on_full != OnFull::default() {
        line(out, "on_full", &quoted(on_full.named()));
    }
    for (key, chain) in [("to_crm", &row.to_crm), ("to_app", &row.to_app)] {
        if *chain != Chain::default() {
            line(out, key, &quoted(&chain.to_string()));
        }
    }
    if row.strategy != Strategy::Inherit {
        line(out, "strategy", &quoted(row.strategy.name()));
    }
    if row.blanks != Blanks::default() {
        line(out, "blanks", &quoted(row.blanks.named()));
    }
    if row.switch != Switch::default() {
        line(out, "switch", &quoted(row.switch.named()));
    }
}

fn line(out: &mut String, key: &str, value: &str) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{key} = {value}");
}

/// A TOML string: plain quotes where that needs no escapes, so that steps stay readable.
fn quoted(text: &str) -> String {
    let literal = !text.contains('\'') && !text.chars().any(char::is_control);
    if literal && text.contains(['"', '\\']) {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
