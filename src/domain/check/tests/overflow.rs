//! Lines that become records of another pair: that pair makes them, and knows what they belong to.

use super::*;
use crate::domain::mapping::{OnFull, Overflow};
use crate::domain::schedule::Schedule;
use crate::domain::schema::FieldInfo;

fn row(id: u16, app: &str, crm: &str, to_crm: &str) -> Row {
    Row {
        id: RowId(id),
        app: vec![app.into()],
        crm: vec![crm.into()],
        flow: Flow::ToCrm(Foreign::Keep),
        to_crm: to_crm.parse().unwrap(),
        ..accounts().rows[0].clone()
    }
}

/// Accounts whose description appends, and notes that take its lines.
fn two() -> (Pair, Pair) {
    let mut parent = accounts();
    row_of(&mut parent, "description").flow = Flow::Append(OnFull::Child);
    parent.overflow = Some(Overflow {
        pair: "lines".into(),
        parent: RowId(2),
        text: RowId(1),
    });
    let mut child = accounts();
    child.name = "lines".into();
    for pair in [&mut parent, &mut child] {
        pair.schedule = Schedule::Every { minutes: 15 };
    }
    child.object = "Line__c".into();
    child.table = "lines".into();
    child.create_in_crm = Creates::Allowed;
    child.key_field = Some("Key__c".into());
    child.app_fields = [
        ("text", FieldKind::LongText),
        ("of", FieldKind::Reference),
        ("title", FieldKind::Text),
    ]
    .map(|(name, kind)| AppField {
        name: name.into(),
        kind,
        length: 0,
    })
    .into();
    child.rows = vec![
        row(1, "text", "Text__c", ""),
        row(2, "of", "Account__c", &format!("link({})", parent.name)),
        row(3, "title", "Title__c", "default(\"Note\")"),
    ];
    (parent, child)
}

fn object() -> ObjectInfo {
    let field = |name: &str, kind, length| FieldInfo {
        createable: true,
        updateable: true,
        ..FieldInfo::new(name, kind, length)
    };
    let mut title = field("Title__c", FieldKind::Text, 80);
    title.nillable = false;
    title.defaulted = false;
    let fields = [
        field("Text__c", FieldKind::LongText, 32_000),
        field("Account__c", FieldKind::Reference, 18),
        title,
    ];
    ObjectInfo {
        name: "Line__c".into(),
        createable: true,
        fields: fields.map(|f| (f.name.clone(), f)).into(),
        ..described(&"Account".into())
    }
}

type Edit = fn(&mut Pair, &mut Pair, &mut ObjectInfo);

#[track_caller]
fn finds(edit: Edit, severity: Severity, says: &str) {
    let (mut parent, mut child) = two();
    let mut lines = object();
    edit(&mut parent, &mut child, &mut lines);
    let account = described(&parent.object);
    let found = check(&parent, Some(&account), &[child], &[lines], &[]);
    let overflow = found.iter().filter(|f| f.text.contains(says));
    let overflow: Vec<_> = overflow.map(|f| f.severity).collect();
    assert_eq!(overflow, [severity], "{says}: {found:#?}");
    assert!(found.iter().all(|f| !f.fix.is_empty()));
}

