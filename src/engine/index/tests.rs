//! The index against the records it was made of: the same answers, the same sums.

mod memory;

use proptest::prelude::*;

use super::*;
use crate::domain::listing::Shape;
use crate::domain::value::{Fields, Value};
use crate::engine::command::{Page, Values};
use crate::engine::mappings::fixture::{Desk, at, fields, lead, leads as leads_pair, name};
use crate::engine::queries;
use crate::engine::records::{create, delete, edit, records};
use crate::engine::view::{Counted, RecordPage, Rest};
use crate::engine::wanted::Wanted;

const PAGE: Page = Page {
    offset: 0,
    limit: 50,
};

fn leads(values: &[[&str; 4]]) -> Vec<Fields> {
    let of = |[last, company, email, source]: &[&str; 4]| {
        lead(&[
            ("LastName", last),
            ("Company", company),
            ("Email", email),
            ("LeadSource", source),
        ])
    };
    values.iter().map(of).collect()
}

fn some() -> Vec<Fields> {
    leads(&[
        ["King", "Engines", "ada@b.c", "Web"],
        ["ΟΔΥΣΣΕΥΣ", "Ithaka ΑΣ", "o@i.gr", "Phone"],
        ["Straße", "İstanbul Ltd", "", "Web"],
        ["", "No name", "x@y.z", ""],
        ["Multi\nline", "Acme", "M@N.O", "Other"],
        ["Long", &"x".repeat(250), "", "Web"],
        ["acme", "ACME", "acme@acme.example", "Web"],
    ])
}

fn numbered(many: usize) -> Vec<Fields> {
    let one = |n| lead(&[("LastName", &format!("N{n:03}"))]);
    (0..many).map(one).collect()
}

