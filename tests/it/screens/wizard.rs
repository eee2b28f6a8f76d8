//! The first run as a person sees it: keys in, text out, against a script that does the steps.

#[path = "wizard/line.rs"]
mod line;
#[path = "wizard/script.rs"]
mod script;
#[path = "wizard/sizes.rs"]
mod sizes;

use syncdeck::config::draft::Draft;
use syncdeck::engine::summary::Env;
use syncdeck::error::{Error, Kind};
use syncdeck::tui::ExitReason;
use syncdeck::tui::msg::Msg;
use syncdeck::tui::wizard::port::{First, Settings, Standing, VaultState};

use script::{Did, Setup, address, nothing, signed_in, unsigned};

#[test]
fn from_nothing_to_a_first_sync() {
    let mut setup = Setup::new();
    setup.sees("[1 Profile]").press("Enter Down Enter");
    assert_eq!(
        setup.did,
        [Did::Profile("prod-eu".into(), "test.salesforce.com".into())]
    );
    setup.sees("[2 Vault]").press("Enter");
    setup.sees("Two things together open it").press("Enter");
    setup
        .sees("[3 Salesforce]")
        .sees("you are on SSH from 10.2.0.14");
    setup.asks_address();
    setup
        .sees("1 Open this address")
        .sees("Step 3 of 6 saved so far: profile, vault");
    setup.paste("http://localhost:7717/callback?code=aPrx&state=s");
    setup.sees("(48 characters)").press("Enter");
    setup
        .sees("OK ada@acme.example at Acme (00D5g0000000001EAA), SANDBOX")
        .sees("OK API calls today: 12 of 100,000")
        .sees("OK stored in the vault, shown to nobody");
    setup
        .press("Enter")
        .sees("[4 App]")
        .sees("OK the store opens");
    setup
        .press("Enter")
        .sees("[5 Objects]")
        .sees("about 10,000 records");
    setup
        .press("Down")
        .sees("WARN Invoice__c <-> invoices not there, or not readable");
    setup.press("Enter").sees("[6 Check]");
    assert_eq!(setup.did.last(), Some(&Did::Objects("customer-success")));
    // Not before its numbers were seen.
    setup.press("s").sees("s is off: the dry run of step 6");
    setup
        .press("Enter")
        .sees("Nothing was written. The first sync would do this:");
    setup.press("s");
    assert_eq!(setup.did.last(), Some(&Did::Open(First::Sync)));
}

#[test]
fn each_way_in_says_what_it_is_and_asks_what_it_needs() {
    let before = unsigned();
    let sign_in = |keys: &str, fill: &[&str]| {
        let mut setup = Setup::over(before.clone(), 80, 24);
        setup.press(keys);
        for text in fill {
            setup.press("Ctrl-u").paste(text).press("Enter");
        }
        setup
    };
    let draft = |setup: &Setup| match setup.did.last() {
        Some(Did::SignIn(draft, user)) => (draft.clone(), user.clone()),
        other => panic!("{other:?}\n{}", setup.screen()),
    };
    let host = "acme.my.salesforce.com";
    let (by_browser, _) = draft(&sign_in("Enter", &[host, "key", "", "7717"]));
    assert_eq!(
        (by_browser.sign_in.as_str(), by_browser.login_host.as_str()),
        ("browser", host)
    );

    let mut tunnel = sign_in("Down Enter", &[host, "key", "", "8080"]);
    assert_eq!(draft(&tunnel).0.callback_port, "8080");
    tunnel
        .sees("ssh -L 7717:localhost:7717")
        .sees("goes on by itself");

    let key = [
        "acme.my.salesforce.com",
        "key",
        "/etc/syncdeck/server.key",
        "sync@acme.example",
    ];
    let mut by_key = sign_in("Down Down Enter", &key);
    let (settings, user) = draft(&by_key);
    assert_eq!(settings.sign_in, "jwt");
    assert_eq!(user.as_deref(), Some("sync@acme.example"));
    by_key.sees("Signing in by key, as sync@acme.example. Nobody has to do anything.");

    let secret = sign_in("Down Down Down Enter", &[host, "key", "env:SF_SECRET"]);
    let settings = draft(&secret).0;
    assert_eq!(settings.sign_in, "client-credentials");
    assert_eq!(settings.client_secret, "env:SF_SECRET");

    let mut device = sign_in("Down Down Down Down Enter", &[]);
    assert!(device.did.is_empty());
    device.sees("Device code is off: Salesforce blocks it");
}

