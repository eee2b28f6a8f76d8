//! Many conflicts at once: the filter of their list, marks that end with their act, and a decision
//! that becomes a rule of the mapping.

use syncdeck::domain::conflict::Choice;
use syncdeck::domain::mapping::{Row, Strategy};
use syncdeck::domain::transform::Side;

use super::data;
use super::desk::Desk;

#[test]
fn the_list_of_conflicts_is_filtered_and_esc_brings_all_back() {
    let mut desk = Desk::new(80, 24);
    desk.press("3 *");
    assert!(desk.shows("3 marked"), "{}", desk.screen());
    desk.press("/").type_text("fiel");
    assert!(desk.shows("Tab  field:"), "{}", desk.screen());
    desk.press("Ctrl-u").type_text("ada").press("Enter");
    assert!(desk.shows("Filter: ada"), "{}", desk.screen());
    assert!(desk.shows("1 open  filtered"), "{}", desk.screen());
    assert!(desk.shows("3 marked, 2 not shown"), "{}", desk.screen());
    desk.press("Esc");
    assert!(desk.shows("3 open"), "{}", desk.screen());
    desk.press("/").type_text("(ada").press("Enter");
    assert!(desk.shows("The list stays"), "{}", desk.screen());
}

#[test]
fn after_many_were_decided_the_next_key_is_for_one() {
    let mut desk = Desk::new(80, 24);
    desk.press("3 Space Space A");
    let app = desk.fake.choices.len();
    assert!(app > 1, "{}", desk.screen());
    desk.press("C");
    let of = |side| {
        let choices = desk.fake.choices.values();
        choices.filter(|c| **c == Choice::Take(side)).count()
    };
    assert_eq!(of(Side::App), app, "what was decided before stays");
    assert!(of(Side::Crm) > 0, "{}", desk.screen());
}

#[test]
fn a_rule_for_the_field_goes_into_the_draft_and_is_not_saved_by_itself() {
    let mut desk = Desk::new(80, 24);
    let before = desk.fake.pair.clone();
    desk.press("3 Enter :")
        .type_text("always App")
        .press("Enter");
    assert!(desk.shows("is app in the draft"), "{}", desk.screen());
    assert!(desk.shows("[4 Mapping]"), "{}", desk.screen());
    assert!(desk.shows("5 rows, 1 staged"), "{}", desk.screen());
    let draft = desk.fake.draft.clone().expect("the engine keeps the draft");
    let rules = |rows: &[Row]| rows.iter().filter(|r| r.strategy == Strategy::App).count();
    assert_eq!(rules(&draft.rows), rules(&before.rows) + 1);
    assert_eq!(desk.fake.pair, before, "nothing is saved");
    desk.press("u");
    assert!(!desk.shows("staged"), "{}", desk.screen());
}

#[test]
fn w_saves_the_rule_also_back_on_the_conflict_it_was_made_of() {
    let mut desk = Desk::new(80, 24);
    desk.fake.sound = true;
    desk.press("3 Enter :")
        .type_text("always App")
        .press("Enter");
    assert!(desk.shows("w on 4 saves it"), "{}", desk.screen());
    desk.wait().press("3");
    assert!(desk.shows("[3 Conflicts"), "{}", desk.screen());
    desk.press("w");
    assert!(desk.shows("Save as version"), "{}", desk.screen());
    assert!(desk.shows("[4 Mapping]"), "{}", desk.screen());
    // From any other screen, too.
    desk.wait().press("Esc 1 w");
    assert!(desk.shows("Save as version"), "{}", desk.screen());
    // What is decided is written from there, as ever.
    desk.wait().press("Esc 3 a");
    desk.wait().press("w");
    assert!(
        desk.shows("Write 1 decision on 1 record?"),
        "{}",
        desk.screen()
    );
}

#[test]
fn w_with_a_draft_that_is_not_open_here_says_where_it_is_saved() {
    let mut desk = Desk::new(80, 24);
    let mut summary = data::summary(2, 0);
    desk.told(data::shared(summary.clone()));
    desk.press("w");
    assert!(desk.shows("nothing is staged"), "{}", desk.screen());
    summary.drafts = 1;
    desk.told(data::shared(summary));
    desk.wait().press("w");
    let says = "only a mapping has changes; w on 4 saves";
    assert!(desk.shows(says), "{}", desk.screen());
}

#[test]
fn beside_a_conflict_stands_how_many_each_rule_would_decide() {
    let mut desk = Desk::new(160, 48);
    desk.press("3");
    assert!(desk.shows("Possible rules --"), "{}", desk.screen());
    assert!(
        desk.shows("email: app or crm       3 of 3"),
        "{}",
        desk.screen()
    );
    assert!(
        desk.shows("email: filled           1 of 3"),
        "{}",
        desk.screen()
    );
    assert!(
        desk.shows("email: newest           2 of 3"),
        "{}",
        desk.screen()
    );
    assert!(
        desk.shows("email: newest-or        3 of 3"),
        "{}",
        desk.screen()
    );
    assert!(!desk.shows("not counted"), "{}", desk.screen());
    assert!(
        desk.shows("title: app or crm       250 of 500 seen"),
        "{}",
        desk.screen()
    );
    assert!(
        desk.shows("notes: no rule          0 of 1"),
        "{}",
        desk.screen()
    );
    desk.press("Down");
    assert!(!desk.shows("title: app or crm"), "{}", desk.screen());
}

#[test]
fn what_goes_by_time_is_not_counted_before_the_clocks_are_known_and_that_is_said() {
    let mut desk = Desk::new(160, 48);
    desk.fake.unheard = true;
    desk.press("3");
    let says = "newest: not counted, clocks unknown yet";
    assert!(desk.shows(says), "{}", desk.screen());
    assert!(!desk.shows("email: newest"), "{}", desk.screen());
    assert!(desk.shows("email: app or crm"), "{}", desk.screen());
}
