//! Reads a mapping file, keeping the place of every key and value for messages.

mod overflow;
mod row;

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{FORMAT, FileError, Named};
use crate::domain::id::{FieldName, RowId};
use crate::domain::mapping::{
    AppField, BadFields, Converts, Creates, DeletePolicy, FirstLink, Guard, Leaves, Mark, Pair,
};
use crate::domain::schedule::{BadSchedule, FORMS, Schedule};
use crate::domain::text::nearest;
use crate::domain::transform::Chain;
use crate::domain::transform_text::STEP_NAMES;
use crate::domain::value::FieldKind;

/// Reads pairs from the text of a file. All faults are reported, in the order of the file.
pub fn from_toml(text: &str) -> Result<Vec<Pair>, Vec<FileError>> {
    let (document, faults) = DeTable::parse_recoverable(text);
    if !faults.is_empty() {
        let faults = faults.iter().map(|fault| {
            let at = fault.span().map_or(0, |span| span.start);
            error(text, at, fault.message().to_owned(), None)
        });
        return Err(faults.collect());
    }
    let mut reader = Reader {
        text,
        errors: Vec::new(),
    };
    let pairs = reader.document(&document);
    if reader.errors.is_empty() {
        Ok(pairs)
    } else {
        reader.errors.sort_by_key(|e| (e.line, e.column));
        Err(reader.errors)
    }
}

fn error(text: &str, at: usize, message: String, meant: Option<String>) -> FileError {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    FileError {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        message,
        meant,
    }
}

struct Reader<'t> {
    text: &'t str,
    errors: Vec<FileError>,
}

type Value<'t> = Spanned<DeValue<'t>>;

/// A table of the file and where it stands.
struct Place<'v, 't> {
    table: &'v DeTable<'t>,
    at: usize,
}

impl<'v, 't> Place<'v, 't> {
    fn get(&self, key: &str) -> Option<&'v Value<'t>> {
        self.table.get(key)
    }
}

const PAIR_KEYS: [&str; 24] = [
    "name",
    "object",
    "table",
    "version",
    "key_field",
    "title",
    "create_in_app",
    "create_in_crm",
    "on_crm_delete",
    "on_app_delete",
    "mark_field",
    "mark_value",
    "guard",
    "first_link",
    "match_on",
    "filter",
    "on_leave",
    "drop_bad_fields",
    "on_convert",
    "overflow",
    "strategy",
    "schedule",
    "fields",
    "row",
];

const ROW_KEYS: [&str; 10] = [
    "id", "app", "crm", "flow", "on_full", "to_crm", "to_app", "strategy", "blanks", "switch",
];

