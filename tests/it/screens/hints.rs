//! The last row tells the truth: whatever it offers does something here, on every pane, every
//! section and in every dialog.

use syncdeck::engine::summary::{Access, Target};
use syncdeck::tui::Options;
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
fn the_help_key_answers_wherever_it_is_pressed_and_drops_nothing_that_is_typed() {
    for (name, way) in PANES {
        let mut desk = at(80, 24, way);
        let before = desk.screen();
        let typed = before.contains("editing:") || before.contains("typing:");
        desk.press("F1");
        let help = desk.shows("- Keys: ") || *name == "help";
        let said = desk.shows("Its keys are at its foot");
        assert!(help || said, "{name}: {}", desk.screen());
        assert!(!(typed && help), "{name}: {}", desk.screen());
    }
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

/// A person who may only look, on every pane without a dialog that opens without a change.
fn looking(columns: u16, rows: u16, keys: &str) -> Desk {
    let options = Options {
        access: Access::ReadOnly,
        ..options()
    };
    let mut desk = Desk::over(Fake::default(), options, columns, rows);
    desk.press(keys);
    desk.wait();
    desk
}

#[test]
fn whoever_may_only_look_is_offered_no_key_that_writes() {
    let mut lies = Vec::new();
    for (columns, rows) in [(80, 24), (160, 48)] {
        for (name, way) in PANES {
            // They list what is off, with the reason.
            if ["help", "actions", "palette"].contains(name) {
                continue;
            }
            let offered = hints(&looking(columns, rows, way));
            for (keys, hint) in offered {
                for key in keys {
                    let mut desk = looking(columns, rows, way);
                    desk.press(&key);
                    if desk.shows(" is off: read-only: ") {
                        lies.push(format!("{name} at {columns}x{rows}: {hint}"));
                    }
                }
            }
        }
    }
    assert!(lies.is_empty(), "{}", lies.join("\n"));
}

#[test]
fn a_key_that_writes_says_to_whoever_may_only_look_that_they_may_only_look() {
    // On the list `a` is no key, on a conflict it takes a side.
    for (way, key) in [
        ("3", "a"),
        ("3 Enter", "a"),
        ("5", "w"),
        ("1", "s"),
        ("2", "w"),
    ] {
        let mut desk = looking(80, 24, way);
        desk.press(key);
        assert!(
            desk.shows("read-only: started"),
            "{way} {key}: {}",
            desk.screen()
        );
        assert!(!desk.shows("does nothing here"), "{way}: {}", desk.screen());
    }
    // What nothing is bound to stays unknown.
    let mut desk = looking(80, 24, "3");
    desk.press("%");
    assert!(desk.shows("% does nothing here"), "{}", desk.screen());
}

#[test]
fn what_is_staged_is_not_offered_to_whoever_may_only_look() {
    let staged = |desk: &mut Desk| {
        let mut summary = desk.model.summary.as_deref().unwrap().clone();
        summary.staged = 3;
        let item = &mut summary.attention[0];
        item.text = "3 decisions wait to be written".into();
        item.hint = "write".into();
        item.target = Target::Write;
        desk.told(std::sync::Arc::new(summary));
    };
    let mut desk = at(80, 24, "1 Tab");
    staged(&mut desk);
    assert!(desk.shows("Enter write"), "{}", desk.screen());
    let mut desk = looking(80, 24, "1 Tab");
    staged(&mut desk);
    assert!(desk.shows("3 decisions wait"), "{}", desk.screen());
    assert!(!desk.shows("Enter write"), "{}", desk.screen());
    assert!(!desk.shows("Enter open"), "{}", desk.screen());
    desk.press("Enter");
    assert!(desk.shows("read-only: started"), "{}", desk.screen());
}

#[test]
fn an_edit_that_waits_is_written_with_the_key_that_the_records_name() {
    let mut desk = at(80, 24, "5 j");
    assert!(!desk.shows("w write"), "{}", desk.screen());
    desk.fake.edits.clear();
    let mut summary = desk.model.summary.as_deref().unwrap().clone();
    summary.edits = 1;
    desk.told(std::sync::Arc::new(summary));
    assert!(desk.shows("w write"), "{}", desk.screen());
    desk.press("Enter");
    assert!(desk.shows("w write"), "{}", desk.screen());
}

#[test]
fn a_list_without_conflicts_offers_no_key_for_one() {
    let mut fake = Fake::default();
    fake.written = ["ada", "kenji", "evil"].map(String::from).to_vec();
    let mut desk = Desk::over(fake, options(), 80, 24);
    desk.press("3");
    assert!(desk.shows("No open conflicts"), "{}", desk.screen());
    let offered = hints(&desk);
    for no in ["open", "mark", "record", "mapping", "App", "CRM"] {
        let lie = offered.iter().find(|(_, says)| says.contains(no));
        assert!(lie.is_none(), "{lie:?}: {}", desk.screen());
    }
    desk.press("Enter");
    assert!(desk.shows("no conflict is open"), "{}", desk.screen());
}

#[test]
fn the_next_pair_is_offered_where_there_is_one() {
    let mut desk = at(160, 48, "4 Tab");
    assert!(desk.shows("l next pair"), "{}", desk.screen());
    let mut summary = desk.model.summary.as_deref().unwrap().clone();
    summary.pairs.truncate(1);
    desk.told(std::sync::Arc::new(summary));
    assert!(!desk.shows("next pair"), "{}", desk.screen());
    desk.press("l");
    assert!(desk.shows("there is no further pair"), "{}", desk.screen());
    // The last of several has none behind it either.
    let desk = at(160, 48, "5 l l");
    assert!(!desk.shows("l next pair"), "{}", desk.screen());
}

#[test]
fn a_text_of_several_lines_says_what_the_keys_do_where_they_go() {
    let mut desk = at(80, 24, "3 Enter j j j e");
    for (key, says) in [
        ("a", "Enter new line"),
        ("Tab", "Enter keep the text"),
        ("Tab", "Enter drop this edit"),
        ("Tab", "Enter new line"),
    ] {
        desk.press(key);
        let screen = desk.screen();
        let last = screen.lines().next_back().unwrap();
        assert!(last.contains(says), "{key}: {screen}");
    }
}

#[test]
fn actions_are_looked_for_as_keys_are() {
    let mut desk = at(80, 24, "3 m /");
    desk.type_text("log");
    assert!(desk.shows("Palette"), "{}", desk.screen());
}

#[test]
fn a_form_that_has_no_room_says_which_fields_it_shows() {
    let desk = at(80, 24, "5 j e");
    assert!(!desk.shows("fields 1-"), "{}", desk.screen());
    let mut desk = at(60, 15, "5 j e");
    assert!(desk.shows("fields 1-"), "{}", desk.screen());
    desk.press("S-Tab S-Tab S-Tab");
    assert!(!desk.shows("fields 1-"), "{}", desk.screen());
    let screen = desk.screen();
    assert!(screen.contains("fields "), "{screen}");
}
