//! Keys that came late to the table: the split, the address, what a key does with marked records,
//! and the way from an error to its field.

use super::desk::Desk;

/// Column of the rule between the panes, in the middle of the screen.
fn rule(desk: &Desk) -> usize {
    let screen = desk.screen();
    let line = screen.lines().nth(20).unwrap();
    let at = line.chars().position(|c| c == '|' || c == '\u{2502}');
    at.unwrap_or_else(|| panic!("{screen}"))
}

#[test]
fn the_split_moves_within_bounds_and_is_kept_screen_by_screen() {
    let mut desk = Desk::new(160, 48);
    desk.press("2");
    let log = rule(&desk);
    desk.press("> >");
    assert_eq!(rule(&desk), log + 16, "{}", desk.screen());
    desk.press("3");
    let conflicts = rule(&desk);
    desk.press("2");
    assert_eq!(rule(&desk), log + 16, "kept for the session");
    desk.press("z z");
    assert_eq!(rule(&desk), log + 16, "z takes the body and gives it back");
    for _ in 0..30 {
        desk.press("<");
    }
    assert_eq!(rule(&desk), 32, "a fifth stays");
    assert!(desk.shows("split left is off"), "{}", desk.screen());
    desk.press("3");
    assert_eq!(rule(&desk), conflicts, "each screen has its own");
}

#[test]
fn where_panes_stand_one_above_the_other_the_split_says_so() {
    let mut desk = Desk::new(80, 24);
    let before = desk.press("2").screen();
    desk.press(">");
    assert!(
        desk.shows("side by side needs 120 columns"),
        "{}",
        desk.screen()
    );
    desk.wait();
    assert_eq!(desk.screen().lines().nth(4), before.lines().nth(4));
}

#[test]
fn where_the_panes_are_fixed_the_split_says_so() {
    for screen in ["6", "0"] {
        let mut desk = Desk::new(160, 48);
        desk.press(screen).press(">");
        let says = "split right is off: the panes of this screen are fixed";
        assert!(desk.shows(says), "{}", desk.screen());
    }
}

#[test]
fn a_conflict_shows_and_copies_its_address() {
    for keys in ["3 o", "3 Enter o"] {
        let mut desk = Desk::new(80, 24);
        desk.press(keys);
        assert!(desk.shows("Address in Salesforce"), "{}", desk.screen());
        let copied = desk.copied.last().map(String::as_str).unwrap_or_default();
        assert!(
            copied.starts_with("https://acme.my.salesforce.example/003"),
            "{copied}"
        );
    }
}

