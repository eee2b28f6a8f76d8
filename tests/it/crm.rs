//! The Salesforce client against servers that misbehave, and against the sandbox org.

mod bulk;
mod conformance;
mod faults;
mod files;
mod grants;
mod org;
mod refresh;
mod rotation;
mod sizes;
mod survey;
mod wire;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use serde_json::{Value as Json, json};
use syncdeck::crm::auth::{Grant, OAuth, OAuthApp, Session, TokenStore, Tokens};
use syncdeck::crm::salesforce::{RetryPolicy, Salesforce, Settings};
use syncdeck::crm::transport::host::ServerKind;
use syncdeck::crm::transport::{Http, HttpSettings, Timeouts};
use syncdeck::crm::{ChangeQuery, CrmError, OrgKind, WritePermit};
use syncdeck::domain::id::{CrmId, FieldName, ObjectName, OrgId};
use syncdeck::domain::schema::{FieldInfo, ObjectInfo};
use syncdeck::domain::value::{FieldKind, Fields, Value};
use syncdeck::engine::guard::Guard;
use syncdeck::engine::summary::Access;
use syncdeck::error::{Error, Kind, Result};
use url::Url;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ORG: &str = "00Dxx0000001gPLEAY";
const USER: &str = "005xx000001SwiUAAS";
const V: &str = "/services/data/v67.0";
/// A private key made for tests and good for nothing else.
const PEM: &str = include_str!("../fixtures/jwt.key");
/// Stands in every token, so that a search finds any of them.
const SECRET: &str = "not-for-eyes";

/// A token store that remembers, and fails when told to.
#[derive(Default)]
struct Kept {
    bytes: Mutex<Option<Vec<u8>>>,
    saves: AtomicUsize,
    fails: AtomicUsize,
    /// Nothing is kept, and nobody is told.
    forgets: AtomicBool,
}

impl Kept {
    fn with(uri: &str, access: &str, refresh: &str) -> Arc<Self> {
        let kept = Self::default();
        kept.put(uri, access, refresh);
        Arc::new(kept)
    }

    fn put(&self, uri: &str, access: &str, refresh: &str) {
        let tokens = json!({
            "v": 1, "access": format!("{access}-{SECRET}"), "refresh": format!("{refresh}-{SECRET}"),
            "instance_url": uri, "identity_url": format!("{uri}/id/{ORG}/{USER}"), "login_url": uri,
            "scope": "api refresh_token", "issued_at": "2026-11-21T08:00:00Z",
        });
        *self.bytes.lock().unwrap() = Some(tokens.to_string().into_bytes());
    }

    fn holds(&self, token: &str) -> bool {
        let bytes = self.bytes.lock().unwrap().clone().unwrap_or_default();
        String::from_utf8(bytes).unwrap().contains(token)
    }
}

impl TokenStore for Kept {
    fn load(&self) -> BoxFuture<'_, Result<Option<Tokens>>> {
        let bytes = self.bytes.lock().unwrap().clone();
        ready(bytes.map(|bytes| Tokens::decode(&bytes)).transpose()).boxed()
    }

    fn save<'a>(&'a self, tokens: &'a Tokens) -> BoxFuture<'a, Result<()>> {
        let fail = self
            .fails
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if fail.is_ok() {
            let full = Error::new(Kind::Store, "the disk is full");
            return ready(Err(full)).boxed();
        }
        if self.forgets.load(Ordering::SeqCst) {
            return ready(Ok(())).boxed();
        }
        *self.bytes.lock().unwrap() = Some(tokens.encode().unwrap().to_vec());
        self.saves.fetch_add(1, Ordering::SeqCst);
        ready(Ok(())).boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        *self.bytes.lock().unwrap() = None;
        ready(Ok(())).boxed()
    }
}

/// Nothing here may take longer; a busy machine still has time.
const PATIENT: Timeouts = Timeouts {
    connect: Duration::from_secs(20),
    answer: Duration::from_secs(20),
    idle: Duration::from_secs(20),
    body: Duration::from_secs(20),
};

fn http(timeouts: Timeouts) -> Http {
    let mut settings = HttpSettings::new(ServerKind::LocalSandbox);
    settings.timeouts = timeouts;
    Http::new(&settings).unwrap()
}

