//! What a person is asked about a conflict, in words, where the values alone do not say it.
//!
//! Reads only. Invariant: what taking a side means is said before it is done.

use jiff::Timestamp;

use crate::domain::by_time::ByTime;
use crate::domain::conflict::{AgreedBase, Conflict, Kind, State};
use crate::domain::id::CrmId;
use crate::domain::mapping::{Pair, Strategy};
use crate::domain::reconcile::{Action, Care, Clocks};
use crate::domain::record::CrmPresence;
use crate::domain::transform::Side;
use crate::domain::value::Cell;
use crate::engine::conflicts::{agreed, app_origin};
use crate::engine::decisions::look::{self, Instead, RowNow};
use crate::engine::decisions::{Case, Desk};
use crate::engine::tx::Tx;
use crate::engine::view::{Answer, FieldStanding, RecordConflict};
use crate::error::{Error, Result};

use super::conflicts::standing;

/// The last agreement; for a run that is to be taken back, what was there before it.
pub(super) fn base_of(now: &RowNow<'_>) -> Option<AgreedBase> {
    let mut base = now.base.map(agreed)?;
    if let Some(Kind::Rollback { side, before, .. }) = now.conflict.map(|c| &c.kind) {
        match side {
            Side::App => base.app.clone_from(before),
            Side::Crm => base.crm.clone_from(before),
        }
    }
    Some(base)
}

/// Why a person is asked, where the values alone do not say it.
pub(super) fn note(kind: &Kind) -> Option<String> {
    let text = |cell: &Cell| match cell.iter().map(ToString::to_string).collect::<Vec<_>>() {
        values if values.iter().all(String::is_empty) => "(empty)".to_owned(),
        values => values.join(" | "),
    };
    match kind {
        Kind::NormaliserFight { app, crm } => {
            let chain = |cells: &[Cell]| cells.iter().map(text).collect::<Vec<_>>().join(" > ");
            Some(format!(
                "both systems keep changing it, so it is no longer written; App: {}; Salesforce: \
                 {}. Take a value that both can hold, or let the mapping write it one way only",
                chain(app),
                chain(crm)
            ))
        }
        Kind::Rollback {
            run,
            side,
            before,
            after,
        } => Some(format!(
            "run {run} wrote {} {}, where {} had been; it was changed since. Base puts back what \
             was there before the run",
            text(after),
            match side {
                Side::App => "to the App",
                Side::Crm => "to Salesforce",
            },
            text(before),
        )),
        Kind::NoSuchParent { id } => Some(format!(
            "Salesforce has no record {id}, or does not show it: name another one in the App, or take \
             what Salesforce has"
        )),
        _ => None,
    }
}

/// The side that a rule takes with the next sync: one that was made since the conflict was found.
pub(super) fn ruled(now: &RowNow<'_>, case: &Case, version: u32) -> Option<Side> {
    let conflict = now.conflict?;
    // With a new version every record is compared again.
    let compared = case.link.mapping_version != version;
    let asked = conflict.kind == Kind::Field && conflict.staged.is_none();
    match now.outcome.map(|outcome| &outcome.action) {
        Some(Action::Push(_)) if compared && asked => Some(Side::App),
        Some(Action::Pull(_)) if compared && asked => Some(Side::Crm),
        _ => None,
    }
}

/// Whether the rule of a field in conflict takes a side whatever the values: one that looks at them
/// may leave it to a person.
pub(super) fn is_ruled(pair: &Pair, conflict: &Conflict) -> bool {
    let row = conflict.row.and_then(|id| pair.row(id));
    let strategy = row.map(|row| row.strategy.under(pair.strategy));
    conflict.kind == Kind::Field
        && conflict.state == State::Pending
        && conflict.staged.is_none()
        && matches!(strategy, Some(Strategy::App | Strategy::Crm))
}

/// Why a rule leaves a field to a person: one that decides what it can, and cannot here.
pub(super) fn unruled(now: &RowNow<'_>, case: &Case, clocks: &Clocks) -> Option<String> {
    let conflict = now.conflict?;
    let strategy = now.row.row.strategy;
    let rule = strategy.name();
    if conflict.kind != Kind::Field
        || matches!(strategy, Strategy::Ask | Strategy::Inherit)
        || !matches!(now.outcome.map(|o| &o.action), Some(Action::Conflict))
    {
        return None;
    }
    if now.row.care == Care::AskAlways {
        return Some(format!(
            "the rule {rule} rests here until what was found after a backup, or in another org, \
             is decided"
        ));
    }
    if strategy == Strategy::Filled {
        return Some(format!(
            "the rule {rule} decides nothing: both sides have a value"
        ));
    }
    let by_time = ByTime::of(clocks, app_origin(now.row, case.app.as_ref()).at);
    let why = match by_time {
        Some(by_time) => format!(
            "both changed within {} s, too near for their clocks",
            by_time.error_ms.div_ceil(1_000)
        ),
        None if clocks.ahead.is_none() => {
            "how far the clocks of both sides are apart is not known".to_owned()
        }
        None if clocks.crm.is_none() => {
            "a sync wrote the record there since, so that nobody knows when this value came"
                .to_owned()
        }
        None => "the App does not know when its value came".to_owned(),
    };
    Some(format!("the rule {rule} decides nothing: {why}"))
}

