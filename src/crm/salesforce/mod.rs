//! Salesforce over its REST API (salesforce-api 2 to 5, 8).
//!
//! Turns the questions of [`Crm`] into SOQL and HTTP and the answers into domain types. Keeps no
//! records, knows no mapping, decides nothing about conflicts. Invariant: a page or a list of
//! results is returned whole or not at all.

mod bulk;
mod call;
mod catalogue;
mod describe;
mod errors;
mod files;
mod groups;
mod md5;
mod meaning;
pub mod pushdown;
mod query;
mod rows;
mod search;
mod soql;
mod survey;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use http::header::IF_MODIFIED_SINCE;
use http::{HeaderValue, Method, StatusCode};
use jiff::Timestamp;

pub use self::call::RetryPolicy;
use self::call::{Call, Target};
use self::catalogue::is_known;
pub use self::catalogue::{API_VERSION, Retry, passes, remedy, retry};
use self::errors::{Intent, bad_body, not_sent};
pub use self::meaning::{deed, why};
use self::query::Scope;
use super::auth::Session;
use super::error::CrmError;
use super::gate::{Gate, GateSettings, Lane};
use super::transport::{Http, Reply};
use super::{
    Answer, ApiUsage, ChangePage, ChangeQuery, Crm, Cursor, GuardedUpdate, Identity,
    MAX_COLLECTION, MAX_GUARDED, MAX_RETRIEVE, Retrieved, UpdateRow, WritePermit, WriteResult,
    Written,
};
use crate::domain::budget::{Budget, Class};
use crate::domain::id::{CrmId, FieldName, ObjectName, OrgId};
use crate::domain::schema::ObjectInfo;
use crate::domain::value::Fields;
use crate::error::{Error, Kind};

/// Settings of a connection that are not about transport or sign-in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// API version such as `67.0`.
    pub api_version: String,
    /// Our name in `Sforce-Call-Options`; change events carry it (salesforce-api 5.6).
    pub client_name: String,
    /// Retries.
    pub retry: RetryPolicy,
    /// Characters of a SELECT at most; more columns are read in groups.
    pub longest_select: usize,
}

/// A query may have 100,000 characters (salesforce-api 4); this leaves room for its condition.
const LONGEST_SELECT: usize = 90_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_version: "67.0".to_owned(),
            client_name: "syncdeck".to_owned(),
            retry: RetryPolicy::default(),
            longest_select: LONGEST_SELECT,
        }
    }
}

/// A Salesforce org. Clones are the same connection and count together.
#[derive(Clone)]
pub struct Salesforce {
    http: Http,
    session: Session,
    /// `/services/data/v67.0`.
    base: String,
    call_options: HeaderValue,
    retry: RetryPolicy,
    longest_select: usize,
    gate: Arc<Gate>,
    lane: Lane,
    described: Arc<describe::Cache>,
}

impl Salesforce {
    /// Makes the client, with a gate of its own and the usual budget. Nothing is sent.
    ///
    /// # Errors
    /// A version or a client name that cannot be: kind `Config`.
    pub fn new(http: Http, session: Session, settings: &Settings) -> crate::error::Result<Self> {
        let version = &settings.api_version;
        let numbers = version.split_once('.').is_some_and(|(major, minor)| {
            [major, minor]
                .iter()
                .all(|n| !n.is_empty() && n.len() <= 3 && n.bytes().all(|b| b.is_ascii_digit()))
        });
        if !numbers {
            return Err(Error::new(Kind::Config, "the API version is not a version")
                .hint("write it like 67.0"));
        }
        let name = &settings.client_name;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_/.".contains(&b);
        let call_options = HeaderValue::from_str(&format!("client={name}"))
            .ok()
            .filter(|_| !name.is_empty() && name.bytes().all(plain))
            .ok_or_else(|| {
                Error::new(Kind::Config, "the client name cannot be sent")
                    .hint("use letters, digits, and any of - _ / .")
            })?;
        Ok(Self {
            http,
            session,
            base: format!("/services/data/v{version}"),
            call_options,
            retry: settings.retry,
            longest_select: settings.longest_select,
            gate: Arc::new(Gate::new(
                GateSettings::default(),
                Arc::new(Timestamp::now),
                Budget::default(),
            )),
            lane: Lane::new(Class::Interactive),
            described: Arc::default(),
        })
    }

