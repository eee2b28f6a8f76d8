//! The terminal is a bad network: one test for each row of the console's rules about it that needs
//! a real terminal, beside those of [`crate::pty`].

use std::time::Duration;

use crate::pty::{Terminal, started};

/// Beginning and end of a synchronised update.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

fn times(raw: &[u8], what: &[u8]) -> usize {
    raw.windows(what.len()).filter(|part| *part == what).count()
}

/// The column in which a text begins, on the row that holds another.
fn column(terminal: &Terminal, row_of: &str, text: &str) -> u16 {
    let screen = terminal.screen();
    let (rows, columns) = screen.size();
    let holds = |row: &u16| {
        let line = screen.contents_between(*row, 0, *row, columns.get());
        line.contains(row_of) && line.contains(text)
    };
    let row = (0..rows.get())
        .find(holds)
        .unwrap_or_else(|| panic!("{row_of}: {}", terminal.contents()));
    let begins = |at: &u16| {
        screen
            .contents_between(row, *at, row, columns.get())
            .starts_with(text)
            && screen
                .cell(row, *at)
                .is_some_and(|cell| cell.has_contents())
    };
    (0..columns.get()).find(begins).unwrap()
}

#[test]
fn a_paste_whose_beginning_is_split_runs_nothing() {
    let mut terminal = started("run");
    terminal
        .type_keys("\u{1b}")
        .type_keys("[200~q3w\r\u{1b}[201~")
        .until_shown("A paste is text");
    assert!(terminal.contents().contains("[1 Overview]"));
    terminal.type_keys("q").ends("ended: Quit");
}

#[test]
fn keys_typed_before_a_dialog_is_visible_do_not_answer_it() {
    let mut terminal = started("hosts");
    terminal
        .type_keys("q\t\r")
        .until_shown("Stop syncing and quit?")
        .until_shown("> [ Stay ]");
    // It is there still when the next key arrives, and Esc is what leaves it.
    terminal.press_until("\u{1b}", "the overview", |screen| {
        !screen.contents().contains("Stop syncing and quit?")
    });
    terminal.type_keys("q").until_shown("> [ Stay ]");
    terminal.press_until("\t", "the other button", |screen| {
        screen.contents().contains("> [ Finish batch and quit ]")
    });
    terminal.type_keys("\r").ends("ended: Quit");
}

#[test]
fn nothing_flickers_each_frame_is_one_update() {
    let mut terminal = started("run");
    terminal.type_keys("3").until_shown("Ada Lovelace-Byron");
    terminal.type_keys("jjk5").until_shown("[5 Records]");
    terminal.type_keys("q").ends("ended: Quit");
    let raw = terminal.raw();
    let first = raw
        .windows(BEGIN.len())
        .position(|part| part == BEGIN)
        .unwrap();
    let mut rest = &raw[first..];
    let mut frames = 0;
    while rest.starts_with(BEGIN) {
        let end = rest
            .windows(END.len())
            .position(|part| part == END)
            .unwrap();
        rest = &rest[end + END.len()..];
        frames += 1;
    }
    assert!(frames >= 3, "{frames} frames");
    assert_eq!(
        times(rest, BEGIN),
        0,
        "something was drawn outside of a frame"
    );
}

#[test]
fn the_mouse_is_the_terminals_until_it_is_asked_for() {
    let mut terminal = started("run");
    for report in [&b"\x1b[?1000h"[..], b"\x1b[?1002h", b"\x1b[?1003h"] {
        assert_eq!(times(terminal.raw(), report), 0);
    }
    terminal
        .type_keys(":mouse\r")
        .until_shown("The wheel moves the cursor");
    assert_eq!(times(terminal.raw(), b"\x1b[?1000h"), 1);
    let row = terminal.screen().cursor_position().0;
    terminal
        .type_keys("\u{1b}[<65;10;10M")
        .until("the next row", |screen| {
            screen.cursor_position().0 == row + 1
        });
    terminal.type_keys("q").ends("ended: Quit");
    assert!(times(terminal.raw(), b"\x1b[?1000l") > 0);
}

#[test]
fn wide_characters_do_not_shift_their_row() {
    let mut terminal = started("hostile");
    terminal.type_keys("5").until_shown("Inventor");
    let plain = column(&terminal, "Luigi Menabrea", "General");
    assert_eq!(column(&terminal, "Charles Babbage", "Inventor"), plain);
    terminal.type_keys("q").ends("ended: Quit");
}

#[test]
fn right_to_left_text_is_not_reordered_and_hostile_text_is_shown() {
    let mut terminal = started("hostile");
    terminal
        .type_keys("5")
        .until_shown("\u{5e9}\u{5dc}\u{5d5}\u{5dd}");
    terminal.type_keys("\r").until_shown("<U+202E>");
    assert!(
        terminal.contents().contains("^[[2J^[]0;owned^G"),
        "{}",
        terminal.contents()
    );
    assert_eq!(times(terminal.raw(), b"\x1b]0;owned"), 0);
    terminal.type_keys("qq").ends("ended: Quit");
}

#[test]
fn a_window_that_hosts_a_running_sync_does_not_suspend() {
    let mut terminal = started("hosts");
    terminal
        .type_keys("\u{1a}")
        .until_shown("Ctrl-z is off: this window hosts a running sync");
    terminal.kill();
}

#[test]
fn many_keys_are_one_frame() {
    let mut terminal = started("run");
    terminal.type_keys("5").until_shown("Luigi Menabrea");
    terminal.frame_ends();
    let before = times(terminal.raw(), END);
    terminal
        .type_keys(&format!("{}3", "jk".repeat(200)))
        .until_shown("[3 Conflicts");
    let frames = times(terminal.raw(), END) - before;
    assert!(frames < 60, "{frames} frames for 401 keys");
    terminal.type_keys("q").ends("ended: Quit");
}

#[test]
fn after_the_screen_a_person_is_told_what_is_waited_for_and_ends_it() {
    let mut terminal = started("stuck");
    terminal
        .type_keys("q")
        .until_shown("finishing what is being written");
    terminal.type_keys("\u{3}").ends("ended at once");
}

#[test]
fn a_line_that_drops_ends_it_soon_whatever_the_engine_does() {
    let mut terminal = started("stuck");
    let began = std::time::Instant::now();
    terminal
        .signal(rustix::process::Signal::HUP)
        .ends("ended: TerminalLost");
    assert!(began.elapsed() < Duration::from_secs(15));
}
