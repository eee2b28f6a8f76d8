//! The plain commands, run as a person runs them: exit code, standard output, standard error.

mod business;
mod demo;
pub mod flow;
mod keys;
mod many;
mod new_pair;
pub mod org;
mod settings;
mod vault;
mod wrong;

use std::process::Output;

use assert_cmd::Command;
use insta::assert_snapshot;
use tempfile::TempDir;

/// The program with a home of its own.
pub struct Program {
    home: TempDir,
}

impl Program {
    pub fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// A command in this home; nothing of the surroundings reaches it.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("syncdeck").unwrap();
        command
            .env_clear()
            .env("SYNCDECK_HOME", self.home.path())
            .env("COLUMNS", "80")
            .args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> String {
        self.report(&self.command(args).output().unwrap())
    }

    fn report(&self, output: &Output) -> String {
        let home = self.home.path().to_str().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(home, "HOME");
        format!(
            "exit {}\n-- out\n{}-- err\n{}",
            output.status.code().unwrap_or(-1),
            text(&output.stdout),
            text(&output.stderr)
        )
    }

    fn write_keys(&self, text: &str) {
        let dir = self.home.path().join("default");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("keys.toml"), text).unwrap();
    }

    fn write_config(&self, profile: &str, text: &str) {
        let dir = self.home.path().join(profile);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("config.toml"), text).unwrap();
    }
}

