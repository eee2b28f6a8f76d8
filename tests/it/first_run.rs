//! The very first start of the real program on a real (pseudo) terminal of 80x24, from an empty
//! home to a synced profile, against a sandbox org; and what leaving in between leaves.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portable_pty::CommandBuilder;
use syncdeck::sandbox::{self, Approval, Running, Seed};
use tempfile::TempDir;

use crate::cli::org::browse;
use crate::pty::Terminal;

const CTRL_U: &str = "\u{15}";
const DOWN: &str = "\u{1b}[B";
const SHIFT_TAB: &str = "\u{1b}[Z";

/// An org, and a home that is empty at first.
struct World {
    runtime: tokio::runtime::Runtime,
    org: Option<Running>,
    home: TempDir,
    port: u16,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = sandbox::Options {
            seed: Seed::Demo {
                leads: 60,
                number: 42,
            },
            approval: Approval::Automatic,
            ..sandbox::Options::default()
        };
        let org = runtime.block_on(sandbox::serve(options)).unwrap();
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        Self {
            runtime,
            org: Some(org),
            home: tempfile::tempdir().unwrap(),
            port: free.local_addr().unwrap().port(),
        }
    }

    fn info(&self) -> &sandbox::Info {
        self.org.as_ref().unwrap().info()
    }

    fn start(&self, args: &[&str]) -> Person {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_syncdeck"));
        command.args(args);
        command.env_clear();
        command.env("SYNCDECK_HOME", self.home.path());
        Person(Terminal::of(command))
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_syncdeck"))
            .env_clear()
            .env("SYNCDECK_HOME", self.home.path())
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{args:?}: {text}"
        );
        text
    }

    /// The answers of the sign-in's page, to the address.
    fn sign_in(&self, person: &mut Person) {
        person
            .sees("[3 Salesforce]")
            .press("\r")
            .fill(&self.info().login_url)
            .fill(&self.info().client_id)
            .fill("")
            .fill(&self.port.to_string())
            .sees("1  Open this address");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(org) = self.org.take() {
            self.runtime.block_on(org.shutdown());
        }
    }
}

/// A person at the terminal.
struct Person(Terminal);

impl Person {
    fn press(&mut self, keys: &str) -> &mut Self {
        self.0.type_keys(keys);
        self
    }

    fn paste(&mut self, text: &str) -> &mut Self {
        self.press(&format!("\u{1b}[200~{text}\u{1b}[201~"))
    }

    /// Fills the field under the cursor and goes on.
    fn fill(&mut self, text: &str) -> &mut Self {
        self.press(CTRL_U).press(text).press("\r")
    }

    /// Waits for a text, wherever its lines were broken.
    fn sees(&mut self, text: &str) -> &mut Self {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let wanted = words(text);
        self.0
            .until(text, |screen| words(&screen.contents()).contains(&wanted));
        self
    }

    /// The address that is to be opened.
    fn address(&self) -> String {
        let contents = self.0.contents();
        let lines = contents.lines().skip_while(|l| !l.starts_with("http"));
        let address = lines.take_while(|l| !l.trim().is_empty());
        address.map(str::trim_end).collect()
    }

    /// R, and waits until another address is there.
    fn fresh_address(&mut self) {
        let old = self.address();
        self.press("\u{1b}")
            .sees("Enter back into the field")
            .press("R");
        let old = old
            .split("state=")
            .nth(1)
            .unwrap()
            .get(..20)
            .unwrap()
            .to_owned();
        self.sees("1 Open this address")
            .sees("typing: Enter check")
            .0
            .until("another address", |screen| {
                let text: String = screen.contents().split_whitespace().collect();
                text.contains("state=") && !text.contains(&old)
            });
    }

