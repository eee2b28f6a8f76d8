//! The one place that every call to the API passes before it is sent (sync-semantics 9.3, 10).
//!
//! Puts the pure parts together: budget, pace, breaker, repeats. Sends nothing and keeps nothing
//! on disk. Invariants: a call is counted exactly when it is let through; whoever is let through
//! frees the place, however the call ends.

mod refusals;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use self::refusals::{refused, resting};
use super::ApiUsage;
use super::breaker::{Breaker, Leave, Repeats};
use super::codes::UnknownCodes;
use super::error::{CrmError, ErrorClass};
use super::pace::{Felt, Pace, Turn};
use super::version::{ApiVersion, Heard};
use crate::domain::budget::{
    Budget, Class, Figure, Forecast, Limits, Room, Seat, Shares, Space, Storage, first,
};

/// What the org says when it has no calls left (salesforce-api 8.2).
const DAILY: &str = "REQUEST_LIMIT_EXCEEDED";

/// Settings of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateSettings {
    /// Who may use how much.
    pub shares: Shares,
    /// Calls at once.
    pub at_once: usize,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            shares: Shares::default(),
            at_once: 5,
        }
    }
}

/// Gives the time.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The gate of a connection.
pub struct Gate {
    settings: GateSettings,
    now: Now,
    inner: Mutex<Inner>,
    /// Told whenever a place is free.
    moved: Notify,
}

#[derive(Debug)]
struct Inner {
    budget: Budget,
    pace: Pace,
    breaker: Breaker,
    repeats: Repeats,
    waiting: Vec<Seat>,
    arrivals: u64,
    /// Why the last call failed, for people.
    last_failure: Option<CrmError>,
    unknown: UnknownCodes,
    version: Heard,
    storage: Option<Storage>,
    /// Until when a person lets background work go on past the lines.
    ahead: Option<Timestamp>,
}

/// For whom calls are made, and how many were made for them.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Who.
    pub class: Class,
    tally: Arc<AtomicU64>,
}

impl Lane {
    /// A lane of its own.
    pub fn new(class: Class) -> Self {
        Self {
            class,
            tally: Arc::default(),
        }
    }

    /// The same work in another class.
    #[must_use]
    pub fn of(&self, class: Class) -> Self {
        Self {
            class,
            tally: Arc::clone(&self.tally),
        }
    }

    /// Calls made for it.
    pub fn calls(&self) -> u64 {
        self.tally.load(Ordering::Relaxed)
    }
}

/// How a call ended, as far as the gate cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending<'e> {
    /// With an answer that was asked for.
    Answer,
    /// With an error.
    Error(&'e CrmError),
}

/// How a connection stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Calls of ours in the last 24 hours.
    pub ours: u64,
    /// What the org said last.
    pub figure: Option<Figure>,
    /// What background work may still do; none until the org said how much it allows.
    pub room: Option<Room>,
    /// Whether the org should be asked for its figure before work begins.
    pub stale: bool,
    /// Calls on their way, and how many may be.
    pub at_once: (usize, usize),
    /// Calls that took 20 seconds or more.
    pub long: u64,
    /// Since when the org does not answer, with the last failure.
    pub down: Option<(Timestamp, Option<CrmError>)>,
    /// Codes that are not in the catalogue, as they came, with how often.
    pub unknown: UnknownCodes,
    /// What the org says of the version of its API that is used.
    pub version: ApiVersion,
}

impl Gate {
    /// Over counts that were kept.
    pub fn new(settings: GateSettings, now: Now, budget: Budget) -> Self {
        Self {
            inner: Mutex::new(Inner {
                budget,
                pace: Pace::new(settings.at_once),
                breaker: Breaker::default(),
                repeats: Repeats::default(),
                waiting: Vec::new(),
                arrivals: 0,
                last_failure: None,
                unknown: UnknownCodes::default(),
                version: Heard::default(),
                storage: None,
                ahead: None,
            }),
            settings,
            now,
            moved: Notify::new(),
        }
    }

    /// The same with the unknown codes that came before.
    #[must_use]
    pub fn after_codes(self, codes: UnknownCodes) -> Self {
        self.inner().unknown = codes;
        self
    }

