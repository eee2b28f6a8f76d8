//! `[connection] login_host`: the address to sign in at.
//!
//! Looks at no network. Invariant: an address is https, or on this machine for the sandbox server.

use std::ops::Range;

use url::{Host, Url};

use super::problem::Problem;
use super::raw::Slot;
use super::resolved::Server;

/// Where Salesforce's people sign in when no My Domain is known.
const LOGIN_HOST: &str = "login.salesforce.com";

/// The origin to sign in at: scheme, host and, where it is not the usual one, port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginAddress(String);

impl LoginAddress {
    /// The one of production, for who knows no better.
    pub(super) fn standard() -> Self {
        Self(format!("https://{LOGIN_HOST}"))
    }

    /// The origin without a slash at its end, such as `https://login.salesforce.com`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an address of all organisations, not one's own.
    pub(super) fn is_shared(&self) -> bool {
        [LOGIN_HOST, "test.salesforce.com"]
            .iter()
            .any(|host| self.0.strip_prefix("https://") == Some(host))
    }
}

/// Checks the address; `flag` is the place of `sandbox_server`, if it stands in the file.
pub(super) fn resolve(
    slot: Slot<String>,
    server: Server,
    flag: Option<Range<usize>>,
) -> Result<LoginAddress, Problem> {
    let (text, span) = match slot {
        Some(value) => (value.get_ref().clone(), value.span()),
        // Without an address a sandbox server cannot be meant; the flag is the fault.
        None => (LOGIN_HOST.into(), flag.unwrap_or(0..0)),
    };
    let address = if text.contains("://") {
        text
    } else {
        format!("https://{text}")
    };
    let expected = match server {
        Server::Salesforce => {
            "a host such as \"login.salesforce.com\", \"test.salesforce.com\" or \"acme.my.salesforce.com\""
        }
        Server::Sandbox => {
            "a loopback address such as \"http://127.0.0.1:8080\", because `sandbox_server` is true"
        }
    };
    match Url::parse(&address) {
        Ok(url) if fits(&url, server) => Ok(LoginAddress(url.origin().ascii_serialization())),
        Ok(url) if server == Server::Salesforce && url.scheme() == "http" => {
            Err(Problem::new(span, "plain http is not allowed here")
                .expected("https; http only to loopback, and only with `sandbox_server = true`"))
        }
        _ => Err(Problem::new(span, "not an address to sign in at").expected(expected)),
    }
}

fn fits(url: &Url, server: Server) -> bool {
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let named = matches!(url.host(), Some(Host::Domain(name)) if name.contains('.'));
    bare && match server {
        Server::Salesforce => url.scheme() == "https" && named,
        Server::Sandbox => loopback && matches!(url.scheme(), "http" | "https"),
    }
}
