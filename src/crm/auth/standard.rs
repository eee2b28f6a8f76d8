//! The grants of the OAuth standard: the `oauth2` crate writes the requests and reads the answers,
//! our own client carries them (salesforce-api 1.3, 1.4).
//!
//! Decides nothing about tokens. Invariants: nothing leaves for a host that may not have a
//! credential; an answer that cannot be read is never quoted, because it may hold tokens.

use std::borrow::Cow;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::error::{AuthError, Step};
use super::sign_in::OAuth;
use super::token_call::{UNREADABLE, endpoint, refused};
use crate::crm::transport::host::{Purpose, check};
use crate::crm::transport::{Http, Outgoing};

/// What Salesforce adds to a token response. All values are texts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SalesforceFields {
    pub(super) instance_url: String,
    pub(super) id: String,
    pub(super) issued_at: Option<String>,
}

impl ExtraTokenFields for SalesforceFields {}

/// A token response.
pub(super) type Answer = StandardTokenResponse<SalesforceFields, BasicTokenType>;

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

/// Grant `authorization_code`, with PKCE.
pub(super) async fn code(
    oauth: &OAuth,
    code: &SecretString,
    verifier: &SecretString,
    redirect_uri: &str,
) -> Result<Answer, AuthError> {
    let redirect = RedirectUrl::new(redirect_uri.to_owned())
        .map_err(|_| AuthError::Settings("the redirect address cannot be read"))?;
    let relay = |request| relay(oauth.http.clone(), Step::Exchange, request);
    client(oauth, &oauth.app.login_url)?
        .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
        .set_redirect_uri(Cow::Owned(redirect))
        .request_async(&relay)
        .await
        .map_err(failed)
}

/// Grant `refresh_token`.
pub(super) async fn refresh(
    oauth: &OAuth,
    login_url: &Url,
    refresh: &SecretString,
) -> Result<Answer, AuthError> {
    let relay = |request| relay(oauth.http.clone(), Step::Refresh, request);
    client(oauth, login_url)?
        .exchange_refresh_token(&RefreshToken::new(refresh.expose_secret().to_owned()))
        .request_async(&relay)
        .await
        .map_err(failed)
}

/// Grant `client_credentials`.
pub(super) async fn credentials(oauth: &OAuth) -> Result<Answer, AuthError> {
    let relay = |request| relay(oauth.http.clone(), Step::Grant, request);
    client(oauth, &oauth.app.login_url)?
        .exchange_client_credentials()
        .request_async(&relay)
        .await
        .map_err(failed)
}

fn client(oauth: &OAuth, login_url: &Url) -> Result<Client<EndpointSet>, AuthError> {
    let client = Client::<EndpointNotSet>::new(ClientId::new(oauth.app.client_id.clone()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(endpoint(login_url, "token")));
    Ok(match oauth.app.grant.secret()? {
        Some(secret) => {
            client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
        }
        None => client,
    })
}

/// An exchange that gave no token response.
#[derive(Debug, thiserror::Error)]
#[error("no token response")]
struct NoTokens(AuthError);

/// Carries a request of the crate over our client; only ever to a host that may have a credential.
async fn relay(http: Http, step: Step, request: HttpRequest) -> Result<HttpResponse, NoTokens> {
    let (parts, body) = request.into_parts();
    let url = check(&parts.uri.to_string(), Purpose::Login, http.server())
        .map_err(|error| NoTokens(error.into()))?;
    let out = Outgoing {
        method: parts.method,
        url,
        headers: parts.headers,
        body: bytes::Bytes::from(body).into(),
    };
    let reply = http.send(out).await;
    let reply = reply.map_err(|failure| NoTokens(AuthError::NoAnswer(failure)))?;
    if !reply.status.is_success() {
        return Err(NoTokens(refused(&reply, step)));
    }
    let mut response = HttpResponse::new(reply.body.to_vec());
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}

fn failed(error: RequestTokenError<NoTokens, BasicErrorResponse>) -> AuthError {
    match error {
        RequestTokenError::Request(NoTokens(error)) => error,
        // What these hold may quote the answer: our own words go on.
        RequestTokenError::ServerResponse(_)
        | RequestTokenError::Parse(..)
        | RequestTokenError::Other(_) => AuthError::BadAnswer(UNREADABLE),
    }
}
