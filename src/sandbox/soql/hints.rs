//! What a condition says about where to look: stretches and values outside which nothing fits.
//!
//! Invariant: a hint may hold too much, never too little; what it gives is tested all the same.

use super::{
    ast::{Op, Sense},
    names::Route,
    test::Test,
};
use crate::sandbox::{
    ids::SfId,
    schema::{FieldIx, Slot},
    value::{Ref, Value},
};

impl Test {
    /// The stretch of SystemModstamp outside which nothing fits, both ends included.
    pub fn stamps(&self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Compare {
                route,
                op,
                value: Value::Stamp(at),
                ..
            } if route.is_own() && route.slot == Slot::SystemModstamp => match op {
                Op::Eq => (Some(*at), Some(*at)),
                Op::Gt => (Some(at + 1), None),
                Op::Ge => (Some(*at), None),
                Op::Lt => (None, Some(at - 1)),
                Op::Le => (None, Some(*at)),
                Op::Ne | Op::Like => (None, None),
            },
            Self::All(tests) => {
                tests
                    .iter()
                    .map(Self::stamps)
                    .fold((None, None), |(low, high), (l, h)| {
                        (
                            low.max(l),
                            match (high, h) {
                                (Some(a), Some(b)) => Some(a.min(b)),
                                (a, b) => a.or(b),
                            },
                        )
                    })
            }
            Self::Any(tests) => {
                let all: Vec<_> = tests.iter().map(Self::stamps).collect();
                let low = all.iter().map(|b| b.0).min().flatten();
                let high = match all.iter().any(|b| b.1.is_none()) {
                    true => None,
                    false => all.iter().filter_map(|b| b.1).max(),
                };
                (low, high)
            }
            _ => (None, None),
        }
    }

    /// The ids outside which nothing fits, if the condition names them.
    pub fn ids(&self) -> Option<Vec<SfId>> {
        match self {
            Self::Compare {
                route,
                op: Op::Eq,
                value: Value::Id(id),
                ..
            } if route.is_own() && route.slot == Slot::Id => Some(vec![*id]),
            Self::Ids {
                route,
                sense: Sense::Is,
                set,
            } if route.is_own() && route.slot == Slot::Id => Some(set.iter().copied().collect()),
            Self::All(tests) => tests.iter().filter_map(Self::ids).min_by_key(Vec::len),
            _ => None,
        }
    }

    /// The lowest id that can fit, left out itself.
    pub fn after_id(&self) -> Option<SfId> {
        match self {
            Self::Compare {
                route,
                op: Op::Gt,
                value: Value::Id(id),
                ..
            } if route.is_own() && route.slot == Slot::Id => Some(*id),
            Self::All(tests) => tests.iter().filter_map(Self::after_id).max(),
            _ => None,
        }
    }

    /// A field and the values outside which nothing fits, if the condition names them.
    pub fn one_of(&self) -> Option<(FieldIx, Vec<Ref<'_>>)> {
        let own = |route: &Route| route.is_own() && route.slot == Slot::Cell;
        match self {
            Self::Compare {
                route,
                op: Op::Eq,
                value: value @ (Value::Text(_) | Value::Id(_)),
                ..
            } if own(route) => Some((route.field, vec![value.lend()])),
            Self::Ids {
                route,
                sense: Sense::Is,
                set,
            } if own(route) => Some((route.field, set.iter().map(|id| Ref::Id(*id)).collect())),
            Self::Values {
                route,
                sense: Sense::Is,
                set,
                texts,
                ..
            } if own(route) && set.is_empty() => {
                Some((route.field, texts.iter().map(|t| Ref::Text(t)).collect()))
            }
            _ => None,
        }
    }

    /// The conditions that all hold.
    pub fn all(&self) -> &[Test] {
        match self {
            Self::All(tests) => tests,
            other => std::slice::from_ref(other),
        }
    }
}
