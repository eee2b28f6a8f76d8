//! What an error means to people, and what is done about it by itself (sync-semantics 9.1).
//!
//! Class and remedy are in the catalogue. Invariant: every error has words, a remedy and a deed,
//! known code or not.

use super::super::error::{CrmError, Deed, ErrorClass};
use super::super::version::ApiVersion;

/// Why it happened, in words for people.
pub fn why(error: &CrmError) -> &'static str {
    match error.class {
        ErrorClass::TransientRow => "Salesforce was working on the same or a related record",
        ErrorClass::TransientCall => "Salesforce did not answer as it should",
        ErrorClass::ThrottleConcurrent => "too many long calls ran at once in this org",
        ErrorClass::ThrottleDaily if error.code.starts_with("budget_") => {
            "calls are kept for people and for other apps, as the settings say"
        }
        ErrorClass::ThrottleDaily => "the org has used its API calls of the last 24 hours",
        ErrorClass::Auth | ErrorClass::AuthDead => "Salesforce does not accept the sign-in",
        ErrorClass::Schema if is_of_a_job(&error.code) => {
            "the job is over, or the org makes none of this kind"
        }
        ErrorClass::Schema if ApiVersion::is_gone(error) => {
            "Salesforce answers this version of its API no more"
        }
        ErrorClass::Schema => "the object or field is missing, or this user may not use it",
        ErrorClass::Data => "Salesforce does not accept these values",
        ErrorClass::Automation => "automation of the org stopped the save",
        ErrorClass::Identity => "another record is involved: a duplicate, deleted or converted one",
        ErrorClass::Capacity => "the org has no room left",
        ErrorClass::Collateral => "another record of the same call failed",
        ErrorClass::Precondition => "the record changed in Salesforce between reading and writing",
        ErrorClass::Unknown => "the reason is not in our catalogue",
    }
}

/// What is done about it by itself.
pub fn deed(error: &CrmError) -> Deed {
    match error.class {
        ErrorClass::TransientRow | ErrorClass::TransientCall => Deed::Repeat,
        ErrorClass::ThrottleConcurrent => Deed::SlowDown,
        ErrorClass::ThrottleDaily => Deed::PutOff,
        ErrorClass::Auth => Deed::Renew,
        ErrorClass::AuthDead => Deed::AskForSignIn,
        ErrorClass::Precondition => Deed::Reread,
        ErrorClass::Collateral => Deed::Replan,
        ErrorClass::Identity => match error.code.as_str() {
            "DUPLICATE_VALUE" => Deed::FindByKey,
            "ENTITY_IS_DELETED" | "CANNOT_UPDATE_CONVERTED_LEAD" => Deed::Reread,
            _ => Deed::PutAside,
        },
        ErrorClass::Schema if is_of_a_job(&error.code) => Deed::AnotherWay,
        ErrorClass::Schema if ApiVersion::is_gone(error) => Deed::Stop,
        ErrorClass::Schema => Deed::Describe,
        ErrorClass::Automation | ErrorClass::Unknown => Deed::Smaller,
        // Other limits may be about one record; a full org takes no record at all.
        ErrorClass::Capacity if error.code == "STORAGE_LIMIT_EXCEEDED" => Deed::Stop,
        ErrorClass::Data | ErrorClass::Capacity => Deed::PutAside,
    }
}

/// Codes of the Bulk API (salesforce-api 6.2): about a job, never about a record.
fn is_of_a_job(code: &str) -> bool {
    [
        "APIVERSIONMISMATCH",
        "FEATURENOTENABLED",
        "INVALIDBATCH",
        "INVALIDENTITY",
        "INVALIDJOB",
        "INVALIDJOBSTATE",
        "INVALIDUSER",
    ]
    .iter()
    .any(|known| known.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests;
