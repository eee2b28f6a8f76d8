//! Validation rules of the org, in a small closed form.
//!
//! Not the formula language of Salesforce; the few shapes below are what our data needs.
//! Invariant: a rule looks at the record as it would be saved and changes nothing.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    fail::Fail,
    org::{Org, Record},
    schema::ObjIx,
    value::{Ref, same_text},
};

/// A validation rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its API name.
    pub name: String,
    /// The object it guards.
    pub object: String,
    /// The field the error is shown on; none: the page.
    #[serde(default)]
    pub field: Option<String>,
    /// What the person reads.
    pub message: String,
    #[serde(default = "yes")]
    pub active: bool,
    /// When it refuses.
    pub refuse: Refuse,
}

fn yes() -> bool {
    true
}

/// When a rule refuses a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "when", rename_all = "snake_case")]
pub enum Refuse {
    /// A text holds a letter.
    HasLetters { field: String },
    /// A text holds another one.
    Contains { field: String, text: String },
    /// `field` has this value and `needs` is empty.
    MissingWhen {
        field: String,
        equals: String,
        needs: String,
    },
    /// A number is above a limit.
    Above { field: String, limit: Decimal },
}

impl Rule {
    /// The refusal, if the record breaks the rule.
    pub fn check(&self, org: &Org, object: ObjIx, record: &Record) -> Option<Fail> {
        let value = |field: &str| org.value(object, record, field);
        let broken = match &self.refuse {
            Refuse::HasLetters { field } => value(field)
                .as_text()
                .is_some_and(|t| t.chars().any(char::is_alphabetic)),
            Refuse::Contains { field, text } => value(field)
                .as_text()
                .is_some_and(|t| t.to_lowercase().contains(&text.to_lowercase())),
            Refuse::MissingWhen {
                field,
                equals,
                needs,
            } => {
                matches!(value(field), Ref::Text(t) if same_text(t, equals))
                    && value(needs).is_null()
            }
            Refuse::Above { field, limit } => value(field).as_number().is_some_and(|n| n > *limit),
        };
        broken.then(|| {
            let fail = Fail::new("FIELD_CUSTOM_VALIDATION_EXCEPTION", &self.message);
            match &self.field {
                Some(field) => fail.on(field),
                None => fail,
            }
        })
    }
}

/// The rules of the demo org: two active ones and one that can be switched on.
pub fn of_demo() -> Vec<Rule> {
    let rule = |name: &str, object: &str, field: &str, message: &str, active, refuse| Rule {
        name: name.to_owned(),
        object: object.to_owned(),
        field: Some(field.to_owned()),
        message: message.to_owned(),
        active,
        refuse,
    };
    vec![
        rule(
            "Phone_Without_Letters",
            "Lead",
            "Phone",
            "Phone numbers must not contain letters.",
            true,
            Refuse::HasLetters {
                field: "Phone".into(),
            },
        ),
        rule(
            "Won_Needs_Amount",
            "Opportunity",
            "Amount",
            "An opportunity can only be won with an amount.",
            true,
            Refuse::MissingWhen {
                field: "StageName".into(),
                equals: "Closed Won".into(),
                needs: "Amount".into(),
            },
        ),
        rule(
            "Contact_Needs_Email",
            "Contact",
            "Email",
            "Contacts from the web need an e-mail address.",
            false,
            Refuse::MissingWhen {
                field: "LeadSource".into(),
                equals: "Web".into(),
                needs: "Email".into(),
            },
        ),
    ]
}
