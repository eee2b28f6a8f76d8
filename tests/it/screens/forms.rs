//! Forms of records, key by key: what is wrong is said beside the field, and nothing typed is lost.

use std::collections::BTreeMap;

use syncdeck::domain::form::{Choice, FieldSpec, Others, Standing, Takes, specs as all_specs};
use syncdeck::domain::id::{CrmId, RowId};
use syncdeck::domain::mapping::{Flow, Foreign, Pair, Row};
use syncdeck::domain::record::{Link, LinkState};
use syncdeck::domain::value::{FieldKind, Value};
use syncdeck::engine::view::Base;

use super::data;
use super::desk::{Desk, options};

/// What the fields of the fake's records take: those of its table, and one of each other kind.
pub fn specs(pair: &Pair) -> Vec<FieldSpec> {
    let mut specs = all_specs(pair, None, &[]);
    let template = specs[0].clone();
    let mut add = |name: &str, kind, takes| {
        specs.push(FieldSpec {
            name: name.into(),
            kind,
            most: 0,
            takes,
            ..template.clone()
        });
    };
    let plain = |value: &str| Choice {
        value: value.into(),
        label: value.into(),
        standing: Standing::Taken,
    };
    let user = |name: &str, email: &str, standing| Choice {
        value: email.into(),
        label: name.into(),
        standing,
    };
    let off = Standing::Off("is inactive in Salesforce".into());
    let stages = ["new", "contacted", "qualified"].map(plain).to_vec();
    let users = vec![
        user("Ada Lovelace", "ada@acme.example", Standing::Taken),
        user("Bo Diaz", "bo@acme.example", off),
        user("Mary Reyes", "mary@acme.example", Standing::Taken),
    ];
    add(
        "status",
        FieldKind::Picklist,
        Takes::Listed(stages, Others::Refused),
    );
    add(
        "owner",
        FieldKind::Email,
        Takes::Listed(users, Others::Refused),
    );
    add("born", FieldKind::Date, Takes::Any);
    add("budget", FieldKind::Number { scale: 2 }, Takes::Any);
    add("optOut", FieldKind::Bool, Takes::Any);
    specs
}

/// The same pair with a row that sends the owner.
pub fn handing_over(pair: &Pair) -> Pair {
    let mut pair = pair.clone();
    let owner = Row {
        id: RowId(90),
        app: vec!["owner".into()],
        crm: vec!["OwnerId".into()],
        to_crm: "user".parse().unwrap(),
        ..pair.rows[0].clone()
    };
    pair.rows.push(owner);
    pair
}

/// A link of one of the fake's records.
pub fn link(app: &str, crm_id: CrmId) -> Link {
    Link {
        pair: "people".into(),
        app_id: app.into(),
        crm_id: Some(crm_id),
        sync_key: None,
        state: LinkState::Active,
        seen: None,
        bases: BTreeMap::new(),
        app_rev: 0,
        mapping_version: 14,
    }
}

/// An edit of the second record with one of each mistake; the focus is on the last of them.
pub fn fill_badly(desk: &mut Desk) {
    desk.press("5 j e Tab Tab").type_text(&"7".repeat(52));
    desk.press("Tab Tab Tab").type_text("gone");
    desk.press("Tab").type_text("Bo Diaz");
    desk.press("Tab").type_text("tomorrow");
    desk.press("Tab").type_text("much");
}

fn desk() -> Desk {
    Desk::new(80, 24)
}