#[test]
fn lines_that_find_no_room_have_a_pair_that_takes_them() {
    let (parent, child) = two();
    let account = described(&parent.object);
    let found = check(
        &parent,
        Some(&account),
        std::slice::from_ref(&child),
        &[object()],
        &[],
    );
    assert_eq!(found, [], "as it should be");
    // A line passes by what a row gives by itself, and by what it says.
    for filter in ["Title__c:Note", "Text__c:Called"] {
        let mut picky = child.clone();
        picky.filter = filter.to_owned();
        let found = check(&parent, Some(&account), &[picky], &[object()], &[]);
        assert_eq!(found, [], "{filter}");
    }
    use Severity::{Fail, Warn};
    let edits: [(Edit, Severity, &str); 15] = [
        (
            |_, c, _| c.schedule = Schedule::Manual,
            Warn,
            "wait until somebody syncs lines",
        ),
        (
            |_, c, _| {
                c.rows[2].flow = Flow::ToApp(Foreign::Keep);
                c.filter = "Title__c:Note".to_owned();
            },
            Warn,
            "the filter of lines asks for Title__c",
        ),
        (
            |_, c, _| {
                c.rows[2].to_crm = "trim".parse().unwrap();
                c.filter = "Title__c:Note".to_owned();
            },
            Warn,
            "the filter of lines asks for Title__c",
        ),
        (
            |p, _, _| p.overflow = None,
            Fail,
            "does not say of which pair",
        ),
        (
            |p, _, _| row_of(p, "description").flow = Flow::Append(OnFull::Rotate),
            Warn,
            "no row has on_full",
        ),
        (
            |p, _, _| p.overflow.as_mut().unwrap().pair = p.name.clone(),
            Fail,
            "the pair itself",
        ),
        (
            |_, c, _| c.name = "other".into(),
            Fail,
            "which there is not",
        ),
        (
            |_, c, _| c.key_field = None,
            Fail,
            "which makes none in Salesforce",
        ),
        (
            |_, c, _| c.rows[0].switch = Switch::Off,
            Fail,
            "names row 1 of lines",
        ),
        (
            |_, c, _| c.rows[1].to_crm = "trim".parse().unwrap(),
            Fail,
            "looks up no record of",
        ),
        (
            |_, c, _| c.rows[0].flow = Flow::Append(OnFull::Reject),
            Fail,
            "cannot take what a line says",
        ),
        (
            |p, _, _| p.overflow.as_mut().unwrap().text = RowId(2),
            Fail,
            "cannot take what a line says",
        ),
        (
            |_, _, o| o.createable = false,
            Fail,
            "may not create Line__c",
        ),
        (
            |_, _, o| o.fields.get_mut("Text__c").unwrap().kind = FieldKind::Text,
            Warn,
            "a longer line is refused",
        ),
        (
            |_, c, _| c.rows[2].to_crm = Default::default(),
            Fail,
            "wants Title__c in every new Line__c, and a line gives none",
        ),
    ];
    for (edit, severity, says) in edits {
        finds(edit, severity, says);
    }
}

type Change = fn(&mut Pair);

/// What the check of the pair that takes lines says of them, and how bad each is.
fn taker_says(parent: &Pair, older: &Pair, child: &Pair) -> Vec<(Severity, String)> {
    let others = [parent.clone(), older.clone()];
    let found = check(child, Some(&object()), &others, &[], &[]);
    let lines = found.into_iter().filter(|f| f.text.contains("come here"));
    lines.map(|f| (f.severity, f.text)).collect()
}

#[test]
fn a_pair_that_takes_lines_is_not_saved_without_a_place_for_them() {
    use Severity::{Fail, Warn};
    let (parent, child) = two();
    assert_eq!(taker_says(&parent, &child, &child), []);
    let edits: [(Change, &str); 4] = [
        (|c| c.rows[0].switch = Switch::Off, "names row 1 of lines"),
        (|c| drop(c.rows.remove(1)), "names row 2 of lines"),
        (|c| c.key_field = None, "makes none in Salesforce"),
        (|c| c.rows[2].to_crm = Default::default(), "wants Title__c"),
    ];
    for (edit, says) in edits {
        let mut broken = child.clone();
        edit(&mut broken);
        let found = taker_says(&parent, &child, &broken);
        assert!(
            matches!(&found[..], [(Fail, text)] if text.contains(says)),
            "{says}: {found:?}"
        );
        // What is so already does not keep it from being changed otherwise.
        let found = taker_says(&parent, &broken, &broken);
        assert!(
            matches!(&found[..], [(Warn, text)] if text.contains(says)),
            "{says}: {found:?}"
        );
        // Lines that go nowhere are nothing to it.
        let mut silent = parent.clone();
        silent.overflow = None;
        assert_eq!(taker_says(&silent, &child, &broken), []);
    }
    let mut slow = child.clone();
    slow.schedule = Schedule::Manual;
    let found = taker_says(&parent, &child, &slow);
    assert!(
        matches!(&found[..], [(Warn, text)] if text.contains("somebody syncs lines")),
        "{found:?}"
    );
    let mut both = parent;
    both.schedule = Schedule::Manual;
    assert_eq!(taker_says(&both, &slow, &slow), []);
}
