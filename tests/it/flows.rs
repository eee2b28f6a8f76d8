//! The console of the real program on a real (pseudo) terminal of 80x24, against a sandbox org:
//! what a person does in it, key by key, and what becomes of it on both sides.

mod console;

use serde_json::{Value as Json, json};
use syncdeck::sandbox::{Fault, FaultKind, Refuse, Rule};

pub use self::console::Console;
use crate::world::{Wanted, World};

/// Seconds the org's clock goes on, so that an observation may guard a write.
const LATER: i64 = 30;
const CTRL_U: &str = "\u{15}";

/// Signed in and imported.
fn world() -> World {
    let world = World::new(&Wanted::default());
    world.connect();
    world.ok(&["sync"]);
    world
}

fn text<'j>(record: &'j Json, field: &str) -> &'j str {
    record[field].as_str().unwrap()
}

/// An App account and its record in Salesforce.
fn account(world: &World, at: usize) -> (Json, String) {
    let app = world.export("accounts")[at].clone();
    let name = text(&app, "name").replace('\'', "\\'");
    let found = world.query(&format!("SELECT Id FROM Account WHERE Name = '{name}'"));
    (app, text(&found[0], "Id").to_owned())
}

fn requests(world: &World, kind: &str) -> u64 {
    let by_kind = world.control().counters().by_kind;
    by_kind.get(kind).copied().unwrap_or(0)
}

#[test]
fn a_sync_is_started_watched_paused_resumed_and_cancelled() {
    let world = World::new(&Wanted {
        leads: 2_000,
        ..Wanted::default()
    });
    world.connect();
    let mut console = Console::open(&world);
    console
        .sees("SANDBOX")
        .sees_row(&["OK", "Salesforce", "Sandbox org 00D..", "renews itself"])
        .sees_row(&["Contact <-> contacts", "never", "manual"])
        .press("S")
        .sees_row(&["OK ", "Account <-> accounts", "260 "])
        .sees_row(&["OK ", "Contact <-> contacts", "800 "])
        .sees_row(&["OK ", "Opportunity <-> opportunities", "180 "])
        .sees_row(&["Salesforce", " / 100k"]);
    console.quit();

    let changed: Vec<Json> = world
        .export("contacts")
        .iter()
        // Of more than half of all it would ask first.
        .take(390)
        .map(|record| json!({ "id": record["id"], "department": "Purchasing" }))
        .collect();
    world.import("contacts", &changed);
    world.control().advance(LATER);
    world.control().inject(Fault {
        path: Some("composite".into()),
        method: None,
        after: 0,
        times: None,
        probability: None,
        kind: FaultKind::Delay { ms: 1_200 },
    });
    let mut console = Console::open(&world);
    console
        .press("j")
        .sees_row(&["> OK ", "Contact <-> contacts"])
        .press("s")
        .sees_row(&["> RUN ", "Contact <-> contacts"])
        .sees("/390 ");
    console
        .terminal
        .until("a call is answered", |_| requests(&world, "composite") > 0);
    console
        .press("p")
        .sees("HOLD Contact <-> contacts")
        .sees_row(&["Contact <-> contacts", " HOLD "])
        // The run itself says so when the calls on their way are answered. The line at the foot says
        // it on every screen, and at once.
        .press("2")
        .sees_row(&["> 4 ", "HOLD", "Contact"]);
    let sent = requests(&world, "composite");
    assert!((1..16).contains(&sent), "{sent} calls before the pause");
    console
        .press("1")
        .sees("[1 Overview]")
        .sees_row(&["Contact <-> contacts", " HOLD "]);
    assert_eq!(requests(&world, "composite"), sent, "a paused run wrote");
    console
        .press("p")
        .sees("Syncing goes on.")
        .sees("RUN Contact <-> contacts")
        .press("X");
    console.agree("Cancel run", "Cancel the run");
    console.sees_row(&["> WARN ", "Contact <-> contacts"]);
    let soql = "SELECT Id FROM Contact WHERE Department = 'Purchasing'";
    let there = world.query(soql).len();
    assert!((25..390).contains(&there), "{there} of 390 were written");
    world.control().clear_faults();
    console
        .press("s")
        .sees_row(&["> OK ", "Contact <-> contacts"]);
    assert_eq!(world.query(soql).len(), 390);
    console.quit();
}

