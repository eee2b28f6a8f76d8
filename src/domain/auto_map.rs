//! Which fields of the two sides probably belong together, and which are not mapped yet.
//!
//! Fields are compared by name, by label and by kind; every offer has its points and says what
//! they are for. It changes no mapping. Invariants: a field is offered once at most, and never
//! one that a row has already or that cannot be mapped.

use std::collections::BTreeSet;

use super::check::{Family, kind_name};
use super::id::FieldName;
use super::id::RowId;
use super::mapping::{
    AppField, Blanks, Creates, Flow, Foreign, Pair, Refresh, Row, Strategy, Switch,
};
use super::schema::{FieldInfo, ObjectInfo};
use super::text::fold;
use super::transform::{Chain, Side};
use super::value::FieldKind;

/// Points an offer has at least.
pub const OFFERED: u8 = 55;
/// Points from which on an offer is taken with all the others.
pub const SURE: u8 = 80;
/// Points of the same name, or the same label.
const NAME: usize = 60;
/// Points of the same kind, and of one that holds the same sort of value.
const KIND: [usize; 2] = [40, 25];
/// Percent of their words that two names have in common at least.
const ALIKE: usize = 50;

/// Words that mean the same in names of fields.
const SAME: &[&[&str]] = &[
    &["phone", "telephone", "tel"],
    &["mobile", "cell", "cellphone"],
    &["email", "mail"],
    &["notes", "note", "description", "comments", "comment"],
    &["postal", "postcode", "zip"],
    &["state", "province", "region"],
    &["website", "url", "web", "homepage"],
    &["title", "position", "job"],
    &["company", "organisation", "organization", "account"],
    &["stage", "phase"],
    &["birthdate", "birthday", "born", "dob"],
    &["amount", "sum"],
    &["employees", "headcount", "staff"],
];

/// Last words of names that say nothing of what the field is about.
const EMPTY: &[&str] = &["name", "address", "number", "value"];

/// Two fields that probably belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Field of the App.
    pub app: FieldName,
    /// Field of the CRM.
    pub crm: FieldName,
    /// 0 to 100.
    pub points: u8,
    /// What the points are for.
    pub why: String,
    /// The way the CRM allows.
    pub flow: Flow,
    /// The CRM makes no record without it.
    pub required: bool,
}

impl Offer {
    /// The row it stands for, with the rule of its pair for conflicts.
    pub fn row(&self, id: RowId) -> Row {
        Row {
            id,
            app: vec![self.app.clone()],
            crm: vec![self.crm.clone()],
            flow: self.flow,
            to_crm: Chain::default(),
            to_app: Chain::default(),
            strategy: Strategy::Inherit,
            blanks: Blanks::default(),
            switch: Switch::On,
        }
    }
}

/// Fields without a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped {
    /// Of the App table, in its order.
    pub app: Vec<FieldName>,
    /// Of the CRM object, those that may be written.
    pub crm: Vec<FieldName>,
    /// Those of them without which the CRM makes no record, where records are made.
    pub wanted: Vec<FieldName>,
}

/// The fields of both sides that no row has.
pub fn unmapped(pair: &Pair, object: &ObjectInfo) -> Unmapped {
    let crm: Vec<&FieldInfo> = free_crm(pair, object)
        .filter(|f| f.createable || f.updateable)
        .collect();
    let wanted = crm.iter().filter(|f| is_wanted(pair, f));
    Unmapped {
        app: free_app(pair).map(|f| f.name.clone()).collect(),
        wanted: wanted.map(|f| f.name.clone()).collect(),
        crm: crm.iter().map(|f| f.name.clone()).collect(),
    }
}

/// What probably belongs together: first what the CRM wants, then by points.
pub fn offers(pair: &Pair, object: &ObjectInfo) -> Vec<Offer> {
    let common = words(&format!("{} {}", object.name, pair.table));
    let mut all: Vec<Offer> = free_app(pair)
        .flat_map(|app| free_crm(pair, object).map(move |crm| (app, crm)))
        .filter_map(|(app, crm)| offer(pair, &common, app, crm))
        .collect();
    // Names decide where points do not, so that the same mapping gives the same offers.
    all.sort_by(|a, b| {
        let by_points = b.points.cmp(&a.points);
        by_points.then_with(|| (&a.app, &a.crm).cmp(&(&b.app, &b.crm)))
    });
    let mut taken: BTreeSet<FieldName> = BTreeSet::new();
    let mut given: BTreeSet<FieldName> = BTreeSet::new();
    all.retain(|offer| {
        let free = !taken.contains(&offer.app) && !given.contains(&offer.crm);
        if free {
            taken.insert(offer.app.clone());
            given.insert(offer.crm.clone());
        }
        free
    });
    all.sort_by_key(|offer| !offer.required);
    all
}

fn free_app(pair: &Pair) -> impl Iterator<Item = &AppField> {
    let has = |name: &FieldName| pair.rows.iter().any(|row| row.app.contains(name));
    pair.app_fields.iter().filter(move |f| !has(&f.name))
}

