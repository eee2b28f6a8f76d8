//! Lines of the palette, what is typed again, the ways to say a time, and the band.

use syncdeck::config::resolved::{Band, BandColour};
use syncdeck::tui::Options;
use syncdeck::tui::effect::Mouse;

use super::desk::{Desk, options};

fn line(desk: &mut Desk, text: &str) {
    desk.press(":").type_text(text).press("Enter");
}

#[test]
fn a_line_syncs_the_pair_it_names() {
    let mut desk = Desk::new(80, 24);
    line(&mut desk, "sync contact");
    assert!(
        desk.shows("Sync of Contact <-> people asked for"),
        "{}",
        desk.screen()
    );
    let asked = |desk: &Desk| desk.fake.asked.iter().filter(|a| *a == "Sync").count();
    assert_eq!(asked(&desk), 1);
    // What cannot be done is said before Enter.
    desk.press(":").type_text("sync zzz");
    assert!(desk.shows("No pair is like"), "{}", desk.screen());
    assert!(!desk.shows("Syncs zzz"), "{}", desk.screen());
    desk.press("Esc");
    line(&mut desk, "sync zzz");
    assert!(desk.shows("No pair is like"), "{}", desk.screen());
    line(&mut desk, "sync o");
    assert!(desk.shows("Nothing was started"), "{}", desk.screen());
    assert_eq!(asked(&desk), 1);
}

#[test]
fn nothing_is_started_by_a_line_of_someone_who_only_looks() {
    let access = syncdeck::engine::summary::Access::ReadOnly;
    let mut desk = Desk::with(
        Options {
            access,
            ..options()
        },
        80,
        24,
    );
    for (text, says) in [
        ("sync contact", "sync is off"),
        ("revert 8840", "revert run is off"),
    ] {
        line(&mut desk, text);
        assert!(desk.shows(says), "{}", desk.screen());
    }
    assert!(
        !desk
            .fake
            .asked
            .iter()
            .any(|a| a == "Sync" || a == "PreviewUndo")
    );
}

#[test]
fn a_line_previews_taking_a_run_back() {
    let mut desk = Desk::new(80, 24);
    line(&mut desk, "revert 8841");
    assert!(desk.fake.asked.iter().any(|a| a == "PreviewUndo"));
    assert!(desk.shows("run 8841"), "{}", desk.screen());
    desk.press("Esc");
    line(&mut desk, "revert it");
    assert!(desk.shows("no number of a run"), "{}", desk.screen());
}

#[test]
fn a_line_goes_to_a_screen_or_looks_for_an_id() {
    let mut desk = Desk::new(80, 24);
    line(&mut desk, "goto conflicts");
    assert!(desk.shows("[3 Conflicts"), "{}", desk.screen());
    line(&mut desk, "goto 003..Q1AA");
    assert!(
        desk.shows("Search everything") && desk.shows("003"),
        "{}",
        desk.screen()
    );
}

#[test]
fn the_help_of_the_clipboard_is_there() {
    let mut desk = Desk::new(80, 24);
    line(&mut desk, "help clipboard");
    assert!(desk.shows("set -g set-clipboard on"), "{}", desk.screen());
}

#[test]
fn the_mouse_is_asked_for_and_given_back() {
    let mut desk = Desk::new(80, 24);
    assert_eq!(desk.model.mouse, Mouse::Terminals);
    line(&mut desk, "mouse");
    assert_eq!(desk.model.mouse, Mouse::Ours);
    line(&mut desk, "mouse");
    assert_eq!(desk.model.mouse, Mouse::Terminals);
}

#[test]
fn filters_that_were_typed_come_again() {
    let mut desk = Desk::new(80, 24);
    desk.press("5 /").type_text("luigi").press("Enter");
    desk.press("/ Ctrl-u").type_text("ada").press("Enter");
    desk.press("/ Ctrl-u Up Up");
    assert!(
        desk.shows("luigi") && desk.shows("1 of 3"),
        "{}",
        desk.screen()
    );
    desk.press("Down Enter");
    assert!(desk.shows("Filter: ada"), "{}", desk.screen());
}

