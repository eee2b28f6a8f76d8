//! The truth tables of fields and records, row by row (sync-semantics 5.1, 5.2).

use super::*;

fn outcome(flow: Flow, a: &str, c: Option<&str>, b: Option<(&str, &str)>) -> Outcome {
    let pair = pair(vec![row(1, "a", "A", flow, Strategy::Ask)]);
    let b = b.map(|(x, y)| base(x.into(), y.into()));
    let crm: Fields = c
        .map(|c| (FieldName::new("A"), c.into()))
        .into_iter()
        .collect();
    with_context(Depth::Everything, |cx| {
        reconcile(
            cx,
            &pair.rows[0],
            &[(FieldName::new("a"), a.into())].into(),
            &crm,
            b.as_ref(),
        )
    })
}

#[test]
fn the_table_of_field_rules() {
    use FieldRule::*;
    let push = |t: &str| Action::Push(vec![t.into()]);
    let pull = |t: &str| Action::Pull(vec![t.into()]);
    let cases = [
        (
            outcome(Flow::Both, "v", Some("v"), Some(("v", "v"))),
            F1,
            Action::Nothing,
        ),
        (
            outcome(Flow::Both, "n", Some("v"), Some(("v", "v"))),
            F2,
            push("n"),
        ),
        (
            outcome(Flow::Both, "", Some("v"), Some(("v", "v"))),
            F2,
            push(""),
        ),
        (
            outcome(Flow::Both, "v", Some("n"), Some(("v", "v"))),
            F3,
            pull("n"),
        ),
        (
            outcome(Flow::Both, "n", Some("n"), Some(("v", "v"))),
            F4,
            Action::Adopt,
        ),
        (
            outcome(Flow::Both, "n", Some("m"), Some(("v", "v"))),
            F5,
            Action::Conflict,
        ),
        (
            outcome(Flow::Both, "v", Some("w"), Some(("v", "w"))),
            F6,
            Action::Drift,
        ),
        (
            outcome(Flow::Both, "v", None, Some(("v", "v"))),
            F7,
            Action::Unknown,
        ),
        (outcome(Flow::Both, "v", None, None), F7, Action::Unknown),
        (
            outcome(Flow::Both, "v", Some("v"), None),
            F10,
            Action::Adopt,
        ),
        (outcome(Flow::Both, "", Some("v"), None), F11, pull("v")),
        (outcome(Flow::Both, "v", Some(""), None), F11, push("v")),
        (
            outcome(Flow::Both, "v", Some("w"), None),
            F12,
            Action::Conflict,
        ),
        (
            outcome(Flow::ToCrm(Foreign::Keep), "v", Some("n"), Some(("v", "v"))),
            F3,
            Action::Accept(Side::Crm),
        ),
        (
            outcome(
                Flow::ToCrm(Foreign::Enforce),
                "v",
                Some("n"),
                Some(("v", "v")),
            ),
            F3,
            push("v"),
        ),
        (
            outcome(Flow::ToApp(Foreign::Keep), "n", Some("v"), Some(("v", "v"))),
            F2,
            Action::Accept(Side::App),
        ),
        (
            outcome(Flow::SetOnce(Side::Crm), "n", Some(""), Some(("", ""))),
            F2,
            push("n"),
        ),
        (
            outcome(Flow::SetOnce(Side::Crm), "n", Some("v"), Some(("v", "v"))),
            F2,
            Action::Accept(Side::App),
        ),
        (
            outcome(Flow::PreferCrm, "n", Some(""), Some(("", ""))),
            F2,
            push("n"),
        ),
        (
            outcome(Flow::PreferCrm, "n", Some("v"), Some(("v", "v"))),
            F2,
            Action::Accept(Side::App),
        ),
    ];
    for (out, rule, action) in cases {
        assert_eq!((out.rule, &out.action), (rule, &action), "{out:?}");
    }
}

#[test]
fn a_one_sided_normaliser_is_silent() {
    // The App sent a long text, the CRM kept a cut one: the pair base does not see a change.
    let out = outcome(Flow::Both, "abcdef", Some("abc"), Some(("abcdef", "abc")));
    assert_eq!(out.rule, FieldRule::F6);
    let pair = pair(vec![row(1, "a", "A", Flow::Both, Strategy::Ask)]);
    let b = base("abcdef".into(), "abc".into());
    let out = with_context(Depth::Moves, |cx| {
        reconcile(
            cx,
            &pair.rows[0],
            &[(FieldName::new("a"), "abcdef".into())].into(),
            &[(FieldName::new("A"), "abc".into())].into(),
            Some(&b),
        )
    });
    assert_eq!(out.action, Action::Nothing);
}

