//! The catalogue of error codes (salesforce-api 8): class, what helps, and when to try again.
//!
//! Pure tables; which section lists a code is in the tests of `meaning`, which hold every code of
//! section 8. An unknown code is not an error of ours: it gets class `Unknown`.

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

/// One line per code: code, class, when to try again, what helps.
macro_rules! catalogue {
    ($($code:ident $class:ident $retry:ident $remedy:expr;)*) => {
        static CATALOGUE: &[Entry] = &[$(Entry {
            code: stringify!($code),
            class: ErrorClass::$class,
            retry: Retry::$retry,
            remedy: $remedy,
        }),*];
    };
}

use Retry::{AfterFix, Later, Soon};

/// What helps when the version of the API is or will be retired.
pub const API_VERSION: &str = "Set api_version in [connection] of the settings to a newer version, or take the line out and use the newest syncdeck.";
const WAIT: &str = "Wait; it is tried again by itself. See status.salesforce.com if it lasts.";
const SIGN_IN: &str = "Sign in again; nothing is lost, changes wait.";
const FIELD_RIGHTS: &str = "An administrator gives the user access to the field; or its row of the mapping is turned off (in the console: gm, on the row Space, w). Then sync again.";
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
const PLACE_LOST: &str =
    "The place in the list was lost; reading starts again from the last kept record by itself.";
const ANOTHER_WAY: &str = "The job is not there, or the org makes none of this kind; reading goes on in pages, or with a new job, by itself.";

