//! The last row tells the truth: whatever it offers does something here, on every pane, every
//! section and in every dialog.

use syncdeck::tui::key::Key;

use super::Fake;
use super::desk::{Desk, options};

/// Every pane: what it is called here, and the keys that lead to it.
const PANES: &[(&str, &str)] = &[
    ("overview", "1"),
    ("overview, connections", "1 S-Tab"),
    ("overview, attention", "1 Tab"),
    ("business", "0"),
    ("log", "2"),
    ("log, an older run", "2 j j"),
    ("run", "2 j j Enter"),
    ("run, records", "2 j j Enter Tab"),
    ("run, steps", "2 j j Enter Tab Tab"),
    ("conflicts", "3"),
    ("conflicts, some marked", "3 Space"),
    ("conflicts, decided", "3 A"),
    ("conflict", "3 Enter"),
    ("conflict, decided", "3 Enter a"),
    ("conflict, what is written", "3 Enter a Tab"),
    ("mapping", "4 j"),
    ("mapping, staged", "4 j Space"),
    ("mapping, versions", "4 Tab"),
    ("records", "5"),
    ("records, some marked", "5 Space"),
    ("records, views", "5 Tab"),
    ("records, filtered", "5 / a d a Enter"),
    ("record", "5 j Enter"),
    ("settings", "6"),
    ("settings, connections", "6 Tab"),
    ("settings, the App", "6 Tab G"),
    ("settings, schedule", "6 j Tab"),
    ("settings, filters", "6 j j Tab"),
    ("settings, limits", "6 j j j Tab"),
    ("settings, rules", "6 j j j j Tab"),
    ("settings, vault", "6 j j j j j Tab"),
    ("settings, look", "6 j j j j j j Tab j"),
    ("settings, keys", "6 j j j j j j j Tab"),
    ("settings, about", "6 j j j j j j j j Tab"),
    ("typing a filter", "5 / a"),
    ("typing a text to find", "4 / a"),
    // Below what is off while nothing is staged.
    ("help", "5 ? j"),
    ("actions", "5 m"),
    ("palette", "5 : s"),
    ("search", "5 g / a d"),
    ("form of a record", "5 j e"),
    ("form of a link", "5 j L"),
    ("a list of users", "5 j H Enter a"),
    ("form of a view", "5 V x"),
    ("form of a schedule", "6 j Tab Enter x"),
    ("form of a filter", "6 j j Tab Enter x"),
    ("form of a mapping row", "4 j Enter"),
    ("editor", "3 Enter j j j e"),
    ("a question", "3 Enter a w"),
    ("a question to be typed", "5 d x"),
    ("a new row", "4 i e"),
    ("a version compared", "4 Tab j Enter"),
    ("sign-in", "6 Tab Enter"),
    ("a text", "6 j j j j j Tab Enter"),
];

/// A person who is there by these keys.
fn at(columns: u16, rows: u16, keys: &str) -> Desk {
    let mut desk = Desk::over(Fake::default(), options(), columns, rows);
    desk.press(keys);
    // What was said on the way is gone.
    desk.wait();
    desk
}

/// The hints of the last row: the keys of each, and what it says.
fn hints(desk: &Desk) -> Vec<(Vec<String>, String)> {
    let screen = desk.screen();
    let row = screen.lines().last().unwrap_or_default();
    let row = row.split_once(": ").map_or(row, |(head, rest)| {
        // `editing: Tab next field`; but `: palette` is a key.
        if head.chars().all(|c| c.is_ascii_lowercase() || c == ' ') {
            rest
        } else {
            row
        }
    });
    let parts = row
        .split("  ")
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(|part| (keys_of(part), part.to_owned())).collect()
}

/// The keys at the beginning of a hint: `j/k move`, `Up Down move`, `Tab or h/l choose`.
fn keys_of(part: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for word in part.split(' ') {
        let one = |key: &str| Key::parse_chord(key).is_ok_and(|k| k.len() <= 2);
        let known = |word: &str| word.len() <= 2 || NAMED.iter().any(|n| word.starts_with(n));
        match word {
            "or" => {}
            word if known(word) && one(word) => keys.push(word.to_owned()),
            word if word.len() == 3 && word.split('/').all(|k| k.len() == 1) => {
                keys.extend(word.split('/').map(str::to_owned));
            }
            _ => break,
        }
    }
    keys
}

/// How keys begin that are called by a name.
const NAMED: [&str; 8] = [
    "Tab", "S-Tab", "Enter", "Esc", "Ctrl-", "Up", "Down", "Space",
];

/// Everything a key can change: the screen, what was copied, what the engine was asked.
fn state(desk: &Desk) -> (String, usize, usize, bool, (u16, u16)) {
    let cursor = desk.cursor();
    (
        desk.screen(),
        desk.copied.len(),
        desk.fake.asked.len(),
        desk.left.is_some(),
        cursor,
    )
}

#[test]
fn every_hint_on_every_pane_does_something() {
    let mut lies = Vec::new();
    let mut tried = 0;
    for (columns, rows) in [(80, 24), (160, 48)] {
        for (name, way) in PANES {
            for (keys, hint) in hints(&at(columns, rows, way)) {
                if keys.is_empty() {
                    // Words without a key: `type to find`, `paste the address`.
                    continue;
                }
                tried += 1;
                let works = keys.iter().any(|key| {
                    let mut desk = at(columns, rows, way);
                    let before = state(&desk);
                    desk.press(key);
                    let refused = desk.shows("does nothing here") || desk.shows(" is off: ");
                    state(&desk) != before && !refused
                });
                if !works {
                    lies.push(format!("{name} at {columns}x{rows}: {hint}"));
                }
            }
        }
    }
    assert!(lies.is_empty(), "{}", lies.join("\n"));
    assert!(tried > 500, "only {tried} hints were found");
}

#[test]
fn the_hint_says_whether_a_filter_or_a_text_is_typed() {
    for (says, ways) in [
        ("typing a filter: ", ["2 /", "3 /", "5 /"]),
        ("typing a text to find: ", ["1 /", "4 /", "6 /"]),
    ] {
        for way in ways {
            let desk = at(80, 24, way);
            assert!(desk.shows(says), "{way}: {}", desk.screen());
        }
    }
}

#[test]
fn why_a_profile_has_no_second_connection_is_read_whole_wherever_it_stands() {
    for way in [
        "6 Tab m",
        "6 Tab ?",
        "6 Tab : n e w",
        "6 Tab i",
        "1 S-Tab m",
    ] {
        let mut desk = at(80, 24, way);
        if way.ends_with('i') {
            desk = Desk::new(80, 24);
            desk.press(way);
        }
        while !desk.shows("a profile has one; e signs in to it again") {
            let before = desk.screen();
            desk.press("Down");
            assert_ne!(desk.screen(), before, "{way}: {before}");
        }
    }
}

#[test]
fn what_cannot_be_opened_says_so() {
    let mut desk = at(80, 24, "6 j j j j j j j j Tab");
    assert!(!desk.shows("Enter open"), "{}", desk.screen());
    desk.press("Enter");
    assert!(desk.shows("nothing behind this page"), "{}", desk.screen());
}
