//! Making a sign-in: by the address a browser came back with, by a key, by the app's secret.
//!
//! Stores nothing. Invariant: a code is exchanged only when the state is exactly the one that
//! was sent; tokens of another organisation than the expected one never leave here.

use std::fmt;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use secrecy::SecretString;
use url::Url;

use super::device::Device;
use super::error::{AuthError, Refusal, StateProblem, Step};
use super::grant::Grant;
use super::jwt::JwtKey;
use super::redirected::{self, Outcome, Redirected};
use super::token_call;
use super::tokens::Tokens;
use crate::crm::transport::Http;
use crate::crm::transport::host::{Purpose, check};
use crate::crm::transport::text::tidy;
use crate::domain::id::OrgId;

/// The app that is registered in the org.
#[derive(Debug, Clone)]
pub struct OAuthApp {
    /// Consumer key.
    pub client_id: String,
    /// How to sign in, with what that needs.
    pub grant: Grant,
    /// Sign-in address: `https://login.salesforce.com`, `https://test.salesforce.com`, or My
    /// Domain.
    pub login_url: Url,
    /// Scopes to ask for; at least `api` and `refresh_token`.
    pub scopes: Vec<String>,
}

/// An app with the client that talks to its authorization server.
#[derive(Debug, Clone)]
pub struct OAuth {
    pub(super) http: Http,
    pub(super) app: Arc<OAuthApp>,
}

impl OAuth {
    /// Checks the settings.
    ///
    /// # Errors
    /// A sign-in address that must not get a credential, or an empty or unreadable setting.
    pub fn new(http: Http, app: OAuthApp) -> Result<Self, AuthError> {
        check(app.login_url.as_str(), Purpose::Login, http.server())?;
        if app.client_id.trim().is_empty() {
            return Err(AuthError::Settings("the consumer key is empty"));
        }
        Ok(Self {
            http,
            app: Arc::new(app),
        })
    }

    /// The app.
    pub fn app(&self) -> &OAuthApp {
        &self.app
    }

    /// Begins a sign-in by browser, with fresh state and PKCE verifier. The redirect address is
    /// the registered one, character by character (salesforce-api 1.2).
    pub fn begin(&self, redirect_uri: &str) -> SignIn {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = format!("{STATE_PREFIX}{}", random_text());
        let mut address = token_call::endpoint(&self.app.login_url, "authorize");
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.app.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &self.app.scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        SignIn {
            oauth: self.clone(),
            redirect_uri: redirect_uri.to_owned(),
            address,
            state,
            verifier: secret(verifier),
        }
    }

    /// Starts a sign-in by device code.
    ///
    /// # Errors
    /// Salesforce refuses or does not answer.
    pub async fn by_code(&self) -> Result<Device, AuthError> {
        Device::start(self).await
    }

    /// Signs in as the user of a key. Stores nothing.
    ///
    /// # Errors
    /// Salesforce refuses or does not answer, or it is another organisation than expected.
    pub async fn by_key(
        &self,
        key: &JwtKey,
        expected: Option<&OrgId>,
    ) -> Result<Tokens, AuthError> {
        let tokens = token_call::bearer(self, key).await?;
        self.admit(tokens, expected).await
    }

    /// Signs in by the app's own secret. Stores nothing.
    ///
    /// # Errors
    /// As [`OAuth::by_key`]; or the settings hold no secret.
    pub async fn by_secret(&self, expected: Option<&OrgId>) -> Result<Tokens, AuthError> {
        let tokens = token_call::credentials(self).await?;
        self.admit(tokens, expected).await
    }

    /// Lets tokens of a new sign-in through if they are for the expected organisation, and learns
    /// how long they last. Every way of signing in ends here.
    pub(super) async fn admit(
        &self,
        mut tokens: Tokens,
        expected: Option<&OrgId>,
    ) -> Result<Tokens, AuthError> {
        match expected {
            Some(expected) if *expected != tokens.org => {
                self.give_up(&tokens).await;
                Err(AuthError::WrongOrg {
                    expected: expected.clone(),
                    got: tokens.org,
                })
            }
            _ => {
                tokens.life = token_call::life(self, &tokens).await;
                Ok(tokens)
            }
        }
    }

    /// Revokes tokens that nobody will hold: a user has five approvals per app, and these must
    /// not push another one out.
    pub(super) async fn give_up(&self, tokens: &Tokens) {
        let revoked = token_call::revoke(&self.http, &tokens.login_url, tokens.root()).await;
        if let Err(error) = revoked {
            tracing::warn!(target: "crm", %error, "giving up a sign-in that is not used");
        }
    }
}

/// Marks a state as ours, so that an old browser tab can be told from a forged address.
const STATE_PREFIX: &str = "syncdeck-";

/// 256 bits from the verifier's generator, as text.
fn random_text() -> String {
    let (_, verifier) = PkceCodeChallenge::new_random_sha256();
    let digest = ring::digest::digest(&ring::digest::SHA256, verifier.secret().as_bytes());
    BASE64URL_NOPAD.encode(digest.as_ref())
}

