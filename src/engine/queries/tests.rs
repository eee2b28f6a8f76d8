//! Lists and details over a store with records in conflict.

use jiff::SignedDuration;

use super::{conflict, conflicts, run, runs};
use crate::domain::conflict::Choice;
use crate::domain::id::{AppId, RowId, RunId};
use crate::domain::run::{Cause, Counts, Failure, RecordResult, ResultKind, Run, RunState, Word};
use crate::domain::transform::Side;
use crate::domain::value::Value;
use crate::engine::command::{Page, RecordKey};
use crate::engine::decisions::tests::world::{World, crm_id, fields};
use crate::engine::mappings;
use crate::engine::mappings::fixture::at;
use crate::engine::summary::Target;
use crate::engine::tables::Quarantined;
use crate::engine::tx::{Durability, Tx};
use crate::engine::view::FieldStanding;
use crate::engine::wanted::Wanted;
use crate::error::Error;

const FIRST: Page = Page {
    offset: 0,
    limit: 2,
};

fn in_conflict(world: &mut World, n: usize) -> RecordKey {
    let key = world.record(n);
    world.edit_app(&key, fields([("title", "Countess"), ("notes", "app text")]));
    world.edit_crm(
        n,
        fields([("Title", "Engineer"), ("Description", "crm text")]),
    );
    world.poll(crm_id(n));
    key
}

#[test]
fn conflicts_are_listed_oldest_first_in_parts() {
    let mut world = World::new();
    let keys: Vec<_> = [3, 1, 2].map(|n| in_conflict(&mut world, n)).into();
    let first = conflicts(&world.state, "", FIRST, world.now(), &Wanted::default()).unwrap();
    assert_eq!(first.total, 3);
    let listed: Vec<_> = first.rows.iter().map(|r| r.key.clone()).collect();
    assert_eq!(listed, keys[..2]);
    let page = Page {
        offset: 2,
        limit: 2,
    };
    let rest = conflicts(&world.state, "", page, world.now(), &Wanted::default()).unwrap();
    assert_eq!((rest.rows.len(), &rest.rows[0].key), (1, &keys[2]));
    assert!(rest.rows[0].since > first.rows[0].since);
}

#[test]
fn conflicts_are_found_by_field_value_and_standing() {
    let mut world = World::new();
    let keys: Vec<_> = [3, 1, 2].map(|n| in_conflict(&mut world, n)).into();
    world.stage(&world.conflict_on(&keys[1], 2), Choice::Take(Side::App));
    let found = |filter: &str, page: Page| {
        let part = conflicts(&world.state, filter, page, world.now(), &Wanted::default()).unwrap();
        let shown: Vec<_> = part.rows.iter().map(|r| r.key.clone()).collect();
        (part.total, shown)
    };
    let all = Page {
        offset: 0,
        limit: 9,
    };
    assert_eq!(found("field:title", FIRST), (3, keys[..2].to_vec()));
    assert_eq!(found("state:part", all), (1, vec![keys[1].clone()]));
    assert_eq!(found("crm:engineer -state:part", all).0, 2);
    assert_eq!(found("app:engineer", all).0, 0);
    assert_eq!(found("pair:nobody", all).0, 0);
    let error = conflicts(
        &world.state,
        "fild:title",
        all,
        world.now(),
        &Wanted::default(),
    )
    .unwrap_err();
    assert!(error.to_string().contains("did you mean field?"), "{error}");
}

