//! Conflicts decided key by key: field by field, merged, overruled, for many at once.

use syncdeck::domain::conflict::Choice;
use syncdeck::domain::id::ConflictId;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::Value;
use syncdeck::engine::summary::Env;
use syncdeck::engine::view::{ConflictField, FieldStanding, WritePreview};

use super::data;
use super::desk::Desk;

const EMAIL: ConflictId = ConflictId(11);
const TITLE: ConflictId = ConflictId(13);
const NOTES: ConflictId = ConflictId(14);

fn desk() -> Desk {
    Desk::new(80, 24)
}

#[test]
fn what_deletes_and_very_many_in_production_are_agreed_to_by_typing() {
    type Made = fn(&mut WritePreview);
    let fifty: Made = |p| (p.crm_records, p.app_records) = (30, 20);
    let more: Made = |p| (p.crm_records, p.app_records) = (30, 21);
    let deletes: Made = |p| p.acts.push("delete in Salesforce: Ada".into());
    for (made, env, typed) in [
        (fifty, Env::Production, None),
        (more, Env::Production, Some("prod-eu 1")),
        (more, Env::Sandbox, None),
        (deletes, Env::Sandbox, Some("prod-eu 1")),
    ] {
        let mut desk = desk();
        desk.fake.previewed = made;
        desk.press("3 Enter c");
        let mut summary = data::summary(3, 1);
        summary.env = Some(env);
        desk.told(data::shared(summary));
        desk.press("w");
        assert!(
            desk.shows("Write 1 decision on 1 record?"),
            "{}",
            desk.screen()
        );
        let asks = desk.screen().contains("Type  ");
        assert_eq!(asks, typed.is_some(), "{}", desk.screen());
        if let Some(typed) = typed {
            assert!(
                desk.shows(&format!("Type  {typed}  to go on")),
                "{}",
                desk.screen()
            );
        }
    }
}

#[test]
fn the_pane_under_the_list_shows_what_both_sides_have_however_long_that_is() {
    let mut desk = desk();
    desk.fake.compared = |fields| {
        let Some(email) = fields.iter_mut().find(|f| f.conflict == Some(EMAIL)) else {
            return;
        };
        let cell = |text: &str| data::cell(text);
        let base = email.base.as_mut().unwrap();
        (base.app, base.crm) = (cell(OLD), cell(OLD));
        email.app = Some(cell("zz21@a.example"));
        email.crm = Some(cell("yy@c.example"));
    };
    desk.press("3");
    for value in ["ins.pereira.of.the", "zz21@a.example", "yy@c.example"] {
        assert!(desk.shows(value), "{value}:\n{}", desk.screen());
    }
}

/// With the value in its place it takes more than a line.
const OLD: &str = "ins.pereira.of.the.northern.works915@mail.example.net";

#[test]
fn some_fields_are_decided_and_others_left() {
    let mut desk = desk();
    desk.press("3 Enter c j j a");
    assert_eq!(
        desk.fake.choices.get(&EMAIL),
        Some(&Choice::Take(Side::Crm))
    );
    assert_eq!(
        desk.fake.choices.get(&TITLE),
        Some(&Choice::Take(Side::App))
    );
    assert_eq!(desk.fake.choices.get(&NOTES), None);
    assert!(desk.shows("2 of 3 decided"), "{}", desk.screen());
    assert!(desk.shows("notes stays open"), "{}", desk.screen());
    assert!(desk.fake.written.is_empty());
}

#[test]
fn nothing_is_written_without_the_button() {
    let mut desk = desk();
    desk.press("3 Enter A w");
    assert!(
        desk.shows("Write 3 decisions on 1 record?"),
        "{}",
        desk.screen()
    );
    desk.press("Enter");
    assert!(desk.fake.written.is_empty(), "the question opens on Cancel");
    desk.press("w Tab Enter");
    assert_eq!(desk.fake.written, ["ada"]);
    desk.wait();
    assert!(desk.shows("2 open"), "{}", desk.screen());
}

