//! What the engine asks of a CRM, and the errors it can answer with.
//!
//! The trait speaks of records, fields and windows; how that becomes SOQL and HTTP is the
//! business of [`salesforce`]. The only home of `reqwest` and `oauth2`. Invariant: every method
//! that writes takes a [`WritePermit`].

pub mod auth;
pub mod breaker;
pub mod bulk;
pub mod codes;
pub mod error;
pub mod files;
pub mod gate;
pub mod pace;
pub mod permit;
pub mod salesforce;
pub mod search;
pub mod survey;
pub mod transport;
pub mod version;

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::error::{CrmError, Deed, Effect, ErrorClass};
use self::gate::Gate;
pub use self::permit::WritePermit;
use crate::domain::budget::Class;
use crate::domain::filter::Filter;
use crate::domain::id::{CrmId, FieldName, ObjectName, OrgId};
use crate::domain::record::CrmPresence;
use crate::domain::schema::ObjectInfo;
use crate::domain::value::Fields;

/// What a call gives, some time later.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, CrmError>>;

/// Who we are at the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Organisation id, 18 characters.
    pub org_id: OrgId,
    /// Organisation name.
    pub org_name: String,
    /// Production unless the org says that it is a sandbox (DESIGN 4.8).
    pub org_kind: OrgKind,
    /// The signed-in user.
    pub user_id: CrmId,
    /// Its user name.
    pub username: String,
    /// Its display name.
    pub display_name: String,
    /// Base address of the API, without a slash at the end.
    pub instance_url: String,
}

/// Whether writing to an org can hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrgKind {
    /// Counts as real until proven otherwise.
    Production,
    /// The org says that it is a sandbox.
    Sandbox,
}

/// One record as the CRM answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmRow {
    /// Its id.
    pub id: CrmId,
    /// The asked fields; a field that is missing here is unknown.
    pub fields: Fields,
    /// SystemModstamp.
    pub stamp: Timestamp,
    /// LastModifiedDate.
    pub modified: Timestamp,
    /// LastModifiedById.
    pub modified_by: Option<CrmId>,
    /// Live, deleted, merged or converted.
    pub presence: CrmPresence,
}

/// Which records changed: a window of SystemModstamp, lower bound inclusive, upper bound exclusive
/// (sync-semantics 4.2).
#[derive(Debug, Clone)]
pub struct ChangeQuery {
    /// The object, as described.
    pub object: Arc<ObjectInfo>,
    /// Fields to read, without the system fields, which always come.
    pub fields: Vec<FieldName>,
    /// Records with a stamp at or after this; none reads all.
    pub since: Option<Timestamp>,
    /// Goes on after this record of the same window: `(stamp, id)` of the last durable row.
    pub after: Option<(Timestamp, CrmId)>,
    /// Records with a stamp before this; none reads to the end.
    pub until: Option<Timestamp>,
    /// Records that do not match may be left out, as far as the CRM can tell exactly; what comes
    /// is for the caller to look at. None leaves nothing out (sync-semantics 19.3).
    pub matching: Option<Matching>,
}

/// A filter on an object's fields, as it is meant at an instant and while time goes on from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matching {
    /// The filter.
    pub filter: Filter,
    /// When, in whole seconds.
    pub at: Timestamp,
}

/// Where the next page is. Not durable state (sync-semantics 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A page of changed records in order of `(stamp, id)`, deleted ones included.
#[derive(Debug)]
pub struct ChangePage {
    /// The records.
    pub rows: Vec<CrmRow>,
    /// Records that changed while the page was put together, as they are now, in no order: they
    /// say nothing about how far the window was read.
    pub moved: Vec<CrmRow>,
    /// Where the next page is, if there is one.
    pub next: Option<Cursor>,
    /// Records of the whole window.
    pub total: u64,
    /// The server's clock (Date header), whole seconds.
    pub at: Timestamp,
}

/// Records read by id or by the value of a field.
#[derive(Debug)]
pub struct Retrieved {
    /// For a read by id: one entry per asked id, in order. For a search: all hits.
    pub rows: Vec<Option<CrmRow>>,
    /// The server's clock.
    pub at: Timestamp,
}

/// A record to change.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateRow {
    /// Which.
    pub id: CrmId,
    /// Only the fields that change. Null clears.
    pub fields: Fields,
}

/// A record to change only if it was not modified since.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardedUpdate {
    /// The change.
    pub row: UpdateRow,
    /// LastModifiedDate of the observation the change is based on.
    pub unmodified_since: Timestamp,
}