#[test]
fn s_syncs_the_marked_records_and_without_marks_the_pair() {
    let mut desk = Desk::new(80, 24);
    desk.press("5 s");
    assert_eq!(desk.fake.asked.iter().filter(|a| *a == "Sync").count(), 1);
    desk.press("Space Space s");
    assert!(
        desk.fake.asked.iter().any(|a| a == "sync ada babbage"),
        "{:?}",
        desk.fake.asked
    );
    assert!(
        desk.shows("Sync of 2 records asked for: run 8843"),
        "{}",
        desk.screen()
    );
    desk.press("Space s");
    assert!(
        desk.shows("not in Salesforce yet: luigi"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("3 marked"), "{}", desk.screen());
    assert_eq!(desk.fake.asked.iter().filter(|a| *a == "Sync").count(), 1);
}

/// The status of a person.
fn status(desk: &Desk, id: &str) -> Option<String> {
    let (_, fields) = desk.fake.people.iter().find(|(known, _)| known == id)?;
    fields.get("status").map(ToString::to_string)
}

#[test]
fn marked_records_are_handed_over_with_one_form_and_stale_ones_named() {
    let mut desk = Desk::new(80, 24);
    desk.fake.moving.push("babbage".into());
    desk.fake.deleted.push("luigi".into());
    desk.press("5 * H");
    assert!(desk.shows("Hand over 2 records"), "{}", desk.screen());
    for says in ["stays as each has it", "Esc leaves, nothing is written"] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    assert!(
        desk.shows("left out, beginning with luigi"),
        "{}",
        desk.screen()
    );
    desk.press("Enter").type_text("rey").press("Enter");
    desk.press("Enter").type_text("qual").press("Enter");
    desk.press("Tab Enter");
    assert!(
        desk.shows("babbage: the record changed meanwhile"),
        "{}",
        desk.screen()
    );
    desk.press("Esc");
    assert!(
        desk.shows("Staged: a hand-over of 1 record, 1 left as they were."),
        "{}",
        desk.screen()
    );
    let staged = &desk.fake.edits["ada"].fields;
    assert_eq!(staged["status"].to_string(), "qualified");
    assert!(!desk.fake.edits.contains_key("babbage"));
    assert_eq!(status(&desk, "ada"), None, "nothing is written yet");
    assert!(
        desk.fake.forms.is_empty(),
        "nothing is kept for one of them"
    );
}

#[test]
fn a_hand_over_of_many_is_one_preview_and_one_step_back() {
    let mut desk = Desk::new(80, 24);
    desk.press("5 j e Tab Tab Tab Ctrl-u")
        .type_text("Engineer")
        .press("Enter Enter");
    desk.wait()
        .press("* H Enter")
        .type_text("rey")
        .press("Enter");
    desk.press("Enter").type_text("qual").press("Enter");
    desk.press("Tab Enter");
    assert_eq!(desk.fake.edits.len(), 3, "{}", desk.screen());
    assert_eq!(desk.fake.edits["babbage"].fields.len(), 3, "over the title");
    desk.wait().press("w");
    assert!(desk.shows("Write 3 edits?"), "{}", desk.screen());
    assert!(desk.shows("-> qualified"), "{}", desk.screen());
    desk.press("Esc u");
    assert!(
        desk.shows("Took back: a hand-over of 3 records"),
        "{}",
        desk.screen()
    );
    assert_eq!(desk.fake.edits.len(), 1, "what was staged before stays");
    assert_eq!(desk.fake.edits["babbage"].fields.len(), 1);
    desk.press("Ctrl-r");
    assert_eq!(desk.fake.edits.len(), 3);
    desk.wait().press("w Tab Enter");
    for id in ["ada", "babbage", "luigi"] {
        let now = status(&desk, id);
        assert_eq!(now.as_deref(), Some("qualified"), "{}", desk.screen());
    }
    desk.wait().press("u");
    assert!(desk.shows("undo is off"), "{}", desk.screen());
}

#[test]
fn a_hand_over_of_many_that_is_left_changes_nothing_and_says_so() {
    let mut desk = Desk::new(80, 24);
    desk.press("5 * H Enter")
        .type_text("rey")
        .press("Enter Esc");
    assert!(desk.shows("Left, nothing was changed"), "{}", desk.screen());
    assert!(desk.fake.forms.is_empty());
    assert!(!desk.fake.asked.iter().any(|a| a == "StageFields"));
}

#[test]
fn an_error_of_a_run_leads_to_its_field_and_its_form() {
    let mut desk = Desk::new(80, 24);
    let field = desk.fake.pair.rows.iter().find(|r| r.id.0 == 3).unwrap();
    desk.fake.failing = Some(("ada".into(), field.crm[0].to_string()));
    let app = field.app[0].to_string();
    desk.press("2 Enter Tab Enter");
    let cursor = |desk: &mut Desk| {
        let (_, y) = desk.cursor();
        desk.screen()
            .lines()
            .nth(usize::from(y))
            .unwrap()
            .to_owned()
    };
    let line = cursor(&mut desk);
    assert!(line.contains(&app), "{line}: {}", desk.screen());
    desk.press("e");
    let line = cursor(&mut desk);
    assert!(line.contains(&app), "{line}: {}", desk.screen());
}

#[test]
fn cause_and_remedy_of_an_error_are_wrapped_when_there_is_room() {
    let mut desk = Desk::new(80, 24);
    desk.fake.fix = Some(format!(
        "{}and the end of it.",
        "shorten the value, ".repeat(6)
    ));
    desk.press("2 j j Enter");
    assert!(desk.shows("and the end of it."), "{}", desk.screen());
    assert!(desk.shows("Steps"), "the rest stays: {}", desk.screen());
}
