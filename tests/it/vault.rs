//! The vault, from outside.
