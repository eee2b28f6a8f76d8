//! The other people in the org.
//!
//! Invariant: no two of them ever write the same text.

use super::super::mass::What;
use super::*;

impl Inner {
    /// Ids of leads, deleted or not.
    pub fn leads(&self, deleted: bool) -> Vec<String> {
        let soql = match deleted {
            true => "SELECT Id FROM Lead WHERE IsDeleted = true ORDER BY Id",
            false => "SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id",
        };
        let answer = self.control.query(soql).unwrap();
        let records = answer["records"].as_array().unwrap();
        records
            .iter()
            .map(|r| r["Id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The lead with a key of ours.
    pub fn with_key(&self, key: &str) -> Option<String> {
        let soql = format!("SELECT Id FROM Lead WHERE {KEY} = '{key}'");
        let answer = self.control.query(&soql).unwrap();
        let found = answer["records"].as_array().unwrap().first()?;
        Some(found["Id"].as_str().unwrap().to_owned())
    }

    /// Ids of all leads: live, converted, deleted.
    pub fn all_leads(&self) -> BTreeSet<String> {
        let answer = self
            .control
            .query("SELECT Id FROM Lead ORDER BY Id")
            .unwrap();
        let records = answer["records"].as_array().unwrap();
        let ids = records.iter().map(|r| r["Id"].as_str().unwrap().to_owned());
        ids.chain(self.leads(true)).collect()
    }

    /// A text that nobody wrote before.
    pub fn text(&mut self, field: &str) -> String {
        self.texts += 1;
        match (field, self.random.below(14)) {
            (_, 0) if !["LastName", "Company"].contains(&field) => String::new(),
            ("City", 1) => format!("bad {}", self.texts),
            ("Title", 1..6) if self.scope.is_some() => format!("{OUTSIDE} {}", self.texts),
            _ => format!("{} {}", field.to_lowercase(), self.texts),
        }
    }

    /// Somebody in the org does something.
    pub fn colleague(&mut self) {
        self.acts += 1;
        let Some(id) = self.random.pick(&self.leads(false)) else {
            return self.colleague_makes();
        };
        if self.unseen.as_ref().is_some_and(|u| u.1.contains(&id)) {
            return;
        }
        if self.notes.is_some() && self.random.one_in(3) {
            self.faults.happened(Fault::Notes);
            return self.colleague_writes_notes(&id);
        }
        if self.matches.is_some() && self.random.one_in(4) {
            return self.colleague_makes();
        }
        let has = |org: &Self, fault| org.faults.on && org.faults.has(fault);
        if has(self, Fault::Trimmed) && self.random.one_in(8) {
            return self.deletes_unseen(id);
        }
        match self.random.below(24) {
            0 if has(self, Fault::Deletes) => {
                self.faults.happened(Fault::Deletes);
                let done = self.control.delete(By::Colleague, &id);
                self.tell(format!("crm deletes {id} {}", done.is_ok()));
                self.deleted.insert(id, self.now);
            }
            1 | 2 if has(self, Fault::Deletes) => {
                if let Some(id) = self.random.pick(&self.leads(true)) {
                    let done = self.control.undelete(By::Colleague, &id);
                    self.tell(format!("crm undeletes {id} {}", done.is_ok()));
                    self.trimmed.remove(&id);
                    self.undeleted.insert(id);
                }
            }
            3 if has(self, Fault::Merges) => {
                if let Some(loser) = self.random.pick(&self.leads(false)).filter(|l| *l != id) {
                    self.faults.happened(Fault::Merges);
                    let done = self
                        .control
                        .merge(By::Colleague, &id, std::slice::from_ref(&loser));
                    self.tell(format!("crm merges {loser} into {id} {}", done.is_ok()));
                    if let Some(scope) = &mut self.scope {
                        scope.survives(&id);
                    }
                    if let Some(notes) = &mut self.notes {
                        notes.survivors.insert(id.clone());
                    }
                }
            }
            4 if has(self, Fault::Converts) => {
                self.faults.happened(Fault::Converts);
                let done = self.control.convert(By::Colleague, &id, None);
                self.tell(format!("crm converts {id} {}", done.is_ok()));
            }
            5 => self.colleague_makes(),
            6 if has(self, Fault::NotShown) => {
                self.tell(format!("crm hides {id}"));
                self.faults.happened(Fault::NotShown);
                self.not_shown.insert(id);
            }
            7 => self.not_shown.clear(),
            8 if has(self, Fault::FieldHidden) => {
                let field = ["Title", "City"][self.random.below(2)];
                self.tell(format!("crm hides {field}"));
                self.faults.happened(Fault::FieldHidden);
                self.hidden.insert(field);
                self.once_hidden.insert(field);
            }
            9 => self.hidden.clear(),
            _ => self.colleague_edits(id),
        }
    }

    /// Records of transactions that nobody has seen yet, and of those that are not shown.
    pub fn unseen_records(&self) -> u64 {
        let unseen = self.unseen.as_ref().map_or(0, |unseen| unseen.1.len());
        let hidden = if self.hidden.is_empty() {
            0
        } else {
            self.leads(false).len()
        };
        (unseen + self.not_shown.len() + self.trimmed.len() + hidden) as u64
    }

    /// Somebody does the same with this record as with all others.
    pub fn one_of_them(&mut self, id: String, what: What) {
        if self.unseen.as_ref().is_some_and(|u| u.1.contains(&id)) {
            return;
        }
        if what == What::Delete {
            let done = self.control.delete(By::Colleague, &id);
            self.tell(format!("crm deletes {id} {}", done.is_ok()));
            return;
        }
        let text = match what {
            What::Empty => String::new(),
            _ => {
                self.texts += 1;
                format!("title {}", self.texts)
            }
        };
        self.writes_text(&id, "Title", text);
    }

    /// A delete that no window has, and perhaps nobody else.
    fn deletes_unseen(&mut self, id: String) {
        let mut done = self.control.delete(By::Colleague, &id);
        let purged = self.random.one_in(2);
        if purged && done.is_ok() {
            done = self.control.purge(&id);
        }
        self.tell(format!(
            "crm deletes {id} unseen, purged {purged} {}",
            done.is_ok()
        ));
        if done.is_ok() {
            self.faults.happened(Fault::Trimmed);
            self.deleted.insert(id.clone(), self.now);
            self.trimmed.insert(id);
        }
    }

    pub(super) fn colleague_edits(&mut self, id: String) {
        let mut field = FIELDS[self.random.below(FIELDS.len())];
        let only = self.scope.as_ref().map(|scope| scope.only);
        if let Some(only) = only.filter(|_| self.random.one_in(2)) {
            field = only.fields()[self.random.below(only.fields().len())];
            self.faults.happened(Fault::Leaves);
        }
        let text = match field {
            "City" => {
                self.texts += 1;
                format!("city {}", self.texts)
            }
            field => self.text(field),
        };
        self.writes_text(&id, field, text);
    }

    /// A colleague gives a field a value.
    fn writes_text(&mut self, id: &str, field: &str, text: String) {
        let value = if text.is_empty() {
            Json::Null
        } else {
            Json::from(text.clone())
        };
        let fields: Map<String, Json> = [(field.to_owned(), value)].into_iter().collect();
        let late = self.strikes(Fault::SeenLate);
        let done = if late {
            let until = self.now + 1_000 * self.random.below(UNSEEN as usize) as i64;
            let unseen = self.unseen.get_or_insert((until, BTreeSet::new()));
            unseen.1.insert(id.to_owned());
            self.control.update_unseen(By::Colleague, id, &fields)
        } else {
            self.control.update(By::Colleague, id, &fields)
        };
        let seen = if late { "seen later" } else { "" };
        self.tell(format!(
            "crm {id} {field} := {text:?} {seen} {}",
            done.is_ok()
        ));
        if done.is_ok() {
            // What the org made of it is what somebody reads there.
            let text = if late { text } else { self.value(id, field) };
            let place = (id.to_owned(), field.to_owned(), text);
            self.by_people.insert(place);
        }
    }

    /// A colleague gives a field this text, and it is seen at once.
    pub(in crate::sim::engine) fn gives(&mut self, id: &str, field: &str, text: &str) {
        let fields: Map<String, Json> =
            [(field.to_owned(), Json::from(text))].into_iter().collect();
        let done = self.control.update(By::Colleague, id, &fields);
        let told = notes::told(text);
        self.tell(format!("crm {id} {field} := {told:?} {}", done.is_ok()));
    }

    /// A colleague makes a record.
    pub fn colleague_makes(&mut self) {
        let mut fields = Map::new();
        for field in ["LastName", "Company", "Title"] {
            self.texts += 1;
            let mut text = format!("{} {}", field.to_lowercase(), self.texts);
            if field == "Title" && self.scope.is_some() && self.random.one_in(3) {
                text = format!("{OUTSIDE} {}", self.texts);
            }
            fields.insert(field.to_owned(), Json::from(text));
        }
        if let Some([name, company]) = self.identity() {
            fields.insert("LastName".to_owned(), Json::from(name));
            fields.insert("Company".to_owned(), Json::from(company));
        }
        let parent = ["Banking", "Energy"][self.texts / 3 % 2];
        let mut whole = fields.clone();
        whole.insert(PARENT.to_owned(), Json::from(parent));
        let made = self.control.create(By::Colleague, "Lead", &whole);
        self.tell(format!("crm makes {made:?}"));
        if let Ok(id) = made {
            if let Some(matches) = &mut self.matches {
                matches.made_there(&id);
            }
            for (name, value) in fields {
                let text = value.as_str().unwrap_or_default().to_owned();
                self.by_people.insert((id.clone(), name, text));
            }
        }
    }

    /// Nothing goes wrong any more.
    pub fn calm(&mut self) {
        self.faults.on = false;
        self.hidden.clear();
        self.not_shown.clear();
        self.tell("calm".into());
    }
}