#[test]
fn the_word_follows_the_decisions() {
    let mut world = World::new();
    let key = in_conflict(&mut world, 1);
    let row = |world: &World| {
        conflicts(&world.state, "", FIRST, world.now(), &Wanted::default())
            .unwrap()
            .rows
            .remove(0)
    };
    let one = row(&world);
    assert_eq!((one.word, one.open, one.decided), (Word::Conf, 2, 0));
    assert_eq!(
        (one.waits_for.as_str(), one.name.as_str()),
        ("you", "Lovelace")
    );
    assert_eq!(one.conflicts.len(), 2);
    world.stage(&world.conflict_on(&key, 2), Choice::Take(Side::App));
    let one = row(&world);
    assert_eq!((one.word, one.waits_for.as_str()), (Word::Part, "1 field"));
    world.stage(&world.conflict_on(&key, 3), Choice::Take(Side::App));
    let one = row(&world);
    assert_eq!(
        (one.word, one.waits_for.as_str()),
        (Word::Ready, "w to write")
    );
    for row in [2, 3] {
        world.stage(&world.conflict_on(&key, row), Choice::Ignore);
    }
    assert_eq!(row(&world).word, Word::Hold);
}

#[test]
fn a_detail_shows_both_sides_and_what_will_be_written() {
    let mut world = World::new();
    let key = in_conflict(&mut world, 1);
    let look = |world: &World| {
        conflict(&world.state, &world.settings, &key, world.now())
            .unwrap()
            .unwrap()
    };
    let before = look(&world);
    assert_eq!(before.fields.len(), 2);
    assert!(before.writes.lines.is_empty());
    let title = &before.fields[0];
    assert_eq!(
        (title.row, &title.standing),
        (RowId(2), &FieldStanding::Open)
    );
    assert_eq!(
        title.base.as_ref().unwrap().app,
        vec![Value::text("Analyst")]
    );
    assert_eq!(title.app_origin.by.as_deref(), Some("jo"));
    assert_eq!(title.limits, (20, 20));
    assert!(before.same.iter().any(|(label, _)| label == "name"));

    world.stage(&world.conflict_on(&key, 2), Choice::Take(Side::Crm));
    let after = look(&world);
    let title = &after.fields[0];
    let engineer = vec![Value::text("Engineer")];
    assert_eq!(title.result, Some((engineer.clone(), engineer.clone())));
    assert_eq!(after.writes.lines.len(), 1);
    let line = &after.writes.lines[0];
    assert_eq!(
        (line.to, &line.after, line.by.as_str()),
        (Side::App, &engineer, "you")
    );
    assert!(
        after
            .history
            .iter()
            .any(|l| l.text.contains("jo decided title"))
    );
}

#[test]
fn a_detail_shows_values_as_they_are_now() {
    let mut world = World::new();
    let key = in_conflict(&mut world, 1);
    world.edit_app(&key, fields([("title", "Later")]));
    let seen = conflict(&world.state, &world.settings, &key, world.now());
    let title = seen.unwrap().unwrap().fields.remove(0);
    assert_eq!(title.app, Some(vec![Value::text("Later")]));
    // A decision on what is shown now is taken, though no run has looked at it yet.
    let decide = crate::engine::command::Decide {
        conflict: title.conflict.unwrap(),
        fp: title.fp,
        choice: Some(Choice::Take(Side::App)),
    };
    let (state, settings) = (&world.state, &world.settings);
    let done = crate::engine::decisions::decide(state, settings, "jo", vec![decide], world.now());
    assert_eq!(done.unwrap().staged, 1);
    world.write(&key);
    assert_eq!(world.crm_value(1, "Title"), "Later");
}

fn put_run(tx: &mut Tx<'_>, id: u64, pair: &str, world: &World) {
    tx.put_run(&Run {
        id: RunId(id),
        pair: pair.into(),
        cause: Cause::Person,
        state: RunState::SucceededWithErrors,
        started_at: world.now(),
        ended_at: None,
        mapping_version: 1,
        counts: Counts::default(),
        calls: 0,
        failure: None,
    });
}

