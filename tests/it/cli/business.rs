//! What the console's dashboard, its list of versions and its `u` after a deletion do, as commands.

use crate::world::{Wanted, World};

#[test]
fn figures_versions_and_deletions_have_commands_of_their_own() {
    let world = World::new(&Wanted {
        leads: 100,
        ..Wanted::default()
    });
    world.connect();
    world.ok(&["sync"]);
    let records = world.export("accounts").len();

    let said = world.ok(&["business"]);
    assert!(said.contains("Account"), "{said}");
    let figures = world.json(&["business", "--json"]);
    assert_eq!(figures["counted"], "all");
    let objects = figures["objects"].as_array().unwrap();
    let accounts = objects.iter().find(|o| o["pair"] == "accounts").unwrap();
    assert_eq!(accounts["records"], records);

    let first = world.ok(&["mapping", "export", "accounts"]);
    let changed = first.replacen("strategy = \"ask\"", "strategy = \"app\"", 1);
    assert_ne!(first, changed);
    let file = world.desk().join("mapping.toml");
    std::fs::write(&file, changed).unwrap();
    world.ok(&["mapping", "import", file.to_str().unwrap(), "--yes"]);
    let said = world.ok(&["mapping", "restore", "accounts", "1", "--preview"]);
    assert!(said.contains("+") && said.contains("ask"), "{said}");
    let said = world.ok(&["mapping", "restore", "accounts", "1", "--yes"]);
    assert!(said.contains("version 1 is back, as version 3"), "{said}");
    let third = world.ok(&["mapping", "export", "accounts"]);
    assert_eq!(
        third.matches("strategy = \"ask\"").count(),
        first.matches("strategy = \"ask\"").count()
    );

    let row = world.json(&["records", "list", "accounts", "--json"]);
    let key = row["records"][0]["record"].as_str().unwrap().to_owned();
    let gone = world.json(&["records", "delete", &key, "--yes", "--json"]);
    assert_eq!(world.export("accounts").len(), records - 1);
    let revision = gone["revision"].to_string();
    world.ok(&["records", "restore", &key, &revision]);
    assert_eq!(world.export("accounts").len(), records);
    // Once is enough.
    let again = world.run(&["records", "restore", &key, &revision]);
    assert_eq!(again.status.code(), Some(2));
}
