//! What the org does with a request of our user, and what it shows of its records.
//!
//! Looks at every value that is replaced. Invariant: what our user writes is written by the
//! sandbox org itself, with its own rules.

use syncdeck::crm::salesforce::pushdown::push;

use super::super::coverage::LEFT_OUT;
use super::super::scope;
use super::*;

impl Inner {
    pub(in crate::sim::engine) fn value(&self, id: &str, field: &str) -> String {
        let record = self.control.get_fields(id, &[field]).ok();
        let text = record.and_then(|r| r[field].as_str().map(str::to_owned));
        text.unwrap_or_default()
    }

    /// What a history asks of a lead: what is said of the record, and the fields that take part.
    /// The whole record costs five times as much.
    pub(in crate::sim::engine) fn lead(&self, id: &str) -> Result<Json, Fail> {
        self.control.get_fields(id, &ASKED)
    }

    /// When a lead was written last.
    pub(in crate::sim::engine) fn stamp(&self, id: &str) -> Timestamp {
        let record = self
            .control
            .get_fields(id, &["SystemModstamp"])
            .unwrap_or_default();
        instant(record["SystemModstamp"].as_str().unwrap())
    }

    /// Carries out one write as our user, and remembers of whom one was refused.
    pub(super) fn execute(&mut self, one: &One, sent: u64) -> WriteResult {
        let result = self.does(one, sent);
        if let WriteResult::Refused(_) = result {
            self.refusals.was_refused(one);
        }
        result
    }

    /// Carries out one write as our user, and looks at what it replaces.
    fn does(&mut self, one: &One, sent: u64) -> WriteResult {
        let refused = |code: &str, class| WriteResult::Refused(refusal(code, class));
        let id = match one {
            One::Create(_) => None,
            One::Update(id, ..) | One::Delete(id) => Some(id.to_string()),
        };
        let held = self.strikes(Fault::RowLocked);
        let row = self.strikes(Fault::RowRefused);
        let unseen = self.unseen.as_ref();
        if held
            || id
                .as_ref()
                .is_some_and(|id| unseen.is_some_and(|u| u.1.contains(id)))
        {
            return refused("UNABLE_TO_LOCK_ROW", ErrorClass::TransientRow);
        }
        if row {
            return refused("SOMETHING_NEW", ErrorClass::Collateral);
        }
        if self.strikes(Fault::RowTrouble) {
            let (code, class) = [
                ("CANNOT_EXECUTE_FLOW_TRIGGER", ErrorClass::Automation),
                ("STORAGE_LIMIT_EXCEEDED", ErrorClass::Capacity),
                ("INVALID_FIELD_FOR_INSERT_UPDATE", ErrorClass::Schema),
                ("SOMETHING_NEW", ErrorClass::Unknown),
            ][self.random.below(4)];
            self.tell(format!("  refused {code}"));
            return refused(code, class);
        }
        let made = match one {
            One::Create(fields) if self.is_there(fields).is_some() => {
                let there = self.is_there(fields).unwrap();
                return self.does(&One::Update(there, fields.clone(), None), sent);
            }
            One::Create(fields) => {
                let bad = |v: &Value| v.to_string().starts_with("bad");
                if fields.values().any(bad) {
                    return self.refuse(one);
                }
                let made = self.control.create(By::Integration, "Lead", &json(fields));
                if let Ok(id) = &made {
                    self.wrote(id, fields, sent);
                    if let Some(key) = fields.get(KEY).map(ToString::to_string) {
                        self.keys.entry(key).or_default().push((id.clone(), sent));
                    }
                }
                made
            }
            One::Update(id, fields, since) => {
                let id = id.to_string();
                let record = self.lead(&id).unwrap_or_default();
                let modified = record["LastModifiedDate"].as_str().map(instant);
                if fields.values().any(|v| v.to_string().starts_with("bad")) {
                    return self.refuse(one);
                }
                let guard = since.filter(|_| self.switch != Switch::NoGuard);
                if guard.is_some_and(|since| modified.is_some_and(|m| m > since)) {
                    return refused("PRECONDITION", ErrorClass::Precondition);
                }
                let before: Vec<(String, String)> = fields
                    .keys()
                    .map(|name| (name.to_string(), self.value(&id, name.as_str())))
                    .collect();
                let done = self.control.update(By::Integration, &id, &json(fields));
                if done.is_ok() {
                    for (name, was) in before {
                        if name == notes::THERE {
                            self.notes_become(&id, &was, &fields[notes::THERE].to_string());
                        }
                        self.replaced(&id, &name, was, fields);
                    }
                    self.wrote(&id, fields, sent);
                }
                done.map(|()| id)
            }
            One::Delete(id) => {
                let id = id.to_string();
                self.control.delete(By::Integration, &id).map(|()| id)
            }
        };
        match made {
            Ok(id) => {
                self.writes += 1;
                self.tell(format!("  done {id}"));
                WriteResult::Applied(id.parse().unwrap())
            }
            Err(fail) => {
                self.tell(format!("  refused {}", fail.code));
                WriteResult::Refused(error_of(&fail))
            }
        }
    }

