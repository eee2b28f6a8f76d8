//! Every code of salesforce-api 6.2, 8 and 9 has a class, words, a remedy and a deed; and the table of
//! conformance says the same as the code.

use super::super::catalogue::{classify, codes, remedy};
use super::*;
use crate::crm::error::Effect;

/// Codes by section of salesforce-api. A star stands for the rest of a family.
const SECTIONS: [(&str, &[&str]); 8] = [
    (
        "2.4",
        &[
            "INVALID_QUERY_LOCATOR_FORMAT",
            "LOCATOR_LOCATION_EXCEEDS_SIZE",
            "QUERY_LOCATOR_EXPIRED",
            "QUERY_LOCATOR_NOT_FOUND",
            "TEMPORARY_QUERY_MORE_FAILURE",
            "UNAUTHORIZED_USER_FOR_CURSOR",
        ],
    ),
    (
        "6.2",
        &[
            "APIVERSIONMISMATCH",
            "EXCEEDEDQUOTA",
            "ExceededQuota",
            "FEATURENOTENABLED",
            "FeatureNotEnabled",
            "INVALIDBATCH",
            "INVALIDENTITY",
            "INVALIDJOB",
            "INVALIDJOBSTATE",
            "InvalidJobState",
            "InvalidUser",
        ],
    ),
    (
        "8.1",
        &[
            "API_CURRENTLY_DISABLED",
            "API_DISABLED_FOR_ORG",
            "CANNOT_EXECUTE_FLOW_TRIGGER",
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "FUNCTIONALITY_NOT_ENABLED",
            "INACTIVE_ORG",
            "INSUFFICIENT_ACCESS",
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "INVALID_AUTH_HEADER",
            "INVALID_LOGIN",
            "INVALID_SESSION_ID",
            "LICENSE_LIMIT_EXCEEDED",
            "LICENSING_*",
            "LOGIN_DURING_RESTRICTED_DOMAIN",
            "LOGIN_DURING_RESTRICTED_TIME",
            "ORG_LOCKED",
            "ORG_NOT_OWNED_BY_INSTANCE",
            "PASSWORD_LOCKOUT",
            "TRIAL_EXPIRED",
            "TWO_FACTOR*",
            "TXN_SECURITY_APEX_ERROR",
            "TXN_SECURITY_METERING_ERROR",
            "TXN_SECURITY_NO_ACCESS",
            "TXN_SECURITY_RUNTIME_ERROR",
            "URL_NOT_RESET",
        ],
    ),
    (
        "8.2",
        &[
            "EXCEEDEDQUOTA",
            "EXCEEDED_ID_LIMIT",
            "EXCEEDED_MAX_*",
            "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS",
            "EXCEEDED_QUOTA",
            "LIMIT_EXCEEDED",
            "OPERATION_TOO_LARGE",
            "QUERY_TIMEOUT",
            "QUERY_TOO_COMPLICATED",
            "REQUEST_LIMIT_EXCEEDED",
            "STORAGE_LIMIT_EXCEEDED",
            "TOO_MANY_APEX_REQUESTS",
            "TOO_MANY_ENUM_VALUE",
            "TOO_MANY_JOBS",
            "UNABLE_TO_LOCK_ROW",
        ],
    ),
    (
        "8.3",
        &[
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "BATCH_PROCESSING_HALTED",
            "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE",
            "ENTITY_IS_ARCHIVED",
            "ENTITY_IS_DELETED",
            "ENTITY_IS_LOCKED",
            "GONE",
            "INVALID_CROSS_REFERENCE_KEY",
            "INVALID_FIELD",
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "INVALID_ID_FIELD",
            "INVALID_QUERY_FILTER_OPERATOR",
            "INVALID_QUERY_LOCATOR",
            "INVALID_REPLICATION_DATE",
            "INVALID_TYPE",
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "INVALID_VERSION",
            "JSON_PARSER_ERROR",
            "MALFORMED_ID",
            "MALFORMED_QUERY",
            "MALFORMED_SEARCH",
            "METHOD_NOT_ALLOWED",
            "NOT_FOUND",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "PROCESSING_HALTED",
            "UNKNOWN_ATTACHMENT",
            "UNSUPPORTED_API_VERSION",
            "UNSUPPORTED_MEDIA_TYPE",
            "URI_TOO_LONG",
        ],
    ),
    (
        "8.4",
        &[
            "CANNOT_UPDATE_CONVERTED_LEAD",
            "CIRCULAR_DEPENDENCY",
            "DELETE_FAILED",
            "DELETE_REQUIRED_ON_CASCADE",
            "DUPLICATES_DETECTED",
            "DUPLICATE_EXTERNAL_ID",
            "DUPLICATE_VALUE",
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "FIELD_FILTER_VALIDATION_EXCEPTION",
            "FIELD_INTEGRITY_EXCEPTION",
            "INACTIVE_OWNER_OR_USER",
            "INVALID_ASSIGNMENT_RULE",
            "INVALID_EMAIL_ADDRESS",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "MIXED_DML_OPERATION",
            "REQUIRED_FIELD_MISSING",
            "SELF_REFERENCE_FROM_TRIGGER",
            "STRING_TOO_LONG",
            "TRANSFER_REQUIRES_READ",
        ],
    ),
    (
        "8.5",
        &[
            "APEX_ERROR",
            "ERROR_HTTP_*",
            "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
            "INTERNAL_ERROR",
            "SERVER_UNAVAILABLE",
            "UNKNOWN_EXCEPTION",
            "redirect",
            "web_page",
        ],
    ),
    (
        "9",
        &[
            "DUPLICATES_DETECTED",
            "ENTITY_IS_DELETED",
            "INVALIDJOB",
            "INVALID_CROSS_REFERENCE_KEY",
            "REQUIRED_FIELD_MISSING",
        ],
    ),
];

