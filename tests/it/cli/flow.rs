//! A person's first hour with the plain commands, against the sandbox server in a process of its
//! own: sign in by pasting, sync, be interrupted, go on.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use rustix::process::{Pid, Signal, kill_process};

use super::Program;
use super::org::{Org, browse, connect, foreign, line_with, profile, profile_with, start};

#[test]
fn a_set_up_line_by_line_goes_from_nothing_to_a_first_sync() {
    let home = Program::new();
    let org = Org::start(&home, "40");
    let program = Program::new();
    let mut child = start(&program, &["setup"]);
    let mut input = child.stdin.take().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let answers = format!(
        "{}\n{}\n\nlead-desk\n\n",
        org.text("login_url"),
        org.text("client_id")
    );
    // Then: go on, by browser, without a secret.
    input
        .write_all(format!("{answers}yes\n\n\n").as_bytes())
        .unwrap();
    let address = line_with(&mut said, "http://");
    let came = browse(&address);
    let code = came
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    // A dry run, and the first sync.
    input
        .write_all(format!("{came}\nyes\nyes\n").as_bytes())
        .unwrap();
    drop(input);
    let (mut rest, mut errors) = (String::new(), String::new());
    said.read_to_string(&mut rest).unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}{errors}");
    for line in [
        "signed in as",
        "Lead <-> leads: about 38 records",
        "nothing was written",
        "38 to App",
    ] {
        assert!(rest.contains(line), "no {line} in\n{rest}{errors}");
    }
    assert!(!rest.contains(&code) && !errors.contains(&code));
}