#[test]
fn the_table_of_record_rules() {
    use RecordRule::*;
    let pair = pair(vec![row(1, "a", "A", Flow::Both, Strategy::Ask)]);
    let same = link([(RowId(1), base("v".into(), "v".into()))].into());
    let live = app(fields(["a", "b"], ["v".into(), Value::Null]));
    let changed = app(fields(["a", "b"], ["n".into(), Value::Null]));
    let mut tomb = live.clone();
    tomb.presence = Presence::Deleted;
    let there = seen(fields(["A", "B"], ["v".into(), Value::Null]));
    let moved = seen(fields(["A", "B"], ["n".into(), Value::Null]));
    let mut reopened = same.clone();
    reopened.state = LinkState::CrmDeleted;
    let lost = link(Bases::new());
    let into = id(2);
    let run = |link, app, crm| -> Plan {
        with_context(Depth::Moves, |cx| plan(cx, &pair, Input { link, app, crm }))
    };
    let merged = |survivor| Crm::Merged { into, survivor };
    let cases = [
        (run(None, App::Live(&live), Crm::Absent), R1),
        (run(None, App::Absent, Crm::Live(&there)), R2),
        (run(None, App::Live(&live), Crm::Live(&there)), R3),
        (run(None, App::Live(&live), Crm::Several), R4),
        (run(None, App::Tombstone(&tomb), Crm::Absent), R5),
        (run(Some(&same), App::Live(&live), Crm::Live(&there)), R6),
        (
            run(Some(&same), App::Tombstone(&tomb), Crm::Live(&there)),
            R7,
        ),
        (
            run(Some(&same), App::Tombstone(&tomb), Crm::Live(&moved)),
            R8,
        ),
        (run(Some(&same), App::Live(&live), Crm::Deleted(None)), R9),
        (
            run(Some(&same), App::Live(&changed), Crm::Deleted(None)),
            R10,
        ),
        (
            run(Some(&same), App::Tombstone(&tomb), Crm::Deleted(None)),
            R11,
        ),
        (run(Some(&same), App::Live(&live), merged(Free)), R12),
        (run(Some(&same), App::Live(&live), merged(Taken)), R13),
        (run(Some(&same), App::Tombstone(&tomb), merged(Free)), R14),
        (
            run(Some(&same), App::Live(&live), Crm::Converted(&there)),
            R15,
        ),
        (
            run(Some(&reopened), App::Live(&live), Crm::Live(&there)),
            R16,
        ),
        (run(Some(&same), App::Live(&live), Crm::Unreadable), R17),
        (
            run(Some(&lost), App::Live(&changed), Crm::Live(&there)),
            R19,
        ),
    ];
    for (plan, rule) in &cases {
        assert_eq!(plan.rule, *rule, "{plan:?}");
    }
    let act = |rule| &cases.iter().find(|(p, _)| p.rule == rule).unwrap().0.act;
    assert!(matches!(act(R1), Act::CreateInCrm(f) if f[&FieldName::new("A")] == "v".into()));
    assert!(matches!(act(R2), Act::CreateInApp(f) if f[&FieldName::new("a")] == "v".into()));
    assert!(matches!(
        act(R8),
        Act::Conflict(Kind::DeleteVsChange { deleted: Side::App })
    ));
    assert!(matches!(
        act(R10),
        Act::Conflict(Kind::DeleteVsChange { deleted: Side::Crm })
    ));
    assert_eq!(act(R12), &Act::MoveLink(into));
    assert_eq!(act(R17), &Act::Unreachable);
    // Base lost: unequal values become conflicts, nothing is overwritten.
    let lost = &cases.last().unwrap().0;
    assert!(lost.has_conflict());
    assert_eq!(
        lost.act,
        Act::Fields {
            push: Fields::new(),
            pull: Fields::new()
        }
    );
}

#[test]
fn newest_decides_only_outside_the_clock_error() {
    let pair = pair(vec![row(1, "a", "A", Flow::Both, Strategy::Newest)]);
    let b = base("v".into(), "v".into());
    let by = |app_time: i64, ahead: Option<i64>, error: i64| {
        let app_id = AppId::new("x");
        let cx = Context {
            lookup: &NoLookup,
            depth: Depth::Moves,
            first_link: FirstLink::Review,
            app_id: &app_id,
            app_changed: &|_| Some(at(app_time)),
            clocks: Clocks {
                crm: Some(at(100)),
                ahead: ahead.map(SignedDuration::from_secs),
                error: SignedDuration::from_secs(error),
            },
            appended: &crate::domain::append::Appended::new(),
            now: at(300),
        };
        reconcile(
            &cx,
            &pair.rows[0],
            &[(FieldName::new("a"), "n".into())].into(),
            &[(FieldName::new("A"), "m".into())].into(),
            Some(&b),
        )
        .action
    };
    let run = |app_time, error| by(app_time, Some(0), error);
    assert_eq!(run(110, 2), Action::Push(vec!["n".into()]));
    assert_eq!(run(90, 2), Action::Pull(vec!["m".into()]));
    assert_eq!(run(102, 2), Action::Conflict);
    assert_eq!(run(110, 20), Action::Conflict);
    // A clock that is wrong by a known time is put right; one that may be wrong decides nothing.
    assert_eq!(by(90, Some(20), 2), Action::Push(vec!["n".into()]));
    assert_eq!(by(110, Some(-20), 2), Action::Pull(vec!["m".into()]));
    assert_eq!(by(110, None, 2), Action::Conflict);
}
