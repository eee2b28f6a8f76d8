//! The client alone against the sandbox org: reading all leads, and writing records by the
//! collection, beside a plain HTTP client that moves the same bytes and reads them with serde.
//!
//! The client has a thread of its own, so that its processor time is told apart from the org's;
//! memory is not: the org is in this process.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use divan::counter::ItemsCount;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use syncdeck::crm::auth::{Grant, OAuth, OAuthApp, Session, TokenStore, Tokens};
use syncdeck::crm::bulk::{self, JobKind, JobPhase, Jobs as _, ReadSizes};
use syncdeck::crm::gate::{Gate, GateSettings};
use syncdeck::crm::salesforce::{Salesforce, Settings};
use syncdeck::crm::transport::host::ServerKind;
use syncdeck::crm::transport::{Http, HttpSettings};
use syncdeck::crm::{ChangeQuery, Crm, OrgKind, WriteResult};
use syncdeck::domain::budget::{Budget, Shares};
use syncdeck::domain::id::{FieldName, ObjectName, OrgId};
use syncdeck::domain::value::{Fields, Value};
use syncdeck::engine::guard::Guard;
use syncdeck::engine::summary::Access;
use syncdeck::error::Result;
use syncdeck::sandbox::{self, Running, Seed};
use tokio::runtime::Runtime;
use url::Url;

use super::figure::{self, Peak};
use super::world::{leads, tried_out};

const FIELDS: [&str; 12] = [
    "FirstName",
    "LastName",
    "Email",
    "Phone",
    "Company",
    "Title",
    "Industry",
    "Website",
    "Status",
    "OwnerId",
    "LeadSource",
    "Description",
];

/// Records that are written.
fn writes() -> usize {
    if tried_out() { 400 } else { 10_000 }
}

/// Leads that are read: the usual number, and a big one if it is asked for, as 1,000,000 take
/// 2 GB and minutes.
fn reads() -> Vec<usize> {
    let many = std::env::var("SYNCDECK_BENCH_MANY").ok();
    let many = many.map(|text| text.parse().expect("SYNCDECK_BENCH_MANY is a number"));
    std::iter::once(leads()).chain(many).collect()
}

#[divan::bench(args = reads(), sample_count = 1, sample_size = 1)]
fn query(bencher: divan::Bencher<'_, '_>, leads: usize) {
    bencher
        .with_inputs(|| Bench::new(leads))
        .input_counter(move |_| ItemsCount::new(leads))
        .bench_local_values(|bench| {
            let ours = Figures::of(&bench, Bench::query());
            let floor = Figures::of(&bench, Bench::plain_query());
            ours.beside(&floor, &format!("query of {leads}"));
        });
}

#[divan::bench(args = reads(), sample_count = 1, sample_size = 1)]
fn bulk_query(bencher: divan::Bencher<'_, '_>, leads: usize) {
    bencher
        .with_inputs(|| Bench::new(leads))
        .input_counter(move |_| ItemsCount::new(leads))
        .bench_local_values(|bench| {
            let ours = Figures::of(&bench, Bench::bulk_query());
            let floor = Figures::of(&bench, Bench::plain_bulk_query());
            ours.beside(&floor, &format!("bulk query of {leads}"));
        });
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn collections(bencher: divan::Bencher<'_, '_>) {
    bencher
        .with_inputs(|| Bench::new(100))
        .input_counter(|_| ItemsCount::new(writes()))
        .bench_local_values(|bench| {
            let ours = Figures::of(&bench, Bench::create());
            let floor = Figures::of(&bench, Bench::plain_create());
            ours.beside(&floor, "collections");
        });
}

/// What a way of doing it took.
struct Figures {
    records: usize,
    took: Duration,
    processor: Duration,
    peak: u64,
}

type Task<'b> = Box<dyn FnOnce(&'b Bench) -> BoxFuture<'b, usize> + 'b>;

