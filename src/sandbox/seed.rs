//! The data an org starts with, the same for the same seed number and start time.
//!
//! Puts records straight into the tables: some break today's validation rules, as records made
//! before a rule do in a real org.

use rust_decimal::Decimal;

use super::{
    dml::derive::{STAGES, person_name},
    ids::SfId,
    names,
    org::{Org, Record},
    rules,
    schema::ObjIx,
    time::DAY,
    value::Value,
};

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

/// Puts the demo's records and rules on top.
pub fn demo(org: &mut Org, now: i64, sizes: Sizes, seed: u64) {
    let users: Vec<SfId> = match org.schema.object("User") {
        Some(user) => org.table(user).by_id.keys().copied().collect(),
        None => Vec::new(),
    };
    org.rules = rules::of_demo();
    let mut seeder = Seeder {
        org,
        random: Random(seed),
        now,
        users,
    };
    let accounts = seeder.accounts(sizes.accounts);
    let contacts = seeder.contacts(sizes.contacts, &accounts);
    seeder.opportunities(sizes.opportunities, &accounts);
    let leads = seeder.leads(sizes.leads, &accounts, &contacts);
    seeder.cases(sizes.cases, &accounts, &contacts);
    seeder.tasks(sizes.tasks, &contacts, &leads);
    org.commit();
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

    fn company(&mut self) -> String {
        let [a, b, c] = [
            *self.random.pick(&names::COMPANY),
            *self.random.pick(&names::COMPANY_KIND),
            *self.random.pick(&names::COMPANY_FORM),
        ];
        format!("{a} {b} {c}")
    }

    fn phone(&mut self) -> Value {
        let r = &mut self.random;
        let (area, rest) = (200 + r.below(700), r.below(10_000_000));
        opt(match r.below(4) {
            0 => format!("+49 {area} {rest:07}"),
            1 => format!("({area}) {:03}-{:04}", rest / 10_000, rest % 10_000),
            2 => format!("+1-{area}-{rest:07}"),
            _ => format!("0{area}/{rest}"),
        })
    }

    fn industry(&mut self) -> Value {
        let picks = [
            "Banking",
            "Biotechnology",
            "Construction",
            "Education",
            "Energy",
            "Finance",
            "Healthcare",
            "Manufacturing",
            "Retail",
            "Technology",
            "Transportation",
        ];
        match self.random.one_in(6) {
            true => Value::Null,
            false => opt(*self.random.pick(&picks)),
        }
    }

    fn source(&mut self) -> Value {
        match self.random.one_in(8) {
            true => Value::Null,
            false => opt(*self.random.pick(&[
                "Web",
                "Phone Inquiry",
                "Partner Referral",
                "Purchased List",
                "Other",
            ])),
        }
    }

    fn note(&mut self) -> Value {
        let n = self.random.below(4);
        let notes: Vec<&str> = (0..n).map(|_| *self.random.pick(&names::NOTE)).collect();
        opt(notes.join("\r\n"))
    }

    fn email(&mut self, first: &str, last: &str, i: usize) -> Value {
        let plain = |t: &str| -> String {
            t.chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
                .to_lowercase()
        };
        // A few people share an address, as families and small offices do.
        let number = if self.random.one_in(50) { i / 100 } else { i };
        match self.random.one_in(10) {
            true => Value::Null,
            false => {
                let local = format!("{}.{}{number}", plain(first), plain(last));
                let end = *self.random.pick(&["com", "org", "net"]);
                opt(format!(
                    "{}@mail.example.{end}",
                    local.trim_start_matches('.')
                ))
            }
        }
    }

    fn accounts(&mut self, count: usize) -> Vec<SfId> {
        (0..count)
            .map(|i| {
                let times = self.times();
                let (city, state, code, country) = *self.random.pick(&names::PLACE);
                let (name, phone, industry, note, owner) = (
                    self.company(),
                    self.phone(),
                    self.industry(),
                    self.note(),
                    self.owner(),
                );
                let street = format!(
                    "{} {}",
                    self.random.pick(&names::STREET),
                    1 + self.random.below(200)
                );
                let r = &mut self.random;
                let (revenue, staff) = (r.below(900) * 100_000, 1 + r.below(20_000));
                let kind = *r.pick(&[
                    "Prospect",
                    "Customer - Direct",
                    "Customer - Channel",
                    "Technology Partner",
                    "Other",
                ]);
                self.put(
                    "Account",
                    times,
                    vec![
                        ("Name", opt(name)),
                        ("Type", opt(kind)),
                        ("BillingStreet", opt(street)),
                        ("BillingCity", opt(city)),
                        ("BillingState", opt(state)),
                        ("BillingPostalCode", opt(code)),
                        ("BillingCountry", opt(country)),
                        ("Phone", phone),
                        (
                            "Website",
                            opt(format!("https://www.account{i}.example.com")),
                        ),
                        ("AccountNumber", opt(format!("A-{i:06}"))),
                        ("Industry", industry),
                        ("AnnualRevenue", Value::Num(Decimal::from(revenue))),
                        ("NumberOfEmployees", Value::Int(staff as i64)),
                        ("Description", note),
                        ("OwnerId", owner),
                    ],
                )
            })
            .collect()
    }

    fn contacts(&mut self, count: usize, accounts: &[SfId]) -> Vec<SfId> {
        (0..count)
            .map(|i| {
                let times = self.times();
                let (first, last) = (
                    *self.random.pick(&names::FIRST),
                    *self.random.pick(&names::LAST),
                );
                let (city, state, code, country) = *self.random.pick(&names::PLACE);
                let (email, phone, mobile, source, note, owner) = (
                    self.email(first, last, i),
                    self.phone(),
                    self.phone(),
                    self.source(),
                    self.note(),
                    self.owner(),
                );
                let account = match accounts.is_empty() || self.random.one_in(40) {
                    true => Value::Null,
                    false => Value::Id(*self.random.pick(accounts)),
                };
                let title = *self.random.pick(&names::TITLE);
                let out = self.random.one_in(25);
                self.put(
                    "Contact",
                    times,
                    vec![
                        ("FirstName", opt(first)),
                        ("LastName", opt(last)),
                        ("AccountId", account),
                        ("Email", email),
                        ("Phone", phone),
                        ("MobilePhone", mobile),
                        ("Title", opt(title)),
                        ("MailingCity", opt(city)),
                        ("MailingState", opt(state)),
                        ("MailingPostalCode", opt(code)),
                        ("MailingCountry", opt(country)),
                        ("LeadSource", source),
                        ("Description", note),
                        ("HasOptedOutOfEmail", Value::Bool(out)),
                        ("DoNotCall", Value::Bool(false)),
                        ("IsEmailBounced", Value::Bool(false)),
                        ("OwnerId", owner),
                    ],
                )
            })
            .collect()
    }

    fn opportunities(&mut self, count: usize, accounts: &[SfId]) {
        for i in 0..count {
            let times = self.times();
            let stage = *self.random.pick(&STAGES);
            let amount = Decimal::new(self.random.below(50_000_000) as i64, 2);
            // Some were won before the rule that asks for an amount.
            let known = !self.random.one_in(12);
            let close = (times.0 / DAY) as i32 + 30 + self.random.below(120) as i32;
            let (owner, note, source) = (self.owner(), self.note(), self.source());
            let account = match accounts.is_empty() {
                true => Value::Null,
                false => Value::Id(*self.random.pick(accounts)),
            };
            let expected =
                (amount * Decimal::from(stage.probability) / Decimal::ONE_HUNDRED).round_dp(2);
            self.put(
                "Opportunity",
                times,
                vec![
                    (
                        "Name",
                        opt(format!(
                            "Deal {:05} - {}",
                            i + 1,
                            names::COMPANY_KIND[i % names::COMPANY_KIND.len()]
                        )),
                    ),
                    ("AccountId", account),
                    ("StageName", opt(stage.name)),
                    (
                        "Amount",
                        if known {
                            Value::Num(amount)
                        } else {
                            Value::Null
                        },
                    ),
                    ("Probability", Value::Num(Decimal::from(stage.probability))),
                    (
                        "ExpectedRevenue",
                        if known {
                            Value::Num(expected)
                        } else {
                            Value::Null
                        },
                    ),
                    ("CloseDate", Value::Date(close)),
                    ("IsClosed", Value::Bool(stage.closed)),
                    ("IsWon", Value::Bool(stage.won)),
                    ("ForecastCategory", opt(stage.forecast)),
                    ("ForecastCategoryName", opt(stage.forecast)),
                    ("IsPrivate", Value::Bool(false)),
                    ("HasOpportunityLineItem", Value::Bool(false)),
                    ("LeadSource", source),
                    ("Description", note),
                    ("OwnerId", owner),
                ],
            );
        }
    }

    fn leads(&mut self, count: usize, accounts: &[SfId], contacts: &[SfId]) -> Vec<SfId> {
        (0..count)
            .map(|i| self.lead(i, accounts, contacts))
            .collect()
    }

    fn lead(&mut self, i: usize, accounts: &[SfId], contacts: &[SfId]) -> SfId {
        let times = self.times();
        let difficult = names::DIFFICULT.get(i);
        let (first, last) = (
            *self.random.pick(&names::FIRST),
            *self.random.pick(&names::LAST),
        );
        let (email, mut phone, industry, source, owner) = (
            self.email(first, last, i),
            self.phone(),
            self.industry(),
            self.source(),
            self.owner(),
        );
        let (company, note) = (self.company(), self.note());
        let (city, state, code, country) = *self.random.pick(&names::PLACE);
        let title = *self.random.pick(&names::TITLE);
        let r = &mut self.random;
        // Converted, deleted, and older than the rule about phones: the first few surely, so that
        // small orgs have them too.
        let converted = i == 20 || (difficult.is_none() && r.one_in(33));
        let deleted = i == 21 || (difficult.is_none() && !converted && r.one_in(50));
        if i == 22 || r.one_in(400) {
            phone = opt("ask for extension 12");
        }
        let status = match (converted, r.below(4)) {
            (true, _) => "Closed - Converted",
            (_, 0) => "Working - Contacted",
            (_, 1) => "Closed - Not Converted",
            _ => "Open - Not Contacted",
        };
        let rating = *r.pick(&["Hot", "Warm", "Cold", ""]);
        let (revenue, staff) = (r.below(500) * 10_000, 1 + r.below(5000));
        let description = match (i, difficult) {
            (_, Some((_, _, text))) => opt(*text),
            // Near the limit of 32,000 characters.
            (23, None) => opt(format!("{}end", "A long note that goes on, ".repeat(1230))),
            _ => note,
        };
        let mut values = vec![
            (
                "FirstName",
                if difficult.is_some() && i % 2 == 0 {
                    Value::Null
                } else {
                    opt(first)
                },
            ),
            ("LastName", opt(difficult.map_or(last, |d| d.0))),
            (
                "Company",
                opt(difficult.map_or(company, |d| d.1.to_owned())),
            ),
            ("Title", opt(title)),
            ("Email", email),
            ("Phone", phone),
            ("Website", opt(format!("https://lead{i}.example.com"))),
            ("City", opt(city)),
            ("State", opt(state)),
            ("PostalCode", opt(code)),
            ("Country", opt(country)),
            ("Industry", industry),
            ("LeadSource", source),
            ("Status", opt(status)),
            ("Rating", opt(rating)),
            ("AnnualRevenue", Value::Num(Decimal::from(revenue))),
            ("NumberOfEmployees", Value::Int(staff as i64)),
            ("Description", description),
            ("OwnerId", owner),
            ("IsConverted", Value::Bool(converted)),
            ("IsUnreadByOwner", Value::Bool(false)),
            ("HasOptedOutOfEmail", Value::Bool(false)),
        ];
        if converted {
            let to = |list: &[SfId]| {
                list.get(i % list.len().max(1))
                    .map_or(Value::Null, |id| Value::Id(*id))
            };
            values.push(("ConvertedDate", Value::Date((times.1 / DAY) as i32)));
            values.push(("ConvertedAccountId", to(accounts)));
            values.push(("ConvertedContactId", to(contacts)));
        }
        let id = self.put("Lead", times, values);
        if deleted
            && let Some((object, row)) = self.org.find(id)
            && let Some(mut record) = self.org.table(object).row(row).cloned()
        {
            record.deleted = true;
            self.org.put(object, row, Some(record));
        }
        id
    }

    fn cases(&mut self, count: usize, accounts: &[SfId], contacts: &[SfId]) {
        for i in 0..count {
            if accounts.is_empty() || contacts.is_empty() {
                return;
            }
            let times = self.times();
            let (owner, note) = (self.owner(), self.note());
            let status = *self.random.pick(&["New", "Working", "Escalated", "Closed"]);
            let closed = status == "Closed";
            let (account, contact) = (*self.random.pick(accounts), *self.random.pick(contacts));
            let origin = *self.random.pick(&["Phone", "Email", "Web"]);
            self.put(
                "Case",
                times,
                vec![
                    ("CaseNumber", opt(format!("{:08}", 1000 + i))),
                    ("AccountId", Value::Id(account)),
                    ("ContactId", Value::Id(contact)),
                    ("Status", opt(status)),
                    ("Priority", opt("Medium")),
                    ("Origin", opt(origin)),
                    ("Subject", opt(format!("Request {}", i + 1))),
                    ("Description", note),
                    ("IsClosed", Value::Bool(closed)),
                    (
                        "ClosedDate",
                        if closed {
                            Value::Stamp(times.1)
                        } else {
                            Value::Null
                        },
                    ),
                    ("IsEscalated", Value::Bool(status == "Escalated")),
                    ("OwnerId", owner),
                ],
            );
        }
    }

    fn tasks(&mut self, count: usize, contacts: &[SfId], leads: &[SfId]) {
        for i in 0..count {
            let people = if i % 2 == 0 { contacts } else { leads };
            if people.is_empty() {
                return;
            }
            let times = self.times();
            let owner = self.owner();
            let who = *self.random.pick(people);
            let done = self.random.one_in(2);
            let subject = *self.random.pick(&["Call", "Email", "Send Quote"]);
            self.put(
                "Task",
                times,
                vec![
                    ("WhoId", Value::Id(who)),
                    ("Subject", opt(subject)),
                    ("ActivityDate", Value::Date((times.0 / DAY) as i32 + 7)),
                    (
                        "Status",
                        opt(if done { "Completed" } else { "Not Started" }),
                    ),
                    ("Priority", opt("Normal")),
                    ("IsClosed", Value::Bool(done)),
                    ("IsHighPriority", Value::Bool(false)),
                    ("IsArchived", Value::Bool(false)),
                    ("IsReminderSet", Value::Bool(false)),
                    ("TaskSubtype", opt("Task")),
                    ("OwnerId", owner),
                ],
            );
        }
    }
}
