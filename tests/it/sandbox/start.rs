//! Starting: the ready line, the two ports, https, seed files, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use syncdeck::sandbox::{Offer, Transport};

use super::*;

#[tokio::test]
async fn control_has_a_port_of_its_own() {
    let org = Org::small().await;
    let info = org.running.info();
    assert_ne!(info.control_url, info.url);
    let token = &info.control_token;
    for base in [&info.url, &info.control_url] {
        let url = format!("{base}/_control/counters");
        let answer = read(org.http.get(url).bearer_auth(token)).await;
        assert_eq!(answer.status, 404, "{}", answer.text);
    }
    let there = read(org.http.get(format!("{}/services/data", info.control_url))).await;
    assert_eq!(there.status, 401);
}

#[tokio::test]
async fn the_tokens_of_the_ready_line_work_and_count_as_no_approval() {
    let org = Org::start(small()).await;
    let info = org.running.info().clone();
    for _ in 0..6 {
        let code = org.code().await;
        assert_eq!(org.exchange(&code).await.status, 200);
    }
    let limits = org.http.get(org.url(&format!("{V}/limits")));
    assert_eq!(
        read(limits.bearer_auth(&info.access_token)).await.status,
        200
    );
    assert_eq!(org.refresh(&info.refresh_token).await.status, 200);
    let id = org
        .http
        .get(org.url(&format!("/id/{}/{}", info.org_id, info.user_id)));
    let id = read(id.bearer_auth(&info.access_token)).await.json();
    assert_eq!(id["username"], info.username);
    let lead = org
        .http
        .get(org.url(&format!("{V}/sobjects/Lead/describe")));
    let lead = read(lead.bearer_auth(&info.access_token)).await.json();
    for (name, unique) in [
        (info.external_id_field, true),
        (info.external_id_field_nonunique, false),
    ] {
        let fields = lead["fields"].as_array().unwrap();
        let field = fields.iter().find(|f| f["name"] == name).unwrap();
        assert_eq!(
            (&field["externalId"], &field["unique"]),
            (&json!(true), &json!(unique))
        );
    }
}

#[tokio::test]
async fn it_speaks_https_with_an_authority_of_its_own() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let running = serve(Options {
        transport: Transport::Https { ca: None },
        ..Options::bare()
    })
    .await
    .unwrap();
    let info = running.info().clone();
    let ca = info.ca_file.clone().unwrap();
    let root = reqwest::Certificate::from_pem(&std::fs::read(&ca).unwrap()).unwrap();
    let trusting = reqwest::Client::builder()
        .add_root_certificate(root)
        .no_proxy();
    let url = info.url.replace("127.0.0.1", "localhost");
    let trusting = trusting.build().unwrap();
    for url in [&info.url, &url] {
        assert!(url.starts_with("https://"));
        let answer = read(trusting.get(format!("{url}/services/data"))).await;
        assert_eq!(answer.status, 200);
    }
    assert!(
        http()
            .get(format!("{url}/services/data"))
            .send()
            .await
            .is_err()
    );
    let plain = http()
        .get(format!("{url}/x").replace("https", "http"))
        .send()
        .await;
    assert!(plain.is_err());
    running.shutdown().await;
    assert!(!ca.exists(), "its own file goes with it");
}

#[tokio::test]
async fn a_file_of_records_is_the_seed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("seed.json");
    let seed = |records: Value| {
        std::fs::write(&file, json!({ "records": records }).to_string()).unwrap();
        Options {
            seed: Seed::File(file.clone()),
            approval: Approval::Automatic,
            ..Options::default()
        }
    };
    let account = json!({"attributes": {"type": "Account", "referenceId": "a1"}, "Name": "Acme"});
    let contact = json!({"attributes": {"type": "Contact"}, "LastName": "Ray", "AccountId": "@a1"});
    let org = Org::start(seed(json!([account, contact]))).await;
    let found = org.query("SELECT Account.Name FROM Contact").await;
    assert_eq!(found["records"][0]["Account"]["Name"], "Acme");
    let error = serve(seed(json!([{"attributes": {"type": "Lead"}}])))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), syncdeck::error::Kind::Usage);
    assert!(
        error.message().contains("record 1: REQUIRED_FIELD_MISSING"),
        "{error}"
    );
}

#[test]
fn the_command_says_one_line_and_ends_well_when_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("syncdeck"))
        .args([
            "sandbox",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--seed",
            "empty",
        ])
        .args([
            "--random-seed",
            "7",
            "--auto-approve",
            "--soap-login",
            "--password-grant",
        ])
        .args(["--rotate-refresh-tokens", "--tls", "--ca-out"])
        .arg(&ca)
        .env_clear()
        .env("SYNCDECK_HOME", dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let info: Value = serde_json::from_str(&line).unwrap();
    for name in [
        "url",
        "control_url",
        "ca_file",
        "instance_url",
        "org_id",
        "user_id",
        "username",
        "password",
        "security_token",
        "client_id",
        "client_secret",
        "access_token",
        "refresh_token",
        "jwt_key_file",
        "external_id_field",
        "external_id_field_nonunique",
    ] {
        assert!(info[name].as_str().is_some_and(|t| !t.is_empty()), "{name}");
    }
    assert_eq!(info["ca_file"], ca.to_str().unwrap());
    let key = std::fs::read_to_string(info["jwt_key_file"].as_str().unwrap()).unwrap();
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(info["access_token"].as_str().unwrap()[..16].ends_with('!'));
    let told = Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(told.success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "more than one line");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn without_a_key_there_is_no_file_to_name() {
    let running = serve(Options::bare()).await.unwrap();
    let info = running.info();
    assert_eq!(Options::bare().jwt_key, Offer::No);
    assert_eq!((&info.jwt_key_file, &info.ca_file), (&None, &None));
}
