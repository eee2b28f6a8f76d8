//! The control interface: the other people in the org, its administrator, and the faults to come.
//!
//! [`Control`] is for the same process; [`http`] offers the same over HTTP. What it does never
//! counts as an API call and meets no fault.

mod admin;
pub mod http;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{
    audit::{Counters, Seen},
    dml::{self, Conversion},
    fail::Fail,
    http::whole_query,
    ids::SfId,
    org::{Change, Org, Row, What},
    schema::ObjIx,
    server::Server,
    soql::{Columns, Scope, all_fields, columns_of, write_record},
    value::Ref,
};

/// Version whose addresses stand in the records that control gives.
const VERSION: &str = "67.0";

/// Who does something in the org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// A sales person, not the user of the integration.
    Colleague,
    /// The user the client signs in as.
    Integration,
    /// A user by name.
    User(&'a str),
}

/// A field of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub object: String,
    pub field: String,
}

/// A value of a picklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    #[serde(flatten)]
    pub field: Field,
    pub value: String,
}

/// How often a record was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    pub created: u32,
    pub updated: u32,
    pub deleted: u32,
}

/// A handle on a running org.
#[derive(Debug, Clone)]
pub struct Control {
    server: Arc<Server>,
}

impl Control {
    pub(super) fn new(server: Arc<Server>) -> Self {
        Self { server }
    }

    /// Runs a change and makes it final, or takes it back.
    fn change<T>(&self, work: impl FnOnce(&mut Org) -> Result<T, Fail>) -> Result<T, Fail> {
        let mut org = self.server.org_mut();
        let mark = org.savepoint();
        let done = work(&mut org);
        if done.is_err() {
            org.rollback(mark);
        }
        org.commit();
        done
    }

    fn actor(&self, by: By<'_>) -> Result<dml::Actor, Fail> {
        let name = match by {
            By::Integration => return Ok(self.server.actor(self.server.user)),
            By::Colleague => "user1@sandbox.example.com",
            By::User(name) => name,
        };
        let org = self.server.org();
        let users = object(&org, "User")?;
        let found = org.table(users).each().find(|(_, r)| {
            matches!(org.value(users, r, "Username"), Ref::Text(t) if t.eq_ignore_ascii_case(name))
        });
        match found {
            Some((_, user)) => Ok(self.server.actor(user.id)),
            None => Err(Fail::new(
                "INVALID_LOGIN",
                format!("there is no user {name}"),
            )),
        }
    }

    /// Makes a record as somebody and gives its id.
    pub fn create(
        &self,
        by: By<'_>,
        name: &str,
        fields: &Map<String, Json>,
    ) -> Result<String, Fail> {
        let actor = self.actor(by)?;
        self.change(|org| {
            let object = object(org, name)?;
            dml::create(org, &actor, object, fields).map(|id| id.to_string())
        })
    }

    /// Changes a record as somebody.
    pub fn update(&self, by: By<'_>, id: &str, fields: &Map<String, Json>) -> Result<(), Fail> {
        let actor = self.actor(by)?;
        self.change(|org| {
            let (object, row) = row_of(org, id)?;
            dml::update(org, &actor, object, row, fields)
        })
    }

    /// Deletes a record as somebody; it goes to the recycle bin.
    pub fn delete(&self, by: By<'_>, id: &str) -> Result<(), Fail> {
        let actor = self.actor(by)?;
        self.change(|org| {
            let (object, row) = row_of(org, id)?;
            dml::delete(org, &actor, object, row)
        })
    }

    /// Brings a record back from the recycle bin.
    pub fn undelete(&self, by: By<'_>, id: &str) -> Result<(), Fail> {
        let actor = self.actor(by)?;
        self.change(|org| {
            let (object, row) = row_of(org, id)?;
            dml::undelete(org, &actor, object, row)
        })
    }

    /// Removes a record for good.
    pub fn purge(&self, id: &str) -> Result<(), Fail> {
        self.change(|org| {
            let (object, row) = row_of(org, id)?;
            dml::hard_delete(org, object, row)
        })
    }

    /// Merges one or two records into another of the same object.
    pub fn merge(&self, by: By<'_>, master: &str, losers: &[String]) -> Result<(), Fail> {
        let actor = self.actor(by)?;
        self.change(|org| {
            let (object, master) = row_of(org, master)?;
            let mut rows = Vec::with_capacity(losers.len());
            for id in losers {
                let (other, row) = row_of(org, id)?;
                if other != object {
                    return Err(Fail::new(
                        "INVALID_TYPE",
                        "records of one object can be merged",
                    ));
                }
                rows.push(row);
            }
            dml::merge(org, &actor, object, master, &rows)
        })
    }

