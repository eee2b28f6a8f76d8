//! Texts that are hard to carry: escape codes, NUL, emoji, right-to-left, and as long as a field
//! can be. They arrive on the other side as they are, and what cannot be stored changes nothing.

use serde_json::json;
use syncdeck::domain::mapping::Flow;
use syncdeck::domain::preset;
use syncdeck::domain::transform::Side;

use super::*;

/// What a terminal, a parser or a length check may trip over, as it is written.
fn texts() -> Vec<String> {
    [
        "\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[31mred\u{9b}0m\u{8}\u{7f}",
        "👩‍👩‍👧‍👦🏳️‍🌈 éclair",
        "שלום עולם\u{202e}moc.live\u{2066}مرحبا\u{2069}",
        "line one\nline two\n\n\tindented, \"quoted\", \\back\\slash",
        "{\"json\": [1, null]} ' OR Name != '' -- <b>&amp;</b> %00 \\u0000",
        "nul\0in the middle",
        &"😀é".repeat(16_000),
    ]
    .map(str::to_owned)
    .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn difficult_texts_arrive_as_they_are_in_both_directions() {
    let mut world = World::imported().await;
    let texts = texts();
    for (n, text) in texts.iter().enumerate() {
        let id = world.account(n);
        world.change(&id, json!({"Description": text}));
    }
    let mut made = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        let name = format!("Texts {n}");
        made.push(
            world
                .create("accounts", &[("name", &name), ("description", text)])
                .await,
        );
    }
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    for (n, text) in texts.iter().enumerate() {
        let key = world.key("accounts", &world.account(n));
        assert_eq!(&world.value(&key, "description"), text, "to the App, {n}");
        let id = world.crm_id(&made[n]).unwrap();
        // The App takes no NUL from a person (sync-semantics 2.1).
        let typed = text.replace('\0', "");
        assert_eq!(world.there(&id, "Description"), typed, "to Salesforce, {n}");
    }
    // Nothing was made different by the way: a second run has nothing to write.
    world.org().forget();
    let end = world.sync_pair("accounts").await;
    assert_eq!((end.run.counts.pulled, end.run.counts.pushed), (0, 0));
    assert!(world.org().written().is_empty());
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_of_a_megabyte_is_refused_with_its_length_and_changes_nothing() {
    let mut world = World::imported().await;
    let id = world.account(0);
    let key = world.key("accounts", &id);
    let (before, there) = (world.app(&key), world.there(&id, "Description"));
    let error = world
        .try_edit(&key, "description", &"é".repeat(1 << 20))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("1048576") && error.contains("32000"),
        "{error}"
    );
    assert!(error.len() < 400, "the text itself is in the message");
    assert_eq!(world.app(&key), before);
    world.sync_pair("accounts").await;
    assert_eq!(world.there(&id, "Description"), there);
    assert_agree(&world);
}

/// Nobody had read back what was appended when a person took it out again: it is as it was before, and
/// the App does not keep the line for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_removed_before_it_was_read_back_leaves_the_app_too() {
    let mut world = World::signed_in("lead-desk", 20).await;
    world.sync().await;
    let id = world.ids("SELECT Id FROM Lead ORDER BY Id")[0].clone();
    let key = world.key("leads", &id);
    let before = world.there(&id, "Description");
    let typed = format!("{before}\nCalled back").trim().to_owned();
    world.edit(&key, "notes", &typed).await;
    world.org().inject(fault(json!({
        "kind": "status", "status": 500, "path": "*/composite/sobjects/Lead*",
    })));
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.pushed, 1, "{:?}", end.run);
    assert!(world.there(&id, "Description").contains("] Called back "));
    assert_eq!(world.value(&key, "notes"), typed, "it is not read back yet");
    world.org().clear_faults();
    world.change(&id, json!({"Description": before}));
    world.advance(60);
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(world.there(&id, "Description"), before);
    assert_eq!(world.value(&key, "notes"), before);
    assert_agree(&world);
}

/// The answer to a create is lost, and a person removes our line before anybody looks for the record.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_create_in_doubt_that_was_removed_there_is_not_sent_again() {
    let mut pairs = preset::preset("whole-crm").unwrap();
    pairs.retain(|pair| pair.name.as_str() == "contacts");
    for row in &mut pairs[0].rows {
        if row.label(Side::Crm) == "Description" {
            row.flow = Flow::AppendBoth;
        }
    }
    let mut world = World::with_fields(pairs, Vec::new(), 20, Sizes::default()).await;
    world.well("contacts").await;
    let fields = [("last_name", "Doubt"), ("description", "Called")];
    let key = world.create("contacts", &fields).await;
    let path = "*/composite/sobjects";
    let slow = json!({"kind": "delay", "ms": 100, "path": path, "times": 1});
    let slow = world.org().inject(fault(slow));
    let lost = json!({"kind": "drop_after", "path": path, "times": 1});
    world.org().inject(fault(lost));
    world.begin_pair("contacts").await;
    world.struck(slow, 1).await;
    world.crash().await;
    world.org().clear_faults();
    let id = world
        .ids("SELECT Id FROM Contact WHERE LastName = 'Doubt'")
        .remove(0);
    assert!(world.there(&id, "Description").contains("] Called "));
    assert_eq!(world.crm_id(&key), None);
    world.change(&id, json!({"Description": null}));
    for _ in 0..2 {
        world.well("contacts").await;
    }
    assert_eq!(world.crm_id(&key).as_ref(), Some(&id));
    assert_eq!(world.there(&id, "Description"), "");
}
