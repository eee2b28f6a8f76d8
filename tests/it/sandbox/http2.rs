//! HTTP/2: over https by agreement, on plain loopback for those who know; limits and faults hold.

use syncdeck::sandbox::Transport;

use super::*;

async fn secure() -> (Running, reqwest::Client) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let running = serve(Options {
        transport: Transport::Https { ca: None },
        ..small()
    })
    .await
    .unwrap();
    let pem = std::fs::read(running.info().ca_file.as_ref().unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(&pem).unwrap())
        .no_proxy()
        .build()
        .unwrap();
    (running, client)
}

fn ask(running: &Running, client: &reqwest::Client, path: &str) -> reqwest::RequestBuilder {
    let info = running.info();
    client
        .get(format!("{}{V}{path}", info.url))
        .bearer_auth(&info.access_token)
}

#[tokio::test]
async fn https_speaks_http_2_and_still_http_1() {
    let (running, client) = secure().await;
    let response = ask(&running, &client, "/limits").send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.status(), 200);
    let pem = std::fs::read(running.info().ca_file.as_ref().unwrap()).unwrap();
    let old = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(&pem).unwrap())
        .http1_only()
        .no_proxy()
        .build()
        .unwrap();
    let response = ask(&running, &old, "/limits").send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_11);
    let seen: Vec<_> = running
        .control()
        .requests(0)
        .iter()
        .map(|s| s.http)
        .collect();
    assert_eq!(seen, ["2", "1.1"]);
}

#[tokio::test]
async fn who_knows_it_speaks_http_2_without_tls() {
    let org = Org::small().await;
    let knowing = reqwest::Client::builder()
        .http2_prior_knowledge()
        .no_proxy()
        .build()
        .unwrap();
    let calls = (0..20).map(|_| ask(&org.running, &knowing, "/sobjects").send());
    for response in futures::future::join_all(calls).await {
        let response = response.unwrap();
        assert_eq!(response.version(), reqwest::Version::HTTP_2);
        assert!(response.text().await.unwrap().contains("maxBatchSize"));
    }
}

#[tokio::test]
async fn faults_and_limits_hold_for_http_2() {
    let (running, client) = secure().await;
    let control = running.control();
    for kind in ["drop_before", "drop_after", "truncate"] {
        let fault = json!({"kind": kind, "path": "/limits", "times": 1});
        control.inject(serde_json::from_value(fault).unwrap());
        let answer = ask(&running, &client, "/limits").send().await;
        let body = match answer {
            Ok(response) => response.bytes().await,
            Err(error) => Err(error),
        };
        assert!(body.is_err(), "{kind}: {body:?}");
        // The next call finds a connection of its own.
        let after = ask(&running, &client, "/limits").send().await.unwrap();
        assert_eq!(
            (after.status().as_u16(), after.version()),
            (200, reqwest::Version::HTTP_2)
        );
    }
    let long = "x".repeat(17_000);
    let path = format!("/query?q={long}");
    let answer = ask(&running, &client, &path)
        .send()
        .await
        .map(|r| r.status().as_u16());
    assert!(matches!(answer, Ok(414 | 431)), "{answer:?}");
    let wide = ask(&running, &client, "/limits").header("x-wide", "y".repeat(15_900));
    let answer = wide.send().await.map(|r| r.status().as_u16());
    assert!(matches!(answer, Ok(431)), "{answer:?}");
    let good = ask(&running, &client, "/limits").send().await.unwrap();
    assert_eq!(good.status(), 200);
}
