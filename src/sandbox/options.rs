//! What a sandbox org is started with.
//!
//! Behaviour that public sources leave open is a setting here, never a belief in the code.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use super::{dml::LengthUnit, ids::SfId, oauth::Rotation, seed::Edition};

/// The settings of a sandbox org; [`Options::default`] is the demo's.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The records it starts with.
    pub seed: Seed,
    /// Fields on top of those it has.
    pub fields: Vec<ExtraField>,
    /// Whether it says it is a sandbox or a production org.
    pub edition: Edition,
    /// Number its id is made of; two orgs that must differ get two.
    pub org_number: u64,
    /// Its clock at the start in seconds since 1970; none: the machine's.
    pub start: Option<i64>,
    /// Whether its clock goes on by itself.
    pub ticking: Ticking,
    /// Consumer key of the one app.
    pub client_id: String,
    /// Consumer secret; none: a random one, told in [`super::Info`].
    pub client_secret: Option<String>,
    /// Callback addresses of the app, matched whole.
    pub redirects: Vec<String>,
    /// Whether the port of a registered loopback address is free (RFC 8252 section 7.3).
    pub loopback_ports: LoopbackPorts,
    /// Password of every user; none: a random one.
    pub password: Option<String>,
    /// Who allows the app.
    pub approval: Approval,
    pub transport: Transport,
    /// The SOAP `login` call with password and security token (salesforce-api 1.6).
    pub soap_login: Offer,
    /// The username-password grant.
    pub password_grant: Offer,
    /// The device flow.
    pub device_flow: Offer,
    /// Whether client credentials stand for a user, the one of the integration.
    pub run_as: Offer,
    /// A key pair for the JWT bearer grant; making it takes a moment.
    pub jwt_key: Offer,
    pub pkce: Pkce,
    pub secret: SecretPolicy,
    pub rotation: Rotation,
    /// How many approvals of the app a user can have; one more ends the oldest.
    pub approvals: usize,
    /// How long a session lasts after its last use.
    pub session: Duration,
    /// How long a posted sign-in page takes.
    pub sign_in_delay: Duration,
    /// API calls allowed in a day.
    pub daily_requests: u64,
    /// How text lengths are counted.
    pub lengths: LengthUnit,
    /// Token of the control interface; none: a random one.
    pub control_token: Option<String>,
}

/// A field of an object that the org has on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraField {
    /// The object.
    pub object: String,
    /// Name, kind and flags, as a line of `schema/objects.txt`: `Note__c string(255) CUNFGS`.
    pub line: String,
}

/// The records an org starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seed {
    /// Users and settings only.
    Bare,
    /// The demo's records in its proportions: 10,000 leads come with 1,300 accounts, 4,000
    /// contacts and 900 opportunities. The same `number` gives the same records.
    Demo { leads: usize, number: u64 },
    /// The records of a file in the form of the vendor's `data export tree`:
    /// `{"records":[{"attributes":{"type":"Lead","referenceId":"l1"},...}]}`; `"@l1"` stands for
    /// the id of the record of that name.
    File(PathBuf),
}

/// Whether the org offers something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offer {
    #[default]
    No,
    Yes,
}

/// Whether the org's clock goes on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ticking {
    #[default]
    ByItself,
    /// Only when control moves it: for simulations, where the same seed gives the same times.
    ByHand,
}

/// How clients reach the org.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Transport {
    #[default]
    Http,
    /// With an authority of its own, whose certificate is written to a file: the given one, or
    /// one that goes with the org.
    Https { ca: Option<PathBuf> },
}

impl Default for Seed {
    fn default() -> Self {
        Self::Demo {
            leads: 10_000,
            number: 42,
        }
    }
}

/// Who allows the app on the authorize page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Approval {
    /// A person signs in and presses Allow or Deny.
    #[default]
    AskPerson,
    /// The integration user is signed in and has allowed it: straight back to the app.
    Automatic,
}

/// Whether an authorize request needs a code challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pkce {
    #[default]
    Required,
    Optional,
}

/// Whether token requests need the consumer secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretPolicy {
    Required,
    /// It may be left out, as PKCE clients without one do; a wrong one is still refused.
    #[default]
    Optional,
}

/// Which ports a registered loopback address stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoopbackPorts {
    #[default]
    Any,
    /// The registered one only.
    Exact,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: Seed::default(),
            fields: Vec::new(),
            edition: Edition::default(),
            org_number: 0x5DC0,
            start: None,
            ticking: Ticking::default(),
            client_id: "3MVG9sandbox.syncdeck_PlatformCLI".to_owned(),
            client_secret: None,
            redirects: vec![
                "http://localhost:1717/callback".to_owned(),
                "http://127.0.0.1:1717/callback".to_owned(),
                "http://localhost:1717/OauthRedirect".to_owned(),
            ],
            loopback_ports: LoopbackPorts::default(),
            password: None,
            approval: Approval::default(),
            transport: Transport::default(),
            soap_login: Offer::No,
            password_grant: Offer::No,
            device_flow: Offer::Yes,
            run_as: Offer::Yes,
            jwt_key: Offer::No,
            pkce: Pkce::default(),
            secret: SecretPolicy::default(),
            rotation: Rotation::default(),
            approvals: 5,
            session: Duration::from_secs(7200),
            sign_in_delay: Duration::ZERO,
            daily_requests: 100_000,
            lengths: LengthUnit::default(),
            control_token: None,
        }
    }
}

impl Options {
    /// An org for tests: users and settings, no records.
    pub fn bare() -> Self {
        Self {
            seed: Seed::Bare,
            ..Self::default()
        }
    }

    /// The id of the org.
    pub(super) fn org_id(&self) -> SfId {
        SfId::new(*b"00D", self.org_number)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("bind", &self.bind)
            .field("seed", &self.seed)
            .field("edition", &self.edition)
            .field("redirects", &self.redirects)
            .finish_non_exhaustive()
    }
}
