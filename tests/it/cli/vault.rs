//! The vault and the store: made, opened by their keys only, and carried away as one file.

use super::*;

/// A file that only we can read.
fn private(program: &Program, name: &str, text: &str) -> String {
    let path = program.home.path().join(name);
    std::fs::write(&path, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_vault_is_made_once_and_opened_by_its_identity_only() {
    let program = Program::new();
    assert!(program.run(&["vault", "status"]).starts_with("exit 1\n"));
    assert!(
        program
            .run(&["vault", "unlock-test"])
            .contains("`syncdeck vault init`")
    );
    let made = program.run(&["vault", "init"]);
    assert!(
        made.starts_with("exit 0\n") && made.contains("If either is lost"),
        "{made}"
    );
    assert!(program.run(&["vault", "init"]).starts_with("exit 2\n"));
    assert!(
        program
            .run(&["vault", "unlock-test"])
            .starts_with("exit 0\n")
    );

    let identity = program.home.path().join("default/vault/identity.txt");
    let text = std::fs::read_to_string(&identity).unwrap();
    let other = private(&program, "other.txt", &text.replace('\n', " \n"));
    let named = program.run(&["--identity", &other, "vault", "unlock-test"]);
    assert!(named.starts_with("exit 0\n"), "{named}");

    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&identity, open).unwrap();
    let refused = program.run(&["vault", "unlock-test"]);
    assert!(
        refused.starts_with("exit 2\n") && refused.contains("chmod 600"),
        "{refused}"
    );
    assert!(!refused.contains("AGE-SECRET-KEY"), "{refused}");
}

#[test]
fn one_more_key_opens_the_vault_and_the_first_still_does() {
    let program = Program::new();
    program.run(&["vault", "init"]);
    program.run(&["--profile", "second", "vault", "init"]);
    let second = program.home.path().join("second/vault");
    let list = std::fs::read_to_string(second.join("recipients.txt")).unwrap();
    let key = list.lines().find(|l| l.starts_with("age1")).unwrap();
    let added = program.run(&["vault", "add-recipient", key]);
    assert!(added.contains("2 keys open the vault now"), "{added}");
    let identity = second.join("identity.txt");
    let by_second = [
        "--identity",
        identity.to_str().unwrap(),
        "vault",
        "unlock-test",
    ];
    assert!(program.run(&by_second).starts_with("exit 0\n"));
    assert!(
        program
            .run(&["vault", "unlock-test"])
            .starts_with("exit 0\n")
    );
    assert!(
        program
            .run(&["vault", "add-recipient", key])
            .contains("opens the vault already")
    );
}

#[test]
fn a_passphrase_is_changed_and_never_shown() {
    let program = Program::new();
    let old = private(&program, "old", "correct horse\n");
    let new = private(&program, "new", "battery staple\n");
    let run = |file: &str, args: &[&str]| {
        program.run(&[&["--passphrase-file", file, "vault"], args].concat())
    };
    let mut said = run(&old, &["init", "--passphrase"]);
    said += &run(&old, &["change-passphrase", "--new-passphrase-file", &new]);
    said += &run(&new, &["unlock-test"]);
    assert_eq!(said.matches("exit 0").count(), 3, "{said}");
    let wrong = run(&old, &["unlock-test"]);
    assert!(wrong.starts_with("exit 2\n"), "{wrong}");
    said += &wrong;
    let nobody = program.run(&["vault", "unlock-test"]);
    assert!(nobody.contains("--passphrase-file"), "{nobody}");
    assert!(
        !said.contains("horse") && !said.contains("staple"),
        "{said}"
    );
}

#[test]
fn a_store_leaves_and_comes_back_as_one_file() {
    let program = Program::new();
    let file = program.home.path().join("backup");
    let file = file.to_str().unwrap();
    assert!(
        program.run(&["export", file]).starts_with("exit 2\n"),
        "there is no vault yet"
    );
    program.run(&["vault", "init"]);
    assert_snapshot!(program.run(&["export", file]), @r#"
    exit 0
    -- out
    0 records written
    -- err
    "#);
    assert!(program.run(&["export", file]).contains("is there already"));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    program.run(&["--profile", "copy", "vault", "init"]);
    let vault = program.home.path().join("default/vault");
    let import = ["--profile", "copy", "import", file];
    let refused = program.run(&import);
    assert!(
        refused.starts_with("exit 2\n"),
        "another vault's file was taken: {refused}"
    );
    let from = [&import[..], &["--from-vault", vault.to_str().unwrap()]].concat();
    assert_snapshot!(program.run(&from), @r#"
    exit 0
    -- out
    0 records taken in
    -- err
    "#);
    let cut = &std::fs::read(file).unwrap()[..30];
    std::fs::write(file, cut).unwrap();
    assert!(
        program.run(&["import", file]).starts_with("exit 2\n"),
        "a cut file was taken"
    );
}

#[test]
fn a_reader_of_an_export_that_stops_early_is_told() {
    let program = Program::new();
    program.run(&["vault", "init"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin("syncdeck"))
        .args(["export", "-"])
        .env_clear()
        .env("SYNCDECK_HOME", program.home.path())
        .stdout(std::process::Stdio::from(writer))
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    // A backup that nobody received is no success.
    assert_eq!(output.status.code(), Some(2));
}
