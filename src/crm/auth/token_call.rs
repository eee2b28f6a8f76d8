//! Calls to the token, device, revoke and introspect endpoints (salesforce-api 1.3 to 1.7).
//!
//! No state and no retries. Invariants: tokens leave here only when the answer names an allowed
//! instance, a readable identity, and is of type Bearer; an error holds no part of a body but
//! the code and the description of a refusal.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use oauth2::TokenResponse as _;
use oauth2::basic::BasicTokenType;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

use super::error::{AuthError, Refusal, Step};
use super::grant::Grant;
use super::jwt::JwtKey;
use super::sign_in::OAuth;
use super::standard::{self, Answer};
use super::tokens::{Held, Tokens, identity_parts};
use crate::crm::transport::host::{Purpose, check};
use crate::crm::transport::text::tidy;
use crate::crm::transport::{Http, Outgoing, Reply};

/// What an answer is called that cannot be read; it is never quoted.
pub(super) const UNREADABLE: &str = "it is not what the token endpoint answers";

/// The start of a device flow as answered.
#[derive(Deserialize)]
pub(super) struct DeviceAnswer {
    pub(super) device_code: String,
    pub(super) user_code: String,
    pub(super) verification_uri: String,
    /// Seconds between two polls.
    pub(super) interval: Option<u64>,
    /// Seconds until the code ends.
    pub(super) expires_in: Option<u64>,
}

type Field<'a> = (&'a str, &'a str);

/// Exchanges a code for tokens. A code works once, so this is never repeated.
pub(super) async fn exchange(
    oauth: &OAuth,
    code: &SecretString,
    verifier: &SecretString,
    redirect_uri: &str,
) -> Result<Tokens, AuthError> {
    let answer = standard::code(oauth, code, verifier, redirect_uri).await?;
    tokens(oauth, &oauth.app.login_url, answer, Held::Browser)
}

/// Gets a new access token, and a new refresh token when the app rotates them.
pub(super) async fn refresh(
    oauth: &OAuth,
    old: &Tokens,
    refresh: &SecretString,
) -> Result<Tokens, AuthError> {
    let answer = standard::refresh(oauth, &old.login_url, refresh).await?;
    let mut new = tokens(oauth, &old.login_url, answer, |rotated| {
        let token = Some(rotated.unwrap_or_else(|| refresh.clone()));
        match &old.held {
            Held::Device(_) => Held::Device(token),
            _ => Held::Browser(token),
        }
    })?;
    // A refresh may leave out what has not changed.
    if new.scope.is_empty() {
        new.scope.clone_from(&old.scope);
    }
    Ok(new)
}

/// Gets an access token for the user of a key. Can be repeated: nothing is used up.
pub(super) async fn bearer(oauth: &OAuth, key: &JwtKey) -> Result<Tokens, AuthError> {
    let login_url = &oauth.app.login_url;
    let now = Timestamp::now();
    let assertion = key.assertion(&oauth.app.client_id, login_url, now)?;
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", assertion.expose_secret()),
    ];
    let reply = post(&oauth.http, login_url, "token", &fields).await?;
    if !reply.status.is_success() {
        let error = refused(&reply, Step::Grant);
        return Err(reply
            .date()
            .and_then(|date| clock_fault(&error, date.duration_since(now)))
            .unwrap_or(error));
    }
    let key = key.clone();
    tokens(oauth, login_url, read(&reply)?, |_| Held::Key(key))
}

/// Gets an access token by the app's own secret. Can be repeated: nothing is used up.
pub(super) async fn credentials(oauth: &OAuth) -> Result<Tokens, AuthError> {
    let Grant::ClientCredentials { .. } = &oauth.app.grant else {
        return Err(AuthError::Settings(
            "they hold no client_secret to sign in with",
        ));
    };
    let answer = standard::credentials(oauth).await?;
    tokens(oauth, &oauth.app.login_url, answer, |_| Held::AppSecret)
}

/// Starts a device flow.
pub(super) async fn device_start(oauth: &OAuth) -> Result<DeviceAnswer, AuthError> {
    let scope = oauth.app.scopes.join(" ");
    let mut fields = vec![("response_type", "device_code"), ("scope", scope.as_str())];
    fields.extend(client(oauth)?);
    ask(oauth, &oauth.app.login_url, Step::Device, &fields).await
}

/// Asks once whether the person has allowed it.
pub(super) async fn device_poll(oauth: &OAuth, code: &SecretString) -> Result<Tokens, AuthError> {
    let mut fields = vec![("grant_type", "device"), ("code", code.expose_secret())];
    fields.extend(client(oauth)?);
    let answer = ask(oauth, &oauth.app.login_url, Step::Device, &fields).await?;
    tokens(oauth, &oauth.app.login_url, answer, Held::Device)
}

