//! Which protocols are spoken, and whom is trusted.

use super::*;

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered_and_one_connection_is_enough() {
    let server = secure(&[b"h2", b"http/1.1"]).await;
    let http = trusting(ServerKind::LocalSandbox, &server.pem, Proxy::Direct);
    let url = format!("https://localhost:{}/x", server.port);
    get(&http, &url).await.unwrap();
    let at_once = (0..30).map(|_| get(&http, &url));
    for reply in futures::future::join_all(at_once).await {
        assert_eq!(reply.unwrap().body, "{}");
    }
    assert!(server.http2.load(Ordering::SeqCst));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_of_http_1_stays_open_for_the_next_request() {
    let server = secure(&[b"http/1.1"]).await;
    let http = trusting(ServerKind::LocalSandbox, &server.pem, Proxy::Direct);
    let url = format!("https://127.0.0.1:{}/x", server.port);
    for _ in 0..5 {
        get(&http, &url).await.unwrap();
    }
    assert!(!server.http2.load(Ordering::SeqCst));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_when_named_and_only_then() {
    let running = serve(Options {
        transport: Transport::Https { ca: None },
        ..Options::bare()
    })
    .await
    .unwrap();
    let info = running.info();
    let pem = std::fs::read(info.ca_file.as_ref().unwrap()).unwrap();
    let oauth = |http: Http| {
        let app = OAuthApp {
            grant: Grant::ClientCredentials {
                client_secret: info.client_secret.clone().into(),
            },
            ..app(&info.login_url, &info.client_id)
        };
        OAuth::new(http, app).unwrap()
    };
    let error = oauth(http(PATIENT)).by_secret(None).await.unwrap_err();
    assert!(error.to_string().contains("no connection"), "{error}");
    let http = trusting(ServerKind::LocalSandbox, &pem, Proxy::Direct);
    let tokens = oauth(http).by_secret(None).await.unwrap();
    assert_eq!(tokens.instance_url().scheme(), "https");
    let seen = running.control().requests(0);
    assert!(
        !seen.is_empty() && seen.iter().all(|r| r.http == "2"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn nothing_older_than_tls_1_2_is_offered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hello = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = [0; 5];
        tcp.read_exact(&mut head).await.unwrap();
        let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        tcp.read_exact(&mut hello).await.unwrap();
        hello
    });
    get(&http(PATIENT), &format!("https://127.0.0.1:{port}/"))
        .await
        .unwrap_err();
    let mut offered = versions(&hello.await.unwrap());
    offered.sort_unstable();
    assert_eq!(offered, [0x0303, 0x0304]);
}

/// The TLS versions that a ClientHello offers: its extension 43.
fn versions(hello: &[u8]) -> Vec<u16> {
    let two = |at: usize| u16::from_be_bytes([hello[at], hello[at + 1]]);
    // Type and length, version, random, session id, suites, compression.
    let mut at = 4 + 2 + 32;
    at += 1 + usize::from(hello[at]);
    at += 2 + usize::from(two(at));
    at += 1 + usize::from(hello[at]);
    let end = at + 2 + usize::from(two(at));
    at += 2;
    while at < end {
        let (kind, length) = (two(at), usize::from(two(at + 2)));
        if kind == 43 {
            let list = &hello[at + 5..at + 4 + length];
            return list
                .chunks(2)
                .map(|v| u16::from_be_bytes([v[0], v[1]]))
                .collect();
        }
        at += 4 + length;
    }
    panic!("no versions are named")
}

// ---- proxies ---------------------------------------------------------------------------
