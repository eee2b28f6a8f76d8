//! Jobs that write: records as CSV, and what became of each (salesforce-api 6.1).
//!
//! A job is made, filled and released; until the release it touches no record. Invariant: every
//! record has exactly one result, found by the value that tells it apart.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use futures::FutureExt;
use http::Method;
use serde_json::json;

use super::super::super::bulk::{JobId, JobKind, JobResult, JobWrite, NULL};
use super::super::super::error::{CrmError, Effect};
use super::super::super::transport::Incoming;
use super::super::super::{WritePermit, WriteResult};
use super::super::Salesforce;
use super::super::call::Call;
use super::super::errors::{Intent, not_sent, of_row};
use super::super::wire::plain;
use super::super::{soql, write};
use super::{Unfit, does_not_fit, read_csv, sheets};
use crate::domain::id::{CrmId, FieldName};
use crate::domain::schema::ObjectInfo;
use crate::domain::value::{FieldKind, Fields};

/// Bytes of an upload: 150 MB as base64 (salesforce-api 6.1).
const MAX_UPLOAD: usize = 100_000_000;

/// Whose result it is, what became of it.
type Told = (usize, JobResult);

impl Salesforce {
    pub(super) async fn make_ingest(
        &self,
        object: &ObjectInfo,
        write: JobWrite<'_>,
    ) -> Result<JobId, CrmError> {
        let mut body = json!({
            "object": soql::name(object.name.as_str())?,
            "operation": match write {
                JobWrite::Create(..) => "insert",
                JobWrite::Update(_) => "update",
                JobWrite::Upsert(..) => "upsert",
            },
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        });
        if let JobWrite::Upsert(key, _) = write {
            body["externalIdFieldName"] = json!(soql::name(key.as_str())?);
        }
        self.make_job(JobKind::Write, &body).await
    }

    /// Fills a job and releases it. An error with effect `None`: no record was or will be touched
    /// unless the job is released later.
    pub(super) async fn upload(
        &self,
        permit: WritePermit,
        object: &ObjectInfo,
        job: &JobId,
        write: JobWrite<'_>,
    ) -> Result<(), CrmError> {
        if write.len() > permit.records() {
            let text = format!(
                "{} records, permitted are {}",
                write.len(),
                permit.records()
            );
            return Err(not_sent(text));
        }
        let call = Call {
            headers: &[("content-type", "text/csv; charset=UTF-8")],
            ..Call::with_body(
                Method::PUT,
                self.job_path(JobKind::Write, job, "/batches"),
                sheet(object, write)?,
            )
        };
        // Not repeated when it is lost: a job takes one upload. Nothing is executed by it.
        self.call(&call, Intent::Write, |_| Ok(()))
            .await
            .map_err(|error| CrmError {
                effect: Effect::None,
                ..error
            })?;
        self.set_state(JobKind::Write, job, "UploadComplete", Intent::Write)
            .await
    }

    pub(super) async fn ingest_results(
        &self,
        object: &ObjectInfo,
        job: &JobId,
        write: JobWrite<'_>,
    ) -> Result<Vec<JobResult>, CrmError> {
        let rows = &Rows::of(object, write)?;
        let mut results: Vec<Option<JobResult>> = vec![None; write.len()];
        for set in [Set::Successful, Set::Failed, Set::Unprocessed] {
            let call = Call {
                headers: &[("accept", "text/csv")],
                ..Call::get(self.job_path(JobKind::Write, job, set.path()))
            };
            let told = self
                .stream(&call, |incoming| read_set(set, rows, incoming).boxed())
                .await?;
            for (at, result) in told {
                match results.get_mut(at) {
                    Some(place @ None) => *place = Some(result),
                    _ => return Err(does_not_fit("a record with two results")),
                }
            }
        }
        let whole: Option<Vec<JobResult>> = results.into_iter().collect();
        whole.ok_or_else(|| does_not_fit("a record without a result"))
    }
}

/// One of the three lists of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Successful,
    Failed,
    Unprocessed,
}

