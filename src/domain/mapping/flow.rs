//! How a flow is stored.
//!
//! Says nothing about what flows do. Invariant: a form that was written once keeps its place, so
//! that mappings of older versions are read as they were meant.

use serde::{Deserialize, Serialize};

use super::{Flow, Foreign, OnFull, Refresh};
use crate::domain::transform::Side;

/// A flow as the store and JSON have it; new forms go to the end.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stored {
    Both,
    ToCrm(Foreign),
    ToApp(Foreign),
    PreferCrm,
    PreferApp,
    SetOnce(Side),
    Append,
    AppendBoth,
    Computed(Refresh),
    AppendRotate,
    AppendChild,
}

impl From<Stored> for Flow {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Both => Self::Both,
            Stored::ToCrm(foreign) => Self::ToCrm(foreign),
            Stored::ToApp(foreign) => Self::ToApp(foreign),
            Stored::PreferCrm => Self::PreferCrm,
            Stored::PreferApp => Self::PreferApp,
            Stored::SetOnce(side) => Self::SetOnce(side),
            Stored::Append => Self::Append(OnFull::Reject),
            Stored::AppendBoth => Self::AppendBoth,
            Stored::Computed(refresh) => Self::Computed(refresh),
            Stored::AppendRotate => Self::Append(OnFull::Rotate),
            Stored::AppendChild => Self::Append(OnFull::Child),
        }
    }
}

impl From<Flow> for Stored {
    fn from(flow: Flow) -> Self {
        match flow {
            Flow::Both => Self::Both,
            Flow::ToCrm(foreign) => Self::ToCrm(foreign),
            Flow::ToApp(foreign) => Self::ToApp(foreign),
            Flow::PreferCrm => Self::PreferCrm,
            Flow::PreferApp => Self::PreferApp,
            Flow::SetOnce(side) => Self::SetOnce(side),
            Flow::Append(OnFull::Reject) => Self::Append,
            Flow::Append(OnFull::Rotate) => Self::AppendRotate,
            Flow::Append(OnFull::Child) => Self::AppendChild,
            Flow::AppendBoth => Self::AppendBoth,
            Flow::Computed(refresh) => Self::Computed(refresh),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that the versions before wrote, by the flow they meant.
    #[test]
    fn flows_of_older_versions_are_read_as_they_were() {
        let old: [(&[u8], Flow); 6] = [
            (&[0], Flow::Both),
            (&[1, 1], Flow::ToCrm(Foreign::Enforce)),
            (&[6], Flow::Append(OnFull::Reject)),
            (&[7], Flow::AppendBoth),
            (&[8, 0], Flow::Computed(Refresh::Nightly)),
            (&[9], Flow::Append(OnFull::Rotate)),
        ];
        for (bytes, meant) in old {
            assert_eq!(postcard::from_bytes::<Flow>(bytes).unwrap(), meant);
            assert_eq!(postcard::to_stdvec(&meant).unwrap(), bytes);
        }
        let newest = Flow::Append(OnFull::Child);
        let bytes = postcard::to_stdvec(&newest).unwrap();
        assert_eq!(postcard::from_bytes::<Flow>(&bytes).unwrap(), newest);
    }
}
