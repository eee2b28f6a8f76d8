//! The engine: takes commands from one viewer, works off runs, and says how things stand.
//!
//! Owns what is not stored: the queue, the run at work, the wishes about it. Invariants: one run
//! at a time; an answer is sent exactly once per request; the latest summary always arrives.

use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::MissedTickBehavior;

use crate::crm::codes::UnknownCodes;
use crate::crm::version::ApiVersion;
use crate::domain::budget::Class;
use crate::domain::id::{PairName, RunId};
use crate::domain::run::{Cause, Word};
use crate::error::{Error, Kind, Result};

use super::answers;
use super::command::{Command, Request, RequestId};
use super::cx::Settings;
use super::link::{self, EngineEnd, Link};
use super::notice::{Notice, Reply, Topics};
use super::overview::{self, Live};
use super::profile::Places;
use super::runner::Order;
use super::session::Connector;
use super::state::State;
use super::summary::{Access, ConnectionRow, Motion, Progress};
use super::tx::Durability;
use super::view::SettingsView;
use super::wanted::Wanted;
use super::work::Wish;

mod asking;
mod children_first;
mod clock;
mod indexing;
mod later;
mod launch;
mod planning;
mod queue;
mod requests;
mod undo;

use self::asking::Questions;
use self::indexing::Readers;
use self::later::Later;
use self::launch::{Current, finished, interrupted};
use self::planning::{For, Planning, Rehearsed};
use self::requests::Ended;

/// How often the summary follows a run that works.
const FRAME: Duration = Duration::from_millis(200);
/// How often the clock is looked at for schedules.
const SECOND: Duration = Duration::from_secs(1);
/// How often the counts of API calls are kept.
const MINUTE: Duration = Duration::from_secs(60);

/// What an engine is started with, besides its state.
#[derive(Debug, Clone)]
pub struct Options {
    /// Profile, for people.
    pub profile: String,
    /// Whether it may write to the CRM.
    pub access: Access,
    /// Whether its viewer may change anything; runs by schedule are no viewer's.
    pub viewer: Access,
    /// Where its data lies.
    pub places: Places,
    /// Times and sizes.
    pub settings: Settings,
    /// Whether backups are made.
    pub backups: Backups,
    /// Whether runs start by themselves.
    pub schedules: Schedules,
    /// Pairs whose schedule the settings give: it is set nowhere else.
    pub given: BTreeSet<PairName>,
    /// Words for the settings page; schedules and sizes are filled in.
    pub about: SettingsView,
}

impl Options {
    /// An engine that writes on both sides, makes no backups, and runs when it is asked to; nothing
    /// is said of its settings.
    pub fn new(profile: impl Into<String>, places: Places) -> Self {
        Self {
            profile: profile.into(),
            access: Access::ReadWrite,
            viewer: Access::ReadWrite,
            places,
            settings: Settings::default(),
            backups: Backups::Never,
            schedules: Schedules::Left,
            given: BTreeSet::new(),
            about: SettingsView::default(),
        }
    }
}

/// Backups after runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backups {
    /// One a day; so many are kept.
    Daily(NonZeroUsize),
    /// None.
    Never,
}

/// Runs that are due by their pair's schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedules {
    /// They start.
    Followed,
    /// They wait for an engine that lives longer than one question.
    Left,
}

/// What the engine and its tasks share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: Arc<State>,
    pub(super) connector: Connector,
    pub(super) options: Options,
}

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    stop: watch::Sender<Wish>,
    task: JoinHandle<()>,
}

impl Engine {
    /// Starts it on the current runtime. The link is its one viewer's.
    ///
    /// # Errors
    /// When the store cannot be written: what the last process left is put in order first.
    pub fn start(
        state: Arc<State>,
        connector: Connector,
        options: Options,
    ) -> Result<(Link, Engine)> {
        let (viewer, end) = link::pair();
        Ok((viewer, Self::start_for(end, state, connector, options)?))
    }

    /// The same for a viewer that is there already, and may have asked.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_for(
        end: EngineEnd,
        state: Arc<State>,
        connector: Connector,
        options: Options,
    ) -> Result<Engine> {
        let now = options.settings.clock.now();
        launch::look_at_audit(&state, now)?;
        interrupted(&state, now)?;
        let later = later::left(&state, now)?;
        let (stop, stopped) = watch::channel(Wish::Work);
        let (tasks, ended) = mpsc::channel(4);
        let actor = Actor::new(
            Arc::new(Shared {
                state,
                connector,
                options,
            }),
            end.notices.clone(),
            tasks,
            later,
        );
        let task = tokio::spawn(actor.run(end, ended, stopped));
        Ok(Engine { stop, task })
    }

    /// Stops the run at its next record boundary, and then the engine.
    pub async fn stop(self) {
        self.stop.send_replace(Wish::Quit);
        if let Err(error) = self.task.await {
            tracing::error!(error = %broke_off("the engine", &error), "the engine ended badly");
        }
    }
}

