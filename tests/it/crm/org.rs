//! The client against the sandbox org: nothing in between is told what to say.

mod signing;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use futures::future::join_all;
use syncdeck::crm::auth::AuthError;
use syncdeck::crm::auth::{Callback, Disconnected, PasteProblem};
use syncdeck::crm::{Crm, CrmRow, Effect, ErrorClass, GuardedUpdate, UpdateRow, WriteResult};
use syncdeck::domain::budget::Class;
use syncdeck::domain::mapping::Pair;
use syncdeck::domain::record::CrmPresence;
use syncdeck::engine::profile::{self, Places};
use syncdeck::engine::session::{Connector, ConnectorSettings};
use syncdeck::engine::view::{BrowserView, SignInView};
use syncdeck::error::Kind as ErrorKind;
use syncdeck::sandbox::{By, Control, Fault, Options, Rotation, Running, Seed, serve};
use syncdeck::vault::{DataKey, KEY_BYTES};

use super::*;

pub(super) struct Org {
    pub(super) running: Running,
    kept: Arc<Kept>,
    pub(super) client: Salesforce,
}

/// A person at a browser who signs in and decides.
struct Person {
    http: reqwest::Client,
    username: String,
    password: String,
}

impl Person {
    fn of(running: &Running) -> Self {
        // Another test may have set it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            http,
            username: running.info().username.clone(),
            password: running.info().password.clone(),
        }
    }

    /// Fills the forms and gives the address that the browser is sent to.
    async fn decides(&self, address: &str, decision: &str) -> String {
        let action = Url::parse(address).unwrap();
        let page = self.http.get(address).send().await.unwrap();
        let mut form = hidden(&page.text().await.unwrap());
        form.push(("un".into(), self.username.clone()));
        form.push(("pw".into(), self.password.clone()));
        let page = self.post(&action, &form).await;
        let mut form = hidden(&page.text().await.unwrap());
        form.push(("decision".into(), decision.into()));
        let back = self.post(&action, &form).await;
        assert_eq!(back.status(), 302);
        back.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn post(&self, page: &Url, form: &[(String, String)]) -> reqwest::Response {
        let mut url = page.clone();
        url.set_query(None);
        self.http.post(url).form(form).send().await.unwrap()
    }
}

/// The hidden fields of a page.
fn hidden(page: &str) -> Vec<(String, String)> {
    let between = |text: &str, start: &str| {
        let from = text.find(start).unwrap() + start.len();
        text[from..].split('"').next().unwrap().to_owned()
    };
    let tags = page.split("<input type=\"hidden\"").skip(1);
    tags.map(|tag| {
        let value = between(tag, "value=\"").replace("&amp;", "&");
        (between(tag, "name=\""), value)
    })
    .collect()
}

pub(super) fn options() -> Options {
    Options {
        seed: Seed::Demo {
            leads: 2_500,
            number: 7,
        },
        ..Options::default()
    }
}

impl Org {
    /// An org with somebody signed in through the callback.
    pub(super) async fn start(options: Options) -> Self {
        let running = serve(options).await.unwrap();
        let http = http(PATIENT);
        let callback = Callback::bind("http://localhost:0/callback").await.unwrap();
        let info = running.info();
        let app = app(&info.login_url, &info.client_id);
        let oauth = OAuth::new(http.clone(), app).unwrap();
        let sign_in = oauth.begin(callback.redirect_uri());
        let person = Person::of(&running);
        let browser = async {
            let back = person.decides(sign_in.address().as_str(), "allow").await;
            person.http.get(back).send().await.unwrap().status()
        };
        let (address, status) = tokio::join!(callback.wait(&sign_in), browser);
        assert_eq!(status, 200);
        let tokens = sign_in.finish(&address.unwrap(), None).await.unwrap();
        assert_eq!(tokens.org().as_str(), info.org_id);

        let kept = Arc::new(Kept::default());
        let store = Arc::clone(&kept) as Arc<dyn TokenStore>;
        let session = Session::open(oauth, store).await.unwrap();
        session.adopt(tokens).await.unwrap();
        let client = Salesforce::new(http, session, &settings()).unwrap();
        Self {
            running,
            kept,
            client,
        }
    }

    /// How to reach it without the client.
    pub(super) fn info(&self) -> &syncdeck::sandbox::Info {
        self.running.info()
    }

    pub(super) fn control(&self) -> Control {
        self.running.control()
    }

    pub(super) async fn lead(&self) -> ObjectInfo {
        self.client
            .describe(&ObjectName::new("Lead"))
            .await
            .unwrap()
    }

