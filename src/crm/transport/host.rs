//! Which addresses may get a credential (salesforce-api 1.1).
//!
//! Addresses arrive from the network and tokens are then sent to them. Invariant: whatever
//! passes is https on the usual port of a Salesforce host, or loopback when a local sandbox was
//! asked for.

use url::{Host, Url};

/// Which servers may be talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerKind {
    /// Salesforce only.
    #[default]
    Salesforce,
    /// Also a sandbox server on this machine, with or without TLS.
    LocalSandbox,
}

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The API: hosts under `.my.salesforce.com`.
    Api,
    /// Sign-in and identity: also `login.salesforce.com` and `test.salesforce.com`.
    Login,
}

/// An address that must not get a credential. The text is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address is not acceptable: {0}")]
pub struct RefusedAddress(pub &'static str);

/// Checks an address and returns it without path, query and fragment for [`Purpose::Api`], as
/// it is for [`Purpose::Login`].
///
/// # Errors
/// The reason for refusing it.
pub fn check(text: &str, purpose: Purpose, server: ServerKind) -> Result<Url, RefusedAddress> {
    let mut url = Url::parse(text.trim()).map_err(|_| RefusedAddress("not a web address"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RefusedAddress("it holds a user name"));
    }
    let loopback = is_loopback(&url);
    match (url.scheme(), server) {
        ("http" | "https", ServerKind::LocalSandbox) if loopback => {}
        ("https", _) if !loopback => salesforce_host(&url, purpose)?,
        ("https", _) => return Err(RefusedAddress("it is on this machine")),
        ("http", _) => return Err(RefusedAddress("it is not encrypted")),
        _ => return Err(RefusedAddress("not a web address")),
    }
    if purpose == Purpose::Api {
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
    }
    Ok(url)
}

fn salesforce_host(url: &Url, purpose: Purpose) -> Result<(), RefusedAddress> {
    if url.port().is_some() {
        return Err(RefusedAddress("it names a port"));
    }
    let Some(Host::Domain(host)) = url.host() else {
        return Err(RefusedAddress("its host is not a name"));
    };
    let own = host
        .strip_suffix(".my.salesforce.com")
        .is_some_and(|org| !org.is_empty() && !org.starts_with('.') && !org.contains(".."));
    let login = matches!(host, "login.salesforce.com" | "test.salesforce.com");
    if own || (login && purpose == Purpose::Login) {
        Ok(())
    } else {
        Err(RefusedAddress("its host is not one of Salesforce's"))
    }
}

/// Whether the host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn salesforce_hosts_pass() {
        for text in [
            "https://acme.my.salesforce.com",
            "https://acme.my.salesforce.com/",
            "https://acme.my.salesforce.com:443/services",
            "https://acme--uat.sandbox.my.salesforce.com",
            "https://ACME-dev-ed.develop.my.salesforce.com",
        ] {
            let url = check(text, Purpose::Api, ServerKind::Salesforce).unwrap();
            assert_eq!(url.path(), "/", "{text}");
        }
        assert!(
            check(
                "https://login.salesforce.com",
                Purpose::Login,
                ServerKind::Salesforce
            )
            .is_ok()
        );
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "http://acme.my.salesforce.com",
            "https://my.salesforce.com",
            "https://.my.salesforce.com",
            "https://acme.my.salesforce.com.evil.example",
            "https://evil.example/.my.salesforce.com",
            "https://evil.example#.my.salesforce.com",
            "https://acme.my.salesforce.com@evil.example",
            "https://user@acme.my.salesforce.com",
            "https://acme.my.salesforce.com:8443",
            "https://evilmy.salesforce.com",
            "https://login.salesforce.com",
            "https://127.0.0.1",
            "http://localhost:8080",
            "https://evil.example\\.my.salesforce.com",
            "ftp://acme.my.salesforce.com",
            "acme.my.salesforce.com",
            "",
        ] {
            assert!(
                check(text, Purpose::Api, ServerKind::Salesforce).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn loopback_only_when_asked_for() {
        for text in [
            "http://127.0.0.1:8080",
            "http://localhost:1",
            "http://[::1]:9",
            "https://localhost",
        ] {
            assert!(
                check(text, Purpose::Api, ServerKind::LocalSandbox).is_ok(),
                "{text}"
            );
            assert!(
                check(text, Purpose::Api, ServerKind::Salesforce).is_err(),
                "{text}"
            );
        }
        for text in [
            "http://localhost.evil.example",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://a@localhost",
        ] {
            assert!(
                check(text, Purpose::Api, ServerKind::LocalSandbox).is_err(),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_ends_in_the_suffix(text in "https://[a-z.@:/#?\\\\%0-9-]{0,40}(my\\.salesforce\\.com)?[a-z./]{0,6}") {
            if let Ok(url) = check(&text, Purpose::Api, ServerKind::Salesforce) {
                prop_assert!(url.host_str().unwrap().ends_with(".my.salesforce.com"));
                prop_assert_eq!(url.scheme(), "https");
                prop_assert_eq!(url.port(), None);
            }
        }
    }
}
