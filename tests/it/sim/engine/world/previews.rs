//! What is decided is shown before it is written, and only what was shown is written (I37).
//!
//! Invariant: with nobody who edits meanwhile, what is shown is what is confirmed.

use syncdeck::engine::tables::{INTENTS, LINKS, OPEN_CONFLICTS, QUARANTINE, TODO};
use syncdeck::engine::view::WritePreview;

use super::*;

/// What of the store a preview may not touch, as text.
fn kept(state: &State) -> String {
    let store = state.store();
    let records = app_records(state);
    let links: Vec<_> = store.scan(&LINKS, &[]).map(Result::unwrap).collect();
    let intents: Vec<_> = store.scan(&INTENTS, &[]).map(Result::unwrap).collect();
    let conflicts: Vec<_> = store.scan(&CONFLICTS, &[]).map(Result::unwrap).collect();
    let open: Vec<_> = store
        .scan(&OPEN_CONFLICTS, &[])
        .map(Result::unwrap)
        .collect();
    let aside: Vec<_> = store.scan(&QUARANTINE, &[]).map(Result::unwrap).collect();
    let todo: Vec<_> = store.keys(&TODO, &[]).map(Result::unwrap).collect();
    format!("{records:?} {links:?} {intents:?} {conflicts:?} {open:?} {aside:?} {todo:?}")
}

impl World<'_> {
    /// A person looks at what is staged, and gives the go-ahead: for these records.
    pub(super) fn goes_ahead(&self, state: &Arc<State>, now: Timestamp) -> Option<Vec<AppId>> {
        let (settings, scope) = (&self.people.settings, WriteScope::All);
        let preview = || decisions::preview(state, settings, &scope, now).ok();
        let watched = self.org.inner().faults.has(Fault::EditsMeanwhile);
        let before = watched.then(|| kept(state));
        let shown = preview()?;
        if before.is_some_and(|before| before != kept(state)) {
            let what = "a preview wrote".to_owned();
            self.org.inner().breaks("I37", what);
        }
        let mut taken = shown.hash;
        if self.org.inner().strikes(Fault::EditsMeanwhile) {
            self.people.somebody(state, &mut self.org.inner());
            if self.org.inner().switch == Switch::OldPreviews {
                taken = preview()?.hash;
            }
        }
        let would = watched.then(preview).flatten();
        let confirmed = decisions::confirm(state, settings, &scope, taken, now).ok()?;
        let other = |would: &WritePreview| would.lines != shown.lines || would.acts != shown.acts;
        if let Some(would) = would.filter(other) {
            let of = |shown: &WritePreview| format!("{:?} {:?}", shown.lines, shown.acts);
            let what = format!("{} was shown, {} is done", of(&shown), of(&would));
            self.org.inner().breaks("I37", what);
        }
        let keys = confirmed.decisions.into_iter();
        Some(keys.map(|key| key.app_id).collect())
    }
}