fn build(desk: &Desk) {
    desk.state.index().build(&desk.state, |_| Go::On).unwrap();
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

const FILTERS: [&str; 30] = [
    "acme",
    "ACME",
    "-acme",
    "οδυσσευς",
    "ΑΣ",
    "αΣ",
    "straße",
    "i\u{307}stanbul",
    "line",
    "\"multi line\"",
    "xxx",
    "companyName:acme",
    "companyName:=acme",
    "companyName:=ACME",
    "contactEmail:null",
    "-contactEmail:null",
    "contactEmail:ACME@",
    "contactName:null",
    "contactName:acme",
    "status:new",
    "status:=new,contacted",
    "source:web",
    "source:null",
    "id:00003",
    "00003",
    "crm_id:00Qx00000000003",
    "acme or straße",
    "acme -source:web",
    "since:1m",
    "state:ok",
];

#[test]
fn a_filter_takes_the_same_records_with_and_without_an_index() {
    let desk = Desk::new();
    let keys = desk.take_in(0, &some());
    let text = fields(&[("status", "contacted"), ("companyName", "Acme again")]);
    edit(&desk.state, &keys[0], 1, text, "jo", at(50)).unwrap();
    let pages = || FILTERS.map(|filter| list(&desk, filter, PAGE));
    let before = pages();
    build(&desk);
    assert_eq!(desk.state.index().extent(&name()), Extent::Whole);
    for ((filter, before), after) in FILTERS.iter().zip(before).zip(pages()) {
        assert_eq!(before, after, "{filter}");
    }
}

#[test]
fn commits_keep_it_current() {
    let desk = Desk::new();
    build(&desk);
    let keys = desk.take_in(0, &some());
    delete(&desk.state, &keys[6], 1, "jo", at(5)).unwrap();
    let text = fields(&[("companyName", "Renamed")]);
    edit(&desk.state, &keys[0], 1, text, "jo", at(6)).unwrap();
    let text = fields(&[("contactName", "Someone new")]);
    create(&desk.state, &name(), text, "jo", at(7)).unwrap();
    desk.opened();
    let names = |filter: &str| -> Vec<String> {
        let rows = list(&desk, filter, PAGE).part.rows;
        rows.into_iter().map(|r| r.name).collect()
    };
    assert_eq!(names("renamed"), ["King"]);
    assert_eq!(names("engines"), [""; 0]);
    assert_eq!(names("\"someone new\""), ["Someone new"]);
    assert_eq!(names("companyName:acme"), ["Multi\nline"]);
    let opened = desk.opened();
    assert!(opened < 30, "{opened} values were opened");
}

#[test]
fn pages_of_what_a_filter_takes_are_in_the_order_of_the_list() {
    let desk = Desk::new();
    let many = numbered(40);
    let keys = desk.take_in(0, &many);
    build(&desk);
    // What is replaced lies elsewhere in memory, and stays in its place in the list.
    for key in keys.iter().step_by(3) {
        edit(
            &desk.state,
            key,
            1,
            fields(&[("companyName", "C")]),
            "jo",
            at(5),
        )
        .unwrap();
    }
    let mut seen = Vec::new();
    for offset in (0..).step_by(7) {
        let page = list(&desk, "n", Page { offset, limit: 7 });
        assert_eq!(page.part.total, 40);
        if page.part.rows.is_empty() {
            break;
        }
        seen.extend(page.part.rows.into_iter().map(|r| r.name));
    }
    let expected: Vec<String> = (0..40).map(|n| format!("N{n:03}")).collect();
    assert_eq!(seen, expected);
}

/// An id that comes behind a later one lies apart, which takes three times the memory.
#[test]
fn what_a_commit_brings_is_taken_in_by_its_ids() {
    let desk = Desk::new();
    build(&desk);
    let many = numbered(300);
    desk.take_in(0, &many);
    let late = desk.state.index().look(&name(), |shard| shard.lines.late());
    assert_eq!(late, Some(0));
}

#[test]
fn a_page_far_down_is_found_without_the_store_also_when_a_record_came_late() {
    let desk = Desk::new();
    build(&desk);
    let many = numbered(200);
    let mut keys = desk.take_in(500, &many);
    keys.splice(..0, desk.take_in(100, &many[..3]));
    let page = Page {
        offset: 150,
        limit: 40,
    };
    let ids: Vec<AppId> = keys[150..190].iter().map(|k| k.app_id.clone()).collect();
    assert_eq!(desk.state.index().page(&name(), page), Some(ids));
}

#[test]
fn what_is_beyond_the_bound_is_said_to_be_missing() {
    let desk = Desk::new();
    desk.take_in(0, &some());
    let index = Index::bounded(Bound { bytes: 0 });
    index.build(&desk.state, |_| Go::On).unwrap();
    assert_eq!(index.extent(&name()), Extent::Part { done: 0 });
    let filter = "acme".parse().unwrap();
    assert_eq!(index.filter(&name(), &filter, PAGE, at(0)), None);
}

#[test]
fn the_dashboard_adds_up_what_is_there() {
    let desk = Desk::new();
    let keys = desk.take_in(0, &some());
    let before = queries::business(&desk.state, at(100)).unwrap();
    let missing = Counted::Part {
        done: 0,
        all: 7,
        rest: Rest::Coming,
    };
    assert_eq!(before.counted, missing);
    build(&desk);
    edit(
        &desk.state,
        &keys[0],
        1,
        fields(&[("status", "contacted")]),
        "jo",
        at(5),
    )
    .unwrap();
    delete(&desk.state, &keys[1], 1, "jo", at(5)).unwrap();
    desk.opened();
    let view = queries::business(&desk.state, at(100)).unwrap();
    assert!(desk.opened() < 10, "records were opened");
    assert_eq!(view.counted, Counted::Whole);
    let by = |what: &str| -> Vec<(String, u64)> {
        let found = view.breakdowns.iter().find(|b| b.by == what).unwrap();
        found
            .slices
            .iter()
            .map(|s| (s.label.clone(), s.count))
            .collect()
    };
    assert_eq!(by("status"), [("new".into(), 5), ("contacted".into(), 1)]);
    assert_eq!(by("source")[0].1, 4);
    assert_eq!(view.objects[0].made.iter().sum::<u64>(), 6);
}

#[test]
fn a_search_finds_names_first_and_opens_only_what_it_shows() {
    let desk = Desk::new();
    let mut all = some();
    all.extend(
        (0..300).map(|n| lead(&[("LastName", &format!("Other {n}")), ("Company", "Kingdom")])),
    );
    desk.take_in(0, &all);
    build(&desk);
    desk.opened();
    let view = queries::search(&desk.state, "KING").unwrap();
    let opened = desk.opened();
    assert!(opened < 200, "{opened} values were opened");
    assert_eq!(view.records.rows[0].name, "King");
    assert_eq!(view.records.total, 301);
    assert_eq!(queries::search(&desk.state, "  ").unwrap().records.total, 0);
    let by_id = queries::search(&desk.state, "00Qx00000000002").unwrap();
    assert_eq!(by_id.records.rows[0].name, "Straße");
    let rows = queries::search(&desk.state, "email").unwrap();
    assert!(rows.mappings.rows.iter().any(|m| m.row.is_some()));
}

#[test]
fn a_whole_word_that_comes_late_is_among_the_first_that_are_shown() {
    let desk = Desk::new();
    let name = |n: usize| {
        lead(&[
            ("LastName", &format!("Kingston {n}")),
            ("Company", "Engines"),
        ])
    };
    let mut all: Vec<Fields> = (0..300).map(name).collect();
    all.push(lead(&[("LastName", "King"), ("Company", "Engines")]));
    desk.take_in(0, &all);
    build(&desk);
    let view = queries::search(&desk.state, "king").unwrap();
    assert_eq!(view.records.rows[0].name, "King");
    assert_eq!(view.records.total, 301);
}

#[test]
fn a_conflict_is_found_by_its_values_and_by_its_record_until_it_is_closed() {
    use crate::domain::conflict::{State as Standing, Superseded};
    use crate::engine::conflicts::{self, Sides};
    use crate::engine::tx::Durability;

    let desk = Desk::new();
    let key = desk.take_in(0, &some()).remove(0);
    build(&desk);
    let cx = desk.cx();
    let mut tx = desk.state.begin();
    let link = tx.link(&key.pair, &key.app_id).unwrap().unwrap();
    let row = cx.pair.rows.iter().find(|r| r.row.id.0 == 3).unwrap();
    let sides = Sides {
        app: None,
        seen: None,
    };
    let mut conflict = conflicts::of_row(&tx, &cx, &link, row, sides, at(6));
    conflict.app = Some(vec![Value::from("Mine@Here.example")]);
    conflicts::open(&mut tx, conflict.clone(), at(6)).unwrap();
    tx.commit(Durability::Now).unwrap();
    let found = |text: &str| queries::search(&desk.state, text).unwrap().conflicts;
    for text in ["mine@here", "engines"] {
        let hits = found(text);
        assert_eq!(hits.rows.len(), 1, "{text}");
        assert_eq!(hits.rows[0].name, "King");
    }
    assert_eq!(found("nobody").total, 0);
    conflict.state = Standing::Superseded {
        how: Superseded::Converged,
    };
    let mut tx = desk.state.begin();
    tx.put_conflict(&conflict, conflict.opened_at).unwrap();
    tx.commit(Durability::Now).unwrap();
    assert_eq!(found("mine@here").total, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn sums_are_those_of_the_records(steps in prop::collection::vec((0usize..6, 0u8..4, any::<bool>()), 8..40)) {
        let desk = Desk::new();
        let keys = desk.take_in(0, &vec![lead(&[("LastName", "A")]); 6]);
        build(&desk);
        for (at_key, status, gone) in steps {
            let now = desk.state.app_record(&"leads".into(), &keys[at_key].app_id).unwrap().unwrap();
            if now.presence == Presence::Deleted {
                continue;
            }
            if gone {
                delete(&desk.state, &keys[at_key], now.rev, "jo", at(9)).unwrap();
            } else {
                let text = Value::from(["new", "contacted", "qualified", "odd"][usize::from(status)]);
                let change = Fields::from([("status".into(), text)]);
                edit(&desk.state, &keys[at_key], now.rev, change, "jo", at(9)).unwrap();
            }
        }
        let kept = queries::business(&desk.state, at(100)).unwrap();
        let again = desk.again();
        build(&again);
        let read = queries::business(&again.state, at(100)).unwrap();
        prop_assert_eq!(kept, read);
    }
}

#[test]
fn long_texts_are_searched_in_parts_that_open_each_record_once() {
    let desk = Desk::new();
    let many: Vec<Fields> = (0..1_050)
        .map(|n| {
            let about = match n {
                7 | 1_020 => "Wants a DEMO\nof the engine",
                _ => "nothing",
            };
            lead(&[("LastName", "N"), ("Description", about)])
        })
        .collect();
    desk.take_in(0, &many);
    build(&desk);
    assert_eq!(
        queries::search(&desk.state, "demo").unwrap().records.total,
        0
    );
    desk.opened();
    let first = queries::texts(&desk.state, "demo engine", None).unwrap();
    assert_eq!(
        (first.rows.len(), first.searched, first.all),
        (1, 1_000, 1_050)
    );
    assert!(first.next.is_some());
    let second = queries::texts(&desk.state, "demo engine", first.next).unwrap();
    assert_eq!((second.rows.len(), second.searched), (1, 50));
    assert_eq!(second.next, None);
    assert!(second.rows[0].found.contains("DEMO"), "{:?}", second.rows);
    let opened = desk.opened();
    assert!(opened < 1_050 + 60, "{opened} values were opened");
}

#[test]
fn a_page_far_down_is_the_same_and_opens_no_more_than_one_near_the_start() {
    let desk = Desk::new();
    let many = vec![lead(&[("LastName", "N")]); 1_200];
    let keys = desk.take_in(0, &many);
    for gone in [3, 64, 1_190] {
        delete(&desk.state, &keys[gone], 1, "jo", at(5)).unwrap();
    }
    let far = Page {
        offset: 1_150,
        limit: 40,
    };
    let before = list(&desk, "", far);
    build(&desk);
    desk.opened();
    let after = list(&desk, "", far);
    let opened = desk.opened();
    assert_eq!(before, after);
    list(&desk, "", PAGE);
    assert!(opened <= desk.opened(), "{opened} values were opened");
}
