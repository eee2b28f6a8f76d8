//! A pair that no preset has is made by a mapping file, and takes lines of another one from there on.

use crate::world::{Wanted, World};

const TASKS: &str = r#"
[[pair]]
name = "tasks"
object = "Task"
table = "tasks"
version = 1
key_field = "Syncdeck_Key__c"
title = "text"
create_in_app = "off"
create_in_crm = "allowed"
on_crm_delete = "ignore"
on_app_delete = "unlink"
guard = "recheck"
first_link = "crm"
match_on = []
strategy = "ask"
schedule = "manual"
fields = [
  { name = "text", kind = "long_text", length = 32000 },
  { name = "account", kind = "reference", length = 80 },
]

[[pair.row]]
id = 1
app = "text"
crm = "Description"
flow = "to_crm"

[[pair.row]]
id = 2
app = "account"
crm = "WhatId"
flow = "to_crm"
to_crm = 'link(accounts)'
"#;

#[test]
fn a_mapping_file_makes_a_pair_that_there_is_not_and_only_one_that_can_work() {
    let world = World::new(&Wanted {
        leads: 40,
        ..Wanted::default()
    });
    world.connect();
    world.ok(&["sync"]);
    let file = world.desk().join("tasks.toml");
    let import = |text: String, rest: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let all = [&["mapping", "import", file.to_str().unwrap()], rest].concat();
        world.run(&all)
    };
    let tasks = format!("format = 1\n{TASKS}");

    let broken = import(tasks.replace("link(accounts)", "link(acounts)"), &["--yes"]);
    assert_ne!(broken.status.code(), Some(0));
    let shown = import(tasks.clone(), &["--preview"]);
    let said = String::from_utf8(shown.stdout).unwrap();
    assert!(said.contains("tasks (new)"), "{said}");
    assert!(!world.ok(&["records"]).contains("tasks"), "only shown");

    let saved = import(tasks, &["--yes"]);
    let said = String::from_utf8(saved.stdout).unwrap();
    assert!(said.contains("tasks: saved as version 1"), "{said}");
    world.ok(&["sync"]);
    assert!(world.ok(&["records"]).contains("tasks"));
}
