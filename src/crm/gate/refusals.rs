//! Why a call was not let through, as an error.
//!
//! Words only. Invariant: nothing of such a call was sent, so that it had no effect.

use jiff::Timestamp;

use crate::crm::error::{CrmError, Effect, ErrorClass};
use crate::domain::budget::{Bound, Refusal};

/// The budget does not let a call through.
pub(super) fn refused(refusal: &Refusal) -> CrmError {
    let (code, what) = match refusal.bound {
        Bound::Share => ("budget_share", "our share of the org's API calls is used"),
        Bound::StopLine => (
            "budget_stop_line",
            "the org's API calls are used up to the line where other apps come first",
        ),
        Bound::Run => ("budget_run", "this run has made as many calls as one may"),
        Bound::UsedUp => ("budget_used_up", "the org has no API calls left"),
    };
    let Refusal {
        used, of, again, ..
    } = refusal;
    let again = again.strftime("%H:%M UTC");
    not_let_through(
        ErrorClass::ThrottleDaily,
        code,
        format!("{what}: {used} of {of} in 24 hours; it goes on by itself about {again}"),
    )
}

/// No call is let through for now.
pub(super) fn resting(until: Timestamp, last: Option<&CrmError>) -> CrmError {
    let why = last.map_or_else(
        || "calls had to be repeated too often".to_owned(),
        ToString::to_string,
    );
    not_let_through(
        ErrorClass::TransientCall,
        "resting",
        format!(
            "Salesforce does not answer as it should ({why}); the next try is at {}",
            until.strftime("%H:%M:%S UTC")
        ),
    )
}

/// A call that was not let through.
pub(super) fn not_let_through(class: ErrorClass, code: &str, message: String) -> CrmError {
    CrmError {
        class,
        code: code.to_owned(),
        message,
        fields: Box::default(),
        record: None,
        status: None,
        request: String::new(),
        effect: Effect::None,
    }
}
