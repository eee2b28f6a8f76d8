//! The catalogue of error codes (salesforce-api 8): class, what helps, and when to try again.
//!
//! Pure tables. An unknown code is not an error of ours: it gets class `Unknown`.

use super::super::error::{CrmError, ErrorClass};
use ErrorClass as C;

/// When the same request may work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Within seconds, with backoff.
    Soon,
    /// Later by itself: after a pause, smaller, or from a fresh start.
    Later,
    /// Only after something was changed: the record, the mapping, the org, the sign-in.
    AfterFix,
}

struct Entry {
    code: &'static str,
    class: ErrorClass,
    retry: Retry,
    remedy: &'static str,
}

const fn entry(code: &'static str, class: C, retry: Retry, remedy: &'static str) -> Entry {
    Entry {
        code,
        class,
        retry,
        remedy,
    }
}

use Retry::{AfterFix, Later, Soon};

const WAIT: &str = "Wait; it is tried again by itself. See status.salesforce.com if it lasts.";
const SIGN_IN: &str = "Sign in again; nothing is lost, changes wait.";
const FIELD_RIGHTS: &str = "Refresh the fields; an administrator gives the user access to the field, or the mapping row is turned off.";
const OBJECT_RIGHTS: &str =
    "An administrator gives the user access to the object, or the pair is turned off.";
const RECORD_RIGHTS: &str = "An administrator gives the user edit access to the record (profile, sharing), or the record is left out.";
const FIX_VALUE: &str = "Correct the value in the record, or change the mapping, then retry.";
const FIX_AUTOMATION: &str =
    "An administrator looks at the trigger or flow named in the message, then retry.";
const RELINK: &str = "The record is gone or hidden in Salesforce; decide whether to unlink it, make it again, or restore it.";
const OUR_REQUEST: &str =
    "Report this: the request was not built correctly. The log has it under its request id.";
const SPLIT: &str = "The work is cut into smaller pieces by itself; if it lasts, map fewer fields.";

