//! Property tests of reconcile and plan: the laws of sync-semantics 5.5 and the truth tables.

mod appending;
mod tables;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::{Just, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Gen;

use super::append::{self, Appended, agreed_crm};
use super::conflict::Kind;
use super::id::{AppId, CrmId, FieldName, RowId};
use super::mapping::{
    Blanks, Creates, DeletePolicy, FirstLink, Flow, Foreign, Guard, OnFull, Pair, Row, Strategy,
    Switch,
};
use super::plan::Survivor::{Free, Taken};
use super::plan::{Act, App, Crm, Input, Plan, RecordRule, plan};
use super::reconcile::*;
use super::record::*;
use super::schedule::Schedule;
use super::schema::{FieldInfo, ObjectInfo};
use super::transform::{Chain, NoLookup, Side};
use super::value::{Cell, FieldKind, Fields, Value};

fn field(name: &str) -> FieldInfo {
    FieldInfo::new(name, FieldKind::Text, 255)
}

fn object() -> ObjectInfo {
    ObjectInfo {
        name: "Lead".into(),
        label: "Lead".into(),
        createable: true,
        updateable: true,
        deletable: true,
        triggerable: true,
        fields: ["A", "B"].map(|n| (FieldName::new(n), field(n))).into(),
    }
}

fn row(id: u16, app: &str, crm: &str, flow: Flow, strategy: Strategy) -> Row {
    Row {
        id: RowId(id),
        app: vec![app.into()],
        crm: vec![crm.into()],
        flow,
        to_crm: Chain::default(),
        to_app: Chain::default(),
        strategy,
        blanks: Blanks::Propagate,
        switch: Switch::On,
    }
}

fn pair(rows: Vec<Row>) -> Compiled {
    let pair = Pair {
        name: "leads".into(),
        object: "Lead".into(),
        table: "leads".into(),
        app_fields: Vec::new(),
        version: 1,
        key_field: Some("Key__c".into()),
        title: "a".into(),
        create_in_app: Creates::Allowed,
        create_in_crm: Creates::Allowed,
        on_crm_delete: DeletePolicy::Mark,
        on_app_delete: DeletePolicy::Unlink,
        guard: Guard::Precondition,
        first_link: FirstLink::Review,
        match_on: Vec::new(),
        filter: String::new(),
        on_leave: Default::default(),
        bad_fields: Default::default(),
        on_convert: Default::default(),
        overflow: None,
        strategy: Strategy::Ask,
        schedule: Schedule::Manual,
        rows,
    };
    Compiled::new(pair, &object())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn id(n: u8) -> CrmId {
    format!("00Q00000000000{n}").parse().unwrap()
}

fn seen(fields: Fields) -> Observation {
    Observation {
        id: id(1),
        fields,
        stamp: at(100),
        modified: at(100),
        modified_by: None,
        seen_at: at(200),
        source: Source::Poll,
        presence: CrmPresence::Live,
    }
}

fn app(fields: Fields) -> AppRecord {
    AppRecord {
        id: AppId::new("x"),
        table: "leads".into(),
        rev: 1,
        fields,
        changed_at: BTreeMap::new(),
        changed_by: "a person".into(),
        typed_by: BTreeMap::new(),
        created_at: at(0),
        updated_at: at(0),
        presence: Presence::Live,
        sync_key: None,
    }
}

fn link(bases: Bases) -> Link {
    Link {
        pair: "leads".into(),
        app_id: AppId::new("x"),
        crm_id: Some(id(1)),
        sync_key: None,
        state: LinkState::Active,
        seen: None,
        bases,
        app_rev: 1,
        mapping_version: 1,
    }
}

fn base(app: Value, crm: Value) -> BasePair {
    BasePair {
        app: vec![app],
        crm: vec![crm],
        standing: Standing::Settled,
        at: at(1),
        run: Default::default(),
    }
}

fn with_context<T>(depth: Depth<'_>, run: impl FnOnce(&Context<'_>) -> T) -> T {
    let app_id = AppId::new("x");
    run(&Context {
        lookup: &NoLookup,
        depth,
        first_link: FirstLink::Review,
        app_id: &app_id,
        app_changed: &|_| Some(at(50)),
        clocks: Clocks {
            crm: Some(at(100)),
            ahead: Some(SignedDuration::ZERO),
            error: SignedDuration::from_secs(2),
        },
        appended: &Appended::new(),
        now: at(300),
    })
}

fn fields(names: [&str; 2], values: [Value; 2]) -> Fields {
    names.map(FieldName::new).into_iter().zip(values).collect()
}

fn flows() -> impl Gen<Value = Flow> {
    proptest::sample::select(Flow::ALL.to_vec())
}

fn strategies() -> impl Gen<Value = Strategy> {
    proptest::sample::select(Strategy::ALL.to_vec())
}

fn small() -> impl Gen<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        3 => "[xyz]".prop_map(Value::text),
    ]
}

