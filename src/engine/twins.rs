//! CRM records that are the same as one App record by the same matching rule: none of them is linked
//! by itself (rule R4).
//!
//! Which of them a window gives first is chance, so what a rule finds waits in the inbox until the
//! CRM was asked for its twins. Links nothing. Invariant: a record counts as alone only when all
//! that have its value were looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::alike::VALUES;
use super::ingest::asked_which;
use super::matcher::{Match, Matcher};
use super::planner;
use super::work::{Step, Work};
use crate::domain::id::{AppId, CrmId, FieldName};
use crate::domain::record::{CrmPresence, Observation, Source};

impl Work {
    /// What finds the App records of CRM records that no link knows.
    pub(super) fn matcher(&self) -> Step<Matcher> {
        let rules = self.cx.pair.pair.match_on.iter();
        let asked_by = rules.map(|rule| self.asked_by(rule).cloned()).collect();
        let matcher = Matcher::new(&self.state(), &self.cx)?;
        Ok(matcher.asking_by(asked_by))
    }

    /// App records that several CRM records are the same as, with those.
    pub(super) fn twins<'o>(
        &self,
        matcher: &Matcher,
        seen: impl Iterator<Item = &'o Observation>,
    ) -> Step<HashMap<AppId, Vec<CrmId>>> {
        let state = self.state();
        let tx = state.begin();
        let mut twins: HashMap<AppId, Vec<CrmId>> = HashMap::new();
        let mut values: BTreeMap<FieldName, BTreeSet<String>> = BTreeMap::new();
        for seen in seen {
            if tx.by_crm(self.cx.name(), &seen.id)?.is_some() {
                continue;
            }
            let Match::Rule(found, rule) = matcher.find(&tx, &self.cx, seen, self.now())? else {
                continue;
            };
            let ([app_id], Some(field)) = (found.as_slice(), matcher.asked_by(rule)) else {
                continue;
            };
            match asked_which(&tx, self.cx.name(), app_id)? {
                Some(candidates) => drop(twins.insert(app_id.clone(), candidates)),
                None => {
                    let value = seen.fields.get(field).and_then(|v| v.as_text());
                    let asked = values.entry(field.clone()).or_default();
                    asked.extend(value.map(str::to_owned));
                }
            }
        }
        let mut same: HashMap<AppId, BTreeSet<CrmId>> = HashMap::new();
        for (field, values) in values {
            let values: Vec<String> = values.into_iter().collect();
            for values in values.chunks(VALUES) {
                let crm = &self.tools.crm;
                let got = self.read(crm.find(&self.object, &field, values, &self.fields))?;
                let live = |row: &crate::crm::CrmRow| row.presence == CrmPresence::Live;
                for row in got.rows.into_iter().flatten().filter(live) {
                    if tx.by_crm(self.cx.name(), &row.id)?.is_some() {
                        continue;
                    }
                    let id = row.id;
                    let seen = planner::observation(row, got.at, Source::Probe);
                    let found = matcher.find(&tx, &self.cx, &seen, self.now())?;
                    if let Match::Rule(found, _) = found
                        && let [app_id] = found.as_slice()
                    {
                        same.entry(app_id.clone()).or_default().insert(id);
                    }
                }
            }
        }
        let several = same.into_iter().filter(|(_, ids)| ids.len() > 1);
        twins.extend(several.map(|(app_id, ids)| (app_id, ids.into_iter().collect())));
        Ok(twins)
    }
}
