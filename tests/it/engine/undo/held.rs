//! Fields that are held since a run was taken back, and how that ends.

use super::*;

/// The fields of a run that are held, as `FIELD put back on SIDE`.
async fn held(world: &mut World, run: RunId) -> Vec<(String, Side)> {
    let filter = HeldFilter {
        run: Some(run),
        ..HeldFilter::default()
    };
    match world.ask(Command::HeldFields { filter }).await.unwrap() {
        Reply::HeldFields(rows) => rows
            .into_iter()
            .map(|r| (r.app_label, r.put_back))
            .collect(),
        other => panic!("{other:?}"),
    }
}

async fn end_hold(world: &mut World, run: RunId, end: HeldEnd) -> Result<u64> {
    let filter = HeldFilter {
        run: Some(run),
        ..HeldFilter::default()
    };
    match world.ask(Command::EndHold { filter, end }).await? {
        Reply::HoldEnded(done) => {
            assert_eq!(done.refused, []);
            Ok(done.fields)
        }
        other => panic!("{other:?}"),
    }
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
        world.summary("that they are held", told).await;
        assert_eq!(end_hold(&mut world, run, end).await.unwrap(), 2);
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
        let none = end_hold(&mut world, run, end).await.unwrap_err();
        assert_eq!(none.kind(), Why::Usage);
        still(&mut world).await;
    }
}