    /// Reads a whole window; closes the cursors after the first page when told to.
    pub(super) async fn read_all(&self, query: &mut ChangeQuery, cursors: Cursors) -> Vec<CrmRow> {
        let (mut rows, mut cursor, mut lost) = (Vec::new(), None, 0);
        loop {
            match self.client.changes(query, cursor.as_ref()).await {
                Ok(page) => {
                    rows.extend(page.rows);
                    cursor = page.next;
                }
                Err(error) => {
                    assert_eq!(error.code, "INVALID_QUERY_LOCATOR");
                    lost += 1;
                    let last: &CrmRow = rows.last().unwrap();
                    query.after = Some((last.stamp, last.id));
                    cursor = None;
                    continue;
                }
            }
            match (&cursor, cursors) {
                (None, Cursors::Stay) => return rows,
                (None, Cursors::CloseOnce) => {
                    assert_eq!(lost, 1);
                    return rows;
                }
                (Some(_), Cursors::CloseOnce) if lost == 0 => self.control().close_cursors(),
                (Some(_), _) => {}
            }
        }
    }

    pub(super) fn total(&self, object: &str) -> usize {
        let all = format!("SELECT Id, IsDeleted FROM {object}");
        let found = self.control().query(&all).unwrap();
        usize::try_from(found["totalSize"].as_u64().unwrap()).unwrap()
    }

    pub(super) fn inject(&self, fault: Json) {
        let fault = serde_json::from_value::<Fault>(fault).unwrap();
        self.control().inject(fault);
    }
}

#[derive(Clone, Copy)]
pub(super) enum Cursors {
    Stay,
    CloseOnce,
}

fn person_fields(last: &str, company: &str) -> Fields {
    fields(&[("LastName", last), ("Company", company)])
}

pub(super) fn applied(result: &WriteResult) -> CrmId {
    match result {
        WriteResult::Applied(id) => *id,
        WriteResult::Refused(error) => panic!("{error}"),
    }
}

fn class_of(result: &WriteResult) -> ErrorClass {
    match result {
        WriteResult::Applied(id) => panic!("{id} was applied"),
        WriteResult::Refused(error) => error.class,
    }
}

#[tokio::test]
async fn who_we_are_and_how_much_is_left() {
    let org = Org::start(Options::bare()).await;
    let identity = org.client.identity().await.unwrap();
    let info = org.running.info();
    assert_eq!(identity.org_id.as_str(), info.org_id);
    assert_eq!(identity.username, info.username);
    assert_eq!(identity.org_kind, OrgKind::Sandbox);
    assert_eq!(identity.instance_url, info.instance_url);
    let usage = org.client.limits().await.unwrap();
    assert_eq!(usage.max, 100_000);
    assert!(usage.used > 0);
}

#[tokio::test]
async fn every_lead_is_read_once_in_order_even_when_the_place_is_lost() {
    let org = Org::start(options()).await;
    let total = org.total("Lead");
    let object = Arc::new(org.lead().await);
    for cursors in [Cursors::Stay, Cursors::CloseOnce] {
        let mut query = ChangeQuery {
            object: Arc::clone(&object),
            fields: ["LastName", "Email", "Status"].map(FieldName::new).to_vec(),
            since: None,
            after: None,
            until: None,
            matching: None,
        };
        let rows = org.read_all(&mut query, cursors).await;
        assert_eq!(rows.len(), total);
        let places: Vec<_> = rows.iter().map(|r| (r.stamp, r.id)).collect();
        assert!(places.is_sorted());
        let ids: BTreeSet<CrmId> = rows.iter().map(|r| r.id).collect();
        assert_eq!(ids.len(), total);
        assert!(rows.iter().all(|r| r.fields.contains_key("LastName")));
    }
}

#[tokio::test]
async fn a_window_shows_what_others_did() {
    let org = Org::start(Options::bare()).await;
    let object = org.lead().await;
    let rows = vec![person_fields("Ng", "Acme"), person_fields("Ito", "Acme")];
    let made = org.client.create(permit(2), &object, &rows).await.unwrap();
    let (one, two) = (applied(&made[0]), applied(&made[1]));
    org.control().advance(60);
    let mut query = all_of(object);
    let since = org.client.changes(&query, None).await.unwrap().at;
    query.since = Some(since);
    assert!(org.read_all(&mut query, Cursors::Stay).await.is_empty());

    let change = json!({"LastName": "Ng-Weiß 🦊"});
    let change = change.as_object().unwrap();
    let control = org.control();
    control.update(By::Colleague, one.as_str(), change).unwrap();
    control.delete(By::Colleague, two.as_str()).unwrap();
    let rows = org.read_all(&mut query, Cursors::Stay).await;
    assert_eq!(rows.len(), 2);
    let changed = rows.iter().find(|r| r.id == one).unwrap();
    assert_eq!(changed.fields["LastName"], Value::Text("Ng-Weiß 🦊".into()));
    let me = org.client.identity().await.unwrap().user_id;
    assert!(changed.modified_by.is_some_and(|by| by != me));
    let deleted = rows.iter().find(|r| r.id == two).unwrap();
    assert_eq!(deleted.presence, CrmPresence::Deleted);
}

