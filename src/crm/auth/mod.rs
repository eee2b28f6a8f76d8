//! Signing in to Salesforce and staying signed in (salesforce-api 1).
//!
//! Four ways, of which the settings choose one: authorization code with PKCE and state, by
//! loopback callback or by pasting the address the browser was sent to; JWT bearer; client
//! credentials; device code. Each renews by itself. Does not store anything: the engine gives a
//! [`TokenStore`]. Invariants: nothing is kept of a sign-in that did not check out completely; a
//! token is durable before it is used; no token has a printable form.
//!
//! ```text
//! OAuth ─ begin(Callback::redirect_uri) ─> SignIn ── finish(address) ─> Tokens
//!       ─ by_code ──────────────────────> Device ── wait ────────────> Tokens
//!       ─ by_key, by_secret ─────────────────────────────────────────> Tokens
//! Session: ready, renew, revoke, status
//! ```

mod callback;
mod device;
mod error;
mod grant;
mod jwt;
mod redirected;
mod remedy;
mod session;
mod sign_in;
mod standard;
mod token_call;
mod tokens;

pub use self::callback::{Callback, NO_CALLBACK_AFTER, no_callback_hint};
pub use self::device::Device;
pub use self::error::{AuthError, PasteProblem, Refusal, StateProblem, Step};
pub use self::grant::{AppSecret, Grant, NoSecret, Way};
pub use self::jwt::{JwtKey, KeyProblem};
pub use self::session::{Access, Disconnected, Renewed, Session};
pub use self::sign_in::{OAuth, OAuthApp, SignIn};
pub use self::tokens::{TokenState, TokenStore, Tokens};
