//! The transport on the wire: HTTP/2 and kept connections, authorities, TLS versions, proxies,
//! packed answers, time limits, what is sent along, what is logged.

mod tls;

use std::io::Write as _;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::{HeaderMap, Method};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use syncdeck::crm::Effect;
use syncdeck::crm::transport::{Failure, FailureKind, Outgoing, Proxy, Reply};
use syncdeck::sandbox::{Options, Transport, serve};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// The name that is not this machine's; only a proxy leads to it.
const ORG_HOST: &str = "acme.my.salesforce.com";

/// A server with TLS that says how it was spoken to.
struct Secure {
    port: u16,
    /// Its authority.
    pem: Vec<u8>,
    connections: Arc<AtomicUsize>,
    http2: Arc<AtomicBool>,
}

async fn secure(protocols: &[&[u8]]) -> Secure {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let names = ["localhost", "127.0.0.1", ORG_HOST].map(str::to_owned);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let http2 = Arc::new(AtomicBool::new(false));
    let (count, two) = (Arc::clone(&connections), Arc::clone(&http2));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let (acceptor, two) = (acceptor.clone(), Arc::clone(&two));
            tokio::spawn(async move {
                // A client that does not trust us leaves here.
                let Ok(stream) = acceptor.accept(tcp).await else {
                    return;
                };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    two.store(true, Ordering::SeqCst);
                    speak_two(stream).await;
                } else {
                    speak_one(stream).await;
                }
            });
        }
    });
    Secure {
        port,
        pem: issuer.pem().into_bytes(),
        connections,
        http2,
    }
}

async fn speak_two(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let mut wire = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_, mut respond))) = wire.accept().await {
        let head = http::Response::builder().status(200).body(()).unwrap();
        let mut body = respond.send_response(head, false).unwrap();
        body.send_data(Bytes::from_static(b"{}"), true).unwrap();
    }
}

/// Answers each request on a connection that stays open.
async fn speak_one(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut held = Vec::new();
    loop {
        while let Some(end) = held.windows(4).position(|w| w == b"\r\n\r\n") {
            held.drain(..end + 4);
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => held.extend_from_slice(&piece[..n]),
            _ => return,
        }
    }
}

fn trusting(server: ServerKind, pem: &[u8], proxy: Proxy) -> Http {
    let mut settings = HttpSettings::new(server);
    settings.timeouts = PATIENT;
    settings.extra_roots = Some(pem.to_vec());
    settings.proxy = proxy;
    Http::new(&settings).unwrap()
}

async fn get(http: &Http, url: &str) -> std::result::Result<Reply, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {SECRET}").parse().unwrap());
    http.send(Outgoing {
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers,
        body: Bytes::new().into(),
    })
    .await
}

/// A proxy that leads every tunnel to one port, and remembers what passed.
struct Tunnel {
    address: String,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Tunnel {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(carry(tcp, port, Arc::clone(&record)));
            }
        });
        Self { address, seen }
    }

    fn saw(&self, text: &str) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.windows(text.len()).any(|w| w == text.as_bytes())
    }
}

