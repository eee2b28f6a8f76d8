//! Records that are made on both sides and are the same by a rule of the pair (rules R3 and R4,
//! sync-semantics 3.6), as the simulation sees them.
//!
//! Compares texts as people wrote them. Invariant: only what nobody touched before the run that
//! met it, and what that run was shown, has to be recognised.

use syncdeck::domain::conflict::Kind;
use syncdeck::domain::id::{AppId, CrmId, PairName};
use syncdeck::domain::record::Presence;
use syncdeck::domain::run::{Run, RunState};
use syncdeck::domain::value::{Fields, Value};
use syncdeck::engine::state::State;
use syncdeck::engine::tables::{INBOX, Intent, Op, crm_key};
use syncdeck::sandbox::By;

use super::coverage::{MATCHED, SEVERAL};
use super::faults::Fault;
use super::org::{FIELDS, Inner, One};
use super::world::{HERE, World};

/// The same person, as often as they were made.
#[derive(Debug, Clone, Default)]
pub struct Twins {
    leads: Vec<CrmId>,
    apps: Vec<AppId>,
}

impl World<'_> {
    /// The same person is made on both sides, perhaps more than once on one of them.
    pub(super) fn makes_twins(&mut self) {
        let state = std::sync::Arc::clone(self.state());
        let mut org = self.org.inner();
        let (leads, apps) = [(1, 1), (1, 1), (2, 1), (1, 2)][org.random.below(4)];
        let by_city = org.random.one_in(3);
        org.texts += 1;
        let number = org.texts;
        let values = |nth: usize| -> Vec<(usize, String)> {
            match by_city {
                // Another name each time: the city alone is the same.
                true => vec![
                    (0, format!("lastname {number}-{nth}")),
                    (1, format!("company {number}-{nth}")),
                    (3, format!("CITY {number}")),
                ],
                false => vec![
                    (0, format!("lastname {number}")),
                    (1, format!("company {number}")),
                ],
            }
        };
        let mut twins = Twins::default();
        for nth in 0..leads {
            let fields = values(nth).into_iter();
            let fields = fields.map(|(at, text)| (FIELDS[at].to_owned(), text.into()));
            let made = org.control.create(By::Colleague, "Lead", &fields.collect());
            org.tell(format!("crm makes {made:?}, a twin"));
            twins
                .leads
                .extend(made.ok().map(|id| id.parse::<CrmId>().unwrap()));
        }
        for nth in leads..leads + apps {
            let fields = values(nth).into_iter();
            let fields = fields.map(|(at, text)| (HERE[at].into(), Value::text(text)));
            let id = self.people.makes(&state, &org, fields.collect::<Fields>());
            org.tell(format!("app makes {id:?}, a twin"));
            twins.apps.extend(id);
        }
        org.twins = (twins.leads.len() == leads && twins.apps.len() == apps).then_some(twins);
    }

    /// What was made before this run is recognised by it.
    pub(super) fn recognises(&mut self, run: Option<Run>, acts: u64) {
        let Some(twins) = self.org.inner().twins.take() else {
            return;
        };
        let name = PairName::new("leads");
        let state = std::sync::Arc::clone(self.state());
        let mut org = self.org.inner();
        let alone = org.acts == acts && !org.faults.has(Fault::FieldHidden);
        if !alone || run.is_none_or(|run| run.state != RunState::Succeeded) {
            return;
        }
        let asked = |id: &AppId| {
            let all = state.open_conflicts(&name, id).unwrap();
            all.iter()
                .any(|c| matches!(c.kind, Kind::AmbiguousMatch { .. }))
        };
        let waits = |id: &CrmId| {
            let row = state.store().get(&INBOX, &crm_key(&name, id)).unwrap();
            row.is_some()
        };
        for lead in &twins.leads {
            let live = org.leads(false).contains(&lead.to_string());
            if !live || super::scope::stays_away(&org, &lead.to_string()) {
                continue;
            }
            let linked = state.by_crm(&name, lead).unwrap();
            let ours = linked.as_ref().is_some_and(|id| twins.apps.contains(id));
            let several = twins.leads.len() + twins.apps.len() > 2;
            let fits = match several {
                _ if waits(lead) => true,
                true => !ours && twins.apps.iter().any(asked),
                false => ours || twins.apps.iter().any(asked),
            };
            match several {
                true if fits => org.coverage.met(SEVERAL.to_owned()),
                false if ours => org.coverage.met(MATCHED.to_owned()),
                _ => {}
            }
            if !fits {
                let what = format!("{lead} of {twins:?} is linked to {linked:?}");
                return org.breaks("I6", what);
            }
        }
    }
}

/// A create is about to leave: not of a record about which a person is asked whether it is there.
pub fn leaving(org: &mut Inner, state: &State, one: &One, intents: &[Intent]) {
    let One::Create(fields) = one else { return };
    let of = |intent: &&Intent| {
        intent.op == Op::Create
            && fields
                .iter()
                .all(|(name, value)| intent.fields.get(name) == Some(value))
    };
    let Some(intent) = intents.iter().find(of) else {
        return;
    };
    let open = state.open_conflicts(&intent.pair, &intent.app_id).unwrap();
    let decided = |id| intent.resolves.contains(&id);
    let asked = open
        .iter()
        .any(|c| matches!(c.kind, Kind::AmbiguousMatch { .. }) && !decided(c.id));
    let record = state.app_record(&"leads".into(), &intent.app_id).unwrap();
    let live = record.is_some_and(|r| r.presence == Presence::Live);
    if asked && live {
        let what = format!("{} is made, and a person is asked who it is", intent.app_id);
        org.breaks("I6", what);
    }
}
