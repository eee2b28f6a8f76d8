//! Many records by plain commands, against the sandbox server: nothing by accident, and both sides
//! in the end.

use super::org::{Org, connect, profile};
use super::*;

#[test]
fn many_are_changed_and_deleted_by_their_typed_number_and_reach_salesforce() {
    let home = Program::new();
    let org = Org::start(&home, "60");
    let program = profile(&org);
    let (code, said) = connect(&program, |address| vec![address]);
    assert_eq!(code, Some(0), "{said}");
    let run = |args: &[&str]| program.run(args);
    assert!(run(&["sync", "leads"]).starts_with("exit 0\n"));
    let all = json(&run(&[
        "records",
        "list",
        "leads",
        "--filter",
        "status:new",
        "--json",
    ]));
    let (total, first) = (all["total"].as_u64().unwrap(), &all["records"][0]["record"]);
    let first = first.as_str().unwrap();
    assert!(total > 2, "{all}");
    let number = total.to_string();
    let set = [
        "records",
        "set-many",
        "leads",
        "--filter",
        "status:new",
        "notes=seen",
    ];
    let dry = run(&[&set[..], &["--dry-run"]].concat());
    assert!(
        dry.contains(&format!("nothing was: --expect {total} does it")),
        "{dry}"
    );
    let wrong = run(&[&set[..], &["--expect", "1"]].concat());
    assert!(wrong.starts_with("exit 2\n"), "{wrong}");
    assert!(
        wrong.contains("1 are expected: nothing was changed"),
        "{wrong}"
    );
    let neither = run(&set);
    assert!(
        neither.starts_with("exit 2\n") && neither.contains("--dry-run"),
        "{neither}"
    );
    let done = run(&[&set[..], &["--expect", &number]].concat());
    assert!(done.starts_with("exit 0\n"), "{done}");
    assert!(run(&["records", "show", first]).contains("seen"));

    // A record that rests says why.
    let resting = ["records", "list", "leads", "--filter", "state:hold"];
    let resting = json(&run(&[&resting[..], &["--json"]].concat()));
    let resting = resting["records"][0]["record"].as_str().unwrap();
    let shown = run(&["records", "show", resting]);
    let says = "converted in Salesforce: its changes come in, none of the App is sent";
    assert!(
        shown.contains(&format!("  state       {says}\n")),
        "{shown}"
    );
    let shown = json(&run(&["records", "show", resting, "--json"]));
    assert_eq!(shown["standing"], says, "{shown}");

    // One of them now, the others with the next sync.
    let one = json(&run(&["records", "sync", first, "--json"]));
    assert_eq!(one["runs"][0]["counts"]["planned"], 1, "{one}");
    let missing = run(&["records", "sync", "leads/nobody"]);
    assert!(missing.starts_with("exit 2\n"), "{missing}");

    let delete = ["records", "delete-many", "leads", "--id"];
    let id = first.strip_prefix("leads/").unwrap();
    let gone = run(&[&delete[..], &[id, "--expect", "1"]].concat());
    assert!(
        gone.starts_with("exit 0\n") && gone.contains("1 record deleted"),
        "{gone}"
    );
    let again = run(&[&delete[..], &[id, "--expect", "0"]].concat());
    assert!(
        again.starts_with("exit 1\n") && again.contains("gone already"),
        "{again}"
    );
}

/// The JSON document that a command printed.
fn json(report: &str) -> serde_json::Value {
    let line = report.lines().find(|line| line.starts_with('{'));
    serde_json::from_str(line.unwrap_or_else(|| panic!("{report}"))).unwrap()
}
