//! The end of a screen: the engine stops at its next record boundary, and nobody waits for that
//! without a limit.
//!
//! A request in flight may take minutes. It draws nothing and stops nothing itself; what was cut
//! off is put right by the next start. Invariant: once the terminal is gone, at most [`HANG_UP`]
//! passes.

use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use tokio::time::timeout;

use crate::tui::ExitReason;
use crate::tui::signals::Signal;

/// The longest a process goes on whose terminal is gone (terminal-ux 3).
pub const HANG_UP: Duration = Duration::from_secs(5);
/// An end that comes sooner needs no word on the way.
const AT_ONCE: Duration = Duration::from_millis(300);

/// Waits for `ending`, which stops everything: for a person who left until it is done or a signal
/// comes, without a terminal for [`HANG_UP`]. `say` writes a line where the screen was. None when
/// it was not waited for any longer.
pub async fn finish<T>(
    ending: impl Future<Output = T>,
    why: ExitReason,
    mut signals: impl Stream<Item = Signal> + Unpin,
    say: impl Fn(&str),
) -> Option<T> {
    let mut ending = pin!(ending);
    if why != ExitReason::TerminalLost {
        if let Ok(done) = timeout(AT_ONCE, &mut ending).await {
            return Some(done);
        }
        say("finishing what is being written; Ctrl-C ends at once\n");
        loop {
            tokio::select! {
                done = &mut ending => return Some(done),
                signal = signals.next() => match signal {
                    Some(Signal::HangUp) => break,
                    Some(Signal::Stop | Signal::Continue) => {}
                    Some(Signal::Terminate) | None => {
                        say("ended at once; the next start puts right what was under way\n");
                        return None;
                    }
                },
            }
        }
    }
    let done = timeout(HANG_UP, ending).await.ok();
    if done.is_none() {
        tracing::warn!("the terminal went away, and the request in flight was not waited for");
    }
    done
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::{pending, ready};

    use futures::stream;
    use tokio::time::Instant;

    use super::*;

    /// What is said, and how long it takes, when the end never comes.
    async fn stuck(why: ExitReason, signals: Vec<Signal>) -> (Vec<String>, Duration) {
        let (began, said) = (Instant::now(), RefCell::new(Vec::new()));
        let signals = Box::pin(stream::iter(signals).chain(stream::pending()));
        let say = |text: &str| said.borrow_mut().push(text.to_owned());
        let done = timeout(
            Duration::from_secs(3_600),
            finish(pending::<()>(), why, signals, say),
        );
        assert_ne!(done.await, Ok(Some(())));
        (said.into_inner(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_terminal_it_waits_five_seconds() {
        let (said, took) = stuck(ExitReason::TerminalLost, Vec::new()).await;
        assert!(said.is_empty() && took < HANG_UP + AT_ONCE, "{took:?}");
        let (_, took) = stuck(ExitReason::Quit, vec![Signal::HangUp]).await;
        assert!(took < HANG_UP + 2 * AT_ONCE, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_is_told_and_ends_it_with_a_second_signal() {
        for why in [ExitReason::Quit, ExitReason::Terminated] {
            let (said, took) = stuck(why, vec![Signal::Continue]).await;
            assert_eq!(said.len(), 1, "waits, as long as it takes: {said:?}");
            assert!(took > HANG_UP);
            let (said, took) = stuck(why, vec![Signal::Terminate]).await;
            assert_eq!(said.len(), 2, "{said:?}");
            assert!(took <= 2 * AT_ONCE, "{took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_that_comes_at_once_says_nothing() {
        let say = |text: &str| panic!("{text}");
        let signals = stream::pending();
        assert_eq!(
            finish(ready(7), ExitReason::Quit, signals, say).await,
            Some(7)
        );
    }
}