// Sorted by code; ours are the ones in lower case.
catalogue! {
    ALL_OR_NONE_OPERATION_ROLLED_BACK Collateral Soon "Another record of the same call failed; it is sent again without that one.";
    APEX_ERROR Automation AfterFix FIX_AUTOMATION;
    APIVERSIONMISMATCH Schema Later ANOTHER_WAY;
    API_CURRENTLY_DISABLED TransientCall Soon WAIT;
    API_DISABLED_FOR_ORG AuthDead AfterFix "The org's edition has no API access, or the user lacks API Enabled; an administrator changes that.";
    BATCH_PROCESSING_HALTED Collateral Soon "Another part of the same call failed; it is sent again without that one.";
    CANNOT_EXECUTE_FLOW_TRIGGER Automation AfterFix FIX_AUTOMATION;
    CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY Automation AfterFix FIX_AUTOMATION;
    CANNOT_UPDATE_CONVERTED_LEAD Identity AfterFix "The lead was converted; edit the contact or account it became.";
    CIRCULAR_DEPENDENCY Data AfterFix "The record would be its own parent; choose another parent.";
    DELETE_FAILED Data AfterFix "Remove or move the records that depend on it first.";
    DELETE_REQUIRED_ON_CASCADE Data AfterFix "An administrator gives the user delete rights on the records below it.";
    DUPLICATES_DETECTED Identity AfterFix "A duplicate rule found a record like it; link to that one, or a data steward allows both.";
    DUPLICATE_EXTERNAL_ID Identity AfterFix "Two records claim the same key; merge them or clear one key.";
    DUPLICATE_VALUE Identity AfterFix "Another record has this value in a unique field; link to it, merge, or change the value.";
    ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE Precondition Later "It was changed in Salesforce meanwhile; it is read and compared again.";
    ENTITY_IS_ARCHIVED Data AfterFix "The record is archived; it cannot be changed.";
    ENTITY_IS_DELETED Identity AfterFix "The record was deleted in Salesforce; decide whether to delete it here or restore it there.";
    ENTITY_IS_LOCKED Data Later "An approval holds the record; approve, reject or recall it, then retry.";
    EXCEEDEDQUOTA ThrottleDaily Later "The daily allowance is used up; it goes on when there is room again.";
    EXCEEDED_ID_LIMIT Schema Later SPLIT;
    EXCEEDED_MAX_SEMIJOIN_SUBSELECTS Schema AfterFix OUR_REQUEST;
    EXCEEDED_QUOTA ThrottleDaily Later "The daily allowance is used up; it goes on when there is room again.";
    FEATURENOTENABLED Schema AfterFix ANOTHER_WAY;
    FIELD_CUSTOM_VALIDATION_EXCEPTION Data AfterFix "A validation rule of the org refuses it; the message is the rule's own. Correct the record or ask the administrator.";
    FIELD_FILTER_VALIDATION_EXCEPTION Data AfterFix "The lookup filter of the field does not allow this record; choose another.";
    FIELD_INTEGRITY_EXCEPTION Data AfterFix FIX_VALUE;
    FUNCTIONALITY_NOT_ENABLED Schema AfterFix "An administrator turns the feature on in the org.";
    GONE Schema AfterFix API_VERSION;
    INACTIVE_ORG AuthDead AfterFix "The org is suspended; its administrator asks Salesforce.";
    INACTIVE_OWNER_OR_USER Data AfterFix "The owner is deactivated; choose an active owner.";
    INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE TransientCall Later "Salesforce is read-only for maintenance; writes go on afterwards by themselves.";
    INSUFFICIENT_ACCESS Data AfterFix RECORD_RIGHTS;
    INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY Data AfterFix "The user may not use the owner, parent or record type in it; an administrator shares that, or it is changed.";
    INSUFFICIENT_ACCESS_OR_READONLY Data AfterFix RECORD_RIGHTS;
    INTERNAL_ERROR TransientCall Soon WAIT;
    INVALIDBATCH Schema AfterFix OUR_REQUEST;
    INVALIDENTITY Schema AfterFix ANOTHER_WAY;
    INVALIDJOB Schema Later ANOTHER_WAY;
    INVALIDJOBSTATE Schema Later ANOTHER_WAY;
    INVALIDUSER Schema AfterFix ANOTHER_WAY;
    INVALID_ASSIGNMENT_RULE Data AfterFix OUR_REQUEST;
    INVALID_AUTH_HEADER AuthDead AfterFix "The app issues tokens of another kind; an administrator lets it issue plain bearer tokens, then sign in again.";
    INVALID_CROSS_REFERENCE_KEY Data AfterFix "The record it points to is missing or hidden; choose another, or sync that one first.";
    INVALID_EMAIL_ADDRESS Data AfterFix "Salesforce does not accept the e-mail address; correct it, then retry.";
    INVALID_FIELD Schema AfterFix FIELD_RIGHTS;
    INVALID_FIELD_FOR_INSERT_UPDATE Schema AfterFix FIELD_RIGHTS;
    INVALID_ID_FIELD Data AfterFix RELINK;
    INVALID_LOGIN AuthDead AfterFix SIGN_IN;
    INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST Data AfterFix "The list does not have this value; add it in Salesforce, or map it to one that exists.";
    INVALID_QUERY_FILTER_OPERATOR Schema AfterFix "The field cannot be searched that way; choose another field to match by.";
    INVALID_QUERY_LOCATOR TransientCall Later PLACE_LOST;
    INVALID_QUERY_LOCATOR_FORMAT TransientCall Later PLACE_LOST;
    INVALID_READ_ONLY_USER_DML TransientCall Later "Salesforce is read-only for maintenance; writes go on afterwards by themselves.";
    INVALID_REPLICATION_DATE Schema Later "The list of deletions does not reach back that far; a full comparison is made by itself.";
    INVALID_SESSION_ID Auth Soon "The access token has ended; it is renewed by itself.";
    INVALID_TYPE Schema AfterFix OBJECT_RIGHTS;
    INVALID_TYPE_ON_FIELD_IN_RECORD Data AfterFix FIX_VALUE;
    INVALID_VERSION Schema AfterFix "The org does not know the API version; lower it in the connection settings.";
    JSON_PARSER_ERROR Data AfterFix FIX_VALUE;
    LICENSE_LIMIT_EXCEEDED Capacity AfterFix "The org has no licences left; an administrator frees or buys some.";
    LIMIT_EXCEEDED Capacity Later "A limit of the org is reached; an administrator looks it up in Setup.";
    LOCATOR_LOCATION_EXCEEDS_SIZE TransientCall Later PLACE_LOST;
    LOGIN_DURING_RESTRICTED_DOMAIN AuthDead AfterFix "The user may not sign in from this network address; an administrator allows it.";
    LOGIN_DURING_RESTRICTED_TIME AuthDead Later "The user may not sign in at this hour; an administrator changes the login hours.";
    MALFORMED_ID Data AfterFix RELINK;
    MALFORMED_QUERY Schema AfterFix OUR_REQUEST;
    MALFORMED_SEARCH Schema AfterFix OUR_REQUEST;
    METHOD_NOT_ALLOWED Schema AfterFix OBJECT_RIGHTS;
    MIXED_DML_OPERATION Data AfterFix OUR_REQUEST;
    NOT_FOUND Identity AfterFix RELINK;
    NUMBER_OUTSIDE_VALID_RANGE Data AfterFix "The number has too many digits for the field; correct it, then retry.";
    OPERATION_TOO_LARGE TransientCall Later SPLIT;
    ORG_LOCKED AuthDead AfterFix "The org is locked; its administrator asks Salesforce.";
    ORG_NOT_OWNED_BY_INSTANCE Auth Soon "The org has moved; its new address is looked up by itself. If it lasts, use My Domain as sign-in address.";
    PASSWORD_LOCKOUT AuthDead AfterFix "The user is locked out; an administrator unlocks it.";
    PRECONDITION_FAILED Precondition Later "It was changed in Salesforce meanwhile; it is read and compared again.";
    PROCESSING_HALTED Collateral Soon "Another part of the same call failed; it is sent again without that one.";
    QUERY_LOCATOR_EXPIRED TransientCall Later PLACE_LOST;
    QUERY_LOCATOR_NOT_FOUND TransientCall Later PLACE_LOST;
    QUERY_TIMEOUT TransientCall Later "The query took too long; it is cut into smaller ones by itself. If it lasts, an administrator indexes the fields.";
    QUERY_TOO_COMPLICATED Schema AfterFix "The object has too many formula fields in the mapping; map fewer.";
    REQUEST_LIMIT_EXCEEDED ThrottleConcurrent Later "Too many calls at once; it goes on more slowly by itself.";
    REQUIRED_FIELD_MISSING Data AfterFix "Fill the field that is named, or give it a default in the mapping, then retry.";
    SELF_REFERENCE_FROM_TRIGGER Automation AfterFix FIX_AUTOMATION;
    SERVER_UNAVAILABLE TransientCall Soon WAIT;
    STORAGE_LIMIT_EXCEEDED Capacity AfterFix "The org is full; an administrator frees or buys storage.";
    STRING_TOO_LONG Data AfterFix "The text is longer than the field; shorten it, or let the mapping cut it.";
    TEMPORARY_QUERY_MORE_FAILURE TransientCall Soon WAIT;
    TOO_MANY_APEX_REQUESTS TransientCall Soon WAIT;
    TOO_MANY_ENUM_VALUE Data AfterFix "Too many values chosen; at most 100.";
    TOO_MANY_JOBS ThrottleConcurrent Later WAIT;
    TRANSFER_REQUIRES_READ Data AfterFix "The new owner may not read the record; choose another or share it.";
    TRIAL_EXPIRED AuthDead AfterFix "The org's trial is over; its administrator asks Salesforce.";
    TXN_SECURITY_APEX_ERROR Automation AfterFix "A transaction security policy failed; an administrator looks at it.";
    TXN_SECURITY_METERING_ERROR TransientCall Soon WAIT;
    TXN_SECURITY_NO_ACCESS Schema AfterFix "A transaction security policy forbids it; an administrator changes the policy.";
    TXN_SECURITY_RUNTIME_ERROR TransientCall Soon WAIT;
    UNABLE_TO_LOCK_ROW TransientRow Soon "Somebody else is writing to it; it is tried again by itself.";
    UNAUTHORIZED_USER_FOR_CURSOR TransientCall Later PLACE_LOST;
    UNKNOWN_ATTACHMENT Data AfterFix OUR_REQUEST;
    UNKNOWN_EXCEPTION TransientCall Soon WAIT;
    UNSUPPORTED_API_VERSION Schema AfterFix API_VERSION;
    UNSUPPORTED_MEDIA_TYPE Schema AfterFix OUR_REQUEST;
    URI_TOO_LONG Schema AfterFix OUR_REQUEST;
    URL_NOT_RESET Auth Soon "The org has moved; its new address is looked up by itself.";
    bad_body TransientCall Soon "The answer was cut short or garbled, often by a proxy; it is tried again by itself.";
    budget_run ThrottleDaily Later "The next run goes on by itself; [budget] per_run_share lets one run make more calls.";
    budget_share ThrottleDaily Later "It goes on by itself when calls are free again; [budget] max_share gives more of the org's calls.";
    budget_stop_line ThrottleDaily Later "It goes on by itself when the org uses fewer calls; an administrator can see who uses them. [budget] stop_at_org_used moves the line.";
    budget_used_up ThrottleDaily Later "It goes on by itself when there is room again; an administrator can see who uses the calls, or buy more.";
    connection_lost TransientCall Soon "The network broke; it is tried again by itself.";
    host_refused AuthDead AfterFix "Salesforce named an address that must not get the access token; an administrator looks at My Domain.";
    not_sent Schema AfterFix OUR_REQUEST;
    redirect Auth Soon "The org has moved; its new address is looked up by itself. If it lasts, use My Domain as sign-in address.";
    resting TransientCall Later "Nothing is lost; one call a minute tries whether it works again. See status.salesforce.com, the network and the proxy.";
    row_count TransientCall Later "The answer did not fit the request; what happened is checked by itself.";
    sign_in_failed TransientCall Later WAIT;
    sign_in_not_kept TransientCall Later "The renewed sign-in could not be saved; check disk space and permissions.";
    sign_in_over AuthDead AfterFix SIGN_IN;
    sign_in_unreachable TransientCall Soon "Check network and proxy; it is tried again by itself.";
    signed_out AuthDead AfterFix "Sign in.";
    timeout TransientCall Soon "Salesforce or the network was too slow; it is tried again by itself.";
    too_large TransientCall Later SPLIT;
    unreachable TransientCall Soon "Check network and proxy; it is tried again by itself.";
    unreadable_file Data AfterFix "The file to be sent cannot be read or changed meanwhile; check it, then send it again.";
    web_page TransientCall Soon "A web page came instead of data: maintenance, or a proxy that wants a sign-in. It is tried again by itself.";
}

