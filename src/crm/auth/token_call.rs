//! Calls to the token and revoke endpoints (salesforce-api 1.3 to 1.5, 1.7).
//!
//! No state and no retries. Invariant: tokens leave here only when the answer names an allowed
//! instance, a readable identity, and is of type Bearer.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use super::error::{AuthError, Refusal, Step};
use super::sign_in::OAuthApp;
use super::tokens::{Tokens, identity_parts};
use crate::crm::transport::host::{Purpose, ServerKind, check};
use crate::crm::transport::text::tidy;
use crate::crm::transport::{Failure, Http, Outgoing};

/// What Salesforce adds to a token response.
#[derive(Debug, Serialize, Deserialize)]
struct SalesforceFields {
    instance_url: String,
    id: String,
    issued_at: Option<String>,
}

impl ExtraTokenFields for SalesforceFields {}

type Answer = StandardTokenResponse<SalesforceFields, BasicTokenType>;
type Client<HasTokenUrl> = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    HasTokenUrl,
>;

/// Exchanges a code for tokens. A code works once, so this is never repeated.
pub(super) async fn exchange(
    http: &Http,
    app: &OAuthApp,
    code: &SecretString,
    verifier: &SecretString,
) -> Result<Tokens, AuthError> {
    let redirect = RedirectUrl::new(app.redirect_uri.clone())
        .map_err(|_| AuthError::Settings("the redirect address"))?;
    let relay = |request| relay(http.clone(), request);
    let answer = client(app, &app.login_url)?
        .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
        .set_redirect_uri(Cow::Owned(redirect))
        .request_async(&relay)
        .await;
    tokens(answer, Step::Exchange, &app.login_url, http.server())
}

/// Gets a new access token, and a new refresh token when the app rotates them.
pub(super) async fn refresh(
    http: &Http,
    app: &OAuthApp,
    old: &Tokens,
    refresh: &SecretString,
) -> Result<Tokens, AuthError> {
    check(old.login_url.as_str(), Purpose::Login, http.server())?;
    let relay = |request| relay(http.clone(), request);
    let answer = client(app, &old.login_url)?
        .exchange_refresh_token(&RefreshToken::new(refresh.expose_secret().to_owned()))
        .request_async(&relay)
        .await;
    let mut new = tokens(answer, Step::Refresh, &old.login_url, http.server())?;
    if new.refresh.is_none() {
        new.refresh = Some(refresh.clone());
    }
    if new.scope.is_empty() {
        new.scope.clone_from(&old.scope);
    }
    Ok(new)
}

/// Gives a token up. One that is not known any more counts as given up.
pub(super) async fn revoke(
    http: &Http,
    login_url: &Url,
    token: &SecretString,
) -> Result<(), AuthError> {
    check(login_url.as_str(), Purpose::Login, http.server())?;
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("token", token.expose_secret())
        .finish();
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    let reply = http
        .send(Outgoing {
            method: Method::POST,
            url: endpoint(login_url, "revoke"),
            headers,
            body: Bytes::from(body).into(),
        })
        .await
        .map_err(AuthError::NoAnswer)?;
    if reply.status.is_success() {
        return Ok(());
    }
    match refusal(&reply.body, Step::Revoke) {
        Some(refusal) if matches!(&*refusal.code, "invalid_token" | "unsupported_token_type") => {
            Ok(())
        }
        Some(refusal) => Err(refusal.into()),
        None if reply.status.is_server_error() => {
            Err(AuthError::ServerTrouble(reply.status.as_u16()))
        }
        None => Err(AuthError::BadAnswer("to giving the sign-in up")),
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

fn client(app: &OAuthApp, login_url: &Url) -> Result<Client<EndpointSet>, AuthError> {
    let client = Client::<EndpointNotSet>::new(ClientId::new(app.client_id.clone()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(endpoint(login_url, "token")));
    Ok(match &app.client_secret {
        Some(secret) => {
            client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
        }
        None => client,
    })
}

/// An exchange that gave nothing that could be an OAuth answer.
#[derive(Debug)]
enum RelayError {
    NoAnswer(Failure),
    Trouble(u16),
    Request,
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no OAuth answer")
    }
}

impl std::error::Error for RelayError {}

/// Carries a request of the oauth2 crate over our client.
async fn relay(http: Http, request: HttpRequest) -> Result<HttpResponse, RelayError> {
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string()).map_err(|_| RelayError::Request)?;
    let reply = http
        .send(Outgoing {
            method: parts.method,
            url,
            headers: parts.headers,
            body: Bytes::from(body).into(),
        })
        .await
        .map_err(RelayError::NoAnswer)?;
    let status = reply.status;
    let mut body = reply.body.to_vec();
    if !status.is_success() {
        // Some answers are forms (1.7); pages of a gateway are neither.
        match refusal(&body, Step::Exchange) {
            Some(refusal) => {
                let json = serde_json::json!({
                    "error": refusal.code,
                    "error_description": refusal.description,
                });
                body = json.to_string().into_bytes();
            }
            None if status.is_server_error() || matches!(status.as_u16(), 420 | 429) => {
                return Err(RelayError::Trouble(status.as_u16()));
            }
            None => {}
        }
    }
    let mut response = HttpResponse::new(body);
    *response.status_mut() = status;
    if let Some(kind) = reply.headers.get(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    Ok(response)
}

/// The error of an OAuth answer, as JSON or as a form.
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

fn tokens(
    answer: Result<Answer, RequestTokenError<RelayError, BasicErrorResponse>>,
    step: Step,
    login_url: &Url,
    server: ServerKind,
) -> Result<Tokens, AuthError> {
    // Parse errors hold the body, which may hold tokens: only our own words go on from here.
    let answer = answer.map_err(|error| match error {
        RequestTokenError::ServerResponse(said) => AuthError::Refused(Refusal {
            step,
            code: tidy(said.error().as_ref(), 60),
            description: tidy(said.error_description().map_or("", |d| d), 300),
        }),
        RequestTokenError::Request(RelayError::NoAnswer(failure)) => AuthError::NoAnswer(failure),
        RequestTokenError::Request(RelayError::Trouble(status)) => AuthError::ServerTrouble(status),
        RequestTokenError::Request(RelayError::Request) => {
            AuthError::Settings("the sign-in address")
        }
        RequestTokenError::Parse(..) => AuthError::BadAnswer("it is not a token response"),
        RequestTokenError::Other(_) => AuthError::BadAnswer("it is empty or of another type"),
    })?;
    if *answer.token_type() != BasicTokenType::Bearer {
        return Err(AuthError::BadAnswer("the token is not of type Bearer"));
    }
    let extra = answer.extra_fields();
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
        // Only shown to a person; nothing is decided by it.
        .unwrap_or_else(Timestamp::now);
    Ok(Tokens {
        access: answer.access_token().secret().as_str().into(),
        refresh: answer.refresh_token().map(|t| t.secret().as_str().into()),
        instance_url,
        identity_url,
        login_url: login_url.clone(),
        scope,
        issued_at,
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
}
