//! Reading the address that the browser was sent back to, from a callback or pasted by a person.
//!
//! Generous about how it was copied, exact about what it says. Holds no policy about state or
//! organisation. Invariant: never fails in another way than [`PasteProblem`], whatever the text.

use secrecy::SecretString;
use url::{Url, form_urlencoded};

use super::error::PasteProblem;

/// Longer than any address of a browser.
const MAX_BYTES: usize = 16 << 10;

/// What the address says.
#[derive(Debug)]
pub(super) struct Redirected {
    /// The state, if it has one.
    pub(super) state: Option<String>,
    /// The code or the error.
    pub(super) outcome: Outcome,
}

/// What the authorization server decided.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A code to exchange.
    Code(SecretString),
    /// An error code and its text.
    Error(String, String),
}

/// Reads an address. White space and quotes from copying are dropped: a web address holds none.
pub(super) fn parse(text: &str) -> Result<Redirected, PasteProblem> {
    if text.len() > MAX_BYTES {
        return Err(PasteProblem::TooLong);
    }
    let text: String = text
        .chars()
        .filter(|c| {
            !c.is_whitespace()
                && !c.is_control()
                && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}')
        })
        .collect();
    let text = text.trim_matches(['"', '\'', '<', '>', '`']);
    if text.is_empty() {
        return Err(PasteProblem::Empty);
    }
    let (address, query) = split(text)?;
    let found = Found::read(&query)?;
    if let Some(error) = found.error {
        return Ok(Redirected {
            state: found.state,
            outcome: Outcome::Error(error, found.description.unwrap_or_default()),
        });
    }
    match (found.code.filter(|code| !code.is_empty()), address) {
        (Some(code), Some(_)) => Ok(Redirected {
            state: found.state,
            outcome: Outcome::Code(code.into()),
        }),
        (Some(_), None) => Err(PasteProblem::OnlyCode),
        (None, Some(url)) if is_sign_in_page(&url) => Err(PasteProblem::LoginPage),
        (None, _) => Err(PasteProblem::MissingCode),
    }
}

/// The address, when there is one, and its query.
fn split(text: &str) -> Result<(Option<Url>, String), PasteProblem> {
    if text.starts_with("code=") || text.starts_with("?code=") {
        return Ok((None, text.trim_start_matches('?').to_owned()));
    }
    let url = match Url::parse(text) {
        Ok(url) if url.has_host() => url,
        // Browsers hide the scheme; `localhost:1717/…` would read as a scheme of its own.
        _ if text.contains('/') => {
            Url::parse(&format!("http://{text}")).map_err(|_| PasteProblem::NotAnAddress)?
        }
        _ if looks_like_a_code(text) => return Err(PasteProblem::OnlyCode),
        _ => return Err(PasteProblem::NotAnAddress),
    };
    let query = url.query().unwrap_or_default().to_owned();
    Ok((Some(url), query))
}

fn looks_like_a_code(text: &str) -> bool {
    text.len() >= 20
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-=%!".contains(&b))
}

fn is_sign_in_page(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    url.path().contains("/services/oauth2/")
        || url.path().contains("/setup/secur/")
        || host == "salesforce.com"
        || host.ends_with(".salesforce.com")
        || host.ends_with(".force.com")
}

#[derive(Default)]
struct Found {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl Found {
    fn read(query: &str) -> Result<Self, PasteProblem> {
        let mut found = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "code" => &mut found.code,
                "state" => &mut found.state,
                "error" => &mut found.error,
                "error_description" => &mut found.description,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(PasteProblem::Repeated);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    const GOOD: &str = "http://localhost:1717/callback?code=aPrx.abc%3D%3D&state=syncdeck-1";

    fn code(text: &str) -> Result<(String, Option<String>), PasteProblem> {
        parse(text).map(|r| match r.outcome {
            Outcome::Code(code) => (code.expose_secret().to_owned(), r.state),
            Outcome::Error(..) => panic!("an error"),
        })
    }

    #[test]
    fn copying_through_a_terminal_is_forgiven() {
        let want = Ok(("aPrx.abc==".to_owned(), Some("syncdeck-1".to_owned())));
        for text in [
            GOOD.to_owned(),
            format!("  {GOOD}\r\n"),
            format!("\"{GOOD}\""),
            format!("<{GOOD}>"),
            GOOD.replace("aPrx", "aP\r\n    rx"),
            GOOD.replace("http://", ""),
            format!("{GOOD}#"),
            format!("\u{feff}{GOOD}\u{200b}"),
        ] {
            assert_eq!(code(&text), want, "{text:?}");
        }
    }

    #[test]
    fn what_people_paste_instead() {
        for (text, problem) in [
            ("", PasteProblem::Empty),
            (" \n", PasteProblem::Empty),
            ("hello", PasteProblem::NotAnAddress),
            ("aPrxsu6GYvhHJQ_qD4nPqYcVOxg==", PasteProblem::OnlyCode),
            ("code=aPrx.abc", PasteProblem::OnlyCode),
            ("http://localhost:1717/callback", PasteProblem::MissingCode),
            (
                "http://localhost:1717/callback?code=&state=a",
                PasteProblem::MissingCode,
            ),
            (
                "https://login.salesforce.com/services/oauth2/authorize?response_type=code&state=a",
                PasteProblem::LoginPage,
            ),
            ("https://acme.my.salesforce.com/", PasteProblem::LoginPage),
            (
                "http://localhost/?code=a&code=b&state=c",
                PasteProblem::Repeated,
            ),
            (
                "http://localhost/?code=a&state=b&state=c",
                PasteProblem::Repeated,
            ),
        ] {
            assert_eq!(code(text), Err(problem), "{text}");
        }
        assert_eq!(
            parse(&"a".repeat(MAX_BYTES + 1)).unwrap_err(),
            PasteProblem::TooLong
        );
    }

    #[test]
    fn an_error_is_an_error_even_with_a_code() {
        let text = "http://localhost/?error=access_denied&error_description=end-user+denied&code=x&state=s";
        match parse(text).unwrap().outcome {
            Outcome::Error(code, text) => {
                assert_eq!(
                    (code.as_str(), text.as_str()),
                    ("access_denied", "end-user denied")
                );
            }
            Outcome::Code(_) => panic!("a code"),
        }
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in "\\PC{0,80}") {
            parse(&text).ok();
        }

        #[test]
        fn hostile_queries_never_panic(text in "(https?://)?[a-z\\[\\]:@.%]{0,10}/?\\??[a-z=&%+#\\x00-\\x1f]{0,40}") {
            parse(&text).ok();
        }

        #[test]
        fn state_is_exact(state in "[A-Za-z0-9_.~-]{1,40}", cut in 0usize..60) {
            let whole = format!("http://localhost:1/c?code=x.y&state={state}");
            let at = cut.min(whole.len());
            let broken = format!("{}\n{}", &whole[..at], &whole[at..]);
            prop_assert_eq!(parse(&broken).unwrap().state, Some(state));
        }
    }
}
