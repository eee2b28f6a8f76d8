//! The engine against the sandbox org: faults, crashes, races, and both sides equal in the end.
//!
//! Everything goes over the link and over HTTP, as with a console and a real org. Nothing sleeps
//! for luck: tests wait for states, and fail with what they waited for.

mod agree;
mod alike;
mod another_org;
mod audited;
mod breakers;
mod budget;
mod circles;
mod clocks;
mod counts;
mod currency;
mod deletes;
mod drafts;
mod drifted;
mod dropped;
mod faults;
mod fights;
mod filters;
mod hands;
mod hurried;
mod jobs;
mod lanes;
mod lists;
mod looking;
mod motion;
mod no_parent;
mod overflow;
mod owners;
mod plans;
mod policies;
mod push_jobs;
mod races;
mod random;
mod refresh;
mod refusals;
mod relink;
mod restored;
mod ruled;
mod schedules;
mod search;
mod set_back;
mod sweep;
mod texts;
mod twins;
mod undo;
mod versions;
mod waiting;
mod windows;
mod world;
mod writes;

use syncdeck::domain::run::RunState;

use agree::{assert_agree, takes_in_the_rest};
use world::{Sizes, World, fault, within};

/// Requests of a method whose path holds a text.
fn sent(world: &World, method: &str, part: &str) -> usize {
    let seen = world.org().requests(0);
    let fits = seen
        .iter()
        .filter(|r| r.method == method && r.path.contains(part));
    fits.count()
}
