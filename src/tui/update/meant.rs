//! What the choices of a mapping row mean, in a few words each.
//!
//! Decides nothing. Invariant: each fits the line below a form in a window of 60 columns.

use std::borrow::Cow;

use crate::domain::mapping::{Flow, Foreign, Refresh, Strategy};
use crate::domain::transform::Side;

/// Which way values go (sync-semantics 5.3).
pub fn flow(flow: Flow) -> Cow<'static, str> {
    Cow::Borrowed(match flow {
        Flow::Both => "changes go both ways",
        Flow::ToCrm(Foreign::Keep) => "to Salesforce; a change made there stays",
        Flow::ToCrm(Foreign::Enforce) => "to Salesforce; a change there is put back",
        Flow::ToApp(Foreign::Keep) => "to the App; a change made there stays",
        Flow::ToApp(Foreign::Enforce) => "to the App; a change there is put back",
        Flow::PreferCrm => "Salesforce's value, else the App's",
        Flow::PreferApp => "the App's value, else Salesforce's",
        Flow::SetOnce(Side::Crm) => "to Salesforce, only while it has none",
        Flow::SetOnce(Side::App) => "to the App, only while it has none",
        Flow::Append(_) => "new text is added there, nothing replaced",
        Flow::AppendBoth => "as append, and all of it comes back",
        Flow::Computed(Refresh::Nightly) => "a formula: to the App, read each night",
        Flow::Computed(Refresh::Hours(hours)) => {
            return Cow::Owned(format!("a formula: to the App, read every {hours} hours"));
        }
    })
}

/// Who decides when both sides changed (sync-semantics 5.4).
pub fn strategy(rule: Strategy) -> &'static str {
    match rule {
        Strategy::Ask => "a person decides",
        Strategy::Crm => "Salesforce's value",
        Strategy::App => "the App's value",
        Strategy::Newest => "the later change, if that can be told",
        Strategy::Filled => "the side that has a value",
        Strategy::NewestOrCrm => "the later change, Salesforce's if that cannot be told",
        Strategy::NewestOrApp => "the later change, the App's if that cannot be told",
        Strategy::Inherit => "as the settings say",
    }
}