fn mirror_flow(flow: Flow) -> Option<Flow> {
    Some(match flow {
        Flow::Both => Flow::Both,
        Flow::ToCrm(f) => Flow::ToApp(f),
        Flow::ToApp(f) => Flow::ToCrm(f),
        Flow::PreferApp => Flow::PreferCrm,
        Flow::PreferCrm => Flow::PreferApp,
        Flow::SetOnce(side) => Flow::SetOnce(side.other()),
        Flow::Append(_) | Flow::AppendBoth | Flow::Computed(_) => return None,
    })
}

fn mirror_strategy(strategy: Strategy) -> Option<Strategy> {
    Some(match strategy {
        Strategy::App => Strategy::Crm,
        Strategy::Crm => Strategy::App,
        Strategy::Newest | Strategy::NewestOrCrm | Strategy::NewestOrApp => return None,
        other => other,
    })
}

fn mirror_action(action: &Action) -> Action {
    match action {
        Action::Push(cell) => Action::Pull(cell.clone()),
        Action::Pull(cell) => Action::Push(cell.clone()),
        Action::Accept(side) => Action::Accept(side.other()),
        other => other.clone(),
    }
}

/// Applies an outcome as if every write succeeded.
fn settle(flow: Flow, out: &Outcome, app: &mut Cell, crm: &mut Cell, base: &mut Option<BasePair>) {
    let was = crm.clone();
    let mut appended = None;
    match &out.action {
        Action::Push(cell) => *crm = cell.clone(),
        Action::Pull(cell) => *app = cell.clone(),
        Action::Append(block) => {
            let now = crm[0].to_string();
            *crm = vec![Value::text(block.appended_to(&now))];
            appended = Some(once_there(flow, was, crm.clone()));
        }
        Action::Adopt | Action::Accept(_) => {}
        _ => return,
    }
    let (there, standing) = appended.unwrap_or((crm.clone(), Standing::Settled));
    *base = Some(BasePair {
        app: app.clone(),
        crm: there,
        standing,
        at: at(2),
        run: Default::default(),
    });
}

/// What a base has of the CRM's side once lines were appended to `was` and gave `sent`.
fn once_there(flow: Flow, was: Cell, sent: Cell) -> (Cell, Standing) {
    let agreed = agreed_crm(flow, was, sent.clone());
    append::standing(flow, agreed, Some(sent), Standing::Provisional)
}

