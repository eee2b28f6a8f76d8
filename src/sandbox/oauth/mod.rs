//! OAuth 2.0 of the org (salesforce-api section 1): who may sign in, codes, sessions, grants.
//!
//! This file holds the state; [`endpoints`] and [`token`] speak HTTP and [`pages`] is what a person sees.
//! Invariant: a token or a code is compared whole and never shown by `Debug`.

mod device;
mod endpoints;
mod identity_token;
mod jwt;
mod pages;
mod person;
mod soap;
mod token;

use std::collections::{HashMap, HashSet};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::{digest, hmac, rand::SecureRandom};

use super::{Options, ids::SfId};
pub use endpoints::answer;
pub use identity_token::new_key;

/// Seconds a code is good for.
const CODE_LIFE: i64 = 15 * 60;

/// A user who can sign in.
#[derive(Clone)]
pub struct Login {
    pub user: SfId,
    pub username: String,
    pub password: String,
    /// Follows the password where no browser is used.
    pub security_token: String,
}

/// The one connected app of the org.
#[derive(Clone)]
pub struct App {
    pub client_id: String,
    pub client_secret: String,
    pub redirects: Vec<String>,
    /// Public key of the app, PKCS#1, if it has one.
    pub jwt_key: Option<Vec<u8>>,
}

/// A code on its way to be exchanged.
#[derive(Clone)]
struct Code {
    user: SfId,
    redirect: String,
    scope: String,
    challenge: Option<String>,
    made: i64,
    /// What the client wants to find in the identity token.
    nonce: Option<String>,
    grant: Option<u64>,
}

/// One approval of the app by a user.
struct Grant {
    user: SfId,
    scope: String,
    refresh: Option<String>,
    live: bool,
    standing: Standing,
}

/// How an approval came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// By a person; only so many are kept.
    Approved,
    /// By the one who started the org.
    Preset,
}

#[derive(Clone)]
struct Token {
    grant: u64,
    until: i64,
    issued: i64,
}

/// A request's session.
#[derive(Debug, Clone)]
pub struct Session {
    pub user: SfId,
    pub scope: String,
    issued: i64,
    until: i64,
}

impl Session {
    /// Whether the token may call the data API.
    pub fn may_use_api(&self) -> bool {
        self.scope.split(' ').any(|s| s == "api" || s == "full")
    }
}

/// Tokens just made.
#[derive(Clone)]
pub struct Issued {
    pub access: String,
    pub refresh: Option<String>,
    pub user: SfId,
    pub scope: String,
    pub nonce: Option<String>,
}

/// Whether a refresh token changes with each use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// It stays until it is revoked.
    #[default]
    Keep,
    /// Each refresh gives a new one; using an old one again ends the grant.
    Rotate,
}

/// Why a grant was not given: `error` and `error_description`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal(pub &'static str, pub &'static str);

const OLD_CODE: Refusal = Refusal("invalid_grant", "expired authorization code");
const NO_CODE: Refusal = Refusal("invalid_grant", "invalid authorization code");
const OLD_TOKEN: Refusal = Refusal("invalid_grant", "expired access/refresh token");

/// Sessions, grants and codes of the org.
pub struct Oauth {
    org_id: SfId,
    pub app: App,
    pub logins: Vec<Login>,
    pub rotation: Rotation,
    pub approvals: usize,
    /// Seconds a session lasts after its last use.
    pub session: i64,
    codes: HashMap<String, Code>,
    /// Sign-ins waiting for Allow or Deny.
    tickets: HashMap<String, (SfId, i64)>,
    pub devices: device::Devices,
    grants: Vec<Grant>,
    access: HashMap<String, Token>,
    refresh: HashMap<String, u64>,
    rotated: HashMap<String, u64>,
    random: ring::rand::SystemRandom,
}

impl std::fmt::Debug for Oauth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oauth")
            .field("grants", &self.grants.len())
            .finish_non_exhaustive()
    }
}

impl Oauth {
    /// An org where nobody has signed in.
    pub fn new(options: &Options, app: App, logins: Vec<Login>) -> Self {
        Self {
            org_id: options.org_id(),
            app,
            logins,
            rotation: options.rotation,
            approvals: options.approvals,
            session: options.session.as_secs() as i64,
            codes: HashMap::new(),
            tickets: HashMap::new(),
            devices: device::Devices::default(),
            grants: Vec::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            rotated: HashMap::new(),
            random: ring::rand::SystemRandom::new(),
        }
    }