/// How long a new access token lasts when it is not used, if the org tells.
pub(super) async fn life(oauth: &OAuth, new: &Tokens) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Told {
        active: bool,
        /// Seconds since 1970.
        exp: Option<i64>,
    }
    let mut fields = vec![
        ("token", new.access.expose_secret()),
        ("token_type_hint", "access_token"),
    ];
    fields.extend(client(oauth).ok()?);
    let reply = post(&oauth.http, &new.login_url, "introspect", &fields).await;
    let told: Told = match reply {
        Ok(reply) if reply.status.is_success() => serde_json::from_slice(&reply.body).ok()?,
        // Many apps may not ask; a refused call tells the same a little later.
        _ => return None,
    };
    let left = told.exp? - new.issued_at.as_second();
    // Session time-outs are from 15 minutes to 24 hours; anything else is a misunderstanding.
    (told.active && (60..=7 * 86_400).contains(&left))
        .then(|| Duration::from_secs(left.unsigned_abs()))
}

/// Gives a token up. One that is not known any more counts as given up.
pub(super) async fn revoke(
    http: &Http,
    login_url: &Url,
    token: &SecretString,
) -> Result<(), AuthError> {
    let fields = [("token", token.expose_secret())];
    let reply = post(http, login_url, "revoke", &fields).await?;
    if reply.status.is_success() {
        return Ok(());
    }
    match refused(&reply, Step::Revoke) {
        AuthError::Refused(no)
            if matches!(&*no.code, "invalid_token" | "unsupported_token_type") =>
        {
            Ok(())
        }
        AuthError::BadAnswer(_) => Err(AuthError::BadAnswer("to giving the sign-in up")),
        error => Err(error),
    }
}

/// An OAuth endpoint under a sign-in address.
pub(super) fn endpoint(login_url: &Url, name: &str) -> Url {
    let mut url = login_url.clone();
    let base = login_url.path().trim_end_matches('/');
    url.set_path(&format!("{base}/services/oauth2/{name}"));
    url.set_query(None);
    url
}

/// Who asks: the app, with its secret if it has one.
fn client(oauth: &OAuth) -> Result<impl Iterator<Item = Field<'_>>, AuthError> {
    let secret = oauth.app.grant.secret()?;
    let secret = secret.map(|secret| ("client_secret", secret.expose_secret()));
    Ok([("client_id", oauth.app.client_id.as_str())]
        .into_iter()
        .chain(secret))
}