/// The codes it knows, with their class where neither text nor status decides it.
#[cfg(test)]
pub(super) fn codes() -> impl Iterator<Item = (&'static str, ErrorClass)> {
    CATALOGUE.iter().map(|entry| (entry.code, entry.class))
}

/// Jobs name their codes in capitals or not, by version (salesforce-api 6.2).
fn find(code: &str) -> Option<&'static Entry> {
    let exact = |code: &str| {
        let at = CATALOGUE.binary_search_by(|entry| entry.code.cmp(code));
        at.ok().and_then(|at| CATALOGUE.get(at))
    };
    exact(code).or_else(|| exact(&code.to_ascii_uppercase()))
}

/// The class of a code that belongs to a family of which the section names only the beginning.
fn family(code: &str) -> Option<ErrorClass> {
    let classes = [
        ("ERROR_HTTP_", C::TransientCall),
        ("EXCEEDED_MAX_", C::Schema),
        ("LICENSING_", C::Capacity),
        ("TWO_FACTOR", C::AuthDead),
    ];
    let found = classes.iter().find(|(start, _)| code.starts_with(start));
    found.map(|(_, class)| *class)
}

/// Whether a code is in the catalogue, or is one of ours for an answer without any.
pub(super) fn is_known(code: &str) -> bool {
    find(code).is_some() || family(code).is_some() || code.starts_with("http_")
}

