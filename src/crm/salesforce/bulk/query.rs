//! Jobs that read: a window as CSV, straight into rows (salesforce-api 6.2).
//!
//! The values are those of a query page ([`super::super::wire`]). Invariant: a page is returned
//! whole or not at all, and never has more rows than were asked for.

use futures::FutureExt;

use super::super::super::bulk::{JobId, JobKind, JobRows, Locator};
use super::super::super::error::CrmError;
use super::super::super::transport::Incoming;
use super::super::super::{ChangeQuery, CrmRow};
use super::super::Salesforce;
use super::super::call::Call;
use super::super::errors::{Intent, bad_body};
use super::super::rows::{Building, Plan, Slot};
use super::super::soql;
use super::{Unfit, read_csv, sheets};

/// A longer locator is none.
const MAX_LOCATOR: usize = 1_000;

impl Salesforce {
    pub(super) async fn make_query(&self, query: &ChangeQuery) -> Result<JobId, CrmError> {
        let plan = Plan::new(&query.object, &query.fields);
        // Without an order: it would turn off the org's own division of the work (5.5).
        let soql = soql::select(&query.object, plan.columns())? + &soql::condition(query);
        let body = serde_json::json!({
            "operation": "queryAll",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        });
        self.make_job(JobKind::Read, &body).await
    }

    pub(super) async fn query_rows(
        &self,
        query: &ChangeQuery,
        job: &JobId,
        from: Option<&Locator>,
        most: usize,
    ) -> Result<JobRows, CrmError> {
        let plan = &Plan::new(&query.object, &query.fields);
        let from = from.iter().map(|Locator(text)| ("locator", text.clone()));
        let rest = url::form_urlencoded::Serializer::new("/results?".to_owned())
            .append_pair("maxRecords", &most.to_string())
            .extend_pairs(from)
            .finish();
        let call = Call {
            headers: &[("accept", "text/csv")],
            ..Call::get(self.job_path(JobKind::Read, job, &rest))
        };
        self.stream(&call, |incoming| page(plan, incoming, most).boxed())
            .await
    }
}

async fn page(plan: &Plan, mut incoming: Incoming, most: usize) -> Result<JobRows, CrmError> {
    let header = |name: &str| incoming.headers.get(name)?.to_str().ok();
    let bad = |incoming: &Incoming, what: &str| bad_body(&incoming.bare(), Intent::Read, what);
    // Without it the end of the result could not be told from the end of a page.
    let next = match header("sforce-locator") {
        Some("null") => None,
        Some(text) if !text.is_empty() && text.len() <= MAX_LOCATOR => {
            Some(Locator(text.to_owned()))
        }
        _ => return Err(bad(&incoming, "a page of a result without a locator")),
    };
    let told: Option<usize> = header("sforce-numberofrecords").and_then(|n| n.parse().ok());
    let mut sheet = Sheet::new(plan, most);
    read_csv(&mut incoming, |record| sheet.take(record)).await?;
    if told.is_some_and(|told| told != sheet.rows.len()) {
        return Err(bad(&incoming, "another number of records than announced"));
    }
    Ok(JobRows {
        rows: sheet.rows,
        next,
    })
}

/// A header, and rows below it.
struct Sheet<'p> {
    plan: &'p Plan,
    columns: Option<Vec<Option<&'p Slot>>>,
    rows: Vec<CrmRow>,
    most: usize,
}

impl<'p> Sheet<'p> {
    fn new(plan: &'p Plan, most: usize) -> Self {
        Self {
            plan,
            columns: None,
            rows: Vec::new(),
            most,
        }
    }