#[test]
fn each_wrong_value_says_at_once_what_is_taken() {
    let mut desk = desk();
    desk.press("5 j e Tab Tab").type_text(&"7".repeat(52));
    assert!(
        desk.shows("phone takes 40 characters, and the text has 52"),
        "{}",
        desk.screen()
    );
    desk.press("Tab Tab Tab").type_text("contacte");
    assert!(
        desk.shows("status has no \"contacte\" in its list; did you mean contacted?"),
        "{}",
        desk.screen()
    );
    desk.type_text("d");
    assert!(!desk.shows("did you mean"), "{}", desk.screen());
    desk.press("Tab").type_text("Bo Diaz");
    assert!(
        desk.shows("owner cannot be Bo Diaz, who is inactive in Salesforce; it takes"),
        "{}",
        desk.screen()
    );
    desk.press("Tab").type_text("tomorrow");
    assert!(
        desk.shows("born is a date such as 2026-11-20, not \"tomorrow\""),
        "{}",
        desk.screen()
    );
    desk.press("Tab").type_text("much");
    assert!(
        desk.shows("budget is a number such as 1250.5, not \"much\""),
        "{}",
        desk.screen()
    );
    // Saved is nothing, the cursor goes to the first mistake, and everything is still there.
    desk.press("Enter Enter");
    assert!(desk.shows("phone takes 40 characters"), "{}", desk.screen());
    assert!(desk.shows("tomorrow"), "{}", desk.screen());
    assert!(!desk.fake.asked.contains(&"StageEdit".to_owned()));
}

#[test]
fn a_field_that_salesforce_alone_fills_says_what_becomes_of_what_is_typed_there() {
    for (foreign, key, note, says) in [
        (
            Foreign::Enforce,
            "e",
            "next sync puts it back",
            "email is filled by Salesforce alone: the next sync",
        ),
        (
            Foreign::Keep,
            "e",
            "not sent to Salesforce",
            "email is filled by Salesforce alone: the value is",
        ),
        // A new record has no value there to be put back.
        (
            Foreign::Enforce,
            "i",
            "not sent to Salesforce",
            "email is filled by Salesforce alone: the value is",
        ),
    ] {
        let mut desk = desk();
        let rows = desk.fake.pair.rows.iter_mut();
        for row in rows.filter(|row| row.app.iter().any(|f| f.as_str() == "email")) {
            row.flow = Flow::ToApp(foreign);
        }
        desk.press(&format!("5 j {key}"));
        assert!(desk.shows("Salesforce fills it"), "{}", desk.screen());
        assert!(!desk.shows("Salesforce alone"), "{}", desk.screen());
        let on_email = |desk: &Desk| desk.screen().contains("> email");
        for _ in 0..8 {
            if !on_email(&desk) {
                desk.press("Tab");
            }
        }
        desk.type_text("x@y.example");
        assert!(desk.shows(note), "{key}: {}", desk.screen());
        assert!(desk.shows(says), "{key}: {}", desk.screen());
    }
}

#[test]
fn the_id_in_salesforce_is_no_field_of_the_form() {
    let mut desk = desk();
    desk.press("5 j e");
    assert!(desk.shows("external_id"), "{}", desk.screen());
    desk.press("Esc");
    desk.fake.pair.rows[0].crm = vec!["Id".into()];
    desk.press("e");
    assert!(desk.shows("email"), "{}", desk.screen());
    assert!(!desk.shows("external_id"), "{}", desk.screen());
    // What is typed goes to the field it stands beside.
    desk.press("Ctrl-u").type_text("b@example.com");
    desk.press("Enter Enter Enter Enter Enter Enter Enter Enter Enter Enter");
    assert_eq!(
        desk.fake.edits["babbage"].fields["email"],
        Value::text("b@example.com"),
        "{}",
        desk.screen()
    );
}

#[test]
fn a_value_is_chosen_from_the_list_by_a_part_of_its_name() {
    let mut desk = desk();
    desk.press("5 j H Enter");
    assert!(desk.shows("Mary Reyes"), "{}", desk.screen());
    desk.type_text("bo").press("Enter");
    assert!(
        desk.shows("Bo Diaz is inactive in Salesforce; choose another."),
        "{}",
        desk.screen()
    );
    desk.press("Ctrl-u").type_text("rey").press("Enter");
    // The owner is taken, and the focus is on the status.
    desk.press("Enter").type_text("qual").press("Enter");
    assert!(desk.shows("Hand over Charles Babbage"), "{}", desk.screen());
    desk.press("Tab Enter");
    let fields = &desk.fake.edits["babbage"].fields;
    assert_eq!(fields["owner"], Value::text("mary@acme.example"));
    assert_eq!(fields["status"], Value::text("qualified"));
    let edits = desk.fake.asked.iter().filter(|a| *a == "StageEdit");
    assert_eq!(edits.count(), 1, "one act");
    assert!(
        desk.shows("Staged: a change of 2 fields"),
        "{}",
        desk.screen()
    );
    assert!(desk.fake.forms.is_empty());
}

