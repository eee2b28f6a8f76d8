//! A key does what the table says of it, or says why not: no key is silent.

use syncdeck::config::keys;
use syncdeck::tui::Options;
use syncdeck::tui::keymap::Keymap;

use super::desk::{Desk, options};

fn keyed(file: &str) -> Desk {
    let keymap = Keymap::with_file(&keys::parse("keys.toml", file).unwrap()).unwrap();
    let options = Options {
        keymap,
        ..options()
    };
    Desk::with(options, 80, 24)
}

#[test]
fn the_line_that_is_highlighted_is_what_enter_does() {
    let mut desk = Desk::new(80, 24);
    desk.press("5 :").type_text("mark");
    assert!(
        desk.shows("> Space    mark "),
        "a whole name is the first: {}",
        desk.screen()
    );
    let mut steps = 0;
    while !desk.shows("> v        mark range") {
        desk.press("Down");
        steps += 1;
        assert!(steps < 20, "{}", desk.screen());
    }
    desk.press("Enter j v");
    assert!(desk.shows("2 marked"), "{}", desk.screen());
}

#[test]
fn the_word_filter_alone_leaves_the_filter_in_force() {
    let mut desk = Desk::new(80, 24);
    desk.press("5 /").type_text("ada").press("Enter");
    desk.press(":").type_text("filter").press("Enter");
    assert!(desk.shows("1 of 3"), "{}", desk.screen());
    desk.press("Esc")
        .press(":")
        .type_text("filter luigi")
        .press("Enter");
    assert!(
        desk.shows("Luigi") && !desk.shows("> Ada"),
        "{}",
        desk.screen()
    );
}

#[test]
fn stop_and_redraw_are_where_the_key_file_has_them() {
    let mut desk = keyed("stop = \"Ctrl-g\"\nsuspend = \"Ctrl-t\"\n");
    desk.press("Ctrl-c");
    assert!(desk.shows("Ctrl-c does nothing here"), "{}", desk.screen());
    desk.press("m Ctrl-g");
    assert!(
        desk.shows("Closed. Ctrl-g again within 2 s leaves."),
        "{}",
        desk.screen()
    );
    desk.press("Ctrl-z");
    assert_eq!(desk.suspended, 0);
    desk.press("Ctrl-t");
    assert_eq!(desk.suspended, 1);
}

#[test]
fn stop_closes_what_is_open_and_twice_leaves() {
    let mut desk = Desk::new(80, 24);
    desk.press("3 ? Ctrl-c");
    assert!(!desk.shows("Keys of"), "{}", desk.screen());
    assert!(desk.left.is_none());
    desk.press("Ctrl-c");
    assert!(desk.left.is_some());
    let mut desk = Desk::new(80, 24);
    desk.press("Ctrl-c");
    desk.wait();
    desk.press("Ctrl-c");
    assert!(desk.left.is_none(), "20 s lie between them");
}

#[test]
fn what_is_staged_is_taken_back_from_any_screen() {
    for screen in ["1", "0", "2", "6"] {
        let mut desk = Desk::new(80, 24);
        desk.press("3 A").press(screen).press("u");
        assert!(desk.fake.choices.is_empty(), "{screen}");
        assert!(desk.shows("Took back"), "{}", desk.screen());
        desk.press("Ctrl-r");
        assert!(!desk.fake.choices.is_empty(), "{screen}");
    }
}

#[test]
fn a_range_of_the_records_of_a_run_is_marked() {
    let mut desk = Desk::new(80, 24);
    desk.press("2 j j Enter Tab v j j v");
    assert!(desk.shows("3 marked"), "{}", desk.screen());
}

#[test]
fn a_mark_is_for_the_record_under_the_cursor() {
    let mut desk = Desk::new(80, 24);
    desk.press("2 j j Enter Space");
    assert!(
        desk.shows("mark is off: marks are for the records"),
        "{}",
        desk.screen()
    );
    desk.press("r");
    assert!(desk.shows("Trying the records with"), "{}", desk.screen());
}

#[test]
fn the_settings_know_the_log_and_the_mapping_of_a_pair() {
    let there = ["l", "m"].map(|key| format!("g{key}"));
    for (key, screen) in there.iter().zip(["[2 Log", "[4 Mapping"]) {
        let mut desk = Desk::new(80, 24);
        desk.press("6 j Tab").press(key);
        assert!(desk.shows(screen), "{key}: {}", desk.screen());
    }
}

#[test]
fn keys_without_anything_to_do_say_why() {
    for (keys, says) in [
        ("2 Tab", "next pane is off: the cursor has one pane here"),
        ("3 Tab", "next pane is off: the cursor has one pane here"),
        ("2 l", "right is off: there is no side or column"),
        ("3 h", "left is off: there is no side or column"),
        ("1 l", "right is off: there is no side or column"),
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(keys);
        assert!(desk.shows(says), "{keys}: {}", desk.screen());
    }
}

#[test]
fn a_chord_shows_what_can_follow_waits_and_esc_leaves_it() {
    let mut desk = Desk::new(80, 24);
    desk.press("5 G");
    let at = desk.cursor();
    desk.ask("g");
    desk.answered();
    for follows in ["first", "search all", "its mapping", "Esc leaves"] {
        assert!(desk.shows(follows), "{follows}: {}", desk.screen());
    }
    desk.wait();
    assert!(
        desk.shows("search all"),
        "without a limit: {}",
        desk.screen()
    );
    desk.press("Esc");
    assert!(!desk.shows("search all"), "{}", desk.screen());
    assert_eq!(desk.cursor(), at, "nothing was done");
}

#[test]
fn the_cursor_stands_on_what_is_in_focus() {
    for (keys, row) in [
        ("1", "Contact <-> people"),
        ("1 j", "Account <-> companies"),
        ("2 j", "8841"),
        ("5 j", "Charles Babbage"),
        ("6 j", "Schedule"),
        ("5 Enter j", "title"),
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(keys);
        let (_, y) = desk.cursor();
        let screen = desk.screen();
        let line = screen.lines().nth(usize::from(y)).unwrap();
        assert!(line.contains(row), "{keys}: {line}\n{screen}");
    }
    for (keys, text) in [("3 /", "ma"), ("g/", "lov"), ("5 i", "x"), (":", "pau")] {
        let mut desk = Desk::new(80, 24);
        desk.press(keys);
        let before = desk.cursor();
        desk.type_text(text);
        let (x, y) = desk.cursor();
        let width = text.len() as u16;
        assert_eq!(
            (x, y),
            (before.0 + width, before.1),
            "{keys}: {}",
            desk.screen()
        );
    }
}
