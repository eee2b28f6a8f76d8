//! What another viewer does meanwhile: marks of this one do not outlive it in silence.

use syncdeck::domain::conflict::Choice;
use syncdeck::domain::id::ConflictId;
use syncdeck::domain::transform::Side;
use syncdeck::engine::notice::{Notice, Topics};

use super::desk::Desk;

const KENJI: ConflictId = ConflictId(21);

fn desk(keys: &str) -> Desk {
    let mut desk = Desk::new(80, 24);
    desk.press(keys);
    desk
}

/// Somebody else did something about conflicts.
fn told(desk: &mut Desk) {
    desk.hears(Notice::Changed(Topics {
        conflicts: true,
        ..Topics::default()
    }));
}

fn marked(desk: &Desk) -> Vec<&str> {
    let keys = desk.model.conflicts.marks.keys();
    keys.map(|key| key.app_id.as_str()).collect()
}

#[test]
fn a_marked_conflict_that_another_viewer_decides_loses_its_mark_and_says_so() {
    let mut desk = desk("3 *");
    desk.fake.choices.insert(KENJI, Choice::Take(Side::Crm));
    told(&mut desk);
    assert_eq!(marked(&desk), ["ada", "evil"], "{}", desk.screen());
    assert!(
        desk.shows("Kenji Watanabe was settled elsewhere"),
        "{}",
        desk.screen()
    );
    desk.press("A");
    let kenji = &desk.fake.choices[&KENJI];
    assert_eq!(*kenji, Choice::Take(Side::Crm), "theirs stands");
}

#[test]
fn also_where_a_filter_hides_it_or_another_screen_is_in_front() {
    for way in ["3 * / a d a Enter", "3 * 1"] {
        let mut desk = desk(way);
        desk.fake.choices.insert(KENJI, Choice::Ignore);
        told(&mut desk);
        assert_eq!(marked(&desk), ["ada", "evil"], "{way}: {}", desk.screen());
        assert!(desk.shows("Kenji Watanabe"), "{way}: {}", desk.screen());
    }
}

#[test]
fn a_marked_conflict_that_is_gone_loses_its_mark() {
    let mut desk = desk("3 *");
    desk.fake.written.push("kenji".into());
    desk.fake.written.push("evil".into());
    told(&mut desk);
    assert_eq!(marked(&desk), ["ada"], "{}", desk.screen());
    assert!(desk.shows("and 1 more were settled"), "{}", desk.screen());
}

#[test]
fn what_is_decided_here_and_what_is_taken_back_there_keep_their_marks() {
    let mut desk = desk("3 * Enter c");
    told(&mut desk);
    assert_eq!(marked(&desk).len(), 3, "{}", desk.screen());
    desk.fake.choices.clear();
    told(&mut desk);
    assert_eq!(marked(&desk).len(), 3, "{}", desk.screen());
    assert!(!desk.shows("elsewhere"), "{}", desk.screen());
}

#[test]
fn a_mark_made_while_the_answer_is_on_its_way_stays() {
    let mut desk = desk("3 Space");
    desk.overhears(Notice::Changed(Topics {
        conflicts: true,
        ..Topics::default()
    }));
    desk.ask("Space");
    desk.answered();
    assert_eq!(marked(&desk), ["ada", "kenji"], "{}", desk.screen());
}
