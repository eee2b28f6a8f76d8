//! The sandbox org by itself: how soon it is ready, what it holds, and how fast a plain client
//! reads its pages. The org must never be the slow part of the other figures.

use std::time::Instant;

use serde_json::Value as Json;
use syncdeck::sandbox::{self, Approval, Options, Seed};
use tokio::runtime::Runtime;

use super::figure::{self, Peak};
use super::world::leads;

/// Records of a page.
const PAGE: usize = 2000;
/// Fields as a sync reads them.
const QUERY: &str = "SELECT Id, Name, Email, Phone, Company, Title, Status, LeadSource, Description, OwnerId, SystemModstamp FROM Lead ORDER BY SystemModstamp, Id";

#[divan::bench(sample_count = 1, sample_size = 1)]
fn query_pages(bencher: divan::Bencher<'_, '_>) {
    bencher.bench_local(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = Runtime::new().unwrap();
        let (peak, began) = (Peak::start(), Instant::now());
        let options = Options {
            seed: Seed::Demo {
                leads: leads(),
                number: 42,
            },
            approval: Approval::Automatic,
            ..Options::default()
        };
        let org = runtime.block_on(sandbox::serve(options)).unwrap();
        figure::note(format!(
            "org: ready with {} leads in {:.2?}, {} MiB",
            leads(),
            began.elapsed(),
            peak.above()
        ));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let info = org.info();
        let get = |path: &str| {
            let request = client.get(format!("{}{path}", info.instance_url));
            let request = request.bearer_auth(&info.access_token);
            runtime.block_on(async { request.send().await.unwrap().bytes().await.unwrap() })
        };
        let text: String = url::form_urlencoded::byte_serialize(QUERY.as_bytes()).collect();
        let first: Json =
            serde_json::from_slice(&get(&format!("/services/data/v67.0/query?q={text}"))).unwrap();
        let total = first["totalSize"].as_u64().unwrap() as usize;
        let Some((locator, _)) = first["nextRecordsUrl"]
            .as_str()
            .and_then(|next| next.rsplit_once('-'))
        else {
            return;
        };
        let (began, processor) = (Instant::now(), figure::processor());
        let bytes: usize = (PAGE..total)
            .step_by(PAGE)
            .map(|at| get(&format!("{locator}-{at}")).len())
            .sum();
        let (took, read) = (began.elapsed(), total - PAGE);
        figure::note(format!(
            "org: {read} records in pages of {PAGE}: {:.0} records/s, {} bytes each, {:.2} s of \
             processor with the client",
            read as f64 / took.as_secs_f64(),
            bytes / read,
            figure::processor() - processor
        ));
        runtime.block_on(org.shutdown());
    });
}
