//! The sandbox org: a Salesforce-compatible server.

pub mod dml;
pub mod fail;
pub mod ids;
pub mod org;
pub mod rules;
pub mod schema;
pub mod soql;
pub mod time;
pub mod value;
