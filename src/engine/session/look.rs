//! Looking one record up in the CRM because a person named it.
//!
//! Keeps nothing. Invariant: no answer is an error, never a record that is not there.

use super::{Connector, failed};
use crate::domain::budget::Class;
use crate::domain::id::CrmId;
use crate::domain::record::CrmPresence;
use crate::domain::schema::ObjectInfo;
use crate::error::{Error, Kind, Result};

impl Connector {
    /// Asks whether the CRM has a record of this object that can be linked. One API call.
    ///
    /// # Errors
    /// It is not there or may not be read, it was deleted or merged, or there was no answer.
    pub async fn look_up(&self, object: &ObjectInfo, id: CrmId) -> Result<()> {
        let crm = self.crm().await?.lane(Class::Interactive);
        let got = crm.retrieve(object, &[id], &[]).await;
        let got = got.map_err(|error| failed(&error))?;
        let refused = |text: String, hint: String| Err(Error::new(Kind::Refused, text).hint(hint));
        match got
            .rows
            .into_iter()
            .next()
            .flatten()
            .map(|row| row.presence)
        {
            Some(CrmPresence::Live | CrmPresence::Converted) => Ok(()),
            Some(CrmPresence::Deleted) => refused(
                format!("{id} was deleted in Salesforce"),
                "undelete it there, or link another record".to_owned(),
            ),
            Some(CrmPresence::Merged(into)) => refused(
                format!("{id} was merged in Salesforce"),
                format!("link {into}, which it was merged into"),
            ),
            None => refused(
                format!("Salesforce has no {} {id} that we may read", object.name),
                "the Id is at the end of the record's address in the browser".to_owned(),
            ),
        }
    }
}
