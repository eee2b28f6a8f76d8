//! How far a pair counts as read, and what is behind that (I11).
//!
//! Invariant: looked at whenever a run has ended, whichever way.

use jiff::SignedDuration;
use syncdeck::domain::id::{CrmId, PairName};
use syncdeck::engine::tables::{INBOX, WATERMARKS, crm_key};
use syncdeck::store::keys::Key;

use super::scope;
use super::world::World;

/// Whatever has an older stamp than the watermark, but for what is read again before it, is in the
/// store as it is.
pub fn is_behind(world: &World<'_>) {
    let state = world.state();
    let name = PairName::new("leads");
    let mark = state.store().get(&WATERMARKS, &Key::new().text("leads"));
    let Some(passed) = mark.unwrap().and_then(|mark| mark.seen_to) else {
        return;
    };
    let passed = passed - SignedDuration::from_secs(660);
    let mut org = world.org.inner();
    for id in org.leads(false) {
        let stamp = org.stamp(&id);
        if stamp >= passed || scope::stays_away(&org, &id) {
            continue;
        }
        let crm_id: CrmId = id.parse().unwrap();
        let app_id = state.by_crm(&name, &crm_id).unwrap();
        let link = app_id.and_then(|id| state.link(&name, &id).unwrap());
        if link.is_none() && scope::is_untold(&org) {
            continue;
        }
        let busy = link.as_ref().is_some_and(|link| {
            let open = state.open_intent(&name, &link.app_id).unwrap();
            // One whose write was acknowledged is read back.
            open.is_some() || link.seen.is_none()
        });
        let seen = link.and_then(|link| Some(link.seen?.stamp));
        let waits = state.store().get(&INBOX, &crm_key(&name, &crm_id)).unwrap();
        let waits = waits.is_some_and(|seen| seen.stamp >= stamp);
        if !busy && !waits && seen.is_none_or(|seen| seen < stamp) {
            let what = format!("{id} is of {stamp}, known is {seen:?}, passed {passed}");
            return org.breaks("I11", what);
        }
    }
}
