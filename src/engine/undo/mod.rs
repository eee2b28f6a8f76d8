//! Taking back what a run wrote (sync-semantics 15).
//!
//! `written` keeps what was there before, `plan` and `rows` say what of it can be put back, and a run
//! of its own does it. Invariant: nothing is put back over a value that somebody changed since.

pub mod automated;
mod brake;
mod children;
mod fate;
mod held;
mod holding;
mod keep;
mod list;
mod merged;
mod overflow;
mod plan;
mod preview;
mod record;
mod rows;
mod work;
mod written;

pub use self::held::{end_hold, held};
pub use self::holding::{Holding, Holdings, Seen, holding};
pub use self::keep::forget;
pub use self::merged::comes_back;
pub use self::preview::{confirm, preview};
pub use self::written::{Deed, End, Notes, Stand, Written};