    fn take(&mut self, record: sheets::Record<'_>) -> Result<(), Unfit> {
        let Some(columns) = &self.columns else {
            self.columns = Some(record.iter().map(|name| self.plan.at(name)).collect());
            return Ok(());
        };
        if self.rows.len() == self.most {
            return Err("more records than were asked for".into());
        }
        let mut row = Building::default();
        for (slot, text) in columns.iter().zip(record.iter()) {
            if let Some(slot) = slot {
                row.take_plain(slot, text);
            }
        }
        self.rows
            .push(row.finish().ok_or("a row without id or stamp")?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::rows;
    use super::super::super::rows::tests::lead;
    use super::*;
    use crate::domain::id::FieldName;

    fn plan() -> Plan {
        Plan::new(
            &lead(),
            &["LastName", "Email", "AnnualRevenue"].map(FieldName::from),
        )
    }

    fn read(data: &[u8], most: usize) -> Result<Vec<CrmRow>, String> {
        let plan = plan();
        let mut sheet = Sheet::new(&plan, most);
        let mut reader = sheets::Reader::default();
        for piece in data.chunks(7) {
            reader
                .take(piece, |record| sheet.take(record))
                .map_err(|Unfit(what)| what)?;
        }
        reader.finish().map_err(|error| error.to_string())?;
        Ok(sheet.rows)
    }

    /// One record in both forms.
    fn both(values: &[(&str, serde_json::Value)]) -> (String, Vec<u8>) {
        let object: serde_json::Map<_, _> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let mut sheet = Vec::new();
        sheets::line(&mut sheet, values.iter().map(|(name, _)| *name));
        let texts: Vec<String> = values
            .iter()
            .map(|(_, value)| match value {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text.replace("+0000", "Z"),
                other => other.to_string(),
            })
            .collect();
        sheets::line(&mut sheet, texts.iter().map(String::as_str));
        (serde_json::to_string(&[object]).unwrap(), sheet)
    }

    const ID: &str = "00Qx000000KTaQqEAL";
    const STAMP: &str = "2021-04-08T18:39:16.000+0000";

    proptest! {
        #[test]
        fn a_record_is_the_same_both_ways(
            name in proptest::option::of("[\\PC\"\r\n,]{0,20}"),
            email in proptest::option::of("[a-z]{1,5}@x[.]org"),
            revenue in proptest::option::of(-1_000_000i64..1_000_000),
            deleted in any::<bool>(),
            master in any::<bool>(),
            converted in any::<bool>(),
        ) {
            let (json, csv) = both(&[
                ("Id", ID.into()),
                ("SystemModstamp", STAMP.into()),
                ("LastModifiedDate", "2021-04-08T18:39:15.000+0000".into()),
                ("LastModifiedById", "005xx000001SwiUAAS".into()),
                ("IsDeleted", deleted.into()),
                ("MasterRecordId", if master { "00Qx000000KTaQrEAL".into() } else { serde_json::Value::Null }),
                ("IsConverted", converted.into()),
                ("LastName", name.into()),
                ("Email", email.into()),
                ("AnnualRevenue", revenue.into()),
                ("Extra", "x".into()),
            ]);
            let by_page = rows::rows(&plan(), &json).unwrap();
            prop_assert_eq!(by_page, read(&csv, 1).unwrap().into_iter().map(Some).collect::<Vec<_>>());
        }

        #[test]
        fn any_body_is_survived(data in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = read(&data, 3);
        }

        #[test]
        fn a_cut_or_changed_body_gives_no_other_rows(at in 0usize..400, bit in 0u8..8) {
            let mut good = b"\"Id\",\"SystemModstamp\",\"LastName\"\n".to_vec();
            for n in 0..3 {
                sheets::line(&mut good, [ID, "2021-04-08T18:39:16.000Z", &format!("Name {n}")]);
            }
            let rows = read(&good, 3).unwrap();
            let at = at % good.len();
            if let Ok(cut) = read(&good[..at], 3) {
                prop_assert_eq!(&cut[..], &rows[..cut.len()]);
            }
            good[at] ^= 1 << bit;
            let _ = read(&good, 3);
        }
    }

    #[test]
    fn a_page_has_no_holes_and_no_more_than_asked() {
        let head = "Id,SystemModstamp\n";
        let row = format!("{ID},{STAMP}\n");
        assert_eq!(read(format!("{head}{row}").as_bytes(), 1).unwrap().len(), 1);
        assert!(read(format!("{head}{row}{row}").as_bytes(), 1).is_err());
        assert!(read(format!("{head}{ID},\n").as_bytes(), 1).is_err());
        assert!(read(format!("Id\n{ID}\n").as_bytes(), 1).is_err());
        assert_eq!(read(head.as_bytes(), 1).unwrap(), []);
    }
}
