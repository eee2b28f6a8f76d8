//! What the org looks like: objects by their describe, and who may own records: users and queues.
//!
//! Reads no records of pairs. Invariant: a described object is noted together with the time of
//! its describe; a user is never taken away, since Salesforce never deletes one, and a queue that is
//! gone is refused there.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::kept::blocking;
use super::{Connector, failed};
use crate::crm::{ChangeQuery, Crm, CrmError, CrmRow, ErrorClass};
use crate::domain::budget::Class;
use crate::domain::drift::drift;
use crate::domain::id::{FieldName, ObjectName};
use crate::domain::mapping::{Pair, Row};
use crate::domain::run::Word;
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::Step;
use crate::domain::value::Value;
use crate::engine::mappings;
use crate::engine::state::lock;
use crate::engine::tables::{
    OBJECTS, RECONSIDER, REREAD, STALE, USERS, UserRow, group_fields, group_object, user_fields,
    user_object,
};
use crate::engine::tx::{Durability, Tx};
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

/// How long a describe is good.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);

impl Connector {
    /// Whether an object of these pairs, or the users, were never read or not within a day, or did
    /// not fit what the org answered. Asks nobody; looks into the store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn schema_is_due(&self, pairs: &[Pair]) -> Result<bool> {
        for name in objects_of(pairs) {
            let key = Key::new().text(name.as_str());
            if self.0.state.store().contains(&STALE, &key)? {
                return Ok(true);
            }
        }
        let now = self.0.settings.clock.now();
        let known = lock(&self.0.known);
        let good = |name: &ObjectName| {
            let at = known.connection.described.get(name);
            at.is_some_and(|at| now.duration_since(*at) < GOOD_FOR)
        };
        Ok(!objects_of(pairs).iter().all(good))
    }

    /// Describes the objects of these pairs and reads the users.
    ///
    /// # Errors
    /// Not signed in, no answer, or an object that is not there. Users that may not be read are
    /// done without.
    pub async fn refresh_schema(&self, pairs: &[Pair]) -> Result<()> {
        let crm = self.crm().await?.lane(Class::Upkeep);
        let mut described = Vec::new();
        for name in objects_of(pairs) {
            let found = crm.describe(&name).await;
            match found {
                Ok(object) if name == user_object() => {
                    self.read_owners(crm.as_ref(), Arc::new(object.clone()), OwnerKind::User)
                        .await?;
                    described.push(object);
                }
                Ok(object) => described.push(object),
                Err(error) if error.class == ErrorClass::Schema && name == user_object() => {
                    tracing::warn!(target: "engine", code = %error.code, "users may not be read");
                }
                Err(error) => return Err(failed(&error)),
            }
        }
        if pairs.iter().any(|pair| may_have_queues(pair, &described)) {
            self.read_queues(crm.as_ref()).await?;
        }
        let names: Vec<ObjectName> = described.iter().map(|o| o.name.clone()).collect();
        let at = self.0.settings.clock.now();
        let drifted = blocking(&self.0.state, move |state| {
            let mut tx = state.begin();
            let pairs = state.pairs()?;
            let mut drifted = Vec::new();
            for object in &described {
                let key = Key::new().text(object.name.as_str());
                if let Some(was) = state.store().get(&OBJECTS, &key)?
                    && tell_drift(&mut tx, at, &was, object) == Drifted::Yes
                {
                    for pair in pairs.iter().filter(|pair| pair.object == object.name) {
                        let key = Key::new().text(pair.name.as_str());
                        drifted.push((pair.clone(), object.clone()));
                        tx.put(&RECONSIDER, &key, &());
                        if shows_more(pair, &was, object) {
                            tx.put(&REREAD, &key, &());
                        }
                    }
                }
                tx.put(&OBJECTS, &key, object);
                tx.delete(&STALE, &key);
            }
            tx.commit(Durability::Soon)?;
            Ok(drifted)
        })
        .await?;
        let state = Arc::clone(&self.0.state);
        let noted = tokio::task::spawn_blocking(move || {
            let mut all = drifted.iter();
            all.try_for_each(|(pair, object)| mappings::look_again(&state, pair, object, at))
        });
        let stopped = |_| Error::new(Kind::Internal, "work on the store was stopped");
        noted.await.map_err(stopped)??;
        let now = self.0.settings.clock.now();
        self.note(move |_, connection| {
            let times = names.into_iter().map(|name| (name, now));
            connection.described.extend(times);
        })
        .await
    }

    /// Reads the queues, which own records as users do. Those that may not be read are done without.
    async fn read_queues(&self, crm: &dyn Crm) -> Result<()> {
        match crm.describe(&group_object()).await {
            Ok(object) => {
                let object = Arc::new(object);
                self.read_owners(crm, object, OwnerKind::Queue).await
            }
            Err(error) if error.class == ErrorClass::Schema => {
                tracing::warn!(target: "engine", code = %error.code, "queues may not be read");
                Ok(())
            }
            Err(error) => Err(failed(&error)),
        }
    }

    /// Reads all of them, page by page; a list whose place was lost goes on after the last row.
    async fn read_owners(
        &self,
        crm: &dyn Crm,
        object: Arc<ObjectInfo>,
        kind: OwnerKind,
    ) -> Result<()> {
        let mut query = ChangeQuery {
            object,
            fields: kind.fields(),
            since: None,
            after: None,
            until: None,
            matching: None,
        };
        let mut cursor = None;
        let mut moved = false;
        loop {
            let page = match crm.changes(&query, cursor.as_ref()).await {
                Ok(page) => page,
                Err(error) if lost_place(&error) && moved => {
                    (cursor, moved) = (None, false);
                    continue;
                }
                Err(error) => return Err(failed(&error)),
            };
            if let Some(last) = page.rows.last() {
                query.after = Some((last.stamp, last.id));
                moved = true;
            }
            let rows = page.rows.into_iter();
            let users: Vec<UserRow> = rows.filter_map(|row| kind.row(row)).collect();
            blocking(&self.0.state, move |state| {
                let mut tx = state.begin();
                for user in &users {
                    tx.put(&USERS, &Key::new().text(user.id.as_str()), user);
                }
                tx.commit(Durability::Soon)
            })
            .await?;
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            }
        }
    }
}

