//! What the ways to sign in need.

use super::*;

#[tokio::test]
async fn without_a_consumer_key_it_says_what_to_set() {
    let stage = Stage::new().await;
    let mut settings = stage.connector().settings().clone();
    settings.client_id = None;
    let connector = Connector::new(Arc::clone(&stage.state), settings).unwrap();
    let error = connector.begin(None).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.remedy().unwrap().contains("client_id"));
}

pub(super) fn by_key(stage: &Stage) -> Connector {
    let mut settings = stage.connector().settings().clone();
    settings.grant = Grant::Jwt;
    Connector::new(Arc::clone(&stage.state), settings).unwrap()
}

fn key() -> JwtKey {
    let pem = include_str!("../../../../tests/fixtures/jwt.key");
    JwtKey::from_pem("ada@acme.example", &pem.to_owned().into()).unwrap()
}

#[tokio::test]
async fn a_key_is_kept_once_it_signed_in_and_only_then() {
    let stage = Stage::new().await;
    let connector = by_key(&stage);
    let error = connector.begin(None).await.unwrap_err();
    assert!(error.remedy().unwrap().contains("--jwt-key"), "{error}");

    let refusal = json!({"error": "invalid_grant", "error_description": "invalid assertion"});
    stage
        .on("POST", "/services/oauth2/token", 400, refusal)
        .await;
    let view = connector.begin(Some(key())).await.unwrap();
    assert!(matches!(&view, SignInView::ByItself { way } if way.contains("ada@acme.example")));
    let error = connector.callback().await.unwrap_err();
    assert!(error.remedy().unwrap().contains("certificate"), "{error}");
    assert!(!stage.has_tokens());
    assert!(connector.begin(None).await.is_err());

    stage.server.reset().await;
    stage.well(ORG).await;
    connector.begin(Some(key())).await.unwrap();
    connector.callback().await.unwrap();
    assert_eq!(connector.row().way, Some(Way::Jwt));
    assert_eq!(connector.row().sign_in, "renews itself");
    // As a new process sees it; and the kept key signs in again.
    let later = by_key(&stage);
    assert_eq!(later.row().way, Some(Way::Jwt));
    later.begin(None).await.unwrap();
    later.callback().await.unwrap();
    assert_eq!(later.disconnect().await.unwrap(), SignedOut::Now);
    assert_eq!(later.disconnect().await.unwrap(), SignedOut::Before);
    assert!(later.begin(None).await.is_err());
}

#[tokio::test]
async fn a_key_for_another_way_and_a_sign_in_that_is_left_come_to_nothing() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    let error = connector.begin(Some(key())).await.unwrap_err();
    assert!(error.remedy().unwrap().contains("sign_in"), "{error}");
    let view = begin(&connector).await;
    connector.leave();
    let error = connector.finish(allowed(&view).into()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Cancelled);
    // An address is nothing that a sign-in by key waits for.
    let keyed = by_key(&stage);
    keyed.begin(Some(key())).await.unwrap();
    assert!(keyed.finish(allowed(&view).into()).await.is_err());
    assert!(!stage.has_tokens());
}
