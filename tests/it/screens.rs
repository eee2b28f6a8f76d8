//! The screens as a person sees them: keys in, text out, against a scripted engine on the other
//! end of the link. Colours are left out; marks are brackets (mono).

#[path = "screens/beside.rs"]
mod beside;
#[path = "screens/blind.rs"]
mod blind;
#[path = "screens/bulk.rs"]
mod bulk;
#[path = "screens/bytes.rs"]
mod bytes;
#[path = "screens/bytes_desk.rs"]
mod bytes_desk;
#[path = "screens/copies.rs"]
mod copies;
#[path = "screens/data.rs"]
mod data;
#[path = "screens/deciding.rs"]
mod deciding;
#[path = "screens/desk.rs"]
mod desk;
#[path = "screens/edits.rs"]
mod edits;
#[path = "screens/elsewhere.rs"]
mod elsewhere;
#[path = "screens/fake.rs"]
mod fake;
#[path = "screens/figures.rs"]
mod figures;
#[path = "screens/flows.rs"]
mod flows;
#[path = "screens/focus.rs"]
mod focus;
#[path = "screens/forms.rs"]
mod forms;
#[path = "screens/gone.rs"]
mod gone;
#[path = "screens/head.rs"]
mod head;
#[path = "screens/held.rs"]
mod held;
#[path = "screens/hints.rs"]
mod hints;
#[path = "screens/honest.rs"]
mod honest;
#[path = "screens/hues.rs"]
mod hues;
#[path = "screens/kept.rs"]
mod kept;
#[path = "screens/keys.rs"]
mod keys;
#[path = "screens/lines.rs"]
mod lines;
#[path = "screens/link.rs"]
mod link;
#[path = "screens/log.rs"]
mod log_filter;
#[path = "screens/looking.rs"]
mod looking;
#[path = "screens/loops.rs"]
mod loops;
#[path = "screens/many_pairs.rs"]
mod many_pairs;
#[path = "screens/mappings.rs"]
mod mappings;
#[path = "screens/other_org.rs"]
mod other_org;
#[path = "screens/reading.rs"]
mod reading;
#[path = "screens/reasons.rs"]
mod reasons;
#[path = "screens/rules.rs"]
mod rules;
#[path = "screens/settings.rs"]
mod settings;
#[path = "screens/silent.rs"]
mod silent;
#[path = "screens/slips.rs"]
mod slips;
#[path = "screens/staging.rs"]
mod staging;
#[path = "screens/storm.rs"]
mod storm;
#[path = "screens/trail.rs"]
mod trail;
#[path = "screens/wire.rs"]
mod wire;
#[path = "screens/wizard.rs"]
mod wizard;
#[path = "screens/wrong.rs"]
mod wrong;

use std::sync::Arc;

use syncdeck::engine::summary::Summary;

use syncdeck::tui::{Audience, Options};

use desk::Desk;
pub use fake::Fake;

/// The state of everything while nothing runs.
pub fn quiet_summary() -> Arc<Summary> {
    data::shared(Summary {
        running: None,
        ..data::summary(3, 0)
    })
}

/// The same keys on the design size and on the wide one.
fn both(name: &str, keys: &str) {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut desk = Desk::new(columns, rows);
        desk.press(keys);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), desk.screen());
    }
}

#[test]
fn overview() {
    both("overview", "");
}

#[test]
fn business() {
    both("business", "0");
}

#[test]
fn search() {
    both("search", "5 g / a d");
}

#[test]
fn search_in_the_crm() {
    both("search_crm", "g / l o v i Ctrl-o");
}

#[test]
fn log() {
    both("log", "2 j j");
}

#[test]
fn run() {
    both("run", "2 j j Enter");
}

#[test]
fn record_views() {
    both("record_views", "5 Tab");
}

#[test]
fn conflicts() {
    both("conflicts", "3 Space");
}

#[test]
fn conflict() {
    both("conflict", "3 Enter j j");
}

#[test]
fn conflict_with_decisions() {
    both("conflict_decided", "3 Enter c j j a");
}

#[test]
fn mapping() {
    both("mapping", "4 j j j");
}

#[test]
fn mapping_row_form() {
    both("mapping_form", "4 j j j Enter");
}

#[test]
fn records() {
    both("records", "5 j");
}

#[test]
fn record() {
    both("record", "5 j Enter");
}

#[test]
fn record_form() {
    both("record_form", "5 j Enter e");
}

#[test]
fn record_form_with_what_is_wrong() {
    let mut desk = Desk::new(80, 24);
    forms::fill_badly(&mut desk);
    insta::assert_snapshot!("record_form_wrong_80x24", desk.screen());
    let mut desk = Desk::new(160, 48);
    forms::fill_badly(&mut desk);
    insta::assert_snapshot!("record_form_wrong_160x48", desk.screen());
}

#[test]
fn record_form_list_of_users() {
    both("record_form_users", "5 j H Enter");
}

#[test]
fn settings_connection() {
    both("settings", "6 Tab");
}

#[test]
fn codes_that_nobody_knows_are_shown_with_their_connection() {
    let mut fake = Fake::default();
    for code in ["BRAND_NEW", "BRAND_NEW", "ANOTHER"] {
        fake.codes.note(code, data::now());
    }
    let mut desk = Desk::over(fake, desk::options(), 160, 48);
    desk.press("6 Tab");
    assert!(
        desk.shows("Unknown codes  BRAND_NEW 2 times, ANOTHER once"),
        "{}",
        desk.screen()
    );
}

#[test]
fn settings_schedule() {
    both("settings_schedule", "6 j Tab");
}

#[test]
fn settings_look() {
    both("settings_look", "6 j j j j j j Tab");
}

#[test]
fn settings_filters() {
    both("settings_filters", "6 j j Tab");
}

#[test]
fn settings_filter_question() {
    both("settings_filter_question", "6 j j Tab Enter Enter");
}

#[test]
fn settings_limits() {
    both("settings_limits", "6 j j j Tab");
}

#[test]
fn settings_rules() {
    both("settings_rules", "6 j j j j Tab");
}

#[test]
fn sign_in() {
    both("sign_in", "6 Tab Enter");
}

#[test]
fn help() {
    both("help", "3 Enter ?");
}

#[test]
fn actions_with_reasons() {
    both("actions", "3 Enter m");
}

#[test]
fn palette() {
    both("palette", ": s y n c");
}

#[test]
fn question_before_a_write() {
    both("write", "3 Enter a j j c w");
}

#[test]
fn editor_of_long_text() {
    both("editor", "3 Enter j j j e");
}

#[test]
fn a_wall_shows_what_needs_someone_first() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let options = Options {
            audience: Audience::Wall,
            ..desk::options()
        };
        let desk = Desk::with(options, columns, rows);
        insta::assert_snapshot!(format!("wall_{columns}x{rows}"), desk.screen());
    }
}

#[test]
fn a_window_too_small_is_told_so() {
    let desk = Desk::new(40, 10);
    insta::assert_snapshot!("tiny_40x10", desk.screen());
}

#[test]
fn text_from_outside_cannot_act() {
    let mut desk = Desk::new(80, 24);
    desk.press("3 G Enter");
    let screen = desk.screen();
    assert!(
        !screen.chars().any(|c| c.is_control() && c != '\n'),
        "{screen}"
    );
    assert!(!screen.contains('\u{202e}'));
    assert!(screen.contains("Tor ^[[31mEgil^G Bakke"), "{screen}");
    insta::assert_snapshot!("outside_text_80x24", screen);
}
