//! Users and queues as owners of a record (sync-semantics 22, `owner_fallback`).
//!
//! Who is one, and active, is looked up elsewhere. Invariant: a queue is never sent to a field that
//! takes none; it counts there like a user who is deactivated.

use super::{Lookup, Step, TransformError};
use crate::domain::id::{AppId, CrmId, PairName};
use crate::domain::transform::Side;
use crate::domain::value::Value;

/// What ids of queues begin with: they are of the object Group.
const QUEUE: &str = "00G";

/// Whether an id is of a queue.
pub fn is_queue(id: &CrmId) -> bool {
    id.prefix() == QUEUE
}

/// Looks up the same, for a field that takes no queue.
pub(in crate::domain) struct NoQueues<'a>(pub(in crate::domain) &'a dyn Lookup);

impl Lookup for NoQueues<'_> {
    fn crm_id(&self, pair: &PairName, id: &AppId) -> Option<CrmId> {
        self.0.crm_id(pair, id)
    }

    fn app_id(&self, pair: &PairName, id: &CrmId) -> Option<AppId> {
        self.0.app_id(pair, id)
    }

    fn user_id(&self, email: &str) -> Option<CrmId> {
        self.0.user_id(email)
    }

    fn active_user_id(&self, email: &str) -> Option<CrmId> {
        self.0.active_user_id(email)
    }

    fn may_own(&self, id: &CrmId) -> bool {
        !is_queue(id)
    }

    fn user_email(&self, id: &CrmId) -> Option<String> {
        self.0.user_email(id)
    }
}

impl Step {
    pub(super) fn user(
        &self,
        toward: Side,
        value: &Value,
        lookup: &dyn Lookup,
    ) -> Result<Value, TransformError> {
        let text = value.to_string();
        let found = match toward {
            Side::Crm => match lookup.user_id(text.trim()) {
                Some(id) if !lookup.may_own(&id) => {
                    return Err(self.unfit(value, "a queue, and this takes users only"));
                }
                id => id.map(|id| id.as_str().to_owned()),
            },
            Side::App => text.parse().ok().and_then(|id| lookup.user_email(&id)),
        };
        found
            .map(Value::Text)
            .ok_or_else(|| self.unfit(value, "no such active user or queue in the CRM"))
    }

    pub(super) fn user_or(
        &self,
        fallback: &str,
        toward: Side,
        value: &Value,
        lookup: &dyn Lookup,
    ) -> Result<Value, TransformError> {
        let text = value.to_string();
        // Somebody nobody knows is a mistake, and neither deactivated nor a queue.
        if toward == Side::App || lookup.user_id(text.trim()).is_none() {
            return self.user(toward, value, lookup);
        }
        let owner = |email: &str| {
            let id = lookup.active_user_id(email);
            id.filter(|id| lookup.may_own(id))
        };
        let found = owner(text.trim()).or_else(|| owner(fallback));
        found
            .map(|id| Value::Text(id.as_str().to_owned()))
            .ok_or_else(|| {
                self.unfit(
                    value,
                    "neither is an active user in the CRM, or a queue that may own it",
                )
            })
    }
}