/// Lines in the log about one object, at most.
const MAX_LINES: usize = 20;

/// Whether an object is not as it was described last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drifted {
    Yes,
    No,
}

/// Notes what changed in an object since it was described last (sync-semantics 22).
fn tell_drift(tx: &mut Tx<'_>, at: Timestamp, was: &ObjectInfo, is: &ObjectInfo) -> Drifted {
    let found = drift(was, is);
    for change in found.iter().take(MAX_LINES) {
        tx.log(at, Word::Info, None, format!("{}: {change}", is.name));
    }
    if let Some(more) = found.len().checked_sub(MAX_LINES).filter(|n| *n > 0) {
        let text = format!("{}: {more} more changes of its fields", is.name);
        tx.log(at, Word::Info, None, text);
    }
    match found.is_empty() {
        true => Drifted::No,
        false => Drifted::Yes,
    }
}

/// Whether a field that the pair maps was not there, or not shown to this user, and is now.
fn shows_more(pair: &Pair, was: &ObjectInfo, is: &ObjectInfo) -> bool {
    let mapped = pair.active().flat_map(|row| row.crm.iter().cloned());
    let mut fields = mapped.chain(pair.became_fields());
    fields.any(|name| is.field(name.as_str()).is_some() && was.field(name.as_str()).is_none())
}

/// Each object once, users last.
fn objects_of(pairs: &[Pair]) -> Vec<ObjectName> {
    let users = user_object();
    let mut names: Vec<ObjectName> = pairs.iter().map(|p| p.object.clone()).collect();
    names.retain(|name| *name != users);
    names.sort();
    names.dedup();
    names.push(users);
    names
}

fn lost_place(error: &CrmError) -> bool {
    error.code == "INVALID_QUERY_LOCATOR"
}

/// Whether records of a pair may belong to a queue, and the pair says who owns them.
fn may_have_queues(pair: &Pair, described: &[ObjectInfo]) -> bool {
    let is_user = |step: &Step| matches!(step, Step::User | Step::UserOr(_));
    let names_users = |row: &&Row| row.to_crm.0.iter().chain(&row.to_app.0).any(is_user);
    let Some(object) = described.iter().find(|known| known.name == pair.object) else {
        return false;
    };
    let mut owners = pair.active().filter(names_users).flat_map(|row| &row.crm);
    owners.any(|field| {
        let field = object.field(field.as_str());
        field.is_some_and(|field| field.reference_to.contains(&group_object()))
    })
}

/// Who may own records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnerKind {
    User,
    Queue,
}

impl OwnerKind {
    fn fields(self) -> Vec<FieldName> {
        match self {
            Self::User => user_fields(),
            Self::Queue => group_fields(),
        }
    }

    /// A row of such an object; none of a group that is no queue. Queues have no address of their
    /// own: their name in the API stands for it, and no user has one like it.
    fn row(self, row: CrmRow) -> Option<UserRow> {
        let text = |name: &str| match row.fields.get(name) {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let (email, active) = match self {
            Self::User => (
                text("Email"),
                row.fields.get("IsActive") == Some(&Value::Bool(true)),
            ),
            Self::Queue if text("Type") == "Queue" => (text("DeveloperName"), true),
            Self::Queue => return None,
        };
        Some(UserRow {
            id: row.id,
            name: text("Name"),
            email,
            active,
        })
    }
}