#[test]
fn a_refused_record_is_found_in_the_log_and_tried_again() {
    let world = world();
    let (app, id) = account(&world, 3);
    world.control().put_rule(Rule {
        name: "No_Forbidden".into(),
        object: "Account".into(),
        field: Some("Name".into()),
        message: "This name is not allowed.".into(),
        active: true,
        refuse: Refuse::Contains {
            field: "Name".into(),
            text: "forbidden".into(),
        },
    });
    world.import(
        "accounts",
        &[json!({ "id": app["id"], "name": "A Forbidden Name" })],
    );
    world.control().advance(LATER);
    let mut console = Console::open(&world);
    console
        .press("s")
        .sees_row(&["> FAIL ", "Account <-> accounts"])
        .press("2")
        .sees("[2 Log]")
        .sees_row(&["FAIL", "A Forbidden Name"])
        .press("\r")
        .sees("> Errors by kind")
        .sees("FIELD_CUSTOM_VALIDATION_EXCEPTION: This name is not allowed.")
        .sees("  Why   Salesforce does not accept these values")
        .sees("  Fix   A validation rule of the org refuses it")
        .press("\t")
        .sees("> Records")
        .press("\r")
        .sees("[5 Records]")
        .sees_row(&["> name", "A Forbidden Name", text(&app, "name"), "to CRM"]);
    world.control().remove_rule("No_Forbidden");
    console
        .press("2")
        .sees("> Records")
        .press("\t")
        .sees("> Steps")
        .press("\t")
        .sees("> Errors by kind")
        .press("r")
        .sees("again: run")
        .press("q")
        .sees("> Runs")
        .press("gg")
        .sees_row(&["> 5 ", "OK "]);
    assert_eq!(
        text(&world.control().get(&id).unwrap(), "Name"),
        "A Forbidden Name"
    );
    console
        .press("1")
        .sees_row(&["OK ", "Account <-> accounts"])
        .sees("Nothing needs you.");
    console.quit();
}

#[test]
fn a_conflict_is_decided_field_by_field_and_arrives_on_both_sides() {
    let world = world();
    let (app, id) = account(&world, 0);
    let base = text(&app, "city").to_owned();
    world.import(
        "accounts",
        &[json!({
            "id": app["id"], "name": "Blue Harbour", "type": "Press", "city": "Bergen",
            "description": "Met in Oslo.\nWants a quote.",
        })],
    );
    world.control().advance(LATER);
    world.colleague(
        &id,
        &json!({
            "Name": "Blue Harbor Inc", "Type": "Other", "BillingCity": "Oslo",
            "Description": "Met in Oslo.\nBudget is approved.",
        }),
    );
    world.control().advance(LATER);
    let mut console = Console::open(&world);
    console
        .press("s")
        .sees_row(&["> CONF", "Account <-> accounts"])
        .press("3")
        .sees_row(&["> ", "CONF", "Blue Harbour", "4 (0)"])
        .press("\r")
        .sees("both sides changed it")
        .sees_row(&["> App", "[-", "-]", "Blue Harbour"])
        .press("c")
        .sees_row(&["> name", "~ CRM"])
        .press("a")
        .sees_row(&["> name", "~ App"])
        .press("j")
        .sees_row(&["> type", "?"])
        .press("c")
        .sees_row(&["> type", "~ CRM"])
        .press("j")
        .sees_row(&["> street + ci", "?"])
        .press("b")
        .sees_row(&["> street + ci", "~ base"])
        .sees("3 of 4 decided");
    // Decisions outlive the console, also one that is killed.
    console.terminal.kill();
    let mut console = Console::open(&world);
    console
        .press("3")
        .sees_row(&["Blue Harbour", "4 (3)"])
        .press("\r")
        .sees_row(&["name", "~ App"])
        .sees_row(&["type", "~ CRM"])
        .sees_row(&["street + ci", "~ base"])
        .press("jjj")
        .sees_row(&["> description", "?"])
        .press("e")
        .sees("editing: Enter new line")
        .press("\rBudget is approved.\rCall back.")
        .sees_row(&["| Call back."])
        .press("\t")
        .press("\r")
        .sees_row(&["> description", "~ typed"])
        .sees("4 of 4 decided");
    console.quit();
    let before = world.control().get(&id).unwrap();
    assert_eq!(text(&before, "Name"), "Blue Harbor Inc", "not written yet");

    let mut console = Console::open(&world);
    console
        .press("3")
        .sees_row(&["Blue Harbour", "4 (4)"])
        .press("\r")
        .sees("4 of 4 decided")
        .press("w")
        .sees("Blue Harbor Inc -> Blue Harbour");
    console.agree("Write 4 decisions on 1 record?", "Write 4");
    console.sees("0 open");
    console.quit();
    let crm = world.control().get(&id).unwrap();
    let (app, _) = account(&world, 0);
    let merged = "Met in Oslo.\nWants a quote.\nBudget is approved.\nCall back.";
    for (ours, theirs, value) in [
        ("name", "Name", "Blue Harbour"),
        ("type", "Type", "Other"),
        ("city", "BillingCity", &base),
        ("description", "Description", merged),
    ] {
        assert_eq!(text(&app, ours), value, "App {ours}");
        assert_eq!(text(&crm, theirs), value, "Salesforce {theirs}");
    }
}

