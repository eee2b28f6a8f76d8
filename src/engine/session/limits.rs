//! What the budget of the connection allows, for the settings page.
//!
//! Asks nobody, decides nothing. Invariant: the lines are those that calls are held to.

use super::Connector;
use crate::engine::view::LimitsView;

impl Connector {
    /// The lines of the budget and where the connection stands between them.
    pub fn limits(&self) -> LimitsView {
        let gate = self.gate();
        LimitsView {
            system: "Salesforce".to_owned(),
            limits: gate.limits(),
            storage: gate.storage(),
            at_once: gate.standing().at_once,
            resumes: gate.again(),
        }
    }
}