/// Sorted by code.
static CATALOGUE: &[Entry] = &[
    entry(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        C::Collateral,
        Soon,
        "Another record of the same call failed; it is sent again without that one.",
    ),
    entry("API_CURRENTLY_DISABLED", C::TransientCall, Soon, WAIT),
    entry(
        "API_DISABLED_FOR_ORG",
        C::AuthDead,
        AfterFix,
        "The org's edition has no API access, or the user lacks API Enabled; an administrator changes that.",
    ),
    entry("APEX_ERROR", C::Automation, AfterFix, FIX_AUTOMATION),
    entry(
        "BATCH_PROCESSING_HALTED",
        C::Collateral,
        Soon,
        "Another part of the same call failed; it is sent again without that one.",
    ),
    entry(
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        C::Automation,
        AfterFix,
        FIX_AUTOMATION,
    ),
    entry(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        C::Automation,
        AfterFix,
        FIX_AUTOMATION,
    ),
    entry(
        "CANNOT_UPDATE_CONVERTED_LEAD",
        C::Identity,
        AfterFix,
        "The lead was converted; edit the contact or account it became.",
    ),
    entry(
        "CIRCULAR_DEPENDENCY",
        C::Data,
        AfterFix,
        "The record would be its own parent; choose another parent.",
    ),
    entry(
        "DELETE_FAILED",
        C::Data,
        AfterFix,
        "Remove or move the records that depend on it first.",
    ),
    entry(
        "DELETE_REQUIRED_ON_CASCADE",
        C::Data,
        AfterFix,
        "An administrator gives the user delete rights on the records below it.",
    ),
    entry(
        "DUPLICATES_DETECTED",
        C::Identity,
        AfterFix,
        "A duplicate rule found a record like it; link to that one, or a data steward allows both.",
    ),
    entry(
        "DUPLICATE_EXTERNAL_ID",
        C::Identity,
        AfterFix,
        "Two records claim the same key; merge them or clear one key.",
    ),
    entry(
        "DUPLICATE_VALUE",
        C::Identity,
        AfterFix,
        "Another record has this value in a unique field; link to it, merge, or change the value.",
    ),
    entry(
        "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE",
        C::Precondition,
        Later,
        "It was changed in Salesforce meanwhile; it is read and compared again.",
    ),
    entry(
        "ENTITY_IS_ARCHIVED",
        C::Data,
        AfterFix,
        "The record is archived; it cannot be changed.",
    ),
    entry(
        "ENTITY_IS_DELETED",
        C::Identity,
        AfterFix,
        "The record was deleted in Salesforce; decide whether to delete it here or restore it there.",
    ),
    entry(
        "ENTITY_IS_LOCKED",
        C::Data,
        Later,
        "An approval holds the record; approve, reject or recall it, then retry.",
    ),
    entry(
        "EXCEEDEDQUOTA",
        C::ThrottleDaily,
        Later,
        "The daily allowance is used up; it goes on when there is room again.",
    ),
    entry("EXCEEDED_ID_LIMIT", C::Schema, Later, SPLIT),
    entry(
        "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS",
        C::Schema,
        AfterFix,
        OUR_REQUEST,
    ),
    entry(
        "EXCEEDED_QUOTA",
        C::ThrottleDaily,
        Later,
        "The daily allowance is used up; it goes on when there is room again.",
    ),
    entry(
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        C::Data,
        AfterFix,
        "A validation rule of the org refuses it; the message is the rule's own. Correct the record or ask the administrator.",
    ),
    entry(
        "FIELD_FILTER_VALIDATION_EXCEPTION",
        C::Data,
        AfterFix,
        "The lookup filter of the field does not allow this record; choose another.",
    ),
    entry("FIELD_INTEGRITY_EXCEPTION", C::Data, AfterFix, FIX_VALUE),
    entry(
        "FUNCTIONALITY_NOT_ENABLED",
        C::Schema,
        AfterFix,
        "An administrator turns the feature on in the org.",
    ),
    entry(
        "GONE",
        C::Schema,
        AfterFix,
        "The API version was retired; raise it in the connection settings.",
    ),
    entry(
        "INACTIVE_OWNER_OR_USER",
        C::Data,
        AfterFix,
        "The owner is deactivated; choose an active owner.",
    ),
    entry(
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
        C::TransientCall,
        Later,
        "Salesforce is read-only for maintenance; writes go on afterwards by themselves.",
    ),
    entry("INSUFFICIENT_ACCESS", C::Data, AfterFix, RECORD_RIGHTS),
    entry(
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        C::Data,
        AfterFix,
        "The user may not use the owner, parent or record type in it; an administrator shares that, or it is changed.",
    ),
    entry(
        "INSUFFICIENT_ACCESS_OR_READONLY",
        C::Data,
        AfterFix,
        RECORD_RIGHTS,
    ),
    entry("INTERNAL_ERROR", C::TransientCall, Soon, WAIT),
    entry("INVALID_ASSIGNMENT_RULE", C::Data, AfterFix, OUR_REQUEST),
    entry(
        "INVALID_AUTH_HEADER",
        C::AuthDead,
        AfterFix,
        "The app issues tokens of another kind; an administrator lets it issue plain bearer tokens, then sign in again.",
    ),
    entry(
        "INVALID_CROSS_REFERENCE_KEY",
        C::Data,
        AfterFix,
        "The record it points to is missing or hidden; choose another, or sync that one first.",
    ),
    entry(
        "INVALID_EMAIL_ADDRESS",
        C::Data,
        AfterFix,
        "Salesforce does not accept the e-mail address; correct it, then retry.",
    ),
    entry("INVALID_FIELD", C::Schema, AfterFix, FIELD_RIGHTS),
    entry(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        C::Schema,
        AfterFix,
        FIELD_RIGHTS,
    ),
    entry("INVALID_ID_FIELD", C::Data, AfterFix, RELINK),
    entry("INVALID_LOGIN", C::AuthDead, AfterFix, SIGN_IN),
    entry(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        C::Data,
        AfterFix,
        "The list does not have this value; add it in Salesforce, or map it to one that exists.",
    ),
    entry(
        "INVALID_QUERY_FILTER_OPERATOR",
        C::Schema,
        AfterFix,
        "The field cannot be searched that way; choose another field to match by.",
    ),
    entry(
        "INVALID_QUERY_LOCATOR",
        C::TransientCall,
        Later,
        "The place in the list was lost; reading starts again from the last kept record by itself.",
    ),
    entry(
        "INVALID_READ_ONLY_USER_DML",
        C::TransientCall,
        Later,
        "Salesforce is read-only for maintenance; writes go on afterwards by themselves.",
    ),
    entry(
        "INVALID_REPLICATION_DATE",
        C::Schema,
        Later,
        "The list of deletions does not reach back that far; a full comparison is made by itself.",
    ),
    entry(
        "INVALID_SESSION_ID",
        C::Auth,
        Soon,
        "The access token has ended; it is renewed by itself.",
    ),
    entry("INVALID_TYPE", C::Schema, AfterFix, OBJECT_RIGHTS),
    entry(
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        C::Data,
        AfterFix,
        FIX_VALUE,
    ),
    entry(
        "INVALID_VERSION",
        C::Schema,
        AfterFix,
        "The org does not know the API version; lower it in the connection settings.",
    ),
    entry("JSON_PARSER_ERROR", C::Data, AfterFix, FIX_VALUE),
    entry(
        "LICENSE_LIMIT_EXCEEDED",
        C::Capacity,
        AfterFix,
        "The org has no licences left; an administrator frees or buys some.",
    ),
    entry(
        "LIMIT_EXCEEDED",
        C::Capacity,
        Later,
        "A limit of the org is reached; an administrator looks it up in Setup.",
    ),
    entry(
        "LOGIN_DURING_RESTRICTED_DOMAIN",
        C::AuthDead,
        AfterFix,
        "The user may not sign in from this network address; an administrator allows it.",
    ),
    entry(
        "LOGIN_DURING_RESTRICTED_TIME",
        C::AuthDead,
        Later,
        "The user may not sign in at this hour; an administrator changes the login hours.",
    ),
    entry("MALFORMED_ID", C::Data, AfterFix, RELINK),
    entry("MALFORMED_QUERY", C::Schema, AfterFix, OUR_REQUEST),
    entry("MALFORMED_SEARCH", C::Schema, AfterFix, OUR_REQUEST),
    entry("METHOD_NOT_ALLOWED", C::Schema, AfterFix, OBJECT_RIGHTS),
    entry("MIXED_DML_OPERATION", C::Data, AfterFix, OUR_REQUEST),
    entry("NOT_FOUND", C::Identity, AfterFix, RELINK),
    entry(
        "NUMBER_OUTSIDE_VALID_RANGE",
        C::Data,
        AfterFix,
        "The number has too many digits for the field; correct it, then retry.",
    ),
    entry("OPERATION_TOO_LARGE", C::TransientCall, Later, SPLIT),
    entry(
        "ORG_LOCKED",
        C::AuthDead,
        AfterFix,
        "The org is locked; its administrator asks Salesforce.",
    ),
    entry(
        "ORG_NOT_OWNED_BY_INSTANCE",
        C::Auth,
        Soon,
        "The org has moved; its new address is looked up by itself. If it lasts, use My Domain as sign-in address.",
    ),
    entry(
        "PASSWORD_LOCKOUT",
        C::AuthDead,
        AfterFix,
        "The user is locked out; an administrator unlocks it.",
    ),
    entry(
        "PROCESSING_HALTED",
        C::Collateral,
        Soon,
        "Another part of the same call failed; it is sent again without that one.",
    ),
    entry(
        "QUERY_TIMEOUT",
        C::TransientCall,
        Later,
        "The query took too long; it is cut into smaller ones by itself. If it lasts, an administrator indexes the fields.",
    ),
    entry(
        "QUERY_TOO_COMPLICATED",
        C::Schema,
        AfterFix,
        "The object has too many formula fields in the mapping; map fewer.",
    ),
    entry(
        "REQUEST_LIMIT_EXCEEDED",
        C::ThrottleConcurrent,
        Later,
        "Too many calls at once; it goes on more slowly by itself.",
    ),
    entry(
        "REQUIRED_FIELD_MISSING",
        C::Data,
        AfterFix,
        "Fill the field that is named, or give it a default in the mapping, then retry.",
    ),
    entry(
        "SELF_REFERENCE_FROM_TRIGGER",
        C::Automation,
        AfterFix,
        FIX_AUTOMATION,
    ),
    entry("SERVER_UNAVAILABLE", C::TransientCall, Soon, WAIT),
    entry(
        "STORAGE_LIMIT_EXCEEDED",
        C::Capacity,
        AfterFix,
        "The org is full; an administrator frees or buys storage.",
    ),
    entry(
        "STRING_TOO_LONG",
        C::Data,
        AfterFix,
        "The text is longer than the field; shorten it, or let the mapping cut it.",
    ),
    entry("TEMPORARY_QUERY_MORE_FAILURE", C::TransientCall, Soon, WAIT),
    entry("TOO_MANY_APEX_REQUESTS", C::TransientCall, Soon, WAIT),
    entry(
        "TOO_MANY_ENUM_VALUE",
        C::Data,
        AfterFix,
        "Too many values chosen; at most 100.",
    ),
    entry("TOO_MANY_JOBS", C::ThrottleConcurrent, Later, WAIT),
    entry(
        "TRANSFER_REQUIRES_READ",
        C::Data,
        AfterFix,
        "The new owner may not read the record; choose another or share it.",
    ),
    entry(
        "TRIAL_EXPIRED",
        C::AuthDead,
        AfterFix,
        "The org's trial is over; its administrator asks Salesforce.",
    ),
    entry(
        "TXN_SECURITY_APEX_ERROR",
        C::Automation,
        AfterFix,
        "A transaction security policy failed; an administrator looks at it.",
    ),
    entry("TXN_SECURITY_METERING_ERROR", C::TransientCall, Soon, WAIT),
    entry(
        "TXN_SECURITY_NO_ACCESS",
        C::Schema,
        AfterFix,
        "A transaction security policy forbids it; an administrator changes the policy.",
    ),
    entry("TXN_SECURITY_RUNTIME_ERROR", C::TransientCall, Soon, WAIT),
    entry(
        "UNABLE_TO_LOCK_ROW",
        C::TransientRow,
        Soon,
        "Somebody else is writing to it; it is tried again by itself.",
    ),
    entry("UNKNOWN_EXCEPTION", C::TransientCall, Soon, WAIT),
    entry(
        "UNSUPPORTED_API_VERSION",
        C::Schema,
        AfterFix,
        "The API version was retired; raise it in the connection settings.",
    ),
    entry("UNSUPPORTED_MEDIA_TYPE", C::Schema, AfterFix, OUR_REQUEST),
    entry("URI_TOO_LONG", C::Schema, AfterFix, OUR_REQUEST),
    entry(
        "URL_NOT_RESET",
        C::Auth,
        Soon,
        "The org has moved; its new address is looked up by itself.",
    ),
    // Ours, in lower case.
    entry(
        "bad_body",
        C::TransientCall,
        Soon,
        "The answer was cut short or garbled, often by a proxy; it is tried again by itself.",
    ),
    entry(
        "connection_lost",
        C::TransientCall,
        Soon,
        "The network broke; it is tried again by itself.",
    ),
    entry(
        "host_refused",
        C::AuthDead,
        AfterFix,
        "Salesforce named an address that must not get the access token; an administrator looks at My Domain.",
    ),
    entry("not_sent", C::Schema, AfterFix, OUR_REQUEST),
    entry(
        "redirect",
        C::Auth,
        Soon,
        "The org has moved; its new address is looked up by itself. If it lasts, use My Domain as sign-in address.",
    ),
    entry(
        "row_count",
        C::TransientCall,
        Later,
        "The answer did not fit the request; what happened is checked by itself.",
    ),
    entry("sign_in_failed", C::TransientCall, Later, WAIT),
    entry(
        "sign_in_not_kept",
        C::TransientCall,
        Later,
        "The renewed sign-in could not be saved; check disk space and permissions.",
    ),
    entry("sign_in_over", C::AuthDead, AfterFix, SIGN_IN),
    entry(
        "sign_in_unreachable",
        C::TransientCall,
        Soon,
        "Check network and proxy; it is tried again by itself.",
    ),
    entry("signed_out", C::AuthDead, AfterFix, "Sign in."),
    entry(
        "timeout",
        C::TransientCall,
        Soon,
        "Salesforce or the network was too slow; it is tried again by itself.",
    ),
    entry("too_large", C::TransientCall, Later, SPLIT),
    entry(
        "unreachable",
        C::TransientCall,
        Soon,
        "Check network and proxy; it is tried again by itself.",
    ),
    entry(
        "web_page",
        C::TransientCall,
        Soon,
        "A web page came instead of data: maintenance, or a proxy that wants a sign-in. It is tried again by itself.",
    ),
];