#[test]
fn a_wrong_answer_is_said_at_its_field_and_no_secret_is_repeated() {
    let before = unsigned();
    for (fills, words) in [
        (
            ["http://acme.my.salesforce.com", "key", "", "7717"],
            "FAIL Login host takes a host",
        ),
        (
            ["acme.my.salesforce.com", "", "", "7717"],
            "FAIL Client id is the consumer key",
        ),
        (
            ["acme.my.salesforce.com", "key", "hunter2hunter2", "7717"],
            "FAIL App secret takes the place",
        ),
        (
            ["acme.my.salesforce.com", "key", "", "80"],
            "FAIL Port takes a number",
        ),
    ] {
        let mut setup = Setup::over(before.clone(), 80, 24);
        setup.press("Enter");
        for text in fills {
            setup.press("Ctrl-u").paste(text).press("Enter");
        }
        setup.sees(words);
        assert!(setup.did.is_empty(), "{:?}", setup.did);
        let checks: Vec<_> = setup.wizard.checks.iter().map(|c| &c.text).collect();
        assert!(!format!("{checks:?}").contains("hunter2"));
    }
    // The secret of client credentials, and an address of all organisations.
    let mut setup = Setup::over(before, 80, 24);
    setup.press("Down Down Down Enter");
    for text in ["login.salesforce.com", "key", "env:S"] {
        setup.press("Ctrl-u").paste(text).press("Enter");
    }
    setup.sees("FAIL client credentials work only at the organisation's own address");
}

#[test]
fn a_passphrase_is_hidden_typed_twice_and_then_gone_from_the_page() {
    let mut setup = Setup::new();
    setup.press("Enter Enter").press("Down Enter");
    setup.type_text("correct horse").press("Enter");
    setup.type_text("corect horse").press("Enter");
    setup.sees("the two passphrases differ");
    assert!(!setup.screen().contains("horse"));
    assert!(!setup.did.contains(&Did::KeyFile));
    setup.type_text("correct horse").press("Enter");
    setup.type_text("correct horse").press("Enter");
    assert_eq!(
        setup.did.last(),
        Some(&Did::Passphrase("correct horse".into()))
    );
    assert!(!format!("{:?}", setup.wizard).contains("horse"));
}

#[test]
fn a_locked_vault_is_opened_and_the_set_up_goes_on_where_it_was() {
    let mut setup = Setup::over(
        Standing {
            vault: VaultState::Locked,
            ..signed_in()
        },
        80,
        24,
    );
    setup
        .sees("[2 Vault]")
        .sees("The vault is there and locked.");
    setup.fails_next(Kind::Vault, "the passphrase does not fit", "type it again");
    setup
        .type_text("wrong")
        .press("Enter")
        .sees("FAIL the passphrase does not fit");
    setup.type_text("right").press("Enter").sees("[4 App]");
    assert!(!format!("{:?}", setup.wizard).contains("right"));
}

#[test]
fn each_refusal_of_a_sign_in_has_its_words_and_a_way_on() {
    let before = unsigned();
    for (kind, what, remedy) in [
        (
            Kind::Auth,
            "redirect_uri_mismatch",
            "add exactly the redirect address",
        ),
        (
            Kind::Auth,
            "invalid_grant: expired authorization code",
            "start the sign-in again",
        ),
        (
            Kind::Auth,
            "OAUTH_APP_ACCESS_DENIED",
            "an administrator installs the app",
        ),
        (
            Kind::Auth,
            "this profile is bound to organisation 00D1",
            "use another profile",
        ),
        (
            Kind::Network,
            "no answer from acme.my.salesforce.com",
            "check the proxy",
        ),
    ] {
        let mut setup = Setup::over(before.clone(), 80, 24);
        setup
            .asks_address()
            .paste("http://localhost:7717/callback?code=a&state=s");
        setup.fails_next(kind, what, remedy).press("Enter");
        setup
            .sees(&format!("FAIL {what}"))
            .sees(&format!("what helps: {remedy}"))
            .sees("R makes a fresh address; nothing was stored");
        setup.press("Esc R").sees("1 Open this address");
        setup
            .paste("http://localhost:7717/callback?code=b&state=s")
            .press("Enter");
        setup.sees("OK stored in the vault");
    }
    // Only the paste was wrong: the same sign-in waits on.
    let mut setup = Setup::over(before, 80, 24);
    setup
        .asks_address()
        .press("Enter")
        .sees("FAIL paste the whole address");
    setup.paste("http://localhost:7717/callback?code=a&state=other");
    setup.fails_next(
        Kind::Usage,
        "the state is another sign-in's",
        "paste the newest",
    );
    setup
        .press("Enter")
        .sees("FAIL the state is another sign-in's");
    assert!(!setup.screen().contains("R makes a fresh address; nothing"));
    setup
        .paste("http://localhost:7717/callback?code=a&state=s")
        .press("Enter");
    setup.sees("OK stored in the vault");
}

