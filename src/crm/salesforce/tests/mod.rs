//! Tests that reach over the whole client: damaged bodies, and histories with a bad network.

mod fuzz;
mod histories;
