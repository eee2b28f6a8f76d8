//! Mapping files: what is written is read back, and mistakes are named with their place.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{Named, from_toml, to_toml};
use crate::domain::id::{FieldName, RowId};
use crate::domain::mapping::{
    AppField, BadFields, Blanks, Converts, Creates, DeletePolicy, FirstLink, Flow, Guard, Leaves,
    Mark, OnFull, Overflow, Pair, Refresh, Row, Strategy as Winner, Switch,
};
use crate::domain::schedule::Schedule;
use crate::domain::transform::{Chain, Step};
use crate::domain::value::FieldKind;

/// Names and texts with everything that could break out of quotes.
fn texts() -> impl Strategy<Value = String> {
    "[a-zA-Z_ \"'\\\\\n\t\u{1}\u{7f}\u{e9}\u{1f600}#=\\[\\]]{0,10}"
}

fn names() -> impl Strategy<Value = FieldName> {
    texts().prop_map(FieldName::new)
}

fn one<T: Named + std::fmt::Debug>() -> impl Strategy<Value = T> {
    proptest::sample::select(T::NAMES).prop_map(|(value, _)| value)
}

fn chains() -> impl Strategy<Value = Chain> {
    let step = prop_oneof![
        Just(Step::Trim),
        Just(Step::SplitName),
        Just(Step::User),
        (0u32..999).prop_map(Step::Cut),
        (0u8..=18).prop_map(Step::Number),
        texts().prop_map(Step::Prefix),
        texts().prop_map(Step::Concat),
        "[a-z]{1,5}".prop_map(|p| Step::Link(p.as_str().into())),
        (
            proptest::collection::vec((texts(), texts()), 1..3),
            proptest::option::of(texts())
        )
            .prop_map(|(pairs, other)| Step::Map { pairs, other }),
    ];
    proptest::collection::vec(step, 0..4).prop_map(Chain)
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let fields = || proptest::collection::vec(names(), 1..4);
    let row = (
        (fields(), fields(), chains(), chains()),
        flows(),
        proptest::sample::select(&Winner::ALL[..]),
        (one::<Blanks>(), one::<Switch>()),
    );
    let rows = proptest::collection::btree_map(any::<u16>(), row, 0..4);
    rows.prop_map(|rows| {
        let rows = rows.into_iter();
        rows.map(|(id, (both, flow, strategy, (blanks, switch)))| Row {
            id: RowId(id),
            app: both.0,
            crm: both.1,
            flow,
            to_crm: both.2,
            to_app: both.3,
            strategy,
            blanks,
            switch,
        })
        .collect()
    })
}

fn flows() -> impl Strategy<Value = Flow> {
    let hours = any::<std::num::NonZeroU16>();
    prop_oneof![
        4 => proptest::sample::select(Flow::choices().collect::<Vec<_>>()),
        1 => hours.prop_map(|hours| Flow::Computed(Refresh::Hours(hours))),
        1 => proptest::sample::select(&OnFull::ALL[..]).prop_map(Flow::Append),
    ]
}

fn overflows() -> impl Strategy<Value = Overflow> {
    (texts(), any::<u16>(), any::<u16>()).prop_map(|(pair, parent, text)| Overflow {
        pair: pair.as_str().into(),
        parent: RowId(parent),
        text: RowId(text),
    })
}

fn app_fields() -> impl Strategy<Value = Vec<AppField>> {
    let kind = prop_oneof![
        one::<FieldKind>(),
        (0u8..=18).prop_map(|scale| FieldKind::Number { scale }),
    ];
    let fields = proptest::collection::btree_map(names(), (kind, any::<u32>()), 0..4);
    fields.prop_map(|fields| {
        let fields = fields.into_iter();
        fields
            .map(|(name, (kind, length))| AppField { name, kind, length })
            .collect()
    })
}