async fn carry(tcp: TcpStream, port: u16, record: Arc<Mutex<Vec<u8>>>) {
    let mut client = Recorded { tcp, record };
    while !client.ends_with(b"\r\n\r\n") {
        let mut piece = [0; 1024];
        match client.read(&mut piece).await {
            Ok(n) if n > 0 => {}
            _ => return,
        }
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let open = b"HTTP/1.1 200 Connection established\r\n\r\n";
    client.tcp.write_all(open).await.unwrap();
    let (mut from, mut to) = client.tcp.split();
    let (mut back, mut on) = server.split();
    let up = async {
        let mut piece = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut piece).await {
            client.record.lock().unwrap().extend_from_slice(&piece[..n]);
            if on.write_all(&piece[..n]).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(up, async {
        // However the tunnel ends, it ends.
        let _ = tokio::io::copy(&mut back, &mut to).await;
    });
}

struct Recorded {
    tcp: TcpStream,
    record: Arc<Mutex<Vec<u8>>>,
}

impl Recorded {
    async fn read(&mut self, piece: &mut [u8]) -> std::io::Result<usize> {
        let n = self.tcp.read(piece).await?;
        self.record.lock().unwrap().extend_from_slice(&piece[..n]);
        Ok(n)
    }

    fn ends_with(&self, end: &[u8]) -> bool {
        self.record.lock().unwrap().ends_with(end)
    }
}

#[tokio::test]
async fn a_proxy_opens_the_way_and_sees_nothing() {
    let server = secure(&[b"h2"]).await;
    let tunnel = Tunnel::to(server.port).await;
    let proxy = Proxy::Fixed(tunnel.address.replace("//", "//ann:pass@").into());
    let http = trusting(ServerKind::Salesforce, &server.pem, proxy);
    get(&http, &format!("https://{ORG_HOST}/services/data/"))
        .await
        .unwrap();
    assert!(tunnel.saw(&format!("CONNECT {ORG_HOST}:443")));
    // "ann:pass" in Base64; the proxy's own.
    assert!(tunnel.saw("Basic YW5uOnBhc3M="));
    assert!(!tunnel.saw(SECRET) && !tunnel.saw("/services/data/"));
    assert!(server.http2.load(Ordering::SeqCst));
}

/// The other half of the test below, in a process with an environment of its own.
#[tokio::test]
async fn child_with_an_environment_of_its_own() {
    let Ok(url) = std::env::var("SYNCDECK_TEST_URL") else {
        return;
    };
    let mut settings = HttpSettings::new(ServerKind::Salesforce);
    settings.timeouts = PATIENT;
    let reply = get(&Http::new(&settings).unwrap(), &url).await;
    assert_eq!(reply.unwrap().body, "{}");
}

#[tokio::test]
async fn proxy_exceptions_and_authorities_come_from_the_environment() {
    let server = secure(&[b"http/1.1"]).await;
    let tunnel = Tunnel::to(server.port).await;
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, &server.pem).unwrap();
    let child = async |url: String, more: &[(&str, &str)]| {
        tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crm::wire::child_with_an_environment_of_its_own"])
            .env_clear()
            .env("SYNCDECK_TEST_URL", url)
            .env("HTTPS_PROXY", &tunnel.address)
            .envs(more.iter().copied())
            .output()
            .await
            .unwrap()
            .status
            .success()
    };
    let roots = ("SSL_CERT_FILE", ca.to_str().unwrap());
    let far = format!("https://{ORG_HOST}/");
    assert!(child(far.clone(), &[roots]).await);
    assert!(tunnel.saw(&format!("CONNECT {ORG_HOST}:443")));
    // The same way, but nobody vouches for the server.
    let other = dir.path().join("other.pem");
    std::fs::write(&other, &secure(&[]).await.pem).unwrap();
    let stranger = ("SSL_CERT_FILE", other.to_str().unwrap());
    assert!(!child(far, &[stranger]).await);

    let near = format!("https://localhost:{}/", server.port);
    tunnel.seen.lock().unwrap().clear();
    assert!(child(near, &[roots, ("NO_PROXY", "localhost")]).await);
    assert!(!tunnel.saw("CONNECT"));
}

// ---- bodies, limits, what is said ------------------------------------------------------

fn packed(body: &[u8]) -> ResponseTemplate {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(body).unwrap();
    ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_raw(packer.finish().unwrap(), "application/json")
}

#[tokio::test]
async fn answers_come_packed_and_a_bomb_does_not_go_off() {
    let server = MockServer::start().await;
    answers(&server, "GET", "/fine", packed(b"{\"a\":1}")).await;
    answers(&server, "GET", "/bomb", packed(&vec![b' '; 8 << 20])).await;
    let mut settings = HttpSettings::new(ServerKind::LocalSandbox);
    settings.timeouts = PATIENT;
    settings.max_body = 1 << 20;
    let http = Http::new(&settings).unwrap();
    let fine = get(&http, &format!("{}/fine", server.uri())).await.unwrap();
    assert_eq!(fine.body, "{\"a\":1}");
    let error = get(&http, &format!("{}/bomb", server.uri())).await;
    assert_eq!(error.unwrap_err().kind, FailureKind::TooLarge);
    let sent = server.received_requests().await.unwrap();
    assert!(
        sent[0].headers["accept-encoding"]
            .to_str()
            .unwrap()
            .contains("gzip")
    );
}

#[tokio::test]
async fn every_call_says_who_calls() {
    let server = MockServer::start().await;
    let body = json!({"DailyApiRequests": {"Max": 100, "Remaining": 90}});
    let fine = ResponseTemplate::new(200).set_body_json(body);
    answers(&server, "GET", "/services/data/v67.0/limits", fine).await;
    let client = client(&server).await;
    syncdeck::crm::Crm::limits(&client).await.unwrap();
    let sent = server.received_requests().await.unwrap();
    let said = |name: &str| sent[0].headers[name].to_str().unwrap().to_owned();
    assert!(said("user-agent").starts_with("syncdeck/"));
    assert!(said("sforce-call-options").starts_with("client="));
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_left_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut settings = HttpSettings::new(ServerKind::LocalSandbox);
    settings.timeouts = Timeouts {
        connect: Duration::from_millis(200),
        ..PATIENT
    };
    let http = Http::new(&settings).unwrap();
    let error = get(&http, &format!("https://127.0.0.1:{port}/")).await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (FailureKind::Unreachable, Effect::None)
    );
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A log is a thing of the whole process: other tests must not be in it.
#[test]
fn the_id_of_a_request_is_in_its_error_and_in_the_log_and_no_secret_is() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crm::wire::child_with_a_log_of_its_own"])
        .env("SYNCDECK_TEST_LOG", "yes")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

/// Does nothing unless it was started by the test above.
#[tokio::test]
async fn child_with_a_log_of_its_own() {
    if std::env::var_os("SYNCDECK_TEST_LOG").is_none() {
        return;
    }
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = MockServer::start().await;
    let body = json!([{"errorCode": "MALFORMED_QUERY", "message": "no"}]);
    let refused = ResponseTemplate::new(400).set_body_json(body);
    answers(&server, "GET", &format!("{V}/queryAll/"), refused).await;
    let client = client(&server).await;
    let query = all_of(lead());
    let error = clean(
        syncdeck::crm::Crm::changes(&client, &query, None)
            .await
            .unwrap_err(),
    );
    let http = http(PATIENT);
    let answer = get(&http, &format!("{}/x?token={SECRET}", server.uri())).await;
    let other = answer.unwrap().request;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for id in [&error.request, &other] {
        assert_eq!(id.len(), 32, "{id}");
        assert!(text.contains(id.as_str()), "{id} is not in:\n{text}");
    }
    assert!(!text.contains(SECRET), "{text}");
}