fn free_crm<'o>(pair: &Pair, object: &'o ObjectInfo) -> impl Iterator<Item = &'o FieldInfo> {
    let rows = pair.rows.iter().flat_map(|row| row.crm.iter());
    let has: BTreeSet<FieldName> = rows.chain(&pair.key_field).cloned().collect();
    let fields = object.fields.values();
    fields.filter(move |f| f.kind != FieldKind::Opaque && !has.contains(&f.name))
}

fn is_wanted(pair: &Pair, field: &FieldInfo) -> bool {
    pair.create_in_crm == Creates::Allowed && field.required()
}

fn offer(pair: &Pair, common: &[String], app: &AppField, crm: &FieldInfo) -> Option<Offer> {
    let (kind, kinds) = kind_points(app.kind, crm.kind)?;
    let by_name = alike(common, app.name.as_str(), crm.name.as_str());
    let by_label = alike(common, app.name.as_str(), &crm.label);
    let (percent, what) = match by_name >= by_label {
        true => (by_name, "name".to_owned()),
        false => (by_label, format!("label \"{}\"", crm.label)),
    };
    let points = u8::try_from(percent * NAME / 100 + kind).unwrap_or(u8::MAX);
    if percent < ALIKE || points < OFFERED {
        return None;
    }
    let same = match percent {
        100 => format!("same {what}"),
        _ => format!("{what} alike"),
    };
    let flow = flow(crm);
    let mut why = format!("{same}; {kinds}");
    if crm.length > 0 && app.length > crm.length && flow.writes(Side::Crm) {
        why.push_str(&format!("; {} characters there at most", crm.length));
    }
    Some(Offer {
        app: app.name.clone(),
        crm: crm.name.clone(),
        points,
        why,
        flow,
        required: is_wanted(pair, crm),
    })
}

/// The way that the CRM allows.
fn flow(crm: &FieldInfo) -> Flow {
    match (crm.calculated, crm.updateable) {
        (true, _) => Flow::Computed(Refresh::Nightly),
        (false, true) => Flow::Both,
        (false, false) => Flow::ToApp(Foreign::Keep),
    }
}

/// Points of two kinds, with words for them; none where one cannot hold the other.
fn kind_points(app: FieldKind, crm: FieldKind) -> Option<(usize, String)> {
    let [same, like] = KIND;
    // An id says nothing without a step that finds the record.
    let reference = app == FieldKind::Reference || crm == FieldKind::Reference;
    let number = |kind| matches!(kind, FieldKind::Number { .. });
    match app == crm || number(app) && number(crm) {
        true => Some((same, format!("both hold {}", kind_name(crm)))),
        false if Family::of(app) == Family::of(crm) && !reference => {
            let words = format!("{} and {}", kind_name(app), kind_name(crm));
            Some((like, words))
        }
        false => None,
    }
}

/// Percent of their words that two names have in common; none when they end in another word, which
/// says what a field is: `companyIndustry` is an industry and no company.
fn alike(common: &[String], one: &str, other: &str) -> usize {
    let (one, other) = (words(one), words(other));
    if one.concat() == other.concat() {
        return 100;
    }
    let (one, other) = (own(common, one), own(common, other));
    if one.last() != other.last() {
        return 0;
    }
    let (one, other): (BTreeSet<_>, BTreeSet<_>) = (one.iter().collect(), other.iter().collect());
    let both = one.intersection(&other).count();
    (both * 200)
        .checked_div(one.len() + other.len())
        .unwrap_or(0)
}

/// The words that say something: `contactEmail` of a Contact is its e-mail, and `companyName` its
/// company. A field that is called as the object, or by such a word alone, stays what it is.
fn own(common: &[String], words: Vec<String>) -> Vec<String> {
    let mut rest = words.clone();
    rest.retain(|word| !common.contains(word));
    if rest.is_empty() {
        rest = words;
    }
    if rest.len() > 1
        && rest
            .last()
            .is_some_and(|word| EMPTY.contains(&word.as_str()))
    {
        rest.pop();
    }
    rest
}

/// The words of a name such as `contactEmail`, `MailingCity` or `App_Id__c`, in small letters and
/// with one word for those that mean the same.
fn words(name: &str) -> Vec<String> {
    let name = name.strip_suffix("__c").unwrap_or(name);
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for c in name.chars() {
        let new = c.is_uppercase() && !before.is_uppercase() || !c.is_alphanumeric();
        if new && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.push(c);
        }
        before = c;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words.iter().map(|word| meaning(&fold(word))).collect()
}

fn meaning(word: &str) -> String {
    let group = SAME.iter().find(|group| group.contains(&word));
    let one = match word.strip_suffix('s') {
        Some(one) if !one.ends_with('s') && one.len() > 2 => one,
        _ => word,
    };
    let first = group.and_then(|group| group.first()).copied();
    first.unwrap_or(one).to_owned()
}

#[cfg(test)]
mod tests;