fn find(code: &str) -> Option<&'static Entry> {
    CATALOGUE
        .binary_search_by(|entry| entry.code.cmp(code))
        .ok()
        .and_then(|at| CATALOGUE.get(at))
}

/// Class of a code, which for some depends on the text or the status.
pub(super) fn classify(code: &str, message: &str, status: u16) -> ErrorClass {
    match code {
        // A second kind that no refresh helps against (salesforce-api 1.9).
        "INVALID_SESSION_ID" if not_for_rest(message) => C::AuthDead,
        "REQUEST_LIMIT_EXCEEDED" if message.contains("TotalRequests") => C::ThrottleDaily,
        "INVALID_CROSS_REFERENCE_KEY" if status == 404 => C::Identity,
        _ if code.starts_with("LICENSING_") => C::Capacity,
        _ => match (find(code), status) {
            (Some(entry), _) => entry.class,
            (None, 401) => C::Auth,
            (None, 408 | 420 | 429 | 500..) => C::TransientCall,
            (None, 412) => C::Precondition,
            (None, 404) => C::Identity,
            (None, 410 | 414 | 431) => C::Schema,
            _ => C::Unknown,
        },
    }
}

fn not_for_rest(message: &str) -> bool {
    message.contains("not valid for use with the REST API")
        || message.contains("not attached to Agent")
}

