//! Creates of what is there already, because the org refused them as duplicates, or because the pair
//! leaves out records of the org: linked with the one that the pair's matching rules mean, or asked
//! about (sync-semantics 3.9, rule R1).
//!
//! What a duplicate rule of the org finds is only like it; the rules of the pair say what is the
//! same. Sends no write. Invariant: a record is linked by itself only with the one live, readable
//! record that no other App record is linked with and that the rules find.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::conflicts::{self, Sides};
use super::ingest::new_link;
use super::journal;
use super::matcher::{Match, Matcher};
use super::sender::Nth;
use super::tables::Intent;
use super::tx::{Durability, Tx};
use super::work::{Step, Work};
use crate::crm::{CrmError, CrmRow, MAX_RETRIEVE};
use crate::domain::conflict::Kind;
use crate::domain::id::{AppId, CrmId, FieldName, IntentId, RowId};
use crate::domain::mapping::Creates;
use crate::domain::record::{CrmPresence, Source};
use crate::domain::value::FieldKind;

/// Code of such a refusal.
pub(super) const CODE: &str = "DUPLICATES_DETECTED";
/// Values that one question may have.
pub(super) const VALUES: usize = 200;

/// Records that may be meant, and when they were read.
#[derive(Debug, Default)]
struct Candidates {
    rows: BTreeMap<CrmId, CrmRow>,
    at: Timestamp,
}

impl Work {
    /// Looks for what refused creates are like. Gives the records that have to be planned again.
    pub(super) fn alike(&mut self, refused: Vec<(Intent, CrmError)>, nth: Nth) -> Step<Vec<AppId>> {
        if refused.is_empty() {
            return Ok(Vec::new());
        }
        let named = refused.iter().filter_map(|(_, e)| e.record).collect();
        let (creates, errors): (Vec<_>, Vec<_>) = refused.into_iter().unzip();
        let errors: HashMap<IntentId, CrmError> =
            creates.iter().map(|i| i.id).zip(errors).collect();
        let found = self.candidates(&creates, named)?;
        let (others, again) = self.link_or_ask(creates, found)?;
        let state = self.state();
        let mut tx = state.begin();
        for intent in &others {
            if let Some(error) = errors.get(&intent.id) {
                self.put_aside(&mut tx, intent, &told(error), nth)?;
            }
        }
        self.commit(tx, Durability::Now)?;
        Ok(again)
    }

    /// Whether the CRM may have records that no window brings: the pair leaves some of them out.
    pub(super) fn leaves_out(&self) -> bool {
        let pair = &self.cx.pair.pair;
        let some = pair.create_in_app == Creates::Off || !pair.filter.is_empty();
        some && !pair.match_on.is_empty()
    }

    /// Takes the creates out of a batch whose record is there already by the matching rules, where
    /// no window would have brought it (rule R1). When nothing can be read, the batch is on the list
    /// again.
    pub(super) fn look_for_matches(&mut self, batch: &mut Vec<Intent>) -> Step<Vec<AppId>> {
        if batch.is_empty() || !self.leaves_out() {
            return Ok(Vec::new());
        }
        let found = match self.candidates(batch, BTreeSet::new()) {
            Ok(found) => found,
            Err(stop) => {
                self.give_back(batch)?;
                return Err(stop);
            }
        };
        let (others, again) = self.link_or_ask(std::mem::take(batch), found)?;
        *batch = others;
        Ok(again)
    }

    /// Links what is there once, asks about what is there several times; gives the creates of what
    /// is not there, and the records that have to be planned again.
    fn link_or_ask(
        &mut self,
        creates: Vec<Intent>,
        found: Candidates,
    ) -> Step<(Vec<Intent>, Vec<AppId>)> {
        let state = self.state();
        let mut same = Vec::new();
        let (mut others, mut again) = (Vec::new(), Vec::new());
        let mut tx = state.begin();
        for intent in creates {
            let matcher = Matcher::of(&state, &self.cx, &intent.app_id)?;
            let mut meant = Vec::new();
            for row in found.rows.values() {
                if self.is_meant(&tx, &matcher, row, &intent.app_id, found.at)? {
                    meant.push(row.clone());
                }
            }
            match meant.as_slice() {
                [] => {
                    others.push(intent);
                    continue;
                }
                [_] => {
                    journal::not_sent(&mut tx, &intent, self.now())?;
                    same.extend(meant.pop().map(|row| (matcher, row)));
                }
                several => {
                    let ids = several.iter().map(|row| row.id).collect();
                    self.ask_which(&mut tx, &intent, ids)?;
                }
            }
            again.push(intent.app_id);
        }
        self.commit(tx, Durability::Now)?;
        // They are taken in after their intents are closed: see `ingest::take`.
        let mut tx = state.begin();
        for (matcher, row) in same {
            self.take_back(&mut tx, &matcher, row, found.at, Source::Probe)?;
        }
        self.commit(tx, Durability::Soon)?;
        Ok((others, again))
    }

