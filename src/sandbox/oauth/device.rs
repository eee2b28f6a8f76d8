//! The device flow: codes waiting for a person, and the page where the person types one
//! (salesforce-api 1.6).

use std::collections::HashMap;

use super::{
    Refusal,
    endpoints::{Fields, get},
    pages,
    token::sign_in,
};
use crate::sandbox::{http::Reply, ids::SfId, server::Server};

/// Milliseconds a code waits for its person.
const LIFE_MS: i64 = 10 * 60 * 1000;
/// Milliseconds between polls; half a second is forgiven.
const PAUSE_MS: i64 = 4500;

#[derive(Clone)]
enum Decision {
    Waiting,
    Allowed(SfId),
    Denied,
}

struct Waiting {
    user_code: String,
    scope: String,
    made_ms: i64,
    polled_ms: Option<i64>,
    decision: Decision,
}

/// The codes given to devices.
#[derive(Default)]
pub struct Devices(HashMap<String, Waiting>);

impl Devices {
    /// Keeps a new pair of codes.
    pub fn add(&mut self, device: String, user_code: String, scope: &str, now_ms: i64) {
        let waiting = Waiting {
            user_code,
            scope: scope.to_owned(),
            made_ms: now_ms,
            polled_ms: None,
            decision: Decision::Waiting,
        };
        self.0.insert(device, waiting);
    }

    /// What a device hears: the user and scope it got, once, or why not yet.
    pub fn poll(
        &mut self,
        device: &str,
        preset: Option<SfId>,
        now_ms: i64,
    ) -> Result<(SfId, String), Refusal> {
        let Some(waiting) = self.0.get_mut(device) else {
            return Err(Refusal("invalid_request", "invalid device code"));
        };
        if now_ms - waiting.made_ms > LIFE_MS {
            self.0.remove(device);
            return Err(Refusal("invalid_grant", "expired device code"));
        }
        let early = waiting.polled_ms.is_some_and(|at| now_ms - at < PAUSE_MS);
        waiting.polled_ms = Some(now_ms);
        let decision = match preset {
            Some(user) => Decision::Allowed(user),
            None => waiting.decision.clone(),
        };
        match decision {
            Decision::Waiting if early => Err(Refusal("slow_down", "polling too frequently")),
            Decision::Waiting => Err(Refusal(
                "authorization_pending",
                "end-user has not approved the device yet",
            )),
            Decision::Allowed(user) => {
                let scope = waiting.scope.clone();
                self.0.remove(device);
                Ok((user, scope))
            }
            Decision::Denied => {
                self.0.remove(device);
                Err(Refusal("access_denied", "end-user denied authorization"))
            }
        }
    }

    /// Notes what a person decided; false when no device waits with that code.
    fn decide(&mut self, user_code: &str, user: Option<SfId>, now_ms: i64) -> bool {
        let found = self.0.values_mut().find(|w| {
            w.user_code.eq_ignore_ascii_case(user_code.trim()) && now_ms - w.made_ms <= LIFE_MS
        });
        let Some(waiting) = found else {
            return false;
        };
        waiting.decision = user.map_or(Decision::Denied, Decision::Allowed);
        true
    }
}

/// The page `/setup/connect`: code, name and password, allow or deny.
pub fn page(server: &Server, fields: &Fields) -> Reply {
    let field = |name: &str| get(fields, name).unwrap_or_default();
    let Some(decision) = get(fields, "decision") else {
        return Reply::html(200, pages::device(field("user_code"), None));
    };
    let again = |why: &str| Reply::html(200, pages::device(field("user_code"), Some(why)));
    let found = sign_in(server, field("un"), field("pw")).filter(|user| server.is_active(*user));
    let Some(user) = found else {
        return again("Please check your username and password.");
    };
    let allowed = (decision == "allow").then_some(user);
    let now = server.clock.now_ms();
    match server
        .oauth()
        .devices
        .decide(field("user_code"), allowed, now)
    {
        true => Reply::html(200, pages::device_done()),
        false => again("This code is not known or has ended."),
    }
}
