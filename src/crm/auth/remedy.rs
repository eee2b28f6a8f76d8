//! What helps against each refusal of the authorization server (salesforce-api 1.7).
//!
//! Words only. Invariant: every refusal has a next step that somebody can take.

use super::error::{Refusal, Step};

const GRANT_OFF: &str = "an administrator turns the flow that sign_in names on in the app, with \
    the user it runs as";

const DEVICE_REMEDY: &str = "Salesforce blocks the device flow for most apps since September \
    2025, because people were talked into typing codes of strangers; set sign_in to \"browser\" \
    (the address works in a browser on any computer) or \"jwt\", or turn the flow on in an \
    external client app of your own";

/// What the person or an administrator can do.
pub(super) fn of(refusal: &Refusal) -> &'static str {
    let says = |text: &str| refusal.description.to_ascii_lowercase().contains(text);
    match refusal.code.as_str() {
        "access_denied" => "start the sign-in again and press Allow",
        "invalid_client_id" => {
            "check the consumer key and the sign-in address; a new app needs up to ten minutes to work"
        }
        "invalid_client" if says("certificate") => {
            "an administrator turns the JWT bearer flow on in the app and uploads the certificate of the key"
        }
        "invalid_client" | "invalid_basic_auth_header" => {
            "check the consumer secret, or let the app not require one"
        }
        "redirect_uri_mismatch" | "redirect_uri_missing" => {
            "add exactly the redirect address of the settings to the app's callback addresses, port and slash included; it needs up to ten minutes to work"
        }
        "invalid_grant" if says("ip restricted") || says("login hours") => {
            "an administrator changes the allowed addresses or login hours of the user"
        }
        "invalid_grant" if says("login rate") => {
            "too many sign-ins in an hour; wait an hour, then try again"
        }
        "invalid_grant" if says("inactive user") => {
            "the user is deactivated or frozen; sign in as another user"
        }
        "invalid_grant" if says("hasn't approved") => {
            "an administrator approves the app for the user beforehand: in its policies, permitted users are those that an administrator approved, and the user's profile or permission set has the app"
        }
        "invalid_grant" if says("audience") => {
            "sign in at the address of the right kind: login.salesforce.com or the My Domain for production, test.salesforce.com or the sandbox's My Domain for a sandbox"
        }
        "invalid_grant" if says("no client credentials user") => {
            "an administrator chooses the user that the app stands for: in its policies, client credentials flow, run as"
        }
        "invalid_grant" if says("device flow") => DEVICE_REMEDY,
        "invalid_grant" if says("not enabled") && refusal.step == Step::Grant => GRANT_OFF,
        "invalid_grant" | "invalid_assertion"
            if refusal.step == Step::Grant
                && (says("assertion") || says("expired authorization")) =>
        {
            "the app must hold the certificate of this very key, and this machine's clock must be right; a new app needs up to ten minutes to work"
        }
        "invalid_grant" if says("not supported on this domain") => {
            "use the My Domain address of the organisation as sign-in address"
        }
        "invalid_grant" if refusal.step == Step::Device => {
            "start the sign-in again; a code is good for ten minutes"
        }
        "invalid_grant" if refusal.step == Step::Grant => {
            "an administrator looks at the user's login history: it names the reason"
        }
        "invalid_grant" if refusal.step == Step::Exchange => {
            "the code was used already or is too old (15 minutes); start the sign-in again"
        }
        "invalid_grant" => {
            "the sign-in was revoked, has expired, or was pushed out by newer ones (five per user and app); sign in again"
        }
        "inactive_user" => "the user is deactivated or frozen; sign in as another user",
        "invalid_app_access" => {
            "an administrator gives the user's profile or permission set access to the app"
        }
        "inactive_org" => "the organisation is locked or closed; its administrator asks Salesforce",
        "rate_limit_exceeded" | "slow_down" => "wait some minutes, then try again",
        "invalid_scope" => "give the app the scopes api, refresh_token and id",
        "unsupported_grant_type" | "oauth_flow_disabled" if refusal.step == Step::Device => {
            DEVICE_REMEDY
        }
        "unsupported_grant_type" | "oauth_flow_disabled" if refusal.step == Step::Grant => {
            GRANT_OFF
        }
        "unsupported_grant_type" | "oauth_flow_disabled" => {
            "turn the authorization code flow on in the app"
        }
        "app_not_found" | "OAUTH_EC_APP_NOT_FOUND" => {
            "an administrator installs the app in the organisation"
        }
        "app_blocked" | "fail_close_app_blocked" | "OAUTH_APP_BLOCKED" => {
            "an administrator unblocks the app under Connected Apps OAuth Usage"
        }
        "OAUTH_APP_ACCESS_DENIED" => {
            "an administrator installs the app and allows it for the user's profile"
        }
        "ecapp_policy_not_found" | "oauth_policy_not_found" | "invalid_session_level" => {
            "an administrator checks the app's OAuth and session policies"
        }
        "invalid_dpop_proof" | "use_dpop_nonce" => "let the app issue plain bearer tokens",
        "invalid_request" if says("code challenge") || says("code verifier") => {
            "start the sign-in again"
        }
        "invalid_token" | "unsupported_token_type" => "nothing to do: it was revoked already",
        "server_error"
        | "service_unavailable"
        | "system_down"
        | "unknown_error"
        | "temporarily_unavailable" => "try again in some minutes; see status.salesforce.com",
        _ => "an administrator checks the app's settings; then start the sign-in again",
    }
}