#[test]
fn the_example_is_what_check_takes() {
    let program = Program::new();
    let example = program.command(&["config", "example"]).output().unwrap();
    assert!(example.status.success());
    program.write_config("default", std::str::from_utf8(&example.stdout).unwrap());
    assert_snapshot!(program.run(&["config", "check"]), @r#"
    exit 0
    -- out
    HOME/default/config.toml: OK
    -- err
    "#);
}

#[test]
fn no_file_means_defaults_but_a_named_one_must_be_there() {
    let program = Program::new();
    assert_snapshot!(program.run(&["config", "check"]), @r#"
    exit 0
    -- out
    HOME/default/config.toml: not there, defaults apply
    -- err
    "#);
    assert_snapshot!(program.run(&["--config", "nowhere.toml", "config", "check"]), @r#"
    exit 2
    -- out
    -- err
    error: cannot read nowhere.toml: No such file or directory (os error 2)

    hint: `syncdeck config example` prints a file with every setting
    "#);
}

#[test]
fn a_fault_in_the_settings_is_shown_in_its_place() {
    let program = Program::new();
    program.write_config("prod-eu", "[ui]\ntheem = \"dark\"\n");
    assert_snapshot!(program.run(&["--profile", "prod-eu", "config", "check"]), @r#"
    exit 2
    -- out
    -- err
    error: unknown key `theem`
     --> HOME/prod-eu/config.toml:2:1
      |
    2 | theem = ...
      | ^^^^^ expected one of: theme, color, times, esc_wait_ms, band, band_color
      = did you mean `theme`?

    hint: nothing was started; correct the file, then run `syncdeck config check`
    "#);
}

#[test]
fn a_fault_in_the_key_file_is_shown_in_its_place() {
    for (text, says) in [
        (
            "[sync]\nrun_now = \"p\"\n",
            "keys.toml:2:11: `p` is used for both `sync.run_now` and `sync.pause` in Overview\n\n\
             hint: give one of the two another key",
        ),
        (
            "[pane]\nsplit_lft = \"<\"\n",
            "keys.toml:2:1: unknown action `pane.split_lft`\n\nhint: did you mean `pane.split_left`?",
        ),
        (
            "help = \"Ctrl-i\"\n",
            "keys.toml:1:8: `Ctrl-i` does not arrive over SSH",
        ),
    ] {
        let program = Program::new();
        program.write_keys(text);
        let report = program.run(&["keys"]);
        assert!(report.starts_with("exit 2\n-- out\n-- err\n"), "{report}");
        assert!(report.contains(says), "{says}: {report}");
    }
}

#[test]
fn without_a_terminal_that_can_do_it_no_console_is_drawn() {
    let program = Program::new();
    let run = |term: &str| {
        let mut command = program.command(&[]);
        command.env("TERM", term);
        program.report(&command.output().unwrap())
    };
    // The same as `watch --plain`, which needs none.
    for term in ["xterm", "dumb"] {
        let report = run(term);
        for said in [
            "No screen without a terminal: these are the lines of `syncdeck watch --plain`.",
            "error: there is no vault in HOME/default",
        ] {
            assert!(report.contains(said), "{report}");
        }
        assert!(report.starts_with("exit 2\n-- out\n-- err\n"), "{report}");
    }
}

#[test]
fn a_profile_cannot_lead_out_of_its_folder() {
    assert_snapshot!(Program::new().run(&["--profile", "../x", "config", "check"]), @r#"
    exit 2
    -- out
    -- err
    error: invalid value '../x' for '--profile <NAME>': a profile name starts with a letter or digit and has only letters, digits, `.`, `_` and `-`, at most 64

    For more information, try '--help'.
    "#);
}

#[test]
fn an_unknown_command_says_what_was_meant() {
    assert_snapshot!(Program::new().run(&["confg"]), @r#"
    exit 2
    -- out
    -- err
    error: unrecognized subcommand 'confg'

      tip: some similar subcommands exist: 'conflicts', 'config'

    Usage: syncdeck [OPTIONS] [COMMAND]

    For more information, try '--help'.
    "#);
}

#[cfg(unix)]
#[test]
fn a_reader_that_stops_early_is_no_fault() {
    use std::process::Stdio;
    let program = Program::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin("syncdeck"))
        .args(["config", "example"])
        .env_clear()
        .env("SYNCDECK_HOME", program.home.path())
        .stdout(Stdio::from(writer))
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// The answers of a set-up, one a line.
fn set_up(program: &Program, profile: &str, answers: &str) -> String {
    let mut command = program.command(&["--profile", profile, "setup", "--plain"]);
    let output = command.write_stdin(answers).output().unwrap();
    program.report(&output)
}

#[test]
fn a_set_up_asks_again_writes_privately_and_never_over_a_file() {
    let program = Program::new();
    let answers =
        "not a host\ntest.salesforce.com\n3MVG9.key\n99\n1717\nlead-desk\nwhatever\nidentity\n";
    let done = set_up(&program, "default", answers);
    assert!(done.starts_with("exit 0\n"), "{done}");
    assert!(done.contains("wrote HOME/default/config.toml"), "{done}");
    let file = program.home.path().join("default/config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    for line in [
        "preset = \"lead-desk\"",
        "login_host = \"test.salesforce.com\"",
        "client_id = \"3MVG9.key\"",
        "callback_port = 1717",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(program.run(&["config", "check"]).starts_with("exit 0\n"));
    assert!(
        program
            .run(&["vault", "unlock-test"])
            .starts_with("exit 0\n")
    );

    // It goes on with the sign-in, which these answers refuse.
    let again = set_up(&program, "default", answers);
    assert!(
        again.starts_with("exit 0\n") && again.contains("kept the settings HOME/default"),
        "{again}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_set_up_that_is_left_leaves_nothing() {
    let program = Program::new();
    let left = set_up(&program, "left", "test.salesforce.com\n\n");
    assert!(left.starts_with("exit 130\n"), "{left}");
    assert!(!program.home.path().join("left").exists());
}

#[test]
fn the_doctor_names_what_is_missing_and_is_content_after_a_set_up_but_for_the_sign_in() {
    let program = Program::new();
    let first = program.run(&["doctor"]);
    assert!(first.starts_with("exit 1\n"), "{first}");
    assert!(first.contains("run: syncdeck setup --plain"), "{first}");
    assert!(
        !program.home.path().join("default").exists(),
        "looking made a folder"
    );
    set_up(&program, "default", "\nkey\n\n\n\n");
    let words = |text: &str| -> Vec<(String, String)> {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        let checks = json["checks"].as_array().unwrap().clone();
        let part = |c: &serde_json::Value, k: &str| c[k].as_str().unwrap().to_owned();
        checks
            .iter()
            .filter(|c| c["state"] != "OK")
            .map(|c| (part(c, "name"), part(c, "state")))
            .collect()
    };
    let look = || {
        let output = program.command(&["doctor", "--json"]).output().unwrap();
        assert!(!output.stdout.windows(15).any(|w| w == b"AGE-SECRET-KEY-"));
        words(std::str::from_utf8(&output.stdout).unwrap())
    };
    let found = |name: &str, word: &str| (name.to_owned(), word.to_owned());
    assert_eq!(look(), [found("connection", "WARN")]);
    // The store is there now, and is looked into.
    program.run(&["export", program.home.path().join("x").to_str().unwrap()]);
    assert_eq!(look(), [found("connection", "WARN")]);

    let open = |path: &str, mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(program.home.path().join(path), mode).unwrap();
    };
    open("default/store", 0o755);
    open("default/vault/identity.txt", 0o644);
    assert_eq!(
        look(),
        [found("store folder", "WARN"), found("vault", "FAIL")]
    );
    program.write_config("default", "[ui]\ntheem = \"dark\"\n");
    assert_eq!(look()[0], found("settings", "FAIL"));
}

#[test]
fn the_sandbox_server_says_one_line_and_ends_with_its_input() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::process::Stdio;
    let program = Program::new();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("syncdeck"))
        .args(["sandbox", "serve", "--bare", "--until-eof"])
        .env_clear()
        .env("SYNCDECK_HOME", program.home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let info: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = info["login_url"].as_str().unwrap();
    let mut answer = String::new();
    let mut socket =
        std::net::TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    socket
        .write_all(b"GET /services/data HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    drop(child.stdin.take());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "more than one line");
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_engine_starts_with_the_pairs_of_the_preset() {
    let program = Program::new();
    let before = program.run(&["status"]);
    assert!(
        before.starts_with("exit 2\n") && before.contains("vault init"),
        "{before}"
    );
    set_up(&program, "default", "\nkey\n\nlead-desk\n\n");
    let said = program.run(&["status"]);
    assert!(said.contains("leads") && said.contains("Lead"), "{said}");
    let mapping = program.run(&["mapping", "export"]);
    assert!(mapping.contains("name = \"leads\""), "{mapping}");
}