#[test]
fn what_is_pasted_is_seen_nowhere() {
    let mut setup = Setup::over(unsigned(), 80, 24);
    setup
        .asks_address()
        .paste("http://localhost:7717/callback?code=aPrxSECRET&state=s");
    assert!(!setup.screen().contains("SECRET"));
    assert!(!format!("{:?}", setup.wizard).contains("SECRET"));
    setup
        .fails_next(Kind::Auth, "invalid_grant", "R")
        .press("Enter");
    assert!(!format!("{:?}", setup.wizard).contains("SECRET"));
}

#[test]
fn the_address_is_copied_shown_alone_and_made_afresh() {
    let mut setup = Setup::over(unsigned(), 80, 24);
    setup.asks_address();
    let screen = setup.screen();
    let first = screen
        .lines()
        .position(|l| l.starts_with("https://acme.my"))
        .unwrap();
    let lines: String = screen.lines().skip(first).take(5).collect();
    assert!(lines.starts_with(&address()[..300]), "{screen}");
    // Letters are text until the field is left.
    setup.press("y");
    assert!(setup.copied.is_empty());
    setup.press("Backspace Esc y");
    assert_eq!(setup.copied, [address()]);
    setup.press("o");
    let alone = setup.screen();
    assert!(alone.starts_with("https://acme.my"), "{alone}");
    assert!(!alone.contains("Sign in"), "{alone}");
    setup.press("Esc").sees("1 Open this address");
    setup.press("S-Tab").sees("Key pair (JWT)");
    assert_eq!(setup.did.last(), Some(&Did::Left));
    // What was typed is still there.
    setup.sees("3MVG9key");
}

#[test]
fn a_callback_that_comes_by_itself_goes_on_without_a_key() {
    let mut setup = Setup::over(unsigned(), 80, 24);
    setup.asks_address();
    let told = setup.signed();
    setup.msg(Msg::Engine(told));
    setup.draw();
    setup.sees("OK stored in the vault");
}

#[test]
fn the_org_wins_over_what_step_1_says() {
    let mut setup = Setup::new();
    setup.press("Enter Down Enter").press("Enter Enter");
    setup.env = Env::Production;
    setup
        .asks_address()
        .paste("http://localhost:7717/callback?code=a&state=s");
    setup.press("Enter");
    setup.sees("WARN step 1 says sandbox, the org does not: the org wins, this is PRODUCTION");
}

#[test]
fn every_step_can_be_left_and_is_gone_on_with() {
    let steps = [
        (nothing(), "[1 Profile]", "Esc Esc"),
        (
            Standing {
                settings: Settings::Ours,
                ..nothing()
            },
            "[2 Vault]",
            "q",
        ),
        (unsigned(), "[3 Salesforce]", "Esc"),
        (signed_in(), "[4 App]", "q"),
        (
            Standing {
                pairs: vec!["Lead <-> leads".into()],
                ..signed_in()
            },
            "[6 Check]",
            "Esc",
        ),
    ];
    for (standing, place, keys) in steps {
        let mut setup = Setup::over(standing, 80, 24);
        setup
            .sees(place)
            .sees("Esc leaves, nothing is lost")
            .press(keys);
        assert_eq!(setup.left, Some(ExitReason::Quit), "{place}");
    }
    // In the middle of something, too.
    let mut setup = Setup::new();
    setup.silent = true;
    setup.press("Enter Enter").sees("WAIT saving the profile");
    setup
        .press("Enter")
        .sees("Wait for what is under way, or leave with q.");
    setup.press("q");
    assert_eq!(setup.left, Some(ExitReason::Quit));
}

