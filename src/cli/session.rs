//! One command's talk with an engine over a [`Link`], the same link the console has.
//!
//! It asks, waits for the answer, and keeps the latest summary. It does not start engines and
//! does not print. Invariant: an answer is only ever taken for the question it belongs to.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::mapping::Pair;
use crate::engine::command::{Command, Page, RecordKey, Request, RequestId};
use crate::engine::link::Link;
use crate::engine::notice::{Notice, Reply};
use crate::engine::summary::Summary;
use crate::engine::view::{Counted, MappingDetail, Rest, RunDetail, SignedInView};
use crate::error::{Error, Kind, Result};

/// Rows asked for at a time where all of them are wanted.
pub const CHUNK: usize = 500;
/// Longest wait for the engine to say that more was read.
const AGAIN: Duration = Duration::from_millis(200);

/// A viewer without a screen.
#[derive(Debug)]
pub struct Session {
    link: Link,
    asked: u64,
    summary: Option<Arc<Summary>>,
    signed_in: Option<Result<SignedInView>>,
    news: News,
}

/// Whether the engine said anything since this was last set to `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    None,
    Some,
}

/// Asks, and takes the answer apart: `ask!(session, Command::Runs { .. }, Reply::Runs(p) => p)`.
macro_rules! ask {
    ($session:expr, $command:expr, $reply:pat => $value:expr) => {
        match $session.ask($command).await? {
            $reply => $value,
            _ => return Err($crate::cli::session::Session::wrong_answer()),
        }
    };
}
pub(crate) use ask;

impl Session {
    /// Talks over this link.
    pub fn new(link: Link) -> Self {
        Self {
            link,
            asked: 0,
            summary: None,
            signed_in: None,
            news: News::None,
        }
    }

    /// The latest summary that came; the engine says it again only when it changes.
    pub fn heard(&self) -> Option<Arc<Summary>> {
        self.summary.clone()
    }

    /// Forgets the latest summary, so that the next one is waited for.
    pub fn forget_summary(&mut self) {
        self.summary = None;
    }

    /// Gives the link on, to a viewer with a screen.
    pub fn into_link(self) -> Link {
        self.link
    }

    /// The run at work, as far as was heard.
    pub fn running(&self) -> Option<RunId> {
        self.summary.as_ref()?.running.as_ref().map(|r| r.run)
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// What the engine answers; or that it has ended.
    pub async fn ask(&mut self, command: Command) -> Result<Reply> {
        self.ask_watching(command, |_| {}).await
    }

    /// The same, for what takes its time; `watch` sees each summary on the way.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub async fn ask_watching(
        &mut self,
        command: Command,
        mut watch: impl FnMut(&Summary),
    ) -> Result<Reply> {
        self.asked += 1;
        let id = RequestId(self.asked);
        self.link
            .requests
            .send(Request {
                id,
                replaces: None,
                command,
            })
            .await
            .map_err(|_| ended())?;
        loop {
            match self.notice().await? {
                Notice::Reply { id: to, result } if to == id => return result,
                other => self.keep(other),
            }
            if let Some(summary) = &self.summary {
                watch(summary);
            }
        }
    }

    /// The state of everything: the latest that was sent, or the first that comes.
    ///
    /// # Errors
    /// When the engine has ended.
    pub async fn summary(&mut self) -> Result<Arc<Summary>> {
        loop {
            if let Some(summary) = &self.summary {
                return Ok(Arc::clone(summary));
            }
            self.step().await?;
        }
    }

    /// Waits until the engine says anything that is not an answer.
    ///
    /// # Errors
    /// When the engine has ended.
    pub async fn step(&mut self) -> Result<()> {
        let notice = self.notice().await?;
        self.keep(notice);
        Ok(())
    }

    /// Waits a little if the engine is still reading what an answer is counted from; says whether to
    /// ask again.
    ///
    /// # Errors
    /// When the engine has ended.
    pub async fn reads_on(&mut self, so_far: &Counted) -> Result<bool> {
        match so_far {
            Counted::Part {
                rest: Rest::Coming, ..
            } => {
                // What it said may have come before its answer: then it is asked again all the same.
                if let Ok(stepped) = tokio::time::timeout(AGAIN, self.step()).await {
                    stepped?;
                }
                Ok(true)
            }
            Counted::Part { .. } | Counted::Whole => Ok(false),
        }
    }

    /// How the sign-in ended, once its callback has come.
    ///
    /// # Errors
    /// When the sign-in failed, or the engine has ended. Can be dropped while it waits.
    pub async fn signed_in(&mut self) -> Result<SignedInView> {
        loop {
            if let Some(result) = self.signed_in.take() {
                return result;
            }
            self.step().await?;
        }
    }

    /// Waits until a run has ended; `watch` sees each summary on the way.
    ///
    /// # Errors
    /// When the engine has ended or does not know the run.
    pub async fn finished(
        &mut self,
        run: RunId,
        mut watch: impl FnMut(&Summary),
    ) -> Result<RunDetail> {
        let page = Page {
            offset: 0,
            limit: CHUNK,
        };
        loop {
            self.news = News::None;
            let detail = ask!(self, Command::Run { id: run, page }, Reply::Run(d) => d);
            if detail.run.state.has_ended() {
                return Ok(*detail);
            }
            // What was said while the answer was on its way may be newer than the answer.
            if self.news == News::None {
                self.step().await?;
            }
            if let Some(summary) = &self.summary {
                watch(summary);
            }
        }
    }

