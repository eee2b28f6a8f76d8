//! The sandbox org: a Salesforce-compatible server on loopback, for the demo and for tests.
//!
//! Speaks OAuth and the REST data API as `salesforce-api` describes them, over an org of seeded
//! records with their rules of saving. It shares no code with the client, so that one cannot hide
//! the other's mistakes. It keeps nothing on disk and is no place for real data: its ready line
//! shows the password and the control token.
//!
//! Invariant: everything a client sees went over the socket; [`Control`] stands for the other
//! people in the org and for its administrator, never for the client.

mod audit;
mod automation;
mod bulk;
mod control;
mod dml;
mod fail;
mod faults;
mod http;
mod ids;
mod info;
mod keys;
mod markup;
mod md5;
mod names;
mod oauth;
mod options;
mod org;
mod rules;
mod schema;
mod seed;
mod serve;
mod server;
mod soap;
mod soql;
mod sosl;
mod time;
mod tls;
mod value;
mod xml;

pub use audit::{Counters, Seen};
pub use automation::{
    Access, Assignment, Automation, Becomes, DuplicateRule, FieldAccess, Flow, OnDuplicate,
};
pub use bulk::Pace;
pub use control::{By, Control, Field, Pick, Written};
pub use dml::{Conversion, LengthUnit};
pub use fail::Fail;
pub use faults::{Active, Fault, FaultKind, RowCode, Rows};
pub use info::Info;
pub use oauth::Rotation;
pub use options::{
    Approval, ExtraField, LoopbackPorts, Offer, Options, Pkce, SecretPolicy, Seed, Ticking,
    Transport,
};
pub use org::{Change, What};
pub use rules::{Refuse, Rule};
pub use seed::Edition;
pub use serve::{Running, serve};
