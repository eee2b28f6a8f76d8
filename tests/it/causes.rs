//! Woken by a sync that failed: what the Overview says, and how few keys lead to what helps.
//!
//! The console of the real program on a terminal of 80x24. Each cause is said in words where the
//! console opens; two keys lead to what is known about it, and two more at most do what helps.

use serde_json::json;
use syncdeck::sandbox::{By, Refuse, Rule};

use crate::flows::Console;
use crate::world::{Wanted, World};

/// Seconds the org's clock goes on, so that an observation may guard a write.
const LATER: i64 = 30;
/// To what needs attention, and into the first of it.
const TO_THE_CAUSE: &str = "\t\r";

fn world() -> World {
    let world = World::new(&Wanted {
        preset: "whole-crm",
        ..Wanted::default()
    });
    world.connect();
    world.ok(&["sync"]);
    world
}

#[test]
fn an_expired_sign_in_is_one_line_and_leads_to_the_sign_in() {
    let world = world();
    world.control().revoke_grants();
    world.control().expire_sessions();
    let mut console = Console::open(&world);
    console
        .press("S")
        .sees("Salesforce: sign in needed, 4 syncs wait for it:")
        .sees("invalid_grant")
        .sees("Needs attention ----------------------------------------------- 1, Tab goes here")
        .sees("sign in")
        .press(TO_THE_CAUSE)
        .sees("1  Open this address.");
    console.press("\u{1b}").sees("> Connections").press("q");
    console.sees("> Needs attention");
    console.quit();
}

#[test]
fn a_validation_rule_is_quoted_and_r_tries_again() {
    let world = world();
    world.control().put_rule(Rule {
        name: "No_Forbidden".into(),
        object: "Account".into(),
        field: Some("Name".into()),
        message: "Ask finance.".into(),
        active: true,
        refuse: Refuse::Contains {
            field: "Name".into(),
            text: "forbidden".into(),
        },
    });
    let app = world.export("accounts")[3].clone();
    let row = json!({ "id": app["id"], "name": "A Forbidden Name" });
    world.import("accounts", &[row]);
    world.control().advance(LATER);
    let mut console = Console::open(&world);
    console
        .press("s")
        .sees("accounts: 1 record is refused: Ask finance.")
        .press(TO_THE_CAUSE)
        .sees("  Fix   A validation rule of the org refuses it");
    world.control().remove_rule("No_Forbidden");
    console
        .press("r")
        .sees("again: run")
        .press("q")
        .sees("[1 Overview]")
        .sees("Nothing needs you.")
        .press("\t");
    console.quit();
}

#[test]
fn very_many_deletions_hold_their_pair_and_are_allowed_by_their_number() {
    let world = world();
    let contacts = world.query("SELECT Id FROM Contact LIMIT 25");
    for contact in &contacts {
        let id = contact["Id"].as_str().unwrap();
        world.control().delete(By::Colleague, id).unwrap();
    }
    let mut console = Console::open(&world);
    console
        .press("S")
        .sees_row(&["HOLD", "Contact <-> contacts"])
        .sees("contacts: 25 deletions in the App wait for a person")
        .press(TO_THE_CAUSE)
        .sees("Allow 25 deletions in the App?")
        .types("default 25")
        .press("\r")
        .sees_row(&["OK ", "Contact <-> contacts"])
        .sees("Nothing needs you.");
    console.quit();
}

#[test]
fn a_full_org_is_said_with_what_frees_it_and_r_goes_on() {
    let world = world();
    world.import("contacts", &[json!({ "last_name": "Made Here" })]);
    world.control().set_storage(0);
    let mut console = Console::open(&world);
    console
        .press("S")
        .sees("contacts: the last run was put off: storage limit")
        .sees("The org is full")
        .press(TO_THE_CAUSE)
        .sees("  Fix   The org is full; an administrator frees or buys storage.");
    world.control().set_storage(10_000);
    console
        .press("r")
        .sees("asked for: run")
        .press("q")
        .sees("[1 Overview]")
        .sees("Nothing needs you.")
        // Nothing needs anybody as soon as it goes on; leaving then would ask.
        .sees_no(" RUN ");
    let made = world.query("SELECT Id FROM Contact WHERE LastName = 'Made Here'");
    assert_eq!(made.len(), 1);
    console.quit();
}

#[test]
fn no_network_is_no_reason_to_sign_in() {
    let mut world = world();
    world.unplug();
    let mut console = Console::open(&world);
    console
        .press("S")
        .sees("Salesforce: no answer since ")
        .sees(", 4 syncs wait for")
        .sees("no connection")
        .sees("see why")
        .press(TO_THE_CAUSE)
        .sees("Salesforce does not work")
        .sees("Check network and proxy");
    console.agree("Salesforce does not work", "Try again now");
    console.sees("no answer since ");
    console.quit();
}
