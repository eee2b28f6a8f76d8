//! The rules of `src/lib.rs`, checked on the sources: who may import whom, one home per outside
//! library, printing and ending only where they belong, file sizes, and module documentation.
//!
//! [`check`] looks at one file and is itself tested with bad ones.

use std::path::{Path, PathBuf};

/// Which modules a module may import; its own is always allowed.
const MAY_IMPORT: [(&str, &[&str]); 14] = [
    ("error", &[]),
    ("domain", &["error"]),
    ("config", &["domain", "error"]),
    ("logging", &["config", "error"]),
    ("vault", &["domain", "error", "config"]),
    ("store", &["domain", "error"]),
    ("crm", &["domain", "error", "vault"]),
    ("appdb", &["domain", "error", "store"]),
    ("sandbox", &["error"]),
    (
        "engine",
        &[
            "domain", "error", "config", "vault", "store", "crm", "appdb",
        ],
    ),
    ("tui", &["domain", "error", "config", "engine"]),
    ("cli", ALL),
    ("main", ALL),
    ("lib", &[]),
];

const ALL: &[&str] = &[
    "domain", "error", "config", "logging", "vault", "store", "crm", "appdb", "sandbox", "engine",
    "tui", "cli",
];

/// What the screen may see of the engine.
const LINK: [&str; 5] = ["link", "command", "notice", "summary", "view"];

