//! Owners that are deactivated in Salesforce: their records go to whom the row names instead
//! (sync-semantics 22).

use syncdeck::domain::mapping::Pair;
use syncdeck::domain::run::Word;
use syncdeck::domain::value::{Cell, Value};
use syncdeck::engine::command::{Command, RecordKey};
use syncdeck::engine::mappings;
use syncdeck::engine::tables::UserRow;

use syncdeck::engine::view::Gets;

use super::*;

fn leads(world: &World) -> Box<Pair> {
    Box::new(world.state().pair(&"leads".into()).unwrap().unwrap())
}

/// Two active users beside us: one who leaves, and one who gets what they had.
fn users(world: &World) -> [UserRow; 2] {
    let me = world
        .state()
        .connection()
        .unwrap()
        .identity
        .unwrap()
        .user_id;
    let mut users = world.state().users().unwrap();
    users.retain(|user| user.active && user.id != me && !user.email.is_empty());
    users.truncate(2);
    users.try_into().unwrap()
}

async fn save(world: &mut World, fallback: &str) -> syncdeck::error::Result<()> {
    save_for(world, leads(world), fallback).await
}

/// The same for accounts.
async fn fall_back(world: &mut World, fallback: &str) -> syncdeck::error::Result<()> {
    let draft = world.state().pair(&"accounts".into()).unwrap().unwrap();
    save_for(world, Box::new(draft), fallback).await
}

async fn save_for(
    world: &mut World,
    mut draft: Box<Pair>,
    fallback: &str,
) -> syncdeck::error::Result<()> {
    let rows = draft.rows.iter_mut();
    let owner = rows.filter(|row| row.label(syncdeck::domain::transform::Side::Crm) == "OwnerId");
    for row in owner {
        row.to_crm = format!("user(\"{fallback}\")").parse().unwrap();
    }
    world.ask(Command::SaveMapping { draft }).await.map(|_| ())
}

fn open_leads(world: &World) -> Vec<(String, RecordKey)> {
    let ids = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT 3");
    let key = |id: String| (id.clone(), world.key("leads", &id));
    ids.into_iter().map(key).collect()
}