fn failed(tx: &mut Tx<'_>, id: &str, code: &str, field: &str) -> Failure {
    let failure = Failure {
        code: code.into(),
        what: format!("{code} happened"),
        why: "because".into(),
        fix: "do this".into(),
        fields: vec![field.into()],
        request: String::new(),
    };
    tx.put_result(&RecordResult {
        run: RunId(2),
        app_id: AppId::new(id),
        crm_id: None,
        name: id.to_uppercase(),
        kind: ResultKind::Quarantined,
        did: String::new(),
        failure: Some(failure.clone()),
        tries: 1,
    })
    .unwrap();
    failure
}

#[test]
fn runs_are_listed_newest_first_and_by_pair() {
    let world = World::new();
    let mut tx = world.state.begin();
    for (id, pair) in [(1, "leads"), (2, "other"), (3, "leads"), (4, "leads")] {
        put_run(&mut tx, id, pair, &world);
    }
    tx.commit(Durability::Now).unwrap();
    let ids = |pair: Option<&str>, offset| {
        let pair = pair.map(Into::into);
        let page = Page { offset, limit: 2 };
        let part = runs(&world.state, pair.as_ref(), "", page, at(9)).unwrap();
        let ids: Vec<u64> = part.rows.iter().map(|r| r.run.id.0).collect();
        (ids, part.total)
    };
    assert_eq!(ids(None, 0), (vec![4, 3], 4));
    assert_eq!(ids(None, 3), (vec![1], 4));
    assert_eq!(ids(Some("leads"), 1), (vec![3, 1], 3));
    let titled = runs(&world.state, None, "", FIRST, at(9)).unwrap();
    assert_eq!(titled.rows[0].title, "Lead <-> leads");
    let filtered = |filter: &str| {
        let part = runs(&world.state, None, filter, FIRST, at(9))?;
        Ok::<_, Error>(part.rows.iter().map(|r| r.run.id.0).collect::<Vec<_>>())
    };
    assert_eq!(filtered("pair:=other").unwrap(), [2]);
    assert_eq!(filtered("run:>2 -run:4").unwrap(), [3]);
    assert_eq!(filtered("title:lead state:fail").unwrap(), [0; 0]);
    let error = filtered("pari:leads").unwrap_err();
    assert!(
        error
            .message()
            .contains("a run has no field pari; did you mean pair?")
    );
    assert!(run(&world.state, RunId(9), FIRST).is_err());
}

#[test]
fn a_run_groups_its_errors_by_cause() {
    let world = World::new();
    let mut tx = world.state.begin();
    put_run(&mut tx, 2, "leads", &world);
    failed(&mut tx, "a", "STRING_TOO_LONG", "Title");
    for id in ["b", "c"] {
        let failure = failed(&mut tx, id, "REQUIRED_FIELD_MISSING", "Nowhere__c");
        let entry = Quarantined {
            payload: 0,
            mapping_version: 1,
            failure,
            tries: 1,
            first: world.now(),
            last: world.now(),
            run: RunId(2),
        };
        tx.quarantine(&"leads".into(), &AppId::new(id), Some(&entry), world.now())
            .unwrap();
    }
    tx.log(world.now(), Word::Info, Some(RunId(2)), "began");
    tx.log(world.now(), Word::Ok, Some(RunId(2)), "ended");
    tx.commit(Durability::Now).unwrap();
    let detail = run(&world.state, RunId(2), FIRST).unwrap();
    let held: Vec<_> = detail.held.iter().map(AppId::as_str).collect();
    assert_eq!(
        held,
        ["b"],
        "of the page: the first was released, the third is not on it"
    );
    let groups: Vec<_> = detail
        .groups
        .iter()
        .map(|g| (g.code.as_str(), g.records, g.retry))
        .collect();
    assert_eq!(
        groups,
        [
            ("REQUIRED_FIELD_MISSING", 2, true),
            ("STRING_TOO_LONG", 1, false)
        ]
    );
    assert_eq!(
        detail.groups[1].target,
        Some(Target::Mapping("leads".into(), Some(RowId(2))))
    );
    assert_eq!((detail.records.rows.len(), detail.records.total), (2, 3));
    let steps: Vec<_> = detail.steps.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(steps, ["began", "ended"]);
}