    /// The record that a create changes where it is an upsert.
    fn is_there(&self, fields: &Fields) -> Option<CrmId> {
        let key = fields.get(KEY).filter(|_| self.switch == Switch::Upsert)?;
        let (id, _) = self.keys.get(&key.to_string())?.last()?;
        let live = self.leads(false).contains(id);
        live.then(|| id.parse().unwrap())
    }

    /// A value that a rule of the org does not take; the same is not to be sent again.
    pub(super) fn refuse(&mut self, one: &One) -> WriteResult {
        let told = self.told(one);
        let told = told.split(" if ").next().unwrap_or_default().to_owned();
        if let Some(what) = self.refusals.again(told, self.faults.on) {
            self.breaks("I25", what);
        }
        let mut error = trouble("FIELD_CUSTOM_VALIDATION_EXCEPTION", Effect::None);
        error.class = ErrorClass::Data;
        WriteResult::Refused(error)
    }

    /// I3: a value that somebody gave is only replaced when an answer had shown it.
    pub(super) fn replaced(&mut self, id: &str, field: &str, was: String, fields: &Fields) {
        let key = (id.to_owned(), field.to_owned(), was.clone());
        let now = fields[field].to_string();
        if was.is_empty() || was == now || !self.by_people.contains(&key) {
            return;
        }
        if field != UNGUARDED && !self.observed.contains(&key) {
            self.breaks("I3", format!("{id} {field} {was:?} became {now:?} unseen"));
        }
        if field != UNGUARDED {
            self.overwritten.push(key);
        }
    }

    /// I8: no field goes back to an older value of ours.
    pub(super) fn wrote(&mut self, id: &str, fields: &Fields, sent: u64) {
        for (name, value) in fields {
            let place = (id.to_owned(), name.to_string());
            let values = self.by_us.entry(place).or_default();
            let newest = values.iter().map(|(_, at)| *at).max();
            let stale = newest.is_some_and(|newest| newest > sent);
            values.push((value.to_string(), sent));
            if stale {
                self.breaks("I8", format!("{id} {name} goes back to {value}"));
            }
        }
    }