#[test]
fn undo_takes_back_step_by_step_and_redo_makes_again() {
    let mut desk = desk();
    desk.press("3 Enter c j j a u");
    assert_eq!(desk.fake.choices.len(), 1);
    desk.press("u");
    assert!(desk.fake.choices.is_empty());
    desk.press("Ctrl-r");
    assert_eq!(
        desk.fake.choices.get(&EMAIL),
        Some(&Choice::Take(Side::Crm))
    );
}

#[test]
fn a_long_text_is_merged_in_an_editor_of_several_lines() {
    let mut desk = desk();
    desk.press("3 Enter j j j e");
    assert!(
        desk.shows("Wants the new engine by autumn."),
        "{}",
        desk.screen()
    );
    desk.press("Enter")
        .type_text("Send the second volume.")
        .press("Tab Enter");
    let expected = "Met in May.\nWants the new engine by autumn.\nSend the second volume.";
    assert_eq!(
        desk.fake.choices.get(&NOTES),
        Some(&Choice::Typed {
            side: Side::App,
            cell: vec![Value::Text(expected.into())]
        })
    );
}

#[test]
fn both_texts_can_be_taken_from_the_menu() {
    let mut desk = desk();
    desk.press("3 Enter j j j :")
        .type_text("conflict.take_both")
        .press("Enter");
    assert_eq!(desk.fake.choices.get(&NOTES), Some(&Choice::Both));
    // Not for one line of text.
    desk.press("k :")
        .type_text("conflict.take_both")
        .press("Enter");
    assert_eq!(desk.fake.choices.get(&TITLE), None);
    assert!(
        desk.shows("off: both values can be joined only"),
        "{}",
        desk.screen()
    );
}

#[test]
fn one_line_is_typed_in_a_form_and_x_takes_it_back() {
    let mut desk = desk();
    desk.press("3 Enter j j e Ctrl-u")
        .type_text("Countess")
        .press("Enter");
    assert_eq!(
        desk.fake.choices.get(&TITLE),
        Some(&Choice::Typed {
            side: Side::App,
            cell: data::cell("Countess")
        })
    );
    desk.press("x");
    assert_eq!(desk.fake.choices.get(&TITLE), None);
}

#[test]
fn the_side_in_focus_is_taken_with_the_space_bar() {
    let mut desk = desk();
    desk.press("3 Enter l Space");
    assert_eq!(
        desk.fake.choices.get(&EMAIL),
        Some(&Choice::Take(Side::Crm))
    );
    desk.press("h Space");
    assert_eq!(
        desk.fake.choices.get(&EMAIL),
        Some(&Choice::Take(Side::App))
    );
    desk.press("b");
    assert_eq!(desk.fake.choices.get(&EMAIL), Some(&Choice::Base));
}

#[test]
fn a_field_the_merge_decided_can_be_overruled() {
    let mut desk = desk();
    desk.press("3 Enter j c");
    assert_eq!(desk.fake.overruled.len(), 1);
    assert!(desk.fake.choices.is_empty());
}

#[test]
fn marked_records_get_one_side_whatever_they_were() {
    let mut desk = desk();
    desk.press("3 Space Space C");
    assert_eq!(
        desk.fake.choices.get(&EMAIL),
        Some(&Choice::Take(Side::Crm))
    );
    assert_eq!(
        desk.fake.choices.get(&ConflictId(21)),
        Some(&Choice::Take(Side::Crm))
    );
    assert_eq!(desk.fake.choices.get(&ConflictId(31)), None);
}

#[test]
fn what_was_merged_by_hand_is_kept_when_many_are_decided() {
    let mut desk = desk();
    desk.press("3 Enter e Ctrl-u");
    desk.paste("both of them");
    desk.press("Enter q");
    let merged = desk.fake.choices[&EMAIL].clone();
    assert!(matches!(merged, Choice::Typed { .. }), "{merged:?}");
    desk.press("* C");
    assert_eq!(desk.fake.choices[&EMAIL], merged);
    assert_eq!(desk.fake.choices[&ConflictId(21)], Choice::Take(Side::Crm));
    assert!(desk.screen().contains("1 merged value was kept"));
    // Alone it is decided, and cleared with the others.
    desk.press("gg A");
    assert_eq!(desk.fake.choices[&EMAIL], Choice::Take(Side::App));
    desk.press("u * x");
    assert_eq!(desk.fake.choices.get(&EMAIL), None);
}

