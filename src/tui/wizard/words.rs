//! Why each step asks what it asks, for `?`.

use super::Step;

/// Why a device code cannot be chosen here.
pub const DEVICE_OFF: &str = "Device code is off: Salesforce blocks it for most apps since \
    September 2025, after people were talked into typing codes of strangers.";

/// The reasons of a step, a paragraph each.
pub fn why(step: Step) -> &'static [&'static str] {
    match step {
        Step::Profile => &[
            "A profile is one working set: its own settings, vault, store and sign-in. Several live \
             beside each other; --profile NAME chooses one.",
            "Production or sandbox decides where the sign-in begins. What the org says of itself \
             counts later, whatever is chosen here: an org is production until it says otherwise, \
             and production asks more often before it writes.",
            "The third choice is for a trial: run `syncdeck sandbox serve` beside this; it prints \
             the address and the client id that step 3 asks for.",
        ],
        Step::Vault => &[
            "Sign-ins, records, conflicts and history are sealed on this machine with one data key. \
             The vault holds that key, and this step says what opens it.",
            "A key file lies beside the vault, readable by you only, and is what a daemon needs: \
             nobody has to type anything after a restart. Who can read your files can open it.",
            "A passphrase is asked at each start. Nobody can tell it to you again.",
            "A key you have: an age or SSH key whose private half stays where it is. Only the \
             public half is asked here; `--identity FILE` names the private one at each start.",
        ],
        Step::Salesforce => &[
            "Pasting the answer back works from any server: the browser runs where you are, and \
             what it ends at is the answer, even though its page does not open.",
            "Through a tunnel the answer finds its own way: ssh -L 7717:localhost:7717 in a second \
             window, with the port of the callback address.",
            "A key pair (JWT) or client credentials sign in with nobody there. An administrator \
             has to allow the app for the user first.",
            super::words::DEVICE_OFF,
            "The app asks for api, refresh_token and id; not for full or web. PKCE protects the \
             answer, so that most apps need no secret. A secret is never typed here: only the \
             place where it lies.",
            "If it does not work:",
            "redirect_uri_mismatch: add http://localhost:PORT/callback exactly so to the callback \
             addresses of the app; it takes up to ten minutes.",
            "invalid_client_id: the client id or the login host is another app's, or the app is \
             younger than ten minutes.",
            "invalid_grant: the code was used before or is too old; R makes a fresh address.",
            "not approved, blocked: an administrator installs the app and allows it, or use the \
             key pair.",
            "HubSpot is not there yet: this set-up has no step for it.",
        ],
        Step::App => &[
            "The App's side is kept in syncdeck's own store today: its records are sealed like \
             everything else, edited on the Records screen, and come and go as CSV or NDJSON \
             (`syncdeck records import` and `export`). There is nothing to sign in to.",
            "A database of your own as the App's side is not there yet.",
        ],
        Step::Objects => &[
            "A pair keeps one Salesforce object and one App table in step, field by field. These \
             sets are beginnings: the Mapping screen shows and changes every row, and pairs can \
             come from files (`syncdeck mapping import`).",
            "The counts are Salesforce's own and about right. An object without one is not there, \
             or this user may not read it.",
        ],
        Step::Check => &[
            "A dry run reads both sides and does everything a sync does, except writing: not here, \
             not in Salesforce. It ends in numbers, which are what the first sync would do.",
            "Where both sides have a record already and differ, a conflict arises and waits for \
             you; nothing is overwritten.",
        ],
    }
}