    /// The client with the gate of its connection.
    #[must_use]
    pub fn behind(self, gate: Arc<Gate>) -> Self {
        Self { gate, ..self }
    }

    /// The session, for sign-in, status and disconnecting.
    pub fn session(&self) -> &Session {
        &self.session
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/{rest}", self.base)
    }

    /// Counts a code that is not in the catalogue.
    fn note_code(&self, error: &CrmError) {
        if !is_known(&error.code) {
            tracing::warn!(target: "crm", code = %error.code, "not in the catalogue");
            self.gate.unknown_code(&error.code);
        }
    }

    async fn read_identity(&self) -> Result<Identity, CrmError> {
        let call = Call {
            target: Target::Identity,
            ..Call::get(String::new())
        };
        let user: describe::User = self
            .call(&call, Intent::Read, |reply| {
                serde_json::from_slice(&reply.body)
                    .map_err(|_| bad_body(reply, Intent::Read, "not an identity"))
            })
            .await?;
        let path = self.path(&query::target(Scope::Live, describe::ORGANISATION));
        let (org_id, org_name, org_kind) = self
            .call(&Call::get(path), Intent::Read, |reply| {
                describe::organisation(&reply.body)
                    .ok_or_else(|| bad_body(reply, Intent::Read, "not an organisation"))
            })
            .await?;
        if org_id != OrgId::new(user.organization_id.as_str()) {
            return Err(not_sent("user and organisation do not belong together"));
        }
        let access = self.session.access().map_err(|error| error.for_call())?;
        Ok(Identity {
            org_id,
            org_name,
            org_kind,
            user_id: user.user_id,
            display_name: user.display_name.unwrap_or_else(|| user.username.clone()),
            username: user.username,
            instance_url: access
                .instance_url()
                .as_str()
                .trim_end_matches('/')
                .to_owned(),
        })
    }

    async fn read_describe(&self, object: &ObjectName) -> Result<ObjectInfo, CrmError> {
        let name = soql::name(object.as_str())?;
        let known = self.described.get(object);
        let mut call = Call::get(self.path(&format!("sobjects/{name}/describe")));
        call.header = known
            .as_ref()
            .map(|known| (IF_MODIFIED_SINCE, known.modified.clone()));
        let (info, modified) = self
            .call(&call, Intent::Read, |reply| {
                if let (StatusCode::NOT_MODIFIED, Some(known)) = (reply.status, &known) {
                    return Ok((known.info.clone(), None));
                }
                let info = describe::object(&reply.body)
                    .map_err(|_| bad_body(reply, Intent::Read, "not a describe"))?;
                Ok((info, reply.header("last-modified").map(str::to_owned)))
            })
            .await?;
        if let Some(modified) = modified {
            self.described.put(object, &info, modified);
        }
        Ok(info)
    }

    async fn read_limits(&self) -> Result<ApiUsage, CrmError> {
        let call = Call::get(self.path("limits"));
        let limits = self
            .call(&call, Intent::Read, |reply| {
                describe::limits(&reply.body)
                    .map_err(|_| bad_body(reply, Intent::Read, "not limits"))
            })
            .await?;
        self.gate.report(limits.calls);
        self.gate.report_storage(limits.data, limits.files);
        Ok(limits.calls)
    }

    /// Sends a write whose answer is a list of results.
    async fn send<P>(&self, call: Call, parse: P) -> Result<Vec<WriteResult>, CrmError>
    where
        P: Fn(&Reply) -> Result<Vec<WriteResult>, CrmError> + Sync,
    {
        let results = self.call(&call, Intent::Write, parse).await?;
        for result in &results {
            if let WriteResult::Refused(error) = result {
                self.note_code(error);
            }
        }
        Ok(results)
    }
}

/// Checks a batch against its permit and the API's limit.
fn admit(permit: &WritePermit, rows: usize, max: usize) -> Result<(), CrmError> {
    if rows > permit.records() {
        Err(not_sent(format!(
            "{rows} records, permitted are {}",
            permit.records()
        )))
    } else if rows > max {
        Err(not_sent(format!(
            "{rows} records, at most {max} fit in a call"
        )))
    } else {
        Ok(())
    }
}