    /// The same with what was said of the version of the API.
    #[must_use]
    pub fn after_version(self, version: ApiVersion) -> Self {
        self.inner().version = Heard::before(version);
        self
    }

    /// Lets background work go past the lines of the budget until then.
    pub fn go_on(&self, until: Timestamp) {
        self.inner().ahead = Some(until);
        self.moved.notify_waiters();
    }

    /// Until when background work goes past the lines; none when it does not.
    pub fn ahead(&self) -> Option<Timestamp> {
        let now = self.now();
        self.inner().ahead.filter(|until| now < *until)
    }

    /// Who may use how much now.
    fn shares(&self, inner: &Inner, now: Timestamp) -> Shares {
        match inner.ahead {
            Some(until) if now < until => self.settings.shares.ahead(),
            _ => self.settings.shares,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// The budget or the breaker is in the way: nothing was sent, and when it helps to try again
    /// is in the message.
    pub async fn enter(self: &Arc<Self>, lane: &Lane) -> Result<Ticket, CrmError> {
        let place = Place::take(self, lane.class);
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // From here on no news is missed.
            moved.as_mut().enable();
            if let Some(ticket) = self.try_enter(lane, place.number)? {
                return Ok(ticket);
            }
            moved.await;
        }
    }

    fn try_enter(self: &Arc<Self>, lane: &Lane, number: u64) -> Result<Option<Ticket>, CrmError> {
        let now = self.now();
        let mut inner = self.inner();
        if !inner.pace.is_free() || first(&inner.waiting) != Some(number) {
            return Ok(None);
        }
        let shares = self.shares(&inner, now);
        let admitted = inner.budget.admit(lane.class, lane.calls(), &shares, now);
        admitted.map_err(|refusal| refused(&refusal))?;
        let probe = match inner.breaker.ask(now) {
            Leave::Go => Probe::No,
            Leave::Probe => Probe::Yes,
            // A person may look whether it works again.
            Leave::Rest(_) if lane.class == Class::Interactive => Probe::No,
            Leave::Rest(until) => return Err(resting(until, inner.last_failure.as_ref())),
        };
        inner.budget.count(now);
        inner.repeats.called(now);
        lane.tally.fetch_add(1, Ordering::Relaxed);
        let turn = inner.pace.begin(now);
        Ok(Some(Ticket {
            gate: Arc::clone(self),
            turn: Some(turn),
            probe,
        }))
    }

    /// Whether a call may be repeated now. When too many were, the connection rests.
    pub fn may_repeat(&self) -> bool {
        let now = self.now();
        let mut inner = self.inner();
        let fine = inner.repeats.take(now);
        if !fine {
            inner.breaker.open(now);
        }
        fine
    }

    /// Takes the org's own figure.
    pub fn report(&self, usage: ApiUsage) {
        let now = self.now();
        self.inner().budget.report(usage.used, usage.max, now);
    }

    /// Takes what the org said about its room for records and for files.
    pub fn report_storage(&self, data: Option<Space>, files: Option<Space>) {
        let at = self.now();
        self.inner().storage = Some(Storage { data, files, at });
    }

    /// What the org said last about its room; none until it was asked in this process.
    pub fn storage(&self) -> Option<Storage> {
        self.inner().storage
    }

    /// Takes what an answer said of the version of the API. What is said against it is told once in
    /// the log.
    pub fn heard_of_version(&self, said: ApiVersion) {
        if let Some(said) = self.inner().version.hear(said) {
            tracing::warn!(target: "crm", version = ?said, "this is said of the API version");
        }
    }

    /// Counts a code that is not in the catalogue.
    pub fn unknown_code(&self, code: &str) {
        let now = self.now();
        self.inner().unknown.note(code, now);
    }

    /// What has to be kept over a restart.
    pub fn budget(&self) -> Budget {
        self.inner().budget.clone()
    }

    /// Codes that are not in the catalogue; to be kept over a restart as well.
    pub fn unknown_codes(&self) -> UnknownCodes {
        self.inner().unknown.clone()
    }

    /// What so many more calls in the background mean.
    pub fn forecast(&self, needs: u64) -> Option<Forecast> {
        let now = self.now();
        let inner = self.inner();
        inner.budget.forecast(needs, &self.shares(&inner, now), now)
    }

    /// The lines of the budget, and where the connection stands between them.
    pub fn limits(&self) -> Limits {
        let now = self.now();
        let inner = self.inner();
        inner.budget.limits(&self.shares(&inner, now), now)
    }

    /// When it helps to go on with background work that would be refused now; none when it would
    /// not be, or the org is worth asking again.
    pub fn again(&self) -> Option<Timestamp> {
        let now = self.now();
        let inner = self.inner();
        let shares = self.shares(&inner, now);
        // Asked of a copy: a question must not put off the next probe.
        let mut budget = inner.budget.clone();
        let refusal = budget.admit(Class::Sweep, 0, &shares, now).err()?;
        Some(refusal.again).filter(|at| *at > now)
    }

    /// How the connection stands.
    pub fn standing(&self) -> Standing {
        let now = self.now();
        let inner = self.inner();
        Standing {
            ours: inner.budget.ours(now),
            figure: inner.budget.figure(),
            room: inner.budget.room(&self.shares(&inner, now), now),
            stale: inner.budget.is_stale(now),
            at_once: (inner.pace.on_their_way(), inner.pace.limit()),
            long: inner.pace.long(now),
            down: inner
                .breaker
                .open_since()
                .map(|since| (since, inner.last_failure.clone())),
            unknown: inner.unknown.clone(),
            version: inner.version.now().clone(),
        }
    }

    fn leave(&self, turn: Turn, probe: Probe, ending: Option<Ending<'_>>) {
        let now = self.now();
        let mut inner = self.inner();
        inner.pace.end(turn, felt(ending), now);
        match ending {
            // Nobody waited for it: it says nothing.
            None => {
                if probe == Probe::Yes {
                    inner.breaker.given_up(now);
                }
            }
            Some(Ending::Answer) => inner.breaker.answered(),
            Some(Ending::Error(error)) if error.class == ErrorClass::TransientCall => {
                inner.last_failure = Some(error.clone());
                inner.breaker.failed(now);
            }
            Some(Ending::Error(error)) => {
                inner.breaker.answered();
                if error.code == DAILY && error.class == ErrorClass::ThrottleDaily {
                    inner.budget.refused(now);
                }
            }
        }
        drop(inner);
        self.moved.notify_waiters();
    }
}

fn felt(ending: Option<Ending<'_>>) -> Felt {
    match ending {
        Some(Ending::Answer) => Felt::Well,
        Some(Ending::Error(error))
            if error.class == ErrorClass::ThrottleConcurrent || error.status == Some(503) =>
        {
            Felt::Crowded
        }
        _ => Felt::Nothing,
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Whether a call tries if the org answers again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    Yes,
    No,
}

/// Leave to make one call. Dropped without an end, the call was given up.
#[derive(Debug)]
pub struct Ticket {
    gate: Arc<Gate>,
    turn: Option<Turn>,
    probe: Probe,
}

impl Ticket {
    /// One part of the call is over: it goes on, or it has ended with this error.
    ///
    /// # Errors
    /// The error of the part.
    pub fn pass<T>(self, part: Result<T, CrmError>) -> Result<(T, Self), CrmError> {
        match part {
            Ok(part) => Ok((part, self)),
            Err(error) => {
                self.end(Ending::Error(&error));
                Err(error)
            }
        }
    }

    /// The call is over.
    pub fn end(mut self, ending: Ending<'_>) {
        if let Some(turn) = self.turn.take() {
            self.gate.leave(turn, self.probe, Some(ending));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.gate.leave(turn, self.probe, None);
        }
    }
}

/// A place in the queue, given up on every way out of it.
struct Place<'g> {
    gate: &'g Gate,
    number: u64,
}

impl<'g> Place<'g> {
    fn take(gate: &'g Gate, class: Class) -> Self {
        let since = gate.now();
        let mut inner = gate.inner();
        let number = inner.arrivals;
        inner.arrivals += 1;
        inner.waiting.push(Seat {
            number,
            class,
            since,
        });
        Self { gate, number }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut inner = self.gate.inner();
        inner.waiting.retain(|seat| seat.number != self.number);
        drop(inner);
        // The next one may be first now.
        self.gate.moved.notify_waiters();
    }
}