#[test]
fn a_sync_that_is_told_to_stop_is_interrupted_and_the_next_one_goes_on() {
    let home = Program::new();
    let org = Org::start(&home, "3000");
    let program = profile(&org);
    let (code, said) = connect(&program, |address| vec![address]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("signed in as"), "{said}");

    let mut sync = start(&program, &["sync"]);
    let mut told = BufReader::new(sync.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert!(line.starts_with("run "), "{line}");
    kill_process(Pid::from_child(&sync), Signal::TERM).unwrap();
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert_eq!(sync.wait().unwrap().code(), Some(143), "{rest}");
    assert!(
        rest.contains("was interrupted; `syncdeck sync` goes on"),
        "{rest}"
    );
    let runs = program.run(&["runs", "--json"]);
    assert!(runs.contains("\"interrupted\""), "{runs}");

    let done = program.run(&["sync"]);
    assert!(done.starts_with("exit 0\n"), "{done}");
    let again = program.run(&["sync"]);
    assert!(again.contains("nothing to do"), "{again}");
    let pairs = program.run(&["records"]);
    assert!(pairs.contains("leads  Lead <-> leads  2,"), "{pairs}");

    // The schedule of the settings was set; a command starts no run by it.
    let status = program.run(&["status"]);
    assert!(status.starts_with("exit 0\n"), "{status}");
    let mapping = program.run(&["mapping", "export", "leads"]);
    assert!(mapping.contains("every 7 min"), "{mapping}");
    let list = program.run(&["schedule"]);
    assert!(list.contains("every 7 minutes  settings"), "{list}");
    let set = program.run(&["schedule", "set", "leads", "daily", "at", "06:30"]);
    assert!(set.starts_with("exit 2\n"), "{set}");
    assert!(set.contains("change [pairs.leads] schedule in"), "{set}");
    let gap = "cron 30 2 29 3 * Europe/Berlin";
    let next = program.run(&["schedule", "next", "--try", gap, "--count", "2", "--json"]);
    assert!(next.contains("-03-29T0"), "{next}");
    // The audit log of all this is whole, and shorter than one that somebody else kept.
    let whole = program.run(&["audit", "verify"]);
    assert!(whole.starts_with("exit 0\n"), "{whole}");
    let log = program.run(&["audit", "--limit", "100"]);
    assert!(
        log.contains("signed in:") && log.contains("wrote leads run"),
        "{log}"
    );
    assert!(log.contains("schedule set: every 7 minutes"), "{log}");
    let kept = program.run(&["audit", "export", "--checkpoints"]);
    let kept: String = kept.lines().filter(|l| l.starts_with('{')).collect();
    let file = program.home.path().join("checkpoints.ndjson");
    std::fs::write(&file, format!("{kept}\n")).unwrap();
    let against = ["audit", "verify", "--against", file.to_str().unwrap()];
    let whole = program.run(&against);
    assert!(
        whole.starts_with("exit 0\n") && whole.contains("1 line of"),
        "{whole}"
    );
    let later = kept.replace("\"seq\":", "\"seq\":9");
    std::fs::write(&file, format!("{kept}\n{later}\n")).unwrap();
    let cut = program.run(&against);
    assert!(
        cut.starts_with("exit 1\n") && cut.contains("the end was cut off"),
        "{cut}"
    );
    let never = program.run(&["schedule", "next", "--try", "cron 0 0 30 2 *"]);
    assert!(never.contains("never fires"), "{never}");

    let mut log = String::new();
    for file in std::fs::read_dir(program.home.path().join("default/log")).unwrap() {
        log += &std::fs::read_to_string(file.unwrap().path()).unwrap();
    }
    assert!(log.contains("purpose=\"sync\""), "{log}");
    assert!(!log.contains('@'), "an e-mail address is in the log");
}

#[test]
fn an_address_of_another_sign_in_stores_nothing() {
    let home = Program::new();
    let org = Org::start(&home, "100");
    let program = profile(&org);
    let (code, said) = connect(&program, |address| vec![foreign(&address)]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("nothing was stored"), "{said}");
    let sync = program.run(&["sync"]);
    assert!(
        sync.starts_with("exit 2\n") && sync.contains("syncdeck connect"),
        "{sync}"
    );
}

#[test]
fn a_wrong_paste_is_told_and_the_next_one_signs_in_but_not_for_ever() {
    let home = Program::new();
    let org = Org::start(&home, "10");
    let program = profile(&org);
    let (code, said) = connect(&program, |_| vec!["https://x/?code=c0d3".into(); 9]);
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(said.matches("not yet:").count(), 4, "{said}");
    assert!(said.contains("(1 try left)"), "{said}");
    let (code, said) = connect(&program, |address| {
        vec![String::new(), foreign(&address), "c0d3".into(), address]
    });
    assert_eq!(code, Some(0), "{said}");
    for why in [
        "nothing was pasted",
        "not asked for by syncdeck",
        "web address",
    ] {
        assert!(said.contains(why), "no {why}\n{said}");
    }
    assert!(
        !said.contains("c0d3") && !said.contains("somebodyelse"),
        "{said}"
    );
}

/// A server that no person signs in at, over https with an authority of the org's own.
#[test]
fn a_key_is_kept_and_its_file_is_not_needed() {
    let home = Program::new();
    let ca = home.home.path().join("ca.pem");
    let ca = ca.to_str().unwrap();
    let org = Org::with(&home, &["--leads", "50", "--tls", "--ca-out", ca]);
    let more = format!("sign_in = \"jwt\"\nextra_ca_file = \"{ca}\"\n");
    let program = profile_with(&org, &more);
    let without = program.run(&["connect"]);
    assert!(without.starts_with("exit 2\n"), "{without}");
    assert!(without.contains("--jwt-key FILE"), "{without}");

    let user = org.text("username");
    let file = program.home.path().join("server.key");
    std::fs::copy(org.text("jwt_key_file"), &file).unwrap();
    let key = file.to_str().unwrap();
    let mode = |bits: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(bits)).unwrap();
    };
    mode(0o644);
    let open = program.run(&["connect", "--jwt-key", key, "--username", user]);
    assert!(open.contains("others can read"), "{open}");
    mode(0o600);
    let nobody = program.run(&["connect", "--jwt-key", key, "--username", "x@acme.example"]);
    assert!(nobody.contains("hasn't approved"), "{nobody}");
    assert!(nobody.contains("administrator approves"), "{nobody}");
    let done = program.run(&["connect", "--jwt-key", key, "--username", user]);
    assert!(done.starts_with("exit 0\n"), "{done}");
    assert!(
        done.contains("signed in as") && done.contains("kept sealed"),
        "{done}"
    );
    std::fs::remove_file(&file).unwrap();

    let status = program.run(&["status"]);
    assert!(status.contains("jwt: renews itself"), "{status}");
    let doctor = program.run(&["doctor"]);
    assert!(doctor.contains("signs in by key"), "{doctor}");
    let again = program.run(&["connect"]);
    assert!(again.starts_with("exit 0\n"), "{again}");
    let sync = program.run(&["sync"]);
    assert!(sync.starts_with("exit 0\n"), "{sync}");

    let out = program.run(&["disconnect", "--yes"]);
    assert!(out.contains("signed out: the tokens are revoked"), "{out}");
    let out = program.run(&["disconnect", "--yes"]);
    assert!(
        out.starts_with("exit 0\n") && out.contains("nothing to sign out of"),
        "{out}"
    );
    let gone = program.run(&["connect"]);
    assert!(gone.contains("no key is kept"), "{gone}");
}

