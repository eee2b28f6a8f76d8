//! Rows that append (sync-semantics 20), and what was never agreed or is to be kept.

use super::*;

fn one(flow: Flow, blanks: Blanks, a: &str, c: &str, b: Option<(&str, &str)>) -> Outcome {
    let mut only = row(1, "a", "A", flow, Strategy::Ask);
    only.blanks = blanks;
    let pair = pair(vec![only]);
    let b = b.map(|(x, y)| base(x.into(), y.into()));
    with_context(Depth::Everything, |cx| {
        let app = [(FieldName::new("a"), a.into())].into();
        let crm = [(FieldName::new("A"), c.into())].into();
        reconcile(cx, &pair.rows[0], &app, &crm, b.as_ref())
    })
}

/// What the CRM's text becomes, when lines are appended.
fn text(flow: Flow, a: &str, c: &str, b: Option<(&str, &str)>) -> Option<String> {
    match one(flow, Blanks::Propagate, a, c, b).action {
        Action::Append(block) => Some(block.appended_to(c)),
        _ => None,
    }
}

#[test]
fn a_first_link_appends_what_the_crm_does_not_have() {
    for flow in [Flow::Append(OnFull::Reject), Flow::AppendBoth] {
        let sent = text(flow, "ours\nknown", "", None).unwrap();
        assert!(
            sent.contains("] ours ") && sent.contains("] known "),
            "{sent}"
        );
        let sent = text(flow, "ours\nknown", "known\ntheirs", None).unwrap();
        assert!(sent.starts_with("known\ntheirs\n[") && sent.contains("] ours "));
        assert_eq!(sent.matches("known").count(), 1);
    }
    let out = one(Flow::AppendBoth, Blanks::Propagate, "", "theirs", None);
    assert_eq!(out.action, Action::Pull(vec!["theirs".into()]));
    let out = one(
        Flow::Append(OnFull::Reject),
        Blanks::Propagate,
        "",
        "theirs",
        None,
    );
    assert_eq!(out.action, Action::Adopt);
}

#[test]
fn a_text_that_lost_lines_in_the_app_comes_back_and_that_is_logged() {
    let b = Some(("a\nb", "a\nb"));
    for there in ["a\nb", "a\nb\ntheirs"] {
        let out = one(Flow::AppendBoth, Blanks::Propagate, "a", there, b);
        assert_eq!(out.action, Action::Pull(vec![there.into()]));
        assert_eq!(out.auto, Some((Strategy::Crm, Side::Crm)));
    }
    assert_eq!(
        one(
            Flow::Append(OnFull::Reject),
            Blanks::Propagate,
            "a",
            "a\nb",
            b
        )
        .action,
        Action::Adopt
    );
}

/// Nobody has read back what was sent, and a person took the lines out again: the text is as it was
/// before them, and yet another one than what the App is to hold.
#[test]
fn what_was_appended_comes_back_as_it_is_then_also_without_the_lines() {
    let only = pair(vec![row(1, "a", "A", Flow::AppendBoth, Strategy::Ask)]);
    for was in ["", "theirs"] {
        let sent = text(Flow::AppendBoth, "ours", was, Some(("", was))).unwrap();
        let (crm, standing) = once_there(
            Flow::AppendBoth,
            vec![was.into()],
            vec![sent.as_str().into()],
        );
        let base = BasePair {
            crm,
            standing,
            ..base("ours".into(), Value::Null)
        };
        let sees = |there: &str, base: &BasePair| {
            with_context(Depth::Moves, |cx| {
                let app = [("a".into(), "ours".into())].into();
                let crm = [("A".into(), there.into())].into();
                reconcile(cx, &only.rows[0], &app, &crm, Some(base))
            })
        };
        for there in [sent.as_str(), was, "of others alone"] {
            let out = sees(there, &base);
            assert_eq!(out.rule, FieldRule::F3, "{there}");
            let came = Value::text(there);
            assert_eq!(out.action, Action::Pull(vec![came]), "{there}");
        }
        // What a person leaves apart on purpose is owed to nobody.
        let held = BasePair {
            standing: Standing::Settled,
            ..base
        };
        assert_eq!(sees(&sent, &held).action, Action::Nothing);
    }
}

/// What others wrote there has not come to the App: nobody deletes it unasked.
#[test]
fn a_text_that_is_owed_to_the_app_has_moved_when_the_app_record_is_deleted() {
    let only = pair(vec![row(1, "a", "A", Flow::AppendBoth, Strategy::Ask)]);
    let sent = text(Flow::AppendBoth, "ours", "theirs", Some(("", "theirs"))).unwrap();
    let there = seen([("A".into(), sent.as_str().into())].into());
    let mut tomb = app(fields(["a", "b"], ["ours".into(), Value::Null]));
    tomb.presence = Presence::Deleted;
    let rule = |standing| {
        let base = BasePair {
            standing,
            ..base("ours".into(), sent.as_str().into())
        };
        let link = link([(RowId(1), base)].into());
        let input = Input {
            link: Some(&link),
            app: App::Tombstone(&tomb),
            crm: Crm::Live(&there),
        };
        with_context(Depth::Moves, |cx| plan(cx, &only, input).rule)
    };
    assert_eq!(rule(Standing::Owed), RecordRule::R8);
    assert_eq!(rule(Standing::Settled), RecordRule::R7);
}