    /// Whether the rules say that a record is the one that an App record is.
    fn is_meant(
        &self,
        tx: &Tx<'_>,
        matcher: &Matcher,
        row: &CrmRow,
        id: &AppId,
        at: Timestamp,
    ) -> Step<bool> {
        let free = tx.by_crm(self.cx.name(), &row.id)?.is_none();
        if !free || row.presence != CrmPresence::Live {
            return Ok(false);
        }
        let seen = super::planner::observation(row.clone(), at, Source::Probe);
        let found = matcher.find(tx, &self.cx, &seen, self.now())?;
        Ok(match found {
            Match::None => false,
            Match::Key(found) => found == *id,
            Match::Rule(found, _) => found.as_slice() == std::slice::from_ref(id),
        })
    }

    /// Several records are the same by the rules: a person says which.
    fn ask_which(&mut self, tx: &mut Tx<'_>, intent: &Intent, candidates: Vec<CrmId>) -> Step<()> {
        let name = self.cx.name().clone();
        journal::not_sent(tx, intent, self.now())?;
        let link = tx.link(&name, &intent.app_id)?;
        let link = link.unwrap_or_else(|| new_link(&self.cx, &intent.app_id));
        let app = tx.app_record(&self.cx.pair.pair.table, &intent.app_id)?;
        let sides = Sides {
            app: app.as_ref(),
            seen: None,
        };
        let kind = Kind::AmbiguousMatch { candidates };
        let fresh = conflicts::of_record(tx, &self.cx, &link, kind, sides, self.now());
        conflicts::open(tx, fresh, self.now())?;
        self.asked(
            tx,
            &intent.app_id,
            "several records in Salesforce are like it; a person says which it is",
        )
    }

    /// Records that the org named, and those that share a field of a matching rule.
    fn candidates(&self, creates: &[Intent], named: BTreeSet<CrmId>) -> Step<Candidates> {
        let mut found = Candidates::default();
        let crm = &self.tools.crm;
        let named: Vec<CrmId> = named.into_iter().collect();
        for ids in named.chunks(MAX_RETRIEVE) {
            let got = self.read(crm.retrieve(&self.object, ids, &self.fields))?;
            found.take(got.rows, got.at);
        }
        for (field, values) in self.shared_values(creates) {
            let values: Vec<String> = values.into_iter().collect();
            for values in values.chunks(VALUES) {
                let got = self.read(crm.find(&self.object, &field, values, &self.fields))?;
                found.take(got.rows, got.at);
            }
        }
        Ok(found)
    }

    /// What is asked for: of each matching rule one field that may be asked for, with its values.
    fn shared_values(&self, creates: &[Intent]) -> BTreeMap<FieldName, BTreeSet<String>> {
        let mut asked: BTreeMap<FieldName, BTreeSet<String>> = BTreeMap::new();
        for rule in &self.cx.pair.pair.match_on {
            let Some(field) = self.asked_by(rule) else {
                continue;
            };
            let values = creates.iter().filter_map(|intent| {
                let value = intent.fields.get(field)?.as_text()?;
                (!value.is_empty()).then(|| value.to_owned())
            });
            asked.entry(field.clone()).or_default().extend(values);
        }
        asked
    }

    /// A field of a matching rule that records may be asked for by.
    pub(super) fn asked_by(&self, rule: &[RowId]) -> Option<&FieldName> {
        let rows = rule.iter().filter_map(|id| self.cx.pair.pair.row(*id));
        let mut fields = rows.flat_map(|row| &row.crm);
        fields.find(|name| self.may_be_asked_for(name))
    }

    fn may_be_asked_for(&self, name: &FieldName) -> bool {
        let field = self.object.field(name.as_str());
        field.is_some_and(|f| {
            let text = matches!(
                f.kind,
                FieldKind::Text | FieldKind::Email | FieldKind::Phone | FieldKind::Url
            );
            text && f.filterable
        })
    }
}

impl Candidates {
    fn take(&mut self, rows: Vec<Option<CrmRow>>, at: Timestamp) {
        self.at = at;
        let rows = rows.into_iter().flatten();
        self.rows.extend(rows.map(|row| (row.id, row)));
    }
}

/// The refusal with what it is like, as far as the org said so.
fn told(error: &CrmError) -> CrmError {
    let mut error = error.clone();
    if let Some(id) = error.record {
        error.message = format!("{} It is like {id}.", error.message);
    }
    error
}
