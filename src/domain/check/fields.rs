//! Checks of a row by its fields: that they exist, may be written, agree in kind and length.

use super::Checker;
use super::kinds::{Family, kind_name};
use super::pair::suggest;
use crate::domain::currency;
use crate::domain::id::{FieldName, PairName};
use crate::domain::mapping::{Creates, Flow, Row};
use crate::domain::schema::FieldInfo;
use crate::domain::transform::{Chain, Side, Step};
use crate::domain::value::FieldKind;

impl Checker<'_> {
    pub(super) fn row_fields(&mut self, row: &Row) {
        if row.app.is_empty() || row.crm.is_empty() {
            self.fail(
                Some(row),
                "the row has no field on one side",
                "name a field of the App and one of Salesforce",
            );
            return;
        }
        self.app_fields_exist(row);
        let crm = self.crm_fields_exist(row);
        for field in &crm {
            self.may_be_written(row, field);
        }
        self.chains(row);
        self.appends(row, &crm);
        if crm.len() == row.crm.len() {
            self.kinds(row, &crm);
            if let ([app], [field]) = (row.app.as_slice(), crm.as_slice()) {
                self.lengths(row, app, field);
            }
        }
        self.references(row, &crm);
        self.currency(row);
    }

    /// Amounts go with their currency (sync-semantics 22).
    fn currency(&mut self, row: &Row) {
        let Some(object) = self.object else { return };
        if let Some(amount) = currency::apart(self.pair, row, object) {
            self.fail(
                Some(row),
                format!(
                    "the org has several currencies, and {amount} is not in one row with {}",
                    currency::CURRENCY
                ),
                currency::fix(amount),
            );
        }
    }

    fn app_fields_exist(&mut self, row: &Row) {
        let known = &self.pair.app_fields;
        if known.is_empty() {
            return;
        }
        for name in &row.app {
            if known.iter().all(|f| f.name != *name) {
                let fix = suggest(name.as_str(), known.iter().map(|f| f.name.as_str()));
                self.fail(
                    Some(row),
                    format!("the App table {} has no field {name}", self.pair.table),
                    fix.unwrap_or_else(|| "add it to the fields of the App table".into()),
                );
            }
        }
    }

    fn crm_fields_exist(&mut self, row: &Row) -> Vec<FieldInfo> {
        let Some(object) = self.object else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for name in &row.crm {
            match object.field(name.as_str()) {
                Some(field) => found.push(field.clone()),
                None => {
                    let names = object.fields.keys().map(FieldName::as_str);
                    let fix = suggest(name.as_str(), names);
                    self.fail(
                        Some(row),
                        format!(
                            "{} has no field {name}, or the sync user may not see it",
                            object.name
                        ),
                        fix.unwrap_or_else(|| {
                            "choose another field, or give the sync user access to it".into()
                        }),
                    );
                }
            }
        }
        found
    }

    fn may_be_written(&mut self, row: &Row, field: &FieldInfo) {
        let name = &field.name;
        if field.kind == FieldKind::Opaque {
            self.fail(
                Some(row),
                format!("{name} is made of parts or holds a file and cannot be mapped"),
                "map its parts, such as MailingCity instead of MailingAddress",
            );
            return;
        }
        if !row.flow.writes(Side::Crm) {
            self.may_change_unseen(row, field);
            return;
        }
        let one_way = "set the direction to <--";
        if field.calculated {
            self.fail(
                Some(row),
                format!("{name} is computed by Salesforce and cannot be written"),
                one_way,
            );
        } else if !field.updateable && !field.createable {
            self.fail(
                Some(row),
                format!("{name} cannot be written by the sync user"),
                format!("{one_way}, or give the sync user access to the field"),
            );
        } else if !field.updateable {
            self.fail(
                Some(row),
                format!("{name} can be set when a record is made, and never changed"),
                one_way,
            );
        } else if !field.createable
            && self.pair.create_in_crm == Creates::Allowed
            && self.pair.key_field.is_some()
        {
            self.fail(
                Some(row),
                format!("{name} cannot be set when a record is made, so creates would be refused"),
                format!("{one_way}, or turn creation in Salesforce off"),
            );
        }
    }

    /// A formula gives another value without a trace (sync-semantics 4.6).
    fn may_change_unseen(&mut self, row: &Row, field: &FieldInfo) {
        if field.calculated && !matches!(row.flow, Flow::Computed(_)) {
            self.warn(
                Some(row),
                format!(
                    "{} is computed by Salesforce: when its value changes alone, that is not seen \
                     before somebody changes the record",
                    field.name
                ),
                "set the direction to computed_nightly, or computed_every_N_hours",
            );
        }
    }

    /// Every chain gives as many values as the other side has fields.
    fn chains(&mut self, row: &Row) {
        for toward in [Side::Crm, Side::App] {
            let chain = row.chain(toward);
            let way = way(toward);
            if !row.flow.writes(toward) {
                if !chain.is_empty() {
                    self.warn(
                        Some(row),
                        format!("the change on the way {way} is never used in this direction"),
                        "remove it, or set the direction to <->",
                    );
                }
                continue;
            }
            let (from, to) = match toward {
                Side::Crm => (row.app.len(), row.crm.len()),
                Side::App => (row.crm.len(), row.app.len()),
            };
            if chain.arity(from) != Some(to) {
                let given = chain.arity(from).map_or_else(
                    || "do not fit together".to_owned(),
                    |n| format!("give {}", values(n)),
                );
                let fix = match (from, to) {
                    (1, 2) => "split_name makes two values of one",
                    (_, 1) => "concat(\" \") makes one value of several",
                    _ => "name as many fields on one side as on the other",
                };
                self.fail(
                    Some(row),
                    format!(
                        "on the way {way}, the steps for {} {given}, and {} needed",
                        values(from),
                        if to == 1 {
                            "one is".into()
                        } else {
                            format!("{to} are")
                        }
                    ),
                    fix,
                );
            }
        }
    }

    fn appends(&mut self, row: &Row, crm: &[FieldInfo]) {
        if !row.flow.appends() {
            return;
        }
        if row.app.len() != 1 || row.crm.len() != 1 {
            self.fail(
                Some(row),
                "appending works with one field on each side",
                "make a row of its own for each field",
            );
        }
        for field in crm {
            match field.kind {
                FieldKind::LongText => {}
                FieldKind::Text => self.warn(
                    Some(row),
                    format!(
                        "{} has one line of {} characters, which appended text fills soon",
                        field.name, field.length
                    ),
                    "append to a long text field",
                ),
                _ => self.fail(
                    Some(row),
                    format!(
                        "{} holds {}, and only text can be appended to",
                        field.name,
                        kind_name(field.kind)
                    ),
                    "choose a long text field, or another direction",
                ),
            }
        }
    }

    fn kinds(&mut self, row: &Row, crm: &[FieldInfo]) {
        let app: Vec<_> = row.app.iter().map(|f| self.pair.app_kind(f)).collect();
        let crm_kinds: Vec<_> = crm.iter().map(|f| f.kind).collect();
        for toward in [Side::Crm, Side::App] {
            if !row.flow.writes(toward) {
                continue;
            }
            let (from, to, names) = match toward {
                Side::Crm => (&app, &crm_kinds, &row.crm),
                Side::App => (&crm_kinds, &app, &row.app),
            };
            let after = families(row.chain(toward), from);
            for ((family, kind), name) in after.iter().zip(to).zip(names) {
                let wanted = Family::of(*kind);
                // An opaque field has its own finding.
                if *family == wanted || wanted == Family::Opaque || *family == Family::Opaque {
                    continue;
                }
                self.fail(
                    Some(row),
                    format!(
                        "{name} holds {}, and what comes is {}",
                        kind_name(*kind),
                        family.name()
                    ),
                    wanted.remedy(*kind, toward),
                );
            }
        }
        self.decimals(row, &app, &crm_kinds);
    }

    fn decimals(&mut self, row: &Row, app: &[FieldKind], crm: &[FieldKind]) {
        let ([FieldKind::Number { scale: ours }], [FieldKind::Number { scale: theirs }]) =
            (app, crm)
        else {
            return;
        };
        let rounded = |chain: &Chain| chain.0.iter().any(|s| matches!(s, Step::Number(_)));
        if ours > theirs && row.flow.writes(Side::Crm) && !rounded(&row.to_crm) {
            self.warn(
                Some(row),
                format!("the App keeps {ours} decimals and Salesforce {theirs}"),
                format!("add number({theirs}) on the way to Salesforce"),
            );
        }
    }

    fn lengths(&mut self, row: &Row, app: &FieldName, field: &FieldInfo) {
        let ours = self.pair.app_fields.iter().find(|f| f.name == *app);
        let Some(ours) = ours else { return };
        let texts = Family::of(ours.kind) == Family::Text && Family::of(field.kind) == Family::Text;
        // Ids and picklist values have the length they have.
        let fixed = |kind| matches!(kind, FieldKind::Picklist | FieldKind::Reference);
        if !texts || fixed(ours.kind) || fixed(field.kind) || field.length == 0 {
            return;
        }
        let (app_max, crm_max) = (ours.length, field.length);
        let append = row.flow.appends();
        let to_crm = bound(&row.to_crm, app_max);
        if row.flow.writes(Side::Crm) && !append && to_crm.is_none_or(|n| n > crm_max) {
            let (app_says, fix) = match to_crm {
                Some(n) if n != app_max => (
                    format!("and the change on its way give up to {n} characters"),
                    format!("add cut({crm_max}) at the end of the way to Salesforce"),
                ),
                limit => (
                    limit.map_or_else(
                        || "has no limit".to_owned(),
                        |n| format!("takes {n} characters"),
                    ),
                    format!(
                        "give {app} a length of {crm_max}, or add cut({crm_max}) on the way to \
                         Salesforce only"
                    ),
                ),
            };
            self.warn(
                Some(row),
                format!(
                    "{app} {app_says} and {} takes {crm_max}: a longer text would be refused",
                    field.name
                ),
                fix,
            );
        }
        let to_app = bound(&row.to_app, crm_max);
        if row.flow.writes(Side::App) && app_max > 0 && to_app.is_none_or(|n| n > app_max) {
            self.warn(
                Some(row),
                format!(
                    "{} takes {crm_max} characters and {app} {app_max}: longer text comes",
                    field.name
                ),
                format!("give {app} a length of {crm_max}"),
            );
        }
    }

    fn references(&mut self, row: &Row, crm: &[FieldInfo]) {
        for toward in [Side::Crm, Side::App] {
            for step in &row.chain(toward).0 {
                match step {
                    Step::Link(to) => self.link_exists(row, to, crm),
                    Step::User | Step::UserOr(_) => self.points_to(row, crm, "User", "user"),
                    _ => {}
                }
            }
        }
        // Both chains usually say the same.
        self.found.dedup();
    }

    fn link_exists(&mut self, row: &Row, to: &PairName, crm: &[FieldInfo]) {
        let known = std::iter::once(self.pair).chain(self.rivals());
        let names: Vec<(PairName, String)> = known
            .map(|p| (p.name.clone(), p.object.to_string()))
            .collect();
        match names.iter().find(|(name, _)| name == to) {
            Some((_, object)) => self.points_to(row, crm, object, &format!("link({to})")),
            None => {
                let fix = suggest(to.as_str(), names.iter().map(|(n, _)| n.as_str()));
                self.fail(
                    Some(row),
                    format!("link({to}) names a pair that does not exist"),
                    fix.unwrap_or_else(|| format!("add a pair {to}, or link to another one")),
                );
            }
        }
    }

    fn points_to(&mut self, row: &Row, crm: &[FieldInfo], object: &str, step: &str) {
        for field in crm {
            let to = &field.reference_to;
            if field.kind == FieldKind::Reference && to.iter().any(|o| o.as_str() == object) {
                continue;
            }
            let (text, fix) = if field.kind == FieldKind::Reference {
                let to: Vec<&str> = to.iter().map(|o| o.as_str()).collect();
                (
                    format!(
                        "{} points to {}, and {step} gives a {object}",
                        field.name,
                        to.join(" or ")
                    ),
                    "use the pair of that object".to_owned(),
                )
            } else {
                (
                    format!(
                        "{step} gives the id of a record, and {} holds none",
                        field.name
                    ),
                    "map a reference field, or remove the step".to_owned(),
                )
            };
            self.fail(Some(row), text, fix);
        }
    }
}

