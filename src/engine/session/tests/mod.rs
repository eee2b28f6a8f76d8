//! The connection against an org that answers as it is told.

mod refused;
mod schema;
mod ways;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wiremock::matchers::{body_string_contains, method, path, path_regex, query_param_contains};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::cx::Clock;
use super::*;
use crate::crm::salesforce::RetryPolicy;
use crate::crm::transport::host::ServerKind;
use crate::domain::budget::Class;
use crate::domain::id::{FieldName, ObjectName, PairName, TableName};
use crate::domain::mapping::{Creates, DeletePolicy, FirstLink, Guard, Pair, Strategy};
use crate::domain::run::Word;
use crate::domain::schedule::Schedule;
use crate::engine::profile::Sealed;
use crate::engine::tables::{SCHEMA, TOKENS};
use crate::engine::tx::Durability;
use crate::store::{Options, Store, SyncHook};
use crate::vault::{DataKey, KEY_BYTES};

mod trouble;

const ORG: &str = "00Dxx0000001gPLEAY";
const OTHER: &str = "00D000000000062EAA";
const USER: &str = "005xx000001SwiUAAS";

/// A pair without rows.
pub(in crate::engine) fn pair(name: &str, object: &str) -> Pair {
    Pair {
        name: PairName::new(name),
        object: ObjectName::new(object),
        table: TableName::new(name),
        app_fields: Vec::new(),
        version: 1,
        key_field: None,
        title: FieldName::new("name"),
        create_in_app: Creates::Allowed,
        create_in_crm: Creates::Off,
        on_crm_delete: DeletePolicy::Mark,
        on_app_delete: DeletePolicy::Unlink,
        guard: Guard::Precondition,
        first_link: FirstLink::Review,
        match_on: Vec::new(),
        filter: String::new(),
        on_leave: Default::default(),
        bad_fields: Default::default(),
        on_convert: Default::default(),
        overflow: None,
        strategy: Strategy::Ask,
        schedule: Schedule::Manual,
        rows: Vec::new(),
    }
}

/// An org that signs everybody in, and a profile of its own.
struct Stage {
    server: MockServer,
    state: Arc<State>,
    hours: Arc<AtomicI64>,
    _dir: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        Self::watched(None).await
    }

    /// With somebody who may make writes fail.
    async fn watched(hook: Option<Arc<dyn SyncHook>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = DataKey::from_bytes([1; KEY_BYTES]).unwrap();
        let mut options = Options::new(dir.path().join("store"), "test");
        options.schema = SCHEMA;
        options.cache_bytes = 16 << 20;
        options.hook = hook;
        let store = Store::open(&options, Arc::new(Sealed(key))).unwrap();
        Self {
            server: MockServer::start().await,
            state: Arc::new(State::open(store).unwrap()),
            hours: Arc::default(),
            _dir: dir,
        }
    }

    fn connector(&self) -> Connector {
        let mut settings = ConnectorSettings::new(
            self.server.uri(),
            Some("the-key".to_owned()),
            ServerKind::LocalSandbox,
        );
        settings.grant = Grant::Browser {
            client_secret: Some("the-consumer-secret".into()),
        };
        settings.callback_port = 0;
        settings.api.retry = RetryPolicy {
            attempts: 1,
            base: Duration::ZERO,
            cap: Duration::ZERO,
        };
        let hours = Arc::clone(&self.hours);
        settings.clock = Clock::new(move || {
            Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours.load(Ordering::SeqCst))
        });
        Connector::new(Arc::clone(&self.state), settings).unwrap()
    }

    async fn on(&self, verb: &str, at: &str, status: u16, body: Json) {
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .mount(&self.server)
            .await;
    }

    fn token_body(&self, org: &str) -> Json {
        json!({
            "access_token": format!("{org}!secret-access"), "refresh_token": "5Aep-secret-refresh",
            "instance_url": self.server.uri(), "token_type": "Bearer",
            "id": format!("{}/id/{org}/{USER}", self.server.uri()),
            "issued_at": "1278448384422", "scope": "refresh_token api id",
        })
    }

    /// The org answers as it should.
    async fn well(&self, org: &str) {
        self.answers(org, org).await;
    }

    /// The sign-in is for one org, and its instance answers as this one.
    async fn answers(&self, signed: &str, org: &str) {
        self.on(
            "POST",
            "/services/oauth2/token",
            200,
            self.token_body(signed),
        )
        .await;
        self.on("POST", "/services/oauth2/revoke", 200, json!({}))
            .await;
        self.on(
            "GET",
            &format!("/id/{signed}/{USER}"),
            200,
            json!({"user_id": USER, "organization_id": org, "username": "ada@acme.example", "display_name": "Ada"}),
        )
        .await;
        Mock::given(method("GET"))
            .and(path("/services/data/v67.0/query/"))
            .and(query_param_contains("q", "FROM Organization"))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({
                "totalSize": 1, "done": true,
                "records": [{"Id": org, "Name": "Acme", "IsSandbox": true}],
            })))
            .mount(&self.server)
            .await;
        Mock::given(method("GET"))
            .and(path("/services/data/v67.0/limits"))
            .respond_with(
                ResponseTemplate::new(200)
                    .set_body_json(json!({"DailyApiRequests": {"Max": 1000, "Remaining": 990}})),
            )
            .mount(&self.server)
            .await;
    }

    fn has_tokens(&self) -> bool {
        self.state.store().contains(&TOKENS, &[]).unwrap()
    }

    async fn revoked(&self) -> usize {
        let requests = self.server.received_requests().await.unwrap();
        requests
            .iter()
            .filter(|r| r.url.path() == "/services/oauth2/revoke")
            .count()
    }
}

