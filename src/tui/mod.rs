//! The full-screen console.
pub mod action;
pub mod canvas;
pub mod input;
pub mod key;
pub mod keymap;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod widget;
