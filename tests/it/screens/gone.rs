//! Records that are in conflict as a whole: one side deleted what the other changed.

use syncdeck::domain::conflict::{Conflict, Fingerprint, Kind, Origin, State};
use syncdeck::domain::id::{AppId, ConflictId, RunId};
use syncdeck::domain::transform::Side;
use syncdeck::engine::view::{FieldStanding, RecordConflict};

use super::data;
use super::desk::Desk;

const NOT_MADE: &str = "this pair makes no records in Salesforce (create_in_crm is off); take \
                        Salesforce, or unlink it in Records";

/// A console where Ada was deleted on a side of a pair that makes nothing in Salesforce.
fn desk(deleted: Side) -> Desk {
    let mut desk = Desk::new(80, 24);
    let origin = Origin::default();
    desk.fake.whole_record = Some(RecordConflict {
        conflict: Conflict {
            id: ConflictId(11),
            pair: "people".into(),
            app_id: AppId::new("ada"),
            crm_id: None,
            row: None,
            kind: Kind::DeleteVsChange { deleted },
            base: None,
            app: None,
            crm: None,
            app_origin: origin.clone(),
            crm_origin: origin,
            fp: Fingerprint(1_100),
            state: State::Pending,
            moved: 0,
            run: RunId(8841),
            opened_at: data::at("14:30:21"),
            closed_at: None,
            error: None,
            staged: None,
        },
        standing: FieldStanding::Open,
        take_app: Err(NOT_MADE.into()),
        take_crm: Ok("mark it as deleted in the App too".into()),
    });
    desk
}

#[test]
fn a_deletion_is_told_as_one_and_not_as_a_change_on_both_sides() {
    for (deleted, says) in [
        (Side::Crm, "deleted in Salesforce, changed in the App"),
        (Side::App, "deleted in the App, changed in Salesforce"),
    ] {
        let mut desk = desk(deleted);
        desk.press("3");
        assert!(desk.shows(says), "{}", desk.screen());
        assert!(!desk.shows("fields differ"), "{}", desk.screen());
        desk.press("Enter");
        assert!(desk.shows(says), "{}", desk.screen());
    }
}

#[test]
fn an_answer_that_cannot_be_given_is_off_with_its_reason_and_with_what_else_can_be_done() {
    let mut desk = desk(Side::Crm);
    desk.press("3");
    assert!(
        desk.shows("Take App    off: this pair makes no records"),
        "{}",
        desk.screen()
    );
    desk.press("Enter");
    for says in [
        "off: this pair makes no records",
        "or unlink it in",
        "mark it as deleted in the App too",
    ] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    for key in ["a", "Left Space"] {
        let asked = desk.fake.asked.len();
        desk.press(key);
        assert_eq!(desk.fake.asked.len(), asked, "{key}: nothing is asked");
        assert!(desk.fake.choices.is_empty());
        assert!(
            desk.shows("create_in_crm is off"),
            "{key}: {}",
            desk.screen()
        );
    }
    desk.press("c");
    assert_eq!(desk.fake.choices.len(), 1, "the other one is taken");
}

#[test]
fn nothing_is_cleared_of_a_record_that_is_not_decided() {
    let mut desk = desk(Side::Crm);
    desk.press("3 Enter x");
    assert!(desk.shows("nothing is decided here"), "{}", desk.screen());
    assert!(!desk.model.conflicts.history.can_undo());
}