#[test]
fn what_is_typed_survives_esc_and_a_lost_terminal() {
    let mut desk = desk();
    desk.press("5 j e Tab Tab Tab Ctrl-u").type_text("Engineer");
    desk.press("Esc");
    assert!(
        desk.shows("What you typed in 1 field is kept; e goes on with"),
        "{}",
        desk.screen()
    );
    desk.press("e");
    assert!(desk.shows("Engineer"), "{}", desk.screen());
    assert!(
        desk.shows("Goes on with what you typed"),
        "{}",
        desk.screen()
    );
    desk.type_text(" of record");
    // The terminal is dropped in the middle of the form, without a key to leave it.
    let fake = std::mem::take(&mut desk.fake);
    let mut desk = Desk::over(fake, options(), 80, 24);
    desk.press("5 j e");
    desk.press("Tab Tab Tab").type_text("s");
    assert!(desk.shows("Engineers"), "{}", desk.screen());
    desk.press("Enter Enter");
    let fields = &desk.fake.edits["babbage"].fields;
    assert_eq!(fields["title"], Value::text("Engineers"));
    assert!(desk.fake.forms.is_empty(), "{:?}", desk.fake.forms);
}

#[test]
fn the_button_drops_what_is_typed_after_a_question() {
    let mut desk = desk();
    desk.press("5 i").type_text("x");
    desk.press("S-Tab S-Tab Enter");
    assert!(desk.shows("Drop what you typed?"), "{}", desk.screen());
    desk.press("Enter i");
    assert!(
        desk.shows("Goes on with what you typed"),
        "{}",
        desk.screen()
    );
    desk.press("S-Tab S-Tab Enter Tab Enter i");
    assert!(!desk.shows("Goes on with"), "{}", desk.screen());
    assert!(desk.fake.forms.is_empty());
}