/// Where an outside library may be named, outside of tests.
const HOMES: [(&str, &[&str]); 29] = [
    // The one reason for most of these modules.
    ("sled", &["store"]),
    ("postcard", &["store"]),
    ("age", &["vault"]),
    ("reqwest", &["crm"]),
    ("oauth2", &["crm"]),
    ("backon", &["crm"]),
    ("axum", &["sandbox"]),
    ("tower", &["sandbox"]),
    ("winnow", &["sandbox"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("tui_textarea", &["tui"]),
    ("tui_input", &["tui"]),
    ("nucleo_matcher", &["tui"]),
    ("unicode_segmentation", &["tui"]),
    ("unicode_normalization", &["domain"]),
    ("clap", &["cli", "main"]),
    ("rpassword", &["cli"]),
    ("csv", &["cli", "sandbox"]),
    ("directories", &["config"]),
    ("tracing_subscriber", &["logging"]),
    ("tracing_appender", &["logging"]),
    // Two programs that meet on the wire share the protocol's words and no code.
    ("http", &["crm", "sandbox"]),
    ("url", &["config", "crm", "sandbox", "engine", "cli"]),
    // Sealing, hashing, and the sandbox's own signatures.
    ("ring", &["vault", "store", "crm", "sandbox"]),
    ("rustls", &["crm", "sandbox", "main"]),
    ("rustix", &["vault", "tui"]),
    // Text that is read by people in two forms.
    ("toml", &["config", "domain", "tui"]),
    ("similar", &["tui", "cli"]),
];

/// Words that only some modules may use, outside of tests.
const WORDS: [(&str, &[&str]); 9] = [
    ("process::exit", &["main"]),
    ("print!", &["cli"]),
    ("println!", &["cli"]),
    ("eprint!", &["cli"]),
    ("eprintln!", &["cli"]),
    ("dbg!", &[]),
    ("todo!", &[]),
    ("unimplemented!", &[]),
    ("io::stdout", &["cli", "tui"]),
];

/// The one file that may make a permit to write to a CRM, and the call that makes it.
const PERMIT: (&str, &str) = ("engine/guard.rs", "WritePermit::issue");

const MOST_LINES: usize = 800;

#[test]
fn the_sources_follow_the_table() {
    let sources = sources("src");
    assert!(sources.len() > 10, "found only {} files", sources.len());
    let faults: Vec<_> = sources
        .iter()
        .flat_map(|(path, text)| check(path, text))
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let mut faults = Vec::new();
    for dir in ["src", "tests", "benches", "themes", ".ci", ".github"] {
        for (path, text) in files(dir) {
            for (number, line) in text.lines().enumerate() {
                if machine_path(line) {
                    faults.push(format!("{}:{}: {line}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_table_has_a_prefix_of_its_own() {
    let mut seen = std::collections::BTreeMap::new();
    for (path, text) in sources("src") {
        let code = code_only(without_tests(&path, &text));
        for table in code.split("Table::new(0x").skip(1) {
            let prefix = table.get(..2).unwrap_or_default().to_owned();
            let before = seen.insert(prefix.clone(), path.clone());
            assert_eq!(
                before,
                None,
                "prefix 0x{prefix} again in {}",
                path.display()
            );
        }
    }
    assert!(
        seen.len() > 20,
        "the tables are looked for in the wrong way"
    );
}

#[test]
fn the_checker_sees_what_it_is_for() {
    let clean = "//! Fine.\nuse crate::error::Error;\n";
    assert_eq!(
        check(Path::new("store/keys.rs"), clean),
        Vec::<String>::new()
    );
    for (path, text) in [
        ("store/keys.rs", "use crate::error::Error;\n"),
        ("domain/id.rs", "//! x\nuse crate::config::Config;\n"),
        ("sandbox/mod.rs", "//! x\nuse crate::domain::id::CrmId;\n"),
        (
            "engine/push.rs",
            "//! x\nfn f() { WritePermit::issue(1); }\n",
        ),
        ("appdb/mod.rs", "//! x\nuse ring::digest;\n"),
        (
            "domain/a/b.rs",
            "//! x\nuse super::super::super::store::Store;\n",
        ),
        (
            "sandbox/mod.rs",
            "//! x\nuse crate::{domain::id, crm::{http, auth}};\n",
        ),
        ("sandbox/mod.rs", "//! x\nfn f() { crate::crm::go() }\n"),
        (
            "crm/mod.rs",
            "//! x\n#[cfg(test)]\nmod tests {\nuse crate::sandbox::Org;\n}\n",
        ),
        (
            "tui/mod.rs",
            "//! x\nuse crate::engine::{link::Link, runner};\n",
        ),
        ("tui/mod.rs", "//! x\nuse crate::engine::{self};\n"),
        ("tui/mod.rs", "//! x\nuse syncdeck::store::Store;\n"),
        ("engine/mod.rs", "//! x\nfn f(db: sled::Db) {}\n"),
        ("engine/mod.rs", "//! x\nuse ::reqwest as r;\n"),
        ("engine/mod.rs", "//! x\nfn f() { println!(\"x\") }\n"),
        ("cli/mod.rs", "//! x\nfn f() { std::process::exit(1) }\n"),
        ("cli/mod.rs", "//! x\nfn f() { todo!() }\n"),
        ("nowhere/mod.rs", "//! x\n"),
    ] {
        assert!(
            !check(Path::new(path), text).is_empty(),
            "not seen in {path}:\n{text}"
        );
    }
    let long = format!("//! x\n{}", "\n".repeat(MOST_LINES));
    assert_eq!(check(Path::new("store/keys.rs"), &long).len(), 1);
    for fine in [
        "//! x\n// crate::crm is explained here, println! too\nconst X: &str = \"crate::crm sled::Db \\\" dbg!\";\n",
        "//! x\n#[cfg(test)]\nmod tests {\nfn f() { println!(\"{}\", reqwest::get()) }\n}\n",
        "//! x\nconst C: char = '\"'; fn f<'a>(x: &'a str) {} // '\n",
        "//! x\nconst R: &str = r#\"crate::engine \" println!\"#;\n",
        "//! x\nfn f() { my::sled::Thing; crawled::go() }\n",
    ] {
        assert_eq!(
            check(Path::new("sandbox/mod.rs"), fine),
            Vec::<String>::new(),
            "{fine}"
        );
    }
    assert!(machine_path(&["see /ho", "me/ann/x"].concat()));
    assert!(!machine_path("https://acme.example/ho/me"));
}

/// The faults of one file; `path` is relative to `src`.
fn check(path: &Path, text: &str) -> Vec<String> {
    let top = path
        .iter()
        .next()
        .and_then(|p| p.to_str())
        .unwrap_or_default();
    let top = top.strip_suffix(".rs").unwrap_or(top);
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{}: {what}", path.display()));

    if !text.starts_with("//!") {
        fault("does not open with `//!`".into());
    }
    let lines = text.lines().count();
    if lines > MOST_LINES {
        fault(format!("{lines} lines, more than {MOST_LINES}"));
    }
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(m, _)| *m == top) else {
        fault(format!("`{top}` is not in the import table"));
        return faults;
    };
    let code = code_only(text);
    for import in imports(path, &code) {
        let Some(module) = import.first() else {
            continue;
        };
        let known = ALL.contains(&module.as_str());
        if known && module != top && !allowed.contains(&module.as_str()) {
            fault(format!("`{top}` imports `{}`", import.join("::")));
        }
        let inside = import.get(1).map_or("", String::as_str);
        if top == "tui" && module == "engine" && !LINK.contains(&inside) {
            fault(format!("the screen imports `{}`", import.join("::")));
        }
    }
    let program = without_tests(path, &code);
    for (library, homes) in HOMES {
        if names(program, library) && !homes.contains(&top) {
            fault(format!("`{library}` has its home in {homes:?}"));
        }
    }
    for (word, homes) in WORDS {
        if stands(program, word) && !homes.contains(&top) {
            fault(format!("`{word}` belongs to {homes:?}"));
        }
    }
    let (home, call) = PERMIT;
    if stands(program, call) && path != Path::new(home) {
        fault(format!("`{call}` belongs to {home}"));
    }
    faults
}

/// The text with comments and the inside of literals blanked out.
fn code_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |i| i + 2)
        } else if let Some(len) = raw_string(rest) {
            // `r` at the end of a word is no raw string.
            if out.ends_with(|p: char| p.is_alphanumeric() || p == '_') {
                0
            } else {
                len
            }
        } else if c == '"' {
            string(rest)
        } else if c == '\'' {
            character(rest)
        } else {
            0
        };
        let skip = if skip == 0 {
            out.push(c);
            c.len_utf8()
        } else {
            out.push(' ');
            skip
        };
        rest = &rest[skip..];
    }
    out
}

fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r')?;
    let count = hashes.len() - hashes.trim_start_matches('#').len();
    let inside = hashes[count..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(count));
    let end = inside
        .find(&close)
        .map_or(inside.len(), |i| i + close.len());
    Some(1 + count + 1 + end)
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return i + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Length of a character literal, or 0 for a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[2..]
            .find('\'')
            .map_or(0, |i| if i == 0 { 4 } else { 2 + i + 1 }),
        Some(_) => match chars.next() {
            Some((i, '\'')) => i + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// The paths into our own crate, without `crate`, groups spread out.
fn imports(path: &Path, code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("::") {
        let head = last_word(&code[..start]);
        let before = &code[..start - head.len()];
        match head {
            "crate" | "syncdeck" if !before.trim_end().ends_with("::") => {
                spread(&code[start + 2..], &[], &mut found);
            }
            // `super` that leaves the top folder is a path into the crate, too.
            "super" if !before.ends_with("::") => {
                let mut rest = &code[start + 2..];
                let mut levels = 1;
                while let Some(more) = rest.strip_prefix("super::") {
                    rest = more;
                    levels += 1;
                }
                if levels >= depth(path) {
                    spread(rest, &[], &mut found);
                }
            }
            _ => {}
        }
    }
    found
}

/// How many `super` lead from the module of this file to the crate.
fn depth(path: &Path) -> usize {
    let parts = path.iter().count();
    if path.ends_with("mod.rs") {
        parts - 1
    } else {
        parts
    }
}

/// Reads a path or group at the start of `code`; gives what is left behind it.
fn spread<'a>(code: &'a str, before: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut rest) = code.strip_prefix('{') {
        loop {
            rest = spread(rest, before, found).trim_start();
            match rest.strip_prefix(',') {
                Some(more) if !more.trim_start().starts_with('}') => rest = more,
                Some(more) => return more.trim_start().trim_start_matches('}'),
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let word: String = code
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let mut rest = &code[word.len()..];
    let mut path = before.to_vec();
    if !word.is_empty() {
        path.push(word);
    }
    if let Some(more) = rest.strip_prefix("::") {
        return spread(more, &path, found);
    }
    found.push(path);
    // `as name`, `*`: up to the end of this item.
    let end = rest.find([',', '}', ';', '\n']).unwrap_or(rest.len());
    rest = &rest[end..];
    rest
}

fn last_word(text: &str) -> &str {
    let start = text
        .rfind(|c: char| !c.is_alphanumeric() && c != '_')
        .map_or(0, |i| i + 1);
    &text[start..]
}

/// The part in front of the tests, which stand at the end of a file or in one of their own.
fn without_tests<'a>(path: &Path, code: &'a str) -> &'a str {
    if path.ends_with("tests.rs") || path.iter().any(|p| p == "tests") {
        return "";
    }
    let mut from = 0;
    while let Some(i) = code[from..].find("#[cfg(test)]") {
        let at = from + i;
        let behind = &code[at + "#[cfg(test)]".len()..];
        let item = behind.trim_start();
        if item.starts_with("mod ")
            && !item[..item.find(['{', ';']).unwrap_or(0) + 1].ends_with(';')
        {
            return &code[..at];
        }
        from = at + 1;
    }
    code
}

/// Whether a library is named: `name::`, `use name;`, `use name as`.
fn names(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(i, _)| {
        let before = &code[..i];
        let after = &code[i + library.len()..];
        let own_word = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        // `a::sled` is some module of that name, `::sled` is the library.
        let path = before
            .strip_suffix("::")
            .is_none_or(|p| last_word(p).is_empty());
        let used = after.starts_with("::")
            || (before.trim_end_matches([':', ' ']).ends_with("use")
                && after.starts_with([';', ' ']));
        own_word && path && used
    })
}

fn stands(code: &str, word: &str) -> bool {
    code.match_indices(word)
        .any(|(i, _)| !code[..i].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// A folder below the home of a person, or below a place where only one machine has something.
fn machine_path(line: &str) -> bool {
    ["home", "Users", "root", "work"].iter().any(|dir| {
        let path = format!("/{dir}/");
        line.match_indices(&path).any(|(i, _)| {
            !line[..i].ends_with(|c: char| c.is_alphanumeric() || "._-/}".contains(c))
        })
    })
}

fn sources(dir: &str) -> Vec<(PathBuf, String)> {
    files(dir)
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

/// The text files below a folder of the package, with paths relative to that folder.
fn files(dir: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        // A folder that is not there yet holds nothing.
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                found.push((path.strip_prefix(&root).unwrap().to_path_buf(), text));
            }
        }
    }
    found.sort();
    found
}