fn secret(verifier: PkceCodeVerifier) -> SecretString {
    verifier.into_secret().into()
}

/// A sign-in that waits for the browser.
pub struct SignIn {
    oauth: OAuth,
    redirect_uri: String,
    address: Url,
    state: String,
    verifier: SecretString,
}

impl SignIn {
    /// The address to open in a browser.
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// Exchanges the code in the address that the browser was sent back to, from the callback
    /// or pasted. With an expected organisation, a sign-in to another one is given up at once.
    ///
    /// # Errors
    /// The address cannot be used, Salesforce refuses, or it is another organisation. Nothing is
    /// stored in any case.
    pub async fn finish(
        &self,
        redirected: &str,
        expected: Option<&OrgId>,
    ) -> Result<Tokens, AuthError> {
        let code = match self.read(redirected)? {
            Outcome::Code(code) => code,
            Outcome::Error(code, description) => {
                return Err(AuthError::Refused(Refusal {
                    step: Step::Authorize,
                    code: tidy(&code, 60),
                    description: tidy(&description, 300),
                }));
            }
        };
        let tokens =
            token_call::exchange(&self.oauth, &code, &self.verifier, &self.redirect_uri).await?;
        self.oauth.admit(tokens, expected).await
    }

    /// Reads an address and checks its state.
    fn read(&self, text: &str) -> Result<Outcome, AuthError> {
        let Redirected { state, outcome } = redirected::parse(text)?;
        match (state, &outcome) {
            (Some(state), _) if state == self.state => Ok(outcome),
            // A page of Salesforce that explains an error; there is nothing to exchange.
            (None, Outcome::Error(..)) => Ok(outcome),
            (None, Outcome::Code(_)) => Err(StateProblem::Missing.into()),
            (Some(state), _) if state.starts_with(STATE_PREFIX) => {
                Err(StateProblem::OtherSignIn.into())
            }
            (Some(_), _) => Err(StateProblem::Foreign.into()),
        }
    }

    /// Whether an address carries exactly our state. Others must not end the waiting.
    pub(super) fn is_ours(&self, address: &str) -> bool {
        redirected::parse(address).is_ok_and(|found| found.state.as_deref() == Some(&self.state))
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::crm::transport::HttpSettings;
    use crate::crm::transport::host::ServerKind;

    const BACK: &str = "http://localhost:1717/callback";

    fn oauth() -> OAuth {
        let http = Http::new(&HttpSettings::new(ServerKind::Salesforce)).unwrap();
        OAuth::new(
            http,
            OAuthApp {
                client_id: "key".into(),
                grant: Grant::Browser {
                    client_secret: None,
                },
                login_url: Url::parse("https://login.salesforce.com").unwrap(),
                scopes: vec!["api".into(), "refresh_token".into()],
            },
        )
        .unwrap()
    }

    #[test]
    fn the_address_holds_challenge_and_state_but_not_the_verifier() {
        let sign_in = oauth().begin(BACK);
        let query: std::collections::HashMap<_, _> = sign_in.address().query_pairs().collect();
        assert_eq!(query["code_challenge"].len(), 43);
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["redirect_uri"], "http://localhost:1717/callback");
        assert_eq!(query["scope"], "api refresh_token");
        assert!(
            !sign_in
                .address()
                .as_str()
                .contains(sign_in.verifier.expose_secret())
        );
        assert_ne!(oauth().begin(BACK).state, sign_in.state);
    }

    #[tokio::test]
    async fn nothing_is_sent_for_a_wrong_state() {
        let (one, two) = (oauth().begin(BACK), oauth().begin(BACK));
        let address = |state: &str| format!("http://localhost:1717/callback?code=c&state={state}");
        for (text, problem) in [
            (address(&two.state), StateProblem::OtherSignIn),
            (address("syncdeck"), StateProblem::Foreign),
            (address(&one.state.to_uppercase()), StateProblem::Foreign),
            (
                "http://localhost:1717/callback?code=c".into(),
                StateProblem::Missing,
            ),
        ] {
            let error = one.finish(&text, None).await.unwrap_err();
            assert_eq!(error, AuthError::State(problem), "{text}");
        }
    }

    #[tokio::test]
    async fn an_error_page_is_understood() {
        let sign_in = oauth().begin(BACK);
        let text = "https://login.salesforce.com/services/oauth2/error?error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20configuration";
        let error = sign_in.finish(text, None).await.unwrap_err();
        assert!(error.remedy().contains("redirect address"), "{error}");
        let denied = format!(
            "http://localhost:1717/callback?error=access_denied&error_description=end-user+denied+authorization&state={}",
            sign_in.state
        );
        let error = sign_in.finish(&denied, None).await.unwrap_err();
        assert!(error.remedy().contains("Allow"), "{error}");
    }
}