/// Class of a code, which for some depends on the text or the status.
pub(super) fn classify(code: &str, message: &str, status: u16) -> ErrorClass {
    match code {
        // A second kind that no refresh helps against (salesforce-api 1.9).
        "INVALID_SESSION_ID" if not_for_rest(message) => C::AuthDead,
        "REQUEST_LIMIT_EXCEEDED" if message.contains("TotalRequests") => C::ThrottleDaily,
        "INVALID_CROSS_REFERENCE_KEY" if status == 404 => C::Identity,
        _ => match (
            find(code).map(|entry| entry.class).or_else(|| family(code)),
            status,
        ) {
            (Some(class), _) => class,
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

/// Whether what a code stands for passes by itself: trouble of the network or of the server.
pub fn passes(code: &str) -> bool {
    let status = code.strip_prefix("http_").and_then(|s| s.parse().ok());
    let class = classify(code, "", status.unwrap_or(0));
    matches!(class, C::TransientCall | C::ThrottleConcurrent | C::Auth)
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
        (C::AuthDead, code) if code.starts_with("TWO_FACTOR") => {
            "The sign-in is not strong enough for the org's session policy; an administrator changes the policy, or signs in again."
        }
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
            ("TWO_FACTOR_REQUIRED", "", 401, C::AuthDead),
            ("ERROR_HTTP_400", "", 400, C::TransientCall),
            ("InvalidJobState", "", 400, C::Schema),
            ("INVALIDENTITY", "", 400, C::Schema),
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
            fields: Box::default(),
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
