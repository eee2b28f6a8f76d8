//! Jobs of Bulk 2.0 against the sandbox org.

use std::collections::BTreeMap;

use syncdeck::crm::bulk::{
    JobId, JobKind, JobPhase, JobResult, JobState, JobWrite, Jobs as _, gone,
};
use syncdeck::crm::{Crm as _, Effect, UpdateRow, WriteResult};
use syncdeck::sandbox::Pace;

use super::org::{Cursors, Org, applied, options};
use super::*;

/// Asks until a job is over; the state always comes.
async fn over(org: &Org, kind: JobKind, job: &JobId) -> JobState {
    loop {
        let state = org.client.job_state(kind, job).await.unwrap();
        match state.phase {
            JobPhase::Open | JobPhase::Working => tokio::task::yield_now().await,
            _ => return state,
        }
    }
}

fn query(object: &Arc<ObjectInfo>) -> ChangeQuery {
    // Every field there is, so that every kind is compared.
    let fields = object.fields.keys();
    ChangeQuery {
        object: Arc::clone(object),
        fields: fields.filter(|f| f.as_str() != "Id").cloned().collect(),
        since: None,
        after: None,
        until: None,
        matching: None,
    }
}

#[tokio::test]
async fn a_job_reads_the_same_records_as_pages() {
    let org = Org::start(options()).await;
    let odd = json!({"LastName": "Ng, \"W\"\r\n\u{202e}🦊", "Description": "two\n\nlines,\"quoted\"", "Website": "#N/A"});
    let first = org.control().query("SELECT Id FROM Lead LIMIT 1").unwrap();
    let id = first["records"][0]["Id"].as_str().unwrap().to_owned();
    let control = org.control();
    let change = odd.as_object().unwrap();
    control
        .update(syncdeck::sandbox::By::Colleague, &id, change)
        .unwrap();
    for name in ["Lead", "Opportunity"] {
        let object = org.client.describe(&ObjectName::new(name)).await.unwrap();
        let object = Arc::new(object);
        let mut query = query(&object);
        let pages = org.read_all(&mut query, Cursors::Stay).await;

        let job = org.client.start_read(&query).await.unwrap();
        let state = over(&org, JobKind::Read, &job).await;
        assert_eq!(state.phase, JobPhase::Done);
        assert_eq!(state.processed, pages.len() as u64);
        let (mut rows, mut next, mut parts) = (Vec::new(), None, 0);
        loop {
            let part = org
                .client
                .read_rows(&query, &job, next.as_ref(), 700)
                .await
                .unwrap();
            assert!(part.rows.len() <= 700);
            rows.extend(part.rows);
            parts += 1;
            next = part.next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(parts, pages.len().div_ceil(700));
        let by_id = |rows: Vec<_>| -> BTreeMap<CrmId, syncdeck::crm::CrmRow> {
            rows.into_iter()
                .map(|row: syncdeck::crm::CrmRow| (row.id, row))
                .collect()
        };
        let (pages, rows) = (by_id(pages), by_id(rows));
        assert_eq!(pages.len(), rows.len());
        for (id, row) in &pages {
            assert_eq!(Some(row), rows.get(id));
        }

        org.client.remove(JobKind::Read, &job).await.unwrap();
        let error = org.client.job_state(JobKind::Read, &job).await.unwrap_err();
        assert!(gone(&error), "{error}");
        let error = org.client.read_rows(&query, &job, None, 10).await;
        assert!(gone(&error.unwrap_err()));
    }
}

#[tokio::test]
async fn a_broken_page_of_a_result_is_read_again() {
    let org = Org::start(options()).await;
    let query = query(&Arc::new(org.lead().await));
    let job = org.client.start_read(&query).await.unwrap();
    over(&org, JobKind::Read, &job).await;
    let total = org.total("Lead");
    for kind in ["truncate", "drop_after"] {
        org.inject(json!({"kind": kind, "path": "/results", "times": 1}));
        let calls = org.client.calls();
        let rows = org.client.read_rows(&query, &job, None, 10_000).await;
        assert_eq!(rows.unwrap().rows.len(), total, "{kind}");
        assert_eq!(org.client.calls() - calls, 2, "{kind}");
    }
}

fn key() -> FieldName {
    FieldName::new("Syncdeck_Key__c")
}

fn new_lead(n: usize, company: &str) -> Fields {
    let key = format!("bulk-{n}");
    let name = format!("Lead \"{n}\",\n🦊");
    fields(&[
        ("LastName", &name),
        ("Company", company),
        ("Syncdeck_Key__c", &key),
    ])
}

#[tokio::test]
async fn a_job_writes_and_tells_of_every_record() {
    let org = Org::start(syncdeck::sandbox::Options::bare()).await;
    let object = org.lead().await;
    let mut rows: Vec<Fields> = (0..450).map(|n| new_lead(n, "Acme")).collect();
    rows[7].remove("Company");
    let key = key();
    let write = JobWrite::Create(&key, &rows);
    let job = org.client.open_write(&object, write).await.unwrap();
    let open = org.client.job_state(JobKind::Write, &job).await.unwrap();
    assert_eq!(open.phase, JobPhase::Open);
    assert_eq!(org.total("Lead"), 0, "nothing before it is released");
    org.client
        .release_write(permit(450), &object, &job, write)
        .await
        .unwrap();
    let done = over(&org, JobKind::Write, &job).await;
    assert_eq!((done.processed, done.failed), (450, 1));
    let results = org.client.results(&object, &job, write).await.unwrap();
    assert_eq!(org.total("Lead"), 449);
    let mut ids = Vec::new();
    for (at, result) in results.iter().enumerate() {
        match result {
            JobResult::Told(WriteResult::Refused(error)) if at == 7 => {
                assert_eq!(error.code, "REQUIRED_FIELD_MISSING");
                assert_eq!(error.fields[..], [FieldName::new("Company")]);
            }
            JobResult::Told(result) => ids.push((at, applied(result))),
            JobResult::NotReached => panic!("{at}"),
        }
    }
    let some: Vec<CrmId> = ids.iter().map(|(_, id)| *id).take(20).collect();
    let names = [FieldName::new("LastName"), key.clone()];
    let got = org.client.retrieve(&object, &some, &names).await.unwrap();
    for ((at, _), row) in ids.iter().zip(got.rows) {
        assert_eq!(row.unwrap().fields[&key], Value::Text(format!("bulk-{at}")));
    }

    let changes: Vec<UpdateRow> = ids
        .iter()
        .map(|(at, id)| UpdateRow {
            id: *id,
            fields: fields(&[("Title", &format!("T{at}")), ("Company", "")]),
        })
        .collect();
    // A required field cannot be cleared; an empty text is a null, not "leave it".
    let write = JobWrite::Update(&changes[..3]);
    let results = run(&org, &object, write).await;
    assert!(results.iter().all(
        |r| matches!(r, JobResult::Told(WriteResult::Refused(e)) if e.code == "REQUIRED_FIELD_MISSING")
    ));
    let changes: Vec<UpdateRow> = ids
        .iter()
        .map(|(at, id)| UpdateRow {
            id: *id,
            fields: fields(&[("Title", &format!("T{at}"))]),
        })
        .collect();
    let results = run(&org, &object, JobWrite::Update(&changes)).await;
    assert!(
        results
            .iter()
            .all(|r| matches!(r, JobResult::Told(WriteResult::Applied(_))))
    );

    let rows = [new_lead(3, "Other"), new_lead(999, "Other")];
    run(&org, &object, JobWrite::Upsert(&key, &rows)).await;
    assert_eq!(org.total("Lead"), 450);
}

async fn run(org: &Org, object: &ObjectInfo, write: JobWrite<'_>) -> Vec<JobResult> {
    let job = org.client.open_write(object, write).await.unwrap();
    org.client
        .release_write(permit(write.len()), object, &job, write)
        .await
        .unwrap();
    over(org, JobKind::Write, &job).await;
    let results = org.client.results(object, &job, write).await.unwrap();
    org.client.remove(JobKind::Write, &job).await.unwrap();
    results
}

#[tokio::test]
async fn after_a_lost_answer_the_job_says_what_happened() {
    let org = Org::start(syncdeck::sandbox::Options::bare()).await;
    let object = org.lead().await;
    let rows: Vec<Fields> = (0..3).map(|n| new_lead(n, "Acme")).collect();
    let key = key();
    let write = JobWrite::Create(&key, &rows);

    // The release is executed, its answer lost: asked for nothing a second time.
    let job = org.client.open_write(&object, write).await.unwrap();
    org.inject(
        json!({"kind": "drop_after", "method": "PATCH", "path": "/jobs/ingest", "times": 1}),
    );
    let lost = org.client.release_write(permit(3), &object, &job, write);
    assert_eq!(lost.await.unwrap_err().effect, Effect::Unknown);
    let state = over(&org, JobKind::Write, &job).await;
    assert_eq!((state.phase, state.processed), (JobPhase::Done, 3));
    let results = org.client.results(&object, &job, write).await.unwrap();
    assert_eq!(results.len(), 3);
    assert_eq!(org.total("Lead"), 3);

    // The upload is lost: no record is touched, and the job can be given up.
    let rows: Vec<Fields> = (10..13).map(|n| new_lead(n, "Acme")).collect();
    let write = JobWrite::Create(&key, &rows);
    let job = org.client.open_write(&object, write).await.unwrap();
    org.inject(json!({"kind": "drop_after", "method": "PUT", "path": "/batches", "times": 1}));
    let lost = org.client.release_write(permit(3), &object, &job, write);
    assert_eq!(lost.await.unwrap_err().effect, Effect::None);
    org.client.abort(JobKind::Write, &job).await.unwrap();
    assert_eq!(
        over(&org, JobKind::Write, &job).await.phase,
        JobPhase::Aborted
    );
    assert_eq!(org.total("Lead"), 3);
    let results = org.client.results(&object, &job, write).await;
    // The org never took the rows up, so its lists are empty: no record has a result.
    assert_eq!(results.unwrap_err().code, "row_count");

    // A job that waits is given up before it begins.
    org.control().hold_jobs(Pace::Held);
    let job = org.client.open_write(&object, write).await.unwrap();
    org.client
        .release_write(permit(3), &object, &job, write)
        .await
        .unwrap();
    let state = org.client.job_state(JobKind::Write, &job).await.unwrap();
    assert_eq!(state.phase, JobPhase::Working);
    org.client.abort(JobKind::Write, &job).await.unwrap();
    org.control().hold_jobs(Pace::AtOnce);
    assert_eq!(org.total("Lead"), 3);
}

#[tokio::test]
async fn more_than_permitted_never_leaves() {
    let org = Org::start(syncdeck::sandbox::Options::bare()).await;
    let object = org.lead().await;
    let rows: Vec<Fields> = (0..3).map(|n| new_lead(n, "Acme")).collect();
    let key = key();
    let write = JobWrite::Create(&key, &rows);
    let job = org.client.open_write(&object, write).await.unwrap();
    let calls = org.client.calls();
    let error = org
        .client
        .release_write(permit(2), &object, &job, write)
        .await
        .unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.effect),
        ("not_sent", Effect::None)
    );
    assert_eq!(org.client.calls(), calls);
}