    pub(super) fn row(&mut self, record: &Json, fields: &[FieldName]) -> CrmRow {
        let id: CrmId = record["Id"].as_str().unwrap().parse().unwrap();
        let presence = match record {
            r if r["MasterRecordId"].is_string() => {
                CrmPresence::Merged(r["MasterRecordId"].as_str().unwrap().parse().unwrap())
            }
            r if r["IsDeleted"] == true => CrmPresence::Deleted,
            r if r["IsConverted"] == true => CrmPresence::Converted,
            _ => CrmPresence::Live,
        };
        let mut values = Fields::new();
        for name in fields {
            if self.hidden.contains(name.as_str()) {
                continue;
            }
            assert!(
                ASKED.contains(&name.as_str()),
                "{name} is not asked of a lead"
            );
            let text = record[name.as_str()].as_str().unwrap_or_default();
            let key = (id.to_string(), name.to_string(), text.to_owned());
            self.observed.insert(key);
            values.insert(name.clone(), Value::text(text));
        }
        if let Some(scope) = &mut self.scope {
            scope.shows(&id, &values);
        }
        CrmRow {
            id,
            fields: values,
            stamp: instant(record["SystemModstamp"].as_str().unwrap()),
            modified: instant(record["LastModifiedDate"].as_str().unwrap()),
            modified_by: record["LastModifiedById"]
                .as_str()
                .and_then(|id| id.parse().ok()),
            presence,
        }
    }

    pub(super) fn pages(
        &mut self,
        query: &ChangeQuery,
        at: Timestamp,
    ) -> Result<ChangePage, CrmError> {
        let since = query
            .since
            .map(|since| format!(" WHERE SystemModstamp >= {since}"));
        let matching = query.matching.as_ref();
        let matching = matching.and_then(|it| push(&it.filter, &query.object, it.at).condition);
        if matching.is_some() {
            self.coverage.met(LEFT_OUT.to_owned());
        }
        let soql = format!(
            "SELECT Id, IsDeleted, SystemModstamp FROM Lead{}{} ORDER BY SystemModstamp, Id",
            since.unwrap_or_default(),
            match (query.since, &matching) {
                (_, None) => String::new(),
                (Some(_), Some(matching)) => format!(" AND {matching}"),
                (None, Some(matching)) => format!(" WHERE {matching}"),
            }
        );
        let answer = self.control.query(&soql).map_err(|f| error_of(&f))?;
        let records = answer["records"].as_array().cloned().unwrap_or_default();
        let mut rows = Vec::new();
        for record in records {
            let id = record["Id"].as_str().unwrap();
            if query.since.is_some() && self.trimmed.contains(id) {
                continue;
            }
            let record = self.lead(id).unwrap();
            let left_out = self.switch == Switch::FilteredWindow && query.since.is_some();
            if left_out && scope::stays_away(self, id) {
                continue;
            }
            let row = self.row(&record, &query.fields);
            let after = query.after;
            let until = query.until;
            if after.is_none_or(|(stamp, id)| (row.stamp, row.id) > (stamp, id))
                && until.is_none_or(|until| row.stamp < until)
            {
                rows.push(row);
            }
        }
        let wide = rows.first().zip(rows.last());
        let seconds = wide.map_or(0, |(a, b)| b.stamp.duration_since(a.stamp).as_secs());
        if seconds > 1 && self.strikes(Fault::QueryTimeout) {
            self.tell("  takes too long".into());
            return Err(trouble("QUERY_TIMEOUT", Effect::None));
        }
        let total = rows.len() as u64;
        let mut chunks: Vec<Vec<CrmRow>> = rows.chunks(ROWS).map(<[_]>::to_vec).collect();
        let first = if chunks.is_empty() {
            Vec::new()
        } else {
            chunks.remove(0)
        };
        let names: Vec<String> = chunks
            .iter()
            .enumerate()
            .map(|(i, _)| format!("{}-{i}", self.calls))
            .collect();
        // The pages are made now: when they are asked for is a matter of threads.
        for (i, rows) in chunks.into_iter().enumerate() {
            let page = match self.strikes(Fault::CursorLost) {
                true => Err(trouble("INVALID_QUERY_LOCATOR", Effect::None)),
                false => Ok((rows, names.get(i + 1).cloned(), at)),
            };
            self.pages.insert(names[i].clone(), page);
        }
        Ok(ChangePage {
            rows: first,
            moved: Vec::new(),
            next: names.first().map(|name| Cursor(name.clone())),
            total,
            at,
        })
    }
}