/// When the same request may work. Of a write whose effect is unknown it says nothing: read
/// first.
pub fn retry(error: &CrmError) -> Retry {
    match error.class {
        C::AuthDead | C::Data | C::Identity if error.code != "ENTITY_IS_LOCKED" => AfterFix,
        C::ThrottleConcurrent | C::ThrottleDaily => Later,
        class => match find(&error.code) {
            Some(entry) => entry.retry,
            None => match class {
                C::TransientRow | C::TransientCall | C::Auth | C::Collateral => Soon,
                C::Precondition | C::Capacity => Later,
                _ => AfterFix,
            },
        },
    }
}

/// What the user or an administrator can do, in plain words.
pub fn remedy(error: &CrmError) -> &'static str {
    match (error.class, error.code.as_str()) {
        (C::AuthDead, "INVALID_SESSION_ID") => {
            "The sign-in may not use the API: an administrator gives the app the scope api and the user API Enabled; then sign in again."
        }
        (C::ThrottleDaily, "REQUEST_LIMIT_EXCEEDED") => {
            "The daily allowance of API calls is used up; it goes on when there is room again. An administrator can see who uses it, or buy more."
        }
        (C::Identity, "INVALID_CROSS_REFERENCE_KEY") => RELINK,
        (class, code) => find(code).map_or_else(|| class_remedy(class), |entry| entry.remedy),
    }
}