#[test]
fn times_are_utc_then_local_then_relative() {
    let mut desk = Desk::new(80, 24);
    desk.press("2");
    assert!(desk.shows("14:31:27"), "{}", desk.screen());
    desk.press("t t");
    assert!(
        !desk.shows("14:31:27") && desk.shows("17 min"),
        "{}",
        desk.screen()
    );
    assert!(
        desk.shows("drawn 14:32"),
        "the clock is one: {}",
        desk.screen()
    );
    desk.press("t");
    assert!(desk.shows("14:31:27"), "{}", desk.screen());
}

#[test]
fn connections_are_edited_and_disconnected_where_they_are_listed() {
    let mut desk = Desk::new(80, 24);
    desk.press("e");
    assert!(
        desk.shows("connections are what is changed here"),
        "{}",
        desk.screen()
    );
    desk.press("S-Tab d");
    assert!(desk.shows("Disconnect"), "{}", desk.screen());
    let mut desk = Desk::new(80, 24);
    desk.press("S-Tab e");
    assert!(desk.shows("Sign"), "{}", desk.screen());
}

#[test]
fn a_band_begins_the_first_line_and_gives_way_to_it() {
    let band = Some(Band {
        word: "LIVE EU".into(),
        colour: BandColour::Red,
    });
    let with = |columns| {
        let options = Options {
            band: band.clone(),
            ..options()
        };
        Desk::with(options, columns, 24)
    };
    let desk = with(80);
    assert!(
        desk.screen().starts_with(" LIVE EU   prod-eu  PRODUCTION"),
        "{}",
        desk.screen()
    );
    let style = desk.style_of("LIVE EU");
    assert!(
        style
            .add_modifier
            .contains(ratatui::style::Modifier::REVERSED)
    );
    let desk = with(60);
    assert!(desk.shows("read-write  daemon"), "{}", desk.screen());
}

/// The line of the palette that Enter does.
fn first(desk: &Desk) -> String {
    let screen = desk.screen();
    let mut lines = screen
        .lines()
        .skip_while(|line| !line.contains("- Palette"));
    let line = lines.find(|line| line.contains("| > "));
    line.unwrap_or(&screen).to_owned()
}

#[test]
fn a_word_that_needs_more_says_what_and_nothing_that_is_only_like_it_is_done() {
    let needs = [
        ("revert", "Wants the number of a run: revert RUN"),
        ("sync", "Wants the name of a pair: sync PAIR"),
        ("goto", "Wants an id or the name of a screen"),
        ("view", "Wants the name of a view: view NAME"),
        ("view remove", "Wants the name of a view: view remove NAME"),
        ("export", "Wants the name of a file"),
    ];
    for (columns, rows) in [(80, 24), (160, 48)] {
        for (word, says) in needs {
            let mut desk = Desk::new(columns, rows);
            desk.press("3 :").type_text(word);
            assert!(first(&desk).contains(says), "{word}: {}", desk.screen());
            let asked = desk.fake.asked.len();
            desk.press("Enter");
            assert_eq!(desk.fake.asked.len(), asked, "{word}");
            assert!(desk.shows("[3 Conflicts"), "{word}: {}", desk.screen());
            assert!(desk.model.modal.is_none(), "{word}: {}", desk.screen());
        }
    }
}

#[test]
fn a_word_that_is_an_action_here_is_that_action() {
    for (place, word, says) in [
        ("2 j", "revert", "revert run"),
        ("1", "sync", "sync now"),
        ("5", "view", "views"),
        ("3", "theme", "theme"),
        ("3", "search", "search all"),
        ("3", "filter", "filter"),
        ("1", "record.link", "off: it does not exist on Overview"),
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(place).press(":").type_text(word);
        assert!(first(&desk).contains(says), "{word}: {}", desk.screen());
    }
}