    /// Converts a lead; with a name also into an opportunity.
    pub fn convert(
        &self,
        by: By<'_>,
        lead: &str,
        opportunity: Option<&str>,
    ) -> Result<Conversion, Fail> {
        let actor = self.actor(by)?;
        let id = parse_id(lead)?;
        let wish = dml::Wish {
            opportunity: opportunity.map(str::to_owned),
            ..dml::Wish::new("Closed - Converted")
        };
        self.change(|org| dml::convert(org, &actor, id, &wish))
    }

    /// A record with all its fields, deleted or not.
    pub fn get(&self, id: &str) -> Result<Json, Fail> {
        self.read(id, |org, object| all_fields(&org.schema, object))
    }

    /// These fields of a record, as [`Control::get`] shows them; a name that its object does not
    /// have is left out.
    pub fn get_fields(&self, id: &str, fields: &[&str]) -> Result<Json, Fail> {
        self.read(id, |org, object| {
            let known = fields
                .iter()
                .filter_map(|name| org.schema.at(object).field(name));
            columns_of(&org.schema, object, &known.collect::<Vec<_>>())
        })
    }

    fn read(&self, id: &str, columns: impl Fn(&Org, ObjIx) -> Columns) -> Result<Json, Fail> {
        let org = self.server.org();
        let (object, record) = org.record(parse_id(id)?).ok_or_else(Fail::not_found)?;
        let mut out = Vec::new();
        let columns = columns(&org, object);
        write_record(&mut out, &org, object, record, &columns, VERSION);
        read_back(&out)
    }

    /// All rows of a SOQL query in one answer of the usual form, deleted ones included when the
    /// query asks for `IsDeleted`.
    pub fn query(&self, soql: &str) -> Result<Json, Fail> {
        let scope = match soql.to_ascii_lowercase().contains("isdeleted") {
            true => Scope::WithDeleted,
            false => Scope::Live,
        };
        let org = self.server.org();
        read_back(&whole_query(
            &org,
            soql,
            scope,
            self.server.clock.now(),
            VERSION,
        )?)
    }

    /// Keeps the org as it is under a name.
    pub fn snapshot(&self, name: &str) {
        let org = self.server.org().clone();
        self.server.snapshots().insert(name.to_owned(), org);
    }

    /// Makes the org what it was; cursors end, sessions stay. False when there is no such name.
    pub fn restore(&self, name: &str) -> bool {
        let Some(mut org) = self.server.snapshots().get(name).cloned() else {
            return false;
        };
        let mut current = self.server.org_mut();
        // Who described it since then is told of what it was.
        org.described = current.described;
        org.describe_anew(self.server.clock.now());
        *current = org;
        drop(current);
        self.server.cursors().clear();
        true
    }

    /// Moves the org's clock on and gives its time in seconds since 1970.
    pub fn advance(&self, seconds: i64) -> i64 {
        self.server.clock.advance(seconds);
        self.server.clock.now()
    }

    /// Sets the API calls used, allowed, or both.
    pub fn set_allowance(&self, used: Option<u64>, max: Option<u64>) {
        self.server.allowance.set(used, max);
    }

    /// Requests so far by kind and status.
    pub fn counters(&self) -> Counters {
        self.server.audit().counters()
    }

    /// The latest requests after a number, oldest first.
    pub fn requests(&self, since: u64) -> Vec<Seen> {
        self.server.audit().since(since)
    }

    /// The latest changes of records after a number, oldest first; the seed is none.
    pub fn changes(&self, since: u64) -> Vec<Change> {
        self.server.org().changes(since)
    }

    /// How often each record was written by the client's user; ids of 18 characters.
    pub fn written(&self) -> BTreeMap<String, Written> {
        let user = self.server.user;
        let mut all: BTreeMap<String, Written> = BTreeMap::new();
        for change in self.changes(0).into_iter().filter(|c| c.by == user) {
            let counts = all.entry(change.id.to_string()).or_default();
            match change.what {
                What::Created => counts.created += 1,
                What::Updated | What::Undeleted => counts.updated += 1,
                What::Deleted | What::Purged => counts.deleted += 1,
            }
        }
        all
    }

    /// Forgets requests, counters and changes.
    pub fn forget(&self) {
        self.server.audit().clear();
        self.server.org_mut().forget_changes();
    }
}

fn object(org: &Org, name: &str) -> Result<ObjIx, Fail> {
    org.schema.object(name).ok_or_else(|| Fail::no_type(name))
}

fn parse_id(text: &str) -> Result<SfId, Fail> {
    SfId::parse(text).ok_or_else(|| Fail::new("MALFORMED_ID", format!("malformed id {text}")))
}

fn row_of(org: &Org, id: &str) -> Result<(ObjIx, Row), Fail> {
    org.find(parse_id(id)?).ok_or_else(Fail::not_found)
}

fn read_back(json: &[u8]) -> Result<Json, Fail> {
    serde_json::from_slice(json)
        .map_err(|e| Fail::new("UNKNOWN_EXCEPTION", format!("the record is no JSON: {e}")))
}
