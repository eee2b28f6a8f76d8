//! Many writes that need no guard go by a job of the org, and each is made once, wherever the
//! process ends and whatever the job says.

use std::time::Duration;

use serde_json::{Value as Json, json};
use syncdeck::crm::bulk::WriteSizes;
use syncdeck::domain::mapping::Guard;
use syncdeck::domain::run::{LogLine, ResultKind};
use syncdeck::engine::command::{Command, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::tables::{JOB_ROWS, JobStage, WRITE_JOBS};
use syncdeck::engine::tx::Durability;
use syncdeck::engine::view::RunDetail;
use syncdeck::sandbox::Pace;

use super::world::LATE;
use super::*;

/// Records of each kind that are written together.
const MANY: usize = 45;

/// Jobs for 40 records and more.
fn sizes() -> Sizes {
    let write = WriteSizes {
        from: 40,
        records: 500,
        bytes: 1_000_000,
    };
    Sizes {
        write,
        ..Sizes::default()
    }
}

/// Leads to be made and leads to be changed, without a guard.
struct Many {
    world: World,
    made: Vec<RecordKey>,
    changed: Vec<String>,
}

impl Many {
    async fn new() -> Self {
        Self::of(sizes(), Guard::None, MANY).await
    }

    async fn of(sizes: Sizes, guard: Guard, changes: usize) -> Self {
        let mut world = World::signed_in_with("whole-crm", 100, sizes).await;
        world.sync().await;
        guarded(&world, guard);
        let changed = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id");
        let changed: Vec<String> = changed.into_iter().take(changes).collect();
        let mut many = Self {
            world,
            made: Vec::new(),
            changed,
        };
        many.again("First").await;
        many
    }

    /// More of both kinds to be written.
    async fn again(&mut self, word: &str) {
        self.edit(word).await;
        self.made.clear();
        let company = format!("{word} Co");
        for n in 0..MANY {
            let name = format!("Made \"{n}\", 🦊");
            let fields = [("last_name", name.as_str()), ("company", &company)];
            self.made.push(self.world.create("leads", &fields).await);
        }
        self.world.org().forget();
    }

    /// Gives every changed lead a title of its own.
    async fn edit(&mut self, word: &str) {
        for (n, id) in self.changed.iter().enumerate() {
            let key = self.world.key("leads", id);
            self.world.edit(&key, "title", &format!("{word} {n}")).await;
        }
    }

    /// Each lead was made or changed exactly once.
    #[track_caller]
    fn done(&self, what: &str, word: &str) {
        let world = &self.world;
        let written = world.org().written();
        let soql = format!("SELECT Id FROM Lead WHERE Company = '{word} Co'");
        assert_eq!(world.ids(&soql).len(), self.made.len(), "{what}");
        for key in &self.made {
            let id = world
                .crm_id(key)
                .unwrap_or_else(|| panic!("{what}: {key:?}"));
            assert_eq!(written[&id].created, 1, "{what}");
        }
        for (n, id) in self.changed.iter().enumerate() {
            assert_eq!(world.there(id, "Title"), format!("{word} {n}"), "{what}");
            assert_eq!(written[id].updated, 1, "{what}: {id}");
        }
        assert_agree(world);
    }

    /// The run that lets the fault strike, ended in the middle; then the org is well again.
    async fn cut_off(&mut self, faults: &[Json]) {
        let org = self.world.org();
        let numbers: Vec<u64> = faults
            .iter()
            .map(|f| org.inject(fault(f.clone())))
            .collect();
        self.world.begin_pair("leads").await;
        self.world.struck(numbers[0], 1).await;
        self.world.crash().await;
        self.world.org().clear_faults();
    }
}

fn guarded(world: &World, guard: Guard) {
    let state = world.state();
    let mut pair = state.pair(&"leads".into()).unwrap().unwrap();
    pair.guard = guard;
    let mut tx = state.begin();
    tx.put_pair(&pair);
    tx.commit(Durability::Now).unwrap();
}

/// Jobs that were asked for, and calls that write without one.
fn jobs_and_calls(world: &World) -> (usize, usize) {
    let calls = sent(world, "POST", "/composite") + sent(world, "PATCH", "/composite");
    let finds = world.org().requests(0);
    let finds = finds
        .iter()
        .filter(|r| r.method == "POST" && r.path.ends_with("/composite/sobjects/Lead"));
    let jobs = world.org().requests(0);
    let jobs = jobs
        .iter()
        .filter(|r| r.method == "POST" && r.path.ends_with("/jobs/ingest") && r.status.is_some());
    (jobs.count(), calls - finds.count())
}

#[track_caller]
fn well(end: &RunDetail) {
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
}

fn says(end: &RunDetail, text: &str) -> bool {
    let said = |line: &LogLine| line.text.contains(text);
    end.steps.iter().any(said)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writes_go_by_jobs_that_are_removed_at_the_end() {
    let mut many = Many::new().await;
    let end = many.world.sync_pair("leads").await;
    well(&end);
    let counts = end.run.counts;
    assert_eq!((counts.pushed, counts.created), (90, 45), "{counts:?}");
    let world = &many.world;
    assert_eq!(jobs_and_calls(world), (2, 0));
    assert_eq!(sent(world, "PUT", "/batches"), 2);
    assert_eq!(sent(world, "DELETE", "/jobs/ingest"), 2);
    many.done("by jobs", "First");
    // Fewer are not worth one.
    many.changed.truncate(39);
    many.edit("Second").await;
    many.world.org().forget();
    well(&many.world.sync_pair("leads").await);
    let (jobs, calls) = jobs_and_calls(&many.world);
    assert!(jobs == 0 && calls > 0, "{jobs} jobs, {calls} calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_guard_never_goes_by_a_job() {
    let mut many = Many::of(sizes(), Guard::Precondition, MANY).await;
    many.world.org().hold_jobs(Pace::Held);
    let run = many.world.begin_pair("leads").await;
    let asked = |world: &World| sent(world, "GET", "/jobs/ingest/750") > 0;
    let world = &many.world;
    world
        .until("the job of the new leads", || asked(world))
        .await;
    // The changes were made, each if nobody else had changed the lead; the new leads wait.
    for (n, id) in many.changed.iter().enumerate() {
        assert_eq!(many.world.there(id, "Title"), format!("First {n}"));
    }
    assert_eq!(jobs_and_calls(&many.world), (1, MANY.div_ceil(25)));
    // What a colleague does to other fields meanwhile stays.
    let id = many.changed[0].clone();
    many.world.change(&id, json!({"City": "Elsewhere"}));
    many.world.org().hold_jobs(Pace::AtOnce);
    well(&many.world.end(run).await);
    let key = many.world.key("leads", &id);
    let gone = many.changed.remove(1);
    let gone = many.world.key("leads", &gone);
    many.world.delete(&gone).await;
    many.world.sync_pair("leads").await;
    assert_eq!(many.world.there(&id, "City"), "Elsewhere");
    assert_eq!(many.world.value(&key, "city"), "Elsewhere");
    assert_agree(&many.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_a_job_leaves_other_fields_alone() {
    let mut many = Many::new().await;
    many.world.org().hold_jobs(Pace::Held);
    // One of the records has a second field to write: the others have no value in its column.
    let first = many.world.key("leads", &many.changed[0]);
    many.world.edit(&first, "city", "Here").await;
    let run = many.world.begin_pair("leads").await;
    let world = &many.world;
    let asked = || sent(world, "GET", "/jobs/ingest/750") > 0;
    world.until("a job to be asked", asked).await;
    let (mine, theirs) = (many.changed[0].clone(), many.changed[1].clone());
    many.world.change(&theirs, json!({"City": "There"}));
    many.world.org().hold_jobs(Pace::AtOnce);
    well(&many.world.end(run).await);
    well(&many.world.sync_pair("leads").await);
    assert_eq!(many.world.there(&mine, "City"), "Here");
    assert_eq!(many.world.there(&theirs, "City"), "There");
    many.done("others' fields", "First");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_records_of_a_job_are_treated_as_those_of_a_call() {
    let mut many = Many::new().await;
    // Both jobs: two records break a rule for good; three are locked, and written by calls then.
    for (rows, code, after) in [
        (json!([3, 7]), "FIELD_CUSTOM_VALIDATION_EXCEPTION", 0),
        (json!([1, 2, 5]), "UNABLE_TO_LOCK_ROW", 1),
    ] {
        many.world.org().inject(fault(json!({
            "kind": "refuse_rows", "rows": rows, "code": code,
            "method": "PATCH", "path": "/jobs/ingest",
            "after": after, "times": 1,
        })));
    }
    let end = many.world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::SucceededWithErrors);
    let aside = end.records.rows.iter();
    let aside: Vec<_> = aside
        .filter(|r| r.kind == ResultKind::Quarantined)
        .collect();
    assert_eq!(aside.len(), 2, "{aside:?}");
    let failure = aside[0].failure.as_ref().unwrap();
    assert_eq!(failure.code, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    assert!(!failure.fix.is_empty() && !failure.request.is_empty());
    assert_eq!(end.run.counts.pushed, 88, "{:?}", end.run.counts);
    assert_eq!(end.run.counts.retried, 3);
    assert_agree(&many.world);
    // The same is not sent again.
    let before = many.world.org().written();
    many.world.sync_pair("leads").await;
    assert_eq!(many.world.org().written(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_automation_refuses_in_a_job_goes_in_smaller_calls() {
    let mut many = Many::new().await;
    many.world.org().inject(fault(json!({
        "kind": "refuse_rows", "rows": [1, 2, 5], "code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "method": "PATCH", "path": "/jobs/ingest", "times": 1,
    })));
    let end = many.world.sync_pair("leads").await;
    well(&end);
    let counts = end.run.counts;
    assert_eq!((counts.pushed, counts.retried), (90, 3), "{counts:?}");
    assert_eq!(jobs_and_calls(&many.world), (2, 1));
    many.done("in smaller calls", "First");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_makes_no_job_and_its_plan_has_every_write() {
    let mut many = Many::new().await;
    let pairs = vec!["leads".into()];
    let made = many.world.ask(Command::DryRun { pairs }).await.unwrap();
    let Reply::Planned(plan) = made else {
        panic!("{made:?}");
    };
    let items: u64 = plan.pairs.iter().map(|pair| pair.tally.items).sum();
    assert_eq!(items, 90);
    assert_eq!(jobs_and_calls(&many.world), (0, 0));
    assert_eq!(many.world.state().store().count(&WRITE_JOBS).unwrap(), 0);
    well(&many.world.sync_pair("leads").await);
    many.done("after a dry run", "First");
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_process_ends_nothing_is_lost_and_nothing_made_twice() {
    // A request that is under way when the process ends, and was not executed.
    let lost = |method: &str, path: &str| {
        let slow = json!({"kind": "delay", "ms": 400, "method": method, "path": path});
        [
            slow,
            json!({"kind": "drop_before", "method": method, "path": path}),
        ]
    };
    let mut many = Many::new().await;
    many.world.sync_pair("leads").await;
    for (what, method, path, jobs) in [
        ("before the job is known", "POST", "/jobs/ingest", 2),
        ("before the upload", "PUT", "/batches", 3),
        (
            "after the upload, before the release",
            "PATCH",
            "/jobs/ingest",
            3,
        ),
        ("before its results", "GET", "/failedResults", 2),
        ("after its results", "DELETE", "/jobs/ingest", 2),
    ] {
        many.again(what).await;
        many.cut_off(&lost(method, path)).await;
        let open = many.world.state().intents().unwrap().len();
        // Nothing has to be on the disk before there is a job.
        assert!(
            open >= MANY || method == "POST",
            "{what}: {open} writes are open"
        );
        let end = many.world.sync_pair("leads").await;
        well(&end);
        many.done(what, what);
        let executed = jobs_and_calls(&many.world);
        assert_eq!(executed, (jobs, 0), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_asked_before_anything_is_written_again() {
    let mut many = Many::of(sizes(), Guard::None, 60).await;
    many.made.clear();
    many.world.org().hold_jobs(Pace::Held);
    many.world.begin_pair("leads").await;
    let asked = |world: &World| sent(world, "GET", "/jobs/ingest/750") > 0;
    let world = &many.world;
    world.until("a job to be asked", || asked(world)).await;
    many.world.crash().await;
    // A job may wait for longer than a lost call, and the App goes on meanwhile.
    many.world.advance(LATE);
    many.edit("Second").await;
    many.world.org().forget();
    let run = many.world.begin_pair("leads").await;
    let world = &many.world;
    world.until("it to be asked again", || asked(world)).await;
    let beside = sent(world, "POST", "/jobs/ingest") + world.org().written().len();
    assert_eq!(beside, 0, "written beside the job");
    many.world.org().hold_jobs(Pace::AtOnce);
    well(&many.world.end(run).await);
    well(&many.world.sync_pair("leads").await);
    for (n, id) in many.changed.iter().enumerate() {
        assert_eq!(many.world.there(id, "Title"), format!("Second {n}"));
    }
    assert_agree(&many.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_answers_are_lost_is_asked_what_it_did() {
    let mut many = Many::new().await;
    for wrong in [
        json!({"kind": "drop_after", "method": "PATCH", "times": 1}),
        json!({"kind": "drop_before", "method": "PATCH", "times": 1}),
        json!({"kind": "drop_after", "method": "PUT", "times": 1}),
        json!({"kind": "drop_after", "method": "POST", "times": 1}),
        json!({"kind": "truncate", "method": "GET", "times": 2}),
        json!({"kind": "garbage", "method": "PATCH", "times": 1}),
        json!({"kind": "duplicate", "method": "PATCH", "times": 1}),
    ] {
        let what = wrong
            .to_string()
            .replace(|c: char| !c.is_ascii_alphabetic(), "");
        many.again(&what).await;
        let mut strike = wrong.clone();
        strike["path"] = json!("/jobs/ingest");
        many.world.org().inject(fault(strike));
        let end = many.world.sync_pair("leads").await;
        well(&end);
        many.done(&what, &what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_job_the_records_go_by_calls() {
    let no = |code: &str| json!([{"errorCode": code, "message": "not here"}]);
    let mut many = Many::new().await;
    for (what, method, path) in [
        ("FEATURENOTENABLED", "POST", "/jobs/ingest"),
        ("EXCEEDEDQUOTA", "POST", "/jobs/ingest"),
        ("INVALIDBATCH", "PUT", "/batches"),
    ] {
        many.again(what).await;
        many.world.org().inject(fault(json!({
            "kind": "status", "status": 400, "method": method, "path": path, "body": no(what),
        })));
        let end = many.world.sync_pair("leads").await;
        well(&end);
        assert!(says(&end, "writing without a job"), "{:?}", end.steps);
        many.world.org().clear_faults();
        many.done(what, what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_job_or_its_results_are_gone_the_records_are_read() {
    let mut many = Many::new().await;
    for (what, path) in [
        ("INVALIDJOB", "/jobs/ingest/750"),
        ("INVALIDJOBSTATE", "/successfulResults"),
    ] {
        many.again(what).await;
        many.world.org().inject(fault(json!({
            "kind": "status", "status": 404, "method": "GET", "path": path,
            "body": [{"errorCode": what, "message": "not here"}],
        })));
        let end = many.world.sync_pair("leads").await;
        assert!(says(&end, "reading the records"), "{what}: {:?}", end.steps);
        many.world.org().clear_faults();
        // What was read before the job had written it is held as after a lost call.
        many.world.advance(LATE);
        many.world.sync_pair("leads").await;
        let soql = format!("SELECT Id FROM Lead WHERE Company = '{what} Co'");
        assert_eq!(many.world.ids(&soql).len(), MANY, "{what}");
        assert_agree(&many.world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_given_up_by_a_cancel_and_by_standing_still() {
    let mut many = Many::new().await;
    many.world.org().hold_jobs(Pace::Held);
    let run = many.world.begin_pair("leads").await;
    let world = &many.world;
    let asked = || sent(world, "GET", "/jobs/ingest/750") > 1;
    world.until("the job to be asked", asked).await;
    many.world.tell(Command::Cancel).await;
    let end = many.world.end(run).await;
    assert_eq!(end.run.state, RunState::Cancelled);
    many.world.org().hold_jobs(Pace::AtOnce);
    assert!(many.world.org().written().is_empty(), "it was given up");
    assert!(many.world.state().intents().unwrap().is_empty());
    assert_eq!(many.world.state().store().count(&JOB_ROWS).unwrap(), 0);
    well(&many.world.sync_pair("leads").await);
    many.done("after a cancel", "First");

    let impatient = Sizes {
        patience: Duration::from_millis(200),
        ..sizes()
    };
    let mut many = Many::of(impatient, Guard::None, MANY).await;
    many.world.org().hold_jobs(Pace::Held);
    let end = many.world.sync_pair("leads").await;
    well(&end);
    assert!(says(&end, "Setup, Bulk Data Load Jobs"), "{:?}", end.steps);
    let (jobs, calls) = jobs_and_calls(&many.world);
    assert!(jobs == 1 && calls > 0, "{jobs} jobs, {calls} calls");
    many.world.org().hold_jobs(Pace::AtOnce);
    many.done("standing still", "First");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_and_an_orderly_end_leave_the_job_to_the_org() {
    let mut many = Many::new().await;
    many.world.org().hold_jobs(Pace::Held);
    many.world.begin_pair("leads").await;
    let world = &many.world;
    let asked = || sent(world, "GET", "/jobs/ingest/750") > 0;
    world.until("the job to be asked", asked).await;
    many.world.restart().await;
    let kept = many.world.state().store().scan(&WRITE_JOBS, &[]);
    let kept: Vec<_> = kept.map(|row| row.unwrap().1.stage).collect();
    assert!(matches!(kept[..], [JobStage::Made { .. }]), "{kept:?}");
    assert_eq!(
        sent(&many.world, "PATCH", "/jobs/ingest"),
        1,
        "released, not given up"
    );
    many.world.org().hold_jobs(Pace::AtOnce);
    well(&many.world.sync_pair("leads").await);
    many.done("restarted", "First");
    assert_eq!(jobs_and_calls(&many.world).0, 2);
}
