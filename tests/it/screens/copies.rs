//! What a copy holds: text from outside is cleaned on its way to a clipboard, and so to a shell.

use syncdeck::domain::value::Value;

use super::desk::Desk;

/// A field that somebody filled in to be copied.
const BAIT: &str = "ls\u{1b}[2J\u{202e}\nrm -rf ~\n";

fn baited() -> Desk {
    let mut desk = Desk::new(80, 24);
    let (_, fields) = &mut desk.fake.people[0];
    fields.insert("email".into(), Value::text(BAIT));
    desk.press("5 Enter");
    desk
}

fn acts(text: &str) -> bool {
    text.chars().any(|c| c.is_control() || c == '\u{202e}')
}

#[test]
fn a_copied_value_does_nothing_in_the_next_shell() {
    let mut desk = baited();
    desk.press("y");
    let copied = desk.copied.last().unwrap();
    assert!(!acts(copied), "{copied:?}");
    assert!(copied.starts_with("ls^[[2J<U+202E>^Jrm"), "{copied:?}");
    assert!(desk.shows(":copy.raw takes them"), "{}", desk.screen());
}

#[test]
fn raw_is_an_action_of_its_own() {
    let mut desk = baited();
    desk.press(":").type_text("copy.raw").press("Enter");
    assert_eq!(desk.copied.last().map(String::as_str), Some(BAIT));
}

#[test]
fn copied_json_is_clean_and_loses_nothing() {
    let mut desk = baited();
    desk.press("Y");
    let copied = desk.copied.last().unwrap();
    assert!(!acts(&copied.replace('\n', "")), "{copied:?}");
    let json: serde_json::Value = serde_json::from_str(copied).unwrap();
    assert!(json.to_string().contains("rm -rf ~"), "{json}");
}

#[test]
fn more_than_a_clipboard_takes_is_refused_and_not_cut() {
    let mut desk = Desk::new(80, 24);
    let (_, fields) = &mut desk.fake.people[0];
    fields.insert("email".into(), Value::text("x".repeat(48 * 1024 + 1)));
    desk.press("5 Enter y");
    assert!(desk.copied.is_empty());
    assert!(desk.shows("48 KiB at"), "{}", desk.screen());
    let (_, fields) = &mut desk.fake.people[0];
    fields.insert("email".into(), Value::text("x".repeat(48 * 1024)));
    desk.press("R y");
    assert_eq!(desk.copied.last().map(String::len), Some(48 * 1024));
}
