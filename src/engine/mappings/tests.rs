//! Mappings over a real store: versions, saves that are refused, previews of real records.

use proptest::prelude::*;

use super::fixture::{Desk, OWNER, at, fields, lead, leads, name};
use super::*;
use crate::domain::id::RowId;
use crate::domain::mapping::{
    AppField, Blanks, Creates, DeletePolicy, FirstLink, Flow, Foreign, Guard, OnFull, Strategy,
    Switch,
};
use crate::domain::schedule::Schedule;
use crate::domain::value::{FieldKind, Value};
use crate::engine::records;
use crate::engine::view::Gets;

const EMAIL: RowId = RowId(3);
const NOTES: RowId = RowId(12);

fn row_of(pair: &mut Pair, id: RowId) -> &mut crate::domain::mapping::Row {
    pair.rows.iter_mut().find(|r| r.id == id).unwrap()
}

fn with_phone(strategy: Strategy) -> Pair {
    let mut draft = leads();
    row_of(&mut draft, RowId(4)).strategy = strategy;
    draft
}

#[test]
fn a_mapping_comes_with_its_object_and_problems() {
    let desk = Desk::new();
    let detail = mapping(&desk.state, &name(), None).unwrap();
    assert_eq!(detail.pair, leads());
    assert!(detail.object.unwrap().field("Email").is_some());
    assert_eq!(detail.problems, []);
    assert_eq!(detail.versions, []);
    let error = mapping(&desk.state, &"leeds".into(), None).unwrap_err();
    assert_eq!(error.message(), "there is no pair leeds");
    assert_eq!(error.remedy(), Some("did you mean leads?"));
    let error = mapping(&Desk::empty().state, &name(), None).unwrap_err();
    assert!(error.remedy().unwrap().contains("preset"));
}

#[test]
fn a_save_is_the_next_version_and_the_old_ones_stay() {
    let desk = Desk::new();
    let version = save(&desk.state, with_phone(Strategy::Crm), "jo", at(1)).unwrap();
    assert_eq!(version, 2);
    let mut draft = mapping(&desk.state, &name(), None).unwrap().pair;
    draft.schedule = Schedule::Every { minutes: 5 };
    assert_eq!(save(&desk.state, draft, "jo", at(2)).unwrap(), 3);

    let desk = desk.again();
    let detail = mapping(&desk.state, &name(), None).unwrap();
    let shown: Vec<_> = detail
        .versions
        .iter()
        .map(|v| (v.version, v.changes.join("; ")))
        .collect();
    assert_eq!(
        shown,
        [
            (
                3,
                "schedule: every 15 minutes -> every 5 minutes".to_owned()
            ),
            (
                2,
                "contactPhone: when both changed newest -> crm".to_owned()
            ),
            (1, "before the first change".to_owned()),
        ]
    );
    let first = mapping(&desk.state, &name(), Some(1)).unwrap();
    assert_eq!(first.pair, leads());
    assert_eq!(
        mapping(&desk.state, &name(), Some(3)).unwrap().pair,
        detail.pair
    );
    let error = mapping(&desk.state, &name(), Some(9)).unwrap_err();
    assert_eq!(error.remedy(), Some("its current version is 3"));
    let log = desk.state.log_tail(1).unwrap();
    assert_eq!(
        log[0].text,
        "jo saved mapping leads as version 3: schedule: every 15 minutes -> every 5 minutes"
    );
}

#[test]
fn a_stale_an_equal_and_an_unsound_draft_are_refused() {
    let desk = Desk::new();
    save(&desk.state, with_phone(Strategy::Crm), "jo", at(1)).unwrap();
    let stale = save(&desk.state, with_phone(Strategy::App), "bo", at(2)).unwrap_err();
    assert_eq!(stale.kind(), Kind::Changed);
    assert_eq!(
        stale.message(),
        "the mapping leads is at version 2 now, and yours was made from version 1"
    );
    let now = mapping(&desk.state, &name(), None).unwrap().pair;
    let equal = save(&desk.state, now.clone(), "bo", at(2)).unwrap_err();
    assert_eq!(equal.message(), "the mapping leads would not change");

    let mut unsound = now.clone();
    row_of(&mut unsound, EMAIL).to_app = "cut(8)".parse().unwrap();
    let refused = save(&desk.state, unsound, "bo", at(2)).unwrap_err();
    assert_eq!(refused.kind(), Kind::Refused);
    assert!(
        refused
            .message()
            .contains("cut(8) also runs toward the App"),
        "{refused}"
    );
    assert!(refused.remedy().unwrap().contains("-->"));
    assert_eq!(mapping(&desk.state, &name(), None).unwrap().pair, now);
}