    /// The mapping of a pair.
    ///
    /// # Errors
    /// When there is no such pair.
    pub async fn mapping(&mut self, pair: &PairName) -> Result<MappingDetail> {
        let pair = pair.clone();
        Ok(*ask!(self, Command::Mapping { pair }, Reply::Mapping(m) => m))
    }

    /// A pair.
    ///
    /// # Errors
    /// As [`Session::mapping`].
    pub async fn pair(&mut self, pair: &PairName) -> Result<Pair> {
        Ok(self.mapping(pair).await?.pair)
    }

    /// The error for an answer of another kind than the question asks for.
    pub fn wrong_answer() -> Error {
        Error::new(
            Kind::Internal,
            "the engine answered something else than was asked",
        )
    }

    async fn notice(&mut self) -> Result<Notice> {
        self.link.notices.recv().await.ok_or_else(ended)
    }

    fn keep(&mut self, notice: Notice) {
        self.news = News::Some;
        match notice {
            Notice::Summary(summary) => self.summary = Some(summary),
            Notice::SignedIn(result) => self.signed_in = Some(result),
            // That a list changed matters to screens only; and an answer nobody waits for any
            // more belongs to a question that was dropped.
            Notice::Changed(_) | Notice::Reply { .. } => {}
        }
    }
}

fn ended() -> Error {
    Error::new(Kind::Internal, "the engine ended while it was asked")
        .hint("the log says why: `syncdeck doctor` names its folder")
}

/// Reads `PAIR/ID`, the way records are named in commands.
///
/// # Errors
/// A sentence for the person, when it is not of that form.
pub fn record_key(text: &str) -> std::result::Result<RecordKey, String> {
    match text.split_once('/') {
        Some((pair, id)) if !pair.is_empty() && !id.is_empty() => Ok(RecordKey {
            pair: PairName::new(pair),
            app_id: AppId::new(id),
        }),
        _ => Err("a record is named PAIR/ID, as the lists show it".into()),
    }
}

/// `PAIR/ID` of a record.
pub fn key_text(key: &RecordKey) -> String {
    format!("{}/{}", key.pair, key.app_id)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::engine::link::{self, EngineEnd};
    use crate::engine::notice::Topics;

    /// A session whose engine is played by a function: command in, answer out.
    pub(crate) fn played(
        mut play: impl FnMut(Command) -> Result<Reply> + Send + 'static,
    ) -> Session {
        let (link, mut engine) = link::pair();
        tokio::spawn(async move {
            while let Some(request) = engine.requests.recv().await {
                let result = play(request.command);
                let reply = Notice::Reply {
                    id: request.id,
                    result,
                };
                // A changed list in between must not be taken for the answer.
                let _ = engine
                    .notices
                    .send(Notice::Changed(Topics::default()))
                    .await;
                if engine.notices.send(reply).await.is_err() {
                    return;
                }
            }
        });
        Session::new(link)
    }

    async fn answer(engine: &mut EngineEnd, to: u64, result: Result<Reply>) {
        let id = RequestId(to);
        engine
            .notices
            .send(Notice::Reply { id, result })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn only_the_own_answer_counts() {
        let (link, mut engine) = link::pair();
        let mut session = Session::new(link);
        answer(&mut engine, 99, Ok(Reply::Started(Vec::new()))).await;
        answer(&mut engine, 1, Ok(Reply::Done)).await;
        assert!(matches!(session.ask(Command::Pause).await, Ok(Reply::Done)));
    }

    #[tokio::test]
    async fn an_engine_that_ends_is_an_error_not_a_hang() {
        let (link, engine) = link::pair();
        let mut session = Session::new(link);
        drop(engine);
        assert!(session.ask(Command::Pause).await.is_err());
        assert!(session.summary().await.is_err());
    }

    #[tokio::test]
    async fn a_sign_in_that_ends_while_something_is_asked_is_not_lost() {
        let (link, mut engine) = link::pair();
        let mut session = Session::new(link);
        let gone = Err(Error::new(Kind::Auth, "refused"));
        engine.notices.send(Notice::SignedIn(gone)).await.unwrap();
        answer(&mut engine, 1, Ok(Reply::Done)).await;
        assert!(session.ask(Command::Pause).await.is_ok());
        assert_eq!(session.signed_in().await.unwrap_err().message(), "refused");
    }

    #[test]
    fn records_are_named_by_pair_and_id() {
        let key = record_key("leads/0190-a/b").unwrap();
        assert_eq!(
            (key.pair.as_str(), key.app_id.as_str()),
            ("leads", "0190-a/b")
        );
        assert_eq!(key_text(&key), "leads/0190-a/b");
        for bad in ["", "leads", "/x", "leads/"] {
            assert!(record_key(bad).is_err(), "{bad}");
        }
    }
}
