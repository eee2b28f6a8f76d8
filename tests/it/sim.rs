//! The simulation: many small histories made from a number, each checked against the invariants
//! of the specification (sync-semantics 25 and 26).
//!
//! [`planner`] runs the pure planner on sets of records; [`engine`] runs real runs of the engine
//! over a store and a CRM inside this process. Nothing here has a clock or a chance of its own:
//! the seed decides everything, so a failure is repeated by its number. `SYNCDECK_SIM` (set by
//! `./tests/run --sim N`) says how many seeds, `SYNCDECK_SEED` runs one and tells its story, or
//! those of a range (`6000..9000`, the last one not among them).

mod engine;
mod invariants;
mod parents;
mod planner;
pub mod random;

/// Why a history is not as it must be: the invariant, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// `I1` to `I46`, or the name of a rule of the harness.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
}

impl Broken {
    /// Of an invariant.
    pub fn new(invariant: &'static str, what: impl Into<String>) -> Self {
        Self {
            invariant,
            what: what.into(),
        }
    }
}

/// Fails with an invariant unless something holds.
macro_rules! must {
    ($holds:expr, $invariant:literal, $($what:tt)*) => {
        if !$holds {
            return Err($crate::sim::Broken::new($invariant, format!($($what)*)));
        }
    };
}
pub(crate) use must;

/// Seeds of a run: the one asked for, or as many as asked for, or the ordinary number.
fn seeds(ordinary: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let Ok(asked) = std::env::var("SYNCDECK_SEED") else {
        return 0..number("SYNCDECK_SIM").map_or(ordinary, |n| n.max(ordinary));
    };
    let seed = |text: &str| text.parse::<u64>().expect("SYNCDECK_SEED is N or N..M");
    match asked.split_once("..") {
        Some((first, end)) => seed(first)..seed(end),
        None => seed(&asked)..seed(&asked).saturating_add(1),
    }
}

/// The command that repeats a seed.
fn again(test: &str, seed: u64) -> String {
    format!("SYNCDECK_SEED={seed} cargo test --test it {test} -- --exact --nocapture")
}

/// Says what a long run came to, past the test runner, which keeps what tests that pass print.
fn say(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stderr().lock();
    out.write_all(text.as_bytes()).unwrap();
    out.write_all(b"\n").unwrap();
}
