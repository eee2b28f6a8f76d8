//! Slips of the hand and windows that are small: what is typed wrongly is said, what is typed where
//! nothing waits for it does nothing, and what went wrong is shown whole.

use syncdeck::domain::run::Word;
use syncdeck::engine::summary::{Access, PairRow};
use syncdeck::tui::Options;
use syncdeck::tui::state::Loaded;

use super::desk::{Desk, options};

/// A sentence as a validation rule of an org has it.
const REFUSED: &str = "Titles that begin with Confidential are kept by the legal team and cannot \
                       be changed by an integration user, whoever asks for it";

/// The words of a screen, however they are broken into lines.
fn words(desk: &Desk) -> String {
    let screen = desk.screen();
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_state_that_there_is_not_is_a_mistake_and_the_list_stays() {
    for (list, empty) in [
        ("2", "No run fits"),
        ("3", "No conflict fits"),
        ("5", "No record fits"),
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(list).press("/").type_text("state:fial");
        let says = "no state fial; did you mean fail?";
        // A conflict does not fail.
        let says = if list == "3" {
            "no state fial; states: conf, part"
        } else {
            says
        };
        assert!(desk.shows(says), "{list}: {}", desk.screen());
        desk.press("Enter");
        assert!(desk.shows("The list stays:"), "{list}: {}", desk.screen());
        assert!(!desk.shows(empty), "{list}: {}", desk.screen());
    }
}

#[test]
fn what_is_typed_after_a_slash_is_never_taken_for_keys() {
    // The page of one thing goes to its list, with the filter line open.
    for (page, list, open) in [
        ("5 j Enter", "[5 Records]", "Filter: state:fail"),
        ("3 Enter", "[3 Conflicts", "Filter: state:fail"),
        ("0", "[1 Overview]", "Find: state:fail"),
        ("2 Enter", "[2 Log]", "Find: state:fail"),
        ("1", "[1 Overview]", "Find: state:fail"),
        ("4", "[4 Mapping]", "Find: state:fail"),
        ("6", "[6 Settings]", "Find: state:fail"),
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(page);
        let asked = desk.fake.asked.len();
        desk.press("/").type_text("state:fail");
        for says in [list, open] {
            assert!(desk.shows(says), "{page}: no {says}\n{}", desk.screen());
        }
        let since = &desk.fake.asked[asked..];
        let only_reads = |name: &String| {
            ["Records", "Record", "Conflicts", "Conflict", "ViewCounts"].contains(&name.as_str())
        };
        assert!(since.iter().all(only_reads), "{page}: {since:?}");
    }
}

#[test]
fn the_palette_shows_what_enter_does_with_a_line() {
    for (line, says) in [
        ("revert 26", "Shows what taking back run 26 would write"),
        ("sync contact", "Syncs Contact <-> people now."),
        ("goto conflicts", "Goes to Conflicts."),
        ("export list.csv", "Writes the list to list.csv."),
        ("view save mine", "Keeps the list as the view mine."),
        ("filter state:fail", "Filters the list in front: state:fail"),
        ("theme mono", "Shows everything in the theme mono."),
        ("goto 00Q5g0001", "Looks everywhere for 00Q5g0001."),
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(":").type_text(line);
        assert!(chosen(&desk).contains(says), "{line}: {}", desk.screen());
        assert!(!desk.shows(" 0 of "), "{line}: {}", desk.screen());
    }
    for (text, forms) in [
        ("theme", "Also:  :theme NAME  "),
        (
            "view",
            "Also:  :view NAME   :view save NAME   :view remove NAME  ",
        ),
        (
            "zzz",
            "Also:  :sync PAIR   :goto ID   :filter state:fail   :view NAME  ",
        ),
        ("", "What was done last comes first."),
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(":").type_text(text);
        assert!(desk.shows(forms), "{text}: {}", desk.screen());
    }
    // What is typed is not one of the actions that are found beside it.
    let mut desk = Desk::new(80, 24);
    desk.press(":").type_text("messages");
    assert!(desk.shows(" 1 of "), "{}", desk.screen());
}

/// The line of the palette that Enter does.
fn chosen(desk: &Desk) -> String {
    let screen = desk.screen();
    let first = screen.lines().find(|l| l.contains("| > "));
    first.unwrap_or_else(|| panic!("{screen}")).to_owned()
}

#[test]
fn the_palette_says_of_a_line_that_is_off_why() {
    for line in ["sync contact", "revert 26"] {
        let options = Options {
            access: Access::ReadOnly,
            ..options()
        };
        let mut desk = Desk::with(options, 80, 24);
        desk.press(":").type_text(line);
        assert!(
            chosen(&desk).contains("off: read-only"),
            "{}",
            desk.screen()
        );
    }
}

#[test]
fn the_cause_of_an_error_is_whole_on_the_screen_of_its_run() {
    let mut desk = Desk::new(80, 24);
    let mut with = |keys: &str| {
        desk.press(keys);
        let Loaded::Here(detail) = &mut desk.model.log.detail else {
            panic!("{}", desk.screen());
        };
        let group = detail.groups.first_mut().unwrap();
        group.code = "FIELD_CUSTOM_VALIDATION_EXCEPTION".into();
        group.what = REFUSED.into();
        desk.answered();
        // How many records it was stands at the right of its first row.
        (words(&desk).replace(" 37 records", ""), desk.screen())
    };
    // Below the list of runs it comes before the code and the records.
    let (words, screen) = with("2 j j");
    assert!(words.contains(REFUSED), "{screen}");
    for says in ["Why ", "Fix "] {
        assert!(screen.contains(says), "no {says}\n{screen}");
    }
    let (words, screen) = with("Enter");
    let whole = format!("{REFUSED} (FIELD_CUSTOM_VALIDATION_EXCEPTION)");
    assert!(words.contains(&whole), "{screen}");
    for says in ["Why ", "Fix ", "VPN drops at noon"] {
        assert!(screen.contains(says), "no {says}\n{screen}");
    }
}

#[test]
fn why_a_conflict_was_not_written_is_whole_below_the_list() {
    let mut desk = Desk::new(80, 24);
    desk.press("3");
    let Loaded::Here(Some(detail)) = &mut desk.model.conflicts.detail else {
        panic!("{}", desk.screen());
    };
    // Not of the first field: those that were refused come first.
    detail.fields.last_mut().unwrap().error = Some(REFUSED.into());
    desk.answered();
    assert!(words(&desk).contains(REFUSED), "{}", desk.screen());
}

/// Row 2 of the screen.
fn tabs(desk: &Desk) -> String {
    desk.screen().lines().nth(1).unwrap_or_default().to_owned()
}

#[test]
fn in_a_small_window_the_screens_do_not_run_into_help() {
    for (key, front) in [
        ("1", "[1 Overview]"),
        ("2", "[2 Log]"),
        ("3", "[3 Conflicts 3]"),
        ("4", "[4 Mapping]"),
        ("5", "[5 Records]"),
        ("6", "[6 Settings]"),
    ] {
        let mut desk = Desk::new(60, 15);
        desk.press(key);
        let tabs = tabs(&desk);
        let (screens, _) = tabs
            .rsplit_once(" ? help")
            .unwrap_or_else(|| panic!("{tabs}"));
        assert!(screens.contains(front), "{tabs}");
        // Each key is there, and no name is cut.
        let names = [
            "Overview",
            "Log",
            "Conflicts",
            "Mapping",
            "Records",
            "Settings",
        ];
        let words: Vec<&str> = screens
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        for key in ["1", "2", "3", "4", "5", "6"] {
            assert!(words.contains(&key), "no {key}: {tabs}");
        }
        let letters = |word: &&&str| word.chars().all(char::is_alphabetic);
        assert!(
            words.iter().filter(letters).all(|w| names.contains(w)),
            "{tabs}"
        );
    }
}

#[test]
fn a_pair_that_fails_is_not_out_of_sight_where_the_window_is_small() {
    let mut desk = Desk::new(60, 15);
    assert!(desk.shows("3, 2 more: CONF"), "{}", desk.screen());
    assert!(desk.shows("FAIL  Case --> tickets"), "{}", desk.screen());
    // Where somebody goes elsewhere, what is left behind is said.
    desk.press("G");
    assert!(desk.shows("3, 2 more: FAIL CONF"), "{}", desk.screen());
    assert!(!Desk::new(80, 24).shows(" more: "));
}

#[test]
fn what_is_out_of_sight_is_counted_and_the_worst_of_it_comes_first() {
    let words = [
        Word::Ok,
        Word::Run,
        Word::Ok,
        Word::Hold,
        Word::Fail,
        Word::Fail,
        Word::Hold,
        Word::Ok,
    ];
    let (mut cut, mut told) = (0, 0);
    for rows in 15..40 {
        let mut desk = Desk::new(80, rows);
        let mut summary = desk.model.summary.as_deref().unwrap().clone();
        let pair = summary.pairs[0].clone();
        let pairs = words.iter().enumerate().map(|(n, word)| PairRow {
            name: format!("pair{n}").as_str().into(),
            title: format!("Number {n}"),
            word: *word,
            ..pair.clone()
        });
        summary.pairs = pairs.collect();
        desk.told(std::sync::Arc::new(summary));
        // With the worst in sight, and with it left behind.
        for keys in ["", "G"] {
            desk.press(keys);
            let screen = desk.screen();
            let seen = (0..words.len()).filter(|n| screen.contains(&format!("Number {n}")));
            let hidden = words.len() - seen.count();
            let says = format!("8, {hidden} more");
            assert_eq!(screen.contains(&says), hidden > 0, "{rows}: {screen}");
            cut += usize::from(hidden > 0);
            if hidden == 6 {
                let left = if keys.is_empty() { "HOLD" } else { "FAIL HOLD" };
                let worst = format!("{says}: {left}");
                let mut lines = screen.lines().map(str::trim_end);
                assert!(lines.any(|line| line.ends_with(&worst)), "{screen}");
                told += 1;
            }
        }
    }
    assert!(cut > 6 && told > 1, "{cut}, {told}");
}

#[test]
fn what_needs_a_person_is_said_whole_in_a_large_window() {
    let mut desk = Desk::new(160, 48);
    let mut summary = desk.model.summary.as_deref().unwrap().clone();
    let text = "Sales Operations asked for it: ".repeat(6) + "and that is all of it";
    summary.attention[0].text.clone_from(&text);
    desk.told(std::sync::Arc::new(summary));
    let right: Vec<String> = desk
        .screen()
        .lines()
        .filter_map(|line| {
            let (_, right) = line.split_once(" | ")?;
            Some(right.replace("fix map", ""))
        })
        .collect();
    let words: Vec<&str> = right
        .iter()
        .flat_map(|line| line.split_whitespace())
        .collect();
    assert!(words.join(" ").contains(&text), "{}", desk.screen());
}

#[test]
fn the_form_of_a_row_says_what_helps_and_counts_what_changes() {
    let mut desk = Desk::new(80, 24);
    desk.press("4 j j j Enter");
    for says in [
        "there and back changes the value of 1 of 3 samples",
        "Fix   set Direction to -->",
    ] {
        assert!(desk.shows(says), "no {says}\n{}", desk.screen());
    }
}

#[test]
fn a_filter_without_hits_leaves_no_old_pane_and_says_that_it_is_the_filter() {
    for (list, old) in [
        ("2", "Run 8842"),
        ("3", "Rules: email ask"),
        ("5", "ada.l@analytical.example"),
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(list);
        assert!(desk.shows(old), "{list}: {}", desk.screen());
        desk.press("/").type_text("zzz").press("Enter");
        assert!(desk.shows("fits the filter"), "{list}: {}", desk.screen());
        assert!(!desk.shows(old), "{list}: {}", desk.screen());
        desk.press("Esc");
        assert!(desk.shows(old), "{list}: {}", desk.screen());
    }
    let mut desk = Desk::new(80, 24);
    desk.press("3 /").type_text("zzz").press("Enter A");
    let says = "no conflict fits the filter; Esc clears";
    assert!(desk.shows(says), "{}", desk.screen());
}

#[test]
fn a_failure_that_stays_says_how_it_goes() {
    let mut desk = Desk::new(80, 24);
    desk.model.say(
        syncdeck::domain::run::Word::Fail,
        "Salesforce did not answer",
    );
    desk.wait();
    assert!(desk.shows("Esc closes this"), "{}", desk.screen());
    desk.press("Esc");
    assert!(!desk.shows("did not answer"), "{}", desk.screen());
}

#[test]
fn enter_right_after_help_starts_nothing() {
    for screen in ["1", "1 Tab", "2 Enter", "3 Enter", "5", "5 Enter", "0"] {
        let mut desk = Desk::new(80, 24);
        desk.press(screen);
        let asked = desk.fake.asked.len();
        desk.press("? Enter");
        assert!(desk.shows("Keys: "), "{screen}: {}", desk.screen());
        assert_eq!(desk.fake.asked.len(), asked, "{screen}");
    }
}
