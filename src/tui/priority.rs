//! Who goes first when there is more to do than processors: the screen.
//!
//! The thread that takes keys and draws works for less than a millisecond at a time, and waits for
//! all others where a sync keeps every processor busy: with two of them and an import of 1,000,000
//! leads 1 key in 100 took 12 to 17 ms and more to its frame, and 8 to 12 once the others step back.
//! Invariant: it never fails; whoever cannot step back works as before.

/// How far the threads behind the screen step back: a tenth of the screen's share is left to them
/// where both want a processor.
#[cfg(target_os = "linux")]
const BACK: i32 = 10;

/// To be called by each thread that works for the screen and is not the screen's own. What such a
/// thread starts steps back with it.
pub fn step_back() {
    // Linux has a nice value for each thread (sched(7)); elsewhere it is one for the whole program,
    // and the screen would go back with it. The first thread's is the screen's. It is counted from
    // there: a thread begins with the value of the one that started it.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpid, getpriority_process, setpriority_process};
        let of_screen = getpriority_process(Some(getpid()));
        let stepped = of_screen.and_then(|nice| setpriority_process(None, nice + BACK));
        if let Err(error) = stepped {
            tracing::debug!(%error, "a thread keeps its priority");
        }
    }
}
