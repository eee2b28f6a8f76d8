//! Lines that find no room in a text become tasks of their lead: once each, whatever happens in
//! between (sync-semantics 20.4).

mod back;
mod random;

use serde_json::json;
use syncdeck::domain::conflict::Choice;
use syncdeck::domain::id::RowId;
use syncdeck::domain::mapping::{
    AppField, DeletePolicy, Flow, Foreign, OnFull, Overflow, Pair, Row, Strategy, Switch,
};
use syncdeck::domain::preset;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::FieldKind;
use syncdeck::engine::command::{Command, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::tables::{APPENDED, LINKS, crm_key, record_key};
use syncdeck::engine::tx::Durability;
use syncdeck::sandbox::{By, ExtraField};

use super::world::LATE;
use super::*;

const LOG: &str = "Log__c";
const KEY: &str = "Syncdeck_Key__c";
/// Characters that the text of a lead takes.
const MOST: usize = 300;

fn field(name: &str, kind: FieldKind) -> AppField {
    AppField {
        name: name.into(),
        kind,
        length: 0,
    }
}

fn row(id: u16, app: &str, crm: &str, flow: Flow, to_crm: &str) -> Row {
    Row {
        id: RowId(id),
        app: vec![app.into()],
        crm: vec![crm.into()],
        flow,
        to_crm: to_crm.parse().unwrap(),
        to_app: Default::default(),
        strategy: Strategy::Inherit,
        blanks: Default::default(),
        switch: Default::default(),
    }
}

/// Leads with a log that appends, and tasks that take its lines.
fn pairs() -> Vec<Pair> {
    let mut pairs = preset::preset("whole-crm").unwrap();
    let leads = pairs.iter_mut().find(|p| p.name.as_str() == "leads");
    let leads = leads.unwrap();
    leads.app_fields.push(field("log", FieldKind::LongText));
    let appends = Flow::Append(OnFull::Child);
    leads.rows.push(row(900, "log", LOG, appends, ""));
    leads.overflow = Some(Overflow {
        pair: "tasks".into(),
        parent: RowId(2),
        text: RowId(1),
    });
    let to_crm = Flow::ToCrm(Foreign::Keep);
    let mut tasks = leads.clone();
    tasks.name = "tasks".into();
    tasks.object = "Task".into();
    tasks.table = "tasks".into();
    tasks.title = "text".into();
    tasks.app_fields = vec![
        field("text", FieldKind::LongText),
        field("lead", FieldKind::Reference),
        field("subject", FieldKind::Text),
    ];
    tasks.rows = vec![
        row(1, "text", "Description", to_crm, ""),
        row(2, "lead", "WhoId", to_crm, "link(leads)"),
        row(3, "subject", "Subject", to_crm, "default(\"Note\")"),
    ];
    tasks.overflow = None;
    tasks.match_on = Vec::new();
    tasks.on_crm_delete = DeletePolicy::Ignore;
    pairs.push(tasks);
    pairs
}

async fn world() -> World {
    world_of(pairs()).await
}

async fn world_of(pairs: Vec<Pair>) -> World {
    let fields = vec![ExtraField {
        object: "Lead".to_owned(),
        line: format!("{LOG} textarea({MOST}) CUN"),
    }];
    let mut world = World::with_fields(pairs, fields, 20, Sizes::default()).await;
    settled(&mut world).await;
    world
}

async fn settled(world: &mut World) {
    for end in world.sync().await {
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    world.advance(60);
}

/// A lead whose text in Salesforce is full.
async fn full(world: &mut World) -> (String, RecordKey) {
    let id = world.ids("SELECT Id FROM Lead ORDER BY Id")[0].clone();
    world.change(&id, json!({ LOG: "x".repeat(MOST - 20) }));
    settled(world).await;
    let key = world.key("leads", &id);
    (id, key)
}

/// What our tasks of a lead say.
fn tasks(world: &World, lead: &str) -> Vec<String> {
    let asked = format!("SELECT Id FROM Task WHERE WhoId = '{lead}' AND {KEY} != null ORDER BY Id");
    let ids = world.ids(&asked);
    ids.iter()
        .map(|id| world.there(id, "Description"))
        .collect()
}

fn says(tasks: &[String]) -> Vec<&str> {
    let said = tasks.iter().map(|t| t.split_once("] ").unwrap().1);
    let mut said: Vec<&str> = said.collect();
    said.sort_unstable();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_find_no_room_become_records_of_their_own_once() {
    let mut world = world().await;
    let (lead, key) = full(&mut world).await;
    let there = world.there(&lead, LOG);
    world.edit(&key, "log", "Called\nWrote a letter").await;
    settled(&mut world).await;
    assert_eq!(says(&tasks(&world, &lead)), ["Called", "Wrote a letter"]);
    assert_eq!(world.there(&lead, LOG), there, "the text stays as it is");
    let task = &tasks(&world, &lead)[0];
    assert!(task.starts_with("[20") && !task.contains("sd:"), "{task}");
    assert_agree(&world);
    world.org().forget();
    settled(&mut world).await;
    assert!(world.org().written().is_empty());
    // Room is made there: what is new goes there again, what went elsewhere stays there.
    world.change(&lead, json!({ LOG: "short" }));
    world.edit(&key, "log", "Called\nWrote a letter\nMet").await;
    settled(&mut world).await;
    let now = world.there(&lead, LOG);
    assert!(
        now.starts_with("short\n[") && now.contains("] Met "),
        "{now}"
    );
    assert!(!now.contains("Called"), "{now}");
    assert_eq!(tasks(&world, &lead).len(), 2);
    assert_agree(&world);
}

/// The tasks' creates, which are the only ones.
const CREATES: &str = "*/composite/sobjects";

#[tokio::test(flavor = "multi_thread")]
async fn a_line_has_one_record_when_the_answer_to_its_create_is_lost() {
    for kind in ["drop_after", "drop_before", "truncate", "duplicate"] {
        let mut world = world().await;
        let (lead, key) = full(&mut world).await;
        world.edit(&key, "log", "Called").await;
        let lost = json!({"kind": kind, "path": CREATES, "method": "POST", "times": 1});
        world.org().inject(fault(lost));
        world.sync().await;
        world.advance(LATE);
        settled(&mut world).await;
        assert_eq!(says(&tasks(&world, &lead)), ["Called"], "{kind}");
        assert_agree(&world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_has_one_record_wherever_the_process_ends() {
    let mut world = world().await;
    let (lead, key) = full(&mut world).await;
    world.edit(&key, "log", "Called").await;
    world.crash().await;
    // Before the line goes anywhere, ...
    world.sync_pair("leads").await;
    assert_eq!(tasks(&world, &lead), [""; 0]);
    world.crash().await;
    // ... when it is to be a record that nobody has made, ...
    let held = json!({"kind": "hold", "path": CREATES, "method": "POST"});
    let held = world.org().inject(fault(held));
    world.begin_pair("tasks").await;
    world.struck(held, 1).await;
    world.crash().await;
    // ... and when nobody knows whether it was made.
    world.advance(LATE);
    settled(&mut world).await;
    settled(&mut world).await;
    assert_eq!(says(&tasks(&world, &lead)), ["Called"]);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_whose_record_is_refused_waits_with_the_cause_until_it_is_put_right() {
    let mut world = world().await;
    let (lead, key) = full(&mut world).await;
    world.edit(&key, "log", "Called").await;
    let refused = world.org().inject(fault(json!({
        "kind": "refuse_rows", "share": 1.0, "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "path": CREATES, "method": "POST",
    })));
    for end in world.sync().await {
        let expected = match end.run.pair.as_str() {
            "tasks" => RunState::SucceededWithErrors,
            _ => RunState::Succeeded,
        };
        assert_eq!(end.run.state, expected, "{:?}", end.run);
    }
    assert_eq!(tasks(&world, &lead), [""; 0]);
    let line = line_of(&world, &key);
    let aside = world.state().quarantined(&line.pair, &line.app_id).unwrap();
    let code = aside.unwrap().failure.code;
    assert_eq!(code, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    world.org().remove_fault(refused);
    // A person puts it right: it is an ordinary record.
    world.edit(&line, "subject", "Call").await;
    settled(&mut world).await;
    assert_eq!(says(&tasks(&world, &lead)), ["Called"]);
    assert_agree(&world);
}

/// The only record that a line of a lead became.
fn line_of(world: &World, lead: &RecordKey) -> RecordKey {
    let records = agree::app_records(world, &"tasks".into());
    let mut ours = records.into_iter().filter(|record| {
        let of = record.fields.get("lead").map(ToString::to_string);
        of.is_some_and(|of| of == lead.app_id.as_str())
    });
    let found = ours.next().unwrap();
    assert!(ours.next().is_none(), "there are more");
    RecordKey {
        pair: "tasks".into(),
        app_id: found.id,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_has_the_key_of_a_line_already_is_that_of_the_line() {
    let mut world = world().await;
    let (lead, key) = full(&mut world).await;
    world.edit(&key, "log", "Called").await;
    world.sync_pair("leads").await;
    let line = line_of(&world, &key);
    let link = world.state().link(&line.pair, &line.app_id).unwrap();
    let taken = link.unwrap().sync_key.unwrap();
    let made = world.make(
        "Task",
        json!({"WhoId": lead, "Description": "[x] Called", KEY: taken.as_str()}),
    );
    settled(&mut world).await;
    assert_eq!(world.crm_id(&line), Some(made));
    assert_eq!(says(&tasks(&world, &lead)), ["Called"]);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_whose_record_was_deleted_is_not_sent_again() {
    let mut world = world().await;
    let (lead, key) = full(&mut world).await;
    world.edit(&key, "log", "Called").await;
    settled(&mut world).await;
    let task = world.crm_id(&line_of(&world, &key)).unwrap();
    world.org().delete(By::Colleague, &task).unwrap();
    settled(&mut world).await;
    world.edit(&key, "log", "Called\nWrote").await;
    settled(&mut world).await;
    assert_eq!(says(&tasks(&world, &lead)), ["Wrote"]);
    // There is room again, and still it is one that was sent.
    world.change(&lead, json!({ LOG: "" }));
    world.edit(&key, "log", "Called\nWrote\nMet").await;
    settled(&mut world).await;
    let there = world.there(&lead, LOG);
    assert!(
        there.contains("] Met ") && !there.contains("Called"),
        "{there}"
    );
}

/// What was agreed is lost, as when the mapping is changed: the note that the line was sent tells
/// that it is not new, or its record, while there is one. Without both the line is said again.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_became_a_record_is_known_without_what_was_agreed() {
    for (noted, deleted, expected) in [
        (true, false, 1),
        (false, false, 1),
        (true, true, 0),
        (false, true, 1),
    ] {
        let mut world = world().await;
        let (lead, key) = full(&mut world).await;
        world.edit(&key, "log", "Called").await;
        settled(&mut world).await;
        if deleted {
            let ours = format!("SELECT Id FROM Task WHERE WhoId = '{lead}' AND {KEY} != null");
            let task = world.ids(&ours)[0].clone();
            world.org().delete(By::Colleague, &task).unwrap();
            world.advance(60);
            settled(&mut world).await;
        }
        {
            let state = world.state();
            let mut link = state.link(&key.pair, &key.app_id).unwrap().unwrap();
            link.bases.remove(&RowId(900));
            let crm_id = link.crm_id.unwrap();
            let mut tx = state.begin();
            tx.put(&LINKS, &record_key(&key.pair, &key.app_id), &link);
            tx.todo(&key.pair, &key.app_id).unwrap();
            if !noted {
                tx.delete(&APPENDED, &crm_key(&key.pair, &crm_id));
            }
            tx.commit(Durability::Now).unwrap();
        }
        settled(&mut world).await;
        settled(&mut world).await;
        let there = tasks(&world, &lead).len();
        assert_eq!(there, expected, "noted {noted}, deleted {deleted}");
    }
}

/// A record with its lines is deleted there, and a person keeps the App's: with the new one come
/// its lines.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_made_anew_gets_records_of_its_lines_anew() {
    let mut world = world().await;
    let long = "word ".repeat(MOST / 5 + 10);
    let mut fields = vec![("last_name", "New"), ("company", "New Ltd")];
    fields.push(("log", long.trim()));
    let key = world.create("leads", &fields).await;
    settled(&mut world).await;
    settled(&mut world).await;
    let lead = world.crm_id(&key).unwrap();
    assert_eq!(says(&tasks(&world, &lead)), [long.trim()]);
    let ours = format!("SELECT Id FROM Task WHERE WhoId = '{lead}'");
    for task in world.ids(&ours) {
        world.org().delete(By::Colleague, &task).unwrap();
    }
    world.org().delete(By::Colleague, &lead).unwrap();
    world.edit(&key, "company", "Newer Ltd").await;
    world.advance(60);
    world.sync().await;
    let rows = world.conflicts().await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let refused = world.decide(&rows[0], Choice::Take(Side::App)).await;
    assert!(refused.is_empty(), "{refused:?}");
    world.write().await;
    world.advance(60);
    settled(&mut world).await;
    settled(&mut world).await;
    let again = world.crm_id(&key).unwrap();
    assert_ne!(again, lead);
    assert_eq!(says(&tasks(&world, &again)), [long.trim()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_record_leaves_out_what_finds_no_room_and_that_follows_it() {
    let mut world = world().await;
    let long = "word ".repeat(MOST / 5 + 10);
    let typed = format!("{}\nsecond", long.trim());
    let key = world
        .create(
            "leads",
            &[
                ("last_name", "New"),
                ("company", "New Ltd"),
                ("log", &typed),
            ],
        )
        .await;
    settled(&mut world).await;
    settled(&mut world).await;
    let lead = world.crm_id(&key).unwrap();
    assert_eq!(world.there(&lead, LOG), "");
    assert_eq!(says(&tasks(&world, &lead)), ["second", long.trim()]);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_not_lost_with_a_decision_on_another_row() {
    let mut world = world().await;
    let (lead, key) = full(&mut world).await;
    world.edit(&key, "company", "Mine").await;
    world.change(&lead, json!({"Company": "Theirs"}));
    settled(&mut world).await;
    world.edit(&key, "log", "Called").await;
    let rows = world.conflicts().await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let refused = world.decide(&rows[0], Choice::Take(Side::App)).await;
    assert!(refused.is_empty(), "{refused:?}");
    world.write().await;
    assert_eq!(world.there(&lead, "Company"), "Mine");
    settled(&mut world).await;
    assert_eq!(says(&tasks(&world, &lead)), ["Called"]);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_refused_while_the_pair_that_takes_them_is_not_as_the_mapping_says() {
    let mut pairs = pairs();
    let tasks_pair = pairs.iter_mut().find(|p| p.name.as_str() == "tasks");
    tasks_pair.unwrap().rows[0].switch = Switch::Off;
    let mut world = world_of(pairs).await;
    let (lead, key) = full(&mut world).await;
    world.edit(&key, "log", "Called").await;
    world.sync().await;
    let aside = world.state().quarantined(&key.pair, &key.app_id).unwrap();
    let failure = aside.unwrap().failure;
    assert!(
        failure.what.contains("overflow in the mapping file"),
        "{failure:?}"
    );
    assert_eq!(tasks(&world, &lead), [""; 0]);
    assert_eq!(
        world.app_ids("tasks").len(),
        world.ids("SELECT Id FROM Task").len()
    );
}
