//! getUpdated, getDeleted, limits and counts on the wire (salesforce-api 2.6, 2.8).
//!
//! Reads JSON straight into lists. Invariant: a list without the time it covers is unreadable,
//! because a watermark rests on it.

use std::collections::BTreeMap;

use futures::FutureExt;
use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::super::error::CrmError;
use super::super::survey::{Deleted, Span, Survey, Updated};
use super::super::{Answer, ApiUsage};
use super::Salesforce;
use super::call::Call;
use super::describe::Limit;
use super::errors::{Intent, bad_body, not_sent};
use super::{soql, wire};
use crate::domain::id::{CrmId, ObjectName};

/// A time as the API writes it.
#[derive(Clone, Copy)]
struct At(Timestamp);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        wire::instant(&text)
            .map(At)
            .ok_or_else(|| D::Error::custom("not a time"))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdatedBody {
    ids: Vec<CrmId>,
    latest_date_covered: At,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeletedBody {
    deleted_records: Vec<DeletedRecord>,
    earliest_date_available: At,
    latest_date_covered: At,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeletedRecord {
    id: CrmId,
    deleted_date: At,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(rename = "sObjects")]
    objects: Vec<Count>,
}

#[derive(Deserialize)]
struct Count {
    name: String,
    count: u64,
}

impl From<UpdatedBody> for Updated {
    fn from(body: UpdatedBody) -> Self {
        Self {
            ids: body.ids,
            covered: body.latest_date_covered.0,
        }
    }
}

impl From<DeletedBody> for Deleted {
    fn from(body: DeletedBody) -> Self {
        let records = body.deleted_records.into_iter();
        Self {
            records: records.map(|r| (r.id, r.deleted_date.0)).collect(),
            earliest: body.earliest_date_available.0,
            covered: body.latest_date_covered.0,
        }
    }
}

impl Salesforce {
    async fn json<T: DeserializeOwned + Send>(&self, path: &str) -> Result<T, CrmError> {
        let call = Call::get(self.path(path));
        self.call(&call, Intent::Read, |reply| {
            serde_json::from_slice(&reply.body)
                .map_err(|_| bad_body(reply, Intent::Read, "not what was asked for"))
        })
        .await
    }
}

/// Path of a list of changes.
fn list(object: &ObjectName, which: &str, span: Span) -> Result<String, CrmError> {
    let name = soql::name(object.as_str())?;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("start", &soql::instant(span.start()))
        .append_pair("end", &soql::instant(span.end()))
        .finish();
    Ok(format!("sobjects/{name}/{which}/?{query}"))
}

impl Survey for Salesforce {
    fn updated<'a>(&'a self, object: &'a ObjectName, span: Span) -> Answer<'a, Updated> {
        async move {
            let body: UpdatedBody = self.json(&list(object, "updated", span)?).await?;
            Ok(body.into())
        }
        .boxed()
    }

    fn deleted<'a>(&'a self, object: &'a ObjectName, span: Span) -> Answer<'a, Deleted> {
        async move {
            let body: DeletedBody = self.json(&list(object, "deleted", span)?).await?;
            Ok(body.into())
        }
        .boxed()
    }

    fn record_counts<'a>(
        &'a self,
        objects: &'a [ObjectName],
    ) -> Answer<'a, BTreeMap<ObjectName, u64>> {
        async move {
            let names: Vec<&str> = objects
                .iter()
                .map(|object| soql::name(object.as_str()))
                .collect::<Result<_, _>>()?;
            // Without a name every object of the org would be counted.
            if names.is_empty() {
                return Err(not_sent("no object to count"));
            }
            let path = format!("limits/recordCount?sObjects={}", names.join(","));
            let body: Counts = self.json(&path).await?;
            let counts = body.objects.into_iter();
            Ok(counts.map(|c| (ObjectName::new(c.name), c.count)).collect())
        }
        .boxed()
    }

    fn allowances(&self) -> Answer<'_, BTreeMap<String, ApiUsage>> {
        async move {
            let body: BTreeMap<String, Limit> = self.json("limits").await?;
            let limits = body.into_iter();
            Ok(limits.map(|(name, limit)| (name, limit.usage())).collect())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UPDATED: &str =
        r#"{"ids":["00Qx000000KTaQqEAL"],"latestDateCovered":"2013-05-08T21:20:00.000+0000"}"#;
    const DELETED: &str = r#"{"deletedRecords":[{"id":"00Qx000000KTaQqEAL","deletedDate":"2013-05-07T22:07:19.000+0000"}],"earliestDateAvailable":"2013-05-03T15:57:00.000+0000","latestDateCovered":"2013-05-08T21:20:00.000+0000"}"#;

    #[test]
    fn lists_as_documented() {
        let updated: Updated = serde_json::from_str::<UpdatedBody>(UPDATED).unwrap().into();
        assert_eq!(updated.ids.len(), 1);
        assert_eq!(updated.covered, "2013-05-08T21:20:00Z".parse().unwrap());
        let deleted: Deleted = serde_json::from_str::<DeletedBody>(DELETED).unwrap().into();
        let at = "2013-05-07T22:07:19Z".parse().unwrap();
        assert_eq!(deleted.records, [("00Qx000000KTaQq".parse().unwrap(), at)]);
        assert!(serde_json::from_str::<UpdatedBody>(r#"{"ids":[]}"#).is_err());
        assert!(serde_json::from_str::<UpdatedBody>(&UPDATED.replace("2013", "x")).is_err());
    }

    proptest! {
        #[test]
        fn any_body_is_survived(at in 0usize..200, byte in any::<u8>()) {
            for real in [UPDATED, DELETED] {
                let mut bytes = real.as_bytes().to_vec();
                let at = at % bytes.len();
                prop_assert!(serde_json::from_slice::<UpdatedBody>(&bytes[..at]).is_err());
                bytes[at] = byte;
                let _ = serde_json::from_slice::<UpdatedBody>(&bytes);
                let _ = serde_json::from_slice::<DeletedBody>(&bytes);
                let _ = serde_json::from_slice::<Counts>(&bytes);
                let _ = serde_json::from_slice::<BTreeMap<String, Limit>>(&bytes);
            }
        }
    }
}
