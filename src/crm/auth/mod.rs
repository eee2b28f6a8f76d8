//! Signing in to Salesforce and staying signed in (salesforce-api 1).
//!
//! Authorization code with PKCE and state, by loopback callback or by pasting the address the
//! browser was sent to; refresh on demand. Does not store anything itself: the engine gives a
//! [`TokenStore`]. Invariants: nothing is kept of a sign-in that did not check out completely; a
//! token is durable before it is used; no token has a printable form.
//!
//! ```text
//! Callback::bind ─ redirect address ─> OAuth ─ begin ─> SignIn ── finish(address) ─> Tokens
//!                                        └──> Session: access, renew, revoke, status
//! ```

mod callback;
mod error;
mod redirected;
mod session;
mod sign_in;
mod token_call;
mod tokens;

pub use self::callback::{Callback, NO_CALLBACK_AFTER, no_callback_hint};
pub use self::error::{AuthError, PasteProblem, Refusal, StateProblem, Step};
pub use self::session::{Access, Disconnected, Renewed, Session, TokenState};
pub use self::sign_in::{OAuth, OAuthApp, SignIn};
pub use self::tokens::{TokenStore, Tokens};
