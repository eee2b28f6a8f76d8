//! What a run is doing, in one line: the same on the screen and in `watch --plain`.
//!
//! Invariant: how long it takes is guessed only after ten seconds, and never in seconds.

use jiff::Timestamp;

use super::text;
use super::widget::bar;
use crate::engine::summary::{Motion, Progress};

/// `RUN Account 1,240/5,000 24% 31/s about 2m`.
pub fn line(now: Timestamp, run: &Progress) -> String {
    let verb = match run.motion {
        Motion::Working => "RUN",
        Motion::Pausing | Motion::Paused => "HOLD",
        Motion::Cancelling => "RUN cancelling",
    };
    let done = match run.total {
        Some(total) => format!(
            "{}/{} {}%",
            text::group(run.done),
            text::group(total),
            bar::percent(run.done, total)
        ),
        None => format!("{} {}", text::group(run.done), run.phase.label()),
    };
    let pace = pace(now, run).map_or(String::new(), |pace| format!(" {pace}"));
    format!("{verb} {} {done}{pace}", run.title)
}

/// `31/s about 2m`.
pub fn pace(now: Timestamp, run: &Progress) -> Option<String> {
    let seconds = u64::try_from(now.as_second() - run.phase_at.as_second()).ok()?;
    if seconds < 10 || run.done == 0 || run.motion != Motion::Working {
        return None;
    }
    let rate = run.done / seconds;
    let left = run.total.and_then(|total| {
        let minutes = total.saturating_sub(run.done).checked_mul(seconds)? / run.done / 60;
        Some(match minutes {
            0 => " under 1m".to_owned(),
            m => format!(" about {}m", text::group(m)),
        })
    });
    Some(format!(
        "{}/s{}",
        text::group(rate),
        left.unwrap_or_default()
    ))
}
