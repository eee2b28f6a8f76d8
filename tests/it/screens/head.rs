//! The rows that are on every screen: where one is, how old it is; and what a low window leaves out.

use std::time::Duration;

use jiff::SignedDuration;
use ratatui::style::Modifier;
use syncdeck::engine::summary::{Env, Motion, Summary};
use syncdeck::tui::Options;

use super::data;
use super::desk::{Desk, options};
use super::quiet_summary;

fn summary() -> Summary {
    Summary::clone(&quiet_summary())
}

#[test]
fn the_clock_never_covers_where_a_write_goes() {
    for (columns, profile) in [
        (60, "p"),
        (60, "twelve-chars"),
        (80, "twelve-chars"),
        (60, "a-profile-of-24-letters"),
    ] {
        for env in [Some(Env::Production), Some(Env::Sandbox), None] {
            let mut desk = Desk::new(columns, 24);
            desk.told(data::shared(Summary {
                profile: profile.into(),
                env,
                ..summary()
            }));
            let screen = desk.screen();
            let first = screen.lines().next().unwrap();
            let word = if env == Some(Env::Sandbox) {
                "SANDBOX"
            } else {
                "PRODUCTION"
            };
            for part in [profile, word, "read-write", "daemon"] {
                assert!(first.contains(part), "{columns} {env:?}: {first}");
            }
            let clock = first.contains("drawn 14:32 UTC");
            assert!(
                clock || !first.contains("drawn"),
                "whole or not at all: {first}"
            );
        }
    }
    assert!(Desk::new(80, 24).shows("drawn 14:32 UTC"));
}

#[test]
fn an_engine_whose_clock_is_ahead_is_shown_at_its_own_time() {
    let ahead = SignedDuration::from_mins(2);
    let ahead = Options { ahead, ..options() };
    let mut desk = Desk::with(ahead, 80, 24);
    assert!(desk.shows("drawn 14:34 UTC"), "{}", desk.screen());
    desk.press("5");
    assert!(desk.shows("drawn 14:34 UTC"), "{}", desk.screen());
}

#[test]
fn production_is_reversed_and_bold_on_the_screen() {
    let desk = Desk::with(options(), 80, 24);
    let style = desk.style_of("PRODUCTION");
    assert!(
        style
            .add_modifier
            .contains(Modifier::REVERSED | Modifier::BOLD)
    );
}

#[test]
fn a_run_that_stands_still_is_said_to_be_old() {
    let mut desk = Desk::new(80, 24);
    assert!(desk.shows("live"), "{}", desk.screen());
    desk.pass(Duration::from_secs(9));
    assert!(desk.shows("live"), "{}", desk.screen());
    desk.pass(Duration::from_secs(2));
    assert!(desk.shows("as of 14:31:59"), "{}", desk.screen());
    assert!(desk.style_of("as of").add_modifier.contains(Modifier::BOLD));
    let mut paused = Summary::clone(&data::shared(data::summary(3, 0)));
    paused.running.as_mut().unwrap().motion = Motion::Paused;
    desk.told(data::shared(paused));
    assert!(desk.shows("live"), "a pause is no fault: {}", desk.screen());
}

#[test]
fn an_engine_that_does_not_answer_is_not_live() {
    let mut desk = Desk::new(80, 24);
    desk.told(quiet_summary());
    desk.pass(Duration::from_secs(3_600));
    assert!(
        desk.shows("live"),
        "nothing is waited for: {}",
        desk.screen()
    );
    desk.ask("3");
    desk.pass(Duration::from_secs(9));
    assert!(!desk.shows("as of"), "{}", desk.screen());
    desk.pass(Duration::from_secs(2));
    assert!(desk.shows("as of 14:32:00"), "{}", desk.screen());
    desk.answered();
    assert!(desk.shows("live"), "{}", desk.screen());
}

#[test]
fn a_low_window_has_the_list_and_enter_opens_the_detail() {
    for (screen, rows) in [("2", 3), ("3", 3), ("5", 3), ("4", 8)] {
        let mut desk = Desk::new(60, 15);
        desk.press(screen);
        let body = desk.screen();
        let rules = body.lines().filter(|line| line.contains("----")).count();
        assert_eq!(rules, 1, "one pane, with at least {rows} rows: {body}");
    }
    let mut desk = Desk::new(60, 15);
    desk.press("5 Enter");
    assert!(desk.shows("Countess of L.."), "{}", desk.screen());
    let rules = Desk::new(80, 20).press("3").screen();
    assert!(rules.matches("----").count() > 1, "{rules}");
}

#[test]
fn counts_are_grouped_in_threes() {
    let mut desk = Desk::new(80, 24);
    let mut many = summary();
    many.staged = 10_000;
    desk.told(data::shared(many));
    assert!(desk.shows("10,000 staged"), "{}", desk.screen());
}

#[test]
fn everything_that_was_said_can_be_read_to_its_end() {
    let mut desk = Desk::new(80, 24);
    desk.paste("x");
    desk.fake.undecided = Some("a reason that is told at length, ".repeat(8) + "to its very end");
    desk.press("3 A");
    desk.press(":").type_text("messages").press("Enter");
    let words = desk.screen().replace(['|', '\n'], " ");
    let words: Vec<&str> = words.split_whitespace().collect();
    assert!(
        words.join(" ").contains("to its very end"),
        "{}",
        desk.screen()
    );
    let before = desk.cursor();
    desk.press("j");
    assert_ne!(desk.cursor(), before);
}
