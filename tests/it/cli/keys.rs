//! `syncdeck keys`: the table of the documents, and what a wrong key file is answered with.

use std::path::Path;

use insta::assert_snapshot;

use super::Program;

/// Around the table in the README.
const MARKS: [&str; 2] = [
    "<!-- begin: syncdeck keys --format markdown -->\n",
    "<!-- end -->",
];

#[test]
fn the_readme_lists_the_keys_there_are() {
    let program = Program::new();
    let output = program
        .command(&["keys", "--format", "markdown"])
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, rest) = readme
        .split_once(MARKS[0])
        .expect("the README marks the table");
    let (written, _) = rest.split_once(MARKS[1]).expect("the README marks its end");
    assert_eq!(
        written, table,
        "put the output of `syncdeck keys --format markdown` between the marks of the README"
    );
}

#[test]
fn the_key_file_is_laid_over_the_defaults() {
    let program = Program::new();
    program.write_keys("[sync]\nrun_now = [\"S-Tab\", \"F1\"]\n");
    let clash = program.run(&["keys"]);
    assert!(clash.contains("exit 2"), "{clash}");
    program.write_keys("[sync]\nrun_now = \"W\"\n");
    let output = program
        .command(&["keys", "--format", "json"])
        .output()
        .unwrap();
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let changed: Vec<_> = all["keys"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["changed"] == true)
        .map(|row| {
            (
                row["action"].as_str().unwrap(),
                row["keys"][0].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(changed, [("sync.run_now", "W")]);
}

#[test]
fn a_mistake_in_the_key_file_is_shown_where_it_is() {
    let program = Program::new();
    let mut said = String::new();
    for text in [
        "[sync]\nrun_nwo = \"s\"\n",
        "[sync]\nrun_now = \"Ctrl-h\"\n",
        "[sync]\nrun_now = \"Hyper-x\"\n",
        "open = \"Enter\"\n[sync]\nrun_now = [\"p\"]\n",
        "[goto]\nrecord = \"g\"\n",
        "[sync\n",
        "[sync]\nrun_now = 3\n",
    ] {
        program.write_keys(text);
        said.push_str(&program.run(&["keys"]));
    }
    assert_snapshot!(said);
}

#[test]
fn flags_of_the_console_are_refused_elsewhere() {
    let program = Program::new();
    let said = program.run(&["--read-only", "keys"]);
    assert!(said.contains("exit 2"), "{said}");
    assert!(
        said.contains("--read-only, --wall and --plain are for the console"),
        "{said}"
    );
}
