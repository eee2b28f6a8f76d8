//! The sandbox org's answers in the client's shapes.

use super::*;

pub(super) fn json(fields: &Fields) -> Map<String, Json> {
    let value = |value: &Value| match value {
        Value::Null => Json::Null,
        value => Json::from(value.to_string()),
    };
    fields
        .iter()
        .map(|(name, v)| (name.to_string(), value(v)))
        .collect()
}

pub(super) fn instant(text: &str) -> Timestamp {
    text.replace("+0000", "Z").parse().unwrap()
}

pub(super) fn trouble(code: &str, effect: Effect) -> CrmError {
    CrmError {
        class: ErrorClass::TransientCall,
        code: code.to_owned(),
        message: "as the seed wants it".to_owned(),
        fields: Box::default(),
        record: None,
        status: None,
        request: String::new(),
        effect,
    }
}

pub(super) fn error_of(fail: &Fail) -> CrmError {
    let class = match fail.code {
        "UNABLE_TO_LOCK_ROW" => ErrorClass::TransientRow,
        "DUPLICATE_VALUE" | "ENTITY_IS_DELETED" | "CANNOT_UPDATE_CONVERTED_LEAD" => {
            ErrorClass::Identity
        }
        _ => ErrorClass::Data,
    };
    CrmError {
        class,
        message: fail.message.clone(),
        ..trouble(fail.code, Effect::None)
    }
}

/// Nothing was done, for this reason.
pub(super) fn refusal(code: &str, class: ErrorClass) -> CrmError {
    CrmError {
        class,
        ..trouble(code, Effect::None)
    }
}