impl Figures {
    fn of<'b>(bench: &'b Bench, task: Task<'b>) -> Self {
        let alone = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (peak, processor, began) = (Peak::start(), on_processor(), Instant::now());
        let records = alone.block_on(task(bench));
        Self {
            records,
            took: began.elapsed(),
            processor: on_processor().saturating_sub(processor),
            peak: peak.above(),
        }
    }

    fn beside(&self, floor: &Self, what: &str) {
        assert_eq!(self.records, floor.records, "{what}");
        let line = |who: &str, f: &Self| {
            let each = |time: Duration| time.as_secs_f64() * 1e6 / f.records.max(1) as f64;
            figure::note(format!(
                "{what}, {who}: {} records in {:.2?}, {:.0} records/s, {:.1} us of processor per \
                 record, peak memory {} MiB above the start with the org",
                f.records,
                f.took,
                1e6 / each(f.took),
                each(f.processor),
                f.peak
            ));
        };
        line("client", self);
        line("plain HTTP and serde", floor);
        figure::note(format!(
            "{what}: {:.2} of the floor's time, {:.2} of its processor",
            self.took.as_secs_f64() / floor.took.as_secs_f64(),
            self.processor.as_secs_f64() / floor.processor.as_secs_f64().max(1e-9)
        ));
    }
}

/// Time that this thread was on a processor.
fn on_processor() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

struct Bench {
    org: Running,
    client: Salesforce,
    _runtime: Runtime,
}

/// Tokens that were granted already.
struct Granted(Vec<u8>);

impl TokenStore for Granted {
    fn load(&self) -> BoxFuture<'_, Result<Option<Tokens>>> {
        ready(Tokens::decode(&self.0).map(Some)).boxed()
    }

    fn save<'a>(&'a self, _: &'a Tokens) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        ready(Ok(())).boxed()
    }
}

impl Bench {
    fn new(leads: usize) -> Self {
        let runtime = Runtime::new().unwrap();
        let org = runtime.block_on(sandbox::serve(sandbox::Options {
            seed: Seed::Demo { leads, number: 42 },
            ..sandbox::Options::default()
        }));
        let org = org.unwrap();
        let client = runtime.block_on(client(&org));
        Self {
            org,
            client,
            _runtime: runtime,
        }
    }

    fn query<'b>() -> Task<'b> {
        Box::new(|bench| {
            async {
                let object = bench.client.describe(&ObjectName::new("Lead")).await;
                let query = ChangeQuery {
                    object: Arc::new(object.unwrap()),
                    fields: FIELDS.map(FieldName::new).to_vec(),
                    since: None,
                    after: None,
                    until: None,
                    matching: None,
                };
                let mut page = bench.client.changes(&query, None).await.unwrap();
                let mut records = page.rows.len();
                while let Some(cursor) = page.next.take() {
                    page = bench.client.changes(&query, Some(&cursor)).await.unwrap();
                    records += page.rows.len();
                }
                records
            }
            .boxed()
        })
    }

    fn bulk_query<'b>() -> Task<'b> {
        Box::new(|bench| {
            async {
                let client = &bench.client;
                let object = client.describe(&ObjectName::new("Lead")).await;
                let query = ChangeQuery {
                    object: Arc::new(object.unwrap()),
                    fields: FIELDS.map(FieldName::new).to_vec(),
                    since: None,
                    after: None,
                    until: None,
                    matching: None,
                };
                let job = client.start_read(&query).await.unwrap();
                let mut asked = 0;
                while client.job_state(JobKind::Read, &job).await.unwrap().phase != JobPhase::Done {
                    tokio::time::sleep(bulk::pause(asked)).await;
                    asked += 1;
                }
                let most = ReadSizes::default().page;
                let mut page = client.read_rows(&query, &job, None, most).await.unwrap();
                let mut records = page.rows.len();
                while let Some(place) = page.next.take() {
                    let next = client.read_rows(&query, &job, Some(&place), most);
                    page = next.await.unwrap();
                    records += page.rows.len();
                }
                client.remove(JobKind::Read, &job).await.unwrap();
                records
            }
            .boxed()
        })
    }

