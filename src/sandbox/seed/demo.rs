//! The records of the demo: accounts, contacts, opportunities, leads, cases, tasks.
//!
//! Ordinary ones made of a list of words, and among the first leads every difficult one.

use rust_decimal::Decimal;

use super::{Random, Seeder, Sizes, opt};
use crate::sandbox::{
    dml::derive::STAGES, ids::SfId, names, org::Org, rules, time::DAY, value::Value,
};

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

impl Seeder<'_> {
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
                if difficult.is_some() && i.is_multiple_of(2) {
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
        // Nearly as long as a long text area can be, 131,072 characters of several bytes each.
        if i == 24 {
            values.push(("Research_Notes__c", opt("Größe 長い 🚀 ".repeat(11_915))));
        }
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
