//! The full-screen console.
//!
//! One loop ([`app`]), one message type, one `update`, one `view`; what happens outside is an
//! effect. It talks to the engine over [`crate::engine::link::Link`] and touches no store, no
//! network and no vault. Invariant: the terminal is given back on every way out.

pub mod action;
pub mod app;
pub mod ask;
pub mod bulk;
pub mod canvas;
pub mod decisions;
pub mod effect;
pub mod input;
pub mod key;
pub mod keymap;
pub mod look;
pub mod modal;
pub mod model;
pub mod msg;
pub mod order;
pub mod priority;
pub mod rows;
pub mod save;
pub mod signals;
pub mod split;
pub mod state;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod trail;
pub mod trouble;
pub mod update;
pub mod view;
pub mod wide;
pub mod widget;
pub mod wire;
pub mod wizard;
pub mod work;

pub use app::run;
pub use effect::ExitReason;
pub use model::{Audience, Hosting, Options, Times};
pub use theme::Depth;
pub use wizard::port::First;
