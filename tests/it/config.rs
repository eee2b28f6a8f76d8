//! Settings files of `tests/fixtures/config`: the valid ones are taken, and each invalid one
//! gives the report a person reads.

use std::path::{Path, PathBuf};

use syncdeck::config::Config;

fn files(kind: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/config")
        .join(kind);
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|f| f.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    assert!(files.len() > 2, "the folder `{kind}` is nearly empty");
    files
}

fn parse(file: &Path) -> Result<Config, syncdeck::error::Error> {
    let text = String::from_utf8(std::fs::read(file).unwrap()).unwrap();
    // Reports name the file; the folder of this machine stays out of the snapshots.
    Config::parse(&text, Path::new(file.file_name().unwrap()))
}

#[test]
fn valid_files_are_taken() {
    for file in files("valid") {
        if let Err(error) = parse(&file) {
            panic!("{}: {error}", file.display());
        }
    }
}

#[test]
fn invalid_files_say_where_and_what_was_expected() {
    for file in files("invalid") {
        let error = parse(&file).expect_err(&file.display().to_string());
        let name = file.file_stem().unwrap().to_str().unwrap();
        insta::assert_snapshot!(format!("invalid_{name}"), error.message());
        assert!(
            !error.message().contains("hunter2"),
            "a secret was repeated: {name}"
        );
    }
}
