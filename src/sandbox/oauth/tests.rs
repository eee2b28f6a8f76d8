//! Codes, grants, rotation and sessions, without HTTP.

use super::*;

fn oauth(rotation: Rotation) -> (Oauth, SfId) {
    let user = SfId::new(*b"005", 1);
    let app = App {
        client_id: "id".into(),
        client_secret: "secret".into(),
        redirects: vec![],
        jwt_key: None,
    };
    let options = Options {
        rotation,
        ..Options::bare()
    };
    (Oauth::new(&options, app, vec![]), user)
}

const SCOPE: &str = "api refresh_token";

#[test]
fn a_code_works_once_and_its_second_use_ends_the_first() {
    let (mut oauth, user) = oauth(Rotation::Keep);
    let code = oauth.code(user, "http://l/", SCOPE, None, None, 0);
    let issued = oauth.exchange(&code, "http://l/", None, 10).unwrap();
    assert!(oauth.session(&issued.access, 20).is_some());
    assert_eq!(
        oauth.exchange(&code, "http://l/", None, 20).err(),
        Some(OLD_CODE)
    );
    assert!(oauth.session(&issued.access, 20).is_none());
}

#[test]
fn a_code_is_bound_to_time_redirect_and_verifier() {
    let (mut oauth, user) = oauth(Rotation::Keep);
    let hash = digest::digest(&digest::SHA256, b"verifier");
    let challenge = BASE64URL_NOPAD.encode(hash.as_ref());
    let code = oauth.code(user, "http://l/", SCOPE, Some(&challenge), None, 0);
    assert_eq!(
        oauth
            .exchange(&code, "http://m/", Some("verifier"), 1)
            .err()
            .map(|r| r.0),
        Some("redirect_uri_mismatch")
    );
    assert_eq!(
        oauth
            .exchange(&code, "http://l/", None, 1)
            .err()
            .map(|r| r.0),
        Some("invalid_grant")
    );
    assert_eq!(
        oauth
            .exchange(&code, "http://l/", Some("other"), 1)
            .err()
            .map(|r| r.0),
        Some("invalid_request")
    );
    assert_eq!(
        oauth
            .exchange(&code, "http://l/", Some("verifier"), 901)
            .err(),
        Some(OLD_CODE)
    );
    assert!(
        oauth
            .exchange(&code, "http://l/", Some("verifier"), 900)
            .is_ok()
    );
}

#[test]
fn replaying_a_rotated_token_ends_the_grant() {
    let (mut oauth, user) = oauth(Rotation::Rotate);
    let first = oauth.grant(user, SCOPE, 0).refresh.unwrap();
    let second = oauth.refresh(&first, 1).unwrap();
    let next = second.refresh.unwrap();
    assert_ne!(first, next);
    assert_eq!(oauth.refresh(&first, 2).err(), Some(OLD_TOKEN));
    assert_eq!(oauth.refresh(&next, 3).err(), Some(OLD_TOKEN));
    assert!(oauth.session(&second.access, 3).is_none());
}

#[test]
fn the_sixth_approval_ends_the_oldest() {
    let (mut oauth, user) = oauth(Rotation::Keep);
    let tokens: Vec<String> = (0..6)
        .map(|i| oauth.grant(user, SCOPE, i).refresh.unwrap())
        .collect();
    assert_eq!(oauth.refresh(&tokens[0], 10).err(), Some(OLD_TOKEN));
    assert!(oauth.refresh(&tokens[1], 10).is_ok());
}

#[test]
fn a_session_lives_by_use() {
    let (mut oauth, user) = oauth(Rotation::Keep);
    let token = oauth.grant(user, SCOPE, 0).access;
    assert!(oauth.session(&token, 7000).is_some());
    assert!(oauth.session(&token, 14_000).is_some());
    assert!(oauth.session(&token, 21_300).is_none());
}