impl Set {
    fn path(self) -> &'static str {
        match self {
            Self::Successful => "/successfulResults",
            Self::Failed => "/failedResults",
            Self::Unprocessed => "/unprocessedrecords",
        }
    }
}

async fn read_set(set: Set, rows: &Rows, mut incoming: Incoming) -> Result<Vec<Told>, CrmError> {
    let request = incoming.request().to_owned();
    let mut list = List {
        set,
        rows,
        request,
        columns: None,
        told: Vec::new(),
    };
    read_csv(&mut incoming, |record| list.take(record)).await?;
    Ok(list.told)
}

/// A list of results while it comes.
struct List<'r> {
    set: Set,
    rows: &'r Rows,
    request: String,
    columns: Option<Columns>,
    told: Vec<Told>,
}

struct Columns {
    /// Missing in a list of a job that took no record up.
    key: Option<usize>,
    id: Option<usize>,
    error: Option<usize>,
}

impl List<'_> {
    fn take(&mut self, record: sheets::Record<'_>) -> Result<(), Unfit> {
        let Some(columns) = &self.columns else {
            let place = |name: &str| record.iter().position(|column| column == name);
            self.columns = Some(Columns {
                key: place(&self.rows.column),
                id: place("sf__Id"),
                error: place("sf__Error"),
            });
            return Ok(());
        };
        if self.told.len() == self.rows.places.len() {
            return Err("more results than records".into());
        }
        let key = columns.key.ok_or("a result without its key")?;
        let at = self.rows.place(record.get(key));
        let at = at.ok_or("a result of a record that was not sent")?;
        let result = match self.set {
            Set::Unprocessed => JobResult::NotReached,
            Set::Failed => {
                let said = columns.error.map_or("", |at| record.get(at));
                JobResult::Told(WriteResult::Refused(refusal(said, &self.request)))
            }
            Set::Successful => {
                let id = columns.id.map_or("", |at| record.get(at));
                let id: CrmId = id.parse().map_err(|_| "a success without an id")?;
                if self.rows.ids.get(at).is_some_and(|sent| *sent != id) {
                    return Err("a success of another record".into());
                }
                JobResult::Told(WriteResult::Applied(id))
            }
        };
        self.told.push((at, result));
        Ok(())
    }
}

/// `CODE:message:fields --`. The message may hold colons, the code and the fields do not.
fn refusal(said: &str, request: &str) -> CrmError {
    let said = said.trim_end();
    let said = said.strip_suffix("--").unwrap_or(said).trim_end();
    let (code, rest) = said.split_once(':').unwrap_or((said, ""));
    let (message, fields) = rest.rsplit_once(':').unwrap_or((rest, ""));
    let fields: Vec<&str> = fields.split(',').map(str::trim).collect();
    let fields: Vec<&str> = fields.into_iter().filter(|f| !f.is_empty()).collect();
    let error = json!([{ "statusCode": code, "message": message, "fields": fields }]);
    of_row(&error, 200, request)
}

/// What tells the records of a job apart.
struct Rows {
    column: String,
    places: HashMap<String, usize>,
    /// Ids of changed records, in order.
    ids: Vec<CrmId>,
}

impl Rows {
    fn of(object: &ObjectInfo, write: JobWrite<'_>) -> Result<Self, CrmError> {
        let (column, keys, ids): (_, Vec<Option<String>>, _) = match write {
            JobWrite::Create(key, rows) | JobWrite::Upsert(key, rows) => {
                let kind = kind(object, key);
                let keys = rows.iter().map(|row| plain(kind, row.get(key)?));
                (key.as_str(), keys.collect(), Vec::new())
            }
            JobWrite::Update(rows) => {
                let ids: Vec<CrmId> = rows.iter().map(|row| row.id).collect();
                let keys = ids.iter().map(|id| Some(id.to_string()));
                ("Id", keys.collect(), ids)
            }
        };
        let mut places = HashMap::with_capacity(keys.len());
        for (at, key) in keys.into_iter().enumerate() {
            let key = key.ok_or_else(|| not_sent("a record without its key"))?;
            if places.insert(key, at).is_some() {
                return Err(not_sent("two records with the same key"));
            }
        }
        Ok(Self {
            column: column.to_owned(),
            places,
            ids,
        })
    }

