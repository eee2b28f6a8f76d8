//! Parts of screens: each draws itself on a canvas and, if it has keys, handles them.
//!
//! Widgets know no engine and no screen. Invariant: a widget's key handling changes only its own
//! state; what follows from it is returned as a value.

pub mod bar;
pub mod confirm;
pub mod dialog;
pub mod diff;
pub mod editor;
pub mod form;
pub mod list;
pub mod pane;
pub mod picker;
pub mod prompt;
pub mod recall;
pub mod sheet;
pub mod spark;
pub mod table;
pub mod toast;