#[test]
fn a_rule_decides_as_many_conflicts_as_were_promised() {
    use crate::domain::mapping::{Flow, Strategy};

    for (rule, promised) in [
        (Strategy::App, 3),
        (Strategy::Crm, 3),
        (Strategy::Filled, 1),
        (Strategy::Newest, 1),
        (Strategy::NewestOrApp, 3),
    ] {
        let mut world = World::new();
        // Nothing is later inside of it: the App changed ten seconds before, but the third later.
        world.settings.clock_error = SignedDuration::from_secs(15);
        let keys = [1, 2, 3].map(|n| in_conflict(&mut world, n));
        let unheard = conflict(&world.state, &world.settings, &keys[0], world.now());
        let unheard = unheard.unwrap().unwrap().rules;
        assert!(unheard.iter().all(|rules| rules.by_time.is_none()));
        // One side of the third is empty, and the second was set aside.
        world.edit_app(&keys[2], fields([("title", "")]));
        world.reconcile(&keys[2]);
        world.stage(&world.conflict_on(&keys[1], 2), Choice::Ignore);
        let now = world.now();
        world.state.hear_clock(now, now, now);
        let shown = conflict(&world.state, &world.settings, &keys[0], world.now());
        let shown = shown.unwrap().unwrap().rules;
        let title = shown.iter().find(|r| r.row == RowId(2)).unwrap();
        assert_eq!((title.open, title.looked_at), (3, 3));
        assert_eq!((title.one_side, title.filled), (3, 1));
        let by_time = title.by_time.unwrap();
        assert_eq!((by_time.newest, by_time.or_a_side), (1, 3));
        let mut draft = world.state.pair(&"leads".into()).unwrap().unwrap();
        draft.rows[1].strategy = rule;
        let said = mappings::preview(&world.state, &draft, RowId(2), 1, world.now()).unwrap();
        let decides = format!(
            "The rule {} decides {promised} of 3 open conflicts of",
            rule.name()
        );
        let mut lines = said.after_saving;
        // Of the rules that stay nothing is said, and here nothing of one that goes by time.
        lines.retain(|line| line.starts_with("The rule"));
        assert_eq!(lines.is_empty(), rule.is_by_time(), "{lines:?}");
        assert!(lines.iter().all(|l| l.starts_with(&decides)), "{lines:?}");
        world.change_pair(|pair| pair.rows[1].strategy = rule);
        for key in &keys {
            world.reconcile(key);
        }
        let left = keys.iter().flat_map(|key| world.open(key));
        let left = left.filter(|c| c.row == Some(RowId(2))).count();
        assert_eq!(3 - left, promised, "{rule:?}");
        // A row that goes one way asks nobody, so no rule is offered for it.
        world.change_pair(|pair| pair.rows[2].flow = Flow::PreferApp);
        let shown = conflict(&world.state, &world.settings, &keys[0], world.now());
        let of = |d: &crate::engine::view::RowRules| d.row == RowId(3);
        assert!(!shown.unwrap().unwrap().rules.iter().any(of));
    }
}

#[test]
fn of_very_many_conflicts_a_rule_says_how_many_it_looked_at() {
    use crate::domain::mapping::Strategy;

    let mut world = World::new();
    for n in 1..=501 {
        in_conflict(&mut world, n);
    }
    let mut draft = world.state.pair(&"leads".into()).unwrap().unwrap();
    draft.rows[1].strategy = Strategy::App;
    let said = mappings::preview(&world.state, &draft, RowId(2), 1, world.now()).unwrap();
    let says = "The rule app decides 500 of the 500 looked at of 501 open conflicts of ";
    let lines = said.after_saving;
    assert!(lines.iter().any(|l| l.starts_with(says)), "{lines:?}");
}