#[test]
fn lines_are_sent_once_although_the_answer_was_lost_and_both_sides_went_on() {
    let b = Some(("a", "a"));
    let sent = text(Flow::AppendBoth, "a\nours", "a", b).unwrap();
    let theirs = format!("{sent}\ntheirs");
    let again = text(Flow::AppendBoth, "first\na\nours\nmore", &theirs, b).unwrap();
    assert!(again.starts_with(&theirs));
    for line in ["ours", "theirs", "first", "more"] {
        assert_eq!(again.matches(line).count(), 1, "{again}");
    }
    let pull = one(Flow::AppendBoth, Blanks::Propagate, "a\nours", &theirs, b);
    assert_eq!(pull.action, Action::Pull(vec![theirs.as_str().into()]));
}

#[test]
fn a_new_record_has_the_lines_of_all_rows_that_append() {
    let rows = vec![
        row(1, "a", "A", Flow::AppendBoth, Strategy::Ask),
        row(2, "b", "A", Flow::Append(OnFull::Reject), Strategy::Ask),
    ];
    let record = app(fields(["a", "b"], ["one\ntwo".into(), "three".into()]));
    let input = Input {
        link: None,
        app: App::Live(&record),
        crm: Crm::Absent,
    };
    let pair = pair(rows);
    let plan = with_context(Depth::Moves, |cx| plan(cx, &pair, input));
    let Act::CreateInCrm(sent) = plan.act else {
        panic!("{plan:?}");
    };
    let sent = sent[&FieldName::new("A")].to_string();
    let lines: Vec<_> = sent.lines().map(|l| l.split(' ').nth(1).unwrap()).collect();
    assert_eq!(lines, ["one", "two", "three"], "{sent}");
}

/// What was agreed is lost: what a person removed or corrected there stays so all the same.
#[test]
fn lines_that_were_removed_there_are_not_sent_again() {
    for flow in [Flow::Append(OnFull::Reject), Flow::AppendBoth] {
        let only = pair(vec![row(1, "a", "A", flow, Strategy::Ask)]);
        let sent = text(flow, "one\ntwo\nthree", "", None).unwrap();
        let mut known = Appended::new();
        known.entry("A".into()).or_default().note(&sent);
        let lines: Vec<&str> = sent.lines().collect();
        let removed = format!("{}\n{}", lines[0].replace("] one", "] 1"), lines[2]);
        let app: Fields = [("a".into(), "one\ntwo\nthree\nfour".into())].into();
        let crm: Fields = [("A".into(), removed.as_str().into())].into();
        let act = |appended: &Appended| {
            with_context(Depth::Moves, |cx| {
                let cx = Context { appended, ..*cx };
                reconcile(&cx, &only.rows[0], &app, &crm, None).action
            })
        };
        let Action::Append(block) = act(&known) else {
            panic!("{:?}", act(&known));
        };
        let now = block.appended_to(&removed);
        assert_eq!(now.lines().count(), 3, "{now}");
        assert!(now.contains("] four "), "{now}");
        // Forgotten, what was removed would come back: this is what the memory is for.
        let Action::Append(block) = act(&Appended::new()) else {
            panic!("nothing is appended");
        };
        assert_eq!(block.appended_to(&removed).lines().count(), 4);
    }
}

/// What another CRM record once had of ours says nothing about one that is made.
#[test]
fn a_record_that_is_made_anew_has_every_line() {
    let only = pair(vec![row(1, "a", "A", Flow::AppendBoth, Strategy::Ask)]);
    let mut known = Appended::new();
    let sent = text(Flow::AppendBoth, "one\ntwo", "", None).unwrap();
    known.entry("A".into()).or_default().note(&sent);
    let record = app(fields(["a", "b"], ["one\ntwo".into(), Value::Null]));
    let input = Input {
        link: None,
        app: App::Live(&record),
        crm: Crm::Absent,
    };
    let act = with_context(Depth::Moves, |cx| {
        let cx = Context {
            appended: &known,
            ..*cx
        };
        plan(&cx, &only, input).act
    });
    let Act::CreateInCrm(sent) = act else {
        panic!("{act:?}");
    };
    assert_eq!(sent[&FieldName::new("A")].to_string().lines().count(), 2);
}