    /// The same job, its pages into plain structs.
    fn plain_bulk_query<'b>() -> Task<'b> {
        Box::new(|bench| {
            async {
                let http = plain();
                let info = bench.org.info();
                let token = &info.access_token;
                let jobs = format!("{}/services/data/v67.0/jobs/query", info.instance_url);
                let body = json!({"operation": "queryAll", "query": soql("")});
                let made = http.post(&jobs).bearer_auth(token).json(&body).send();
                let made: Json = made.await.unwrap().json().await.unwrap();
                let job = format!("{jobs}/{}", made["id"].as_str().unwrap());
                let mut asked = 0;
                loop {
                    let state = http.get(&job).bearer_auth(token).send().await.unwrap();
                    let state: Json = state.json().await.unwrap();
                    if state["state"] == "JobComplete" {
                        break;
                    }
                    tokio::time::sleep(bulk::pause(asked)).await;
                    asked += 1;
                }
                let most = ReadSizes::default().page;
                let mut address = Some(format!("{job}/results?maxRecords={most}"));
                let mut records = 0;
                while let Some(at) = address {
                    let answer = http.get(at).bearer_auth(token).send().await.unwrap();
                    let place = answer.headers().get("sforce-locator").unwrap();
                    let place = place.to_str().unwrap().to_owned();
                    let body = answer.bytes().await.unwrap();
                    let mut sheet = csv::Reader::from_reader(&*body);
                    let rows: Vec<Lead> = sheet.deserialize().map(|row| row.unwrap()).collect();
                    records += rows.len();
                    address = (place != "null")
                        .then(|| format!("{job}/results?maxRecords={most}&locator={place}"));
                }
                records
            }
            .boxed()
        })
    }

    /// The same pages, into plain structs.
    fn plain_query<'b>() -> Task<'b> {
        Box::new(|bench| {
            async {
                let http = plain();
                let info = bench.org.info();
                let soql = soql("ORDER BY SystemModstamp, Id");
                let base = &info.instance_url;
                let mut next = Some(format!("{base}/services/data/v67.0/queryAll/"));
                let mut records = 0;
                let mut first = true;
                while let Some(address) = next {
                    let mut asking = http.get(address).bearer_auth(&info.access_token);
                    if std::mem::take(&mut first) {
                        asking = asking.query(&[("q", &soql)]);
                    }
                    let body = asking.send().await.unwrap().bytes().await.unwrap();
                    let page: Page = serde_json::from_slice(&body).unwrap();
                    records += page.records.len();
                    next = page.next_records_url.map(|path| format!("{base}{path}"));
                }
                records
            }
            .boxed()
        })
    }

    fn create<'b>() -> Task<'b> {
        Box::new(|bench| {
            async {
                let object = bench.client.describe(&ObjectName::new("Lead")).await;
                let object = object.unwrap();
                let org = OrgId::new(bench.org.info().org_id.as_str());
                let guard = Guard::new(Access::ReadWrite, Some(org.clone()), OrgKind::Sandbox);
                let mut made = 0;
                for from in (0..writes()).step_by(200) {
                    let rows: Vec<Fields> = (from..from + 200).map(fields).collect();
                    let permit = guard.permit(&org, rows.len()).unwrap();
                    let results = bench.client.create(permit, &object, &rows).await.unwrap();
                    let applied = |r: &&WriteResult| matches!(r, WriteResult::Applied(_));
                    made += results.iter().filter(applied).count();
                }
                made
            }
            .boxed()
        })
    }

