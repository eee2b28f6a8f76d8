//! The pairs whose conflicts are looked at, each read once.
//!
//! Invariant: lives for one command; nothing in it is newer than that.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::domain::id::{PairName, RunId};
use crate::domain::reconcile::Compiled;
use crate::domain::schema::ObjectInfo;
use crate::engine::cx::{RunCx, Settings};
use crate::engine::mappings;
use crate::engine::state::State;
use crate::error::{Error, Kind, Result};

/// What is needed to look at the conflicts of a pair.
#[derive(Debug)]
pub struct Desk {
    /// The pair, as a run would see it. The run is none: nothing is written with this.
    pub cx: RunCx,
    /// The CRM object.
    pub object: ObjectInfo,
}

impl Desk {
    /// Reads a pair.
    pub fn open(state: &State, settings: &Settings, name: &PairName) -> Result<Self> {
        let pair = mappings::pair(state, name)?;
        let object = state.object(&pair.object)?.ok_or_else(|| {
            Error::new(
                Kind::Refused,
                format!("it is not known yet what {} looks like", pair.object),
            )
            .hint("sign in and sync once")
        })?;
        let compiled = Compiled::new(pair, &object);
        let cx = RunCx::new(state, RunId(0), compiled, settings.clone())?;
        Ok(Self { cx, object })
    }
}

/// Several pairs.
#[derive(Debug)]
pub struct Desks<'a> {
    state: &'a State,
    settings: &'a Settings,
    open: BTreeMap<PairName, Desk>,
}

impl<'a> Desks<'a> {
    /// None read yet.
    pub fn new(state: &'a State, settings: &'a Settings) -> Self {
        Self {
            state,
            settings,
            open: BTreeMap::new(),
        }
    }

    /// The pair, read when it is asked for first.
    pub fn get(&mut self, name: &PairName) -> Result<&Desk> {
        match self.open.entry(name.clone()) {
            Entry::Occupied(found) => Ok(found.into_mut()),
            Entry::Vacant(free) => Ok(free.insert(Desk::open(self.state, self.settings, name)?)),
        }
    }
}
