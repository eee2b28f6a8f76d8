//! What becomes of the links of a profile whose connection goes to another org.
//!
//! Plain data. Invariant: what is to be done names the number of links that it is done to.

use serde::{Deserialize, Serialize};

use crate::domain::id::PairName;
use crate::domain::text::{grouped, some};

/// How App records find their CRM records again in another org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Anew {
    /// By our keys, which a copy of the org has; those without one by the rules of their pair.
    ByKey,
    /// By the rules of their pair only, as at a first import: they get new keys.
    ByRules,
}

/// Leaving the org that a profile belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relink {
    /// How links come about again.
    pub how: Anew,
    /// Links that end, as they were shown.
    pub links: u64,
}

/// What leaving it would mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelinkView {
    /// Id of the org the profile belongs to, and its name; none before the first sign-in.
    pub org: Option<(String, String)>,
    /// Pairs, by name.
    pub pairs: Vec<RelinkPair>,
}

impl RelinkView {
    /// Links that would end.
    pub fn links(&self) -> u64 {
        self.pairs.iter().map(|pair| pair.links).sum()
    }
}

/// One pair of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelinkPair {
    /// Its name.
    pub name: PairName,
    /// Records that are linked.
    pub links: u64,
    /// Those of them that have a key of ours.
    pub keyed: u64,
    /// Rules by which records are found again without a key.
    pub rules: usize,
}

impl RelinkPair {
    /// What finds its records again in another org, in words.
    pub fn found(&self, how: Anew) -> String {
        let rules = some(self.rules as u64, "rule", "rules");
        match (how, self.keyed, self.rules) {
            (Anew::ByKey, 0, 0) | (Anew::ByRules, _, 0) => {
                "nothing to find them again by: all come in anew".to_owned()
            }
            (Anew::ByKey, keyed, 0) => format!("{} with a key, and no rules", grouped(keyed)),
            (Anew::ByKey, keyed, _) => format!("{} with a key, {rules}", grouped(keyed)),
            (Anew::ByRules, ..) => rules,
        }
    }
}