    fn plain_create<'b>() -> Task<'b> {
        Box::new(|bench| {
            async {
                let http = plain();
                let info = bench.org.info();
                let base = &info.instance_url;
                let address = format!("{base}/services/data/v67.0/composite/sobjects");
                let mut made = 0;
                for from in (0..writes()).step_by(200) {
                    let records: Vec<Json> = (from..from + 200).map(record).collect();
                    let body = json!({"allOrNone": false, "records": records});
                    let asking = http.post(&address).bearer_auth(&info.access_token);
                    let answer = asking.json(&body).send().await.unwrap();
                    let body = answer.bytes().await.unwrap();
                    let results: Vec<Made> = serde_json::from_slice(&body).unwrap();
                    made += results.iter().filter(|r| r.success).count();
                }
                made
            }
            .boxed()
        })
    }
}

fn soql(order: &str) -> String {
    format!(
        "SELECT Id,SystemModstamp,LastModifiedDate,LastModifiedById,IsDeleted,\
         MasterRecordId,IsConverted,{} FROM Lead {order}",
        FIELDS.join(",")
    )
}

fn plain() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn client(org: &Running) -> Salesforce {
    let info = org.info();
    let http = Http::new(&HttpSettings::new(ServerKind::LocalSandbox)).unwrap();
    let app = OAuthApp {
        client_id: info.client_id.clone(),
        grant: Grant::Browser {
            client_secret: None,
        },
        login_url: Url::parse(&info.login_url).unwrap(),
        scopes: vec!["api".into()],
    };
    let tokens = json!({
        "v": 1, "access": info.access_token, "refresh": info.refresh_token,
        "instance_url": info.instance_url, "login_url": info.login_url, "scope": "api",
        "identity_url": format!("{}/id/{}/{}", info.login_url, info.org_id, info.user_id),
        "issued_at": "2026-01-01T00:00:00Z",
    });
    let store = Arc::new(Granted(tokens.to_string().into_bytes()));
    let oauth = OAuth::new(http.clone(), app).unwrap();
    let session = Session::open(oauth, store).await.unwrap();
    let settings = GateSettings {
        shares: Shares {
            max_share: 100,
            stop_at_org_used: 100,
            ..Shares::default()
        },
        ..GateSettings::default()
    };
    let gate = Gate::new(settings, Arc::new(jiff::Timestamp::now), Budget::default());
    Salesforce::new(http, session, &Settings::default())
        .unwrap()
        .behind(Arc::new(gate))
}

const VALUES: [(&str, &str); 6] = [
    ("FirstName", "Jörg"),
    ("Company", "Grüne Wiese Handels GmbH"),
    ("Title", "Head of Purchasing"),
    ("Status", "Open - Not Contacted"),
    ("LeadSource", "Web"),
    (
        "Description",
        "Met at the fair; wants a quote for 40 seats.",
    ),
];

fn fields(n: usize) -> Fields {
    let mut fields: Fields = VALUES
        .map(|(name, value)| (FieldName::new(name), Value::text(value)))
        .into();
    let name = Value::text(format!("Lindqvist {n}"));
    fields.insert(FieldName::new("LastName"), name);
    fields
}

fn record(n: usize) -> Json {
    let mut record = json!({"attributes": {"type": "Lead"}, "LastName": format!("Lindqvist {n}")});
    for (name, value) in VALUES {
        record[name] = json!(value);
    }
    record
}

#[derive(Deserialize)]
struct Made {
    success: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    next_records_url: Option<String>,
    records: Vec<Lead>,
}

/// All that is asked for, owned, so that the floor keeps what a client has to keep.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(
    dead_code,
    reason = "the floor reads the values and does nothing with them"
)]
struct Lead {
    id: String,
    system_modstamp: String,
    last_modified_date: String,
    last_modified_by_id: Option<String>,
    is_deleted: bool,
    master_record_id: Option<String>,
    is_converted: bool,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    company: Option<String>,
    title: Option<String>,
    industry: Option<String>,
    website: Option<String>,
    status: Option<String>,
    owner_id: Option<String>,
    lead_source: Option<String>,
    description: Option<String>,
}
