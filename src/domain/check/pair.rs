//! Checks of a pair as a whole: key field, creates, matching, writers of one field, links.

use std::collections::BTreeSet;

use super::Checker;
use crate::domain::cycle;
use crate::domain::filter::Filter;
use crate::domain::id::{FieldName, RowId};
use crate::domain::mapping::{Creates, DeletePolicy, Mark, Pair, Row, Switch};
use crate::domain::schema::ObjectInfo;
use crate::domain::text::nearest;
use crate::domain::transform::Side;
use crate::domain::value::FieldKind;

/// Characters of our key (a UUID).
const KEY_LENGTH: u32 = 36;

impl Checker<'_> {
    pub(super) fn pair_as_a_whole(&mut self) {
        let pair = self.pair;
        if pair.active().next().is_none() {
            self.warn(
                None,
                "no row is switched on, so nothing is synced",
                "switch a row on, or add one",
            );
        }
        self.app_table();
        self.table_is_its_own();
        self.row_ids();
        self.creates();
        if let Some(object) = self.object {
            self.object_allows(object);
        }
        self.matching();
        self.filter();
        self.conversions();
        self.bad_fields();
        self.overflow();
        self.cycles();
    }

    fn app_table(&mut self) {
        let fields = &self.pair.app_fields;
        let mut seen = BTreeSet::new();
        for field in fields {
            if !seen.insert(&field.name) {
                self.fail(
                    None,
                    format!("the App table lists {} twice", field.name),
                    "keep one of the two",
                );
            }
        }
        let title = &self.pair.title;
        if !fields.is_empty() && !seen.contains(title) {
            let fix = suggest(title.as_str(), fields.iter().map(|f| f.name.as_str()));
            self.fail(
                None,
                format!("records are named by {title}, which the App table does not have"),
                fix.unwrap_or_else(|| "name records by a field of the App table".into()),
            );
        }
    }

    /// The outbox of a table belongs to one pair: what the first of two wrote would count as written
    /// for the second (sync-semantics 3.7).
    fn table_is_its_own(&mut self) {
        let Some(other) = self.rivals().find(|p| p.table == self.pair.table) else {
            return;
        };
        let text = format!(
            "the App table {} is synced by {} already",
            self.pair.table, other.name
        );
        self.fail(
            None,
            text,
            "give this pair a table of its own, or put its rows into that pair",
        );
    }

    fn row_ids(&mut self) {
        let mut seen = BTreeSet::new();
        for row in &self.pair.rows {
            if !seen.insert(row.id) {
                self.fail(
                    Some(row),
                    format!("two rows have the id {}", row.id),
                    "give each row an id of its own, one that was never used",
                );
            }
        }
    }

    /// Creates need our key in the CRM (sync-semantics 3.2) and every required field.
    fn creates(&mut self) {
        if self.pair.create_in_crm == Creates::Off {
            return;
        }
        let Some(key) = self.pair.key_field.clone() else {
            self.warn(
                None,
                "new App records are not created in Salesforce, because there is no key field",
                "name a text field there that is an External ID, unique and case-sensitive, \
                 or turn creation in Salesforce off",
            );
            return;
        };
        let Some(object) = self.object else { return };
        if !object.createable {
            self.fail(
                None,
                format!("the sync user may not create {} records", object.name),
                "give it that permission in Salesforce, or turn creation in Salesforce off",
            );
        }
        self.key_field(object, &key);
        let given: BTreeSet<&FieldName> = self
            .pair
            .active()
            .filter(|row| row.flow.writes(Side::Crm))
            .flat_map(|row| &row.crm)
            .collect();
        for field in object.fields.values() {
            if field.required() && field.name != key && !given.contains(&field.name) {
                self.fail(
                    None,
                    format!(
                        "Salesforce wants {} in every new {}, and no row writes it",
                        field.name, object.name
                    ),
                    format!(
                        "add a row that writes {}, or turn creation in Salesforce off",
                        field.name
                    ),
                );
            }
        }
    }

    fn key_field(&mut self, object: &ObjectInfo, key: &FieldName) {
        let Some(field) = object.field(key.as_str()) else {
            let names = object.fields.keys().map(FieldName::as_str);
            let fix = suggest(key.as_str(), names).unwrap_or_else(|| {
                format!(
                    "add a text field {key} to {} in Salesforce: External ID, unique, \
                     case-sensitive, length {KEY_LENGTH}, writable by the sync user",
                    object.name
                )
            });
            self.fail(
                None,
                format!("{} has no field {key} for our key", object.name),
                fix,
            );
            return;
        };
        let mut lacks = Vec::new();
        if field.kind != FieldKind::Text {
            lacks.push("a text field");
        }
        if !field.external_id {
            lacks.push("an External ID");
        }
        if !field.unique {
            lacks.push("unique");
        }
        if !field.case_sensitive {
            lacks.push("case-sensitive");
        }
        if !(field.createable && field.updateable) {
            lacks.push("writable by the sync user");
        }
        if field.kind == FieldKind::Text && field.length != 0 && field.length < KEY_LENGTH {
            lacks.push("36 characters long");
        }
        if !lacks.is_empty() {
            self.fail(
                None,
                format!(
                    "the key field {key} is not {}; without that a create could make duplicates",
                    lacks.join(", ")
                ),
                "change the field in Salesforce, or turn creation in Salesforce off",
            );
        }
    }

    fn object_allows(&mut self, object: &ObjectInfo) {
        let writes = self.pair.active().any(|r| r.flow.writes(Side::Crm));
        if writes && !object.updateable {
            self.fail(
                None,
                format!("the sync user may not change {} records", object.name),
                "give it that permission in Salesforce, or set every row to <--",
            );
        }
        if self.pair.on_app_delete == DeletePolicy::Mark {
            self.fail(
                None,
                "on_app_delete is \"mark\", and no field says where Salesforce keeps such a mark",
                "name it with mark_field and mark_value, or write \"unlink\" (its record stays there) \
                 or \"propagate\" (it is deleted there)",
            );
        }
        if let DeletePolicy::MarkWith(mark) = &self.pair.on_app_delete {
            self.mark(object, mark);
        }
        if self.pair.on_app_delete == DeletePolicy::Propagate && !object.deletable {
            self.fail(
                None,
                format!("the sync user may not delete {} records", object.name),
                "give it that permission in Salesforce, or let App deletes only end the link",
            );
        }
    }

    /// What marks deleted records can be set to its value.
    fn mark(&mut self, object: &ObjectInfo, mark: &Mark) {
        let Mark { field: name, value } = mark;
        let Some(field) = object.field(name.as_str()) else {
            let names = object.fields.keys().map(FieldName::as_str);
            let fix = suggest(name.as_str(), names);
            let usual = || "name a field that it has in mark_field".to_owned();
            let text = format!(
                "{} has no field {name} that marks deleted records",
                object.name
            );
            return self.fail(None, text, fix.unwrap_or_else(usual));
        };
        if !field.updateable {
            let text =
                format!("{name}, which marks deleted records, cannot be written by the sync user");
            return self.fail(None, text, "name another field in mark_field");
        }
        let appends = |row: &&Row| row.flow.appends() && row.crm.contains(name);
        if let Some(row) = self.pair.rows.iter().find(appends) {
            let text = format!(
                "{name}, which marks deleted records, is one that a row appends to: the mark would \
                 replace what others wrote there"
            );
            return self.fail(Some(row), text, "name another field in mark_field");
        }
        let fits = match field.kind {
            FieldKind::Bool => matches!(value.as_str(), "true" | "false"),
            FieldKind::Picklist if field.restricted => field.picklist.contains(value),
            FieldKind::Text | FieldKind::LongText | FieldKind::Picklist => {
                let length = value.chars().count();
                !value.is_empty() && (field.length == 0 || length <= field.length as usize)
            }
            _ => false,
        };
        if !fits {
            self.fail(
                None,
                format!("{name} cannot be set to {value:?}, which marks deleted records"),
                "mark with a text that fits, a value of the picklist, or a checkbox (true, false)",
            );
        }
    }

    fn matching(&mut self) {
        let pair = self.pair;
        for rule in &pair.match_on {
            if rule.is_empty() {
                self.fail(
                    None,
                    "a rule for matching records names no row, so everything would match",
                    "remove the rule, or name the rows that must be equal",
                );
            }
            for id in rule {
                self.match_row(*id);
            }
        }
    }

    /// The filter is on fields that are read, and on nothing that moves by itself.
    fn filter(&mut self) {
        let filter: Filter = match self.pair.filter.parse() {
            Ok(filter) => filter,
            Err(error) => {
                let text = format!("the filter: {error}");
                return self.fail(None, text, "`syncdeck filter test` tries a filter");
            }
        };
        let mut other = false;
        filter.visit(&mut |part| {
            other |= matches!(
                part,
                Filter::Word(_) | Filter::State(_) | Filter::Since(_) | Filter::Marked
            );
        });
        if other {
            self.fail(
                None,
                "the filter asks for more than fields of the object",
                "ask for fields only, as Amount:>1000",
            );
        }
        self.filter_of_new(&filter);
        let read = self.pair.crm_fields();
        for name in filter.fields() {
            if name != "Id" && read.iter().all(|field| field.as_str() != name) {
                self.fail(
                    None,
                    format!("the filter asks for {name}, which no row reads"),
                    "add a row that reads it, or ask for another field",
                );
            }
        }
    }

    /// A record that is made has to pass the filter by the values it is made with (rule R1).
    fn filter_of_new(&mut self, filter: &Filter) {
        let makes = self.pair.create_in_crm == Creates::Allowed && self.pair.key_field.is_some();
        if !makes {
            return;
        }
        let written = |name: &str| {
            let mut rows = self.pair.active().filter(|row| row.flow.writes(Side::Crm));
            rows.any(|row| row.crm.iter().any(|field| field.as_str() == name))
        };
        let unwritten: Vec<&str> = filter
            .fields()
            .into_iter()
            .filter(|f| !written(f))
            .collect();
        if let Some(name) = unwritten.first() {
            let text = format!(
                "the filter asks for {name}, which no row writes: new App records are never created \
                 in Salesforce, as nobody knows whether they would pass"
            );
            self.warn(
                None,
                text,
                "let a row write it, or turn creation in Salesforce off",
            );
        }
    }

    fn match_row(&mut self, id: RowId) {
        let Some(row) = self.pair.row(id) else {
            self.fail(
                None,
                format!("records are matched by row {id}, which does not exist"),
                "match by a row that exists",
            );
            return;
        };
        if row.switch == Switch::Off {
            self.fail(
                Some(row),
                "records are matched by this row, which is off",
                "switch it on, or match by another row",
            );
        }
        let fields = self.object.map(|o| &o.fields);
        let hidden = row
            .crm
            .iter()
            .find(|name| fields.is_some_and(|f| f.get(*name).is_some_and(|f| !f.filterable)));
        if let Some(name) = hidden {
            self.warn(
                Some(row),
                format!("records are matched by {name}, which Salesforce cannot search"),
                "match by a field that can be searched, such as an e-mail address",
            );
        }
    }

    /// Two rows that write one field undo each other (sync-semantics 3.7).
    pub(super) fn double_writes(&mut self) {
        let pair = self.pair;
        for (at, row) in pair.rows.iter().enumerate() {
            if row.switch == Switch::Off {
                continue;
            }
            for side in [Side::Crm, Side::App] {
                let before = pair.rows.get(..at).unwrap_or_default();
                let clash = before
                    .iter()
                    .filter(|r| r.switch == Switch::On)
                    .find_map(|first| Some((first.id, shared(side, first, row)?)));
                if let Some((first, field)) = clash {
                    self.fail(
                        Some(row),
                        format!("{field} is written by row {first} as well"),
                        "let one of the two rows write it: change the direction of the other, \
                         or switch it off",
                    );
                }
                let other = self
                    .rivals()
                    .filter(|p| same_records(side, p, pair))
                    .find_map(|p| {
                        let field = p.active().find_map(|first| shared(side, first, row))?;
                        Some((p.name.clone(), field.clone()))
                    });
                if let Some((other, field)) = other {
                    self.fail(
                        Some(row),
                        format!("{field} is written by the pair {other} as well"),
                        "let one of the two pairs write it",
                    );
                }
            }
            if let Some(key) = &pair.key_field
                && row.flow.writes(Side::Crm)
                && row.crm.contains(key)
            {
                self.fail(
                    Some(row),
                    format!("{key} holds our key of the record; no row may write it"),
                    "set the direction to <--, or map another field",
                );
            }
        }
    }

    /// References that lead in a circle: where Salesforce wants all of them, none of the records can
    /// be made first. Any other circle is opened at a reference that it does not want: see
    /// [`cycle`](crate::domain::cycle).
    fn cycles(&mut self) {
        let pair = self.pair;
        let Some(object) = self.object else { return };
        let wanted = |at: &Pair, row: &Row| {
            let mut objects = self.objects.iter();
            let object = objects.find(|object| object.name == at.object);
            object.is_some_and(|object| cycle::required(row, object))
        };
        let mut found = Vec::new();
        for row in pair.active().filter(|row| row.flow.writes(Side::Crm)) {
            if !cycle::required(row, object) {
                continue;
            }
            for to in cycle::parents(row) {
                if let Some(path) = cycle::way_back(pair, to, self.others, wanted) {
                    found.push((row, path));
                }
            }
        }
        for (row, path) in found {
            let (text, fix) = if path.len() == 1 {
                (
                    format!(
                        "every {} needs another one first, so the first is never made",
                        pair.object
                    ),
                    "make the reference optional in Salesforce, or set it one-way <--",
                )
            } else {
                let path: Vec<String> = path.iter().map(ToString::to_string).collect();
                (
                    format!(
                        "required references lead in a circle: {} -> {}; none can be made first",
                        pair.name,
                        path.join(" -> ")
                    ),
                    "set one of these references one-way <--, or switch it off",
                )
            };
            self.fail(Some(row), text, fix);
        }
    }
}

/// `did you mean Email?`
pub(super) fn suggest<'n>(word: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(word, known).map(|name| format!("did you mean {name}?"))
}

fn same_records(side: Side, a: &Pair, b: &Pair) -> bool {
    match side {
        Side::Crm => a.object == b.object,
        Side::App => a.table == b.table,
    }
}

/// The first field of a side that both rows write. Appending rows share a field in peace.
fn shared<'r>(side: Side, first: &'r Row, second: &'r Row) -> Option<&'r FieldName> {
    let appends = |row: &Row| row.flow.appends();
    if !(first.flow.writes(side) && second.flow.writes(side))
        || (side == Side::Crm && appends(first) && appends(second))
    {
        return None;
    }
    let names = |row: &'r Row| match side {
        Side::App => &row.app,
        Side::Crm => &row.crm,
    };
    names(first).iter().find(|f| names(second).contains(f))
}