struct Actor {
    shared: Arc<Shared>,
    notices: mpsc::Sender<Notice>,
    /// Where tasks say how they ended.
    tasks: mpsc::Sender<Ended>,
    queue: VecDeque<Order>,
    current: Option<Current>,
    /// The dry run at work.
    planning: Option<Planning>,
    /// Runs that stopped for lack of API calls.
    later: Vec<Later>,
    progress: watch::Sender<Option<Progress>>,
    changed: Topics,
    /// How the run at work stood when it was told last.
    stood: Option<(RunId, Motion)>,
    /// Summaries still to send: one more than needed, so that a viewer that missed the end of a
    /// run between a question and its answer sees it.
    summaries: u8,
    store_bytes: u64,
    /// The backup of the day, and the measuring of the store.
    keeping: Option<JoinHandle<()>>,
    /// Records being read into the index, and the word to stop it.
    indexing: Readers,
    leaving: Arc<AtomicBool>,
    /// What is answered from the store.
    questions: Questions,
}

const EVERYTHING: Topics = Topics {
    runs: true,
    conflicts: true,
    records: true,
    mappings: true,
    settings: true,
};

const DATA: Topics = Topics {
    runs: true,
    conflicts: true,
    records: true,
    mappings: false,
    settings: false,
};

impl Actor {
    fn new(
        shared: Arc<Shared>,
        notices: mpsc::Sender<Notice>,
        tasks: mpsc::Sender<Ended>,
        later: Vec<Later>,
    ) -> Self {
        Self {
            shared,
            notices,
            tasks,
            queue: VecDeque::new(),
            current: None,
            planning: None,
            later,
            progress: watch::channel(None).0,
            changed: EVERYTHING,
            stood: None,
            summaries: 1,
            store_bytes: 0,
            keeping: None,
            indexing: Readers::default(),
            leaving: Arc::new(AtomicBool::new(false)),
            questions: Questions::default(),
        }
    }

    async fn run(
        mut self,
        mut end: EngineEnd,
        mut ended: mpsc::Receiver<Ended>,
        mut stopped: watch::Receiver<Wish>,
    ) {
        drop(end.notices);
        let mut tick = tokio::time::interval(FRAME);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut clock = tokio::time::interval(SECOND);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut minute = tokio::time::interval(MINUTE);
        minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut progress = self.progress.subscribe();
        let mut viewer = true;
        // An engine that lives longer than one question.
        let by_schedule = self.shared.options.schedules == Schedules::Followed;
        if by_schedule {
            self.index();
        }
        loop {
            tokio::select! {
                biased;
                () = told_to_stop(&mut stopped) => break,
                Some(what) = ended.recv() => self.ended(what).await,
                (job, result) = finished(&mut self.current) => self.run_ended(job, result).await,
                request = end.requests.recv(), if viewer => match request {
                    Some(request) => self.take(request).await,
                    // The viewer has gone; who started us stops us.
                    None => viewer = false,
                },
                _ = clock.tick(), if by_schedule => {
                    self.by_schedule().await;
                    self.go_on().await;
                }
                _ = minute.tick() => self.keep_counts().await,
                _ = tick.tick(), if viewer && self.has_news(&progress) => {
                    progress.mark_unchanged();
                    self.tell().await;
                }
            }
            self.start_next();
        }
        self.questions.leave();
        self.last_entries(&mut end.requests).await;
        // Tasks that end from here on have nobody to tell.
        drop(ended);
        self.quit().await;
    }

    fn has_news(&self, progress: &watch::Receiver<Option<Progress>>) -> bool {
        self.summaries > 0
            || self.changed != Topics::default()
            || progress.has_changed().unwrap_or(false)
    }