proptest! {
    /// Deterministic, total, and quiet within three rounds; every write once.
    #[test]
    fn one_row_settles(
        flow in flows(), strategy in strategies(),
        a in small(), c in small(),
        b in proptest::option::of((small(), small())),
        blanks in prop_oneof![Just(Blanks::Propagate), Just(Blanks::Keep)],
    ) {
        let mut r = row(1, "a", "A", flow, strategy);
        r.blanks = blanks;
        let pair = pair(vec![r]);
        let row = &pair.rows[0];
        let (mut app, mut crm) = (vec![a], vec![c]);
        let mut base = b.map(|(ba, bc)| base(ba, bc));
        let mut rounds = 0;
        loop {
            let one = |cx: &Context<'_>| reconcile(
                cx, row,
                &[(FieldName::new("a"), app[0].clone())].into(),
                &[(FieldName::new("A"), crm[0].clone())].into(),
                base.as_ref(),
            );
            let out = with_context(Depth::Moves, one);
            prop_assert_eq!(&out, &with_context(Depth::Moves, one), "deterministic");
            let wrote = matches!(out.action, Action::Push(_) | Action::Pull(_) | Action::Append(_));
            let still = matches!(out.action, Action::Nothing | Action::BlankKept | Action::Conflict);
            settle(flow, &out, &mut app, &mut crm, &mut base);
            rounds += 1;
            if still { break; }
            prop_assert!(rounds <= 3, "still {:?} after three rounds", out);
            prop_assert!(!wrote || rounds <= 2, "writes again: {:?}", out);
        }
    }

    /// A value that moved on one side only is never replaced by the two-way rule.
    #[test]
    fn both_never_loses_the_side_that_moved(
        strategy in strategies(), v in small(), new in small(),
    ) {
        let pair = pair(vec![row(1, "a", "A", Flow::Both, strategy)]);
        let b = base(v.clone(), v.clone());
        let app_moved = with_context(Depth::Moves, |cx| reconcile(
            cx, &pair.rows[0],
            &[(FieldName::new("a"), new.clone())].into(),
            &[(FieldName::new("A"), v.clone())].into(), Some(&b)));
        prop_assert!(!matches!(app_moved.action, Action::Pull(_)));
        let crm_moved = with_context(Depth::Moves, |cx| reconcile(
            cx, &pair.rows[0],
            &[(FieldName::new("a"), v.clone())].into(),
            &[(FieldName::new("A"), new.clone())].into(), Some(&b)));
        prop_assert!(!matches!(crm_moved.action, Action::Push(_)));
    }

    /// Whenever a value that differs from its base is overwritten, the outcome says so.
    #[test]
    fn no_silent_overwrite(
        flow in flows(), strategy in strategies(),
        a in small(), c in small(), ba in small(), bc in small(),
    ) {
        let pair = pair(vec![row(1, "a", "A", flow, strategy)]);
        let b = base(ba.clone(), bc.clone());
        let out = with_context(Depth::Moves, |cx| reconcile(
            cx, &pair.rows[0],
            &[(FieldName::new("a"), a.clone())].into(),
            &[(FieldName::new("A"), c.clone())].into(), Some(&b)));
        let lost_crm = matches!(out.action, Action::Push(_)) && c != bc;
        let lost_app = matches!(out.action, Action::Pull(_)) && a != ba;
        prop_assert_eq!(lost_crm || lost_app, out.auto.is_some(), "{:?}", out);
    }

    /// Swap the sides and mirror the rules: mirrored decisions.
    #[test]
    fn symmetric(
        flow in flows(), strategy in strategies(),
        a in small(), c in small(),
        b in proptest::option::of((small(), small())),
    ) {
        let (Some(flow2), Some(strategy2)) = (mirror_flow(flow), mirror_strategy(strategy)) else {
            return Ok(());
        };
        let one = pair(vec![row(1, "a", "A", flow, strategy)]);
        let two = pair(vec![row(1, "a", "A", flow2, strategy2)]);
        let b1 = b.clone().map(|(x, y)| base(x, y));
        let b2 = b.map(|(x, y)| base(y, x));
        let run = |pair: &Compiled, a: &Value, c: &Value, b: Option<&BasePair>| {
            with_context(Depth::Everything, |cx| reconcile(
                cx, &pair.rows[0],
                &[(FieldName::new("a"), a.clone())].into(),
                &[(FieldName::new("A"), c.clone())].into(), b))
        };
        let left = run(&one, &a, &c, b1.as_ref());
        let right = run(&two, &c, &a, b2.as_ref());
        // A first link without an authority is decided by the pair, not by a side.
        let mirrored = match (left.rule, left.rule == right.rule) {
            (FieldRule::F2, _) => right.rule == FieldRule::F3,
            (FieldRule::F3, _) => right.rule == FieldRule::F2,
            (_, same) => same,
        };
        prop_assert!(mirrored, "{:?} {:?}", left, right);
        prop_assert_eq!(mirror_action(&left.action), right.action);
    }

    /// Rows are independent: the order of the mapping does not matter.
    #[test]
    fn order_free(
        s1 in strategies(), s2 in strategies(),
        a in [small(), small()], c in [small(), small()],
        b in [small(), small()],
    ) {
        let rows = vec![row(1, "a", "A", Flow::Both, s1), row(2, "b", "B", Flow::Both, s2)];
        let mut reversed = rows.clone();
        reversed.reverse();
        let bases: Bases = [(RowId(1), base(b[0].clone(), b[0].clone())),
            (RowId(2), base(b[1].clone(), b[1].clone()))].into();
        let record = app(fields(["a", "b"], a));
        let observation = seen(fields(["A", "B"], c));
        let the_link = link(bases);
        let run = |rows: Vec<Row>| {
            let pair = pair(rows);
            let mut plan = with_context(Depth::Moves, |cx| plan(cx, &pair, Input {
                link: Some(&the_link), app: App::Live(&record), crm: Crm::Live(&observation),
            }));
            plan.rows.sort_by_key(|o| o.row);
            plan
        };
        prop_assert_eq!(run(rows), run(reversed));
    }
}
