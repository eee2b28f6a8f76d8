//! Signing in at the org, staying signed in, and signing out.

use super::*;

#[tokio::test]
async fn ended_sessions_are_renewed_once_with_rotation() {
    let org = Org::start(Options::bare()).await;
    org.control().set_rotation(Rotation::Rotate);
    for round in 1..=3 {
        org.control().expire_sessions();
        let calls = (0..20).map(|_| org.client.limits());
        for answer in join_all(calls).await {
            answer.unwrap();
        }
        assert_eq!(org.kept.saves.load(Ordering::SeqCst), 1 + round);
    }
    // After a restart the kept token goes on.
    org.control().expire_sessions();
    let info = org.running.info();
    let app = app(&info.login_url, &info.client_id);
    let oauth = OAuth::new(http(PATIENT), app).unwrap();
    let store = Arc::clone(&org.kept) as Arc<dyn TokenStore>;
    let session = Session::open(oauth, store).await.unwrap();
    let later = Salesforce::new(http(PATIENT), session, &settings()).unwrap();
    later.limits().await.unwrap();
}

#[tokio::test]
async fn an_administrator_can_end_it() {
    let org = Org::start(Options::bare()).await;
    org.control().revoke_grants();
    let error = clean(org.client.limits().await.unwrap_err());
    assert_eq!(error.class, ErrorClass::AuthDead);
}

#[tokio::test]
async fn revoked_tokens_are_dead() {
    let org = Org::start(Options::bare()).await;
    let copy = Arc::new(Kept::default());
    let bytes = org.kept.bytes.lock().unwrap().clone();
    *copy.bytes.lock().unwrap() = bytes;
    let session = org.client.session();
    assert_eq!(session.revoke().await.unwrap(), Disconnected::Revoked);
    let uri = &org.running.info().instance_url;
    let thief = client_at(uri, copy, PATIENT).await;
    let error = thief.limits().await.unwrap_err();
    assert_eq!(error.class, ErrorClass::AuthDead);
}

#[tokio::test]
async fn deny_and_old_codes_are_said_and_leave_nothing() {
    let running = serve(Options::bare()).await.unwrap();
    let info = running.info();
    let app = app(&info.login_url, &info.client_id);
    let oauth = OAuth::new(http(PATIENT), app).unwrap();
    let person = Person::of(&running);
    let sign_in = oauth.begin(BACK);
    let denied = person.decides(sign_in.address().as_str(), "deny").await;
    let error = sign_in.finish(&denied, None).await.unwrap_err();
    assert!(error.remedy().contains("Allow"), "{error}");

    let sign_in = oauth.begin(BACK);
    let error = sign_in.finish(sign_in.address().as_str(), None).await;
    assert_eq!(
        error.unwrap_err(),
        AuthError::Paste(PasteProblem::LoginPage)
    );
    let back = person.decides(sign_in.address().as_str(), "allow").await;
    sign_in.finish(&back, None).await.unwrap();
    let error = sign_in.finish(&back, None).await.unwrap_err();
    assert!(
        error.remedy().contains("start the sign-in again"),
        "{error}"
    );

    let sign_in = oauth.begin(BACK);
    let back = person.decides(sign_in.address().as_str(), "allow").await;
    let other = OrgId::new(ORG);
    let error = sign_in.finish(&back, Some(&other)).await.unwrap_err();
    assert!(matches!(error, AuthError::WrongOrg { .. }), "{error}");
}

#[tokio::test]
async fn a_profile_signs_in_reads_the_schema_and_stays_with_its_org() {
    let dir = tempfile::tempdir().unwrap();
    let places = Places {
        store: dir.path().join("store"),
        backups: dir.path().join("backups"),
    };
    let key = DataKey::from_bytes([7; KEY_BYTES]).unwrap();
    let state = profile::open(&places, key, "test", 16 << 20).unwrap();
    let connect = |running: &Running| {
        let info = running.info();
        let client_id = Some(info.client_id.clone());
        let mut settings =
            ConnectorSettings::new(&info.login_url, client_id, ServerKind::LocalSandbox);
        settings.grant = Grant::Browser {
            client_secret: Some(info.client_secret.clone().into()),
        };
        settings.callback_port = 0;
        Connector::new(Arc::clone(&state), settings).unwrap()
    };
    let first = serve(Options::bare()).await.unwrap();
    let connector = connect(&first);
    let view = by_browser(&connector).await;
    let back = Person::of(&first).decides(&view.address, "allow").await;
    let signed_in = connector.finish(back.into()).await.unwrap();
    assert_eq!(signed_in.org_id, first.info().org_id);
    connector.check(Class::Interactive).await.unwrap();
    let pairs: [Pair; 0] = [];
    assert!(connector.schema_is_due(&pairs).unwrap());
    connector.refresh_schema(&pairs).await.unwrap();
    assert!(!connector.schema_is_due(&pairs).unwrap());
    let me = first.info().username.as_str();
    let users = state.users().unwrap();
    assert!(users.len() > 1);
    assert!(users.iter().all(|user| user.email.contains('@')), "{me}");

    let second = serve(Options {
        org_number: 0x5DC1,
        ..Options::bare()
    })
    .await
    .unwrap();
    let other = connect(&second);
    let view = by_browser(&other).await;
    let back = Person::of(&second).decides(&view.address, "allow").await;
    let error = other.finish(back.into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.message().contains("bound to"), "{error}");
    connector.check(Class::Interactive).await.unwrap();
    connector.disconnect().await.unwrap();
    assert_eq!(
        connector
            .check(Class::Interactive)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Auth
    );

    profile::backup(&state, &places, NonZeroUsize::MIN).unwrap();
    for file in files_under(dir.path()) {
        let bytes = std::fs::read(&file).unwrap();
        for secret in [&first.info().client_secret, me, "5Aep861"] {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{secret} in {}", file.display());
        }
    }
}

/// Starts a sign-in by browser.
async fn by_browser(connector: &Connector) -> BrowserView {
    match connector.begin(None).await.unwrap() {
        SignInView::Browser(view) => view,
        other => panic!("{other:?}"),
    }
}

fn files_under(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files
}
