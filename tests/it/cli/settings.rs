//! The pages of the settings that the console has, in plain text.

use crate::world::{Wanted, World};

#[test]
fn every_page_of_the_settings_is_told_and_the_same_in_json() {
    let world = World::new(&Wanted {
        leads: 20,
        ..Wanted::default()
    });
    let before = world.ok(&["settings", "limits"]);
    assert!(before.contains("not known; Salesforce says so"), "{before}");
    world.connect();
    world.ok(&["sync"]);

    let unasked = world.ok(&["settings", "limits"]);
    assert!(unasked.contains("not asked yet; --check asks"), "{unasked}");
    let all = world.ok(&["settings", "--check"]);
    let client_id = &world.info().client_id;
    for says in [
        "connections\n",
        "Way ",
        client_id,
        "Scopes         api, refresh_token",
        "Callback       http://",
        "filters\n",
        "all records",
        "limits\n",
        "rolling 24 hours, as of 20",
        "by everybody",
        "Left to syncs",
        "another day like this needs",
        "Stop line",
        "One run",
        "For people",
        "Records ",
        " MB (",
        "When full",
        "Runs stop before their next call",
        "rules\n",
        "WHO DECIDES",
        "vault\n",
        "Locked by",
        "about\n",
        "Config file",
    ] {
        assert!(all.contains(says), "no {says}\n{all}");
    }
    let one = world.ok(&["settings", "connections"]);
    assert!(one.contains(client_id) && !one.contains("limits"), "{one}");

    let json = world.json(&["settings", "--json"]);
    assert_eq!(json["connections"]["client_id"], *client_id);
    assert!(json["connections"]["scopes"].as_array().unwrap().len() > 1);
    let lines = &json["limits"][0]["lines"];
    assert!(lines["allowed"].as_u64().unwrap() > lines["left_to_syncs"].as_u64().unwrap());
    assert_eq!(lines["forecast"]["fits"], true);
    assert!(json["rules"].as_array().unwrap().len() > 3);
    assert!(json["about"]["store_bytes"].as_u64().unwrap() > 0);
    let limits = world.json(&["settings", "limits", "--check", "--json"]);
    let storage = &limits["limits"][0]["storage"];
    assert!(storage["records"]["max_mb"].as_u64().unwrap() > 0);
    assert_eq!(limits.as_object().unwrap().len(), 1, "{limits}");
}
