//! Dry runs: they write nothing, say what a run would do, and are done exactly, or not at all.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::json;
use syncdeck::appdb::embedded::{OUTBOX, RECORDS};
use syncdeck::domain::dry_run::{Deed, Plan, PlanItem, PlanState};
use syncdeck::domain::id::{PairName, RunId};
use syncdeck::domain::run::ResultKind;
use syncdeck::domain::value::Value;
use syncdeck::engine::audit::{What, newest};
use syncdeck::engine::command::{Command, Page, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::tables;
use syncdeck::error::Kind;
use syncdeck::store::Table;

use super::*;

/// What of the store a dry run must not touch, as text.
fn kept(world: &World) -> Vec<String> {
    let store = world.state().store();
    fn all<V: DeserializeOwned + Debug>(
        store: &syncdeck::store::Store,
        table: &Table<V>,
    ) -> String {
        let rows: Vec<_> = store.scan(table, &[]).map(Result::unwrap).collect();
        format!("{table:?}: {rows:?}")
    }
    vec![
        all(store, &RECORDS),
        all(store, &OUTBOX),
        all(store, &tables::LINKS),
        all(store, &tables::BY_CRM),
        all(store, &tables::TODO),
        all(store, &tables::UNLINKED),
        all(store, &tables::INBOX),
        all(store, &tables::WAITS),
        all(store, &tables::WATERMARKS),
        all(store, &tables::INTENTS),
        all(store, &tables::OPEN_INTENTS),
        all(store, &tables::CONFLICTS),
        all(store, &tables::OPEN_CONFLICTS),
        all(store, &tables::OVERRULES),
        all(store, &tables::QUARANTINE),
        all(store, &tables::RUNS),
        all(store, &tables::RESULTS),
        all(store, &tables::STEPS),
        all(store, &tables::HISTORY),
        all(store, &tables::COUNTERS),
        all(store, &tables::READ_JOBS),
        all(store, &tables::GONE),
        all(store, &tables::DRAFT_ITEMS),
    ]
}

async fn dry_run(world: &mut World) -> Plan {
    world.advance(30);
    let command = Command::DryRun { pairs: Vec::new() };
    match world.ask(command).await.unwrap() {
        Reply::Planned(plan) => *plan,
        other => panic!("{other:?}"),
    }
}

async fn items(world: &mut World, plan: &Plan) -> Vec<PlanItem> {
    let page = Page {
        offset: 0,
        limit: 10_000,
    };
    let command = Command::Plan { id: plan.id, page };
    match world.ask(command).await.unwrap() {
        Reply::Plan(found) => found.items,
        other => panic!("{other:?}"),
    }
}

async fn apply(world: &mut World, plan: &Plan) -> syncdeck::error::Result<Vec<RunId>> {
    world.advance(30);
    let command = Command::ApplyPlan {
        plan: plan.id,
        hash: Some(plan.hash.clone()),
    };
    match world.ask(command).await? {
        Reply::Started(runs) => Ok(runs),
        other => panic!("{other:?}"),
    }
}

async fn applied(world: &mut World, plan: &Plan) -> Vec<syncdeck::engine::view::RunDetail> {
    let mut ends = Vec::new();
    for run in apply(world, plan).await.unwrap() {
        let end = world.end(run).await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        ends.push(end);
    }
    ends
}

/// Something of everything: made, changed, deleted and at odds, on both sides.
struct Busy {
    world: World,
    made: RecordKey,
    changed_here: (String, RecordKey),
    changed_there: (String, RecordKey),
    deleted_here: String,
    at_odds: (String, RecordKey),
}

impl Busy {
    async fn new() -> Self {
        let mut world = World::imported().await;
        let alone = world.make("Account", json!({"Name": "Alone"}));
        world.sync_pair("accounts").await;
        let at = |world: &World, n| {
            let id = world.account(n);
            let key = world.key("accounts", &id);
            (id, key)
        };
        let (changed_here, changed_there) = (at(&world, 0), at(&world, 1));
        let at_odds = at(&world, 2);
        world.edit(&changed_here.1, "name", "Mine").await;
        world.change(&changed_there.0, json!({"Name": "Theirs"}));
        world.edit(&at_odds.1, "name", "Mine Too").await;
        world.change(&at_odds.0, json!({"Name": "Theirs Too"}));
        let key = world.key("accounts", &alone);
        world.delete(&key).await;
        let made = world.create("accounts", &[("name", "Made Here")]).await;
        world.make("Account", json!({"Name": "Made There"}));
        world.org().forget();
        Self {
            world,
            made,
            changed_here,
            changed_there,
            deleted_here: alone,
            at_odds,
        }
    }
}

fn item<'a>(items: &'a [PlanItem], key: &RecordKey) -> &'a PlanItem {
    let found = items
        .iter()
        .find(|i| i.app_id.as_ref() == Some(&key.app_id));
    found.unwrap_or_else(|| panic!("{key:?} is not in {items:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing_and_says_what_a_run_does() {
    let mut busy = Busy::new().await;
    let world = &mut busy.world;
    let before = kept(world);
    let since = world.org().requests(0).last().map_or(0, |seen| seen.number);
    let plan = dry_run(world).await;
    assert_eq!(kept(world), before);
    assert!(world.org().written().is_empty());
    for seen in world.org().requests(since) {
        let reads = seen.method == "GET"
            || seen.path.ends_with("/query")
            || seen.path.contains("/composite/sobjects/") && seen.method == "POST"
            || seen.path.ends_with("/composite");
        assert!(reads, "{seen:?}");
        let body = seen.body.unwrap_or_default();
        assert!(
            !body.contains("PATCH") && !body.contains("DELETE"),
            "{body}"
        );
    }
    let total = plan.total();
    assert_eq!((total.app.created, total.app.changed), (1, 1), "{plan:?}");
    let crm = total.crm;
    assert_eq!(
        (crm.created, crm.changed, crm.deleted),
        (1, 1, 1),
        "{plan:?}"
    );
    assert_eq!(total.conflicts, 1, "{plan:?}");
    assert!(plan.calls.write >= 3, "{plan:?}");
    let items = items(world, &plan).await;
    assert_eq!(items.len() as u64, total.items);
    let here = item(&items, &busy.changed_here.1).to_crm.as_ref().unwrap();
    assert_eq!(here.deed, Deed::Change);
    assert_eq!(here.fields.len(), 1);
    assert_eq!(here.fields[0].to, Value::from("Mine"));
    assert_ne!(here.fields[0].from, here.fields[0].to);
    let there = item(&items, &busy.changed_there.1).to_app.as_ref().unwrap();
    assert_eq!(there.fields[0].to, Value::from("Theirs"));
    let odds = item(&items, &busy.at_odds.1);
    assert_eq!(odds.conflicts[0].app, Some(vec!["Mine Too".into()]));
    assert_eq!(odds.conflicts[0].crm, Some(vec!["Theirs Too".into()]));
    // The same again: the same hash.
    let again = dry_run(world).await;
    assert_eq!(again.hash, plan.hash);
    assert!(again.id > plan.id);
    // A run does what the plan says: so many, of each.
    let mut crm = Vec::new();
    for end in world.sync().await {
        let of = plan.pairs.iter().find(|p| p.pair == end.run.pair).unwrap();
        let counts = end.run.counts;
        assert_eq!(counts.pushed, of.tally.crm.total(), "{}", end.run.pair);
        // What Salesforce fills in on a new record comes back with the read that confirms it.
        let pulled = of.tally.app.total() + of.tally.crm.created;
        assert_eq!(counts.pulled, pulled, "{}", end.run.pair);
        assert_eq!(counts.conflicts, of.tally.conflicts, "{}", end.run.pair);
        crm.push(counts.pushed);
    }
    assert_eq!(crm.iter().sum::<u64>(), total.crm.total());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_done_exactly_and_once() {
    let mut busy = Busy::new().await;
    let world = &mut busy.world;
    let plan = dry_run(world).await;
    // Outside the plan: left to the next run.
    let later = world.account(4);
    world.change(&later, json!({"Name": "Not In The Plan"}));
    let ends = applied(world, &plan).await;
    assert_eq!(ends.len(), 1, "only accounts have something to do");
    let counts = ends[0].run.counts;
    assert_eq!(counts.pushed, plan.total().crm.total(), "{counts:?}");
    let total = plan.total();
    let pulled = total.app.total() + total.crm.created;
    assert_eq!(counts.pulled, pulled, "{counts:?}");
    assert_eq!(world.there(&busy.changed_here.0, "Name"), "Mine");
    assert_eq!(world.value(&busy.changed_there.1, "name"), "Theirs");
    assert_eq!(world.there(&busy.deleted_here, "IsDeleted"), "true");
    let made = world.crm_id(&busy.made).unwrap();
    assert_eq!(world.there(&made, "Name"), "Made Here");
    let key = world.key("accounts", &later);
    assert_ne!(world.value(&key, "name"), "Not In The Plan");
    assert_eq!(world.conflicts().await.len(), 1);
    assert_eq!(world.org().written().len(), 3);
    let page = Page {
        offset: 0,
        limit: usize::MAX,
    };
    let told = newest(world.state(), None, page).unwrap().rows;
    let times = |what| told.iter().filter(|entry| entry.what == what).count();
    assert_eq!((times(What::Planned), times(What::PlanApplied)), (1, 1));
    // Once.
    let error = apply(world, &plan).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    // And nothing is left but what was not in it.
    world.org().forget();
    for end in world.sync().await {
        assert_eq!(end.run.state, RunState::Succeeded);
    }
    assert!(world.org().written().is_empty());
    assert_eq!(world.value(&key, "name"), "Not In The Plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_whose_inputs_moved_is_refused_before_anything_is_written() {
    let mut busy = Busy::new().await;
    let world = &mut busy.world;
    let (here, there) = (busy.changed_here.clone(), busy.changed_there.clone());
    for (what, place) in [
        ("edited in the App", &here),
        ("changed in Salesforce", &there),
    ] {
        let plan = dry_run(world).await;
        match what {
            "edited in the App" => world.edit(&place.1, "name", "Mine Again").await,
            _ => world.change(&place.0, json!({"Name": "Theirs Again"})),
        }
        world.org().forget();
        let before = kept(world);
        let error = apply(world, &plan).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Changed, "{error}");
        let text = error.to_string();
        assert!(text.contains(what), "{text}");
        assert!(text.contains(place.1.app_id.as_str()), "{text}");
        assert!(error.remedy().unwrap().contains("--dry-run"));
        assert_eq!(kept(world), before);
        assert!(world.org().written().is_empty());
    }
    // A mapping that was saved.
    let plan = dry_run(world).await;
    let name = PairName::new("accounts");
    let mut draft = world.state().pair(&name).unwrap().unwrap();
    draft.rows.pop();
    let draft = Box::new(draft);
    world.ask(Command::SaveMapping { draft }).await.unwrap();
    let error = apply(world, &plan).await.unwrap_err();
    assert!(
        error.to_string().contains("the mapping of accounts"),
        "{error}"
    );
    // Another hash than the one that was looked at.
    let plan = dry_run(world).await;
    let command = Command::ApplyPlan {
        plan: plan.id,
        hash: Some("0".repeat(64)),
    };
    assert_eq!(world.ask(command).await.unwrap_err().kind(), Kind::Changed);
    assert!(world.org().written().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_while_a_plan_is_applied_is_left_to_the_next_run() {
    let mut busy = Busy::new().await;
    let world = &mut busy.world;
    let (id, key) = busy.changed_here.clone();
    let plan = dry_run(world).await;
    // Time between the check and the read that decides.
    world.org().inject(fault(json!({
        "kind": "delay", "ms": 400, "method": "POST", "path": "*/composite/sobjects/Account",
    })));
    let runs = apply(world, &plan).await.unwrap();
    world.change(&id, json!({"Name": "Faster"}));
    let end = world.end(runs[0]).await;
    world.org().clear_faults();
    assert_eq!(end.run.counts.deferred, 1, "{:?}", end.run);
    assert_eq!(end.run.counts.pushed, plan.total().crm.total() - 1);
    assert_eq!(world.there(&id, "Name"), "Faster");
    // The next run decides about it as ever: both sides changed.
    world.sync().await;
    assert_eq!(world.there(&id, "Name"), "Faster");
    assert_eq!(world.value(&key, "name"), "Mine");
    assert_eq!(world.conflicts().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_a_plan_is_applied_loses_and_doubles_nothing() {
    let mut busy = Busy::new().await;
    let plan = dry_run(&mut busy.world).await;
    let world = &mut busy.world;
    let lost = world.org().inject(fault(json!({
        "kind": "drop_after", "method": "POST", "path": "*/composite/sobjects", "times": 1,
    })));
    apply(world, &plan).await.unwrap();
    world.struck(lost, 1).await;
    world.crash().await;
    world.org().clear_faults();
    world.advance(super::world::LATE);
    let error = apply(world, &plan).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    for _ in 0..2 {
        for end in world.sync().await {
            assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        }
    }
    let made = world.ids("SELECT Id FROM Account WHERE Name = 'Made Here'");
    assert_eq!(made.len(), 1);
    assert_eq!(world.there(&busy.changed_here.0, "Name"), "Mine");
    assert_eq!(world.there(&busy.deleted_here, "IsDeleted"), "true");
    assert_eq!(world.value(&busy.changed_there.1, "name"), "Theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_import_is_planned_with_what_hangs_together() {
    let mut world = World::signed_in("whole-crm", 100).await;
    let plan = dry_run(&mut world).await;
    let total = plan.total();
    assert_eq!((total.waits, total.refused), (0, 0), "{plan:?}");
    assert!(total.app.created > 150, "{plan:?}");
    assert!(world.app_ids("leads").is_empty());
    let ends = applied(&mut world, &plan).await;
    let pulled: u64 = ends.iter().map(|end| end.run.counts.pulled).sum();
    assert_eq!(pulled, total.app.total());
    let deferred = |end: &syncdeck::engine::view::RunDetail| {
        let results = end.records.rows.iter();
        results.filter(|r| r.kind == ResultKind::Deferred).count()
    };
    assert!(ends.iter().all(|end| deferred(end) == 0));
    for end in world.sync().await {
        assert_eq!(end.run.counts.created, 0, "{:?}", end.run);
    }
    assert_agree(&world);
    let command = Command::Plans;
    let Reply::Plans(plans) = world.ask(command).await.unwrap() else {
        panic!("no plans");
    };
    assert!(matches!(plans[0].state, PlanState::Applied(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_stopped_and_leaves_nothing() {
    // With the fields known, so that the first page is what is waited for.
    let mut world = World::imported().await;
    world.advance(60);
    let before = kept(&world);
    let org = world.org();
    let slow = org.inject(fault(json!({
        "kind": "delay", "ms": 5_000, "path": "*/queryAll*", "times": 1,
    })));
    let struck = async {
        while org.faults().iter().all(|f| f.id != slow || f.struck == 0) {
            tokio::task::yield_now().await;
        }
    };
    let all = || Command::DryRun { pairs: Vec::new() };
    tokio::select! {
        answer = world.ask(all()) => panic!("{answer:?}"),
        () = within("the dry run to read", struck) => {}
    }
    assert_eq!(
        world.ask(all()).await.unwrap_err().kind(),
        Kind::Refused,
        "two at a time"
    );
    world.tell(Command::Cancel).await;
    // Once it has ended, the next can be made, and it is the first that is kept.
    let made = async {
        loop {
            match world.ask(all()).await {
                Err(error) if error.kind() == Kind::Refused => tokio::task::yield_now().await,
                other => break other,
            }
        }
    };
    let Reply::Planned(plan) = within("the next dry run", made).await.unwrap() else {
        panic!("no plan");
    };
    assert_eq!(plan.id.0, 1);
    assert_eq!(kept(&world), before);
}

/// What changed is read once more to look at the whole plan again, and then only its records.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_applied_reads_the_changes_once_and_its_records_by_id() {
    let mut busy = Busy::new().await;
    let world = &mut busy.world;
    let plan = dry_run(world).await;
    let since = world.org().requests(0).last().map_or(0, |seen| seen.number);
    let ends = applied(world, &plan).await;
    assert_eq!(ends.len(), 1, "only accounts have something to do");
    let seen = world.org().requests(since);
    let of = |part: &str| seen.iter().filter(|r| r.path.contains(part)).count();
    let all = || {
        seen.iter()
            .map(|r| format!("{} {}", r.method, r.path))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("/queryAll"),
        plan.pairs.len(),
        "each window once: {:#?}",
        all()
    );
    // To look at the plan, before it is written, the deleted one again, and what was written.
    let by_id = seen
        .iter()
        .filter(|r| r.method == "POST" && r.path.ends_with("/sobjects/Account"));
    assert!(by_id.count() <= 4, "{:#?}", all());
    let most = plan.calls.write + 2;
    assert!(
        ends[0].run.calls <= most,
        "{} > {most}: {:#?}",
        ends[0].run.calls,
        all()
    );
}
