//! Fields that are held since a run was taken back, and how that ends.

use syncdeck::domain::id::AppId;
use syncdeck::domain::listing::Shape;
use syncdeck::engine::command::{Page, Values};
use syncdeck::engine::view::{HeldFrom, RecordDetail};

use super::*;

/// The fields of a run that are held, as `FIELD put back on SIDE`.
async fn held(world: &mut World, run: RunId) -> Vec<(String, Side)> {
    let filter = held_by(run);
    match world.ask(Command::HeldFields { filter }).await.unwrap() {
        Reply::HeldFields(rows) => rows
            .into_iter()
            .map(|r| (r.app_label, r.put_back))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn held_by(run: RunId) -> HeldFilter {
    HeldFilter {
        run: Some(run),
        ..HeldFilter::default()
    }
}

async fn end_hold(world: &mut World, filter: HeldFilter, end: HeldEnd) -> Result<u64> {
    match world.ask(Command::EndHold { filter, end }).await? {
        Reply::HoldEnded(done) => {
            assert_eq!(done.refused, []);
            Ok(done.fields)
        }
        other => panic!("{other:?}"),
    }
}

/// Names of the accounts that a filter of the list takes, each with its word.
async fn listed(world: &mut World, filter: &str) -> Vec<(AppId, Word)> {
    let command = Command::Records {
        pair: "accounts".into(),
        filter: filter.to_owned(),
        shape: Shape::default(),
        values: Values::Shown,
        page: Page {
            offset: 0,
            limit: 10,
        },
    };
    match world.ask(command).await.unwrap() {
        Reply::Records(page) => {
            assert_eq!(page.filter_error, None);
            let rows = page.part.rows.into_iter();
            rows.map(|row| (row.key.app_id, row.word)).collect()
        }
        other => panic!("{other:?}"),
    }
}

async fn detail(world: &mut World, key: &RecordKey) -> RecordDetail {
    let key = key.clone();
    match world.ask(Command::Record { key }).await.unwrap() {
        Reply::Record(detail) => *detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_held_is_found_by_its_word_until_that_ends() {
    let mut world = World::imported().await;
    let (pushed, other) = (world.account(1), world.account(2));
    let (key, plain) = (
        world.key("accounts", &pushed),
        world.key("accounts", &other),
    );
    world.edit(&key, "phone", "+47 1").await;
    let run = sync(&mut world).await;
    assert_eq!(listed(&mut world, "held:yes").await, []);
    undo(&mut world, run).await;
    let held = [(key.app_id.clone(), Word::Hold)];
    assert_eq!(listed(&mut world, "state:hold").await, held, "at once");
    still(&mut world).await;
    let (all, of_run) = ("held:yes".to_owned(), format!("held:\"run {run}\" name:a"));
    for filter in ["state:hold", &all, &of_run] {
        assert_eq!(listed(&mut world, filter).await, held, "{filter}");
    }
    assert_eq!(listed(&mut world, "held:yes name:nobody").await, []);
    assert_eq!(listed(&mut world, "held:no state:hold").await, []);
    // What it may leave out before it looks at a record is only what surely is not held.
    let ten = listed(&mut world, "-held:yes").await;
    assert!(
        ten.len() == 10 && ten.iter().all(|(_, word)| *word != Word::Hold),
        "{ten:?}"
    );
    let all = listed(&mut world, "held:yes,no").await;
    assert_eq!(all.len(), 10);
    let (one, two) = (&key.app_id, &plain.app_id);
    let both = listed(&mut world, &format!("id:{one},{two}")).await;
    let words: BTreeMap<_, _> = both.into_iter().collect();
    assert_eq!((words[one], words[two]), (Word::Hold, Word::Ok));
    let record = detail(&mut world, &key).await;
    assert_eq!(record.word, Word::Hold);
    let mut fields = record.fields.iter().filter(|f| f.held.is_some());
    let phone = fields.next().unwrap();
    assert_eq!(
        (phone.app_label.as_str(), phone.held),
        ("phone", Some(HeldFrom::Write))
    );
    assert_eq!(fields.next(), None);

    assert_eq!(
        end_hold(&mut world, held_by(run), HeldEnd::Propagate)
            .await
            .unwrap(),
        1
    );
    assert_eq!(listed(&mut world, "state:hold").await, []);
    assert_eq!(detail(&mut world, &key).await.word, Word::Wait);
    sync(&mut world).await;
    assert_eq!(listed(&mut world, "state:hold").await, []);
    assert_eq!(detail(&mut world, &key).await.word, Word::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_put_back_in_the_app_is_held_at_once() {
    let mut world = World::imported().await;
    let pulled = world.account(0);
    let key = world.key("accounts", &pulled);
    world.change(&pulled, json!({"Name": "Theirs"}));
    let run = sync(&mut world).await;
    undo(&mut world, run).await;
    let held = [(key.app_id.clone(), Word::Hold)];
    assert_eq!(listed(&mut world, "held:yes").await, held);
    // Somebody's edit goes to the other side: it is what the record waits for.
    world.edit(&key, "name", "Ours").await;
    assert_eq!(detail(&mut world, &key).await.word, Word::Wait);
    assert_eq!(listed(&mut world, "held:yes").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_was_taken_back_says_so_where_it_can_be_made_anew() {
    let mut world = World::imported().await;
    let id = world.account(0);
    let key = world.key("accounts", &id);
    world.change(&id, json!({"Name": "Theirs"}));
    world.edit(&key, "name", "Ours").await;
    sync(&mut world).await;
    let rows = world.conflicts().await;
    assert!(
        world
            .decide(&rows[0], Choice::Take(Side::App))
            .await
            .is_empty()
    );
    let written = world.write().await;
    let run = written.iter().find(|r| r.run.pair.as_str() == "accounts");
    let by = undo(&mut world, run.unwrap().run.id).await.run.id;
    let asked = Command::Conflict { key: key.clone() };
    let Reply::Conflict(Some(shown)) = world.ask(asked).await.unwrap() else {
        panic!("no conflict");
    };
    let note = shown.fields[0].note.clone().unwrap();
    let says = format!("run {by} took that back");
    assert!(
        note.contains("a person decided") && note.contains(&says),
        "{note}"
    );
    let record = detail(&mut world, &key).await;
    let held = record
        .fields
        .iter()
        .filter_map(|f| f.held)
        .collect::<Vec<_>>();
    assert_eq!(held, [HeldFrom::Decision]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_carried_over_or_let_go_when_a_person_says_so() {
    let mut world = World::imported().await;
    for end in [HeldEnd::Propagate, HeldEnd::LetGo] {
        let (pulled, pushed) = (world.account(0), world.account(1));
        let (here, there) = (
            world.key("accounts", &pulled),
            world.key("accounts", &pushed),
        );
        let (name, phone) = (world.value(&here, "name"), world.value(&there, "phone"));
        world.change(&pulled, json!({"Name": format!("Theirs {end:?}")}));
        world
            .edit(&there, "phone", &format!("+47 {}", phone.len()))
            .await;
        let ours = world.value(&there, "phone");
        let run = sync(&mut world).await;
        undo(&mut world, run).await;
        still(&mut world).await;
        let mut fields = held(&mut world, run).await;
        fields.sort();
        let expected = [
            ("name".to_owned(), Side::App),
            ("phone".to_owned(), Side::Crm),
        ];
        assert_eq!(fields, expected);
        let says = |s: &Summary| s.attention.iter().any(|a| a.text.contains("held since"));
        let two = "accounts: 2 fields are held since a run was taken back";
        let told = |s: &Summary| s.attention.iter().any(|a| a.text.starts_with(two));
        let summary = world.summary("that they are held", told).await;
        let mut rows = summary.attention.iter();
        let row = rows.find(|row| row.text.starts_with(two)).unwrap();
        // It is so on purpose: it is told, and wakes nobody.
        assert_eq!(
            (row.word, &row.target),
            (Word::Info, &Target::HeldRecords("accounts".into()))
        );
        // Of the records that are named, and of no other.
        for key in [&here, &there] {
            let filter = HeldFilter {
                records: vec![key.clone()],
                ..HeldFilter::default()
            };
            let before = held(&mut world, run).await.len();
            assert_eq!(end_hold(&mut world, filter, end).await.unwrap(), 1);
            assert_eq!(held(&mut world, run).await.len(), before - 1);
        }
        world.summary("that none is held", |s| !says(s)).await;
        sync(&mut world).await;
        let (name, phone) = match end {
            HeldEnd::Propagate => (name, phone),
            HeldEnd::LetGo => (format!("Theirs {end:?}"), ours),
        };
        assert_eq!(world.value(&here, "name"), name);
        assert_eq!(world.there(&pulled, "Name"), name);
        assert_eq!(world.value(&there, "phone"), phone);
        assert_eq!(world.there(&pushed, "Phone"), phone);
        assert_eq!(held(&mut world, run).await, []);
        let none = end_hold(&mut world, held_by(run), end).await.unwrap_err();
        assert_eq!(none.kind(), Why::Usage);
        still(&mut world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_counted_anew_when_the_run_that_takes_back_ends() {
    let mut world = World::imported().await;
    let pushed = world.account(1);
    let key = world.key("accounts", &pushed);
    world.edit(&key, "phone", "+47 1").await;
    let run = sync(&mut world).await;
    let slow = world.org().inject(fault(json!({
        "kind": "hold", "method": "POST", "path": "*/composite", "times": 1,
    })));
    let by = begin_undo(&mut world, run).await.unwrap();
    world.struck(slow, 1).await;
    let says = |s: &Summary| s.attention.iter().any(|a| a.text.contains("held since"));
    let works = |s: &Summary| {
        let mut last = s.pairs.iter().filter_map(|pair| pair.last.as_ref());
        last.any(|last| last.id == by && last.took.is_none())
    };
    let meanwhile = world.summary("the run at work", works).await;
    assert!(!says(&meanwhile), "{:?}", meanwhile.attention);
    world.org().remove_fault(slow);
    assert_eq!(world.end(by).await.run.state, RunState::Succeeded);
    world.summary("that a field is held", says).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_was_put_back_and_is_edited_is_held_no_longer() {
    let mut world = World::imported().await;
    let pulled = world.account(0);
    let key = world.key("accounts", &pulled);
    world.change(&pulled, json!({"Name": "Theirs"}));
    let run = sync(&mut world).await;
    undo(&mut world, run).await;
    let name = [("name".to_owned(), Side::App)];
    assert_eq!(held(&mut world, run).await, name);
    world.edit(&key, "name", "Ours").await;
    assert_eq!(held(&mut world, run).await, [], "it goes to the other side");
    let run = sync(&mut world).await;
    assert_eq!(world.there(&pulled, "Name"), "Ours");
    let summary = world.summary_after(run).await;
    let held = |text: &str| text.contains("held since");
    assert!(!summary.attention.iter().any(|a| held(&a.text)));
}