    fn leaves(&mut self) {
        self.press("q");
        self.0.exits();
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn from_an_empty_home_to_a_synced_profile() {
    let world = World::new();
    let mut person = world.start(&[]);
    person
        .sees("[1 Profile]")
        .sees("saved so far: nothing yet")
        .press("\r")
        .press(&format!("{DOWN}{DOWN}\r"))
        .sees("[2 Vault]")
        .press("\r")
        .sees("Two things together open it")
        .press("\r");
    world.sign_in(&mut person);
    let came = browse(&person.address());
    let code = came
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    person
        .paste(&came)
        .sees("characters)")
        .press("\r")
        .sees("OK stored in the vault, shown to nobody")
        .sees("SANDBOX")
        .sees("OK API calls today:")
        .press("\r")
        .sees("[4 App]")
        .sees("fit together")
        .press("\r")
        .sees("[5 Objects]")
        .sees("OK Lead <-> leads about")
        .press("\r")
        .sees("[6 Check]")
        .press("\r")
        .sees("Nothing was written. The first sync would do this:")
        .sees("to create in the App");
    let contents = person.0.contents();
    let (_, counted) = contents.split_once("Lead <-> leads: ").unwrap();
    let leads: usize = counted.split(' ').next().unwrap().parse().unwrap();
    assert!(leads > 40, "{contents}");
    // The dry run wrote nothing.
    assert!(!person.0.contents().contains("[1 Overview]"));
    person
        .press("s")
        .sees("[1 Overview]")
        .sees(&format!("{leads} 0 0"));
    person.leaves();

    let records = world.ok(&["records", "export", "leads", "--format", "ndjson"]);
    assert_eq!(records.lines().count(), leads);
    // The code was good once; it lies nowhere all the same.
    for file in files(world.home.path()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(
            !bytes.windows(code.len()).any(|w| w == code.as_bytes()),
            "{}",
            file.display()
        );
    }
    // Everything is there: the console opens at once.
    let mut person = world.start(&[]);
    person.sees("[1 Overview]");
    person.leaves();
}

#[test]
fn leaving_after_each_step_loses_nothing_and_the_next_start_goes_on() {
    let world = World::new();
    let mut person = world.start(&[]);
    person
        .sees("[1 Profile]")
        .press("\u{1b}")
        .sees("Enter")
        .press("q");
    person.0.exits();
    assert!(
        !world.home.path().join("default").exists(),
        "nothing was answered"
    );

    let mut person = world.start(&["setup"]);
    person
        .sees("[1 Profile]")
        .press("\r")
        .press(&format!("{DOWN}{DOWN}\r"));
    person.sees("[2 Vault]").leaves();

    let mut person = world.start(&[]);
    person
        .sees("[2 Vault]")
        .sees("saved so far: profile")
        .press(&format!("{DOWN}\r"));
    person.press("open sesame\r").press("open sesame\r");
    person.sees("Two things together open it").leaves();

    // The vault is opened on the screen; nothing is asked over it.
    let mut person = world.start(&["setup"]);
    person
        .sees("The vault is there and locked.")
        .press("open sesam\r");
    person.sees("FAIL").press("open sesame\r");
    world.sign_in(&mut person);
    // A line that breaks.
    person.0.kill();

    let mut person = world.start(&["setup"]);
    person.sees("[2 Vault]").press("open sesame\r");
    // What was typed is saved.
    person.sees("[3 Salesforce]").sees(&world.info().client_id);
    person.press("\r\r\r\r\r").sees("1 Open this address");
    let came = browse(&person.address());
    person
        .paste(&came)
        .press("\r")
        .sees("OK stored in the vault")
        .leaves();

    let mut person = world.start(&["setup"]);
    person.sees("[2 Vault]").press("open sesame\r");
    person.sees("[4 App]").sees("fit together").press("\r");
    person
        .sees("[5 Objects]")
        .sees("OK Lead <-> leads about")
        .press("\r")
        .sees("[6 Check]")
        .leaves();

    let mut person = world.start(&["setup"]);
    person.sees("[2 Vault]").press("open sesame\r");
    person
        .sees("[6 Check]")
        .press(SHIFT_TAB)
        .sees("OK Lead <-> leads")
        .leaves();
}

#[test]
fn what_the_org_and_the_answer_refuse_is_said_with_what_helps() {
    let world = World::new();
    let mut person = world.start(&[]);
    person
        .sees("[1 Profile]")
        .press("\r")
        .press(&format!("{DOWN}{DOWN}\r"));
    person
        .sees("[2 Vault]")
        .press("\r")
        .sees("Two things")
        .press("\r");
    person
        .sees("[3 Salesforce]")
        .press("\r")
        .fill("http://crm.example")
        .fill("k")
        .fill("")
        .fill("7717");
    person
        .sees("FAIL Login host takes a host")
        .press("\u{1b}")
        .sees("go on")
        .press(SHIFT_TAB);
    person.sees("[2 Vault]").press("\r");
    world.sign_in(&mut person);

    let came = browse(&person.address());
    let (_, state) = came.split_once("&state=").unwrap();
    let back = format!("http://localhost:{}/callback", world.port);
    person
        .paste(&came.replace(state, "syncdeck-old"))
        .press("\r");
    person.sees("FAIL").sees("newest");
    person.paste("https://login.salesforce.com/services/oauth2/error?error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match");
    person
        .press("\r")
        .sees("FAIL")
        .sees("add exactly the redirect address");
    person.fresh_address();

    let state = person
        .address()
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    person
        .paste(&format!("{back}?code=aPrx.not.a.code&state={state}"))
        .press("\r");
    person
        .sees("FAIL")
        .sees("start the sign-in again")
        .sees("R makes a fresh address");
    person.fresh_address();

    let came = browse(&person.address());
    person
        .paste(&came)
        .press("\r")
        .sees("OK stored in the vault");
    person.leaves();
}
