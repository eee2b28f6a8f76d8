//! Level 1, with records that refer to others (I21): a child is written with a parent that the CRM
//! has, or it waits; and once the parent is there, it goes.
//!
//! Parents are linked one after the other, in an order that the seed decides, while children are
//! planned. Invariant: no store, no CRM, no clock.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use syncdeck::domain::append::Appended;
use syncdeck::domain::id::{AppId, CrmId, FieldName, PairName};
use syncdeck::domain::mapping::FirstLink;
use syncdeck::domain::mapping_file::from_toml;
use syncdeck::domain::plan::{Act, App, Crm, Input, plan};
use syncdeck::domain::reconcile::{Action, Clocks, Compiled, Context, Depth};
use syncdeck::domain::record::{
    AppRecord, CrmPresence, Link, LinkState, Observation, Presence, Source,
};
use syncdeck::domain::schema::{FieldInfo, ObjectInfo};
use syncdeck::domain::transform::{Lookup, TransformError};
use syncdeck::domain::value::{FieldKind, Fields, Value};

use super::random::Random;
use super::{Broken, must};

const SEEDS: u64 = 1_000;

const MAPPING: &str = "\
format = 1

[[pair]]
name = \"people\"
object = \"Contact\"
table = \"people\"
key_field = \"Key__c\"
title = \"name\"
fields = [{ name = \"name\", kind = \"text\" }, { name = \"account\", kind = \"text\" }]

[[pair.row]]
id = 1
app = \"name\"
crm = \"LastName\"
flow = \"both\"

[[pair.row]]
id = 2
app = \"account\"
crm = \"AccountId\"
flow = \"both\"
to_crm = \"link(accounts)\"
to_app = \"link(accounts)\"
";

/// A rule of the product that is turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    None,
    /// A parent counts as linked before it is.
    ParentsUnasked,
    /// A parent that was linked is not found.
    ParentsForgotten,
}

/// Parents: which of them the CRM has.
struct Parents {
    linked: BTreeMap<AppId, CrmId>,
    switch: Switch,
}

fn crm_id(prefix: &str, number: usize) -> CrmId {
    format!("{prefix}{number:012}").parse().unwrap()
}

impl Lookup for Parents {
    fn crm_id(&self, _: &PairName, id: &AppId) -> Option<CrmId> {
        match self.switch {
            Switch::ParentsForgotten => None,
            Switch::ParentsUnasked => Some(crm_id("001", 999)),
            Switch::None => self.linked.get(id).copied(),
        }
    }
    fn app_id(&self, _: &PairName, id: &CrmId) -> Option<AppId> {
        let found = self.linked.iter().find(|(_, there)| *there == id);
        found.map(|(here, _)| here.clone())
    }
    fn user_id(&self, _: &str) -> Option<CrmId> {
        None
    }
    fn user_email(&self, _: &CrmId) -> Option<String> {
        None
    }
}

/// A child: its App record, and its CRM record once it has one.
struct Child {
    app: AppRecord,
    parent: AppId,
    crm: Option<Observation>,
    link: Option<Link>,
}

fn pair() -> Compiled {
    let pair = from_toml(MAPPING).unwrap().remove(0);
    let field = |name: &str, kind| (FieldName::new(name), FieldInfo::new(name, kind, 0));
    let fields = [
        field("LastName", FieldKind::Text),
        field("AccountId", FieldKind::Reference),
        field("Key__c", FieldKind::Text),
    ];
    let object = ObjectInfo {
        name: "Contact".into(),
        label: "Contact".into(),
        createable: true,
        updateable: true,
        deletable: true,
        triggerable: true,
        fields: fields.into(),
    };
    Compiled::new(pair, &object)
}

fn child(number: usize, parent: &AppId) -> Child {
    let fields: Fields = [
        ("name".into(), Value::text(format!("child {number}"))),
        ("account".into(), Value::text(parent.as_str())),
    ]
    .into();
    Child {
        app: AppRecord {
            id: AppId::new(format!("child-{number}")),
            table: "people".into(),
            rev: 1,
            fields,
            changed_at: BTreeMap::new(),
            changed_by: "a person".into(),
            typed_by: BTreeMap::new(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            presence: Presence::Live,
            sync_key: None,
        },
        parent: parent.clone(),
        crm: None,
        link: None,
    }
}

/// Plans a child, carries out what is to be written, and looks at the parent it is written with.
fn step(pair: &Compiled, parents: &Parents, child: &mut Child, n: usize) -> Result<(), Broken> {
    let nothing = Appended::new();
    let cx = Context {
        lookup: parents,
        depth: Depth::Moves,
        first_link: FirstLink::Review,
        app_id: &child.app.id,
        app_changed: &|_| None,
        clocks: Clocks {
            crm: None,
            ahead: None,
            error: SignedDuration::ZERO,
        },
        appended: &nothing,
        now: Timestamp::UNIX_EPOCH,
    };
    let input = Input {
        link: child.link.as_ref(),
        app: App::Live(&child.app),
        crm: child.crm.as_ref().map_or(Crm::Absent, Crm::Live),
    };
    let plan = plan(&cx, pair, input);
    let there = parents.linked.get(&child.parent);
    let sent = match &plan.act {
        Act::CreateInCrm(fields) => Some(fields),
        Act::Fields { push, .. } => Some(push).filter(|push| !push.is_empty()),
        _ => None,
    };
    let waits = |action: &Action| matches!(action, Action::Failed(TransformError::WaitsFor { .. }));
    let waits = matches!(plan.act, Act::Wait(_)) || plan.rows.iter().any(|r| waits(&r.action));
    must!(
        waits == there.is_none(),
        "I21",
        "child {n} waits {waits}, its parent is {there:?}: {plan:?}"
    );
    if let Some(sent) = sent {
        let parent = sent.get("AccountId").map(ToString::to_string);
        let right = there.map(ToString::to_string);
        must!(
            parent.is_none() || parent == right,
            "I21",
            "child {n} is sent with {parent:?}, its parent is {right:?}"
        );
    }
    if let Act::CreateInCrm(fields) = &plan.act {
        must!(
            there.is_some(),
            "I21",
            "child {n} is made before its parent"
        );
        let id = crm_id("003", n);
        child.crm = Some(Observation {
            id,
            fields: fields.clone(),
            stamp: Timestamp::UNIX_EPOCH,
            modified: Timestamp::UNIX_EPOCH,
            modified_by: None,
            seen_at: Timestamp::UNIX_EPOCH,
            source: Source::Poll,
            presence: CrmPresence::Live,
        });
        child.link = Some(Link {
            pair: "people".into(),
            app_id: child.app.id.clone(),
            crm_id: Some(id),
            sync_key: None,
            state: LinkState::Active,
            seen: None,
            bases: BTreeMap::new(),
            app_rev: 1,
            mapping_version: 1,
        });
    } else if let (Some(sent), Some(crm)) = (sent, &mut child.crm) {
        crm.fields.extend(sent.clone());
    }
    Ok(())
}

fn history(seed: u64, switch: Switch) -> Result<(), Broken> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let pair = pair();
    let number = 1 + random.below(4);
    let ids: Vec<AppId> = (0..number)
        .map(|n| AppId::new(format!("parent-{n}")))
        .collect();
    let mut parents = Parents {
        linked: BTreeMap::new(),
        switch,
    };
    let mut children: Vec<Child> = (0..1 + random.below(5))
        .map(|n| child(n, &ids[random.below(number)]))
        .collect();
    for _ in 0..10 {
        match random.below(4) {
            0 => {
                let at = random.below(number);
                parents.linked.insert(ids[at].clone(), crm_id("001", at));
            }
            // It moves to another parent.
            1 => {
                let at = random.below(children.len());
                let parent = &ids[random.below(number)];
                children[at].parent = parent.clone();
                let value = Value::text(parent.as_str());
                children[at].app.fields.insert("account".into(), value);
            }
            _ => {
                let at = random.below(children.len());
                step(&pair, &parents, &mut children[at], at)?;
            }
        }
    }
    for (at, id) in ids.iter().enumerate() {
        parents.linked.insert(id.clone(), crm_id("001", at));
    }
    for (n, child) in children.iter_mut().enumerate() {
        step(&pair, &parents, child, n)?;
        must!(child.crm.is_some(), "I21", "child {n} never went");
    }
    Ok(())
}

#[test]
fn children_wait_for_their_parents_and_then_go() {
    for seed in 0..SEEDS {
        if let Err(broken) = history(seed, Switch::None) {
            panic!("seed {seed}: {broken:?}");
        }
    }
}

/// The rule that is turned off is noticed.
#[test]
fn a_rule_that_is_off_is_noticed() {
    let rules = [
        (Switch::ParentsUnasked, "I21"),
        (Switch::ParentsForgotten, "I21"),
    ];
    for (switch, invariant) in rules {
        let broken = |seed| history(seed, switch).err().map(|b| b.invariant);
        assert!(
            (0..SEEDS).any(|seed| broken(seed) == Some(invariant)),
            "{switch:?} does not break {invariant}"
        );
    }
}
