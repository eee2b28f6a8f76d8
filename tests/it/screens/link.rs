//! Linking by hand with what Salesforce itself finds by name, and what a link says of its record.

use std::time::Duration;

use syncdeck::domain::record::LinkState;
use syncdeck::tui::input::Input;
use syncdeck::tui::key::Key;
use syncdeck::tui::msg::{Msg, Now};
use syncdeck::tui::update::update;

use super::data;
use super::desk::Desk;

fn desk() -> Desk {
    let mut desk = Desk::new(80, 24);
    desk.press("5 j L");
    desk
}

fn sees(desk: &Desk, text: &str) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words(&desk.screen()).contains(text),
        "no {text} in\n{}",
        desk.screen()
    );
}

#[test]
fn the_name_of_the_record_is_asked_for_and_a_record_that_is_free_can_be_taken() {
    let mut desk = desk();
    sees(&desk, "Ctrl-o ask Salesforce by name");
    desk.press("Ctrl-o");
    sees(&desk, "Lovis <U+202E>Ek (in Salesforce)");
    // What is known here stays in the list; what is linked already is not in it.
    sees(&desk, "A. Lovelace (waits to be linked)");
    assert!(!desk.shows("Ada Lovelace-Byron (in Salesforce)"));
    desk.press("Enter");
    sees(&desk, "003000000000002AAA");
}

#[test]
fn what_is_typed_is_asked_for_and_stays_where_nothing_is_found() {
    let mut desk = desk();
    desk.type_text("no such person").press("Ctrl-o");
    sees(
        &desk,
        "Salesforce has no unlinked Contact with \"no such person\".",
    );
    assert!(desk.shows("no such person"));
    desk.press("Ctrl-u")
        .type_text("nobody answers")
        .press("Ctrl-o");
    sees(&desk, "Salesforce did not answer");
    // A name is no Id, and is said so with the way on.
    desk.press("Tab Tab Enter");
    sees(&desk, "Ctrl-o asks Salesforce for a name");
    desk.press("Ctrl-u").type_text("-").press("Ctrl-o");
    sees(
        &desk,
        "Salesforce needs two letters or digits to search for",
    );
}

#[test]
fn from_the_list_what_is_typed_there_is_asked_for() {
    let mut desk = desk();
    desk.press("Enter").type_text("lovi").press("Ctrl-o");
    sees(&desk, "Lovis <U+202E>Ek (in Salesforce)");
}

#[test]
fn while_it_is_asked_the_form_says_so_and_a_late_answer_to_a_left_form_changes_nothing() {
    let mut desk = desk();
    let now = Now {
        wall: data::now(),
        since: Duration::from_secs(60),
    };
    // The answer does not come.
    let key = Msg::Input(Input::Key(Key::Ctrl('o')));
    let (_, sent) = update(&mut desk.model, now, key);
    assert_eq!(sent.len(), 1);
    desk.wait();
    sees(&desk, "Asking Salesforce for \"");
    desk.press("Esc");
    assert!(!desk.shows("Asking Salesforce"));
}

#[test]
fn a_record_that_is_not_kept_in_step_says_why_in_the_list_and_alone() {
    for (state, says) in [
        (
            LinkState::Converted,
            "HOLD converted in Salesforce: its changes come in",
        ),
        (
            LinkState::OutOfScope,
            "HOLD outside the filter of its pair: it rests",
        ),
        (LinkState::Unreachable, "WARN Salesforce does not show it"),
        (LinkState::Closed, "OFF no longer synced"),
    ] {
        for (columns, rows) in [(80, 24), (160, 48)] {
            let mut desk = Desk::new(columns, rows);
            let crm = "003000000000002AAA".parse().unwrap();
            desk.fake.linked.insert("babbage".to_owned(), crm);
            desk.fake.stands.insert("babbage".to_owned(), state.clone());
            desk.press("5 j");
            sees(&desk, says);
            desk.press("Enter");
            sees(&desk, says);
        }
    }
}