/// Asks the token endpoint.
async fn ask<T: DeserializeOwned>(
    oauth: &OAuth,
    login_url: &Url,
    step: Step,
    fields: &[Field<'_>],
) -> Result<T, AuthError> {
    let reply = post(&oauth.http, login_url, "token", fields).await?;
    if reply.status.is_success() {
        read(&reply)
    } else {
        Err(refused(&reply, step))
    }
}

/// Sends a form to an endpoint; only ever to a host that may have a credential.
async fn post(
    http: &Http,
    login_url: &Url,
    name: &str,
    fields: &[Field<'_>],
) -> Result<Reply, AuthError> {
    check(login_url.as_str(), Purpose::Login, http.server())?;
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    http.send(Outgoing {
        method: Method::POST,
        url: endpoint(login_url, name),
        headers,
        body: Bytes::from(body).into(),
    })
    .await
    .map_err(AuthError::NoAnswer)
}

/// Reads the answer that was hoped for.
fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, AuthError> {
    // What cannot be read may hold tokens, and the error may quote it: our own words go on.
    serde_json::from_slice(&reply.body).map_err(|_| AuthError::BadAnswer(UNREADABLE))
}

/// What an answer that is no success means.
pub(super) fn refused(reply: &Reply, step: Step) -> AuthError {
    let status = reply.status;
    let trouble = status.is_server_error() || matches!(status.as_u16(), 420 | 429);
    match refusal(&reply.body, step) {
        Some(no) if no.passing() || !trouble => no.into(),
        // Whatever a server in trouble says, it says nothing about the sign-in.
        _ if trouble => AuthError::ServerTrouble(status.as_u16()),
        _ => AuthError::BadAnswer("it is neither an answer nor a refusal"),
    }
}

/// The error of an OAuth answer, as JSON or as a form (1.7).
fn refusal(body: &[u8], step: Step) -> Option<Refusal> {
    #[derive(Deserialize)]
    struct Body {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let found = serde_json::from_slice::<Body>(body).ok().or_else(|| {
        let pairs = || form_urlencoded::parse(body);
        let value = |name| {
            pairs()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.into_owned())
        };
        Some(Body {
            error: value("error")?,
            error_description: value("error_description").unwrap_or_default(),
        })
    })?;
    Some(Refusal {
        step,
        code: tidy(&found.error, 60),
        description: tidy(&found.error_description, 300),
    })
}

/// A refused assertion of a machine whose clock is wrong. `server_ahead`: by how much the
/// server's clock is ahead of ours.
fn clock_fault(error: &AuthError, server_ahead: SignedDuration) -> Option<AuthError> {
    let AuthError::Refused(no) = error else {
        return None;
    };
    let by_time = no.code == "invalid_grant"
        && ["expired authorization", "invalid assertion", "assertion"]
            .iter()
            .any(|text| no.description.contains(text));
    (by_time && server_ahead.abs() > SignedDuration::from_secs(60)).then(|| AuthError::Clock {
        server_ahead: server_ahead.as_secs(),
        refusal: no.clone(),
    })
}

fn tokens(
    oauth: &OAuth,
    login_url: &Url,
    answer: Answer,
    held: impl FnOnce(Option<SecretString>) -> Held,
) -> Result<Tokens, AuthError> {
    if *answer.token_type() != BasicTokenType::Bearer {
        return Err(AuthError::BadAnswer("the token is not of type Bearer"));
    }
    if answer.access_token().secret().is_empty() {
        return Err(AuthError::BadAnswer("the token is empty"));
    }
    let extra = answer.extra_fields();
    let server = oauth.http.server();
    let instance_url = check(&extra.instance_url, Purpose::Api, server)?;
    let identity_url = check(&extra.id, Purpose::Login, server)?;
    let (org, user) = identity_parts(&identity_url)
        .ok_or(AuthError::BadAnswer("it does not say who signed in"))?;
    let scope = answer.scopes().map_or_else(String::new, |scopes| {
        let names: Vec<&str> = scopes.iter().map(|s| s.as_str()).collect();
        names.join(" ")
    });
    let issued_at = extra
        .issued_at
        .as_deref()
        .and_then(|ms| Timestamp::from_millisecond(ms.parse().ok()?).ok())
        .unwrap_or_else(Timestamp::now);
    let refresh = answer.refresh_token().map(|token| token.secret().as_str());
    Ok(Tokens {
        access: answer.access_token().secret().as_str().into(),
        held: held(refresh.filter(|token| !token.is_empty()).map(Into::into)),
        instance_url,
        identity_url,
        login_url: login_url.clone(),
        scope,
        issued_at,
        life: None,
        over: None,
        org,
        user,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_as_json_or_as_a_form() {
        let json = refusal(
            br#"{"error":"invalid_grant","error_description":"expired authorization code"}"#,
            Step::Exchange,
        );
        let form = refusal(
            b"error=invalid_grant&error_description=expired+authorization+code",
            Step::Exchange,
        );
        assert_eq!(json, form);
        assert_eq!(json.unwrap().description, "expired authorization code");
        assert_eq!(refusal(b"<html>error</html>", Step::Revoke), None);
        assert_eq!(refusal(b"", Step::Revoke), None);
    }

    #[test]
    fn endpoints_keep_the_path_of_a_site() {
        let at = |url: &str| endpoint(&Url::parse(url).unwrap(), "token").to_string();
        assert_eq!(
            at("https://login.salesforce.com"),
            "https://login.salesforce.com/services/oauth2/token"
        );
        assert_eq!(
            at("https://a.my.salesforce.com/x/?y=1"),
            "https://a.my.salesforce.com/x/services/oauth2/token"
        );
    }

    #[test]
    fn a_wrong_clock_is_named_only_where_it_matters() {
        let no = |description: &str| {
            AuthError::Refused(Refusal {
                step: Step::Grant,
                code: "invalid_grant".to_owned(),
                description: description.to_owned(),
            })
        };
        let seconds = SignedDuration::from_secs;
        let found = clock_fault(&no("expired authorization"), seconds(-400));
        assert!(matches!(
            found,
            Some(AuthError::Clock {
                server_ahead: -400,
                ..
            })
        ));
        assert!(found.unwrap().to_string().contains("400 seconds ahead"));
        assert_eq!(clock_fault(&no("expired authorization"), seconds(20)), None);
        assert_eq!(
            clock_fault(&no("user hasn't approved this consumer"), seconds(400)),
            None
        );
    }
}