impl Crm for Salesforce {
    fn identity(&self) -> Answer<'_, Identity> {
        self.read_identity().boxed()
    }

    fn describe<'a>(&'a self, object: &'a ObjectName) -> Answer<'a, ObjectInfo> {
        self.read_describe(object).boxed()
    }

    fn changes<'a>(
        &'a self,
        query: &'a ChangeQuery,
        cursor: Option<&'a Cursor>,
    ) -> Answer<'a, ChangePage> {
        self.change_page(query, cursor).boxed()
    }

    fn retrieve<'a>(
        &'a self,
        object: &'a ObjectInfo,
        ids: &'a [CrmId],
        fields: &'a [FieldName],
    ) -> Answer<'a, Retrieved> {
        async move {
            if ids.is_empty() || ids.len() > MAX_RETRIEVE {
                return Err(not_sent(format!("{} ids to retrieve", ids.len())));
            }
            self.retrieve_rows(object, ids, fields).await
        }
        .boxed()
    }

    fn find<'a>(
        &'a self,
        object: &'a ObjectInfo,
        field: &'a FieldName,
        values: &'a [String],
        fields: &'a [FieldName],
    ) -> Answer<'a, Retrieved> {
        self.find_rows(object, field, values, fields).boxed()
    }

    fn create<'a>(
        &'a self,
        permit: WritePermit,
        object: &'a ObjectInfo,
        rows: &'a [Fields],
    ) -> Written<'a> {
        async move {
            admit(&permit, rows.len(), MAX_COLLECTION)?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let body = write::create_body(object, rows)?;
            let call = Call::with_body(Method::POST, self.path("composite/sobjects"), body);
            let expect = write::Expect::New(rows.len());
            self.send(call, |reply| write::collection_results(reply, expect))
                .await
        }
        .boxed()
    }

    fn update<'a>(
        &'a self,
        permit: WritePermit,
        object: &'a ObjectInfo,
        rows: &'a [UpdateRow],
    ) -> Written<'a> {
        async move {
            admit(&permit, rows.len(), MAX_COLLECTION)?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let body = write::update_body(object, rows)?;
            let ids: Vec<CrmId> = rows.iter().map(|row| row.id).collect();
            let call = Call::with_body(Method::PATCH, self.path("composite/sobjects"), body);
            let expect = write::Expect::Ids(&ids);
            self.send(call, |reply| write::collection_results(reply, expect))
                .await
        }
        .boxed()
    }

    fn update_guarded<'a>(
        &'a self,
        permit: WritePermit,
        object: &'a ObjectInfo,
        rows: &'a [GuardedUpdate],
    ) -> Written<'a> {
        async move {
            admit(&permit, rows.len(), MAX_GUARDED)?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let body = write::guarded_body(object, rows, &self.base)?;
            let call = Call::with_body(Method::POST, self.path("composite"), body);
            self.send(call, |reply| write::guarded_results(reply, rows))
                .await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, permit: WritePermit, ids: &'a [CrmId]) -> Written<'a> {
        async move {
            admit(&permit, ids.len(), MAX_COLLECTION)?;
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let list: Vec<&str> = ids.iter().map(CrmId::as_str).collect();
            let path = format!("composite/sobjects?ids={}&allOrNone=false", list.join(","));
            let call = Call {
                method: Method::DELETE,
                ..Call::get(self.path(&path))
            };
            let expect = write::Expect::Ids(ids);
            self.send(call, |reply| write::collection_results(reply, expect))
                .await
        }
        .boxed()
    }

    fn limits(&self) -> Answer<'_, ApiUsage> {
        self.read_limits().boxed()
    }

    fn usage(&self) -> Option<ApiUsage> {
        let figure = self.gate.standing().figure?;
        Some(ApiUsage {
            used: figure.used,
            max: figure.max,
        })
    }

    fn calls(&self) -> u64 {
        self.lane.calls()
    }

    fn lane(&self, class: Class) -> Arc<dyn Crm> {
        Arc::new(Self {
            lane: self.lane.of(class),
            ..self.clone()
        })
    }

    fn for_run(&self) -> Arc<dyn Crm> {
        Arc::new(Self {
            lane: Lane::new(Class::Pull),
            ..self.clone()
        })
    }

    fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    fn record_url(&self, id: &CrmId) -> String {
        let instance = self.session.access();
        let oauth = self.session.oauth();
        let base = match &instance {
            Ok(access) => access.instance_url(),
            Err(_) => &oauth.app().login_url,
        };
        format!("{}/{id}", base.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Salesforce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Salesforce")
            .field("base", &self.base)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
