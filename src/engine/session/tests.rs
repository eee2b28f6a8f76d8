//! The connection against an org that answers as it is told.

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
    assert_eq!(error.kind(), Kind::Auth);
    assert!(error.remedy().is_some());
    assert!(!format!("{error:?}").contains("the-code"));
    assert!(!stage.has_tokens());
    assert!(stage.server.received_requests().await.unwrap().is_empty());
    connector.finish(allowed(&view).into()).await.unwrap();
}

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

fn by_key(stage: &Stage) -> Connector {
    let mut settings = stage.connector().settings().clone();
    settings.grant = Grant::Jwt;
    Connector::new(Arc::clone(&stage.state), settings).unwrap()
}

fn key() -> JwtKey {
    let pem = include_str!("../../../tests/fixtures/jwt.key");
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

fn user_row(id: &str, email: &str) -> Json {
    json!({"attributes": {"type": "User"}, "Id": id, "SystemModstamp": "2026-11-20T10:00:00.000+0000",
        "Name": "Somebody", "Email": email, "IsActive": true})
}

#[tokio::test]
async fn objects_and_users_are_read_and_good_for_a_day() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    sign_in(&connector).await.unwrap();
    let leads = [pair("leads", "Lead"), pair("more", "Lead")];
    assert!(connector.schema_is_due(&leads).unwrap());

    let field = |name: &str, kind: &str| json!({"name": name, "label": name, "type": kind});
    let fields = json!([
        field("Name", "string"),
        field("Email", "email"),
        field("IsActive", "boolean"),
    ]);
    for object in ["Lead", "User"] {
        let at = format!("/services/data/v67.0/sobjects/{object}/describe");
        let body = json!({"name": object, "label": object, "fields": fields});
        stage.on("GET", &at, 200, body).await;
    }
    let query = |text: &'static str| {
        Mock::given(path("/services/data/v67.0/queryAll/")).and(query_param_contains("q", text))
    };
    let page = |row: Json, more: Json| {
        let mut page = json!({"totalSize": 2, "done": more.is_null(), "records": [row]});
        if !more.is_null() {
            page["nextRecordsUrl"] = more;
        }
        ResponseTemplate::new(200)
            .insert_header("date", "Fri, 20 Nov 2026 12:00:00 GMT")
            .set_body_json(page)
    };
    let lost = "/services/data/v67.0/queryAll/01gxx-2000";
    // Goes on after the last row once the place is lost.
    query("Id > '005xx000001SwiUAAS'")
        .respond_with(page(
            user_row("005xx000001SwiVAAS", "grace@acme.example"),
            Json::Null,
        ))
        .expect(1)
        .with_priority(1)
        .mount(&stage.server)
        .await;
    query("FROM User")
        .respond_with(page(user_row(USER, "ada@acme.example"), json!(lost)))
        .expect(1)
        .mount(&stage.server)
        .await;
    let gone = json!([{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]);
    stage.on("GET", lost, 400, gone).await;

    let before = crate::domain::schema::ObjectInfo {
        name: ObjectName::new("Lead"),
        label: "Lead".to_owned(),
        createable: true,
        updateable: false,
        deletable: false,
        fields: Default::default(),
    };
    let mut tx = stage.state.begin();
    let key = crate::store::keys::Key::new().text("Lead");
    tx.put(&crate::engine::tables::OBJECTS, &key, &before);
    tx.commit(crate::engine::tx::Durability::Now).unwrap();

    connector.refresh_schema(&leads).await.unwrap();
    assert!(!connector.schema_is_due(&leads).unwrap());
    let lines = stage.state.log_tail(100).unwrap();
    let mut drift: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    drift.retain(|text| text.starts_with("Lead: ") || text.starts_with("User: "));
    drift.sort_unstable();
    assert_eq!(
        drift,
        [
            "Lead: Email is new",
            "Lead: IsActive is new",
            "Lead: Name is new",
            "Lead: records can be made: no more",
        ],
        "what is described for the first time has not changed"
    );
    assert!(!stage.connector().schema_is_due(&leads).unwrap());
    assert!(
        connector
            .schema_is_due(&[pair("people", "Contact")])
            .unwrap()
    );
    let emails: Vec<String> = stage
        .state
        .users()
        .unwrap()
        .into_iter()
        .map(|u| u.email)
        .collect();
    assert_eq!(emails, ["ada@acme.example", "grace@acme.example"]);
    let lead = stage.state.object(&ObjectName::new("Lead")).unwrap();
    assert!(lead.unwrap().field("Email").is_some());
    stage.hours.store(25, Ordering::SeqCst);
    assert!(connector.schema_is_due(&leads).unwrap());
}
