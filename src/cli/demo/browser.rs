//! The browser of the demo's person: follows the sign-in's redirects over loopback.
//!
//! It knows just enough HTTP for that: GET, and where it is sent to. Invariant: it talks to
//! loopback only.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::error::{Error, Kind, Result};

/// Redirects it follows.
const HOPS: usize = 5;
/// Bytes of an answer it reads.
const LONGEST: u64 = 256 * 1024;

/// Opens an address and follows it to its end.
///
/// # Errors
/// When it leads away from loopback, goes in circles, or ends in an error page.
pub async fn visit(address: &str) -> Result<()> {
    let mut url = Url::parse(address).map_err(|_| broken("it is no address"))?;
    for _ in 0..HOPS {
        let (status, location) = get(&url).await?;
        match (status, location) {
            (200..=299, _) => return Ok(()),
            (300..=399, Some(next)) => {
                url = url.join(&next).map_err(|_| broken("it leads nowhere"))?;
            }
            _ => return Err(broken(&format!("it answers with status {status}"))),
        }
    }
    Err(broken("it goes in circles"))
}

fn broken(why: &str) -> Error {
    Error::new(Kind::Auth, format!("the sign-in page did not work: {why}"))
}

async fn get(url: &Url) -> Result<(u16, Option<String>)> {
    let lost = |e: std::io::Error| broken("it does not answer").caused_by(e);
    let host = url.host_str().unwrap_or_default();
    let address = url
        .socket_addrs(|| None)
        .map_err(lost)?
        .into_iter()
        .find(|a: &SocketAddr| a.ip().is_loopback() && a.is_ipv4())
        .ok_or_else(|| broken("it is not on this machine"))?;
    let mut stream = TcpStream::connect(address).await.map_err(lost)?;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}:{}\r\nConnection: close\r\n\r\n",
        address.port()
    );
    stream.write_all(request.as_bytes()).await.map_err(lost)?;
    let mut answer = Vec::new();
    (&mut stream)
        .take(LONGEST)
        .read_to_end(&mut answer)
        .await
        .map_err(lost)?;
    let text = String::from_utf8_lossy(&answer);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| broken("its answer is no HTTP"))?;
    let location = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("location"))
        .map(|(_, value)| value.trim().to_owned());
    Ok((status, location))
}
