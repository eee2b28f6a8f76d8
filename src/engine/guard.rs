//! The one place that gives leave to write to a CRM (codebases 5.6).
//!
//! Knows whether this profile may write at all, which org it was pinned to, and how many records
//! a batch has. Invariant: only this file makes a `WritePermit`; when in doubt the answer is no.

use crate::crm::{OrgKind, WritePermit};
use crate::domain::id::OrgId;
use crate::error::{Error, Kind, Result};

use super::summary::Access;

/// What the guard decides by.
#[derive(Debug, Clone)]
pub struct Guard {
    access: Access,
    pinned: Option<OrgId>,
    kind: OrgKind,
}

impl Guard {
    /// For a profile that may or may not write, pinned to an org once one is known.
    pub fn new(access: Access, pinned: Option<OrgId>, kind: OrgKind) -> Self {
        Self {
            access,
            pinned,
            kind,
        }
    }

    /// Whether the org counts as real.
    pub fn org_kind(&self) -> OrgKind {
        self.kind
    }

    /// Leave to write to the org that a connection answers as.
    pub fn permit(&self, org: &OrgId, records: usize) -> Result<WritePermit> {
        if self.access == Access::ReadOnly {
            return Err(Error::new(Kind::Refused, "this session only reads")
                .hint("start syncdeck without --read-only"));
        }
        match &self.pinned {
            Some(pinned) if pinned == org => Ok(WritePermit::issue(records)),
            Some(pinned) => Err(Error::new(
                Kind::Refused,
                format!(
                    "the connection answers as org {org}, but this profile belongs to {pinned}"
                ),
            )
            .hint("sign in to the first org again, or use another profile for this one")),
            None => Err(
                Error::new(Kind::Refused, "it is not known yet which org this is").hint(
                    "check the connection first: press R on Overview, or run `syncdeck doctor`",
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_permit_without_knowing_the_org() {
        let org = OrgId::new("00D000000000001AAA");
        let other = OrgId::new("00D000000000002AAA");
        let guard = |access, pinned| Guard::new(access, pinned, OrgKind::Production);
        assert!(
            guard(Access::ReadWrite, Some(org.clone()))
                .permit(&org, 1)
                .is_ok()
        );
        assert!(
            guard(Access::ReadWrite, Some(other))
                .permit(&org, 1)
                .is_err()
        );
        assert!(guard(Access::ReadWrite, None).permit(&org, 1).is_err());
        assert!(
            guard(Access::ReadOnly, Some(org.clone()))
                .permit(&org, 1)
                .is_err()
        );
    }
}
