//! Calls that write and are on their way at the same time.
//!
//! A call takes off when it is made and happens when all others that were made with it have taken
//! off. Invariant (I22): no two calls on their way need the same row locked.

use super::*;

/// The rows that the calls on their way lock, by call.
#[derive(Debug, Default)]
pub struct Flights {
    next: u64,
    locks: BTreeMap<u64, BTreeSet<String>>,
}

impl Flights {
    /// The process is gone, and with it what it had on its way.
    pub fn end(&mut self) {
        self.locks.clear();
    }
}

impl Inner {
    /// Rows that the org locks for these writes.
    fn locks(&self, writes: &[One]) -> BTreeSet<String> {
        let mut locks = BTreeSet::new();
        for one in writes {
            let (id, fields) = match one {
                One::Create(fields) => (None, Some(fields)),
                One::Update(id, fields, _) => (Some(id), Some(fields)),
                One::Delete(id) => (Some(id), None),
            };
            let written = fields
                .and_then(|fields| fields.get(PARENT))
                .map(ToString::to_string);
            locks.extend(id.map(|id| self.value(&id.to_string(), PARENT)));
            locks.extend(written);
            locks.extend(id.map(ToString::to_string));
        }
        locks.remove("");
        locks
    }

    fn take_off(&mut self, writes: &[One]) -> u64 {
        let locks = self.locks(writes);
        let shared = self
            .flights
            .locks
            .values()
            .flatten()
            .find(|lock| locks.contains(*lock));
        if let Some(lock) = shared.cloned() {
            self.breaks("I22", format!("two calls on their way lock {lock}"));
        }
        let flights = &mut self.flights;
        flights.next += 1;
        flights.locks.insert(flights.next, locks);
        let met = match flights.locks.len() {
            1 => return flights.next,
            2 => TWO_FLY,
            _ => MORE_FLY,
        };
        let number = flights.next;
        self.coverage.met(met.to_owned());
        number
    }
}

impl Org {
    /// Makes a call that writes; others may be made before it happens.
    pub(super) async fn overlapping(
        &self,
        what: &str,
        mut writes: Vec<One>,
    ) -> Result<Vec<WriteResult>, CrmError> {
        if self.inner().switch == Switch::TwiceInBatch {
            writes.extend(writes.last().cloned());
        }
        let number = self.inner().take_off(&writes);
        let mut waited = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut waited, true) {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
        let results = self.write(what, writes);
        self.inner().flights.locks.remove(&number);
        results
    }
}