#[test]
fn a_mapping_row_is_changed_with_a_preview_and_saved_as_version_2() {
    let world = world();
    let mut console = Console::open(&world);
    console
        .press("4")
        .sees("11 rows")
        .sees_row(&["> ", "name", "<->", "Name"])
        .sees("OK    there and back gives the same value")
        .press("\r")
        .sees("Edit row")
        .press("\t\t\t")
        .sees("> To Salesforce")
        .press(CTRL_U)
        .press("upper")
        .sees_row(&["> To Salesforce", "upper"])
        .sees_row(&["To Salesforce", "Granite", "GRANITE"])
        .sees("FAIL  there and back changes the value of 20 of 20 samples")
        .press(CTRL_U)
        .press("trim")
        .sees("OK    there and back gives the same value: 20 of 20 samples")
        .press("\r")
        .sees_row(&["> ~", "name", "> trim"])
        .sees("1 staged")
        // The engine takes questions in order: once this preview is here, the draft is kept.
        .press("j")
        .sees_row(&["To Salesforce", "https"]);
    // What is staged outlives the console, also one that is killed.
    console.terminal.kill();
    let mut console = Console::open(&world);
    console
        .press("4")
        .sees_row(&["> ~", "name", "> trim"])
        .sees("1 staged")
        .press("w")
        .sees("~ name: change on the way to Salesforce - -> trim");
    console.agree("Save as version 2?", "Save");
    console.sees("Mapping Account <-> accounts  v2");
    console.quit();

    let mut console = Console::open(&world);
    console
        .press("4")
        .sees("Mapping Account <-> accounts  v2")
        .sees_row(&["name", "<->", "Name", "> trim"])
        .press("1")
        .press("s")
        .sees_row(&["> OK ", "Account <-> accounts"]);
    console.quit();
    let exported = world.ok(&["mapping", "export"]);
    assert!(exported.contains("to_crm = \"trim\""), "{exported}");
}