#[tokio::test]
async fn records_are_made_changed_and_deleted() {
    let org = Org::start(Options::bare()).await;
    let object = org.lead().await;
    let odd = "O'Brien \\ \"x\" <b>\u{202e}\u{1b}[31m 🦊";
    let rows = vec![
        person_fields(odd, "Acme"),
        fields(&[("LastName", "no company")]),
        person_fields("Ito", "Acme"),
    ];
    let made = org.client.create(permit(3), &object, &rows).await.unwrap();
    assert_eq!(class_of(&made[1]), ErrorClass::Data);
    let (one, two) = (applied(&made[0]), applied(&made[2]));
    assert_eq!(org.total("Lead"), 2);

    let read = async |id: CrmId| {
        let answer = org.client.retrieve(&object, &[id], &names()).await.unwrap();
        answer.rows.into_iter().next().unwrap()
    };
    let first = read(one).await.unwrap();
    assert_eq!(first.fields["LastName"], Value::Text(odd.to_owned()));
    let found = org
        .client
        .find(&object, &names()[0], &[odd.to_owned()], &names())
        .await
        .unwrap();
    assert_eq!(found.rows.len(), 1);

    let change = [UpdateRow {
        id: two,
        fields: fields(&[("LastName", "Ito-Berg")]),
    }];
    let done = org
        .client
        .update(permit(1), &object, &change)
        .await
        .unwrap();
    assert_eq!(applied(&done[0]), two);
    assert_eq!(
        read(two).await.unwrap().fields["LastName"],
        Value::Text("Ito-Berg".into())
    );

    let gone = org.client.delete(permit(1), &[two]).await.unwrap();
    assert_eq!(applied(&gone[0]), two);
    let deleted = read(two).await.unwrap();
    assert_eq!(deleted.presence, CrmPresence::Deleted);
    let again = org.client.delete(permit(1), &[two]).await.unwrap();
    assert_eq!(class_of(&again[0]), ErrorClass::Identity);
}

#[tokio::test]
async fn a_guarded_update_does_not_write_over_a_newer_one() {
    let org = Org::start(Options::bare()).await;
    let object = org.lead().await;
    let rows = vec![person_fields("A", "Acme"), person_fields("B", "Acme")];
    let made = org.client.create(permit(2), &object, &rows).await.unwrap();
    let ids = [applied(&made[0]), applied(&made[1])];
    let seen = org.client.retrieve(&object, &ids, &names()).await.unwrap();
    org.control().advance(5);
    let other = json!({"LastName": "theirs"});
    let control = org.control();
    control
        .update(By::Colleague, ids[1].as_str(), other.as_object().unwrap())
        .unwrap();
    let guarded: Vec<GuardedUpdate> = seen
        .rows
        .into_iter()
        .flatten()
        .map(|row| GuardedUpdate {
            row: UpdateRow {
                id: row.id,
                fields: fields(&[("LastName", "ours")]),
            },
            unmodified_since: row.modified,
        })
        .collect();
    let done = org
        .client
        .update_guarded(permit(2), &object, &guarded)
        .await
        .unwrap();
    assert_eq!(applied(&done[0]), ids[0]);
    assert_eq!(class_of(&done[1]), ErrorClass::Precondition);
    let last_name = |id: &CrmId| control.get(id.as_str()).unwrap()["LastName"].clone();
    assert_eq!(last_name(&ids[0]), "ours");
    assert_eq!(last_name(&ids[1]), "theirs");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_an_unknown_effect() {
    let org = Org::start(Options::bare()).await;
    let object = org.lead().await;
    for (fault, records) in [("drop_after", 1), ("truncate", 2), ("drop_before", 2)] {
        org.inject(json!({"kind": fault, "path": "/composite/sobjects", "times": 1}));
        let rows = [person_fields("Once", "Acme")];
        let error = clean(
            org.client
                .create(permit(1), &object, &rows)
                .await
                .unwrap_err(),
        );
        assert_eq!(error.effect, Effect::Unknown, "{fault}");
        assert_eq!(org.total("Lead"), records, "{fault}");
    }
    let found = org
        .client
        .find(&object, &names()[0], &["Once".to_owned()], &names())
        .await
        .unwrap();
    assert_eq!(found.rows.len(), 2);
}
