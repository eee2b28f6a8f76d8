//! What the API says of itself: versions, resources, limits, counts (salesforce-api 2.1, 2.8).

use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Map, Value as Json, json};

use super::{Call, Reply, rest::Context};
use crate::sandbox::{bulk::Sort, fail::Fail, org::Org, schema::Kind, value::Ref};

const OLDEST: u16 = 31;
/// The newest version.
pub const NEWEST: u16 = 68;
/// Below it versions are deprecated, unless the org was told otherwise.
const SUPPORTED: u16 = 41;

/// From which version on the API answers, and from which on it does so without a warning.
#[derive(Debug)]
pub struct Support {
    oldest: AtomicU16,
    supported: AtomicU16,
}

impl Default for Support {
    fn default() -> Self {
        Self {
            oldest: AtomicU16::new(OLDEST),
            supported: AtomicU16::new(SUPPORTED),
        }
    }
}

impl Support {
    /// Retires what is older than one version, and warns of what is older than another.
    pub fn set(&self, oldest: u16, supported: u16) {
        self.oldest.store(oldest.max(OLDEST), Ordering::Relaxed);
        self.supported.store(supported, Ordering::Relaxed);
    }

    fn oldest(&self) -> u16 {
        self.oldest.load(Ordering::Relaxed)
    }

    /// What an answer of a deprecated version says.
    pub fn warning(&self, number: u16) -> Option<&'static str> {
        (number < self.supported.load(Ordering::Relaxed)).then_some(
            "299 - \"This API version is deprecated and will be retired in Summer '28.\"",
        )
    }
}

const NAMES: [&str; 38] = [
    "31.0", "32.0", "33.0", "34.0", "35.0", "36.0", "37.0", "38.0", "39.0", "40.0", "41.0", "42.0",
    "43.0", "44.0", "45.0", "46.0", "47.0", "48.0", "49.0", "50.0", "51.0", "52.0", "53.0", "54.0",
    "55.0", "56.0", "57.0", "58.0", "59.0", "60.0", "61.0", "62.0", "63.0", "64.0", "65.0", "66.0",
    "67.0", "68.0",
];

/// The version a path names.
pub fn version(support: &Support, segment: &str) -> Result<&'static str, Fail> {
    if segment == "latest" {
        return Ok(NAMES[NAMES.len() - 1]);
    }
    let number = segment
        .strip_prefix('v')
        .and_then(|v| v.strip_suffix(".0"))
        .and_then(|n| n.parse::<u16>().ok());
    let oldest = support.oldest();
    match number {
        Some(n) if (oldest..=NEWEST).contains(&n) => Ok(NAMES[usize::from(n - OLDEST)]),
        Some(n) if (7..oldest).contains(&n) => Err(Fail::new(
            "GONE",
            "The requested version has been retired. Please use a supported version.",
        )
        .status(410)),
        _ => Err(Fail::not_found()),
    }
}

/// `GET /services/data/`
pub fn versions(support: &Support) -> Reply {
    let list: Vec<Json> = NAMES
        .iter()
        .zip(OLDEST..)
        .filter(|(_, n)| *n >= support.oldest())
        .map(|(version, n)| {
            // 31 is Summer '14; three releases a year: Spring, Summer, Winter.
            let season = ["Summer", "Winter", "Spring"][usize::from(n - 31) % 3];
            let year = 14 + (n - 31).div_ceil(3);
            json!({"label": format!("{season} '{year}"), "url": format!("/services/data/v{version}"), "version": version})
        })
        .collect();
    Reply::json(200, &Json::Array(list))
}

/// The resources of a version.
const RESOURCES: [&str; 10] = [
    "composite",
    "jobs",
    "limits",
    "parameterizedSearch",
    "query",
    "queryAll",
    "recent",
    "search",
    "sobjects",
    "tabs",
];

/// `GET /services/data/vXX.X/`
pub fn resources(context: &Context<'_>) -> Reply {
    let base = format!("/services/data/v{}", context.version);
    let mut map = Map::new();
    for name in RESOURCES {
        map.insert(name.to_owned(), json!(format!("{base}/{name}")));
    }
    let org = context.server.options.org_id();
    map.insert(
        "identity".into(),
        json!(format!(
            "{}/id/{org}/{}",
            context.server.url(),
            context.user
        )),
    );
    Reply::json(200, &Json::Object(map))
}

/// `GET /limits`
pub fn limits(context: &Context<'_>, org: &Org) -> Reply {
    let (used, max) = context.server.allowance.state();
    let queries = context.server.jobs().count(Sort::Query) as u64;
    let entry = |max: u64, used: u64| json!({"Max": max, "Remaining": max.saturating_sub(used)});
    Reply::json(
        200,
        &json!({
            "DailyApiRequests": entry(max, used),
            "DailyBulkApiBatches": entry(15_000, 0),
            "DailyBulkV2QueryFileStorageMB": entry(976_562, 0),
            "DailyBulkV2QueryJobs": entry(10_000, queries),
            "DataStorageMB": entry(org.storage_mb, org.data_mb()),
            "FileStorageMB": entry(1024, files_mb(org)),
            "HourlyPublishedPlatformEvents": entry(50_000, 0),
            "SingleEmail": entry(5000, 0),
        }),
    )
}

/// Megabytes of files.
fn files_mb(org: &Org) -> u64 {
    let mut bytes = 0;
    for (ix, object) in org.schema.each() {
        let blobs = object.each().filter(|(_, f)| f.kind == Kind::Base64);
        for (blob, _) in blobs {
            let sizes = org.table(ix).each().map(|(_, r)| match r.cell(blob) {
                Ref::Bytes(bytes) => bytes.len() as u64,
                _ => 0,
            });
            bytes += sizes.sum::<u64>();
        }
    }
    bytes >> 20
}

/// `GET /limits/recordCount`
pub fn record_count(org: &Org, call: &Call) -> Reply {
    let wanted: Vec<&str> = call
        .param("sObjects")
        .map(|l| l.split(',').map(str::trim).collect())
        .unwrap_or_default();
    let list: Vec<Json> = org
        .schema
        .each()
        .filter(|(_, o)| {
            wanted.is_empty() || wanted.iter().any(|w| w.eq_ignore_ascii_case(&o.name))
        })
        .map(|(ix, o)| json!({"count": org.table(ix).live(), "name": o.name}))
        .collect();
    Reply::json(200, &json!({"sObjects": list}))
}