    /// Sends the summary and what changed, as far as the viewer keeps up.
    async fn tell(&mut self) {
        // A run that stands still, or goes on, is another one in the list of runs.
        let stands = self.progress.borrow().as_ref().map(|p| (p.run, p.motion));
        if stands != self.stood {
            self.stood = stands;
            self.news(Topics {
                runs: true,
                ..Topics::default()
            });
        }
        if let Ok(permit) = self.notices.clone().try_reserve_owned() {
            match self.summary().await {
                Ok(summary) => {
                    permit.send(Notice::Summary(Arc::new(summary)));
                    self.summaries = self.summaries.saturating_sub(1);
                }
                Err(error) => tracing::error!(%error, "no summary"),
            }
        } else {
            self.summaries = self.summaries.max(1);
        }
        if self.changed != Topics::default()
            && self.notices.try_send(Notice::Changed(self.changed)).is_ok()
        {
            self.changed = Topics::default();
        }
    }

    async fn summary(&mut self) -> Result<super::summary::Summary> {
        let live = Live {
            profile: self.shared.options.profile.clone(),
            access: self.shared.options.access,
            running: self.progress.borrow().clone(),
            queued: self.queue.iter().map(|order| order.pair.clone()).collect(),
            connections: vec![self.shared.connector.row(), embedded()],
            clock_fault: self.shared.connector.clock_fault(),
            store_bytes: self.store_bytes,
        };
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let settings = &shared.options.settings;
            overview::build(&shared.state, settings, live, settings.clock.now())
        })
        .await
    }

    fn news(&mut self, topics: Topics) {
        self.changed = self.changed.and(topics);
        self.summaries = self.summaries.max(1);
    }

    // ---- runs --------------------------------------------------------------------------

    /// A line in the log that belongs to no run.
    async fn note(&self, word: Word, text: String) {
        let shared = Arc::clone(&self.shared);
        let written = blocking(move || {
            let mut tx = shared.state.begin();
            tx.log(shared.options.settings.clock.now(), word, None, text);
            Ok(tx.commit(Durability::Soon)?)
        });
        if let Err(error) = written.await {
            tracing::error!(%error, "a line of the log was not written");
        }
    }

    /// What a person entered right before leaving is kept; nothing is started any more.
    async fn last_entries(&self, requests: &mut mpsc::Receiver<Request>) {
        while let Ok(Request { command, .. }) = requests.try_recv() {
            let may = requests::permit(self.shared.options.viewer, &command).is_ok();
            if may && command.is_entry() {
                let shared = Arc::clone(&self.shared);
                if let Err(error) =
                    blocking(move || answers::answer(&shared, command, &Wanted::default())).await
                {
                    tracing::warn!(%error, "an entry made while leaving was refused");
                }
            }
        }
    }

    async fn quit(mut self) {
        self.leaving.store(true, Ordering::Relaxed);
        self.wish(Wish::Quit);
        if let Some(current) = self.current.take()
            && let Err(error) = current.task.await
        {
            let error = broke_off("a run", &error);
            tracing::error!(%error, run = %current.run, "a run ended badly");
        }
        if let Some(planning) = self.planning.take()
            && let Err(error) = planning.task.await
        {
            let error = broke_off("a dry run", &error);
            tracing::error!(%error, "a dry run ended badly");
        }
        self.keep_counts().await;
        if let Some(keeping) = self.keeping.take()
            && let Err(error) = keeping.await
        {
            let error = broke_off("a backup", &error);
            tracing::error!(%error, "a backup ended badly");
        }
        std::mem::take(&mut self.indexing).join().await;
        let shared = Arc::clone(&self.shared);
        if let Err(error) = blocking(move || Ok(shared.state.store().sync()?)).await {
            tracing::error!(%error, "the store was not flushed");
        }
    }
}

/// Waits for the order to stop; a lost sender is one, too.
async fn told_to_stop(stopped: &mut watch::Receiver<Wish>) {
    drop(stopped.wait_for(|wish| *wish == Wish::Quit).await);
}

/// The end of a task that did not come to one. What a panic says may hold a record's values: only
/// the place is known, and the log has it.
pub(super) fn broke_off(what: &str, error: &JoinError) -> Error {
    let how = if error.is_panic() {
        "panicked"
    } else {
        "was dropped"
    };
    Error::new(Kind::Internal, format!("{what} {how}"))
        .hint("this is a fault of the program; its log says where")
}

/// Runs blocking work beside the engine.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(broke_off("a task of the engine", &error)))
}

fn embedded() -> ConnectionRow {
    ConnectionRow {
        word: Word::Ok,
        system: "App".to_owned(),
        account: "embedded".to_owned(),
        org_id: None,
        org_name: None,
        way: None,
        sign_in: String::new(),
        api: None,
        budget: None,
        codes: UnknownCodes::default(),
        version: ApiVersion::default(),
        checked: None,
        trouble: None,
    }
}
