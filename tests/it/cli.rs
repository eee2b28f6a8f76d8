//! The plain commands, run as a person runs them: exit code, standard output, standard error.

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
      | ^^^^^ expected one of: theme, color, times
      = did you mean `theme`?

    hint: nothing was started; correct the file, then run `syncdeck config check`
    "#);
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

      tip: a similar subcommand exists: 'config'

    Usage: syncdeck [OPTIONS] <COMMAND>

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
