//! The data an org starts with, the same for the same seed number and start time.
//!
//! Puts records straight into the tables: some break today's validation rules, as records made
//! before a rule do in a real org.

mod demo;
mod file;

use rust_decimal::Decimal;

use super::{
    dml::derive::{STAGES, person_name},
    ids::SfId,
    names,
    org::{Org, Record},
    schema::ObjIx,
    time::DAY,
    value::Value,
};
pub use demo::demo;
pub use file::records;

/// A small generator of numbers (splitmix64): fast, and the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The next number of a state.
    pub fn step(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        Self::step(&mut self.0) % n.max(1)
    }
    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        // Lists are constants and never empty.
        &list[self.below(list.len() as u64) as usize]
    }
    /// True once in `n` times.
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// How many of each there are.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub leads: usize,
    pub accounts: usize,
    pub contacts: usize,
    pub opportunities: usize,
    pub cases: usize,
    pub tasks: usize,
}

impl Sizes {
    /// In the proportions of the demo, from the number of leads.
    pub fn of_leads(leads: usize) -> Self {
        let part = |n: usize| leads.saturating_mul(n).div_ceil(10_000);
        Self {
            leads,
            accounts: part(1300),
            contacts: part(4000),
            opportunities: part(900),
            cases: part(200),
            tasks: part(400),
        }
    }
}

struct Seeder<'o> {
    org: &'o mut Org,
    random: Random,
    now: i64,
    users: Vec<SfId>,
}

/// Puts what every org has: itself, its users, the values of its picklists. Gives the id of the
/// integration user.
pub fn base(org: &mut Org, now: i64, edition: Edition) -> SfId {
    let mut seeder = Seeder {
        org,
        random: Random(1),
        now,
        users: Vec::new(),
    };
    seeder.setup(edition)
}

/// What kind of org it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edition {
    #[default]
    Sandbox,
    Production,
}

fn opt(text: impl Into<String>) -> Value {
    Value::text(text)
}