#[test]
fn a_table_with_records_is_not_exchanged() {
    let desk = Desk::new();
    let mut draft = leads();
    draft.table = "prospects".into();
    desk.take_in(1, &[lead(&[("LastName", "Ruiz")])]);
    let error = save(&desk.state, draft.clone(), "jo", at(1)).unwrap_err();
    assert!(
        error.message().contains("neither can be exchanged"),
        "{error}"
    );
    let other = Desk::new();
    assert_eq!(save(&other.state, draft, "jo", at(1)).unwrap(), 2);
}

#[test]
fn a_new_pair_begins_with_version_one() {
    let desk = Desk::empty();
    let imported = Pair {
        version: 7,
        ..leads()
    };
    assert_eq!(save(&desk.state, imported, "jo", at(1)).unwrap(), 1);
    let detail = mapping(&desk.state, &name(), None).unwrap();
    assert_eq!((detail.pair.version, detail.object), (1, None));
    assert_eq!(detail.versions[0].changes, ["new"]);
}

#[test]
fn the_samples_that_do_not_come_back_are_first() {
    let desk = Desk::new();
    desk.take_in(
        1,
        &[
            lead(&[("LastName", "Ruiz"), ("Email", "a@b.c")]),
            lead(&[("LastName", "Empty")]),
            lead(&[("LastName", "Twin"), ("Email", "a@b.c")]),
            lead(&[
                ("FirstName", "Zo\u{eb}"),
                ("LastName", "Long"),
                ("Email", "Zoe@Example.com"),
            ]),
        ],
    );
    let mut draft = leads();
    row_of(&mut draft, EMAIL).to_app = "lower".parse().unwrap();
    let shown = preview(&desk.state, &draft, EMAIL, 20, at(9)).unwrap();
    let names: Vec<_> = shown
        .samples
        .iter()
        .map(|s| (s.name.as_str(), s.round_trip))
        .collect();
    assert_eq!(
        names,
        [
            ("Zo\u{eb} Long", Some(false)),
            ("Ruiz", Some(true)),
            ("Empty", None),
            ("Twin", Some(true)),
        ]
    );
    let first = &shown.samples[0];
    assert_eq!(first.to_app, Gets::Value(vec!["zoe@example.com".into()]));
    assert_eq!(first.to_crm, Gets::Value(vec!["Zoe@Example.com".into()]));
    assert_eq!(shown.problems[0].word, Word::Warn);
    assert_eq!(
        shown.after_saving,
        [
            "The next run reads all 4 records again (about 1 API call) and compares them by the new version.",
            "Both sides are compared as at the first link for: contactEmail. Open conflicts of \
             these rows are closed.",
            "The other rows keep their last agreed values.",
        ]
    );
    let few = preview(&desk.state, &draft, EMAIL, 1, at(9)).unwrap();
    assert_eq!(few.samples.len(), 1);
    let error = preview(&desk.state, &draft, RowId(99), 1, at(9)).unwrap_err();
    assert_eq!(error.message(), "the mapping leads has no row 99");
}