    fn random(&self, bytes: usize) -> String {
        let mut out = vec![0; bytes];
        // The system's source does not fail on any machine we run on; zeroes would only make a
        // sandbox token guessable.
        let _ = self.random.fill(&mut out);
        BASE64URL_NOPAD.encode(&out)
    }

    /// The user a name and password belong to.
    fn sign_in(&self, username: &str, password: &str) -> Option<SfId> {
        let login = self
            .logins
            .iter()
            .find(|l| l.username.eq_ignore_ascii_case(username.trim()))?;
        (login.password == password).then_some(login.user)
    }

    fn ticket(&mut self, user: SfId, now: i64) -> String {
        let ticket = self.random(24);
        self.tickets.insert(ticket.clone(), (user, now));
        ticket
    }

    fn take_ticket(&mut self, ticket: &str, now: i64) -> Option<SfId> {
        let (user, made) = self.tickets.remove(ticket)?;
        (now - made <= CODE_LIFE).then_some(user)
    }

    /// A code for a user who allowed the app.
    fn code(
        &mut self,
        user: SfId,
        redirect: &str,
        scope: &str,
        challenge: Option<&str>,
        nonce: Option<&str>,
        now: i64,
    ) -> String {
        let code = format!("aPrx{}==", self.random(48));
        let entry = Code {
            user,
            redirect: redirect.to_owned(),
            scope: scope.to_owned(),
            challenge: challenge.map(str::to_owned),
            made: now,
            nonce: nonce.map(str::to_owned),
            grant: None,
        };
        self.codes.insert(code.clone(), entry);
        code
    }

    /// A device code and the code its person types.
    fn start_device(&mut self, scope: &str, now_ms: i64) -> (String, String) {
        let device = format!("M3Y{}", self.random(40));
        let user: String = self
            .random(24)
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(8)
            .collect::<String>()
            .to_ascii_uppercase();
        self.devices
            .add(device.clone(), user.clone(), scope, now_ms);
        (device, user)
    }

    /// The user of a name.
    fn named(&self, username: &str) -> Option<SfId> {
        let mut logins = self.logins.iter();
        let found = logins.find(|l| l.username.eq_ignore_ascii_case(username.trim()));
        found.map(|l| l.user)
    }

    /// Whether a user has a live approval of the app.
    fn has_approved(&self, user: SfId) -> bool {
        let lasting = |g: &Grant| g.live && g.user == user && g.refresh.is_some();
        self.grants.iter().any(lasting)
    }

    /// Exchanges a code. Using one twice ends what the first use gave.
    fn exchange(
        &mut self,
        code: &str,
        redirect: &str,
        verifier: Option<&str>,
        now: i64,
    ) -> Result<Issued, Refusal> {
        let Some(found) = self.codes.get(code).cloned() else {
            return Err(NO_CODE);
        };
        if let Some(grant) = found.grant {
            self.end(grant);
            return Err(OLD_CODE);
        }
        if now - found.made > CODE_LIFE {
            return Err(OLD_CODE);
        }
        if redirect.is_empty() {
            return Err(Refusal("redirect_uri_missing", "redirect_uri not provided"));
        }
        if found.redirect != redirect {
            return Err(Refusal(
                "redirect_uri_mismatch",
                "redirect_uri must match configuration",
            ));
        }
        match (&found.challenge, verifier) {
            (None, _) => {}
            (Some(_), None) => return Err(Refusal("invalid_grant", "code verifier is required")),
            (Some(challenge), Some(verifier)) => {
                let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
                if BASE64URL_NOPAD.encode(hash.as_ref()) != *challenge {
                    return Err(Refusal("invalid_request", "invalid code verifier"));
                }
            }
        }
        let issued = Issued {
            nonce: found.nonce,
            ..self.grant(found.user, &found.scope, now)
        };
        let grant = self.grants.len() as u64 - 1;
        if let Some(code) = self.codes.get_mut(code) {
            code.grant = Some(grant);
        }
        Ok(issued)
    }

    /// A new grant with its tokens; the oldest of too many ends.
    pub fn grant(&mut self, user: SfId, scope: &str, now: i64) -> Issued {
        self.new_grant(user, scope, Standing::Approved, now)
    }

    /// A grant of the one who starts the org: no approval counts for it.
    pub fn preset(&mut self, user: SfId, scope: &str, now: i64) -> Issued {
        self.new_grant(user, scope, Standing::Preset, now)
    }