/// What became of one record of a write, in the order of the request.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteResult {
    /// Done. The id is new for a create.
    Applied(CrmId),
    /// Not done, with the reason. Class `Precondition`: it was modified meanwhile.
    Refused(CrmError),
}

/// What a write gives: a result per record, or an error of the whole call whose
/// [`CrmError::effect`] says whether anything may have happened.
pub type Written<'a> = Answer<'a, Vec<WriteResult>>;

/// API calls of the last 24 hours as the CRM counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiUsage {
    /// Used.
    pub used: u64,
    /// Allowed.
    pub max: u64,
}

/// Records per `create`, unguarded `update` or `delete` call (salesforce-api 2.7).
pub const MAX_COLLECTION: usize = 200;
/// Bytes of the body of a call that writes records (sync-semantics 7.3).
pub const MAX_BODY: usize = 1_000_000;
/// Records per guarded update call.
pub const MAX_GUARDED: usize = 25;
/// Ids per `retrieve` call.
pub const MAX_RETRIEVE: usize = 2000;

/// A connected CRM.
///
/// Reads are retried inside (transient errors, one refresh on 401); writes are retried inside
/// only when certainly nothing happened.
pub trait Crm: bulk::Jobs + survey::Survey + Send + Sync {
    /// Who we are and which org this is.
    fn identity(&self) -> Answer<'_, Identity>;

    /// Describes an object. One that was described before and has not changed since, as the CRM
    /// says, is given again without being sent.
    fn describe<'a>(&'a self, object: &'a ObjectName) -> Answer<'a, ObjectInfo>;

    /// First page of a window of changes, or the page at `cursor`. A cursor that the CRM no
    /// longer knows is code `INVALID_QUERY_LOCATOR`; start again from the last durable row.
    fn changes<'a>(
        &'a self,
        query: &'a ChangeQuery,
        cursor: Option<&'a Cursor>,
    ) -> Answer<'a, ChangePage>;

    /// Reads records by id, at most [`MAX_RETRIEVE`], deleted ones included when the CRM still
    /// has them. A record that is not readable is `None`, which is no evidence of deletion.
    fn retrieve<'a>(
        &'a self,
        object: &'a ObjectInfo,
        ids: &'a [CrmId],
        fields: &'a [FieldName],
    ) -> Answer<'a, Retrieved>;

    /// Finds records whose field has one of the values (at most 200 values), deleted ones included
    /// while the CRM still has them: what a create in doubt made may be deleted since. The caller
    /// compares again with case: the CRM's text equality ignores it (sync-semantics 3.8).
    fn find<'a>(
        &'a self,
        object: &'a ObjectInfo,
        field: &'a FieldName,
        values: &'a [String],
        fields: &'a [FieldName],
    ) -> Answer<'a, Retrieved>;

    /// Inserts records, at most [`MAX_COLLECTION`].
    fn create<'a>(
        &'a self,
        permit: WritePermit,
        object: &'a ObjectInfo,
        rows: &'a [Fields],
    ) -> Written<'a>;

    /// Changes records without a condition, at most [`MAX_COLLECTION`].
    fn update<'a>(
        &'a self,
        permit: WritePermit,
        object: &'a ObjectInfo,
        rows: &'a [UpdateRow],
    ) -> Written<'a>;

    /// Changes records that were not modified since, at most [`MAX_GUARDED`].
    fn update_guarded<'a>(
        &'a self,
        permit: WritePermit,
        object: &'a ObjectInfo,
        rows: &'a [GuardedUpdate],
    ) -> Written<'a>;

    /// Deletes records, at most [`MAX_COLLECTION`].
    fn delete<'a>(&'a self, permit: WritePermit, ids: &'a [CrmId]) -> Written<'a>;

    /// Reads the limits.
    fn limits(&self) -> Answer<'_, ApiUsage>;

    /// Latest count from any answer, without a call.
    fn usage(&self) -> Option<ApiUsage>;

    /// HTTP calls made by this handle so far, and by those made from it with [`Crm::lane`].
    fn calls(&self) -> u64;

    /// The same connection for calls of another class (sync-semantics 10.3). Counts together
    /// with this handle.
    fn lane(&self, class: Class) -> Arc<dyn Crm>;

    /// The same connection for a run, with a count of its own.
    fn for_run(&self) -> Arc<dyn Crm>;

    /// What every call of the connection passes: budget, pace, breaker.
    fn gate(&self) -> &Arc<Gate>;

    /// The address of a record for a person's browser.
    fn record_url(&self, id: &CrmId) -> String;
}
