//! Filters on CRM fields: what is pushed into a query gives what the evaluator gives, and what a
//! filter would do is said before it does.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use syncdeck::crm::salesforce::pushdown::push;
use syncdeck::domain::filter::{Filter, Subject};
use syncdeck::domain::id::PairName;
use syncdeck::domain::mapping::{Flow, Foreign, Leaves, Pair};
use syncdeck::domain::record::LinkState;
use syncdeck::domain::run::{ResultKind, Word};
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::Value;
use syncdeck::engine::command::{Command, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::view::{FilterView, PairSettings};

use super::*;

const FIELDS: [&str; 7] = [
    "Amount",
    "CloseDate",
    "CreatedDate",
    "IsClosed",
    "AccountId",
    "Name",
    "NextStep",
];
/// Filters that are tried.
const TRIED: usize = 1_500;

/// A value as the org answers it.
fn value(field: &str, json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => Value::Number(n.to_string().parse().unwrap()),
        Json::String(text) if field == "CloseDate" => Value::Date(text.parse().unwrap()),
        Json::String(text) if field == "CreatedDate" => {
            Value::DateTime(text.replace("+0000", "Z").parse().unwrap())
        }
        Json::String(text) => Value::text(text),
        other => panic!("{field}: {other}"),
    }
}

/// Terms of filters over values that the records have, and some next to them.
fn terms(rows: &[Json], now: Timestamp) -> Vec<String> {
    let mut terms: Vec<String> = FIELDS[..3]
        .iter()
        .chain(&FIELDS[4..])
        .map(|field| format!("{field}:null"))
        .collect();
    terms.extend(["IsClosed:yes", "IsClosed:=no", "IsClosed:YES,no"].map(str::to_owned));
    for sign in ["<", "<=", ">", ">="] {
        let mut compare = |field: &str, limit: &str| terms.push(format!("{field}:{sign}{limit}"));
        for amount in ["0", "1000", "1000.5", "-3"] {
            compare("Amount", amount);
        }
        for row in rows.iter().take(6) {
            compare("CloseDate", row["CloseDate"].as_str().unwrap());
            let created = row["CreatedDate"].as_str().unwrap();
            let at: Timestamp = created.replace("+0000", "Z").parse().unwrap();
            compare("CreatedDate", &format!("\"{at}\""));
            compare("CreatedDate", &created[..10]);
            let age = now
                .duration_since(at)
                .as_secs()
                .clamp(0, i64::from(u32::MAX));
            compare("CreatedDate", &format!("{age}s"));
        }
    }
    for row in rows.iter().take(4) {
        if let Some(id) = row["AccountId"].as_str() {
            terms.push(format!("AccountId:={id},null"));
            terms.push(format!("AccountId:={id}"));
        }
    }
    terms.extend(["Name:deal", "NextStep:=call,null"].map(str::to_owned));
    terms
}

fn filters(terms: Vec<String>) -> impl Strategy<Value = Filter> {
    let leaf = proptest::sample::select(terms).prop_map(|text| text.parse::<Filter>().unwrap());
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Each),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Any),
            inner.prop_map(|f| Filter::Not(Box::new(f))),
        ]
    })
}

