//! What a mapping says otherwise than another one, in words: a new version, a draft, or an older
//! version that may be brought back.
//!
//! Only compares. Invariant: two mappings that differ in anything but their version give at
//! least one line.

use std::fmt::Display;

use crate::domain::mapping::{
    Blanks, Converts, Creates, DeletePolicy, FirstLink, Guard, Leaves, Overflow, Pair, Row, Switch,
};
use crate::domain::transform::{Chain, Side};

/// One line per change: of the pair first, then row by row in the new order, removed rows last.
pub fn changes(old: &Pair, new: &Pair) -> Vec<String> {
    let mut out = Vec::new();
    of_pair(&mut out, old, new);
    for row in &new.rows {
        match old.row(row.id) {
            None => out.push(format!("{} added: {}", name(row), fields(row))),
            Some(was) => of_row(&mut out, was, row),
        }
    }
    for row in &old.rows {
        if new.row(row.id).is_none() {
            out.push(format!("{} removed", name(row)));
        }
    }
    let order = |pair: &Pair, other: &Pair| -> Vec<_> {
        let rows = pair.rows.iter().map(|r| r.id);
        rows.filter(|id| other.row(*id).is_some()).collect()
    };
    if order(old, new) != order(new, old) {
        out.push("rows in another order".to_owned());
    }
    out
}

/// How a row is called: by its App side.
pub fn name(row: &Row) -> String {
    row.label(Side::App)
}

fn fields(row: &Row) -> String {
    format!(
        "{} {} {}",
        row.label(Side::App),
        row.flow.arrow(),
        row.label(Side::Crm)
    )
}

fn of_pair(out: &mut Vec<String>, old: &Pair, new: &Pair) {
    let mut line = |what: &str, was: String, is: String| {
        if was != is {
            out.push(format!("{what}: {was} -> {is}"));
        }
    };
    line("object", old.object.to_string(), new.object.to_string());
    line("table", old.table.to_string(), new.table.to_string());
    let key = |pair: &Pair| {
        let key = pair.key_field.as_ref();
        key.map_or_else(|| "none".to_owned(), ToString::to_string)
    };
    line("key field", key(old), key(new));
    line(
        "records are named by",
        old.title.to_string(),
        new.title.to_string(),
    );
    line(
        "creates in the App",
        creates(old.create_in_app),
        creates(new.create_in_app),
    );
    line(
        "creates in Salesforce",
        creates(old.create_in_crm),
        creates(new.create_in_crm),
    );
    line(
        "deletes in Salesforce",
        deletes(&old.on_crm_delete),
        deletes(&new.on_crm_delete),
    );
    line(
        "deletes in the App",
        deletes(&old.on_app_delete),
        deletes(&new.on_app_delete),
    );
    line("guard of writes", guard(old.guard), guard(new.guard));
    line(
        "values that differ at the first link",
        first_link(old.first_link),
        first_link(new.first_link),
    );
    line(
        "when both changed a record",
        old.strategy.name().to_owned(),
        new.strategy.name().to_owned(),
    );
    let filter = |pair: &Pair| match pair.filter.as_str() {
        "" => "all records".to_owned(),
        filter => filter.to_owned(),
    };
    line("filter", filter(old), filter(new));
    line(
        "records that leave the filter",
        leaves(old.on_leave),
        leaves(new.on_leave),
    );
    line(
        "fields that Salesforce refuses",
        old.bad_fields.words().to_owned(),
        new.bad_fields.words().to_owned(),
    );
    line(
        "converted leads",
        converts(old.on_convert),
        converts(new.on_convert),
    );
    line("lines that find no room", overflow(old), overflow(new));
    line("schedule", old.schedule.words(), new.schedule.words());
    line("records are matched by", matching(old), matching(new));
    if old.match_on != new.match_on && matching(old) == matching(new) {
        out.push("records are matched by other rows of the same fields".to_owned());
    }
    app_fields(out, old, new);
}

fn converts(policy: Converts) -> String {
    match policy {
        Converts::Freeze => "are read, and no longer written",
        Converts::Follow => "are followed into what they became",
    }
    .to_owned()
}

fn overflow(pair: &Pair) -> String {
    match &pair.overflow {
        None => "go nowhere else".to_owned(),
        Some(Overflow { pair, parent, text }) => {
            format!("become records of {pair} (rows {parent} and {text})")
        }
    }
}