#[test]
fn a_preview_shows_what_each_side_would_hold() {
    let desk = Desk::new();
    let keys = desk.take_in(
        1,
        &[lead(&[
            ("LastName", "Ruiz"),
            ("Description", "old"),
            ("LeadSource", "Web"),
        ])],
    );
    let text = fields(&[
        ("notes", "old\nnew"),
        ("status", "lost"),
        ("owner", "ada@example.com"),
    ]);
    records::edit(&desk.state, &keys[0], 1, text, "jo", at(5)).unwrap();
    let sample = |row| {
        let shown = preview(&desk.state, &leads(), row, 5, at(9)).unwrap();
        shown.samples.into_iter().next().unwrap()
    };
    let notes = sample(NOTES);
    let Gets::Appended(sent) = &notes.to_crm else {
        panic!("{notes:?}");
    };
    let sent = sent[0].to_string();
    assert!(
        sent.starts_with("old\n[2023-11-14T22:13:25Z] new \u{27e8}sd:"),
        "{sent}"
    );
    assert_eq!(
        (notes.to_app, notes.round_trip),
        (Gets::Value(vec!["old".into()]), None)
    );
    let source = sample(RowId(11));
    assert_eq!(source.to_app, Gets::Value(vec!["Salesforce: Web".into()]));
    assert_eq!(source.to_crm, Gets::NotSent, "it is not written there");
    let status = sample(RowId(9));
    let refused =
        |gets: &Gets| matches!(gets, Gets::Refused(why) if why.contains("not in the list"));
    assert!(refused(&status.to_crm), "{status:?}");
    let owner = sample(RowId(10));
    assert_eq!(owner.to_crm, Gets::Value(vec![OWNER.into()]));
    assert_eq!(owner.to_app, Gets::NotSent, "it stays");
    assert_eq!(owner.round_trip, None);
    // A row that is off sends nothing either way, and says why.
    let mut draft = leads();
    row_of(&mut draft, EMAIL).switch = Switch::Off;
    let shown = preview(&desk.state, &draft, EMAIL, 5, at(9)).unwrap();
    let off = &shown.samples[0];
    assert_eq!((&off.to_crm, &off.to_app), (&Gets::Off, &Gets::Off));
    assert_eq!(shown.there_and_back(), (0, 0));
}

#[test]
fn what_saving_means_follows_what_changed() {
    let desk = Desk::new();
    let said = |draft: &Pair| after_saving(&desk.state, draft).unwrap().join(" ");
    assert_eq!(said(&leads()), "Nothing is changed.");
    let again = "reads all 0 records again (about 1 API call)";
    assert!(said(&with_phone(Strategy::Ask)).contains(again));
    let mut off = leads();
    row_of(&mut off, EMAIL).switch = Switch::Off;
    assert!(said(&off).contains("No longer synced, values stay as they are: contactEmail."));
    let mut appends = leads();
    row_of(&mut appends, EMAIL).flow = Flow::Append(OnFull::Reject);
    assert!(said(&appends).contains("never taken back"));
}

#[test]
fn a_draft_is_kept_until_it_is_saved_or_no_longer_fits() {
    let desk = Desk::new();
    let name = leads().name;
    let kept = || mapping(&desk.state, &name, None).unwrap().draft;
    assert_eq!(kept(), None);
    let draft = with_phone(Strategy::Ask);
    keep_draft(&desk.state, &name, Some(&draft)).unwrap();
    assert_eq!(kept(), Some(draft.clone()));
    keep_draft(&desk.state, &name, None).unwrap();
    assert_eq!(kept(), None);
    keep_draft(&desk.state, &name, Some(&draft)).unwrap();
    save(&desk.state, draft.clone(), "jo", at(1)).unwrap();
    assert_eq!(kept(), None, "it was saved");
    keep_draft(&desk.state, &name, Some(&draft)).unwrap();
    assert_eq!(kept(), None, "it was made from an older version");
}

/// One small change of a pair.
type Edit = fn(&mut Pair);

const EDITS: [(Edit, &str); 22] = [
    (|p| p.object = "Contact".into(), "object: Lead -> Contact"),
    (|p| p.table = "x".into(), "table: leads -> x"),
    (|p| p.key_field = None, "key field: Syncdeck_Key__c -> none"),
    (
        |p| p.title = "notes".into(),
        "records are named by: contactName -> notes",
    ),
    (
        |p| p.create_in_app = Creates::Off,
        "creates in the App: allowed -> off",
    ),
    (
        |p| p.create_in_crm = Creates::Allowed,
        "creates in Salesforce: off -> allowed",
    ),
    (
        |p| p.on_crm_delete = DeletePolicy::Unlink,
        "deletes in Salesforce: mark on the other side -> end the link",
    ),
    (
        |p| p.on_app_delete = DeletePolicy::Propagate,
        "deletes in the App: end the link -> delete on the other side too",
    ),
    (
        |p| p.guard = Guard::None,
        "guard of writes: only if not modified since -> none",
    ),
    (
        |p| p.first_link = FirstLink::App,
        "values that differ at the first link: Salesforce's stay -> the App's stay",
    ),
    (
        |p| p.strategy = Strategy::Crm,
        "when both changed a record: ask -> crm",
    ),
    (
        |p| p.schedule = Schedule::Manual,
        "schedule: every 15 minutes -> when asked",
    ),
    (
        |p| p.match_on = vec![vec![EMAIL]],
        "records are matched by: contactEmail, then contactName and companyName -> contactEmail",
    ),
    (
        |p| p.app_fields[1].length = 5,
        "App field contactName changed",
    ),
    (
        |p| {
            p.app_fields.push(AppField {
                name: "x".into(),
                kind: FieldKind::Text,
                length: 0,
            });
        },
        "App field x added",
    ),
    (|p| p.app_fields.swap(1, 2), "App fields in another order"),
    (
        |p| p.rows[3].app = vec!["x".into()],
        "x: App field contactPhone -> x",
    ),
    (
        |p| p.rows[3].flow = Flow::ToApp(Foreign::Enforce),
        "contactPhone: direction both -> to_app_always",
    ),
    (
        |p| p.rows[3].to_crm = "phone".parse().unwrap(),
        "contactPhone: change on the way to Salesforce - -> phone",
    ),
    (
        |p| p.rows[3].blanks = Blanks::Keep,
        "contactPhone: empty values stay here",
    ),
    (|p| p.rows.swap(0, 1), "rows in another order"),
    (|p| drop(p.rows.remove(0)), "salesforceId removed"),
];