    /// The record with a key. An id may come back in its long form.
    fn place(&self, key: &str) -> Option<usize> {
        self.places.get(key).copied().or_else(|| {
            let id: CrmId = key.parse().ok()?;
            self.places.get(id.as_str()).copied()
        })
    }
}

fn kind(object: &ObjectInfo, field: &FieldName) -> FieldKind {
    object
        .field(field.as_str())
        .map_or(FieldKind::Text, |f| f.kind)
}

/// The records as CSV: one column per field that any of them has; empty leaves a field as it is.
fn sheet(object: &ObjectInfo, write: JobWrite<'_>) -> Result<Bytes, CrmError> {
    // The keys are checked before anything is sent, so that every result can be matched.
    Rows::of(object, write)?;
    let rows: Vec<(Option<CrmId>, &Fields)> = match write {
        JobWrite::Create(_, rows) | JobWrite::Upsert(_, rows) => {
            rows.iter().map(|fields| (None, fields)).collect()
        }
        JobWrite::Update(rows) => rows.iter().map(|r| (Some(r.id), &r.fields)).collect(),
    };
    let mut columns: BTreeSet<&FieldName> = BTreeSet::new();
    for (_, fields) in &rows {
        write::check_names(object, fields)?;
        columns.extend(fields.keys());
    }
    let with_id = matches!(write, JobWrite::Update(_)).then_some("Id");
    let mut out = Vec::new();
    sheets::line(
        &mut out,
        with_id
            .into_iter()
            .chain(columns.iter().map(|c| c.as_str())),
    );
    for (id, fields) in rows {
        let mut texts = Vec::with_capacity(columns.len() + 1);
        texts.extend(id.map(|id| id.to_string()));
        for column in &columns {
            texts.push(match fields.get(*column) {
                None => String::new(),
                Some(value) => match plain(kind(object, column), value) {
                    Some(text) if text == NULL => {
                        return Err(not_sent("a text that stands for null in a job"));
                    }
                    Some(text) if !text.is_empty() => text,
                    // Empty would leave the field as it is.
                    _ => NULL.to_owned(),
                },
            });
        }
        sheets::line(&mut out, texts.iter().map(String::as_str));
        if out.len() > MAX_UPLOAD {
            return Err(not_sent("more than a job can take"));
        }
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::super::UpdateRow;
    use super::super::super::super::error::ErrorClass;
    use super::super::super::rows::tests::lead;
    use super::*;
    use crate::domain::value::Value;

    fn fields(values: &[(&str, Value)]) -> Fields {
        let values = values.iter().cloned();
        values.map(|(name, value)| (name.into(), value)).collect()
    }

    fn key() -> FieldName {
        "Email".into()
    }

    fn two() -> [Fields; 2] {
        [
            fields(&[("Email", "a@x".into()), ("LastName", "A, \"B\"\nC".into())]),
            fields(&[("Email", "b@x".into()), ("AnnualRevenue", Value::Null)]),
        ]
    }

    fn take(set: Set, rows: &Rows, data: &[u8]) -> Result<Vec<Told>, String> {
        let mut list = List {
            set,
            rows,
            request: "r".into(),
            columns: None,
            told: Vec::new(),
        };
        let mut reader = sheets::Reader::default();
        reader
            .take(data, |record| list.take(record))
            .map_err(|Unfit(what)| what)?;
        reader.finish().map_err(|error| error.to_string())?;
        Ok(list.told)
    }

    #[test]
    fn what_is_sent() {
        let rows = two();
        let out = sheet(&lead(), JobWrite::Create(&key(), &rows)).unwrap();
        assert_eq!(
            std::str::from_utf8(&out).unwrap(),
            "\"AnnualRevenue\",\"Email\",\"LastName\"\n\
             \"\",\"a@x\",\"A, \"\"B\"\"\nC\"\n\
             \"#N/A\",\"b@x\",\"\"\n"
        );
        let update = [UpdateRow {
            id: "00Qx000000KTaQq".parse().unwrap(),
            fields: fields(&[("LastName", "X".into())]),
        }];
        let out = sheet(&lead(), JobWrite::Update(&update)).unwrap();
        assert_eq!(
            &out[..],
            b"\"Id\",\"LastName\"\n\"00Qx000000KTaQqEAL\",\"X\"\n"
        );
    }

    #[test]
    fn what_a_job_cannot_carry_is_not_sent() {
        let sent = |rows: &[Fields]| sheet(&lead(), JobWrite::Create(&key(), rows));
        for rows in [
            vec![fields(&[
                ("Email", "a@x".into()),
                ("LastName", "#N/A".into()),
            ])],
            vec![fields(&[("LastName", "no key".into())])],
            vec![two()[0].clone(), two()[0].clone()],
            vec![fields(&[("Email", "a@x".into()), ("Id", "x".into())])],
        ] {
            assert_eq!(sent(&rows).unwrap_err().code, "not_sent", "{rows:?}");
        }
        let one = UpdateRow {
            id: "00Qx000000KTaQq".parse().unwrap(),
            fields: Fields::new(),
        };
        assert!(sheet(&lead(), JobWrite::Update(&[one.clone(), one])).is_err());
    }

    #[test]
    fn results_are_told_apart_by_their_key() {
        let rows = two();
        let rows = Rows::of(&lead(), JobWrite::Create(&key(), &rows)).unwrap();
        let good =
            b"\"sf__Id\",\"sf__Created\",\"Email\"\n\"00Qx000000KTaQqEAL\",\"true\",\"b@x\"\n";
        let told = take(Set::Successful, &rows, good).unwrap();
        assert!(matches!(
            &told[..],
            [(1, JobResult::Told(WriteResult::Applied(id)))] if id.as_str() == "00Qx000000KTaQqEAL"
        ));
        let bad = b"sf__Id,sf__Error,Email\n,\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\",a@x\n";
        let told = take(Set::Failed, &rows, bad).unwrap();
        let [(0, JobResult::Told(WriteResult::Refused(error)))] = &told[..] else {
            panic!("{told:?}");
        };
        assert_eq!(error.code, "REQUIRED_FIELD_MISSING");
        assert_eq!(error.message, "Required fields are missing: [LastName]");
        assert_eq!(error.fields[..], [FieldName::from("LastName")]);
        assert_eq!(
            (error.class, error.effect),
            (ErrorClass::Data, Effect::None)
        );
        let left = take(Set::Unprocessed, &rows, b"Email\na@x\n").unwrap();
        assert_eq!(left, [(0, JobResult::NotReached)]);
        for odd in [
            &b"sf__Id,sf__Created\n00Qx000000KTaQqEAL,true\n"[..],
            b"sf__Id,Email\n00Qx000000KTaQqEAL,c@x\n",
            b"sf__Id,Email\n,a@x\n",
            b"sf__Id,Email\n00Qx000000KTaQqEAL,a@x\n00Qx000000KTaQqEAL,a@x\n00Qx000000KTaQqEAL,b@x\n",
        ] {
            assert!(take(Set::Successful, &rows, odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn errors_of_every_form() {
        let lock = refusal(
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 200 records: 001..,001..:--",
            "r",
        );
        assert_eq!(lock.class, ErrorClass::TransientRow);
        assert!(lock.message.ends_with("001..,001.."), "{}", lock.message);
        assert_eq!(refusal("", "r").status, Some(200));
        assert_eq!(refusal("SOMETHING", "r").code, "SOMETHING");
    }

    proptest! {
        #[test]
        fn any_list_is_survived(data in proptest::collection::vec(any::<u8>(), 0..120), said in "\\PC{0,60}") {
            let rows = two();
            let rows = Rows::of(&lead(), JobWrite::Create(&key(), &rows)).unwrap();
            for set in [Set::Successful, Set::Failed, Set::Unprocessed] {
                let _ = take(set, &rows, &data);
            }
            let _ = refusal(&said, "r");
        }
    }
}
