//! An org in memory behind a network that loses, delays, doubles, cuts and executes late.
//!
//! Knows of the client only what is on the wire. It notes every execution by the mark that the
//! request carried, so that afterwards nothing can be argued away.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::crm::error::Effect;
use crate::crm::transport::{Body, Exchange, Failure, FailureKind, Outgoing, Reply};

/// Salesforce ends a request after so many seconds (salesforce-api 2.1).
pub const LONGEST: i64 = 600;
const START: i64 = 1_780_000_000;

/// Numbers from a seed.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % n
    }

    /// In so many of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A record.
#[derive(Debug, Clone)]
struct Record {
    key: String,
    text: String,
    stamp: i64,
}

/// How often a mark was executed, and how often by fault of the network alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Executed {
    pub times: u32,
    pub doubled: u32,
    /// The network sent it twice, executed or not.
    pub sent_twice: bool,
}

#[derive(Debug)]
struct Request {
    method: String,
    path: String,
    query: String,
    body: Json,
}

#[derive(Debug)]
struct Inner {
    now: i64,
    random: Random,
    /// Percent of requests that meet a fault.
    faults: u64,
    records: BTreeMap<String, Record>,
    next: u64,
    executed: BTreeMap<String, Executed>,
    late: Vec<(i64, Request)>,
    asked: u64,
}

/// The org and its network.
#[derive(Debug)]
pub struct Org(Mutex<Inner>);

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Fine,
    Unreachable,
    LostBefore,
    LostAfter,
    Late,
    Doubled,
    Cut,
    Garbage,
    Slow,
    Page(u16),
    Refused(u16, &'static str, &'static str),
}

const FATES: [Fate; 14] = [
    Fate::Unreachable,
    Fate::LostBefore,
    Fate::LostAfter,
    Fate::LostAfter,
    Fate::Late,
    Fate::Late,
    Fate::Doubled,
    Fate::Cut,
    Fate::Garbage,
    Fate::Slow,
    Fate::Page(503),
    Fate::Page(200),
    Fate::Refused(
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests Limit exceeded.",
    ),
    Fate::Refused(503, "SERVER_UNAVAILABLE", "Server Unavailable"),
];

impl Org {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        // Quiet networks and terrible ones.
        let faults = [5, 20, 40, 60][random.below(4) as usize];
        Self(Mutex::new(Inner {
            now: START,
            random,
            faults,
            records: BTreeMap::new(),
            next: 1,
            executed: BTreeMap::new(),
            late: Vec::new(),
            asked: 0,
        }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.inner().now).unwrap()
    }

    /// Time passes; what was late is executed when its time has come.
    pub fn pass(&self, seconds: i64) {
        let mut inner = self.inner();
        inner.now += seconds;
        inner.catch_up();
    }

    /// A colleague changes a record.
    pub fn edit(&self, text: &str) {
        let mut inner = self.inner();
        let now = inner.now;
        let count = inner.records.len() as u64;
        if count > 0 {
            let at = inner.random.below(count) as usize;
            let record = inner.records.values_mut().nth(at).unwrap();
            record.text.push_str(text);
            record.stamp = now;
        }
    }

    /// The network is well from now on.
    pub fn calm(&self) {
        self.inner().faults = 0;
    }

    pub fn executed(&self, mark: &str) -> Executed {
        self.inner().executed.get(mark).copied().unwrap_or_default()
    }

    /// Key and text of every record.
    pub fn records(&self) -> Vec<(String, String)> {
        let records = self.inner();
        let records = records.records.values();
        records.map(|r| (r.key.clone(), r.text.clone())).collect()
    }

    /// Requests that reached the network.
    pub fn asked(&self) -> u64 {
        self.inner().asked
    }
}

impl Exchange for Org {
    fn exchange(&self, out: Outgoing, request: &str) -> Result<Reply, Failure> {
        let mut inner = self.inner();
        let asked = Request {
            method: out.method.to_string(),
            path: out.url.path().to_owned(),
            query: out.url.query_pairs().map(|(_, v)| v.into_owned()).collect(),
            body: match &out.body {
                Body::Bytes(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
                Body::Upload(_) => panic!("no file is sent here"),
            },
        };
        inner.asked += 1;
        inner.now += 1;
        inner.catch_up();
        let percent = inner.faults;
        let fate = if inner.random.chance(percent) {
            FATES[inner.random.below(FATES.len() as u64) as usize]
        } else {
            Fate::Fine
        };
        let failure = |kind, effect| Failure {
            kind,
            effect,
            message: "the network".into(),
            request: request.to_owned(),
        };
        let lost = failure(FailureKind::Lost, Effect::Unknown);
        let answer = match fate {
            Fate::Unreachable => return Err(failure(FailureKind::Unreachable, Effect::None)),
            Fate::LostBefore => return Err(lost),
            Fate::LostAfter => {
                inner.execute(&asked, Again::No);
                return Err(lost);
            }
            Fate::Late => {
                let due = inner.now + 1 + inner.random.below(LONGEST as u64) as i64;
                inner.late.push((due, asked));
                inner.now += 120;
                return Err(failure(FailureKind::Timeout, Effect::Unknown));
            }
            Fate::Doubled => {
                let first = inner.execute(&asked, Again::No);
                let second = inner.execute(&asked, Again::Doubled);
                if inner.random.chance(50) {
                    first
                } else {
                    second
                }
            }
            Fate::Slow => {
                inner.now += inner.random.below(100) as i64;
                inner.execute(&asked, Again::No)
            }
            Fate::Cut => {
                let (status, body) = inner.execute(&asked, Again::No);
                let cut = inner.random.below(body.len().max(1) as u64) as usize;
                (status, body[..cut].to_vec())
            }
            Fate::Garbage => {
                inner.execute(&asked, Again::No);
                (200, b"\x00\xff{{".to_vec())
            }
            Fate::Page(status) => (status, b"<html>We are down for maintenance</html>".to_vec()),
            Fate::Refused(status, code, message) => {
                let body = json!([{"errorCode": code, "message": message}]);
                (status, body.to_string().into_bytes())
            }
            Fate::Fine => inner.execute(&asked, Again::No),
        };
        Ok(reply(answer, inner.now, request))
    }
}

fn reply((status, body): (u16, Vec<u8>), now: i64, request: &str) -> Reply {
    let at = Timestamp::from_second(now).unwrap();
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let date = printer.timestamp_to_rfc9110_string(&at).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("date", HeaderValue::from_str(&date).unwrap());
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: Bytes::from(body),
        request: request.to_owned(),
    }
}

