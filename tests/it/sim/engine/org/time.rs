//! Virtual time on the org's side, what happens by itself in it, and how a call arrives.

use super::*;

/// Calls of a history after which it is given up: a hundred times what one needs.
const MOST: u64 = 20_000;

impl Inner {
    /// Moves time on, and lets happen what is due.
    pub fn pass(&mut self, ms: i64) {
        let end = self.now + ms;
        loop {
            let next = self.late.iter().map(|l| l.0).min();
            let unseen = self.unseen.as_ref().map(|u| u.0);
            let job = self.job_due();
            match [next, unseen, job]
                .into_iter()
                .flatten()
                .min()
                .filter(|t| *t <= end)
            {
                Some(due) => {
                    self.clock_to(due.max(self.now));
                    if unseen == Some(due) {
                        self.unseen = None;
                        let ended = self.control.end_unseen();
                        self.tell(format!("a transaction ends {ended:?}"));
                    } else if let Some(at) = self.late.iter().position(|l| l.0 == due) {
                        let (_, writes, sent) = self.late.remove(at);
                        self.tell("late request arrives".into());
                        for one in &writes {
                            self.execute(one, sent);
                        }
                    } else {
                        self.job_goes_on(due);
                    }
                }
                None => break,
            }
        }
        self.clock_to(end);
    }

    pub(super) fn clock_to(&mut self, ms: i64) {
        let before = self.now.div_euclid(1_000);
        self.now = ms;
        self.control.advance(ms.div_euclid(1_000) - before);
    }

    /// The server's clock, whole seconds.
    pub fn server_time(&self) -> Timestamp {
        Timestamp::from_second(self.now.div_euclid(1_000)).unwrap()
    }

    pub(super) fn alive(&self) -> Result<(), CrmError> {
        match self.is_dead() {
            true => Err(trouble("gone", Effect::None)),
            false => Ok(()),
        }
    }

    /// Whether the process is gone.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// The process ends here.
    pub fn die(&mut self) {
        self.tell("the process ends".into());
        self.dead.store(true, Ordering::SeqCst);
    }

    /// A new process: what would end it.
    pub fn reborn(&mut self) -> Arc<AtomicBool> {
        self.dead = Arc::default();
        self.flights.end();
        Arc::clone(&self.dead)
    }

    /// Whether a fault strikes now.
    pub fn strikes(&mut self, fault: Fault) -> bool {
        self.faults.strikes(fault, &mut self.random)
    }

    pub(super) fn arrive(&mut self, what: &str) -> Result<(), CrmError> {
        self.alive()?;
        if self.requests > MOST {
            self.breaks("I2", "calls do not stop".to_owned());
            self.die();
            return self.alive();
        }
        self.calls += 1;
        self.requests += 1;
        self.arrived.push(self.now);
        self.tell(format!("> {what}"));
        let slept = (self.slept)();
        let before = std::mem::replace(&mut self.slept_before, slept);
        self.pass(slept - before);
        let same = self.strikes(Fault::SameSecond);
        let slow = self.strikes(Fault::Slow);
        let wait = match (same, slow) {
            (true, _) => 0,
            (_, true) => 20_000,
            _ => self.random.below(1_500),
        };
        let limit = self.strikes(Fault::DailyLimit);
        self.pass(wait as i64);
        if self.strikes(Fault::TooMany) {
            self.tell("  too many at once".into());
            return Err(refusal(
                "REQUEST_LIMIT_EXCEEDED",
                ErrorClass::ThrottleConcurrent,
            ));
        }
        if self.strikes(Fault::SignedOut) {
            self.tell("  signed out".into());
            let class = [ErrorClass::Auth, ErrorClass::AuthDead][self.random.below(2)];
            return Err(refusal("INVALID_SESSION_ID", class));
        }
        if limit {
            self.tell("  daily limit".into());
            return Err(refusal("REQUEST_LIMIT_EXCEEDED", ErrorClass::ThrottleDaily));
        }
        Ok(())
    }
}