#[test]
fn what_many_replace_is_said_and_brought_back() {
    let mut desk = desk();
    desk.press("3 C");
    assert!(!desk.shows("otherwise before"), "{}", desk.screen());
    desk.wait().press("* A");
    assert!(desk.shows("5 decisions, 3 of them"), "{}", desk.screen());
    assert!(
        desk.shows("otherwise before (u brings"),
        "{}",
        desk.screen()
    );
    assert_eq!(desk.fake.choices[&EMAIL], Choice::Take(Side::App));
    desk.press("u");
    assert_eq!(desk.fake.choices[&EMAIL], Choice::Take(Side::Crm));
}

#[test]
fn where_nothing_is_decided_nothing_is_cleared() {
    for keys in ["3 x", "3 * x", "3 Enter x"] {
        let mut desk = desk();
        desk.press(keys);
        assert!(desk.shows("othing is decided"), "{keys}: {}", desk.screen());
        assert!(!desk.model.conflicts.history.can_undo(), "{keys}");
    }
}

#[test]
fn by_its_number_the_screen_shows_what_waits() {
    let settle = |fields: &mut [ConflictField]| {
        for field in fields {
            field.standing = FieldStanding::Settled;
            field.conflict = None;
        }
    };
    let mut desk = desk();
    desk.fake.compared = settle;
    desk.press("3 Enter");
    assert!(desk.shows("settled"), "{}", desk.screen());
    desk.press("Enter");
    assert!(desk.shows("Nothing waits here"), "{}", desk.screen());
    assert!(!desk.shows("what will be written"), "{}", desk.screen());
    desk.press("1 3");
    assert!(desk.shows("open, oldest first"), "{}", desk.screen());
    // What is not decided is still there when one comes back.
    let mut desk = self::desk();
    desk.press("3 Enter 1 3");
    assert!(desk.shows("Conflict 1 of 3"), "{}", desk.screen());
}

#[test]
fn the_question_before_a_write_says_decisions_and_records_by_their_names() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut desk = Desk::new(columns, rows);
        desk.press("3 * A w");
        assert!(
            desk.shows("Write 5 decisions on 3 records?"),
            "{}",
            desk.screen()
        );
        desk.press("Esc 3 Enter c w");
        assert!(
            desk.shows("Write 3 decisions on 1 record?"),
            "{}",
            desk.screen()
        );
    }
}

#[test]
fn the_number_to_type_is_that_of_the_records_in_the_question() {
    let mut desk = desk();
    desk.fake.acts.push("delete in Salesforce: Renewal".into());
    desk.press("3 * A w");
    assert!(desk.shows("on 3 records?"), "{}", desk.screen());
    assert!(desk.shows("Type  prod-eu 3  to"), "{}", desk.screen());
    desk.type_text("prod-eu 2").press("Enter");
    assert!(desk.fake.written.is_empty(), "{}", desk.screen());
    desk.press("Ctrl-u").type_text("prod-eu 3").press("Enter");
    assert_eq!(desk.fake.written.len(), 3, "{}", desk.screen());
}

#[test]
fn a_conflict_that_is_gone_to_from_its_record_is_the_one_the_list_stands_on() {
    let mut desk = Desk::new(80, 24);
    desk.press("3 G");
    assert!(!desk.shows(">   CONF  Ada"), "{}", desk.screen());
    desk.press("5 gc");
    assert!(desk.shows("Conflict 1 of 3"), "{}", desk.screen());
    assert!(!desk.shows("not in the list"), "{}", desk.screen());
    desk.press("Esc");
    assert!(desk.shows(">   CONF  Ada"), "{}", desk.screen());
    // Also where the list had not been looked at before.
    let mut desk = Desk::new(80, 24);
    desk.press("5 gc");
    assert!(desk.shows("Conflict 1 of 3"), "{}", desk.screen());
}