#[test]
fn a_record_is_found_edited_and_synced() {
    let world = world();
    let (app, id) = account(&world, 5);
    let mut console = Console::open(&world);
    console
        .press("5")
        .sees("Account <-> accounts")
        .press("/")
        .press(text(&app, "name"))
        .sees("1 of 26")
        .press("\r")
        .sees("filtered")
        .press("\r")
        .sees_row(&["> name", text(&app, "name"), "same"])
        .press("e")
        .sees_row(&["> name", "up to 255"]);
    // A form that an answer opened takes no keys that may have been meant for something else.
    let named = text(&app, "name").to_owned();
    console
        .terminal
        .press_until(CTRL_U, "an empty field", |screen| {
            let rows = screen.contents();
            let row = rows.lines().find(|row| row.contains("> name"));
            row.is_some_and(|row| !row.contains(&named))
        });
    console
        .press("Typed On A Terminal")
        .sees_row(&["> name", "Typed On A Terminal"])
        .press("\r")
        // Enter goes to the button first.
        .sees_no("> name")
        .press("\r")
        .sees_row(&["> name", "~ Typed On A Terminal", "staged"]);
    // It is there after the console is gone, and written nowhere yet.
    console.terminal.kill();
    let before = world.control().get(&id).unwrap();
    assert_eq!(before["Name"], app["name"]);
    world.control().advance(LATER);
    let mut console = Console::open(&world);
    console.press("5").sees("1 record staged").press("w");
    console.agree("Write 1 edit?", "Write 1");
    console
        .sees("Typed On A Terminal")
        .press("1")
        .press("s")
        .sees_row(&["> OK ", "Account <-> accounts", " 1 "]);
    console.quit();
    let after = world.control().get(&id).unwrap();
    assert_eq!(text(&after, "Name"), "Typed On A Terminal");
}

#[test]
fn a_read_only_console_looks_counts_and_searches_and_changes_nothing() {
    let world = world();
    let (_, id) = account(&world, 0);
    let before = requests(&world, "rest_write");
    let mut console = Console::open_with(&world, &["--read-only"]);
    console.sees("read-only").press("s").sees("off: read-only");
    console
        .press("5")
        .sees("[5 Records]")
        .press("i")
        .sees("off: read-only");
    console
        .press("0")
        .sees("Records here")
        .sees("Sync, the last");
    // Every record is found by its id in Salesforce, whatever its fields are.
    console.press("g/").sees("Search everything").press(&id);
    console
        .sees_row(&["Account", "OK"])
        .press("\r")
        .sees("Record accounts");
    console.quit();
    assert_eq!(requests(&world, "rest_write"), before);
}

#[test]
fn watching_without_a_screen_tells_a_line_per_event() {
    use std::io::{BufRead as _, BufReader};
    let world = world();
    let mut child = world
        .command(&["watch", "--plain"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("sandbox  read-write"), "{first}");
    let mut pairs = lines.by_ref().map(Result::unwrap);
    let account = pairs
        .find(|line| line.contains("Account <-> accounts"))
        .unwrap();
    assert!(account.starts_with("OK    "), "{account}");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(
        lines.all(|line| !line.unwrap().contains('\u{1b}')),
        "no cursor is moved"
    );
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

/// Name and nice value of each thread of a process; the first thread is called `main`.
#[cfg(target_os = "linux")]
fn threads(process: u32) -> Vec<(String, i32)> {
    let tasks = format!("/proc/{process}/task");
    let mut threads = Vec::new();
    for task in std::fs::read_dir(tasks).unwrap() {
        let task = task.unwrap();
        // One that has ended meanwhile is no thread any more.
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        let (before, after) = stat.rsplit_once(')').unwrap();
        // Its place behind the name (proc_pid_stat(5)).
        let nice = after.split_whitespace().nth(16).unwrap().parse().unwrap();
        let first = task.file_name().to_str() == Some(&process.to_string());
        let name = before.split_once('(').unwrap().1;
        threads.push((if first { "main" } else { name }.to_owned(), nice));
    }
    threads
}

#[cfg(target_os = "linux")]
#[test]
fn the_screen_goes_before_the_sync_that_it_shows() {
    let world = world();
    let mut console = Console::open(&world);
    console.press("s").sees("OK");
    let threads = threads(console.terminal.process_id());
    let of = |names: &[&str]| -> Vec<i32> {
        let named = |name: &str| names.iter().any(|n| name.starts_with(n));
        let found = threads.iter().filter(|(name, _)| named(name));
        found.map(|(_, nice)| *nice).collect()
    };
    let (screen, others) = (of(&["main"]), of(&["tokio", "sled", "log flusher"]));
    assert!(others.len() > 2, "{threads:?}");
    let back = (screen[0] + 10).min(19);
    assert!(others.iter().all(|nice| *nice == back), "{threads:?}");
    let input = of(&["terminal"]);
    assert!(input.iter().all(|nice| *nice == screen[0]), "{threads:?}");
    console.quit();
}