/// A full text: what finds no room is refused here, before anything is sent, and only that row.
#[test]
fn lines_that_find_no_room_are_refused_or_the_oldest_make_room() {
    let long = "x".repeat(100);
    let there = text(Flow::AppendBoth, &long, "", None).unwrap();
    let plans = |on_full| {
        let rows = vec![
            row(1, "a", "A", Flow::Append(on_full), Strategy::Ask),
            row(2, "b", "A", Flow::Append(on_full), Strategy::Ask),
        ];
        let record = app(fields(
            ["a", "b"],
            [format!("n{long}").as_str().into(), "short".into()],
        ));
        let seen = seen([("A".into(), there.as_str().into())].into());
        let bases = [1, 2].map(|id| (RowId(id), base("".into(), there.as_str().into())));
        let link = link(bases.into());
        let input = Input {
            link: Some(&link),
            app: App::Live(&record),
            crm: Crm::Live(&seen),
        };
        with_context(Depth::Moves, |cx| plan(cx, &pair(rows), input))
    };
    let Plan { act, rows, .. } = plans(OnFull::Reject);
    assert!(matches!(rows[0].action, Action::Failed(_)), "{rows:?}");
    let Act::Fields { push, .. } = act else {
        panic!("{act:?}");
    };
    let now = push[&FieldName::new("A")].to_string();
    assert!(now.starts_with(&there) && now.contains("] short "), "{now}");
    let Act::Fields { push, .. } = plans(OnFull::Rotate).act else {
        panic!("nothing is written");
    };
    let now = push[&FieldName::new("A")].to_string();
    assert!(
        now.starts_with("\u{2026} 1 older lines in syncdeck\n["),
        "{now}"
    );
    assert!(now.contains("] short ") && now.contains(&format!("] n{long} ")));
    assert!(now.chars().count() <= 255);
}

#[test]
fn a_side_whose_blank_is_not_followed_did_not_move() {
    let keep = |flow, a, c| {
        let out = one(flow, Blanks::Keep, a, c, Some(("v", "v")));
        (out.rule, out.action)
    };
    let pull = (FieldRule::F3, Action::Pull(vec!["n".into()]));
    let push = (FieldRule::F2, Action::Push(vec!["n".into()]));
    let kept = (FieldRule::F1, Action::BlankKept);
    assert_eq!(keep(Flow::Both, "", "n"), pull);
    assert_eq!(keep(Flow::Both, "n", ""), push);
    assert_eq!(keep(Flow::Both, "", "v"), kept);
    assert_eq!(keep(Flow::Both, "v", ""), kept);
    assert_eq!(keep(Flow::Both, "", ""), (FieldRule::F4, Action::Adopt));
    // The CRM's value does not come here: it is nobody's business that the App has none.
    assert_eq!(keep(Flow::ToCrm(Foreign::Keep), "n", ""), {
        let out = one(
            Flow::ToCrm(Foreign::Keep),
            Blanks::Propagate,
            "n",
            "",
            Some(("v", "v")),
        );
        (out.rule, out.action)
    });
}

#[test]
fn what_was_never_agreed_or_goes_one_way_is_asked_about_before_a_delete() {
    let kept = app(fields(["a", "b"], ["v".into(), Value::Null]));
    let mut tomb = kept.clone();
    tomb.presence = Presence::Deleted;
    let act = |flow, bases: Bases, app: App<'_>, crm: Crm<'_>| {
        let mut pair = pair(vec![row(1, "a", "A", flow, Strategy::Ask)]);
        pair.pair.on_app_delete = DeletePolicy::Propagate;
        let link = link(bases);
        let input = Input {
            link: Some(&link),
            app,
            crm,
        };
        with_context(Depth::Moves, |cx| plan(cx, &pair, input).rule)
    };
    let agreed = |v: &str| Bases::from([(RowId(1), base(v.into(), v.into()))]);
    let there = seen(fields(["A", "B"], ["v".into(), Value::Null]));
    let empty = seen(fields(["A", "B"], [Value::Null, Value::Null]));
    for flow in [
        Flow::Both,
        Flow::ToCrm(Foreign::Keep),
        Flow::ToApp(Foreign::Keep),
    ] {
        let tomb = || App::Tombstone(&tomb);
        assert_eq!(
            act(flow, agreed("v"), tomb(), Crm::Live(&there)),
            RecordRule::R7
        );
        assert_eq!(
            act(flow, agreed("w"), tomb(), Crm::Live(&there)),
            RecordRule::R8
        );
        assert_eq!(
            act(flow, Bases::new(), tomb(), Crm::Live(&there)),
            RecordRule::R8
        );
        assert_eq!(
            act(flow, Bases::new(), tomb(), Crm::Live(&empty)),
            RecordRule::R7
        );
        let live = || App::Live(&kept);
        assert_eq!(
            act(flow, agreed("w"), live(), Crm::Deleted(None)),
            RecordRule::R10
        );
        assert_eq!(
            act(flow, Bases::new(), live(), Crm::Deleted(None)),
            RecordRule::R10
        );
        assert_eq!(
            act(flow, agreed("v"), live(), Crm::Deleted(None)),
            RecordRule::R9
        );
    }
}
