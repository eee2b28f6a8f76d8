//! Records over a real store: lists, filters, details, and changes by people.

mod forms;
mod many;
mod staged;

use super::*;
use crate::appdb::embedded::RECORDS;
use crate::domain::id::{ConflictId, RunId};
use crate::domain::listing::{SavedView, Shape, columns};
use crate::domain::record::{AppRecord, LinkState, Presence};
use crate::domain::value::{Fields, Value};
use crate::engine::command::{Page, RecordKey, Values, WholeFrom};
use crate::engine::conflicts::{self, Sides};
use crate::engine::cx::Settings;
use crate::engine::mappings::fixture::{Desk, at, fields, lead, name};
use crate::engine::tx::Durability;
use crate::engine::view::{Count, RecordDetail, RecordPage, TypedForm, standing};
use crate::engine::wanted::Wanted;
use crate::error::Kind;

const PAGE: Page = Page {
    offset: 0,
    limit: 50,
};

/// The link of a record has another state now.
fn stands(desk: &Desk, id: &AppId, state: &LinkState) {
    let mut tx = desk.state.begin();
    let mut link = tx.link(&name(), id).unwrap().unwrap();
    let was = link.crm_id;
    link.state = state.clone();
    tx.put_link(link, was).unwrap();
    tx.commit(Durability::Now).unwrap();
}

fn list(desk: &Desk, filter: &str, page: Page) -> RecordPage {
    records(
        &desk.state,
        &name(),
        filter,
        (&Shape::default(), Values::Shown),
        page,
        at(100),
        &Wanted::default(),
    )
    .unwrap()
}

fn names(page: &RecordPage) -> Vec<&str> {
    page.part.rows.iter().map(|r| r.name.as_str()).collect()
}

fn detail(desk: &Desk, key: &RecordKey) -> RecordDetail {
    record(&desk.state, &Settings::default(), key, at(100)).unwrap()
}

fn field(detail: &RecordDetail, app: &str) -> String {
    let found = detail.fields.iter().find(|f| f.app_label == app);
    found.unwrap().state.clone()
}

/// A desk with one lead of this title.
fn desk_of(title: &str) -> (Desk, RecordKey) {
    let desk = Desk::new();
    let it = lead(&[("LastName", "King"), ("Company", "Acme"), ("Title", title)]);
    let key = desk.take_in(0, &[it]).remove(0);
    (desk, key)
}

fn some_leads(n: usize) -> Vec<Fields> {
    (0..n)
        .map(|i| {
            let last = format!("Name{i:04}");
            lead(&[("LastName", &last), ("Company", "Acme")])
        })
        .collect()
}