impl Reader<'_> {
    fn wrong(&mut self, at: usize, message: impl Into<String>) {
        self.errors.push(error(self.text, at, message.into(), None));
    }

    fn unknown(&mut self, at: usize, what: &str, word: &str, known: &[&str]) {
        let meant = nearest(word, known.iter().copied()).map(str::to_owned);
        let message = format!(
            "{word:?} is no {what}; expected one of: {}",
            known.join(", ")
        );
        self.errors.push(error(self.text, at, message, meant));
    }

    fn keys(&mut self, place: &Place<'_, '_>, known: &[&str]) {
        for (key, _) in place.table {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                self.unknown(key.span().start, "key here", name, known);
            }
        }
    }

    fn document(&mut self, document: &Spanned<DeTable<'_>>) -> Vec<Pair> {
        let place = Place {
            table: document.get_ref(),
            at: 0,
        };
        self.keys(&place, &["format", "pair"]);
        match place.get("format") {
            None => self.wrong(0, format!("expected `format = {FORMAT}` at the top")),
            Some(value) => {
                let number = self.whole(value, "the number of the file format");
                if number.is_some_and(|n| n != FORMAT) {
                    self.wrong(
                        value.span().start,
                        format!("expected format {FORMAT}; this file is of another version"),
                    );
                }
            }
        }
        let pairs: Vec<Pair> = self
            .tables(&place, "pair", "[[pair]] tables")
            .iter()
            .filter_map(|pair| self.pair(pair))
            .collect();
        let mut seen = BTreeSet::new();
        for pair in &pairs {
            if !seen.insert(&pair.name) {
                self.wrong(
                    0,
                    format!("two pairs have the name {:?}", pair.name.as_str()),
                );
            }
        }
        pairs
    }

    fn pair(&mut self, place: &Place<'_, '_>) -> Option<Pair> {
        self.keys(place, &PAIR_KEYS);
        let name = self.needed(place, "name");
        let object = self.needed(place, "object");
        let table = self.needed(place, "table");
        let title = self.needed(place, "title");
        let version = match place.get("version") {
            None => Some(1),
            Some(value) => self.number(value, "a version from 1 on", 1),
        };
        let rows = self.rows(place);
        Some(Pair {
            key_field: self.optional(place, "key_field").map(FieldName::new),
            create_in_app: self.named::<Creates>(place, "create_in_app", Creates::default()),
            create_in_crm: self.named::<Creates>(place, "create_in_crm", Creates::default()),
            on_crm_delete: self.named(place, "on_crm_delete", DeletePolicy::Mark),
            on_app_delete: self.on_app_delete(place),
            guard: self.named(place, "guard", Guard::default()),
            first_link: self.named(place, "first_link", FirstLink::default()),
            match_on: self.match_on(place),
            filter: self.optional(place, "filter").unwrap_or_default(),
            on_leave: self.named(place, "on_leave", Leaves::default()),
            bad_fields: self.named(place, "drop_bad_fields", BadFields::default()),
            on_convert: self.named(place, "on_convert", Converts::default()),
            overflow: self.overflow(place),
            strategy: self.strategy(place),
            schedule: self.schedule(place),
            app_fields: self.app_fields(place),
            rows,
            name: name?.as_str().into(),
            object: object?.as_str().into(),
            table: table?.as_str().into(),
            title: title?.as_str().into(),
            version: version?,
        })
    }

    /// A mark in Salesforce is a field and its value, together.
    fn on_app_delete(&mut self, place: &Place<'_, '_>) -> DeletePolicy {
        let policy = self.named(place, "on_app_delete", DeletePolicy::Unlink);
        let field = self.optional(place, "mark_field");
        let value = self.optional(place, "mark_value");
        let at = |key: &str| place.get(key).map_or(place.at, |v| v.span().start);
        match (policy, field, value) {
            (DeletePolicy::Mark, Some(field), Some(value)) => {
                let field = FieldName::new(field);
                DeletePolicy::MarkWith(Mark { field, value })
            }
            (DeletePolicy::Mark, Some(_), None) => {
                self.wrong(
                    at("mark_field"),
                    "expected `mark_value = \"...\"` beside it",
                );
                DeletePolicy::Mark
            }
            (DeletePolicy::Mark, None, Some(_)) => {
                self.wrong(
                    at("mark_value"),
                    "expected `mark_field = \"FIELD\"` beside it",
                );
                DeletePolicy::Mark
            }
            (policy, None, None) => policy,
            (policy, field, _) => {
                let key = field.map_or("mark_value", |_| "mark_field");
                self.wrong(at(key), "expected `on_app_delete = \"mark\"` beside it");
                policy
            }
        }
    }

    fn named<T: Named>(&mut self, place: &Place<'_, '_>, key: &str, usual: T) -> T {
        let Some(text) = self.optional(place, key) else {
            return usual;
        };
        let found = T::NAMES.iter().find(|(_, name)| *name == text);
        if let Some((value, _)) = found {
            return value.clone();
        }
        let names: Vec<&str> = T::NAMES.iter().map(|(_, name)| *name).collect();
        let at = place.get(key).map_or(place.at, |v| v.span().start);
        self.unknown(at, &format!("value of {key}"), &text, &names);
        usual
    }

    fn schedule(&mut self, place: &Place<'_, '_>) -> Schedule {
        let Some(text) = self.optional(place, "schedule") else {
            return Schedule::Manual;
        };
        text.parse().unwrap_or_else(|error: BadSchedule| {
            let at = place.get("schedule").map_or(place.at, |v| v.span().start);
            self.wrong(at, format!("{error}: expected {FORMS}"));
            Schedule::Manual
        })
    }

    fn match_on(&mut self, place: &Place<'_, '_>) -> Vec<Vec<RowId>> {
        let what = "rules of row ids, like [[3], [1, 2]]";
        let mut rules = Vec::new();
        let Some(value) = place.get("match_on") else {
            return rules;
        };
        for rule in self.list(value, what) {
            let mut rows = Vec::new();
            for id in self.list(rule, what) {
                rows.extend(self.number::<u16>(id, what, 0).map(RowId));
            }
            rules.push(rows);
        }
        rules
    }

    fn app_fields(&mut self, place: &Place<'_, '_>) -> Vec<AppField> {
        let mut seen = BTreeSet::new();
        let mut fields = Vec::new();
        for place in self.tables(
            place,
            "fields",
            "fields like { name = \"a\", kind = \"text\" }",
        ) {
            self.keys(&place, &["name", "kind", "length"]);
            let name = self.needed(&place, "name");
            let kind = self.kind(&place);
            let length = match place.get("length") {
                None => Some(0),
                Some(value) => self.number(value, "a number of characters", 0),
            };
            let (Some(name), Some(kind), Some(length)) = (name, kind, length) else {
                continue;
            };
            if !seen.insert(name.clone()) {
                self.wrong(place.at, format!("the field {name:?} is listed already"));
            }
            fields.push(AppField {
                name: FieldName::new(name),
                kind,
                length,
            });
        }
        fields
    }

    fn kind(&mut self, place: &Place<'_, '_>) -> Option<FieldKind> {
        let text = self.needed(place, "kind")?;
        let scale = text
            .strip_prefix("number(")
            .and_then(|t| t.strip_suffix(')'))
            .and_then(|t| t.parse().ok())
            .filter(|scale| *scale <= 18);
        if let Some(scale) = scale {
            return Some(FieldKind::Number { scale });
        }
        let found = FieldKind::NAMES.iter().find(|(_, name)| *name == text);
        if found.is_none() {
            let mut names: Vec<&str> = FieldKind::NAMES.iter().map(|(_, name)| *name).collect();
            names.push("number(2)");
            let at = place.get("kind").map_or(place.at, |v| v.span().start);
            self.unknown(at, "kind", &text, &names);
        }
        found.map(|(kind, _)| *kind)
    }

    fn chain(&mut self, place: &Place<'_, '_>, key: &str) -> Chain {
        let Some(text) = self.optional(place, key) else {
            return Chain::default();
        };
        match text.parse::<Chain>() {
            Ok(chain) => chain,
            Err(fault) => {
                let span = place.get(key).map(Spanned::span).unwrap_or_default();
                let source = self.text.get(span.clone()).unwrap_or_default();
                // Inside quotes without escapes, characters of the value are characters of the file.
                let plain = source.len() == text.len() + 2;
                let inside: usize = text.chars().take(fault.at).map(char::len_utf8).sum();
                let at = span.start + if plain { 1 + inside } else { 0 };
                let word: String = text
                    .chars()
                    .skip(fault.at)
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let steps = STEP_NAMES.iter().map(|s| s.split('(').next().unwrap_or(s));
                let meant = nearest(&word, steps).filter(|step| *step != word);
                let meant = meant.map(str::to_owned);
                let message = format!("{key}: expected {}", fault.expected);
                self.errors.push(error(self.text, at, message, meant));
                Chain::default()
            }
        }
    }

    /// One name, or a list of at least one.
    fn names(&mut self, place: &Place<'_, '_>, key: &str) -> Option<Vec<FieldName>> {
        let what = "a field name or a list of them";
        let Some(value) = place.get(key) else {
            self.wrong(
                place.at,
                format!("expected `{key} = \"FIELD\"` in this row"),
            );
            return None;
        };
        if let DeValue::String(name) = value.get_ref() {
            return Some(vec![FieldName::new(name.clone())]);
        }
        let mut names = Vec::new();
        let items = self.list(value, what);
        for item in &items {
            names.extend(self.string(item, what).map(FieldName::new));
        }
        if items.is_empty() && value.get_ref().as_array().is_some() {
            self.wrong(value.span().start, format!("expected {what}"));
        }
        (!names.is_empty() && names.len() == items.len()).then_some(names)
    }

    fn needed(&mut self, place: &Place<'_, '_>, key: &str) -> Option<String> {
        match place.get(key) {
            Some(value) => self.string(value, "a text in quotes"),
            None => {
                self.wrong(place.at, format!("expected `{key} = \"...\"` here"));
                None
            }
        }
    }

    fn optional(&mut self, place: &Place<'_, '_>, key: &str) -> Option<String> {
        self.string(place.get(key)?, "a text in quotes")
    }

    fn string(&mut self, value: &Value<'_>, what: &str) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        self.or_wrong(text, value, what)
    }

    fn whole(&mut self, value: &Value<'_>, what: &str) -> Option<i64> {
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        self.or_wrong(number, value, what)
    }

    fn number<N: TryFrom<i64>>(&mut self, value: &Value<'_>, what: &str, least: i64) -> Option<N> {
        let number = self.whole(value, what)?;
        let fits = N::try_from(number).ok().filter(|_| number >= least);
        self.or_wrong(fits, value, what)
    }

    fn list<'v, 't>(&mut self, value: &'v Value<'t>, what: &str) -> Vec<&'v Value<'t>> {
        let items = value.get_ref().as_array().map(|a| a.iter().collect());
        self.or_wrong(items, value, what).unwrap_or_default()
    }

    fn tables<'v, 't>(
        &mut self,
        place: &Place<'v, 't>,
        key: &str,
        what: &str,
    ) -> Vec<Place<'v, 't>> {
        let Some(value) = place.get(key) else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in self.list(value, what) {
            let table = item.get_ref().as_table();
            tables.extend(self.or_wrong(table, item, what).map(|table| Place {
                table,
                at: item.span().start,
            }));
        }
        tables
    }

    fn or_wrong<T>(&mut self, found: Option<T>, value: &Value<'_>, what: &str) -> Option<T> {
        if found.is_none() {
            self.wrong(value.span().start, format!("expected {what}"));
        }
        found
    }
}