#[test]
fn the_apps_own_secret_signs_in_and_another_way_asks_for_it() {
    let home = Program::new();
    let org = Org::start(&home, "50");
    let program = profile_with(
        &org,
        "sign_in = \"client-credentials\"\nclient_secret = \"env:S\"\n",
    );
    let secret = ("S", org.text("client_secret"));
    let run = |args: &[&str]| {
        let output = program.command(args).env(secret.0, secret.1).output();
        program.report(&output.unwrap())
    };
    let done = run(&["connect"]);
    assert!(done.starts_with("exit 0\n"), "{done}");
    assert!(
        done.contains("client credentials") && done.contains("signed in as"),
        "{done}"
    );
    assert!(run(&["status"]).contains("client-credentials: renews itself"));
    let json = run(&["status", "--json"]);
    assert!(
        json.contains("\"sign_in_way\":\"client-credentials\""),
        "{json}"
    );

    // Without the secret it works until the token ends, and can be given up.
    let status = program.run(&["status"]);
    assert!(status.starts_with("exit 1\n"), "{status}");
    assert!(status.contains("the app's secret is missing"), "{status}");
    let out = program.run(&["disconnect", "--yes"]);
    assert!(
        out.starts_with("exit 0\n") && out.contains("revoked"),
        "{out}"
    );
    assert!(run(&["connect"]).starts_with("exit 0\n"));

    // The settings change their mind.
    let file = program.home.path().join("default/config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("sign_in = \"client-credentials\"", "sign_in = \"device\"");
    std::fs::write(&file, text).unwrap();
    let status = run(&["status"]);
    assert!(
        status.contains("client-credentials: needs sign-in"),
        "{status}"
    );
    let doctor = run(&["doctor"]);
    assert!(doctor.contains("blocks this for most apps"), "{doctor}");
    assert!(run(&["connect", "--jwt-key", "x"]).contains("--username"));
}

#[test]
fn a_plan_is_made_shown_and_applied_by_commands() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Program::new();
    let org = Org::start(&home, "60");
    let program = profile(&org);
    let (code, said) = connect(&program, |address| vec![address]);
    assert_eq!(code, Some(0), "{said}");
    let file = program.home.path().join("plan.json");
    let out = file.to_str().unwrap();
    let made = program.run(&["sync", "--dry-run", "leads", "--out", out]);
    assert!(made.starts_with("exit 0\n"), "{made}");
    assert!(made.contains("to create in the App"), "{made}");
    assert!(made.contains("more: syncdeck plan show 1"), "{made}");
    // The file has everything, and is its owner's; it is not written over.
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let items = kept["items"].as_array().unwrap();
    assert_eq!(kept["plan"]["counts"]["items"], items.len());
    assert!(items.len() > 40, "{}", items.len());
    assert_eq!(items[0]["to_app"]["do"], "create");
    let again = program.run(&["sync", "--dry-run", "--out", out]);
    assert!(
        again.starts_with("exit 2\n") && again.contains("plan 2 is kept"),
        "{again}"
    );
    // Nothing was written.
    let records = program.run(&["records"]);
    assert!(records.contains("leads  Lead <-> leads  0"), "{records}");
    let runs = program.run(&["runs", "--json"]);
    assert!(
        runs.contains("\"runs\":[]") || !runs.contains("\"id\""),
        "{runs}"
    );
    let shown = program.run(&["plan", "show", "1", "--json"]);
    assert_eq!(shown.matches("\"to_app\":{").count(), items.len());
    let wrong = program.run(&["plan", "apply", "1", "--hash", "00"]);
    assert!(
        wrong.starts_with("exit 2\n") && wrong.contains("another hash"),
        "{wrong}"
    );
    let applied = program.run(&["plan", "apply", "1"]);
    assert!(applied.starts_with("exit 0\n"), "{applied}");
    let twice = program.run(&["plan", "apply", "1"]);
    assert!(twice.contains("was applied by run"), "{twice}");
    let list = program.run(&["plan"]);
    assert!(
        list.contains("applied by run") && list.contains("ready"),
        "{list}"
    );
    let records = program.run(&["records"]);
    assert!(
        records.contains(&format!("Lead <-> leads  {}", items.len())),
        "{records}"
    );
    let filter = [
        "filter",
        "test",
        "leads",
        "--filter",
        "-Email:null Company:a",
        "--json",
    ];
    let filter = program.run(&filter);
    assert!(filter.contains("WHERE (Email != null)"), "{filter}");
    assert!(filter.contains("\"rest\":\"Company:a\""), "{filter}");
    let wrong = program.run(&["filter", "test", "leads", "--filter", "Emial:null"]);
    assert!(
        wrong.starts_with("exit 2\n") && wrong.contains("`Email`?"),
        "{wrong}"
    );
}