/// What the sides mean for a record that was merged into one that another App record has.
fn merged_into(into: CrmId) -> (String, String) {
    (
        "create it in Salesforce as a record of its own".to_owned(),
        format!("mark it as deleted in the App: it was merged into {into}, which has its own"),
    )
}

/// Said of the answer that was given.
const AS_DECIDED: &str = "leave it as it was decided";

/// A question about a record as a whole, as it stands now.
pub(super) struct Asked<'a> {
    /// What the engine judges answers with.
    pub tx: &'a Tx<'a>,
    /// The pair.
    pub desk: &'a Desk,
    /// The record.
    pub case: &'a Case,
    /// When.
    pub now: Timestamp,
}

impl Asked<'_> {
    /// What was decided about the record, with what the other answer would mean now.
    pub fn settled(&self, closed: &Conflict) -> Result<RecordConflict> {
        self.view(closed, FieldStanding::Settled, self.other(&closed.kind))
    }

    /// The conflict about the record, with what each side would mean.
    pub fn open(&self, conflict: &Conflict) -> Result<RecordConflict> {
        let case = self.case;
        let merged = match case.seen.as_ref().map(|s| s.presence) {
            Some(CrmPresence::Merged(into)) => Some(into),
            _ => None,
        };
        let said = |(app, crm)| (Ok(app), Ok(crm));
        let answers = match (&conflict.kind, merged) {
            (kind, _) if case.takes_back.is_some() => self.other(kind),
            (Kind::DeleteVsChange { deleted }, _) => said(self.deleted_on(*deleted)),
            (Kind::MergeCollision { into }, _) => said(merged_into(*into)),
            (Kind::AmbiguousMatch { .. }, Some(into)) => said(merged_into(into)),
            (Kind::AmbiguousMatch { candidates }, None) => {
                let mut ids = candidates.iter().map(ToString::to_string);
                let mut link = format!("link it with {}", ids.next().unwrap_or_default());
                let others: Vec<String> = ids.collect();
                if !others.is_empty() {
                    let others = others.join(", ");
                    link = format!("{link}, and leave {others} records of their own");
                }
                let create = "create it in Salesforce as a record of its own".to_owned();
                (Ok(create), Ok(link))
            }
            (Kind::ParentMissing { pair, parent }, _) => (
                Err(format!(
                    "wait: {parent} of {pair}, which it belongs to, was deleted; bring that back"
                )),
                Ok("mark it as deleted in the App, too".to_owned()),
            ),
            _ => (
                Ok("write the App's values to Salesforce".to_owned()),
                Ok("take the values of Salesforce into the App".to_owned()),
            ),
        };
        self.view(conflict, standing(conflict), answers)
    }

    /// Decisions are made on the record as it is now; an answer that the engine would refuse is told
    /// with its reason.
    fn view(
        &self,
        question: &Conflict,
        standing: FieldStanding,
        (take_app, take_crm): (Answer, Answer),
    ) -> Result<RecordConflict> {
        let judged = |side, answer| match answer {
            Ok(does) if does != AS_DECIDED => {
                let verdict =
                    look::answer(self.tx, self.desk, self.case, question, side, self.now)?;
                Ok::<_, Error>(verdict.map(|()| does))
            }
            said => Ok(said),
        };
        Ok(RecordConflict {
            take_app: judged(Side::App, take_app)?,
            take_crm: judged(Side::Crm, take_crm)?,
            conflict: Conflict {
                fp: self.case.whole_fp(),
                ..question.clone()
            },
            standing,
        })
    }

    /// What each side would mean for a record that was decided.
    fn other(&self, kind: &Kind) -> (Answer, Answer) {
        let other = |side, other: &str| {
            let (other, as_decided) = (Ok(other.to_owned()), Ok(AS_DECIDED.to_owned()));
            match side {
                Side::App => (other, as_decided),
                Side::Crm => (as_decided, other),
            }
        };
        match look::instead(self.case, kind) {
            Ok((gone, Instead::Rest(lost))) => {
                let (take_app, take_crm) = self.deleted_on(lost);
                match Instead::rest(lost, gone, Side::App).1 {
                    Side::App => (Ok(take_app), Ok(take_crm)),
                    Side::Crm => (Ok(take_crm), Ok(take_app)),
                }
            }
            Ok((side, Instead::Delete)) => other(
                side,
                "delete it in Salesforce and mark it as deleted in the App",
            ),
            Ok((side, Instead::BringBack)) => {
                other(side, "bring it back in the App and create it in Salesforce")
            }
            Err(why) => (Err(why.to_owned()), Err(why.to_owned())),
        }
    }

    /// What each side means for a record that was deleted on one of them.
    fn deleted_on(&self, side: Side) -> (String, String) {
        let mut rows = self.desk.cx.pair.rows.iter();
        let (take_app, take_crm) = match side {
            Side::Crm => (
                "create it again in Salesforce with the App's values",
                "mark it as deleted in the App too",
            ),
            Side::App if rows.any(|row| row.row.flow.writes(Side::App)) => (
                "delete it in Salesforce too",
                "bring it back in the App with the values of Salesforce",
            ),
            Side::App => (
                "delete it in Salesforce too",
                "bring it back in the App as it was: no row writes there",
            ),
        };
        (take_app.to_owned(), take_crm.to_owned())
    }
}
