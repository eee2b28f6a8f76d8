//! What went wrong in a run, as its page lists it: why the run as a whole did not come to its end,
//! then the errors of records by kind.
//!
//! Reads what the engine said; words only, drawn elsewhere. Invariant: the list is that of the
//! cursor of the pane, wherever it is read.

use crate::domain::run::Failure;
use crate::domain::text::grouped;
use crate::engine::summary::Next;
use crate::engine::view::{ErrorGroup, RunDetail};
use crate::tui::model::Model;

/// One thing that went wrong.
#[derive(Debug, Clone, Copy)]
pub enum Trouble<'a> {
    /// The run as a whole.
    Whole(&'a Failure),
    /// Records, for one reason.
    Kind(&'a ErrorGroup),
}

impl<'a> Trouble<'a> {
    /// All of a run.
    pub fn all(detail: &'a RunDetail) -> Vec<Self> {
        let whole = detail.run.failure.iter().map(Self::Whole);
        whole.chain(detail.groups.iter().map(Self::Kind)).collect()
    }

    /// The one with the cursor.
    pub fn selected(model: &'a Model) -> Option<Self> {
        let all = Self::all(model.log.detail.get()?);
        let last = all.len().checked_sub(1)?;
        all.get(model.log.groups.selected().min(last)).copied()
    }

    /// Code, what happened, why, what helps, and the request that failed.
    pub fn parts(self) -> [&'a str; 5] {
        match self {
            Self::Whole(f) => [&f.code, &f.what, &f.why, &f.fix, &f.request],
            Self::Kind(g) => [&g.code, &g.what, &g.why, &g.fix, &g.request],
        }
    }
}

/// What is so after a run that failed as a whole: how far it came, and when it goes on.
fn now(model: &Model, detail: &RunDetail) -> String {
    let c = detail.run.counts;
    let mut text = format!(
        "{} in, {} out until then",
        grouped(c.pulled),
        grouped(c.pushed)
    );
    let next = match next(model, detail) {
        Some(Next::At(at)) => format!("the next run is at {}", model.clock_short(at)),
        Some(Next::Now | Next::Queued) => "it runs again now".into(),
        Some(Next::Paused) => "its pair is paused".into(),
        Some(Next::Manual) => "it runs again when it is asked for".into(),
        None => return text,
    };
    text.push_str("; ");
    text.push_str(&next);
    text
}

/// When the pair of a run runs again; nothing where that was not its newest run, for an older one
/// cannot tell what the runs after it did.
pub fn next(model: &Model, detail: &RunDetail) -> Option<Next> {
    let pair = model.pairs().iter().find(|p| p.name == detail.run.pair)?;
    let newest = pair.last.is_some_and(|last| last.id == detail.run.id);
    newest.then_some(pair.next)
}

/// Why a run failed as a whole, part by part: what happened, and under their labels why, what is so
/// now, what helps, and where the log says more.
pub fn cause(
    model: &Model,
    detail: &RunDetail,
    failure: &Failure,
) -> (String, Vec<(&'static str, String)>) {
    let what = format!("{}: {}", failure.code, failure.what);
    let mut parts = vec![
        ("Why", failure.why.clone()),
        ("Now", now(model, detail)),
        ("Fix", failure.fix.clone()),
        ("Log", logged(&failure.request)),
    ];
    parts.retain(|(_, text)| !text.is_empty());
    (what, parts)
}

/// The same as one text.
pub fn told(model: &Model, detail: &RunDetail, failure: &Failure) -> String {
    let (mut out, parts) = cause(model, detail, failure);
    out.insert_str(0, "What\n");
    for (label, text) in parts {
        out.push_str(&format!("\n\n{label}\n{text}"));
    }
    out
}

/// Where the log says more; nothing for a failure without a request.
pub fn logged(request: &str) -> String {
    match request {
        "" => String::new(),
        id => format!("request {id}"),
    }
}
