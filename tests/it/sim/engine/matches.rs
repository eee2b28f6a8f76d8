//! Records that are on both sides before anything is linked (I49, sync-semantics 3.6 and rule R4):
//! who is linked with whom, by a matching rule on name and company.
//!
//! What can be said with certainty: a link is only made between records that had the same name and
//! company at some time; where one record of each side was the same before a run began, neither is
//! made anew on the other side; where one was the same as several, a person is asked first.
//! Invariant: nothing is expected of records that a person touched since the run began, nor of one
//! of which a create was ever sent, nor where another one once was the same.

use std::collections::{BTreeMap, BTreeSet};

use syncdeck::domain::conflict::{Conflict, Kind, State as Standing};
use syncdeck::domain::id::{AppId, CrmId, PairName, RowId};
use syncdeck::domain::record::Presence;
use syncdeck::domain::value::Fields;
use syncdeck::engine::state::State;
use syncdeck::engine::tables::{CONFLICTS, LINKS};

use super::coverage::{ASKED_WHICH, MATCHED};
use super::faults::Fault;
use super::mapping::row_of;
use super::org::{FIELDS, Inner, KEY, One};
use super::world::{HERE, World, app_records};

/// What records are the same by: name and company.
type Identity = [String; 2];

/// The places of those fields in [`FIELDS`].
const OF: [usize; 2] = [0, 1];

/// The matching rule of the pair.
pub fn rule() -> Vec<RowId> {
    OF.map(|at| row_of(FIELDS[at])).to_vec()
}

/// The records with an identity: of the App, and of the CRM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Group {
    here: BTreeSet<AppId>,
    there: BTreeSet<String>,
}

/// What is known of a history's records.
#[derive(Debug, Clone, Default)]
pub struct Matches {
    /// Identities that were given so far.
    given: usize,
    /// Records that people made.
    by_people: (BTreeSet<AppId>, BTreeSet<String>),
    /// Every identity that a record had.
    had: (
        BTreeMap<AppId, BTreeSet<Identity>>,
        BTreeMap<String, BTreeSet<Identity>>,
    ),
    /// Keys of records of which a create was sent.
    sent: BTreeSet<String>,
    /// As it was when the run began, what is the same and is not linked.
    before: BTreeMap<Identity, Group>,
}

fn pair() -> PairName {
    PairName::new("leads")
}

fn here(fields: &Fields) -> Identity {
    OF.map(|at| {
        fields
            .get(HERE[at])
            .map(ToString::to_string)
            .unwrap_or_default()
    })
}

fn there(org: &Inner, id: &str) -> Identity {
    let record = org.lead(id).unwrap_or_default();
    OF.map(|at| record[FIELDS[at]].as_str().unwrap_or_default().to_owned())
}

impl Inner {
    /// A name and a company for a record that somebody makes: often those of another one.
    pub fn identity(&mut self) -> Option<Identity> {
        let given = self.matches.as_ref()?.given;
        let number = match given > 0 && self.random.one_in(2) {
            true => given - self.random.below(given.min(3)),
            false => given + 1,
        };
        self.matches.as_mut()?.given = given.max(number);
        self.faults.happened(Fault::Matches);
        Some([format!("same {number}"), format!("of {number}")])
    }
}

impl Matches {
    /// Somebody made a record of the App.
    pub fn made_here(&mut self, id: &AppId) {
        self.by_people.0.insert(id.clone());
    }

    /// Somebody made a record of the CRM.
    pub fn made_there(&mut self, id: &str) {
        self.by_people.1.insert(id.to_owned());
    }

    fn asked(&self, log: &[Conflict], id: &AppId) -> bool {
        log.iter()
            .any(|c| c.app_id == *id && matches!(c.kind, Kind::AmbiguousMatch { .. }))
    }

    /// Whether a person said which one it is, or the question was decided in any other way.
    fn decided(&self, log: &[Conflict], id: &AppId) -> bool {
        let mut asked = log.iter().filter(|c| c.app_id == *id);
        asked.any(|c| {
            let which = matches!(c.kind, Kind::AmbiguousMatch { .. });
            which && (c.staged.is_some() || !matches!(c.state, Standing::Pending))
        })
    }

    /// What is the same now, whoever made it.
    fn groups(&mut self, org: &Inner, state: &State) -> BTreeMap<Identity, Group> {
        let mut groups: BTreeMap<Identity, Group> = BTreeMap::new();
        for record in app_records(state) {
            let identity = here(&record.fields);
            let had = self.had.0.entry(record.id.clone()).or_default();
            had.insert(identity.clone());
            if record.presence == Presence::Live {
                groups.entry(identity).or_default().here.insert(record.id);
            }
        }
        for id in org.leads(false) {
            let identity = there(org, &id);
            self.had
                .1
                .entry(id.clone())
                .or_default()
                .insert(identity.clone());
            groups.entry(identity).or_default().there.insert(id);
        }
        groups
    }

    /// Whether nothing was ever done about these records.
    fn untouched(&self, state: &State, group: &Group) -> bool {
        let name = pair();
        let mut here = group.here.iter();
        let mut there = group.there.iter();
        here.all(|id| {
            let link = state.link(&name, id).unwrap();
            let key = link.as_ref().and_then(|link| link.sync_key.clone());
            let linked = link.is_some_and(|link| link.crm_id.is_some());
            let sent = key.is_some_and(|key| self.sent.contains(key.as_str()));
            let open = state.open_intent(&name, id).unwrap().is_some();
            let asked = !state.open_conflicts(&name, id).unwrap().is_empty();
            self.by_people.0.contains(id) && !linked && !sent && !open && !asked
        }) && there.all(|id| {
            let id: CrmId = id.parse().unwrap();
            let linked = state.by_crm(&name, &id).unwrap().is_some();
            self.by_people.1.contains(&id.to_string()) && !linked
        })
    }

