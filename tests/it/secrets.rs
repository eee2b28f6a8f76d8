//! Secrets and people's addresses are nowhere but where they belong: after a sign-in, syncs,
//! decisions, failures and panics every file of the program, everything it printed, and what the
//! system tells about its process are searched for them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use portable_pty::CommandBuilder;
use serde_json::{Value as Json, json};
use syncdeck::config::resolved::Config;
use syncdeck::engine::tables::TOKENS;
use syncdeck::logging;
use syncdeck::sandbox::{Fault, FaultKind};

use crate::pty::Terminal;
use crate::world::{Wanted, World};

const PASSPHRASE: &str = "seven quiet herons over Bergen";
/// More lines of the config file.
const TRACE: &str = "\n[log]\nlevel = \"trace\"\n";
/// Says to the test binary that it is to panic, and into which folder it logs.
const CHILD: &str = "SYNCDECK_TEST_PANIC_LOG";
/// What it is to panic with, one a line.
const VALUES: &str = "SYNCDECK_TEST_PANIC_VALUES";

/// A text that must not be found, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Needle {
    what: &'static str,
    text: String,
}

fn needle(what: &'static str, text: &str) -> Needle {
    assert!(
        text.is_ascii() && text.len() >= 8,
        "{what} cannot be looked for"
    );
    Needle {
        what,
        text: text.to_owned(),
    }
}

/// Which of these are in the bytes, as they are or as they stand in addresses and forms.
fn found_in(bytes: &[u8], needles: &[Needle]) -> BTreeSet<&'static str> {
    // What is not UTF-8 is replaced; these texts are ASCII, which is not.
    let bytes = String::from_utf8_lossy(bytes);
    let holds = |text: &str| bytes.contains(text);
    needles
        .iter()
        .filter(|n| {
            let encoded: String = url::form_urlencoded::byte_serialize(n.text.as_bytes()).collect();
            holds(&n.text) || holds(&encoded)
        })
        .map(|n| n.what)
        .collect()
}

/// Which of these are in any file below a folder, or in its name.
fn found_below(dir: &Path, needles: &[Needle]) -> BTreeSet<(&'static str, String)> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        let mut here = found_in(name.as_bytes(), needles);
        if path.is_dir() {
            found.extend(found_below(&path, needles));
        } else {
            here.extend(found_in(&fs::read(&path).unwrap(), needles));
        }
        found.extend(here.into_iter().map(|what| (what, name.clone())));
    }
    found
}

/// The tokens of the sign-in. The program must not run.
fn tokens(world: &World) -> Vec<Needle> {
    let state = world.open();
    let bytes = state.store().get(&TOKENS, &[]).unwrap().unwrap();
    let json: Json = serde_json::from_slice(&bytes).unwrap();
    let text = |what| json[what].as_str().unwrap();
    vec![
        needle("access token", text("access")),
        needle("refresh token", text("refresh")),
    ]
}

#[test]
fn secrets_and_addresses_are_nowhere_but_where_they_belong() {
    let world = World::new(&Wanted {
        config: TRACE,
        ..Wanted::default()
    });
    let mut secrets = sign_in(&world);
    world.ok(&["sync"]);
    let people =
        world.query("SELECT Id, Email FROM Contact WHERE Email != null ORDER BY Id LIMIT 3");
    let emails: Vec<Needle> = people
        .iter()
        .map(|person| needle("e-mail address", person["Email"].as_str().unwrap()))
        .collect();
    assert_eq!(emails.len(), 3);

    let shown = conflict_and_refusal(&world, &people);
    failures(&world);
    secrets.extend(tokens(&world));
    let (process, screen) = console(&world);
    let backup = world.home().join("a-backup");
    world.ok(&["export", backup.to_str().unwrap()]);
    let identity = fs::read_to_string(world.profile().join("vault/identity.txt")).unwrap();
    let key = identity.lines().find(|l| l.starts_with("AGE-SECRET-KEY"));
    secrets.push(needle("identity", key.unwrap()));
    let all = [secrets.clone(), emails].concat();
    panics(&world, &all);
    world.ok(&["doctor", "--json"]);
    world.ok(&["runs", "list", "--json"]);
    world.ok(&["status", "--json"]);

    let own = world.profile().join("vault/identity.txt");
    let own = BTreeSet::from([("identity", own.display().to_string())]);
    assert_eq!(found_below(world.home(), &all), own, "its own file only");
    let said = world.said.borrow().clone();
    let text = String::from_utf8_lossy(&said);
    assert_eq!(found_in(&said, &all), BTreeSet::new(), "{text}");
    assert_eq!(found_in(&process, &all), BTreeSet::new());
    assert_eq!(found_in(&screen, &all), BTreeSet::new());
    // What shows records shows their values, and still no secret.
    assert_eq!(found_in(&shown, &secrets), BTreeSet::new());
    assert!(found_in(&shown, &all).contains("e-mail address"));

    the_search_can_fail(&world, &process, &screen, &all);
}