#[test]
fn a_change_by_somebody_else_is_shown_under_what_is_typed() {
    let mut desk = desk();
    desk.press("5 j e Tab Tab Tab Ctrl-u").type_text("Engineer");
    desk.fake.people[1]
        .1
        .insert("title".into(), Value::text("Baronet"));
    desk.fake.rev += 1;
    desk.press("Enter Enter");
    assert!(
        desk.shows("jo changed this record meanwhile. What you typed stands"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("Engineer"), "{}", desk.screen());
    desk.press("Enter Enter");
    let edit = &desk.fake.edits["babbage"];
    assert_eq!(edit.fields["title"], Value::text("Engineer"));
    let saw = Base::Values([("title".into(), Value::text("Baronet"))].into());
    assert_eq!(edit.base, saw);
}

#[test]
fn a_record_deleted_while_it_is_edited_can_be_made_again_with_what_was_typed() {
    let mut desk = desk();
    desk.press("5 j e Tab Tab Tab Ctrl-u").type_text("Engineer");
    desk.fake.deleted.push("babbage".into());
    desk.press("Enter Enter");
    assert!(
        desk.shows("The record was deleted by jo. Nothing you typed is lost"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("[ Stage ]"), "{}", desk.screen());
    desk.press("Enter Enter");
    let made = &desk.fake.edits["new"].fields;
    assert_eq!(made["title"], Value::text("Engineer"));
    assert_eq!(made["email"], Value::text("cb@analytical.example"));
}

#[test]
fn a_paste_of_five_megabytes_is_refused_in_words_and_changes_nothing() {
    let mut desk = desk();
    desk.press("5 j e Tab")
        .type_text("x")
        .paste(&"y".repeat(5_000_000));
    assert!(
        desk.shows("The paste has 5,000,000 bytes"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("cb@analytical.examplex"), "{}", desk.screen());
    // One that is merely too long for the field is kept, and said to be.
    desk.paste(&"z".repeat(200_000));
    assert!(
        desk.shows("email takes 80 characters, and the text has 200,022")
            || desk.shows("email takes 80 characters, and the text has 200022"),
        "{}",
        desk.screen()
    );
}

#[test]
fn a_record_is_linked_by_its_id_or_from_the_list_and_unlinked_after_a_question() {
    let mut desk = desk();
    desk.press("5 j L").type_text("0035g00000Wrong1");
    assert!(
        desk.shows("Salesforce Id is not a Salesforce id: expected 15 or 18"),
        "{}",
        desk.screen()
    );
    desk.press("Ctrl-u")
        .type_text("0035g00000Other")
        .press("Tab Tab Enter");
    assert!(desk.shows("Salesforce has no Contact"), "{}", desk.screen());
    assert!(desk.shows("0035g00000Other"), "what was typed stays");
    desk.press("Tab Ctrl-u Enter");
    assert!(
        desk.shows("A. Lovelace (waits to be linked)"),
        "{}",
        desk.screen()
    );
    desk.press("Enter Tab Enter");
    assert_eq!(desk.fake.linked["babbage"], data::crm_id_of("ada"));
    assert!(
        desk.shows("Linked. The next sync compares both sides"),
        "{}",
        desk.screen()
    );
    desk.wait().press("L");
    assert!(
        desk.shows("it is linked; U ends that first"),
        "{}",
        desk.screen()
    );
    desk.wait().press("U");
    assert!(desk.shows("Unlink this record?"), "{}", desk.screen());
    desk.press("Enter");
    assert!(!desk.fake.linked.is_empty(), "the question opens on Cancel");
    desk.press("U Tab Enter");
    assert!(desk.fake.linked.is_empty());
}

#[test]
fn a_list_is_kept_as_a_view_and_found_again() {
    let mut desk = desk();
    desk.press("5 /").type_text("lui").press("Enter V");
    assert!(desk.shows("Keep this list as a view"), "{}", desk.screen());
    desk.press("Enter Enter");
    assert!(desk.shows("A view needs a name"), "{}", desk.screen());
    desk.press("Tab")
        .type_text("Italians")
        .press("Tab Tab")
        .type_text("-changed");
    desk.press("Tab Tab Tab Enter");
    let kept = &desk.fake.views[0];
    assert_eq!(
        (kept.name.as_str(), kept.filter.as_str()),
        ("Italians", "lui")
    );
    assert_eq!(kept.shape.sort.as_ref().unwrap().to_string(), "-changed");
    assert!(
        desk.shows("Italians  by changed, largest first"),
        "{}",
        desk.screen()
    );
    // Previous, next, by the palette, and by its name.
    desk.wait().press("[");
    assert!(desk.shows("Filter: since:24h"), "{}", desk.screen());
    desk.press("]");
    assert!(desk.shows("Filter: lui"), "{}", desk.screen());
    desk.press("]");
    assert!(desk.shows("There is no further view."), "{}", desk.screen());
    desk.wait().press("g v").type_text("fail");
    assert!(desk.shows("view             failed"), "{}", desk.screen());
    desk.press("Enter");
    assert!(desk.shows("Filter: state:fail"), "{}", desk.screen());
    desk.press(":").type_text("view Italians").press("Enter");
    assert!(desk.shows("Filter: lui"), "{}", desk.screen());
    desk.press(":")
        .type_text("view remove Italians")
        .press("Enter Tab Enter");
    assert!(desk.fake.views.is_empty());
    // A filter typed by hand has no name.
    desk.press("Esc");
    assert!(!desk.shows("Italians  by"), "{}", desk.screen());
}

#[test]
fn a_long_text_is_kept_while_it_is_typed_in_its_editor() {
    let mut desk = desk();
    desk.press("5 j e Tab Tab Tab Tab Enter")
        .type_text("One line and");
    let fake = std::mem::take(&mut desk.fake);
    let mut desk = Desk::over(fake, options(), 80, 24);
    desk.press("5 j e");
    assert!(
        desk.shows("One line and  (1 line, Enter edits)"),
        "{}",
        desk.screen()
    );
    // Dropped in the editor, it is gone from the form, too.
    desk.press("Tab Tab Tab Tab Enter")
        .type_text(" more")
        .press("Tab Tab Enter");
    assert!(
        desk.shows("One line and  (1 line, Enter edits)"),
        "{}",
        desk.screen()
    );
    assert_eq!(
        desk.fake.forms["babbage"].texts["notes"],
        Some("One line and".into())
    );
}