    fn new_grant(&mut self, user: SfId, scope: &str, standing: Standing, now: i64) -> Issued {
        let grant = self.grants.len() as u64;
        let lasting = scope
            .split(' ')
            .any(|s| s == "refresh_token" || s == "offline_access");
        let refresh = lasting.then(|| format!("5Aep861{}", self.random(58)));
        if let Some(token) = &refresh {
            self.refresh.insert(token.clone(), grant);
        }
        self.grants.push(Grant {
            user,
            scope: scope.to_owned(),
            refresh: refresh.clone(),
            live: true,
            standing,
        });
        if refresh.is_some() && standing == Standing::Approved {
            let live: Vec<u64> = (0u64..)
                .zip(&self.grants)
                .filter(|(_, g)| g.standing == Standing::Approved)
                .filter(|(_, g)| g.live && g.user == user && g.refresh.is_some())
                .map(|(n, _)| n)
                .collect();
            let over = live.len().saturating_sub(self.approvals);
            for grant in live.into_iter().take(over) {
                self.end(grant);
            }
        }
        let access = self.access_token(grant, now);
        Issued {
            access,
            refresh,
            user,
            scope: scope.to_owned(),
            nonce: None,
        }
    }

    fn access_token(&mut self, grant: u64, now: i64) -> String {
        let token = format!(
            "{}!AQ4AQ{}",
            self.org_id.short(),
            self.random(60).replace('-', ".")
        );
        self.access.insert(
            token.clone(),
            Token {
                grant,
                until: now + self.session,
                issued: now,
            },
        );
        token
    }

    /// Uses a refresh token.
    fn refresh(&mut self, token: &str, now: i64) -> Result<Issued, Refusal> {
        if let Some(grant) = self.rotated.get(token).copied() {
            self.end(grant);
            return Err(OLD_TOKEN);
        }
        let grant = self.refresh.get(token).copied().ok_or(OLD_TOKEN)?;
        let rotated = match self.rotation {
            Rotation::Keep => None,
            Rotation::Rotate => {
                self.refresh.remove(token);
                self.rotated.insert(token.to_owned(), grant);
                let next = format!("5Aep861{}", self.random(58));
                self.refresh.insert(next.clone(), grant);
                Some(next)
            }
        };
        let (user, scope) = match self.grants.get_mut(grant as usize) {
            Some(found) if found.live => {
                if rotated.is_some() {
                    found.refresh.clone_from(&rotated);
                }
                (found.user, found.scope.clone())
            }
            _ => return Err(OLD_TOKEN),
        };
        let access = self.access_token(grant, now);
        Ok(Issued {
            access,
            refresh: rotated,
            user,
            scope,
            nonce: None,
        })
    }

    /// Ends a grant with all its tokens.
    fn end(&mut self, grant: u64) {
        if let Some(found) = self.grants.get_mut(grant as usize) {
            found.live = false;
            found.refresh = None;
        }
        self.access.retain(|_, t| t.grant != grant);
        self.refresh.retain(|_, g| *g != grant);
    }

    /// Revokes an access or a refresh token; false when it is neither.
    pub fn revoke(&mut self, token: &str) -> bool {
        if let Some(grant) = self.refresh.get(token).copied() {
            self.end(grant);
            return true;
        }
        self.access.remove(token).is_some()
    }

    /// The session of an access token, prolonged by this use.
    pub fn session(&mut self, token: &str, now: i64) -> Option<Session> {
        let length = self.session;
        let token = self.access.get_mut(token)?;
        if token.until <= now {
            return None;
        }
        token.until = now + length;
        let (issued, until) = (token.issued, token.until);
        let grant = self.grants.get(token.grant as usize)?;
        Some(Session {
            user: grant.user,
            scope: grant.scope.clone(),
            issued,
            until,
        })
    }

    /// The user and the scope of a refresh token that is good.
    pub fn lasting(&self, token: &str) -> Option<(SfId, String)> {
        let grant = self.grants.get(*self.refresh.get(token)? as usize)?;
        grant.live.then(|| (grant.user, grant.scope.clone()))
    }

    /// Ends one access token, or all of them; refresh tokens stay.
    pub fn expire(&mut self, token: Option<&str>) {
        match token {
            Some(token) => {
                self.access.remove(token);
            }
            None => self.access.clear(),
        }
    }

    /// Ends all grants.
    pub fn revoke_all(&mut self) {
        let known: HashSet<u64> = (0..self.grants.len() as u64).collect();
        for grant in known {
            self.end(grant);
        }
    }

    /// Base64 of the HMAC over identity URL and time, as the token response signs them.
    fn signature(&self, identity: &str, issued_at: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.app.client_secret.as_bytes());
        BASE64.encode(hmac::sign(&key, format!("{identity}{issued_at}").as_bytes()).as_ref())
    }
}

#[cfg(test)]
mod tests;