/// A rule of filters that is turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    None,
    /// What cannot be asked of the org is not asked here, either.
    RestIsForgotten,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_condition_gives_what_the_evaluator_gives() {
    let world = World::imported().await;
    let account = world.account(0);
    for n in 0..24i64 {
        world.advance(3_600 * (n % 5));
        let amount = (n % 4 != 1).then_some(json!(f64::from(u32::try_from(n).unwrap()) * 125.5));
        let parent = (n % 3 != 0).then_some(&account);
        // The org wants an amount of what is won.
        let stage = match (n % 2, &amount) {
            (0, Some(_)) => "Closed Won",
            (0, None) => "Closed Lost",
            _ => "Prospecting",
        };
        world.make(
            "Opportunity",
            json!({
                "Name": format!("Deal {n}"), "StageName": stage, "Amount": amount,
                "CloseDate": format!("2026-{:02}-{:02}", 1 + n % 12, 1 + n % 28),
                "AccountId": parent, "NextStep": (n % 5 == 0).then_some("call"),
            }),
        );
    }
    let state = world.state();
    let object = state.object(&"Opportunity".into()).unwrap().unwrap();
    let select = format!("SELECT Id, {} FROM Opportunity", FIELDS.join(", "));
    let answer = world.org().query(&select).unwrap();
    let rows = answer["records"].as_array().unwrap().clone();
    assert!(rows.len() > 24);
    let now = Timestamp::from_second(world.org().advance(0)).unwrap();
    let holds = |filter: &Filter, row: &Json| {
        filter.matches(&Subject {
            field: &|name| Some(value(name, &row[name])),
            state: Word::Ok,
            columns: &[],
            changed: None,
            marked: false,
            now,
        })
    };
    let id = |row: &Json| row["Id"].as_str().unwrap().to_owned();
    let strategy = filters(terms(&rows, now));
    let mut runner = TestRunner::deterministic();
    let (mut whole, mut parted, mut some, mut noticed) = (0, 0, 0, false);
    let (switch, invariant) = (Switch::RestIsForgotten, "I38");
    for _ in 0..TRIED {
        let filter = strategy.new_tree(&mut runner).unwrap().current();
        let pushed = push(&filter, &object, now);
        let soql = match &pushed.condition {
            Some(condition) => format!("SELECT Id FROM Opportunity WHERE {condition}"),
            None => "SELECT Id FROM Opportunity".to_owned(),
        };
        match (&pushed.condition, &pushed.rest) {
            (Some(_), Filter::All) => whole += 1,
            (Some(_), _) => parted += 1,
            (None, _) => {}
        }
        let given: BTreeSet<String> = world.ids(&soql).into_iter().collect();
        let got = |switch: Switch| -> BTreeSet<String> {
            let rest = |row: &Json| match switch {
                Switch::RestIsForgotten => true,
                Switch::None => holds(&pushed.rest, row),
            };
            let of_both = |row: &&Json| given.contains(&id(row)) && rest(row);
            rows.iter().filter(of_both).map(id).collect()
        };
        let wanted = rows.iter().filter(|row| holds(&filter, row)).map(id);
        let wanted: BTreeSet<String> = wanted.collect();
        some += usize::from(!wanted.is_empty() && wanted.len() < rows.len());
        noticed |= got(switch) != wanted;
        let got = got(Switch::None);
        assert_eq!(got, wanted, "{filter}\n{soql}\nrest: {}", pushed.rest);
    }
    assert!(noticed, "{switch:?} does not break {invariant}");
    // It was worth something: much is pushed, and the answers are neither all nor nothing.
    assert!(whole > TRIED / 4 && parted > 0, "{whole} {parted}");
    assert!(some > TRIED / 4, "{some}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_show_filters_rules_and_the_limits_of_the_org() {
    let mut world = World::imported().await;
    let Reply::Settings(view) = world.ask(Command::Settings).await.unwrap() else {
        panic!("not the settings");
    };
    let is = |p: &&PairSettings| p.name.as_str() == "opportunities";
    let pair = view.pairs.iter().find(is).unwrap();
    assert_eq!(pair.filter, "");
    let (last, rows) = pair.rules.split_last().unwrap();
    assert_eq!((last.row, last.open), (None, 0));
    assert!(rows.iter().all(|rule| rule.row.is_some()) && !rows.is_empty());
    let [limits] = view.limits.as_slice() else {
        panic!("{:?}", view.limits);
    };
    assert!(limits.limits.ours > 0, "the import made calls");
    let lines = limits.limits.lines.unwrap();
    assert!(lines.share < lines.stop && lines.stop < lines.figure.max);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_is_tried_before_it_does_anything() {
    let mut world = World::imported().await;
    async fn tried(world: &mut World, filter: &str) -> syncdeck::error::Result<FilterView> {
        let command = Command::TestFilter {
            pair: PairName::new("opportunities"),
            filter: Some(filter.to_owned()),
            samples: 2,
        };
        match world.ask(command).await? {
            Reply::Filter(view) => Ok(*view),
            other => panic!("{other:?}"),
        }
    }
    let all = tried(&mut world, "").await.unwrap();
    assert_eq!((all.stay, all.leave), (9, 0));
    assert_eq!((all.condition, all.rest), (None, None));
    assert_eq!(all.staying.len(), 2);
    let won = tried(&mut world, "IsWon:yes Name:a").await.unwrap();
    assert_eq!(won.condition.as_deref(), Some("(IsWon = true)"));
    assert_eq!(won.rest.as_deref(), Some("Name:a"));
    assert_eq!(won.stay + won.leave, 9);
    for (filter, at, word) in [
        ("IsWon:yes Amout:>5", 10, "`Amount`?"),
        ("\"Amount:>x\" Amount:>2026-01-01", 0, "a field, as"),
        ("IsWon:yes -Amount:>2026-01-01", 11, "a number"),
        ("CloseDate:>5", 0, "a date"),
        ("IsWon:>5", 0, "yes or no"),
        ("Name:>5", 0, "a field of numbers or dates"),
        ("Name:a state:ok", 7, "a field, as"),
        ("Name:a (", 8, "a word"),
    ] {
        let error = tried(&mut world, filter).await.unwrap_err().to_string();
        let mut lines = error.lines();
        let said = lines.next().unwrap();
        assert!(
            said.contains(&format!("at character {}:", at + 1)),
            "{error}"
        );
        assert!(said.contains(word), "{error}");
        assert_eq!(lines.next().unwrap().trim(), filter, "{error}");
        assert_eq!(lines.next().unwrap().find('^'), Some(at + 2), "{error}");
    }
}

/// Saves the pair of leads with a filter.
async fn keep(world: &mut World, filter: &str, on_leave: Leaves) -> syncdeck::error::Result<Reply> {
    let pair = world.state().pair(&"leads".into()).unwrap().unwrap();
    let draft = Box::new(Pair {
        filter: filter.to_owned(),
        on_leave,
        ..pair
    });
    world.ask(Command::SaveMapping { draft }).await
}

fn standing(world: &World, key: &RecordKey) -> LinkState {
    let link = world.state().link(&key.pair, &key.app_id).unwrap();
    link.unwrap().state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_rests_outside_the_filter_of_its_pair_and_goes_on_when_it_comes_back() {
    let mut world = World::imported().await;
    for wrong in ["Nope:1", "state:fail", "Title:>"] {
        let refused = keep(&mut world, wrong, Leaves::Freeze).await;
        assert!(refused.is_err(), "{wrong}: {refused:?}");
    }
    let ids = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id");
    let id = ids
        .into_iter()
        .find(|id| !world.there(id, "Phone").contains(char::is_alphabetic));
    let id = id.unwrap();
    let key = world.key("leads", &id);
    keep(&mut world, "-Title:=Outside", Leaves::Freeze)
        .await
        .unwrap();
    world.sync_pair("leads").await;
    assert_eq!(standing(&world, &key), LinkState::Active);
    let phone = world.value(&key, "phone");

    world.change(&id, json!({"Title": "Outside", "Phone": "+47 11"}));
    let new = world.make(
        "Lead",
        json!({"LastName": "New", "Company": "C", "Title": "Outside"}),
    );
    world.sync_pair("leads").await;
    assert_eq!(standing(&world, &key), LinkState::OutOfScope);
    assert_eq!(world.value(&key, "phone"), phone);
    let new_id = new.parse().unwrap();
    assert_eq!(world.state().by_crm(&key.pair, &new_id).unwrap(), None);
    // Neither an edit nor a delete goes there while it rests.
    world.org().forget();
    world.edit(&key, "city", "Bergen").await;
    world.sync_pair("leads").await;
    assert!(world.org().written().is_empty());

    for id in [&id, &new] {
        world.change(id, json!({"Title": "Inside"}));
    }
    world.sync_pair("leads").await;
    world.sync_pair("leads").await;
    assert_eq!(standing(&world, &key), LinkState::Active);
    assert_eq!(world.value(&key, "phone"), "+47 11");
    assert_eq!(world.there(&id, "City"), "Bergen");
    world.key("leads", &new);
    assert_agree(&world);

    // The other policies.
    keep(&mut world, "-Title:=Outside", Leaves::Continue)
        .await
        .unwrap();
    world.change(&id, json!({"Title": "Outside", "Phone": "+47 12"}));
    world.sync_pair("leads").await;
    assert_eq!(world.value(&key, "phone"), "+47 12");
    keep(&mut world, "-Title:=Outside", Leaves::Unlink)
        .await
        .unwrap();
    world.sync_pair("leads").await;
    assert_eq!(standing(&world, &key), LinkState::Closed);
    assert_eq!(world.there(&id, "IsDeleted"), "false");
}

/// Ids of the records of a pair that are synced.
fn active(world: &World, ids: &[String]) -> BTreeSet<String> {
    let pair = PairName::new("leads");
    let is_active = |id: &&String| {
        let app_id = world.state().by_crm(&pair, &id.parse().unwrap()).unwrap();
        let link = app_id.and_then(|app_id| world.state().link(&pair, &app_id).unwrap());
        link.is_some_and(|link| link.state == LinkState::Active)
    };
    ids.iter().filter(is_active).cloned().collect()
}

/// Saves a filter, syncs, and gives how many records were read.
async fn read_with(world: &mut World, filter: &str) -> u64 {
    keep(world, filter, Leaves::Freeze).await.unwrap();
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    end.run.counts.read
}

#[tokio::test(flavor = "multi_thread")]
async fn the_org_leaves_out_what_is_outside_and_the_same_records_are_in() {
    const OTHERS: u64 = 40;
    let mut world = World::imported().await;
    read_with(&mut world, "-Title:=Outside -City:null").await;
    for n in 0..OTHERS {
        let city = (n % 4 == 0).then_some("Oslo");
        let title = if city.is_some() { "Outside" } else { "Inside" };
        let name = format!("Nobody {n}");
        world.make(
            "Lead",
            json!({"LastName": name, "Company": "C", "Title": title, "City": city}),
        );
    }
    let all = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id");
    // No title says `qqq`, and what asks for a text stays here: the same filter, not pushed down.
    let here = read_with(&mut world, "-Title:=Outside (Title:qqq or -City:null)").await;
    let inside = active(&world, &all);
    assert!(!inside.is_empty() && inside.len() < all.len());
    let there = read_with(&mut world, "-Title:=Outside -City:null").await;
    assert_eq!(active(&world, &all), inside);
    // Those without a city are not linked and stay there; the linked ones are looked at all the
    // same.
    assert_eq!(here - there, OTHERS - OTHERS / 4);
    for (pushed, kept) in [
        ("City:null", "(City:null or Title:qqq)"),
        (
            "(City:null or -Phone:null)",
            "(City:null or -Phone:null or Title:qqq)",
        ),
        ("", "-Title:qqq"),
        (
            "-Website:null -City:null",
            "-(Website:null or City:null or Title:qqq)",
        ),
    ] {
        read_with(&mut world, pushed).await;
        let inside = active(&world, &all);
        read_with(&mut world, kept).await;
        assert_eq!(active(&world, &all), inside, "{pushed}");
    }
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_before_a_filtered_window_is_seen_to_have_left() {
    let mut world = World::imported().await;
    read_with(&mut world, "-City:null").await;
    let ids =
        world.ids("SELECT Id FROM Lead WHERE IsConverted = false AND City != null ORDER BY Id");
    let [stays, leaves] = [&ids[0], &ids[1]].map(|id| (id.clone(), world.key("leads", id)));
    world.change(&leaves.0, json!({"City": null, "Phone": "+47 99"}));
    // The next window reads everything, and leaves it out.
    read_with(&mut world, "-City:null -Website:zzz").await;
    assert_eq!(standing(&world, &leaves.1), LinkState::OutOfScope);
    assert_ne!(world.value(&leaves.1, "phone"), "+47 99");
    assert_eq!(standing(&world, &stays.1), LinkState::Active);
}

/// Saves the pair of leads with another direction of its titles.
async fn title_flows(world: &mut World, flow: Flow) {
    let mut draft = Box::new(world.state().pair(&"leads".into()).unwrap().unwrap());
    let mut rows = draft.rows.iter_mut();
    let title = rows.find(|row| row.label(Side::Crm) == "Title");
    title.unwrap().flow = flow;
    world.ask(Command::SaveMapping { draft }).await.unwrap();
}

/// A record that would not belong to the pair is not made (rule R1).
#[tokio::test(flavor = "multi_thread")]
async fn only_what_passes_the_filter_is_made() {
    let mut world = World::imported().await;
    keep(&mut world, "-Title:=Outside", Leaves::Freeze)
        .await
        .unwrap();
    world.sync_pair("leads").await;
    world.org().forget();
    let fields = |title: &'static str| {
        let name = [("last_name", "New"), ("company", "New Inc")];
        let title = Some(("title", title)).filter(|(_, title)| !title.is_empty());
        name.into_iter().chain(title).collect::<Vec<_>>()
    };
    let inside = world.create("leads", &fields("Inside")).await;
    let outside = world.create("leads", &fields("Outside")).await;
    let empty = world.create("leads", &fields("")).await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!((end.run.counts.skipped, world.created()), (1, 2));
    let left = end.records.rows.iter().find(|r| r.app_id == outside.app_id);
    let left = left.unwrap();
    assert_eq!(left.kind, ResultKind::Skipped);
    assert!(left.did.contains("filter"), "{}", left.did);
    assert!(world.crm_id(&inside).is_some() && world.crm_id(&empty).is_some());
    assert_eq!(world.crm_id(&outside), None);
    // A field that no row writes: nobody knows what it will hold.
    title_flows(&mut world, Flow::ToApp(Foreign::Keep)).await;
    let unknown = world.create("leads", &fields("Inside")).await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!((world.crm_id(&unknown), world.created()), (None, 2));
    // An edit, and another filter, let it be made.
    world.edit(&outside, "title", "Moved").await;
    title_flows(&mut world, Flow::Both).await;
    world.sync_pair("leads").await;
    assert!(world.crm_id(&outside).is_some() && world.crm_id(&unknown).is_some());
    assert_agree(&world);
}
