//! What all requests share: the org, its clock, sessions, cursors, faults and the record of
//! requests.
//!
//! Invariant: locks are taken one at a time or in the order of the fields below, and never across
//! an await.

use std::collections::HashMap;
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::{
    Options,
    audit::Audit,
    bulk::Jobs,
    dml::{Actor, Assign, Duplicates},
    faults::Faults,
    http::{cursor::Cursors, recent::Recent},
    ids::SfId,
    oauth::{Oauth, new_key},
    org::Org,
    time::Clock,
    value::Ref,
};

/// API calls used and allowed.
#[derive(Debug)]
pub struct Allowance {
    used: AtomicU64,
    max: AtomicU64,
}

impl Allowance {
    /// Nothing used yet.
    pub fn new(max: u64) -> Self {
        Self {
            used: AtomicU64::new(0),
            max: AtomicU64::new(max),
        }
    }
    /// Counts one call and gives used and allowed.
    pub fn count(&self) -> (u64, u64) {
        (
            self.used.fetch_add(1, Ordering::Relaxed) + 1,
            self.max.load(Ordering::Relaxed),
        )
    }
    /// Used and allowed.
    pub fn state(&self) -> (u64, u64) {
        (
            self.used.load(Ordering::Relaxed),
            self.max.load(Ordering::Relaxed),
        )
    }
    /// Sets either number.
    pub fn set(&self, used: Option<u64>, max: Option<u64>) {
        if let Some(used) = used {
            self.used.store(used, Ordering::Relaxed);
        }
        if let Some(max) = max {
            self.max.store(max, Ordering::Relaxed);
        }
    }
}

/// The shared state of a server.
pub struct Server {
    pub options: Options,
    pub clock: Clock,
    /// The user OAuth signs in as.
    pub user: SfId,
    pub allowance: Allowance,
    org: RwLock<Org>,
    oauth: Mutex<Oauth>,
    cursors: Mutex<Cursors>,
    faults: Mutex<Faults>,
    audit: Mutex<Audit>,
    recent: Mutex<Recent>,
    jobs: Mutex<Jobs>,
    snapshots: Mutex<HashMap<String, Org>>,
    /// Data calls under way, and how many may be.
    pub under_way: AtomicU64,
    pub most_at_once: AtomicU64,
    /// Versions of the API.
    pub versions: super::http::Support,
    /// Where the server is reached, without a slash at the end.
    url: String,
    /// The data API moved to the other name of this machine.
    moved: AtomicBool,
    control_token: String,
    /// Signs identity tokens; made at the first.
    signing_key: OnceLock<Option<ring::rsa::KeyPair>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A server over an org.
    pub fn new(
        options: Options,
        clock: Clock,
        org: Org,
        user: SfId,
        oauth: Oauth,
        url: String,
        control_token: String,
    ) -> Arc<Self> {
        Arc::new(Self {
            allowance: Allowance::new(options.daily_requests),
            options,
            clock,
            user,
            org: RwLock::new(org),
            oauth: Mutex::new(oauth),
            cursors: Mutex::default(),
            faults: Mutex::default(),
            audit: Mutex::default(),
            recent: Mutex::default(),
            jobs: Mutex::default(),
            snapshots: Mutex::default(),
            under_way: AtomicU64::new(0),
            most_at_once: AtomicU64::new(u64::MAX),
            versions: super::http::Support::default(),
            url,
            moved: AtomicBool::new(false),
            control_token,
            signing_key: OnceLock::new(),
        })
    }

    /// Where the server is reached, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }
    /// Where the data API answers: elsewhere after a migration.
    pub fn instance_url(&self) -> String {
        let port = self.url.rsplit_once(':').map_or("", |(_, port)| port);
        let scheme = self
            .url
            .split_once(':')
            .map_or("http", |(scheme, _)| scheme);
        match self.moved.load(Ordering::Relaxed) {
            true => format!("{scheme}://localhost:{port}"),
            false => self.url.clone(),
        }
    }
    /// Moves the data API to `localhost`, as when an org is migrated.
    pub fn migrate(&self) {
        self.moved.store(true, Ordering::Relaxed);
    }
    /// Where a call must go instead, if it came to the address of before.
    pub fn elsewhere(&self, host: &str) -> Option<String> {
        let stale = self.moved.load(Ordering::Relaxed) && !host.starts_with("localhost");
        stale.then(|| self.instance_url())
    }
    /// What guards the control interface.
    pub fn control_token(&self) -> &str {
        &self.control_token
    }
    /// The org's own key; none when the system cannot make one.
    pub fn signing_key(&self) -> Option<&ring::rsa::KeyPair> {
        self.signing_key.get_or_init(new_key).as_ref()
    }
    /// The org, to read.
    pub fn org(&self) -> RwLockReadGuard<'_, Org> {
        self.org.read().unwrap_or_else(PoisonError::into_inner)
    }
    /// The org, to change.
    pub fn org_mut(&self) -> RwLockWriteGuard<'_, Org> {
        self.org.write().unwrap_or_else(PoisonError::into_inner)
    }
    /// Sessions and grants.
    pub fn oauth(&self) -> MutexGuard<'_, Oauth> {
        self.oauth.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Query cursors.
    pub fn cursors(&self) -> MutexGuard<'_, Cursors> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Faults to come.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Requests so far.
    pub fn audit(&self) -> MutexGuard<'_, Audit> {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Records people looked at.
    pub fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Bulk jobs.
    pub fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Orgs as they were, by name.
    pub fn snapshots(&self) -> MutexGuard<'_, HashMap<String, Org>> {
        self.snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
    /// Somebody saving now.
    pub fn actor(&self, user: SfId) -> Actor {
        Actor {
            user,
            now: self.clock.now(),
            lengths: self.options.lengths,
            assign: Assign::Skip,
            duplicates: Duplicates::REFUSE,
            version: "67.0",
        }
    }
}

impl Server {
    /// Whether a path names a user of the org.
    pub fn user_exists(&self, id: &str) -> bool {
        SfId::parse(id).is_some_and(|id| id.prefix() == *b"005" && self.org().record(id).is_some())
    }

    /// Whether a user may sign in.
    pub fn is_active(&self, user: SfId) -> bool {
        let org = self.org();
        org.record(user).is_some_and(|(object, record)| {
            org.value(object, record, "IsActive") == Ref::Bool(true)
        })
    }
}