/// What comes out of a chain when these kinds go in.
fn families(chain: &Chain, from: &[FieldKind]) -> Vec<Family> {
    let mut now: Vec<Family> = from.iter().map(|k| Family::of(*k)).collect();
    for step in &chain.0 {
        now = match step {
            Step::Number(_) => vec![Family::Number; now.len()],
            Step::Date => vec![Family::Date; now.len()],
            Step::Concat(_) => vec![Family::Text],
            Step::SplitName => vec![Family::Text; 2],
            Step::Constant(_) | Step::Map { .. } | Step::Link(_) | Step::User | Step::UserOr(_) => {
                vec![Family::Text; now.len()]
            }
            _ => now,
        };
    }
    now
}

/// Most characters after a chain, when `length` (0 for no limit) go in at most.
fn bound(chain: &Chain, length: u32) -> Option<u32> {
    let mut now = (length > 0).then_some(length);
    for step in &chain.0 {
        now = match step {
            Step::Cut(n) => Some(now.map_or(*n, |now| now.min(*n))),
            Step::Prefix(text) => now.map(|n| n.saturating_add(characters(text))),
            Step::Constant(text) => Some(characters(text)),
            Step::Map { pairs, other } => pairs
                .iter()
                .map(|(_, to)| to)
                .chain(other)
                .map(|to| characters(to))
                .max(),
            _ => now,
        };
    }
    now
}

fn characters(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

fn values(n: usize) -> String {
    if n == 1 {
        "one value".into()
    } else {
        format!("{n} values")
    }
}

pub(super) fn way(toward: Side) -> &'static str {
    match toward {
        Side::Crm => "to Salesforce",
        Side::App => "to the App",
    }
}
