//! Nothing of why an action is off is cut without a way to read it.

use syncdeck::tui::modal::HelpLine;
use syncdeck::tui::update::{actions_here, help_lines, off};

use super::desk::Desk;

/// Where many actions are off.
const PLACES: &[&str] = &[
    "1",
    "0",
    "2",
    "2 j j Enter",
    "3",
    "3 Enter",
    "3 Enter j j",
    "4",
    "4 Tab",
    "5",
    "5 j Enter",
    "5 Tab",
    "6",
    "6 Tab",
    "6 j Tab",
    "6 j j j Tab",
];

/// What is on the screen as one text, its lines joined as they were before they were wrapped.
fn text(desk: &Desk) -> String {
    let screen = desk.screen();
    let words = screen.split_whitespace().filter(|word| *word != "|");
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_whole_reason_of_the_line_with_the_cursor_is_on_the_screen() {
    for (columns, rows) in [(60, 15), (80, 24), (160, 48)] {
        for place in PLACES {
            let mut desk = Desk::new(columns, rows);
            desk.press(place).wait();
            desk.press("m");
            for (action, why) in actions_here(&desk.model) {
                let why = why.unwrap_or_default();
                let shown = text(&desk);
                assert!(
                    shown.contains(&why),
                    "{place}, {action}: {why}\n{}",
                    desk.screen()
                );
                desk.press("j");
            }
        }
    }
}

#[test]
fn help_and_palette_say_it_whole_too() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        for place in PLACES {
            let mut desk = Desk::new(columns, rows);
            desk.press(place).wait();
            desk.press("? g");
            for line in help_lines(&desk.model, None) {
                if let HelpLine::Act(action) = line
                    && let Some(why) = off::reason(&desk.model, action)
                {
                    let shown = text(&desk);
                    assert!(
                        shown.contains(&why),
                        "{place}, {action}: {why}\n{}",
                        desk.screen()
                    );
                }
                desk.press("j");
            }
            for (action, why) in actions_here(&desk.model) {
                let Some(why) = why else { continue };
                desk.press("Esc :").type_text(action.info().name);
                let shown = text(&desk);
                assert!(
                    shown.contains(&why),
                    "{place}, {action}: {why}\n{}",
                    desk.screen()
                );
            }
        }
    }
}
