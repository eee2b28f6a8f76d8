//! Many records at once: saved views, their counts, and deletions.

use super::*;

#[test]
fn a_view_is_kept_and_shows_its_columns_in_its_order() {
    let desk = Desk::new();
    desk.take_in(
        0,
        &[
            lead(&[("LastName", "Bo"), ("Company", "Zeta")]),
            lead(&[("LastName", "Al"), ("Company", "")]),
            lead(&[("LastName", "Cy"), ("Company", "alpha")]),
        ],
    );
    let view = SavedView {
        name: "by company".into(),
        filter: "-contactname:=al or contactname:al".into(),
        shape: Shape {
            sort: "-companyName".parse().ok(),
            columns: columns("companyName, status"),
        },
    };
    save_view(&desk.state, &name(), &view).unwrap();
    let desk = desk.again();
    let kept = views(&desk.state, &name()).unwrap().pop().unwrap();
    assert_eq!(kept, view);
    let page = records(
        &desk.state,
        &name(),
        "",
        (&kept.shape, Values::Shown),
        PAGE,
        at(9),
        &Wanted::default(),
    )
    .unwrap();
    assert_eq!(names(&page), ["Bo", "Cy", "Al"], "no value comes last");
    let values = page.part.rows[0].values.iter().map(Option::as_deref);
    assert!(values.eq([Some("Zeta"), Some("new")]));
    let up = Shape {
        sort: "companyName".parse().ok(),
        ..Shape::default()
    };
    let page = records(
        &desk.state,
        &name(),
        "",
        (&up, Values::Shown),
        PAGE,
        at(9),
        &Wanted::default(),
    )
    .unwrap();
    assert_eq!(names(&page), ["Cy", "Bo", "Al"]);
    remove_view(&desk.state, &name(), "by company").unwrap();
    assert_eq!(views(&desk.state, &name()).unwrap().len(), 6);
    assert!(remove_view(&desk.state, &name(), "by company").is_err());
}

#[test]
fn a_view_that_is_not_understood_is_not_kept() {
    let desk = Desk::new();
    let view = |name: &str, filter: &str, sort: &str| SavedView {
        name: name.into(),
        filter: filter.into(),
        shape: Shape {
            sort: sort.parse().ok(),
            columns: Vec::new(),
        },
    };
    for (wrong, said) in [
        (view("", "", ""), "a view needs a name"),
        (view("all", "x", ""), "always there"),
        (view("x", "(", ""), "the filter was not understood"),
        (view("x", "", "statsu"), "did you mean status?"),
    ] {
        let error = save_view(&desk.state, &name(), &wrong).unwrap_err();
        assert!(error.message().contains(said), "{error}");
    }
}

#[test]
fn many_are_deleted_at_once_but_for_those_that_changed() {
    let desk = Desk::new();
    let keys = desk.take_in(0, &some_leads(4));
    let ids: Vec<AppId> = keys.iter().map(|k| k.app_id.clone()).collect();
    let preview = preview_delete(&desk.state, &name(), &ids).unwrap();
    assert_eq!((preview.records.len(), preview.linked), (4, 4));
    assert_eq!(preview.names, ["Name0000", "Name0001", "Name0002"]);
    let change = fields(&[("companyName", "Moved")]);
    edit(&desk.state, &keys[1], 1, change, "al", at(4)).unwrap();
    let acted = delete_many(&desk.state, &name(), &preview.records, "jo", at(5)).unwrap();
    assert_eq!(acted.done.len(), 3);
    assert_eq!(acted.refused[0].app_id, ids[1]);
    assert!(acted.refused[0].why.contains("al changed it"), "{acted:?}");
    assert_eq!(names(&list(&desk, "", PAGE)), ["Name0001"]);
    let again = preview_delete(&desk.state, &name(), &ids).unwrap();
    assert_eq!((again.records.len(), again.refused.len()), (1, 3));
    // Brought back they are as before, in the order of the list, and nothing is left to sync.
    let back = restore_many(&desk.state, &name(), &acted.done, "jo", at(6)).unwrap();
    assert_eq!((back.done.len(), back.refused.len()), (3, 0));
    let page = list(&desk, "companyName:acme", PAGE);
    assert_eq!(names(&page), ["Name0000", "Name0002", "Name0003"]);
    let twice = restore_many(&desk.state, &name(), &acted.done, "jo", at(7)).unwrap();
    assert_eq!(twice.refused.len(), 3);
}

#[test]
fn what_a_sync_has_seen_is_not_brought_back_here() {
    let desk = Desk::new();
    let keys = desk.take_in(0, &some_leads(1));
    let ids = [keys[0].app_id.clone()];
    let preview = preview_delete(&desk.state, &name(), &ids).unwrap();
    let acted = delete_many(&desk.state, &name(), &preview.records, "jo", at(5)).unwrap();
    stands(&desk, &ids[0], &LinkState::Closed);
    let back = restore_many(&desk.state, &name(), &acted.done, "jo", at(6)).unwrap();
    assert!(back.done.is_empty());
    assert!(back.refused[0].why.contains("undo that run"), "{back:?}");
}

#[test]
fn views_are_counted_with_few_records_opened() {
    let desk = Desk::new();
    let keys = desk.take_in(0, &some_leads(300));
    edit(
        &desk.state,
        &keys[7],
        1,
        fields(&[("companyName", "Moved")]),
        "jo",
        at(2),
    )
    .unwrap();
    let view = SavedView {
        name: "moved".into(),
        filter: "companyName:moved".into(),
        shape: Shape::default(),
    };
    save_view(&desk.state, &name(), &view).unwrap();
    let of = |view: &str, now: i64| {
        let all = counts(&desk.state, &name(), at(now), &Wanted::default()).unwrap();
        all.into_iter().find(|c| c.name == view).unwrap().count
    };
    let check = || {
        assert_eq!(of("all", 9), Count::Exactly(300));
        assert_eq!(of("moved", 9), Count::Exactly(1));
        assert_eq!(of("failed", 9), Count::Exactly(0));
        assert_eq!(of("not linked", 9), Count::Exactly(0));
        assert_eq!(of("changed today", 9), Count::Exactly(300));
        assert_eq!(of("changed today", 86_400 + 2), Count::Exactly(1));
    };
    check();
    desk.state
        .index()
        .build(&desk.state, |_| crate::engine::index::Go::On)
        .unwrap();
    check();
    desk.opened();
    counts(&desk.state, &name(), at(9), &Wanted::default()).unwrap();
    let opened = desk.opened();
    // Two views ask for states at rest, which only the links know: those are opened as long as
    // they are few.
    assert!(opened < 2 * 300 * 4 + 50, "{opened} values were opened");
}