fn told(world: &World, who: &str) -> usize {
    let lines = world.state().log_tail(200).unwrap();
    let fits = lines.iter().filter(|line| {
        line.word == Word::Warn && line.text.contains("not active") && line.text.contains(who)
    });
    fits.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_deactivated_owner_goes_to_the_fallback_with_all_else() {
    let mut world = World::imported().await;
    let [gone, desk] = users(&world);
    save(&mut world, &desk.email).await.unwrap();
    world.sync_pair("leads").await;
    let leads = open_leads(&world);
    // Nobody has told us: Salesforce refuses the first.
    world.org().deactivate(gone.id.as_str()).unwrap();
    world.edit(&leads[0].1, "owner", &gone.email).await;
    world.edit(&leads[0].1, "title", "Boss").await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(world.there(&leads[0].0, "OwnerId"), desk.id.as_str());
    assert_eq!(world.there(&leads[0].0, "Title"), "Boss");
    assert_eq!(world.value(&leads[0].1, "owner"), gone.email);
    assert_eq!(told(&world, &desk.name), 1);
    // From then on it is known, and nothing is refused.
    world.edit(&leads[1].1, "owner", &gone.email).await;
    world.org().forget();
    let end = world.sync_pair("leads").await;
    assert_eq!((end.run.counts.failed, end.run.counts.pushed), (0, 1));
    assert_eq!(world.there(&leads[1].0, "OwnerId"), desk.id.as_str());
    assert_eq!(sent(&world, "POST", "/composite"), 1);
    // It rests like that: the fallback does not come back, and nobody is asked.
    world.org().forget();
    world.sync_pair("leads").await;
    world.sync_pair("leads").await;
    assert!(world.org().written().is_empty());
    assert_eq!(world.value(&leads[0].1, "owner"), gone.email);
    assert_eq!(world.conflicts().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_that_is_no_active_user_is_not_saved() {
    let mut world = World::imported().await;
    let error = save(&mut world, "nobody@example.com").await.unwrap_err();
    assert!(
        error.to_string().contains("no user nobody@example.com"),
        "{error}"
    );
    let [desk, _] = users(&world);
    save(&mut world, &desk.email).await.unwrap();
}

/// A queue is a valid owner of a lead: it goes both ways, and to nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_owns_a_lead_like_a_user_and_no_fallback_takes_its_place() {
    let mut world = World::imported().await;
    let queue = world
        .ids("SELECT Id FROM Group WHERE Type = 'Queue'")
        .remove(0);
    let [_, desk] = users(&world);
    let mut draft = leads(&world);
    let rows = draft.rows.iter_mut();
    let owner = rows.filter(|row| row.label(syncdeck::domain::transform::Side::Crm) == "OwnerId");
    for row in owner {
        row.flow = syncdeck::domain::mapping::Flow::Both;
        row.to_crm = format!("user(\"{}\")", desk.email).parse().unwrap();
        row.to_app = "user".parse().unwrap();
    }
    world.ask(Command::SaveMapping { draft }).await.unwrap();
    world.sync_pair("leads").await;
    let leads = open_leads(&world);
    world.change(&leads[0].0, serde_json::json!({"OwnerId": queue}));
    world.edit(&leads[1].1, "owner", "Inbound_Leads").await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(world.value(&leads[0].1, "owner"), "Inbound_Leads");
    assert_eq!(world.there(&leads[1].0, "OwnerId"), queue);
    assert_eq!(told(&world, &desk.name), 0);
    // It rests like that, and a user takes over.
    world.org().forget();
    world.sync_pair("leads").await;
    assert!(world.org().written().is_empty());
    world.edit(&leads[0].1, "owner", &desk.email).await;
    world.sync_pair("leads").await;
    assert_eq!(world.there(&leads[0].0, "OwnerId"), desk.id.as_str());
}

/// What the preview of accounts says of the one that a queue is to have.
fn shown_as(world: &World, to_crm: &str) -> Result<Cell, String> {
    let state = world.state();
    let mut draft = state.pair(&"accounts".into()).unwrap().unwrap();
    let mut rows = draft.rows.iter_mut();
    let owner = rows.find(|row| row.crm[0].as_str() == "OwnerId").unwrap();
    owner.to_crm = to_crm.parse().unwrap();
    let row = owner.id;
    let shown = mappings::preview(state, &draft, row, 400, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let queue = vec![Value::text("Inbound_Leads")];
    let mut samples = shown.samples.into_iter();
    let sample = samples.find(|sample| sample.app.as_ref() == Some(&queue));
    match sample.unwrap().to_crm {
        Gets::Value(cell) => Ok(cell),
        Gets::Refused(why) => Err(why),
        other => panic!("{other:?}"),
    }
}

/// An account belongs to users only.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_cannot_own_a_record_is_not_sent_and_the_fallback_has_it() {
    let mut world = World::imported().await;
    let [gone, desk] = users(&world);
    let id = world.account(0);
    let key = world.key("accounts", &id);
    let owner = world.there(&id, "OwnerId");
    world.edit(&key, "owner", "Inbound_Leads").await;
    world.org().forget();
    // Without a fallback it is a value that cannot go there, and the check says so.
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.counts.failed, 1, "{:?}", end.run);
    assert!(world.org().written().is_empty());
    assert_eq!(world.there(&id, "OwnerId"), owner);
    let said = |word, text: &str| {
        let state = world.state();
        let view = mappings::mapping(state, &"accounts".into(), None).unwrap();
        let mut problems = view.problems.into_iter();
        problems.any(|p| p.word == word && p.text.contains(text))
    };
    assert!(said(Word::Warn, "Inbound_Leads is a queue"));
    let why = shown_as(&world, "user").unwrap_err();
    assert!(why.contains("a queue, and this takes users only"), "{why}");
    let fallback = format!("user(\"{}\")", desk.email);
    let sent = shown_as(&world, &fallback).unwrap();
    assert_eq!(sent, [Value::text(desk.id.as_str())]);
    let refused = fall_back(&mut world, "Inbound_Leads").await.unwrap_err();
    assert!(refused.to_string().contains("is a queue"), "{refused}");
    fall_back(&mut world, &desk.email).await.unwrap();
    world.well("accounts").await;
    let id = world.account(1);
    let key = world.key("accounts", &id);
    world.edit(&key, "owner", "Inbound_Leads").await;
    world.well("accounts").await;
    assert_eq!(world.there(&id, "OwnerId"), desk.id.as_str());
    assert_eq!(world.value(&key, "owner"), "Inbound_Leads");
    // It rests like that, and a user takes over.
    world.org().forget();
    world.sync_pair("accounts").await;
    assert!(world.org().written().is_empty());
    world.edit(&key, "owner", &gone.email).await;
    world.sync_pair("accounts").await;
    assert_eq!(world.there(&id, "OwnerId"), gone.id.as_str());
}
