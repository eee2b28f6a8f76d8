//! One test binary for everything that is tested from outside; one file per subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod architecture;
mod causes;
mod cli;
mod config;
mod crm;
mod engine;
mod files;
mod first_run;
mod flows;
mod ground;
mod kill;
mod plain;
mod pty;
mod pty_line;
mod sandbox;
mod screens;
mod secrets;
mod sim;
mod starts;
mod store;
mod vault;
mod world;
