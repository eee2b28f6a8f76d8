//! A refreshed sandbox is another org: what leaving the old one ends is shown, and done by typing.
//! What then waits for a person, as after a backup, is allowed on the screen, too.

use syncdeck::domain::mass::Mass;
use syncdeck::engine::summary::Access;
use syncdeck::engine::view::{Anew, Relink};

use super::Fake;
use super::data;
use super::desk::{Desk, options};

/// A console on an engine at rest.
fn at_rest(columns: u16, rows: u16) -> Desk {
    let mut fake = Fake::default();
    fake.idle = true;
    Desk::over(fake, options(), columns, rows)
}

/// What is on the screen, as one text without the edges of a dialog.
fn text(desk: &Desk) -> String {
    let screen = desk.screen();
    let words = screen
        .split_whitespace()
        .filter(|word| !word.starts_with('|') && !word.ends_with('|'));
    words.collect::<Vec<_>>().join(" ")
}

/// To the choice between the two ways.
fn ask(desk: &mut Desk) {
    desk.press(":")
        .type_text("connection.relink")
        .press("Enter");
}

#[test]
fn leaving_the_org_shows_what_ends_and_is_typed() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut desk = at_rest(columns, rows);
        desk.press("6 Tab");
        assert!(desk.shows("\"other org\" leaves"), "{}", desk.screen());
        ask(&mut desk);
        insta::assert_snapshot!(format!("relink_ways_{columns}x{rows}"), desk.screen());
        desk.press("Enter Enter");
        insta::assert_snapshot!(format!("relink_{columns}x{rows}"), desk.screen());
        let ends = "conflicts of 21 records and 3 unwritten decisions";
        assert!(text(&desk).contains(ends), "{}", desk.screen());
        // Neither the button alone nor another number does it, and both say so.
        let differs = "That is another text.";
        assert!(!desk.shows(differs), "{}", desk.screen());
        desk.press("Enter").type_text("prod-eu 558");
        assert!(!desk.shows(differs), "{}", desk.screen());
        desk.press("Enter");
        assert!(desk.shows(differs), "{}", desk.screen());
        assert_eq!(desk.fake.left, None, "{}", desk.screen());
        desk.type_text("5").press("Enter");
        let left = Relink {
            how: Anew::ByKey,
            links: 5_585,
        };
        assert_eq!(desk.fake.left, Some(left), "{}", desk.screen());
        assert!(desk.shows("5,585 links ended"), "{}", desk.screen());
    }
}

#[test]
fn by_rules_is_the_other_way_and_says_what_they_do_not_find() {
    let mut desk = at_rest(80, 24);
    desk.press("1");
    ask(&mut desk);
    desk.press("l Enter Enter");
    for says in [
        "people  3,902 links: 3,890 keys not used, 1 rule",
        "tickets  377 links: 377 keys not used, no rules: all come in anew",
    ] {
        assert!(
            text(&desk).contains(&says.replace("  ", " ")),
            "{}",
            desk.screen()
        );
    }
    desk.type_text("prod-eu 5585").press("Enter");
    let how = desk.fake.left.map(|left| left.how);
    assert_eq!(how, Some(Anew::ByRules), "{}", desk.screen());
}

#[test]
fn where_no_record_has_a_key_by_rules_is_chosen_already() {
    let mut desk = at_rest(80, 24);
    let pairs = desk.fake.relink.pairs.iter_mut();
    pairs.for_each(|pair| pair.keyed = 0);
    ask(&mut desk);
    assert!(desk.shows("by rules only"), "{}", desk.screen());
    desk.press("Enter Enter");
    let shown = text(&desk);
    assert!(shown.contains("377 links: no keys and no rules"), "{shown}");
    assert!(
        shown.contains("3,902 links: 0 with a key, 1 rule"),
        "{shown}"
    );
    desk.type_text("prod-eu 5585").press("Enter");
    let how = desk.fake.left.map(|left| left.how);
    assert_eq!(how, Some(Anew::ByRules), "{}", desk.screen());
}

#[test]
fn esc_on_the_way_leaves_the_org_where_it_is() {
    for keys in ["Esc", "Tab Enter", "Enter Enter Esc"] {
        let mut desk = at_rest(80, 24);
        ask(&mut desk);
        desk.press(keys);
        assert!(desk.model.modal.is_none(), "{keys}: {}", desk.screen());
        assert_eq!(desk.fake.left, None, "{keys}");
    }
}

#[test]
fn the_org_is_not_left_while_a_run_works_or_by_who_only_looks() {
    let looking = syncdeck::tui::Options {
        access: Access::ReadOnly,
        ..options()
    };
    for (options, why) in [
        (options(), "a run works; it ends first, or X cancels it"),
        (looking, "read-only: started with --read-only"),
    ] {
        let mut desk = Desk::over(Fake::default(), options, 80, 24);
        ask(&mut desk);
        let text = format!("other org is off: {why}");
        let says = desk.model.toasts.all().any(|m| m.text == text);
        assert!(says, "{}", desk.screen());
        let asked = desk.fake.asked.iter().any(|a| a == "PreviewRelink");
        assert!(!asked, "{text}");
    }
}

/// What a command of the same name allows with `--allow`, and what its question says.
#[test]
fn what_waits_after_a_backup_or_another_org_is_allowed_by_typing_its_number() {
    for (what, name, says) in [
        (Mass::Restored, "restored", "nothing is overwritten"),
        (
            Mass::Unplaced,
            "not-there",
            "makes them, as the mapping says",
        ),
        (
            Mass::MostUnlisted,
            "most-missing",
            "take \"other org\" from m",
        ),
        (Mass::Unlisted, "missing", "count as deleted"),
    ] {
        let mut desk = at_rest(80, 24);
        desk.fake.held = Some(data::held_as(what, 1_204));
        let summary = desk.fake.summary();
        desk.hears(summary);
        desk.press("Tab G Enter");
        desk.press("PgDn");
        let shown = text(&desk);
        assert!(shown.contains(says), "{name}: {}", desk.screen());
        desk.type_text("prod-eu 1203").press("Enter");
        assert!(desk.fake.allowed.is_empty(), "{}", desk.screen());
        desk.press("Backspace").type_text("4").press("Enter");
        let allowed = [(name.to_owned(), 1_204)];
        assert_eq!(desk.fake.allowed, allowed, "{}", desk.screen());
    }
}
