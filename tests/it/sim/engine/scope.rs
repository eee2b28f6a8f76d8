//! The pair's filter as the simulation sees it (I47, sync-semantics 19): which leads belong to the
//! pair, and what may not happen to the others.
//!
//! Knows nothing of the product's filters. Invariant: a lead counts as seen inside only when an
//! answer has shown it there.

use std::collections::{BTreeMap, BTreeSet};

use syncdeck::domain::id::{AppId, CrmId, PairName};
use syncdeck::domain::mapping::Leaves;
use syncdeck::domain::record::{AppRecord, CrmPresence, Link, LinkState};
use syncdeck::domain::value::Fields;
use syncdeck::engine::state::State;
use syncdeck::engine::tables::LINKS;

use super::coverage::{CAME_BACK, LEFT, UNLINKED};
use super::org::{FIELDS, Inner};
use super::world::{HERE, PERSON, World};
use crate::sim::random::Random;

/// A filter, by what it asks of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// Its title does not begin with [`OUTSIDE`].
    NotOutside,
    /// The same, and it has a city.
    WithCity,
}

/// How titles begin that are outside.
pub const OUTSIDE: &str = "outside";

impl Only {
    /// As the product reads it.
    pub fn text(self) -> &'static str {
        match self {
            Self::NotOutside => "-Title:outside",
            Self::WithCity => "-City:null -Title:outside",
        }
    }

    /// Fields that it asks for, the title first.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::NotOutside => &["Title"],
            Self::WithCity => &["Title", "City"],
        }
    }

    /// Whether a lead with these values belongs to the pair; none where one of them is not known.
    pub fn takes(self, value: impl Fn(&str) -> Option<String>) -> Option<bool> {
        let values = self.fields().iter().map(|field| value(field));
        let values = values.collect::<Option<Vec<String>>>()?;
        let named = values[1..].iter().all(|value| !value.is_empty());
        Some(named && !values[0].starts_with(OUTSIDE))
    }

    fn takes_fields(self, fields: &Fields) -> Option<bool> {
        self.takes(|name| fields.get(name).map(ToString::to_string))
    }
}

/// The filter of a history, and what is known of leads by it.
#[derive(Debug, Clone)]
pub struct Scope {
    pub only: Only,
    pub on_leave: Leaves,
    /// Leads that an answer showed inside.
    shown: BTreeSet<String>,
    /// Leads that others were merged into: a link may move to one that was never seen inside.
    survivors: BTreeSet<String>,
}

impl Scope {
    pub fn of(random: &mut Random) -> Self {
        Self {
            only: [Only::NotOutside, Only::WithCity][random.below(2)],
            on_leave: Leaves::ALL[random.below(Leaves::ALL.len())],
            shown: BTreeSet::new(),
            survivors: BTreeSet::new(),
        }
    }

    /// An answer shows these values.
    pub fn shows(&mut self, id: &CrmId, fields: &Fields) {
        if self.only.takes_fields(fields) == Some(true) {
            self.shown.insert(id.to_string());
        }
    }

    /// Another lead was merged into this one.
    pub fn survives(&mut self, id: &str) {
        self.survivors.insert(id.to_owned());
    }
}

/// Whether a lead belongs to the pair, by what the org has.
fn inside(org: &Inner, only: Only, id: &str) -> bool {
    let record = org
        .control
        .get_fields(id, only.fields())
        .unwrap_or_default();
    let value = |field: &str| Some(record[field].as_str().unwrap_or_default().to_owned());
    only.takes(value) == Some(true)
}

/// Whether a lead never belonged to the pair as far as anybody was told, nor did we make it.
fn never_inside(org: &Inner, scope: &Scope, id: &str) -> bool {
    let ours = || org.keys.values().flatten().any(|(made, _)| made == id);
    !scope.shown.contains(id) && !scope.survivors.contains(id) && !ours()
}

/// A write to this lead is about to leave.
pub fn leaving(org: &mut Inner, state: &State, id: &CrmId) {
    let Some(scope) = org.scope.clone() else {
        return;
    };
    let text = id.to_string();
    if never_inside(org, &scope, &text) {
        org.breaks("I47", format!("{id} never was inside, and is written"));
    }
    let name = PairName::new("leads");
    let Some(app_id) = state.by_crm(&name, id).unwrap() else {
        return;
    };
    let Some(link) = state.link(&name, &app_id).unwrap() else {
        return;
    };
    let known = link.seen.as_ref().map(|seen| &seen.fields);
    let known = known.and_then(|fields| scope.only.takes_fields(fields));
    let rests = matches!(link.state, LinkState::OutOfScope | LinkState::Closed);
    if scope.on_leave != Leaves::Continue && (rests || known == Some(false)) {
        let what = format!("{id} is written and is {:?}, inside {known:?}", link.state);
        org.breaks("I47", what);
    }
}

