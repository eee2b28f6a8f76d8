//! The loopback address the browser is sent back to.
//!
//! Understands just enough HTTP for one GET. Does not exchange anything. Invariants: only an
//! address with exactly our state ends the waiting; nothing of a request appears in a page.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use super::error::AuthError;
use super::sign_in::{OAuthApp, SignIn};
use crate::crm::transport::host::is_loopback;
use crate::crm::transport::text::tidy;

/// After this long without a callback, [`no_callback_hint`] should be shown.
pub const NO_CALLBACK_AFTER: Duration = Duration::from_secs(60);

/// Why the browser may not have come back: for a wrong key or redirect address Salesforce shows
/// a page of its own (salesforce-api 1.2).
pub fn no_callback_hint(app: &OAuthApp, redirect_uri: &str) -> String {
    format!(
        "Nothing came back from the browser yet. If it shows an error page of Salesforce:\n\
         - invalid_client_id: the consumer key or the sign-in address {} is wrong, or the app is younger than ten minutes\n\
         - redirect_uri_mismatch: add exactly {redirect_uri} to the app's callback addresses\n\
         - blocked or not approved: an administrator installs the app and allows it\n\
         If the browser runs on another computer, paste the address of the page it ended on.",
        app.login_url.as_str().trim_end_matches('/'),
    )
}

const MAX_HEAD: usize = 16 << 10;
const READ_TIME: Duration = Duration::from_secs(10);

/// A listener for one redirect address.
#[derive(Debug)]
pub struct Callback {
    listeners: Vec<TcpListener>,
    address: Url,
    text: String,
}

impl Callback {
    /// Listens on the address's port on loopback. Port 0 takes any free one; the real address is
    /// [`Callback::redirect_uri`].
    ///
    /// # Errors
    /// Not a loopback address with http, or the port is taken.
    pub async fn bind(redirect_uri: &str) -> Result<Self, AuthError> {
        let mut address = Url::parse(redirect_uri)
            .ok()
            .filter(|url| url.scheme() == "http" && is_loopback(url))
            .ok_or(AuthError::Settings(
                "the redirect address must be http on this machine",
            ))?;
        let failed = |error: std::io::Error| AuthError::Listen {
            address: redirect_uri.to_owned(),
            cause: tidy(&error.to_string(), 200),
        };
        let wanted = address.port_or_known_default().unwrap_or(0);
        let six = matches!(address.host(), Some(url::Host::Ipv6(_)));
        let first = if six { "::1" } else { "127.0.0.1" };
        let listener = TcpListener::bind((first, wanted)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let mut listeners = vec![listener];
        if address.host_str() == Some("localhost") {
            // Browsers may try either; without IPv6 the other one is enough.
            listeners.extend(TcpListener::bind(("::1", port)).await.ok());
        }
        let text = if wanted == port {
            redirect_uri.to_owned()
        } else {
            address
                .set_port(Some(port))
                .map_err(|()| AuthError::Settings("the redirect address has no port"))?;
            address.to_string()
        };
        Ok(Self {
            listeners,
            address,
            text,
        })
    }

    /// The address to register and to send, with the real port.
    pub fn redirect_uri(&self) -> &str {
        &self.text
    }

    /// Waits for the browser and gives the whole address it came with, for [`SignIn::finish`].
    /// Ends only by an address with the right state; drop the future to stop waiting.
    ///
    /// # Errors
    /// The listener broke.
    pub async fn wait(&self, sign_in: &SignIn) -> Result<String, AuthError> {
        // Browsers open connections in advance and leave them idle, so each has its own task.
        let mut visits = JoinSet::new();
        loop {
            tokio::select! {
                stream = accept(&self.listeners) => {
                    let stream = stream.map_err(|error| AuthError::Listen {
                        address: self.text.clone(),
                        cause: tidy(&error.to_string(), 200),
                    })?;
                    visits.spawn(request_of(stream));
                }
                Some(visit) = visits.join_next() => {
                    let Ok(Some((stream, target))) = visit else { continue };
                    let (page, found) = self.judge(&target, sign_in);
                    if let Err(error) = answer(stream, page).await {
                        tracing::debug!(target: "crm", %error, "callback page not delivered");
                    }
                    if let Some(address) = found {
                        return Ok(address);
                    }
                }
            }
        }
    }

    fn judge(&self, target: &Target, sign_in: &SignIn) -> (Page, Option<String>) {
        let Target::Get(path) = target else {
            return (Page::NotAllowed, None);
        };
        let Ok(address) = self.address.join(path) else {
            return (Page::NotFound, None);
        };
        let same =
            address.path() == self.address.path() && address.origin() == self.address.origin();
        if !same {
            (Page::NotFound, None)
        } else if sign_in.is_ours(address.as_str()) {
            (Page::Done, Some(address.to_string()))
        } else {
            (Page::NotOurs, None)
        }
    }
}

async fn accept(listeners: &[TcpListener]) -> std::io::Result<TcpStream> {
    let waiting = listeners.iter().map(|l| Box::pin(l.accept()));
    let (accepted, _, _) = futures::future::select_all(waiting).await;
    accepted.map(|(stream, _)| stream)
}

/// What a visitor asked for.
enum Target {
    Get(String),
    Other,
}

/// Reads the head of a request; nothing when there is none in time.
async fn request_of(mut stream: TcpStream) -> Option<(TcpStream, Target)> {
    let mut head = Vec::new();
    let reading = async {
        let mut piece = [0u8; 2048];
        while !head.windows(4).any(|w| w == b"\r\n\r\n") && head.len() < MAX_HEAD {
            match stream.read(&mut piece).await {
                Ok(n) if n > 0 => head.extend_from_slice(&piece[..n]),
                _ => return None,
            }
        }
        Some(())
    };
    tokio::time::timeout(READ_TIME, reading).await.ok()??;
    let line = head.split(|b| *b == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let target = match (words.next()?, words.next()) {
        // Only a path; `//host` or a whole address would change the origin.
        ("GET", Some(path)) if path.starts_with('/') && !path.starts_with("//") => {
            Target::Get(path.to_owned())
        }
        _ => Target::Other,
    };
    Some((stream, target))
}

enum Page {
    Done,
    NotOurs,
    NotFound,
    NotAllowed,
}

async fn answer(mut stream: TcpStream, page: Page) -> std::io::Result<()> {
    let (status, text) = match page {
        Page::Done => (
            "200 OK",
            "syncdeck has the answer. You can close this window and go back to the terminal.",
        ),
        Page::NotOurs => (
            "400 Bad Request",
            "This page does not belong to the sign-in that is waiting. Start the sign-in again in syncdeck and use the newest browser tab.",
        ),
        Page::NotFound => ("404 Not Found", "There is nothing here."),
        Page::NotAllowed => ("405 Method Not Allowed", "There is nothing here."),
    };
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>syncdeck</title><p>{text}</p></html>\n"
    );
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let writing = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await
    };
    tokio::time::timeout(READ_TIME, writing).await?
}