/// Where the browser ends when access is allowed.
fn allowed(view: &BrowserView) -> String {
    let address = Url::parse(&view.address).unwrap();
    let (_, state) = address.query_pairs().find(|(k, _)| k == "state").unwrap();
    format!("{}?code=the-code&state={state}", view.redirect_uri)
}

/// Starts a sign-in by browser.
async fn begin(connector: &Connector) -> BrowserView {
    match connector.begin(None).await.unwrap() {
        SignInView::Browser(view) => view,
        other => panic!("{other:?}"),
    }
}

async fn sign_in(connector: &Connector) -> Result<SignedInView> {
    let view = begin(connector).await;
    connector.finish(allowed(&view).into()).await
}

/// What a browser does with an address.
async fn visit(address: &str) {
    let url = Url::parse(address).unwrap();
    let port = url.port().unwrap();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    let request = format!(
        "GET {}?{} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n",
        url.path(),
        url.query().unwrap()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
}

#[tokio::test]
async fn a_pasted_address_signs_in_and_the_sign_in_is_kept() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    assert_eq!(connector.row().word, Word::None);
    assert_eq!(connector.crm().await.err().unwrap().kind(), Kind::Auth);

    let view = sign_in(&connector).await.unwrap();
    assert_eq!(view.org_id, ORG);
    assert_eq!(view.env, Env::Sandbox);
    connector.check(Class::Interactive).await.unwrap();
    let row = connector.row();
    assert_eq!(row.word, Word::Ok);
    assert_eq!(row.account, "ada@acme.example at 127.0.0.1");
    assert_eq!(row.sign_in, "renews itself");
    assert_eq!(row.api, Some((10, 1000)));
    assert_eq!(row.trouble, None);

    let later = stage.connector();
    assert_eq!(later.row().word, Word::Ok);
    assert_eq!(later.row().org_id.as_deref(), Some(ORG));
    later.crm().await.unwrap().identity().await.unwrap();
    let shown = format!(
        "{connector:?} {:?} {:?}",
        connector.settings(),
        connector.row()
    );
    assert!(!shown.contains("secret-"), "{shown}");
    assert!(!shown.contains("consumer-secret"), "{shown}");
}

#[tokio::test]
async fn the_callback_signs_in() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    let view = begin(&connector).await;
    assert_eq!(view.callback, Ok(()));
    let address = allowed(&view);
    let (signed_in, ()) = tokio::join!(connector.callback(), visit(&address));
    assert_eq!(signed_in.unwrap().username, "ada@acme.example");
    assert!(stage.has_tokens());
    let again = connector.finish(address.into()).await.unwrap_err();
    assert_eq!(again.kind(), Kind::Cancelled);
}

#[tokio::test]
async fn a_new_sign_in_takes_the_place_of_the_old_one_and_its_port() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    let old = begin(&connector).await;
    let waiting = tokio::spawn({
        let connector = connector.clone();
        async move { connector.callback().await }
    });
    tokio::task::yield_now().await;
    let new = begin(&connector).await;
    assert_eq!(new.redirect_uri, old.redirect_uri);
    let replaced = waiting.await.unwrap().unwrap_err();
    assert_eq!(replaced.kind(), Kind::Cancelled);
    let error = connector.finish(allowed(&old).into()).await.unwrap_err();
    assert!(error.message().contains("another sign-in"), "{error}");
    connector.finish(allowed(&new).into()).await.unwrap();
}

#[tokio::test]
async fn a_wrong_state_stores_nothing_and_the_right_address_still_works() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    let view = begin(&connector).await;
    let forged = format!("{}?code=the-code&state=forged", view.redirect_uri);
    let error = connector.finish(forged.into()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.remedy().is_some());
    assert!(!format!("{error:?}").contains("the-code"));
    assert!(!stage.has_tokens());
    assert!(stage.server.received_requests().await.unwrap().is_empty());
    connector.finish(allowed(&view).into()).await.unwrap();
}