/// A vault under a passphrase: each command derives the key anew, which takes long on purpose.
#[test]
fn a_passphrase_is_nowhere() {
    let world = World::new(&Wanted {
        passphrase: Some(PASSPHRASE),
        config: TRACE,
        ..Wanted::default()
    });
    let mut all = sign_in(&world);
    all.push(needle("passphrase", PASSPHRASE));
    world.ok(&["sync", "accounts"]);
    wrong_passphrase(&world);
    let (process, screen) = console(&world);
    panics(&world, &all);
    assert_eq!(found_below(world.home(), &all), BTreeSet::new());
    for bytes in [&*world.said.borrow(), &process, &screen] {
        assert_eq!(found_in(bytes, &all), BTreeSet::new());
    }
    the_search_can_fail(&world, &process, &screen, &all);
}

/// Signs in; gives what must be kept secret from then on.
fn sign_in(world: &World) -> Vec<Needle> {
    let mut secrets = vec![
        needle("client secret", &world.info().client_secret),
        needle("authorization code", &world.connect()),
    ];
    secrets.extend(tokens(world));
    secrets
}

/// A conflict on an address, and a refusal by the org that repeats one. Gives what was printed by
/// commands that show records, or the org's own words about them.
fn conflict_and_refusal(world: &World, people: &[Json]) -> Vec<u8> {
    let before = world.said.take();
    let contacts = world.export("contacts");
    let of = |at: usize| {
        let email = &people[at]["Email"];
        contacts.iter().find(|c| c["email"] == *email).unwrap()
    };
    let email = people[1]["Email"].as_str().unwrap();
    let rows = [
        json!({ "id": of(0)["id"], "email": "ours@example.com" }),
        json!({ "id": of(1)["id"], "email": format!("{email} and {email}") }),
    ];
    world.import("contacts", &rows);
    world.control().advance(30);
    let id = people[0]["Id"].as_str().unwrap();
    world.colleague(id, &json!({ "Email": "theirs@example.com" }));
    world.control().advance(30);
    let synced = world.ok(&["sync", "contacts"]);
    assert!(synced.contains("invalid email address"), "{synced}");
    world.ok(&["conflicts", "list"]);
    world.ok(&["conflicts", "take", "all", "base"]);
    world.ok(&["conflicts", "write", "--yes"]);
    let crm = world.control().get(id).unwrap();
    assert_eq!(crm["Email"], people[0]["Email"], "decided for the base");
    world.said.replace(before)
}

/// The org answers in every wrong way.
fn failures(world: &World) {
    let control = world.control();
    let fault = |kind| Fault {
        path: Some("/services".into()),
        method: None,
        after: 0,
        times: Some(1),
        probability: None,
        kind,
    };
    for kind in [
        FaultKind::Status {
            status: 400,
            body: None,
        },
        FaultKind::Html { status: 503 },
        FaultKind::Garbage,
        FaultKind::Truncate,
        FaultKind::DropAfter,
        FaultKind::ExpireSession,
    ] {
        control.inject(fault(kind));
        world.run(&["sync", "contacts"]);
        control.clear_faults();
    }
}

