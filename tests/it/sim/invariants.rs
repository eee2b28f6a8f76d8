//! Keeps `invariants.md` true: every invariant has a row, every test it names is there, and every
//! rule it names is turned off by a test that expects that invariant.
//!
//! Does not check that a test checks what it is named for. Invariant: what is open is listed here
//! as well, so that it is neither forgotten nor grows unseen.

use std::collections::BTreeSet;
use std::path::Path;

const TABLE: &str = include_str!("invariants.md");
/// The last number: three more than the specification has.
const ALL: u32 = 49;
/// Not checked yet.
const OPEN: [u32; 0] = [];
/// Of parts that come later.
const LATER: [u32; 1] = [45];
/// Where rules are turned off.
const SWITCHES: [&str; 10] = [
    include_str!("engine.rs"),
    include_str!("engine/restored.rs"),
    include_str!("engine/undo.rs"),
    include_str!("planner.rs"),
    include_str!("parents.rs"),
    include_str!("../crm/refresh.rs"),
    include_str!("../crm/rotation.rs"),
    include_str!("../engine/filters.rs"),
    include_str!("../../../src/domain/budget/tests.rs"),
    include_str!("../../../src/domain/schedule/tests.rs"),
];

struct Row<'t> {
    number: u32,
    checks: &'t str,
    rules: Vec<&'t str>,
}

fn rows() -> Vec<Row<'static>> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| I"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, checks, rules] = cells[..] else {
            panic!("not four cells: {line}");
        };
        Row {
            number: number[1..].parse().unwrap(),
            checks,
            rules: rules.split_whitespace().collect(),
        }
    })
    .collect()
}

/// Whether a file of this package has a function of this name.
fn exists(check: &str) -> bool {
    let Some((file, test)) = check.split_once('#') else {
        return false;
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.contains(&format!("fn {test}("))
}

#[test]
fn every_invariant_has_its_row() {
    let numbers: Vec<u32> = rows().iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=ALL).collect::<Vec<_>>());
    let of = |word: &str| -> Vec<u32> {
        let all = rows();
        let those = all.iter().filter(|row| row.checks.starts_with(word));
        those.map(|row| row.number).collect()
    };
    assert_eq!(of("open: "), OPEN);
    assert_eq!(of("later part"), LATER);
}

#[test]
fn every_test_that_is_named_is_there() {
    for row in rows() {
        if OPEN.contains(&row.number) || LATER.contains(&row.number) {
            continue;
        }
        assert!(!row.checks.is_empty(), "I{} has no check", row.number);
        for check in row.checks.split_whitespace() {
            assert!(exists(check), "I{}: there is no {check}", row.number);
        }
    }
    assert!(!exists("tests/it/sim.rs#no_such_test"));
}

/// Both ways: what the table names is turned off and expects this invariant, and every rule that
/// is turned off is in the table.
#[test]
fn every_rule_that_is_named_is_turned_off() {
    let mut named = BTreeSet::new();
    for row in rows() {
        for rule in row.rules {
            let lines: Vec<&str> = expectations(rule).collect();
            let invariant = format!("\"I{}\"", row.number);
            assert!(
                lines.iter().any(|line| line.contains(&invariant)),
                "I{}: {rule}: {lines:?}",
                row.number
            );
            named.insert(rule);
        }
    }
    for source in SWITCHES {
        let switches = source.lines().filter_map(rule_of);
        for rule in switches {
            assert!(named.contains(rule), "{rule} is not in the table");
        }
    }
}

/// The rule of a line that has, for example, `(Switch::NoGuard, &["I3"])`.
fn rule_of(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("(Switch::")?;
    let (rule, expected) = rest.split_once(',')?;
    expected.contains("\"I").then_some(rule)
}

fn expectations(rule: &str) -> impl Iterator<Item = &'static str> {
    let lines = SWITCHES.iter().flat_map(|source| source.lines());
    lines.filter(move |line| rule_of(line) == Some(rule))
}
