//! What a person gets wrong: names, numbers and settings that are not there. No org is needed.

use super::Program;

fn profile(settings: &str) -> Program {
    let program = Program::new();
    assert!(program.run(&["vault", "init"]).starts_with("exit 0\n"));
    let text = format!("[profile]\npreset = \"lead-desk\"\n{settings}");
    program.write_config("default", &text);
    program
}

/// Runs it, and expects that it could not be done, with these words.
fn refused(program: &Program, args: &[&str], words: &[&str]) {
    let said = program.run(args);
    assert!(said.starts_with("exit 2\n"), "{args:?}\n{said}");
    for word in words {
        assert!(said.contains(word), "{args:?}: no {word}\n{said}");
    }
}

#[test]
fn a_name_that_is_not_there_is_an_error_that_names_the_one_that_is() {
    let program = profile("");
    let pair = ["there is no pair laeds", "did you mean leads?"];
    for args in [
        &["runs", "--pair", "laeds"][..],
        &["quarantine", "--pair", "laeds"],
        &["quarantine", "release", "--pair", "laeds"],
        &["schedule", "next", "laeds"],
        &["conflicts", "show", "laeds/1"],
        &["conflicts", "take", "laeds/1", "app"],
        &["records", "show", "laeds/1"],
        &["schedule", "set", "laeds", "manual"],
    ] {
        refused(&program, args, &pair);
    }
    // What is there and empty is none.
    for args in [&["runs", "--pair", "leads"][..], &["quarantine"]] {
        let said = program.run(args);
        assert!(said.starts_with("exit 0\n"), "{args:?}\n{said}");
    }

    let nowhere = ["leads has no record 7", "`syncdeck records list leads`"];
    refused(&program, &["conflicts", "show", "leads/7"], &nowhere);
    refused(&program, &["conflicts", "take", "leads/7", "app"], &nowhere);
    for args in [
        &["audit", "--run", "9"][..],
        &["runs", "show", "9"],
        &["runs", "retry", "9"],
    ] {
        refused(
            &program,
            args,
            &["there is no run 9", "nothing was run yet"],
        );
    }
    let said = program.run(&["runs", "show", "abc"]);
    assert!(
        said.contains("expected its number, such as 118") && !said.contains("invalid digit"),
        "{said}"
    );
}

#[test]
fn a_state_that_no_row_can_have_is_an_error_and_no_empty_list() {
    let program = profile("");
    for (args, whose) in [
        (&["runs", "list"][..], "a run"),
        (&["conflicts", "list"], "a conflict"),
        (&["records", "list", "leads"], "leads"),
    ] {
        let wrong = [args, &["--filter", "state:fial"]].concat();
        refused(&program, &wrong, &[&format!("{whose} has no state fial; ")]);
        let right = [args, &["--filter", "state:hold"]].concat();
        let said = program.run(&right);
        assert!(said.starts_with("exit 0\n"), "{args:?}\n{said}");
    }
}

#[test]
fn a_profile_nobody_is_signed_in_to_needs_a_person() {
    let program = profile("");
    let said = program.run(&["status"]);
    assert!(said.starts_with("exit 1\n"), "{said}");
    assert!(said.contains("Salesforce: nobody is signed in"), "{said}");
}

#[test]
fn the_doctor_says_nothing_of_settings_that_it_cannot_read() {
    let program = profile("[connection]\nsign_in = \"browsr\"\nclient_id = \"3MVG9\"\n");
    refused(
        &program,
        &["doctor"],
        &["FAIL  settings", "config.toml:4:11", "OK    vault"],
    );
    let said = program.run(&["doctor"]);
    assert!(!said.contains("client_id is not set"), "{said}");
    let json = program.command(&["doctor", "--json"]).output().unwrap();
    assert_eq!(json.status.code(), Some(2));
    let told: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(told["checks"][0]["state"], "FAIL");
}

#[test]
fn a_secret_that_is_not_there_stops_only_what_needs_it() {
    let program = profile(
        "[connection]\nlogin_host = \"acme.my.salesforce.com\"\nclient_id = \"3MVG9\"\n\
         sign_in = \"client-credentials\"\nclient_secret = \"env:NOT_SET\"\n",
    );
    let said = program.run(&["disconnect", "--yes"]);
    assert!(said.starts_with("exit 0\n"), "{said}");
    let words = [
        "NOT_SET",
        "is not set",
        "set it where syncdeck is started\n",
    ];
    refused(&program, &["connect"], &words);
    let doctor = program.run(&["doctor"]);
    assert!(doctor.starts_with("exit 1\n"), "{doctor}");
    assert!(!doctor.contains("remove client_secret"), "{doctor}");
}

#[test]
fn a_schedule_for_no_pair_is_shown_in_its_place() {
    let program = profile("[pairs.leds]\nschedule = \"hourly at :05\"\n");
    let place = [
        "there is no pair of this name",
        "config.toml:3:8",
        "did you mean `leads`?",
    ];
    // By the preset before there is a store, and by the store after.
    refused(&program, &["config", "check"], &place);
    assert!(program.run(&["records"]).starts_with("exit 0\n"));
    refused(&program, &["config", "check"], &place);
    let doctor = program.run(&["doctor"]);
    assert!(doctor.contains("FAIL  pairs"), "{doctor}");
    assert!(doctor.contains("did you mean `leads`?"), "{doctor}");
}

#[test]
fn a_schedule_that_leaves_the_settings_gives_the_persons_back() {
    let program = profile("");
    let set = program.run(&["schedule", "set", "leads", "daily", "at", "06:30"]);
    assert!(set.starts_with("exit 0\n"), "{set}");
    let with = "[profile]\npreset = \"lead-desk\"\n[pairs.leads]\nschedule = \"hourly at :05\"\n";
    program.write_config("default", with);
    let list = program.run(&["schedule"]);
    assert!(
        list.contains("hourly at :05") && list.contains("settings"),
        "{list}"
    );
    program.write_config("default", "[profile]\npreset = \"lead-desk\"\n");
    let list = program.run(&["schedule"]);
    assert!(list.contains("daily at 06:30"), "{list}");
    assert!(!list.contains("settings"), "{list}");
}
