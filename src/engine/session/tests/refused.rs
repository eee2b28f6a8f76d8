//! Sign-ins that come to nothing, and what is left of them.

use super::*;

#[tokio::test]
async fn another_org_is_refused_and_its_tokens_are_given_up() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    sign_in(&stage.connector()).await.unwrap();
    stage.connector().disconnect().await.unwrap();
    assert_eq!(stage.revoked().await, 1);

    stage.server.reset().await;
    stage.well(OTHER).await;
    let connector = stage.connector();
    let error = sign_in(&connector).await.unwrap_err();
    assert!(
        error
            .message()
            .contains(&format!("bound to organisation {ORG}")),
        "{error}"
    );
    assert!(!stage.has_tokens());
    assert_eq!(stage.revoked().await, 1);
    assert_eq!(connector.identity().unwrap().org_id.as_str(), ORG);
    assert_eq!(
        stage
            .state
            .connection()
            .unwrap()
            .identity
            .unwrap()
            .org_id
            .as_str(),
        ORG
    );
}

#[tokio::test]
async fn an_instance_that_answers_as_another_org_is_given_up() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    sign_in(&connector).await.unwrap();
    stage.server.reset().await;
    stage.answers(ORG, OTHER).await;
    for again in [
        connector.check(Class::Interactive).await,
        sign_in(&connector).await.map(drop),
    ] {
        let error = again.unwrap_err();
        let bound = format!("bound to organisation {ORG}");
        assert!(error.message().contains(&bound), "{error}");
        assert!(!stage.has_tokens());
        assert_eq!(connector.identity().unwrap().org_id.as_str(), ORG);
    }
    assert_eq!(stage.revoked().await, 2);
}

#[tokio::test]
async fn without_an_identity_nothing_is_kept() {
    let stage = Stage::new().await;
    stage
        .on("POST", "/services/oauth2/token", 200, stage.token_body(ORG))
        .await;
    stage
        .on("POST", "/services/oauth2/revoke", 200, json!({}))
        .await;
    let connector = stage.connector();
    sign_in(&connector).await.unwrap_err();
    assert!(!stage.has_tokens());
    assert_eq!(connector.identity(), None);
    assert_eq!(stage.revoked().await, 1);
}

#[tokio::test]
async fn a_dead_refresh_token_shows_that_a_person_is_needed() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    sign_in(&connector).await.unwrap();
    stage.server.reset().await;
    Mock::given(path_regex("^/(id|services/data)/"))
        .respond_with(ResponseTemplate::new(401).set_body_json(
            json!([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]),
        ))
        .mount(&stage.server)
        .await;
    Mock::given(path("/services/oauth2/token"))
        .and(body_string_contains("grant_type=refresh_token"))
        .respond_with(ResponseTemplate::new(400).set_body_json(
            json!({"error": "invalid_grant", "error_description": "expired access/refresh token"}),
        ))
        .expect(1)
        .mount(&stage.server)
        .await;
    let error = connector.check(Class::Interactive).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Auth);
    assert!(!format!("{error:?}").contains("secret-"), "{error:?}");
    let row = connector.row();
    assert_eq!(row.word, Word::Fail);
    assert_eq!(row.sign_in, "needs sign-in");
    assert_eq!(row.trouble.unwrap().what, "sign in needed");
    assert_eq!(connector.crm().await.err().unwrap().kind(), Kind::Auth);

    stage.server.reset().await;
    stage.well(ORG).await;
    sign_in(&connector).await.unwrap();
    assert_eq!(connector.row().word, Word::Ok);
    connector.check(Class::Interactive).await.unwrap();
}

#[tokio::test]
async fn trouble_of_a_check_is_shown_until_one_works() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    sign_in(&connector).await.unwrap();
    stage.server.reset().await;
    let error = connector.check(Class::Interactive).await.unwrap_err();
    assert!(error.remedy().is_some());
    assert_eq!(connector.row().word, Word::Fail);
    assert_eq!(connector.row().sign_in, "renews itself");
    stage.well(ORG).await;
    connector.check(Class::Interactive).await.unwrap();
    assert_eq!(connector.row().word, Word::Ok);
}

#[tokio::test]
async fn disconnecting_forgets_even_when_nobody_can_be_told() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    sign_in(&connector).await.unwrap();
    stage.server.reset().await;
    let error = connector.disconnect().await.unwrap_err();
    assert!(error.message().contains("forgotten here"), "{error}");
    assert!(!stage.has_tokens());
    assert_eq!(connector.crm().await.err().unwrap().kind(), Kind::Auth);
    assert_eq!(connector.row().sign_in, "not signed in");
    assert_eq!(connector.row().org_id.as_deref(), Some(ORG));
    connector.disconnect().await.unwrap();
}

#[tokio::test]
async fn unreadable_tokens_are_not_in_the_way_of_a_new_sign_in() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let mut tx = stage.state.begin();
    tx.put(&TOKENS, &[], &b"{\"access\":\"a-secret\"}".to_vec());
    tx.commit(Durability::Now).unwrap();
    let connector = stage.connector();
    let error = connector.crm().await.err().unwrap();
    assert!(!format!("{error:?}").contains("a-secret"));
    sign_in(&connector).await.unwrap();
    connector.check(Class::Interactive).await.unwrap();
}