#[test]
fn every_change_has_its_words() {
    for (edit, words) in EDITS {
        let mut new = leads();
        edit(&mut new);
        assert_eq!(changes::changes(&leads(), &new), [words]);
    }
    let mut fewer = leads();
    fewer.rows.remove(0);
    assert_eq!(
        changes::changes(&fewer, &leads()),
        ["salesforceId added: salesforceId <-- Id"]
    );
}

proptest! {
    #[test]
    fn a_difference_is_never_silent(picked in proptest::collection::vec(0..EDITS.len(), 1..5)) {
        let mut new = leads();
        for at in picked {
            let before = new.clone();
            // Some edits need rows that another one took away.
            if new.rows.len() > 4 {
                EDITS[at].0(&mut new);
            }
            prop_assert_eq!(before == new, changes::changes(&before, &new).is_empty());
        }
        prop_assert_eq!(leads() == new, changes::changes(&leads(), &new).is_empty());
    }
}

#[test]
fn a_null_sample_is_not_a_failure() {
    let desk = Desk::new();
    desk.take_in(1, &[lead(&[("LastName", "Ruiz")])]);
    let shown = preview(&desk.state, &leads(), EMAIL, 5, at(9)).unwrap();
    assert_eq!(shown.samples[0].to_crm, Gets::Value(vec![Value::Null]));
    assert_eq!(shown.samples[0].round_trip, None);
}

#[test]
fn nothing_comes_back_the_same_through_a_field_that_is_not_there() {
    let desk = Desk::new();
    let keys = desk.take_in(1, &[lead(&[("LastName", "Ruiz")])]);
    let text = fields(&[("contactEmail", "ruiz@example.com")]);
    records::edit(&desk.state, &keys[0], 1, text, "jo", at(5)).unwrap();
    let shown = |draft: &Pair| preview(&desk.state, draft, EMAIL, 5, at(9)).unwrap();
    assert_eq!(shown(&leads()).there_and_back(), (1, 0));
    let mut draft = leads();
    row_of(&mut draft, EMAIL).crm = vec!["Nothing__c".into()];
    let shown = shown(&draft);
    assert_eq!(
        shown.there_and_back(),
        (0, 0),
        "beside what is wrong: {:?}",
        shown.problems
    );
    assert!(shown.problems.iter().any(|p| p.row == Some(EMAIL)));
}

#[test]
fn a_mapping_says_how_many_records_have_a_value_in_each_row() {
    let desk = Desk::new();
    let used = |field: &str| {
        let shown = mapping(&desk.state, &name(), None).unwrap();
        let mut rows = shown.pair.rows.iter();
        let row = rows.find(|r| r.crm.iter().any(|f| f.as_str() == field));
        shown.used.get(&row.unwrap().id).copied()
    };
    assert_eq!(used("Email"), None, "of no records nothing can be said");
    let mut leads = vec![lead(&[("LastName", "Ruiz")]); 300];
    leads[7] = lead(&[("LastName", "Ruiz"), ("Email", "a@example.com")]);
    desk.take_in(0, &leads);
    assert_eq!(used("LastName"), Some(100));
    assert_eq!(used("Phone"), Some(0));
    assert_eq!(used("Email"), Some(1), "one of 300 is not none");
}