impl Seeder<'_> {
    /// Puts one record. Times are when it was made and last changed.
    fn put(&mut self, object: &str, times: (i64, i64), values: Vec<(&str, Value)>) -> SfId {
        let Some(ix) = self.org.schema.object(object) else {
            return SfId::MIN;
        };
        let id = self.org.next_id(ix);
        let (maker, changer) = (self.author(), self.author());
        let mut record = Record::new(id, maker.unwrap_or(id), times.0);
        record.modified = times.1;
        record.stamp = times.1;
        record.modified_by = changer.unwrap_or(id);
        self.fill(ix, &mut record, values);
        person_name(self.org, ix, &mut record);
        self.org.insert(ix, record);
        self.org.accept();
        id
    }

    fn fill(&self, object: ObjIx, record: &mut Record, values: Vec<(&str, Value)>) {
        for (name, value) in values {
            if let Some(ix) = self.org.schema.at(object).field(name) {
                record.set(ix, value);
            }
        }
    }

    fn author(&mut self) -> Option<SfId> {
        match self.users.len() {
            0 => None,
            n => self
                .users
                .get(1 + self.random.below(n as u64 - 1) as usize)
                .copied(),
        }
    }

    /// An owner: a user who is active.
    fn owner(&mut self) -> Value {
        let active = self.users.len().saturating_sub(1) as u64;
        let at = self.random.below(active) as usize;
        self.users.get(at).map_or(Value::Null, |id| Value::Id(*id))
    }

    /// When a record was made and last changed, in the two years before now.
    fn times(&mut self) -> (i64, i64) {
        let made = self.now - 3600 - self.random.below(730 * DAY as u64) as i64;
        let age = (self.now - 1800 - made).max(1) as u64;
        let changed = match self.random.one_in(3) {
            true => made,
            false => made + self.random.below(age) as i64,
        };
        (made, changed)
    }

    fn setup(&mut self, edition: Edition) -> SfId {
        let old = (self.now - 900 * DAY, self.now - 800 * DAY);
        let sandbox = edition == Edition::Sandbox;
        if let Some(ix) = self.org.schema.object("Organization") {
            let id = self.org.org_id;
            let mut record = Record::new(id, id, old.0);
            let values = vec![
                ("Name", opt(self.org.name.clone())),
                ("IsSandbox", Value::Bool(sandbox)),
                ("OrganizationType", opt("Enterprise Edition")),
                ("InstanceName", opt("SYN1S")),
                ("LanguageLocaleKey", opt("en_US")),
                ("DefaultLocaleSidKey", opt("en_US")),
                ("TimeZoneSidKey", opt("GMT")),
                ("Country", opt("DE")),
                ("FiscalYearStartMonth", Value::Int(1)),
            ];
            self.fill(ix, &mut record, values);
            self.org.insert(ix, record);
        }
        let profile = self.put(
            "Profile",
            old,
            vec![
                ("Name", opt("Standard User")),
                ("UserType", opt("Standard")),
            ],
        );
        let mut users = Vec::new();
        for (i, (first, last, title)) in names::USER.iter().enumerate() {
            let name = match i {
                0 => "integration".to_owned(),
                _ => format!("user{i}"),
            };
            let id = self.put(
                "User",
                old,
                vec![
                    ("Username", opt(format!("{name}@sandbox.example.com"))),
                    ("FirstName", opt(*first)),
                    ("LastName", opt(*last)),
                    ("Title", opt(*title)),
                    ("Email", opt(format!("{name}@sandbox.example.com"))),
                    ("Alias", opt(name.chars().take(8).collect::<String>())),
                    ("CommunityNickname", opt(name.clone())),
                    ("IsActive", Value::Bool(i + 1 < names::USER.len())),
                    ("TimeZoneSidKey", opt("GMT")),
                    ("LocaleSidKey", opt("en_US")),
                    ("LanguageLocaleKey", opt("en_US")),
                    ("EmailEncodingKey", opt("UTF-8")),
                    ("UserType", opt("Standard")),
                    ("ProfileId", Value::Id(profile)),
                ],
            );
            users.push(id);
        }
        self.put(
            "Group",
            old,
            vec![
                ("Name", opt("Inbound Leads")),
                ("DeveloperName", opt("Inbound_Leads")),
                ("Type", opt("Queue")),
            ],
        );
        for (object, name) in [
            ("Account", "Business"),
            ("Account", "Partner"),
            ("Lead", "Inbound"),
            ("Lead", "Event"),
        ] {
            self.put(
                "RecordType",
                old,
                vec![
                    ("Name", opt(name)),
                    ("DeveloperName", opt(name)),
                    ("SobjectType", opt(object)),
                    ("IsActive", Value::Bool(true)),
                ],
            );
        }
        let statuses = [
            "Open - Not Contacted",
            "Working - Contacted",
            "Closed - Converted",
            "Closed - Not Converted",
        ];
        for (i, name) in statuses.iter().enumerate() {
            self.put(
                "LeadStatus",
                old,
                vec![
                    ("MasterLabel", opt(*name)),
                    ("ApiName", opt(*name)),
                    ("SortOrder", Value::Int(i as i64 + 1)),
                    ("IsDefault", Value::Bool(i == 0)),
                    ("IsConverted", Value::Bool(i == 2)),
                ],
            );
        }
        for (i, stage) in STAGES.iter().enumerate() {
            self.put(
                "OpportunityStage",
                old,
                vec![
                    ("MasterLabel", opt(stage.name)),
                    ("ApiName", opt(stage.name)),
                    ("IsActive", Value::Bool(true)),
                    ("SortOrder", Value::Int(i as i64 + 1)),
                    ("IsClosed", Value::Bool(stage.closed)),
                    ("IsWon", Value::Bool(stage.won)),
                    ("ForecastCategory", opt(stage.forecast)),
                    ("ForecastCategoryName", opt(stage.forecast)),
                    (
                        "DefaultProbability",
                        Value::Num(Decimal::from(stage.probability)),
                    ),
                ],
            );
        }
        self.org.commit();
        users.first().copied().unwrap_or(SfId::MIN)
    }
}