/// Looks at the App's records of links that rest or ended: no run may write them.
#[derive(Debug, Default)]
pub struct Watch {
    resting: BTreeMap<AppId, (LinkState, u64)>,
    found: Vec<String>,
    met: Vec<&'static str>,
}

impl Watch {
    pub fn look(&mut self, state: &State) {
        let mut resting = BTreeMap::new();
        for row in state.store().scan(&LINKS, &[]) {
            let (_, link) = row.unwrap();
            if !matches!(link.state, LinkState::OutOfScope | LinkState::Closed) {
                continue;
            }
            let app = state.app_record(&"leads".into(), &link.app_id).unwrap();
            let Some(app) = app else { continue };
            self.rests(&link, &app);
            resting.insert(link.app_id, (link.state, app.rev));
        }
        let rests = |at: &LinkState| *at == LinkState::OutOfScope;
        let before = std::mem::replace(&mut self.resting, resting);
        let back = before
            .iter()
            .filter(|(id, (at, _))| rests(at) && !self.resting.contains_key(*id));
        self.met.extend(back.map(|_| CAME_BACK));
        for (id, (at, _)) in &self.resting {
            if !before.contains_key(id) {
                self.met.extend(rests(at).then_some(LEFT));
            }
        }
    }

    fn rests(&mut self, link: &Link, app: &AppRecord) {
        let by_run = app.changed_by != PERSON;
        match self.resting.get(&link.app_id) {
            Some((was, rev)) if *was == link.state && *rev != app.rev && by_run => {
                let what = format!("{} is {:?}, and was written", link.app_id, link.state);
                self.found.push(what);
            }
            None if link.state == LinkState::Closed => {
                let live = |seen: &_| matches!(seen, CrmPresence::Live);
                let live = link.seen.as_ref().is_some_and(|seen| live(&seen.presence));
                self.met.extend(live.then_some(UNLINKED));
            }
            _ => {}
        }
    }

    /// Tells the org what was seen.
    pub fn tell(&mut self, org: &mut Inner) {
        for what in self.met.drain(..) {
            org.coverage.met(what.to_owned());
        }
        for what in self.found.drain(..) {
            org.breaks("I47", what);
        }
    }

    /// The process ended: what is left may be older.
    pub fn forget(&mut self) {
        self.resting.clear();
    }
}

/// At rest, what is outside is outside, and what came back is back.
pub fn at_rest(world: &World<'_>) {
    let mut org = world.org.inner();
    let Some(scope) = org.scope.clone() else {
        return;
    };
    let state = world.state();
    let name = PairName::new("leads");
    for id in org.leads(false) {
        let crm_id: CrmId = id.parse().unwrap();
        let Some(app_id) = state.by_crm(&name, &crm_id).unwrap() else {
            continue;
        };
        if never_inside(&org, &scope, &id) {
            org.breaks("I47", format!("{id} never was inside, and is linked"));
        }
        let asked = !state.open_conflicts(&name, &app_id).unwrap().is_empty();
        let link = state.link(&name, &app_id).unwrap();
        let at = link.map(|link| link.state);
        let is_inside = inside(&org, scope.only, &id);
        let fits = match at {
            Some(LinkState::OutOfScope) => !is_inside || asked,
            Some(LinkState::Active) => is_inside || scope.on_leave == Leaves::Continue,
            _ => true,
        };
        if !fits {
            org.breaks("I47", format!("{id} is {at:?}, inside {is_inside}"));
        }
    }
}

/// Whether an App record with these values is not made there (rule R1).
pub fn not_made(org: &Inner, app: &Fields) -> bool {
    let value = |there: &str| {
        let at = FIELDS.iter().position(|field| *field == there)?;
        let value = app.get(HERE[at]).map(ToString::to_string);
        Some(value.unwrap_or_default())
    };
    let scope = org.scope.as_ref();
    scope.is_some_and(|scope| scope.only.takes(value) == Some(false))
}

/// Whether a lead that nobody took in need not be here.
pub fn stays_away(org: &Inner, id: &str) -> bool {
    let scope = org.scope.as_ref();
    scope.is_some_and(|scope| !inside(org, scope.only, id))
}

/// Whether a field was hidden that says which leads belong to the pair: what is read then and not
/// known is left out, and read again when the field is shown.
pub fn is_untold(org: &Inner) -> bool {
    let asks = org.scope.iter().flat_map(|scope| scope.only.fields());
    asks.into_iter()
        .any(|field| org.once_hidden.contains(field))
}