fn class_remedy(class: ErrorClass) -> &'static str {
    match class {
        C::TransientRow | C::TransientCall => WAIT,
        C::ThrottleConcurrent => "Too many calls at once; it goes on more slowly by itself.",
        C::ThrottleDaily => "The daily allowance is used up; it goes on when there is room again.",
        C::Auth => "The access token has ended; it is renewed by itself.",
        C::AuthDead => SIGN_IN,
        C::Schema => FIELD_RIGHTS,
        C::Data => FIX_VALUE,
        C::Automation => FIX_AUTOMATION,
        C::Identity => RELINK,
        C::Capacity => "A limit of the org is reached; an administrator looks it up in Setup.",
        C::Collateral => "Another part of the same call failed; it is sent again without that one.",
        C::Precondition => "It was changed in Salesforce meanwhile; it is read and compared again.",
        C::Unknown => {
            "Salesforce refused it for a reason that is not in the catalogue; the message is its own. Correct the record or ask the administrator, then retry."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::error::Effect;

    #[test]
    fn the_catalogue_is_sorted_so_that_it_can_be_searched() {
        for pair in CATALOGUE.windows(2) {
            assert!(
                pair[0].code < pair[1].code,
                "{} {}",
                pair[0].code,
                pair[1].code
            );
        }
    }

    #[test]
    fn classes_of_the_table() {
        for (code, message, status, class) in [
            (
                "INVALID_SESSION_ID",
                "Session expired or invalid",
                401,
                C::Auth,
            ),
            (
                "INVALID_SESSION_ID",
                "This session is not valid for use with the REST API",
                401,
                C::AuthDead,
            ),
            (
                "REQUEST_LIMIT_EXCEEDED",
                "TotalRequests Limit exceeded.",
                403,
                C::ThrottleDaily,
            ),
            (
                "REQUEST_LIMIT_EXCEEDED",
                "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
                403,
                C::ThrottleConcurrent,
            ),
            (
                "REQUEST_LIMIT_EXCEEDED",
                "ConcurrentPerOrgLongTxn Limit exceeded.",
                403,
                C::ThrottleConcurrent,
            ),
            ("UNABLE_TO_LOCK_ROW", "", 400, C::TransientRow),
            ("REQUIRED_FIELD_MISSING", "", 400, C::Data),
            ("INVALID_FIELD", "", 400, C::Schema),
            ("INVALID_CROSS_REFERENCE_KEY", "", 404, C::Identity),
            ("INVALID_CROSS_REFERENCE_KEY", "", 400, C::Data),
            ("DUPLICATE_VALUE", "", 400, C::Identity),
            ("ENTITY_IS_DELETED", "", 404, C::Identity),
            ("STORAGE_LIMIT_EXCEEDED", "", 400, C::Capacity),
            ("PROCESSING_HALTED", "", 400, C::Collateral),
            ("SERVER_UNAVAILABLE", "", 503, C::TransientCall),
            ("CANNOT_EXECUTE_FLOW_TRIGGER", "", 400, C::Automation),
            ("LICENSING_NO_SEATS", "", 400, C::Capacity),
            ("SOMETHING_NEW", "", 400, C::Unknown),
            ("SOMETHING_NEW", "", 500, C::TransientCall),
            ("http_412", "", 412, C::Precondition),
        ] {
            assert_eq!(classify(code, message, status), class, "{code} {message}");
        }
    }

    #[test]
    fn a_permanent_error_is_never_tried_again_by_itself() {
        let error = |class, code: &str| CrmError {
            class,
            code: code.into(),
            message: String::new(),
            fields: vec![],
            record: None,
            status: None,
            request: String::new(),
            effect: Effect::None,
        };
        assert_eq!(retry(&error(C::AuthDead, "INVALID_SESSION_ID")), AfterFix);
        assert_eq!(retry(&error(C::Data, "REQUIRED_FIELD_MISSING")), AfterFix);
        assert_eq!(retry(&error(C::Data, "ENTITY_IS_LOCKED")), Later);
        assert_eq!(retry(&error(C::TransientCall, "http_502")), Soon);
        assert_eq!(retry(&error(C::TransientCall, "QUERY_TIMEOUT")), Later);
        assert!(remedy(&error(C::AuthDead, "INVALID_SESSION_ID")).contains("scope api"));
        assert!(!remedy(&error(C::Unknown, "NEW")).is_empty());
    }
}
