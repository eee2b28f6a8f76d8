//! Integration tests: one binary, one module per part.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod store;
mod vault;