#[test]
fn shift_tab_goes_back_through_all_that_is_done() {
    let mut setup = Setup::over(
        Standing {
            pairs: vec!["Lead <-> leads".into()],
            ..signed_in()
        },
        80,
        24,
    );
    setup
        .sees("[6 Check]")
        .press("S-Tab")
        .sees("[5 Objects]")
        .sees("OK Lead <-> leads");
    setup
        .press("S-Tab")
        .sees("[4 App]")
        .press("S-Tab")
        .sees("[3 Salesforce]");
    setup.sees("OK signed in as ada@acme.example at Acme");
    setup.press("R").sees("Key pair (JWT)").press("S-Tab");
    setup
        .sees("[2 Vault]")
        .sees("The vault is there and open.")
        .press("S-Tab");
    setup
        .sees("[1 Profile]")
        .press("S-Tab")
        .sees("This is the first step.");
}

#[test]
fn settings_of_a_person_are_read_and_left_alone() {
    let mut setup = Setup::over(
        Standing {
            settings: Settings::Theirs,
            draft: Draft {
                login_host: "https://acme.my.salesforce.com".into(),
                client_id: "theirs".into(),
                ..Draft::default()
            },
            signed_in: None,
            ..signed_in()
        },
        80,
        24,
    );
    setup
        .sees("[3 Salesforce]")
        .sees("How is said in")
        .sees("client_id theirs");
    setup.press("Enter").sees("1 Open this address");
    setup
        .press("Esc S-Tab S-Tab S-Tab")
        .sees("the set-up reads them and leaves them as they are");
}

#[test]
fn the_start_that_fails_says_why_and_tries_again() {
    let error = Error::new(Kind::Store, "the store is in use by a console (process 12)");
    let mut setup = Setup::starts(nothing(), Some(error.hint("end that one")), 80, 24);
    setup
        .sees("FAIL the store is in use by a console")
        .sees("what helps: end that one");
    setup.press("R").sees("[1 Profile]").sees("Name");
}

#[test]
fn the_reasons_of_each_step_are_one_key_away() {
    for (standing, words) in [
        (nothing(), "A profile is one working set"),
        (unsigned(), "HubSpot is not there yet"),
    ] {
        let mut setup = Setup::over(standing, 160, 48);
        if setup.wizard.step == syncdeck::tui::wizard::Step::Profile {
            setup.press("Esc");
        }
        setup.press("?").sees(words).press("Esc");
        assert!(!setup.screen().contains(words));
    }
}

/// The pages on the design size and on the wide one, in mono.
fn both(name: &str, standing: &Standing, act: impl Fn(&mut Setup)) {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut setup = Setup::over(standing.clone(), columns, rows);
        act(&mut setup);
        insta::assert_snapshot!(format!("wizard_{name}_{columns}x{rows}"), setup.screen());
    }
}

#[test]
fn snapshots() {
    both("profile", &nothing(), |_| {});
    both("vault", &nothing(), |s| {
        s.press("Enter Enter Down Enter");
    });
    both("sign_in", &unsigned(), |_| {});
    both("address", &unsigned(), |s| {
        s.asks_address()
            .paste("http://localhost:7717/callback?code=a&state=s");
    });
    both("refused", &unsigned(), |s| {
        s.asks_address().paste("x");
        s.fails_next(
            Kind::Auth,
            "Salesforce: redirect_uri_mismatch",
            "add exactly the redirect address of the settings to the app's callback addresses",
        );
        s.press("Enter");
    });
    both("signed_in", &unsigned(), |s| {
        s.asks_address().paste("x").press("Enter");
    });
    both("objects", &signed_in(), |s| {
        s.press("Enter Down");
    });
    both("check", &signed_in(), |s| {
        s.press("Enter Enter Enter");
    });
    both("why", &unsigned(), |s| {
        s.press("?");
    });
    let setup = Setup::over(nothing(), 50, 12);
    insta::assert_snapshot!("wizard_tiny_50x12", setup.screen());
    let middle = Setup::over(unsigned(), 119, 30);
    insta::assert_snapshot!("wizard_sign_in_119x30", middle.screen());
}
