//! The first run over a slow line: what each key costs, and that the keys it offers do something.

use syncdeck::tui::app::Program as _;
use syncdeck::tui::key::Key;

use super::super::bytes::Meter;
use super::script::{Setup, nothing, signed_in, unsigned};

/// The pages: what each is called, and the keys that lead to it from a standing.
fn pages(columns: u16, rows: u16) -> Vec<(&'static str, Setup)> {
    let over = |standing| Setup::over(standing, columns, rows);
    let pressed = |mut setup: Setup, keys: &str| {
        setup.press(keys);
        setup
    };
    let mut address = over(unsigned());
    address.asks_address();
    vec![
        ("profile", over(nothing())),
        ("vault", pressed(over(nothing()), "Enter Enter Down Enter")),
        ("sign-in", over(unsigned())),
        ("address", address),
        ("app", over(signed_in())),
        ("objects", pressed(over(signed_in()), "Enter Down")),
        ("check", pressed(over(signed_in()), "Enter Enter Enter")),
    ]
}

#[test]
fn every_key_of_the_first_run_keeps_to_its_budget() {
    let mut dear = Vec::new();
    for (columns, rows, page) in [(80, 24, 2_500), (160, 48, 8_500)] {
        for at in 0..pages(columns, rows).len() {
            // A letter is typed, or answered with a word that says it does nothing here.
            for (keys, most) in [("Down", 1_000), ("Enter", page), ("?", page), ("x", 400)] {
                let (name, mut setup) = pages(columns, rows).swap_remove(at);
                let mut meter = Meter::new(columns, rows);
                meter.frame(|frame| setup.wizard.draw(frame));
                setup.press(keys);
                let sent = meter.frame(|frame| setup.wizard.draw(frame));
                if sent > most {
                    dear.push(format!(
                        "{keys} on {name} at {columns}x{rows}: {sent} of {most}"
                    ));
                }
            }
        }
    }
    assert!(dear.is_empty(), "{}", dear.join("\n"));
}

#[test]
fn every_hint_of_the_first_run_does_something() {
    let mut lies = Vec::new();
    let mut tried = 0;
    for (columns, rows) in [(80, 24), (160, 48)] {
        for (at, (name, setup)) in pages(columns, rows).into_iter().enumerate() {
            let screen = setup.screen();
            let row = screen.lines().last().unwrap_or_default().to_owned();
            for hint in row.split("  ").filter(|part| !part.is_empty()) {
                let key = hint.split(' ').next().unwrap_or_default();
                if Key::parse_chord(key).is_err() || key.len() > 2 && !hint.starts_with("Enter") {
                    continue;
                }
                let (_, mut setup) = pages(columns, rows).swap_remove(at);
                let before = (setup.screen(), setup.did.len(), setup.copied.len());
                setup.press(key);
                let after = (setup.screen(), setup.did.len(), setup.copied.len());
                let refused = setup.screen().contains(&format!("{key} is off: "));
                tried += 1;
                if setup.left.is_none() && (before == after || refused) {
                    lies.push(format!("{name} at {columns}x{rows}: {hint}"));
                }
            }
        }
    }
    assert!(lies.is_empty(), "{}", lies.join("\n"));
    assert!(tried > 20, "only {tried} hints were found");
}
