//! What a transaction tells of itself: the log, the audit log, histories, and notes by which a run is
//! taken back.
//!
//! Invariant: what is told is in the same commit as what it is about.

use jiff::Timestamp;

use super::Tx;
use crate::domain::id::{AppId, CrmId, PairName, RunId};
use crate::domain::record::Link;
use crate::domain::run::{LogLine, Word};
use crate::engine::audit::Draft;
use crate::engine::tables::{HISTORY, Intent, LOG, STEPS, record_key};
use crate::engine::undo::{Deed, End};
use crate::store::StoreError;
use crate::store::keys::Key;

impl Tx<'_> {
    /// Writes a line to the log, and to the steps of its run.
    pub fn log(&mut self, at: Timestamp, word: Word, run: Option<RunId>, text: impl Into<String>) {
        let line = LogLine {
            at,
            word,
            run,
            text: text.into(),
        };
        let number = self.state.new_line();
        self.batch.put(&LOG, &Key::new().number(number), &line);
        if let Some(run) = run {
            self.batch
                .put(&STEPS, &Key::new().number(run.0).number(number), &line);
        }
    }

    /// An entry of the audit log about what this transaction does.
    pub fn audit(&mut self, draft: Draft) {
        self.audit.push(draft);
    }

    /// Notes that a write to the CRM happened: in the audit log, and so that it can be taken
    /// back. `was` is the link as it was before.
    ///
    /// # Errors
    /// When a value cannot be digested: a fault of ours.
    pub fn sent(
        &mut self,
        intent: &Intent,
        id: CrmId,
        was: Option<&Link>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.audit.sent(intent, id, was, at)?;
        self.notes.sent(intent, id, was);
        Ok(())
    }

    /// Notes that a write to the CRM was refused, with the code.
    ///
    /// # Errors
    /// When the link cannot be read, or a value not be digested.
    pub fn refused(
        &mut self,
        intent: &Intent,
        code: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let link = self.link(&intent.pair, &intent.app_id)?;
        self.audit.refused(intent, link.as_ref(), code, at)
    }

    /// Notes that nobody knows whether a write to the CRM happened.
    ///
    /// # Errors
    /// As [`Tx::refused`].
    pub fn unknown(&mut self, intent: &Intent, at: Timestamp) -> Result<(), StoreError> {
        let link = self.link(&intent.pair, &intent.app_id)?;
        self.audit.unknown(intent, link.as_ref(), at)
    }

    /// Whether it changes a record of either side, or makes an intent to.
    pub fn writes(&self) -> bool {
        !self.notes.is_empty() || self.intents > 0
    }

    /// Notes that a run changed what an App record is linked with, so that it can be taken back.
    pub fn linked(&mut self, run: RunId, id: &AppId, before: End, after: End) {
        let crm_id = after.crm_id;
        let deed = Deed::Linked { before, after };
        self.notes.push(run, id, crm_id, deed);
    }

    /// Notes what the CRM changed by itself of a record that a run wrote.
    pub fn automated(&mut self, run: RunId, id: &AppId, crm_id: CrmId, deed: Deed) {
        self.notes.push(run, id, Some(crm_id), deed);
    }

    /// Writes a line to a record's history.
    pub fn history(&mut self, pair: &PairName, id: &AppId, line: &LogLine) {
        let number = self.state.new_line();
        self.batch
            .put(&HISTORY, &record_key(pair, id).number(number), line);
    }
}