    /// Whether nobody else ever was the same: what was read of one may still wait to be taken in.
    fn always(&self, identity: &Identity, group: &Group) -> bool {
        let had = |ever: &BTreeSet<Identity>| ever.contains(identity);
        let here = self.had.0.iter().filter(|(_, ever)| had(ever));
        let there = self.had.1.iter().filter(|(_, ever)| had(ever));
        here.map(|(id, _)| id).eq(&group.here) && there.map(|(id, _)| id).eq(&group.there)
    }

    /// Looks at every link that is there: it is of two that were the same.
    fn links(&self, state: &State) -> Option<String> {
        state.store().scan(&LINKS, &[]).find_map(|row| {
            let (_, link) = row.unwrap();
            let id = link.crm_id?.to_string();
            let (people, had) = (&self.by_people, &self.had);
            if !people.0.contains(&link.app_id) || !people.1.contains(&id) {
                return None;
            }
            let (one, other) = (had.0.get(&link.app_id)?, had.1.get(&id)?);
            let never = one.is_disjoint(other);
            never.then(|| format!("{} {one:?} is linked with {id} {other:?}", link.app_id))
        })
    }
}

/// A write is about to leave.
pub fn leaving(org: &mut Inner, writes: &[One]) {
    let Some(matches) = &mut org.matches else {
        return;
    };
    for one in writes {
        if let One::Create(fields) = one {
            matches
                .sent
                .extend(fields.get(KEY).map(ToString::to_string));
        }
    }
}

/// A run is about to begin.
pub fn begins(org: &mut Inner, state: &State) {
    let Some(mut matches) = org.matches.take() else {
        return;
    };
    let groups = matches.groups(org, state).into_iter();
    let both = groups.filter(|(_, group)| !group.here.is_empty() && !group.there.is_empty());
    let both: Vec<_> = both
        .filter(|(same, group)| matches.untouched(state, group) && matches.always(same, group))
        .collect();
    matches.before = both.into_iter().collect();
    org.matches = Some(matches);
}

/// Whatever was the same when the run began and was touched by nobody is as it must be.
pub fn look(org: &mut Inner, state: &State) {
    let Some(mut matches) = org.matches.take() else {
        return;
    };
    let now = matches.groups(org, state);
    let mut found: Vec<String> = match org.faults.has(Fault::Merges) {
        // A link may have moved to the one that survived.
        true => Vec::new(),
        false => matches.links(state).into_iter().collect(),
    };
    let log: Vec<Conflict> = {
        let all = state.store().scan(&CONFLICTS, &[]);
        all.map(|row| row.unwrap().1).collect()
    };
    let before = std::mem::take(&mut matches.before);
    for (identity, was) in before {
        let is = now.get(&identity).cloned().unwrap_or_default();
        let (people, by_people) = (&matches.by_people, |is: &Group| Group {
            here: is
                .here
                .intersection(&matches.by_people.0)
                .cloned()
                .collect(),
            there: is
                .there
                .intersection(&matches.by_people.1)
                .cloned()
                .collect(),
        });
        if by_people(&is) != was {
            continue;
        }
        let made = is.here.difference(&people.0).count() + is.there.difference(&people.1).count();
        let of = |id: &AppId| {
            state
                .link(&pair(), id)
                .unwrap()
                .and_then(|link| link.crm_id)
        };
        let linked = was
            .here
            .iter()
            .find_map(|id| Some((id.clone(), of(id)?.to_string())));
        let decided = was.here.iter().any(|id| matches.decided(&log, id));
        let several = was.here.len() + was.there.len() > 2;
        match (several, linked) {
            _ if decided => {}
            (true, Some((id, with))) => {
                found.push(format!(
                    "{id} is linked with {with}, and it is one of {was:?}"
                ));
            }
            _ if made > 0 => found.push(format!("{identity:?} was {was:?} and is made: {is:?}")),
            (false, Some((id, with))) if !was.there.contains(&with) => {
                found.push(format!("{id} is linked with {with}, not as {was:?}"));
            }
            (false, Some(_)) => org.coverage.met(MATCHED.to_owned()),
            (true, None) if was.here.iter().any(|id| matches.asked(&log, id)) => {
                org.coverage.met(ASKED_WHICH.to_owned());
                matches.before.insert(identity, was);
            }
            (_, None) => drop(matches.before.insert(identity, was)),
        }
    }
    org.matches = Some(matches);
    for what in found {
        org.breaks("I49", what);
    }
}

/// At rest nothing is left that is the same and neither linked nor asked about.
pub fn at_rest(world: &World<'_>) {
    let state = world.state();
    let mut org = world.org.inner();
    look(&mut org, state);
    let Some(matches) = org.matches.clone() else {
        return;
    };
    for (identity, group) in &matches.before {
        let asked = |id: &AppId| !state.open_conflicts(&pair(), id).unwrap().is_empty();
        if !group.here.iter().any(asked) {
            let what = format!("{identity:?} is {group:?}, and nobody is asked");
            org.breaks("I49", what);
        }
    }
}

/// Whether a lead waits for a person to say which record it is.
pub fn waits(state: &State, id: &CrmId) -> bool {
    state.store().scan(&CONFLICTS, &[]).any(|row| {
        let (_, conflict): (_, Conflict) = row.unwrap();
        let candidates = match &conflict.kind {
            Kind::AmbiguousMatch { candidates } => candidates.as_slice(),
            _ => &[],
        };
        conflict.state.is_open() && candidates.contains(id)
    })
}