fn leaves(policy: Leaves) -> String {
    match policy {
        Leaves::Freeze => "rest",
        Leaves::Continue => "are synced all the same",
        Leaves::Unlink => "are unlinked",
    }
    .to_owned()
}

fn app_fields(out: &mut Vec<String>, old: &Pair, new: &Pair) {
    if old.app_fields == new.app_fields {
        return;
    }
    let before = out.len();
    for field in &new.app_fields {
        match old.app_fields.iter().find(|f| f.name == field.name) {
            None => out.push(format!("App field {} added", field.name)),
            Some(was) if was != field => out.push(format!("App field {} changed", field.name)),
            Some(_) => {}
        }
    }
    for field in &old.app_fields {
        if new.app_fields.iter().all(|f| f.name != field.name) {
            out.push(format!("App field {} removed", field.name));
        }
    }
    if out.len() == before {
        out.push("App fields in another order".to_owned());
    }
}

fn of_row(out: &mut Vec<String>, was: &Row, is: &Row) {
    let name = name(is);
    let mut line = |what: &str, from: &dyn Display, to: &dyn Display| {
        out.push(format!("{name}: {what} {from} -> {to}"));
    };
    if was.app != is.app {
        line("App field", &was.label(Side::App), &is.label(Side::App));
    }
    if was.crm != is.crm {
        line(
            "Salesforce field",
            &was.label(Side::Crm),
            &is.label(Side::Crm),
        );
    }
    if was.flow != is.flow {
        if was.flow.name() != is.flow.name() {
            line("direction", &was.flow.name(), &is.flow.name());
        }
        if let (Some(was), Some(is)) = (was.flow.on_full(), is.flow.on_full())
            && was != is
        {
            line("when the text is full", &was.name(), &is.name());
        }
    }
    if was.to_crm != is.to_crm {
        line(
            "change on the way to Salesforce",
            &chain(&was.to_crm),
            &chain(&is.to_crm),
        );
    }
    if was.to_app != is.to_app {
        line(
            "change on the way to the App",
            &chain(&was.to_app),
            &chain(&is.to_app),
        );
    }
    if was.strategy != is.strategy {
        line(
            "when both changed",
            &was.strategy.name(),
            &is.strategy.name(),
        );
    }
    match (was.blanks, is.blanks) {
        (Blanks::Propagate, Blanks::Keep) => out.push(format!("{name}: empty values stay here")),
        (Blanks::Keep, Blanks::Propagate) => {
            out.push(format!("{name}: empty values empty the other side"));
        }
        _ => {}
    }
    match (was.switch, is.switch) {
        (Switch::On, Switch::Off) => out.push(format!("{name}: switched off")),
        (Switch::Off, Switch::On) => out.push(format!("{name}: switched on")),
        _ => {}
    }
}

fn chain(chain: &Chain) -> String {
    if chain.is_empty() {
        "-".to_owned()
    } else {
        chain.to_string()
    }
}

fn creates(creates: Creates) -> String {
    match creates {
        Creates::Allowed => "allowed",
        Creates::Off => "off",
    }
    .to_owned()
}

fn deletes(policy: &DeletePolicy) -> String {
    match policy {
        DeletePolicy::Propagate => "delete on the other side too",
        DeletePolicy::Mark => "mark on the other side",
        DeletePolicy::Unlink => "end the link",
        DeletePolicy::Ignore => "change nothing, and keep the link",
        DeletePolicy::MarkWith(mark) => {
            return format!("set {} to {:?} in Salesforce", mark.field, mark.value);
        }
    }
    .to_owned()
}

fn matching(pair: &Pair) -> String {
    let rules = pair.match_on.iter().map(|rule| {
        let rows = rule.iter().map(|id| match pair.row(*id) {
            Some(row) => name(row),
            None => format!("row {id}"),
        });
        rows.collect::<Vec<_>>().join(" and ")
    });
    let text = rules.collect::<Vec<_>>().join(", then ");
    if text.is_empty() {
        "nothing".to_owned()
    } else {
        text
    }
}

fn guard(guard: Guard) -> String {
    match guard {
        Guard::None => "none",
        Guard::Recheck => "read right before",
        Guard::Precondition => "only if not modified since",
    }
    .to_owned()
}

fn first_link(policy: FirstLink) -> String {
    match policy {
        FirstLink::Review => "a person decides",
        FirstLink::Crm => "Salesforce's stay",
        FirstLink::App => "the App's stay",
    }
    .to_owned()
}
