//! Configuration as files: reading, checking, and saying where a mistake is.
//!
//! Nothing here starts anything or knows a terminal. Invariant: what a parser here returns has
//! no unknown names in it.

pub mod keys;
pub mod place;
pub mod theme;