fn pairs() -> impl Strategy<Value = Pair> {
    let schedule = prop_oneof![
        Just(Schedule::Manual),
        (1u16..).prop_map(|minutes| Schedule::Every { minutes }),
        Just("daily at 06:30 Europe/Berlin".parse().unwrap()),
        Just("cron 0 6 * * mon-fri UTC".parse().unwrap()),
    ];
    let ids = proptest::collection::vec(any::<u16>().prop_map(RowId), 0..3);
    (
        (
            texts(),
            texts(),
            texts(),
            names(),
            proptest::option::of(names()),
        ),
        (1u32.., app_fields(), rows(), schedule),
        (
            one::<Creates>(),
            one::<Creates>(),
            one::<DeletePolicy>(),
            prop_oneof![
                one::<DeletePolicy>(),
                (names(), texts())
                    .prop_map(|(field, value)| DeletePolicy::MarkWith(Mark { field, value })),
            ],
        ),
        (
            one::<Guard>(),
            one::<FirstLink>(),
            proptest::sample::select(&Winner::ALL[..]),
            texts(),
            one::<Leaves>(),
            one::<BadFields>(),
            one::<Converts>(),
            proptest::option::of(overflows()),
        ),
        proptest::collection::vec(ids, 0..3),
    )
        .prop_map(|(words, parts, acts, rules, match_on)| Pair {
            name: words.0.as_str().into(),
            object: words.1.as_str().into(),
            table: words.2.as_str().into(),
            title: words.3,
            key_field: words.4,
            version: parts.0,
            app_fields: parts.1,
            rows: parts.2,
            schedule: parts.3,
            create_in_app: acts.0,
            create_in_crm: acts.1,
            on_crm_delete: acts.2,
            on_app_delete: acts.3,
            guard: rules.0,
            first_link: rules.1,
            strategy: rules.2,
            match_on,
            filter: rules.3,
            on_leave: rules.4,
            bad_fields: rules.5,
            on_convert: rules.6,
            overflow: rules.7,
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(pairs in proptest::collection::vec(pairs(), 0..3)) {
        let mut pairs = pairs;
        for (i, pair) in pairs.iter_mut().enumerate() {
            pair.name = format!("{} {i}", pair.name).as_str().into();
        }
        let text = to_toml(&pairs);
        prop_assert_eq!(from_toml(&text), Ok(pairs), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        let _ = from_toml(&text);
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(at in 0usize..2_000, with in "\\PC{0,3}") {
        let mut text = SMALL.to_owned();
        let at = (0..=at % text.len()).rev().find(|i| text.is_char_boundary(*i)).unwrap();
        text.insert_str(at, &with);
        if let Err(errors) = from_toml(&text) {
            prop_assert!(!errors.is_empty());
            let lines = text.lines().count() + 1;
            prop_assert!(errors.iter().all(|e| e.line >= 1 && e.line <= lines && e.column >= 1));
        }
    }
}

const SMALL: &str = "\
format = 1

[[pair]]
name = \"leads\"
object = \"Lead\"
table = \"leads\"
title = \"name\"
fields = [{ name = \"name\", kind = \"text\", length = 80 }]

[[pair.row]]
id = 1
app = \"name\"
crm = [\"FirstName\", \"LastName\"]
flow = \"to_app\"
to_app = 'concat(\" \")'
";

fn errors(find: &str, replace: &str) -> Vec<String> {
    let text = SMALL.replacen(find, replace, 1);
    assert_ne!(text, SMALL, "{find} is not in the file");
    let errors = from_toml(&text).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_left_out_has_its_usual_value() {
    let pairs = from_toml(SMALL).unwrap();
    let pair = &pairs[0];
    assert_eq!((pair.version, &pair.key_field), (1, &None));
    assert_eq!(
        (pair.on_crm_delete.clone(), pair.on_app_delete.clone()),
        (DeletePolicy::Mark, DeletePolicy::Unlink)
    );
    assert_eq!(
        (pair.guard, pair.schedule.clone()),
        (Guard::Precondition, Schedule::Manual)
    );
    assert_eq!(pair.rows[0].crm.len(), 2);
    assert_eq!(
        (pair.rows[0].switch, pair.rows[0].strategy),
        (Switch::On, Winner::Inherit)
    );
}

#[test]
fn a_mark_in_salesforce_is_a_field_with_its_value() {
    let with = |lines: &str| {
        let title = "title = \"name\"\n";
        SMALL.replacen(title, &format!("{title}{lines}\n"), 1)
    };
    let both = "on_app_delete = \"mark\"\nmark_field = \"Site\"\nmark_value = \"gone\"";
    let pairs = from_toml(&with(both)).unwrap();
    let mark = Mark {
        field: "Site".into(),
        value: "gone".to_owned(),
    };
    assert_eq!(pairs[0].on_app_delete, DeletePolicy::MarkWith(mark));
    for (lines, expected) in [
        (
            "on_app_delete = \"mark\"\nmark_field = \"Site\"",
            "mark_value",
        ),
        (
            "on_app_delete = \"mark\"\nmark_value = \"gone\"",
            "mark_field",
        ),
        (
            "mark_field = \"Site\"\nmark_value = \"gone\"",
            "on_app_delete",
        ),
    ] {
        let errors = from_toml(&with(lines)).unwrap_err();
        let expected = format!("expected `{expected} = ");
        assert!(errors[0].to_string().contains(&expected), "{errors:?}");
    }
}

#[test]
fn what_a_full_text_does_is_read_with_the_flow() {
    let appends = |flow: &str, on_full: &str| {
        let with = format!("flow = \"{flow}\"\non_full = \"{on_full}\"");
        let text = SMALL.replacen("flow = \"to_app\"", &with, 1);
        from_toml(&text).map(|pairs| pairs[0].rows[0].flow)
    };
    for on_full in OnFull::ALL {
        let read = appends("append", on_full.name());
        assert_eq!(read, Ok(Flow::Append(on_full)));
    }
    assert_eq!(appends("append_both", "reject"), Ok(Flow::AppendBoth));
    for (flow, on_full, why) in [
        (
            "append_both",
            "rotate",
            "line 15, column 11: with flow \"append_both\" the App's text",
        ),
        (
            "both",
            "reject",
            "line 15, column 11: flow \"both\" appends nothing",
        ),
        (
            "append_both",
            "overflow_child",
            "line 15, column 11: with flow \"append_both\" the App's text",
        ),
        ("append", "rotat", "did you mean rotate"),
    ] {
        let errors = appends(flow, on_full).unwrap_err();
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|e| e.contains(why)), "{said:?}");
    }
}

#[test]
fn where_lines_go_that_find_no_room_is_named_whole() {
    let with = |value: &str| {
        let title = "title = \"name\"";
        let text = SMALL.replacen(title, &format!("{title}\noverflow = {value}"), 1);
        from_toml(&text).map(|pairs| pairs[0].overflow.clone())
    };
    let tasks = Overflow {
        pair: "tasks".into(),
        parent: RowId(2),
        text: RowId(1),
    };
    let whole = "{ pair = \"tasks\", parent = 2, text = 1 }";
    assert_eq!(with(whole), Ok(Some(tasks)));
    for (value, expected) in [
        ("\"tasks\"", "line 8, column 12: expected a pair and two"),
        (
            "{ pair = \"tasks\", parent = 2 }",
            "line 8, column 12: expected `text = ROW` here",
        ),
        (
            "{ pair = \"tasks\", parent = -2, text = 1 }",
            "line 8, column 39: expected a row id",
        ),
        (
            "{ pair = \"tasks\", parent = 2, text = 1, texd = 1 }",
            "\"texd\" is no key here",
        ),
    ] {
        let errors = with(value).unwrap_err();
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|e| e.contains(expected)), "{said:?}");
    }
}

#[test]
fn mistakes_are_named_with_place_and_remedy() {
    for (find, replace, expected) in [
        (
            "format = 1",
            "",
            "line 1, column 1: expected `format = 1` at the top",
        ),
        (
            "format = 1",
            "format = 2",
            "line 1, column 10: expected format 1; this file is of another version",
        ),
        (
            "title = \"name\"\n",
            "",
            "line 3, column 1: expected `title = \"...\"` here",
        ),
        (
            "table =",
            "tabel =",
            "line 6, column 1: \"tabel\" is no key here",
        ),
        (
            "\"to_app\"",
            "\"to_ap\"",
            "line 14, column 8: \"to_ap\" is no flow",
        ),
        (
            "kind = \"text\"",
            "kind = \"txt\"",
            "line 8, column 35: \"txt\" is no kind",
        ),
        (
            "id = 1",
            "id = -1",
            "line 11, column 6: expected a row id from 0 to 65535",
        ),
        (
            "id = 1",
            "id = \"1\"",
            "line 11, column 6: expected a row id from 0 to 65535",
        ),
        (
            "crm = [\"FirstName\", \"LastName\"]",
            "crm = []",
            "line 13, column 7: expected a field name or a list of them",
        ),
        (
            "'concat(\" \")'",
            "'trim, concatt(\" \")'",
            "line 15, column 17: to_app: expected one of trim",
        ),
        (
            "length = 80",
            "length = -8",
            "line 8, column 52: expected a number of characters",
        ),
        ("table = \"leads\"", "table = leads", "line 6, column 9:"),
    ] {
        let found = errors(find, replace);
        assert!(
            found.iter().any(|e| e.starts_with(expected)),
            "{expected:?} is not in {found:#?}"
        );
    }
    for (find, replace, meant) in [
        ("table =", "tabel =", "table"),
        ("\"to_app\"", "\"to_ap\"", "to_app"),
        ("kind = \"text\"", "kind = \"txt\"", "text"),
        ("'concat(\" \")'", "'trim, concatt(\" \")'", "concat"),
    ] {
        let found = errors(find, replace);
        let hint = format!("did you mean {meant}?");
        assert!(
            found.iter().any(|e| e.ends_with(&hint)),
            "{hint} is not in {found:#?}"
        );
    }
}

#[test]
fn all_mistakes_are_reported_in_the_order_of_the_file() {
    let text = SMALL
        .replace("title", "titel")
        .replace("\"to_app\"", "\"x\"")
        .replace("id = 1", "id = 70000");
    let lines: Vec<usize> = from_toml(&text)
        .unwrap_err()
        .iter()
        .map(|e| e.line)
        .collect();
    assert_eq!(lines, [3, 7, 11, 14]);
}

#[test]
fn names_and_ids_are_not_given_twice() {
    let twice = format!("{SMALL}{}", &SMALL["format = 1\n".len()..]);
    let found = from_toml(&twice).unwrap_err();
    assert!(
        found[0]
            .message
            .contains("two pairs have the name \"leads\""),
        "{found:?}"
    );
    let row = &SMALL[SMALL.find("[[pair.row]]").unwrap()..];
    let found = from_toml(&format!("{SMALL}\n{row}")).unwrap_err();
    assert_eq!(found[0].message, "another row has the id 1 already");
    assert_eq!(found[0].line, 17);
}