fn wrong_passphrase(world: &World) {
    let wrong = world.desk().join("wrong");
    fs::write(&wrong, "another passphrase\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&wrong, mode).unwrap();
    let mut command = world.command(&["sync"]);
    command.env("SYNCDECK_PASSPHRASE_FILE", &wrong);
    assert_eq!(world.output(command).status.code(), Some(2));
}

/// What the system tells about a console that runs, and what was on its screen.
fn console(world: &World) -> (Vec<u8>, Vec<u8>) {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_syncdeck"));
    command.env_clear();
    for (name, value) in world.variables() {
        command.env(name, value);
    }
    let mut terminal = Terminal::of(command);
    terminal.until_shown("Contact <-> contacts").type_keys("S");
    terminal.until_shown("Sync of all pairs");
    let mut seen = terminal.contents();
    let proc = Path::new("/proc").join(terminal.process_id().to_string());
    let mut told = Vec::new();
    for part in ["cmdline", "environ"] {
        told.extend(fs::read(proc.join(part)).unwrap());
    }
    for (key, screen) in [("6", "[6 Settings]"), ("1", "[1 Overview]")] {
        terminal.type_keys(key).until_shown(screen);
        seen += &terminal.contents();
    }
    terminal.until("the end of the sync", |screen| {
        !screen.contents().contains(" RUN ")
    });
    seen += &terminal.contents();
    terminal.type_keys("q");
    terminal.exits();
    // The bytes hold texts in pieces: only what changes is drawn.
    seen.push_str(&String::from_utf8_lossy(terminal.raw()));
    (told, seen.into_bytes())
}

#[test]
#[ignore = "the test of secrets runs it as a process of its own"]
fn child() {
    let Ok(dir) = std::env::var(CHILD) else {
        return;
    };
    let guard = logging::start(Path::new(&dir), Config::default().log, None).unwrap();
    logging::hook_panics(|text| {
        use std::io::Write as _;
        std::io::stderr().write_all(text.as_bytes()).unwrap();
    });
    for value in std::env::var(VALUES).unwrap().lines() {
        let value = value.to_owned();
        let one = value.clone();
        std::thread::spawn(move || panic!("with {one}"))
            .join()
            .unwrap_err();
        let one = value.clone();
        std::thread::spawn(move || std::panic::panic_any(one))
            .join()
            .unwrap_err();
        std::thread::spawn(move || refused(value).unwrap())
            .join()
            .unwrap_err();
    }
    std::thread::spawn(|| panic!("an own text"))
        .join()
        .unwrap_err();
    drop(guard);
}

/// An error whose `Debug` shows a value.
fn refused(value: String) -> Result<(), String> {
    Err(value)
}

/// The program's own way of panicking, in another process, with everything that is secret.
fn panics(world: &World, all: &[Needle]) {
    let values: Vec<&str> = all.iter().map(|n| n.text.as_str()).collect();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["secrets::child", "--exact", "--ignored", "--nocapture"])
        .env(CHILD, world.profile().join("log"))
        .env(VALUES, values.join("\n"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        text.matches("a fault in syncdeck itself").count(),
        3 * all.len() + 1,
        "{text}"
    );
    assert!(text.contains("an own text"));
    let mut said = world.said.borrow_mut();
    said.extend(&output.stdout);
    said.extend(&output.stderr);
}

/// The same search finds what is there.
fn the_search_can_fail(world: &World, process: &[u8], screen: &[u8], all: &[Needle]) {
    let there = |text: &str| [needle("something", text)];
    let logged = found_below(&world.profile().join("log"), &there("a fault in syncdeck"));
    assert!(!logged.is_empty(), "nothing was logged");
    assert!(!found_below(world.home(), &there(&world.info().client_id)).is_empty());
    assert!(!found_below(world.home(), &there("vault/key.age")).is_empty());
    assert!(!found_in(&world.said.borrow(), &there("signed in as")).is_empty());
    assert!(!found_in(process, &there("SYNCDECK_HOME")).is_empty());
    assert!(!found_in(screen, &there("Contact <-> contacts")).is_empty());
    for one in all {
        fs::write(world.home().join("planted"), format!("x{}x", one.text)).unwrap();
        let found = found_below(world.home(), all);
        assert!(found.iter().any(|(what, _)| *what == one.what), "{one:?}");
    }
}
