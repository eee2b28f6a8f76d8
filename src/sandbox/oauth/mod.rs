//! OAuth 2.0 of the org (salesforce-api section 1): who may sign in, codes, sessions, grants.
//!
//! This file holds the state; [`endpoints`] speaks HTTP and [`pages`] is what a person sees.
//! Invariant: a token or a code is compared whole and never shown by `Debug`.

mod endpoints;
mod pages;
mod person;

use std::collections::{HashMap, HashSet};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::{digest, hmac, rand::SecureRandom};

use super::{Options, ids::SfId};
pub use endpoints::answer;

/// Seconds a code is good for.
const CODE_LIFE: i64 = 15 * 60;

/// A user who can sign in.
#[derive(Clone)]
pub struct Login {
    pub user: SfId,
    pub username: String,
    pub password: String,
}

/// The one connected app of the org.
#[derive(Clone)]
pub struct App {
    pub client_id: String,
    pub client_secret: String,
    pub redirects: Vec<String>,
}

/// A code on its way to be exchanged.
#[derive(Clone)]
struct Code {
    user: SfId,
    redirect: String,
    scope: String,
    challenge: Option<String>,
    made: i64,
    grant: Option<u64>,
}

/// One approval of the app by a user.
struct Grant {
    user: SfId,
    scope: String,
    refresh: Option<String>,
    live: bool,
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
        now: i64,
    ) -> String {
        let code = format!("aPrx{}==", self.random(48));
        let entry = Code {
            user,
            redirect: redirect.to_owned(),
            scope: scope.to_owned(),
            challenge: challenge.map(str::to_owned),
            made: now,
            grant: None,
        };
        self.codes.insert(code.clone(), entry);
        code
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
        let issued = self.grant(found.user, &found.scope, now);
        let grant = self.grants.len() as u64 - 1;
        if let Some(code) = self.codes.get_mut(code) {
            code.grant = Some(grant);
        }
        Ok(issued)
    }

    /// A new grant with its tokens; the oldest of too many ends.
    pub fn grant(&mut self, user: SfId, scope: &str, now: i64) -> Issued {
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
        });
        if refresh.is_some() {
            let live: Vec<u64> = (0u64..)
                .zip(&self.grants)
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
mod tests {
    use super::*;

    fn oauth(rotation: Rotation) -> (Oauth, SfId) {
        let user = SfId::new(*b"005", 1);
        let app = App {
            client_id: "id".into(),
            client_secret: "secret".into(),
            redirects: vec![],
        };
        let options = Options {
            rotation,
            ..Options::bare()
        };
        (Oauth::new(&options, app, vec![]), user)
    }

    const SCOPE: &str = "api refresh_token";

    #[test]
    fn a_code_works_once_and_its_second_use_ends_the_first() {
        let (mut oauth, user) = oauth(Rotation::Keep);
        let code = oauth.code(user, "http://l/", SCOPE, None, 0);
        let issued = oauth.exchange(&code, "http://l/", None, 10).unwrap();
        assert!(oauth.session(&issued.access, 20).is_some());
        assert_eq!(
            oauth.exchange(&code, "http://l/", None, 20).err(),
            Some(OLD_CODE)
        );
        assert!(oauth.session(&issued.access, 20).is_none());
    }

    #[test]
    fn a_code_is_bound_to_time_redirect_and_verifier() {
        let (mut oauth, user) = oauth(Rotation::Keep);
        let hash = digest::digest(&digest::SHA256, b"verifier");
        let challenge = BASE64URL_NOPAD.encode(hash.as_ref());
        let code = oauth.code(user, "http://l/", SCOPE, Some(&challenge), 0);
        assert_eq!(
            oauth
                .exchange(&code, "http://m/", Some("verifier"), 1)
                .err()
                .map(|r| r.0),
            Some("redirect_uri_mismatch")
        );
        assert_eq!(
            oauth
                .exchange(&code, "http://l/", None, 1)
                .err()
                .map(|r| r.0),
            Some("invalid_grant")
        );
        assert_eq!(
            oauth
                .exchange(&code, "http://l/", Some("other"), 1)
                .err()
                .map(|r| r.0),
            Some("invalid_request")
        );
        assert_eq!(
            oauth
                .exchange(&code, "http://l/", Some("verifier"), 901)
                .err(),
            Some(OLD_CODE)
        );
        assert!(
            oauth
                .exchange(&code, "http://l/", Some("verifier"), 900)
                .is_ok()
        );
    }

    #[test]
    fn replaying_a_rotated_token_ends_the_grant() {
        let (mut oauth, user) = oauth(Rotation::Rotate);
        let first = oauth.grant(user, SCOPE, 0).refresh.unwrap();
        let second = oauth.refresh(&first, 1).unwrap();
        let next = second.refresh.unwrap();
        assert_ne!(first, next);
        assert_eq!(oauth.refresh(&first, 2).err(), Some(OLD_TOKEN));
        assert_eq!(oauth.refresh(&next, 3).err(), Some(OLD_TOKEN));
        assert!(oauth.session(&second.access, 3).is_none());
    }

    #[test]
    fn the_sixth_approval_ends_the_oldest() {
        let (mut oauth, user) = oauth(Rotation::Keep);
        let tokens: Vec<String> = (0..6)
            .map(|i| oauth.grant(user, SCOPE, i).refresh.unwrap())
            .collect();
        assert_eq!(oauth.refresh(&tokens[0], 10).err(), Some(OLD_TOKEN));
        assert!(oauth.refresh(&tokens[1], 10).is_ok());
    }

    #[test]
    fn a_session_lives_by_use() {
        let (mut oauth, user) = oauth(Rotation::Keep);
        let token = oauth.grant(user, SCOPE, 0).access;
        assert!(oauth.session(&token, 7000).is_some());
        assert!(oauth.session(&token, 14_000).is_some());
        assert!(oauth.session(&token, 21_300).is_none());
    }
}