#[test]
fn all_records_are_given_whole_and_once_part_after_part() {
    let desk = Desk::new();
    let keys = desk.take_in(0, &some_leads(450));
    for gone in [0, 3, 199, 200, 449] {
        delete(&desk.state, &keys[gone], 1, "jo", at(5)).unwrap();
    }
    let all = |filter: &str| {
        let (mut found, mut parts, mut after) = (Vec::new(), 0, None);
        loop {
            let from = WholeFrom {
                pair: name(),
                filter: filter.to_owned(),
                after,
            };
            let part = whole(&desk.state, &from, at(100), &Wanted::default()).unwrap();
            assert!(part.records.len() <= 200);
            parts += 1;
            found.extend(part.records);
            after = part.next;
            if after.is_none() {
                return (found, parts);
            }
        }
    };
    let names = |filter: &str| -> Vec<String> {
        let records = all(filter).0.into_iter();
        records
            .map(|r| r.fields["contactName"].to_string())
            .collect()
    };
    let (found, parts) = all("");
    assert_eq!(parts, 3);
    let expected = desk.state.store().scan(&RECORDS, &[]).map(|r| r.unwrap().1);
    let expected: Vec<AppRecord> = expected.filter(|r| r.presence == Presence::Live).collect();
    assert_eq!(expected.len(), 445);
    assert_eq!(found, expected);
    assert_eq!(names("name0301"), ["Name0301"]);
    assert_eq!(names("name00").len(), 98);
    let bad = WholeFrom {
        pair: name(),
        filter: "nothing_like_it:1".into(),
        after: None,
    };
    let error = whole(&desk.state, &bad, at(100), &Wanted::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
}

#[test]
fn pages_hold_every_live_record_once() {
    let desk = Desk::new();
    let keys = desk.take_in(0, &some_leads(25));
    for gone in [0, 3, 4, 11, 24] {
        delete(&desk.state, &keys[gone], 1, "jo", at(5)).unwrap();
    }
    let mut seen = Vec::new();
    for offset in (0..).step_by(7) {
        let page = list(&desk, "", Page { offset, limit: 7 });
        assert_eq!(
            (page.all, page.part.total, page.part.offset),
            (20, 20, offset)
        );
        let full = 20usize.saturating_sub(offset).min(7);
        assert_eq!(page.part.rows.len(), full, "page at {offset}");
        if page.part.rows.is_empty() {
            break;
        }
        seen.extend(page.part.rows.into_iter().map(|r| r.name));
    }
    let expected: Vec<String> = (0..25)
        .filter(|i| ![0, 3, 4, 11, 24].contains(i))
        .map(|i| format!("Name{i:04}"))
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_page_opens_its_own_records_only() {
    let desk = Desk::new();
    desk.take_in(0, &some_leads(600));
    desk.opened();
    let page = list(
        &desk,
        "",
        Page {
            offset: 550,
            limit: 10,
        },
    );
    assert_eq!(names(&page)[0], "Name0550");
    let opened = desk.opened();
    assert!(opened < 50, "{opened} values were opened for 10 rows");
}

#[test]
fn a_row_shows_what_people_look_for() {
    let desk = Desk::new();
    desk.take_in(
        1,
        &[lead(&[
            ("FirstName", "Ada"),
            ("LastName", "King"),
            ("Email", "ada@b.c"),
            ("Company", "Engines"),
        ])],
    );
    let page = list(&desk, "", PAGE);
    let columns: Vec<_> = page.columns.iter().map(|c| c.as_str()).collect();
    assert_eq!(
        columns,
        [
            "contactEmail",
            "contactPhone",
            "companyName",
            "contactTitle"
        ]
    );
    let row = &page.part.rows[0];
    assert_eq!((row.name.as_str(), row.word), ("Ada King", Word::Ok));
    let values: Vec<_> = row.values.iter().map(Option::as_deref).collect();
    assert_eq!(values, [Some("ada@b.c"), None, Some("Engines"), None]);
    let error = records(
        &desk.state,
        &"lead".into(),
        "",
        (&Shape::default(), Values::Shown),
        PAGE,
        at(1),
        &Wanted::default(),
    )
    .unwrap_err();
    assert_eq!(error.remedy(), Some("did you mean leads?"));
}

#[test]
fn a_list_that_nobody_waits_for_ends_at_its_next_record() {
    let desk = Desk::new();
    desk.take_in(0, &some_leads(3));
    let wanted = Wanted::default();
    let shape = (&Shape::default(), Values::Shown);
    let ask = || records(&desk.state, &name(), "name00", shape, PAGE, at(9), &wanted);
    assert_eq!(ask().unwrap().part.total, 3);
    wanted.drop_it();
    assert_eq!(ask().unwrap_err().kind(), Kind::Cancelled);
}

#[test]
fn filters_find_count_and_page() {
    let desk = Desk::new();
    let keys = desk.take_in(0, &some_leads(30));
    let text = fields(&[("contactEmail", "x@y.z"), ("status", "contacted")]);
    edit(&desk.state, &keys[7], 1, text, "jo", at(50)).unwrap();
    delete(&desk.state, &keys[8], 1, "jo", at(50)).unwrap();
    for (filter, expected) in [
        ("name0007", vec!["Name0007"]),
        ("contactEmail:x@", vec!["Name0007"]),
        ("CONTACTEMAIL:x@", vec!["Name0007"]),
        ("status:contacted", vec!["Name0007"]),
        ("state:wait", vec!["Name0007"]),
        ("since:1m acme -state:ok", vec!["Name0007"]),
        ("id:00009", vec!["Name0009"]),
        ("crm_id:00Qx00000000009", vec!["Name0009"]),
        ("name0008", vec![]),
        ("state:fail,conf", vec![]),
        ("-contactEmail:null", vec!["Name0007"]),
    ] {
        let page = list(&desk, filter, PAGE);
        assert_eq!(
            (names(&page), page.filter_error.clone()),
            (expected.clone(), None),
            "{filter}"
        );
        assert_eq!((page.part.total, page.all), (expected.len() as u64, 29));
    }
    let page = list(
        &desk,
        "state:ok acme",
        Page {
            offset: 26,
            limit: 3,
        },
    );
    assert_eq!(names(&page), ["Name0028", "Name0029"]);
    assert_eq!(page.part.total, 28);
}

#[test]
fn a_filter_that_is_not_understood_says_why() {
    let desk = Desk::new();
    desk.take_in(0, &some_leads(2));
    for (filter, reason) in [
        (
            "contactMail:x",
            "leads has no field contactMail; did you mean contactEmail?",
        ),
        ("state:fial", "leads has no state fial; did you mean fail?"),
        ("(", "at character 2: expected"),
        ("is:marked", "marks cannot be searched for in this list"),
    ] {
        let page = list(&desk, filter, PAGE);
        let error = page.filter_error.clone().unwrap();
        assert!(error.contains(reason), "{error}");
        assert_eq!(names(&page), ["Name0000", "Name0001"]);
    }
}

#[test]
fn the_state_that_a_record_shows_is_one_that_it_is_found_by() {
    let desk = Desk::new();
    let key = desk.take_in(0, &some_leads(1)).remove(0);
    for state in [
        LinkState::Active,
        LinkState::Unreachable,
        LinkState::WaitingParent,
        LinkState::Converted,
        LinkState::OutOfScope,
        LinkState::Unlinked,
        LinkState::AppDeleted,
        LinkState::CrmDeleted,
        LinkState::Closed,
    ] {
        stands(&desk, &key.app_id, &state);
        let shown = detail(&desk, &key);
        let (word, means) = (shown.word.as_str(), standing(shown.link.as_ref()).1);
        // No word but those for what is simply so stands there without what it means.
        let plain = matches!(state, LinkState::Active | LinkState::Unlinked);
        assert_eq!(means.is_none(), plain, "{state:?}: {means:?}");
        let page = list(&desk, &format!("state:{word}"), PAGE);
        assert_eq!(page.filter_error, None);
        assert_eq!(names(&page), ["Name0000"], "{state:?}: {word}");
    }
}

#[test]
fn an_edit_waits_for_the_next_run_and_survives() {
    let desk = Desk::new();
    let key = desk.take_in(0, &some_leads(1)).remove(0);
    let text = fields(&[("contactPhone", "+49 30 1"), ("companyName", "Acme")]);
    edit(&desk.state, &key, 1, text, "jo", at(50)).unwrap();
    let desk = desk.again();
    let shown = detail(&desk, &key);
    let app = shown.app.as_ref().unwrap();
    assert_eq!((app.rev, app.changed_by.as_str()), (2, "jo"));
    assert_eq!(shown.word, Word::Wait);
    assert_eq!(desk.state.counters(&name()).waiting, 1);
    assert_eq!(shown.history[0].text, "jo changed contactPhone in the App");
    assert_eq!(field(&shown, "contactPhone"), "to CRM");
    assert_eq!(field(&shown, "contactEmail"), "same");
    assert_eq!(field(&shown, "owner"), "in Salesforce only");

    let same = fields(&[("contactPhone", "+49 30 1")]);
    edit(&desk.state, &key, 2, same, "jo", at(51)).unwrap();
    assert_eq!(detail(&desk, &key).app.unwrap().rev, 2, "nothing changed");
}

#[test]
fn a_stale_change_is_refused_and_changes_nothing() {
    let desk = Desk::new();
    let key = desk.take_in(0, &some_leads(1)).remove(0);
    edit(&desk.state, &key, 1, fields(&[("notes", "a")]), "jo", at(5)).unwrap();
    let before = detail(&desk, &key);
    let stale = edit(&desk.state, &key, 1, fields(&[("notes", "b")]), "bo", at(6)).unwrap_err();
    assert_eq!(stale.kind(), Kind::Changed);
    assert_eq!(
        stale.message(),
        "the record changed meanwhile: jo changed it, and it is at revision 2 instead of 1"
    );
    assert_eq!(
        delete(&desk.state, &key, 1, "bo", at(6))
            .unwrap_err()
            .kind(),
        Kind::Changed
    );
    assert_eq!(detail(&desk, &key), before);
    delete(&desk.state, &key, 2, "jo", at(7)).unwrap();
    let gone = edit(&desk.state, &key, 3, fields(&[("notes", "b")]), "bo", at(8)).unwrap_err();
    assert_eq!(gone.message(), "the record was deleted by jo");
    let nowhere = RecordKey {
        app_id: "nowhere".into(),
        ..key
    };
    let error = edit(
        &desk.state,
        &nowhere,
        1,
        fields(&[("notes", "b")]),
        "bo",
        at(8),
    );
    assert_eq!(error.unwrap_err().message(), "leads has no record nowhere");
    assert!(record(&desk.state, &Settings::default(), &nowhere, at(9)).is_err());
}

#[test]
fn a_new_record_is_in_the_app_and_waits() {
    let desk = Desk::new();
    let text = fields(&[("contactName", "Ada King"), ("notes", "")]);
    let id = create(&desk.state, &name(), text, "jo", at(5))
        .unwrap()
        .app_id;
    let key = RecordKey {
        pair: name(),
        app_id: id,
    };
    let shown = detail(&desk, &key);
    assert_eq!((shown.name.as_str(), shown.word), ("Ada King", Word::Wait));
    assert_eq!((shown.link, shown.url), (None, None));
    assert_eq!(
        shown.fields[2].state, "in the App only",
        "the lead desk makes none in Salesforce"
    );
    assert_eq!(list(&desk, "", PAGE).all, 1);
    let empty = create(&desk.state, &name(), Fields::new(), "jo", at(5)).unwrap_err();
    assert_eq!(empty.remedy(), Some("give it a contactName"));
    delete(&desk.state, &key, 1, "jo", at(6)).unwrap();
    let page = list(&desk, "", PAGE);
    assert_eq!((page.all, page.part.rows.len()), (0, 0));
    assert_eq!(detail_of_gone(&desk, &key), "deleted in the App");
}

fn detail_of_gone(desk: &Desk, key: &RecordKey) -> String {
    let shown = detail(desk, key);
    assert_eq!(shown.app, None);
    field(&shown, "contactEmail")
}

#[test]
fn a_detail_says_what_the_next_run_would_do() {
    let desk = Desk::new();
    let key = desk.take_in(0, &some_leads(1)).remove(0);
    desk.crm_changes(&key, &[("Email", "crm@b.c"), ("Phone", "1")]);
    let text = fields(&[
        ("contactEmail", "app@b.c"),
        ("contactTitle", "Dr"),
        ("owner", "bo@b.c"),
    ]);
    edit(&desk.state, &key, 1, text, "jo", at(5)).unwrap();
    let shown = detail(&desk, &key);
    assert_eq!(field(&shown, "contactEmail"), "conflict");
    assert_eq!(field(&shown, "contactPhone"), "to App");
    assert_eq!(field(&shown, "contactTitle"), "differs, stays so");
    assert!(field(&shown, "owner").starts_with("FAIL: user cannot use"));
    assert_eq!(field(&shown, "status"), "same");
    assert_eq!(shown.word, Word::Wait);
}

#[test]
fn open_conflicts_name_the_record() {
    let desk = Desk::new();
    let key = desk.take_in(0, &some_leads(1)).remove(0);
    let cx = desk.cx();
    let mut tx = desk.state.begin();
    let link = tx.link(&key.pair, &key.app_id).unwrap().unwrap();
    let row = cx.pair.rows.iter().find(|r| r.row.id.0 == 3).unwrap();
    let sides = Sides {
        app: None,
        seen: None,
    };
    let conflict = conflicts::of_row(&tx, &cx, &link, row, sides, at(6));
    assert_eq!((conflict.id, conflict.run), (ConflictId(1), RunId(1)));
    conflicts::open(&mut tx, conflict, at(6)).unwrap();
    tx.commit(Durability::Now).unwrap();
    let shown = detail(&desk, &key);
    assert_eq!(shown.word, Word::Conf);
    assert_eq!(field(&shown, "contactEmail"), "conflict");
    assert_eq!(names(&list(&desk, "state:conf", PAGE)), ["Name0000"]);
    let mut conflict = desk
        .state
        .open_conflicts(&key.pair, &key.app_id)
        .unwrap()
        .remove(0);
    let mut put = |state| {
        let mut tx = desk.state.begin();
        conflict.state = state;
        tx.put_conflict(&conflict, at(6)).unwrap();
        tx.commit(Durability::Now).unwrap();
        (
            detail(&desk, &key).word,
            field(&detail(&desk, &key), "contactEmail"),
        )
    };
    use crate::domain::conflict::State as Standing;
    assert_eq!(
        put(Standing::Resolving),
        (Word::Run, "being written".into())
    );
    assert_eq!(put(Standing::Ignored), (Word::Ok, "left as it is".into()));
}
