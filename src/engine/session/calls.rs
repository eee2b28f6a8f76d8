//! The API budget of the connection and its unknown codes: kept over restarts, asked for before work, put into words.
//!
//! Decides nothing; that is [`Gate`]'s. Invariant: what is kept holds no secret and no record.

use std::sync::Arc;

use jiff::Timestamp;

use super::kept::blocking;
use super::{Connector, ConnectorSettings};
use crate::crm::Crm;
use crate::crm::gate::{Gate, Standing};
use crate::crm::salesforce::{API_VERSION, remedy};
use crate::crm::version::ApiVersion;
use crate::domain::budget::{AHEAD as ALL, AHEAD_FOR, Bound, Class, clock};
use crate::domain::text::grouped;
use crate::engine::audit::{Draft, What};
use crate::engine::state::{State, lock};
use crate::engine::summary::{Helps, Trouble};
use crate::engine::tables::{AHEAD, BUDGET, CODES};
use crate::engine::tx::Durability;
use crate::error::Result;

/// The gate over what was counted before.
///
/// # Errors
/// The store cannot be read.
pub(super) fn gate(state: &State, settings: &ConnectorSettings) -> Result<Gate> {
    let kept = state.store().get(&BUDGET, &[])?.unwrap_or_default();
    let codes = state.store().get(&CODES, &[])?.unwrap_or_default();
    let clock = settings.clock.clone();
    let gate = Gate::new(settings.gate, Arc::new(move || clock.now()), kept).after_codes(codes);
    let version = state.connection()?.version;
    // One that was retired may have been raised since.
    let gate = match version {
        ApiVersion::Retiring(_) => gate.after_version(version),
        ApiVersion::Current | ApiVersion::Retired => gate,
    };
    if let Some(until) = state.store().get(&AHEAD, &[])? {
        gate.go_on(until);
    }
    Ok(gate)
}

impl Connector {
    /// What every call of the connection passes.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.0.gate
    }

    /// Lets background work go past the lines of the budget for a day. It is kept before it holds.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn go_on(&self, person: String, now: Timestamp) -> Result<()> {
        let until = now + AHEAD_FOR;
        blocking(&self.0.state, move |state| {
            let mut tx = state.begin();
            tx.put(&AHEAD, &[], &until);
            let text = format!("{ALL} % of the calls of the day, until {}", clock(until));
            tx.audit(Draft::new(now, &person, What::Allowed, text));
            tx.commit(Durability::Now)
        })
        .await?;
        self.0.gate.go_on(until);
        Ok(())
    }

    /// Keeps the counts of calls and of unknown codes and what was said of the API, if it changed. A crash loses those since
    /// the last time; the org's own figure has the calls.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn keep_counts(&self) -> Result<()> {
        let (calls, codes) = (self.0.gate.budget(), self.0.gate.unknown_codes());
        let said = self.0.gate.standing().version;
        let known = lock(&self.0.known).connection.version.clone();
        if known != said {
            self.note(move |_, connection| connection.version = said)
                .await?;
        }
        blocking(&self.0.state, move |state| {
            let mut tx = state.begin();
            if state.store().get(&BUDGET, &[])?.as_ref() != Some(&calls) {
                tx.put(&BUDGET, &[], &calls);
            }
            let mut durability = Durability::Soon;
            if state.store().get(&CODES, &[])?.unwrap_or_default() != codes {
                tx.put(&CODES, &[], &codes);
                durability = Durability::Now;
            }
            match tx.is_empty() {
                true => Ok(()),
                false => tx.commit(durability),
            }
        })
        .await
    }

    /// Asks the org how many calls are left, if what it said is old or, for a person, in the way.
    /// Work that begins without an answer finds out by itself.
    pub async fn refresh_figure(&self, crm: &dyn Crm, class: Class) {
        let in_the_way = class == Class::Interactive && self.0.gate.again().is_some();
        if (self.0.gate.standing().stale || in_the_way)
            && let Err(error) = crm.limits().await
        {
            tracing::warn!(target: "engine", code = %error.code, "the limits are not known");
        }
    }
}

/// `ours 1,204, 5,996 left to sync with`; nothing while the org has said nothing.
pub(super) fn words(standing: &Standing, gate: &Gate) -> Option<String> {
    let room = standing.room?;
    let ours = grouped(standing.ours);
    let mut words = match (room.left, gate.again()) {
        (1.., None) => format!("ours {ours}, {} left to sync with", grouped(room.left)),
        (_, again) => {
            let why = match room.bound {
                Bound::Share | Bound::Run => "our share is used",
                Bound::StopLine => "other apps come first",
                Bound::UsedUp => "none are left",
            };
            let when = again.map_or_else(String::new, |at| format!("; syncs about {}", clock(at)));
            format!("ours {ours}, {why}{when}")
        }
    };
    if let Some(until) = gate.ahead() {
        words.push_str(&format!("; up to {ALL} % until {}", clock(until)));
    }
    // Ours are counted when they are sent; the org leaves some out, and never got others.
    if let Some(figure) = standing.figure.filter(|it| it.used < standing.ours) {
        let counts = grouped(figure.used);
        words.push_str(&format!("; the org counts only {counts}"));
    }
    Some(words)
}

/// What is wrong once the version of the API is no more.
pub(super) fn retired(standing: &Standing) -> Option<Trouble> {
    (standing.version == ApiVersion::Retired).then(|| Trouble {
        what: "the version of the API that is used was retired".to_owned(),
        why: "Salesforce answers it no more".to_owned(),
        now: "nothing is synced; nothing is lost, changes wait".to_owned(),
        fix: API_VERSION.to_owned(),
        helps: Helps::Checking,
    })
}

/// What is wrong while the org does not answer.
pub(super) fn down(standing: &Standing) -> Option<Trouble> {
    let (since, last) = standing.down.as_ref()?;
    Some(Trouble {
        what: format!("no answer since {}", clock(*since)),
        why: last.as_ref().map_or_else(
            || "calls had to be repeated too often".to_owned(),
            ToString::to_string,
        ),
        now: "one call a minute tries; nothing is lost, changes wait".to_owned(),
        fix: last.as_ref().map_or_else(
            || "wait; it goes on by itself".to_owned(),
            |error| remedy(error).to_owned(),
        ),
        helps: Helps::Checking,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::ApiUsage;
    use crate::crm::gate::GateSettings;
    use crate::domain::budget::Budget;
    use jiff::Timestamp;

    #[test]
    fn more_calls_of_ours_than_the_org_counts_are_explained() {
        let now = Timestamp::UNIX_EPOCH;
        let mut kept = Budget::default();
        (0..3).for_each(|_| kept.count(now));
        let gate = Gate::new(GateSettings::default(), Arc::new(move || now), kept);
        let said = |used| {
            gate.report(ApiUsage { used, max: 10_000 });
            words(&gate.standing(), &gate).unwrap()
        };
        assert!(said(2).ends_with("left to sync with; the org counts only 2"));
        assert!(said(3).ends_with("left to sync with"));
    }
}