/// Whether the network sent it a second time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    No,
    Doubled,
}

impl Inner {
    fn catch_up(&mut self) {
        self.late.sort_by_key(|(due, _)| *due);
        while let Some(at) = self.late.iter().position(|(due, _)| *due <= self.now) {
            let (_, request) = self.late.remove(at);
            self.execute(&request, Again::No);
        }
    }

    fn execute(&mut self, request: &Request, again: Again) -> (u16, Vec<u8>) {
        let path = request.path.rsplit("/v67.0/").next().unwrap();
        let json = match (request.method.as_str(), path) {
            ("POST", "composite/sobjects") => self.create(&request.body, again),
            ("PATCH", "composite/sobjects") => self.update(&request.body, again),
            ("POST", "composite") => self.guarded(&request.body, again),
            ("POST", "composite/sobjects/Lead") => self.rows(&request.body),
            ("GET", "queryAll/") => self.find(&request.query),
            other => panic!("{other:?}"),
        };
        (200, json.to_string().into_bytes())
    }

    fn note(&mut self, text: &str, again: Again) {
        // The mark is the last word; what stands before it was there already.
        let mark = text.rsplit(' ').next().unwrap().to_owned();
        let executed = self.executed.entry(mark).or_default();
        executed.times += 1;
        executed.sent_twice |= again == Again::Doubled;
        executed.doubled += u32::from(again == Again::Doubled);
    }

    fn create(&mut self, body: &Json, again: Again) -> Json {
        let results = body["records"].as_array().unwrap().iter().map(|record| {
            let text = record["LastName"].as_str().unwrap().to_owned();
            self.note(&text, again);
            let id = format!("00Q{:012}", self.next);
            self.next += 1;
            let key = record["Email"].as_str().unwrap().to_owned();
            let stamp = self.now;
            self.records.insert(id.clone(), Record { key, text, stamp });
            json!({"id": id, "success": true, "errors": []})
        });
        results.collect()
    }

    fn set(&mut self, id: &str, text: &str, again: Again) {
        self.note(text, again);
        let now = self.now;
        let record = self.records.get_mut(&id[..15]).unwrap();
        record.text = text.to_owned();
        record.stamp = now;
    }

    fn update(&mut self, body: &Json, again: Again) -> Json {
        let results = body["records"].as_array().unwrap().iter().map(|record| {
            let id = record["Id"].as_str().unwrap();
            self.set(id, record["LastName"].as_str().unwrap(), again);
            json!({"id": id, "success": true, "errors": []})
        });
        results.collect()
    }

    fn guarded(&mut self, body: &Json, again: Again) -> Json {
        let parts = body["compositeRequest"].as_array().unwrap().iter().map(|part| {
            let id = part["url"].as_str().unwrap().rsplit('/').next().unwrap();
            let since = part["httpHeaders"]["If-Unmodified-Since"].as_str().unwrap();
            let since = jiff::fmt::rfc2822::DateTimeParser::new()
                .parse_timestamp(since)
                .unwrap();
            let text = part["body"]["LastName"].as_str().unwrap();
            let (status, answer) = if self.records[&id[..15]].stamp > since.as_second() {
                let mark = text.rsplit(' ').next().unwrap().to_owned();
                self.executed.entry(mark).or_default().sent_twice |= again == Again::Doubled;
                let code = json!([{"errorCode": "PRECONDITION_FAILED", "message": "modified"}]);
                (412, code)
            } else {
                self.set(id, text, again);
                (204, Json::Null)
            };
            json!({"body": answer, "httpHeaders": {}, "httpStatusCode": status, "referenceId": part["referenceId"]})
        });
        let parts: Json = parts.collect();
        json!({ "compositeResponse": parts })
    }

    fn row(id: &str, record: &Record) -> Json {
        let at = Timestamp::from_second(record.stamp).unwrap();
        let at = at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string();
        json!({
            "attributes": {"type": "Lead"}, "Id": id, "LastName": record.text,
            "Email": record.key, "SystemModstamp": at, "LastModifiedDate": at, "IsDeleted": false,
        })
    }

    fn rows(&self, body: &Json) -> Json {
        let ids = body["ids"].as_array().unwrap().iter();
        let row = |id: &Json| {
            let id = &id.as_str().unwrap()[..15];
            Self::row(id, &self.records[id])
        };
        ids.map(row).collect()
    }

    fn find(&self, soql: &str) -> Json {
        let wanted = soql.split('\'').nth(1).unwrap();
        let found = self.records.iter().filter(|(_, r)| r.key == wanted);
        let rows: Vec<Json> = found.map(|(id, r)| Self::row(id, r)).collect();
        json!({"totalSize": rows.len(), "done": true, "records": rows})
    }
}