const BACK: &str = "http://localhost:1717/callback";

fn app(uri: &str, client_id: &str) -> OAuthApp {
    OAuthApp {
        client_id: client_id.to_owned(),
        grant: Grant::Browser {
            client_secret: None,
        },
        login_url: Url::parse(uri).unwrap(),
        scopes: ["api", "refresh_token", "id"].map(str::to_owned).to_vec(),
    }
}

async fn session(uri: &str, store: Arc<Kept>, http: &Http) -> Session {
    let app = app(uri, "the-key");
    let oauth = OAuth::new(http.clone(), app).unwrap();
    Session::open(oauth, store).await.unwrap()
}

fn settings() -> Settings {
    Settings {
        retry: RetryPolicy {
            attempts: 3,
            base: Duration::from_millis(1),
            cap: Duration::from_millis(5),
        },
        ..Settings::default()
    }
}

async fn client_at(uri: &str, store: Arc<Kept>, timeouts: Timeouts) -> Salesforce {
    let http = http(timeouts);
    let session = session(uri, store, &http).await;
    Salesforce::new(http, session, &settings()).unwrap()
}

/// A client that is signed in at a server, with token `old`.
async fn client(server: &MockServer) -> Salesforce {
    let uri = server.uri();
    client_at(&uri, Kept::with(&uri, "old", "r1"), PATIENT).await
}

fn bearer(token: &str) -> wiremock::matchers::HeaderExactMatcher {
    header("authorization", format!("Bearer {token}-{SECRET}").as_str())
}

fn token_answer(uri: &str, access: &str, refresh: Option<&str>) -> Json {
    let mut body = json!({
        "access_token": format!("{access}-{SECRET}"), "token_type": "Bearer",
        "instance_url": uri, "id": format!("{uri}/id/{ORG}/{USER}"), "issued_at": "1795248000000",
    });
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(format!("{refresh}-{SECRET}"));
    }
    body
}

fn expired() -> ResponseTemplate {
    let body =
        json!([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]);
    ResponseTemplate::new(401).set_body_json(body)
}

/// How many requests went to a path.
async fn asked(server: &MockServer, at: &str) -> usize {
    let requests = server.received_requests().await.unwrap();
    requests.iter().filter(|r| r.url.path() == at).count()
}

/// Answers a path with one body, as often as it is asked.
async fn answers(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// Answers a path once; later mocks answer afterwards.
async fn answers_once(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(answer)
        .up_to_n_times(1)
        .mount(server)
        .await;
}

fn lead() -> ObjectInfo {
    let field = |name: &str, kind| FieldInfo::new(name, kind, 80);
    let fields = [
        field("LastName", FieldKind::Text),
        field("Company", FieldKind::Text),
        field("LastModifiedDate", FieldKind::DateTime),
        field("IsDeleted", FieldKind::Bool),
    ];
    ObjectInfo {
        name: ObjectName::new("Lead"),
        label: "Lead".to_owned(),
        createable: true,
        updateable: true,
        deletable: true,
        triggerable: true,
        fields: fields.into_iter().map(|f| (f.name.clone(), f)).collect(),
    }
}

fn lead_id(number: u32) -> CrmId {
    format!("00Qxx{number:010}").parse().unwrap()
}

fn names() -> Vec<FieldName> {
    vec![FieldName::new("LastName")]
}

fn all_of(object: ObjectInfo) -> ChangeQuery {
    ChangeQuery {
        object: Arc::new(object),
        fields: names(),
        since: None,
        after: None,
        until: None,
        matching: None,
    }
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let value = |text: &str| Value::Text(text.to_owned());
    pairs
        .iter()
        .map(|(name, text)| (FieldName::new(*name), value(text)))
        .collect()
}

/// Leave to write, from the one place that gives it.
fn permit(records: usize) -> WritePermit {
    let org = OrgId::new(ORG);
    let guard = Guard::new(Access::ReadWrite, Some(org.clone()), OrgKind::Sandbox);
    guard.permit(&org, records).unwrap()
}

/// Checks that an error shows no token, and gives it back.
fn clean(error: CrmError) -> CrmError {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    error
}
