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

    /// What a person has before them that ends with the links, in words; none when there is nothing.
    /// Edits are of the App, and stay.
    pub fn ends_too(&self) -> Option<String> {
        let open = self.pairs.iter().map(|pair| pair.conflicts).sum();
        let decided = self.pairs.iter().map(|pair| pair.decisions).sum();
        let open = (open > 0).then(|| {
            let records = some(open, "record", "records");
            format!("conflicts of {records}")
        });
        let decided =
            (decided > 0).then(|| some(decided, "unwritten decision", "unwritten decisions"));
        let parts: Vec<String> = open.into_iter().chain(decided).collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }

    /// The way that can work: by key, unless no record has one.
    pub fn likely(&self) -> Anew {
        match self.pairs.iter().any(|pair| pair.keyed > 0) {
            true => Anew::ByKey,
            false => Anew::ByRules,
        }
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
    /// Records with open conflicts.
    pub conflicts: u64,
    /// Decisions that are not written.
    pub decisions: u64,
}

impl RelinkPair {
    /// What finds its records again in another org, in words; how many have a key either way.
    pub fn found(&self, how: Anew) -> String {
        let keyed = format!("{} with a key", grouped(self.keyed));
        let unused = format!("{} not used", some(self.keyed, "key", "keys"));
        let rules = some(self.rules as u64, "rule", "rules");
        match (how, self.keyed, self.rules) {
            (_, 0, 0) => "no keys and no rules: all come in anew".to_owned(),
            (Anew::ByKey, _, 0) => format!("{keyed}, and no rules"),
            (Anew::ByKey, ..) | (Anew::ByRules, 0, _) => format!("{keyed}, {rules}"),
            (Anew::ByRules, _, 0) => format!("{unused}, no rules: all come in anew"),
            (Anew::ByRules, ..) => format!("{unused}, {rules}"),
        }
    }
}