fn error(code: &str) -> CrmError {
    CrmError {
        class: classify(code, "", 400),
        code: code.to_owned(),
        message: String::new(),
        fields: Box::default(),
        record: None,
        status: Some(400),
        request: String::new(),
        effect: Effect::None,
    }
}

#[test]
fn every_code_of_the_reference_has_all_four() {
    for (section, listed) in SECTIONS {
        for code in listed {
            let family = code.strip_suffix('*');
            let error = error(&code.replace('*', "SOMETHING"));
            assert_ne!(error.class, ErrorClass::Unknown, "{section} {code}");
            assert!(!why(&error).is_empty(), "{section} {code}");
            assert!(remedy(&error).len() > 10, "{section} {code}");
            assert!(!deed(&error).words().is_empty(), "{section} {code}");
            let known = codes().any(|(known, _)| known.eq_ignore_ascii_case(code));
            assert!(known || family.is_some(), "{section} {code}");
        }
    }
}

#[test]
fn an_unknown_code_has_all_four_as_well() {
    let error = error("BRAND_NEW");
    assert_eq!(error.class, ErrorClass::Unknown);
    assert_eq!(deed(&error), Deed::Smaller);
    assert!(!why(&error).is_empty() && !remedy(&error).is_empty());
}

#[test]
fn what_the_engine_does_fits_the_class() {
    for (code, what) in [
        ("UNABLE_TO_LOCK_ROW", Deed::Repeat),
        ("REQUEST_LIMIT_EXCEEDED", Deed::SlowDown),
        ("EXCEEDED_QUOTA", Deed::PutOff),
        ("budget_share", Deed::PutOff),
        ("INVALID_SESSION_ID", Deed::Renew),
        ("API_DISABLED_FOR_ORG", Deed::AskForSignIn),
        ("DUPLICATE_VALUE", Deed::FindByKey),
        ("DUPLICATES_DETECTED", Deed::PutAside),
        ("ENTITY_IS_DELETED", Deed::Reread),
        ("PROCESSING_HALTED", Deed::Replan),
        ("ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", Deed::Reread),
        ("STRING_TOO_LONG", Deed::PutAside),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", Deed::Smaller),
        ("INVALID_FIELD", Deed::Describe),
        ("INVALIDJOBSTATE", Deed::AnotherWay),
        ("STORAGE_LIMIT_EXCEEDED", Deed::Stop),
        ("LICENSING_NO_SEATS", Deed::PutAside),
    ] {
        assert_eq!(deed(&error(code)), what, "{code}");
    }
}

/// The table of codes: each row's code, and what it says the client takes it for.
fn table() -> Vec<(&'static str, &'static str)> {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/conformance.md"
    ));
    let (_, codes) = text.split_once("## Codes").unwrap();
    let rows = codes.lines().filter(|line| line.starts_with("| "));
    rows.skip(2)
        .flat_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [names, _, _, client, ..] = cells[..] else {
                panic!("{line}");
            };
            names.split(", ").map(move |name| (name, client))
        })
        .collect()
}

#[test]
fn the_table_of_conformance_says_what_the_client_takes_each_code_for() {
    let table = table();
    let says = |class: ErrorClass| {
        let name = serde_json::to_value(class).unwrap();
        name.as_str().unwrap().replace('_', " ")
    };
    for (code, class) in codes() {
        // Ours are not spoken on the wire.
        if code.bytes().any(|b| b.is_ascii_lowercase()) {
            continue;
        }
        let row = table.iter().find(|(name, _)| *name == code);
        let (_, client) = row.unwrap_or_else(|| panic!("{code} is not in the table"));
        assert_eq!(*client, says(class), "{code}");
    }
    for (code, client) in table {
        if !codes().any(|(known, _)| known == code) {
            assert_eq!(client, "-", "{code}");
        }
    }
}
