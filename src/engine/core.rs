//! The engine: takes commands from one viewer, works off runs, and says how things stand.
//!
//! Owns what is not stored: the queue, the run at work, the wishes about it. Invariants: one run
//! at a time; an answer is sent exactly once per request; the latest summary always arrives.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::domain::id::{PairName, RunId};
use crate::domain::mapping::{Pair, Schedule};
use crate::domain::run::{Cause, Run, RunState, Word};
use crate::error::{Error, Kind, Result};

use super::command::{Command, RecordKey, Request, RequestId, RetryScope, Scope};
use super::cx::Settings;
use super::guard::Guard;
use super::link::{self, EngineEnd, Link};
use super::notice::{Notice, Reply, Topics};
use super::overview::{self, Live};
use super::profile::{self, Places};
use super::runner::{self, Job, Order};
use super::session::Connector;
use super::state::State;
use super::summary::{Access, ConnectionRow, Motion, Progress};
use super::tables::RUNS;
use super::tx::Durability;
use super::view::SettingsView;
use super::work::{Tools, Wish};
use super::{answers, retry};

/// Backups that are kept.
const BACKUPS: NonZeroUsize = NonZeroUsize::new(7).unwrap();
/// How often the summary follows a run that works.
const FRAME: Duration = Duration::from_millis(200);
/// How often the clock is looked at for schedules.
const SECOND: Duration = Duration::from_secs(1);

/// What an engine is started with, besides its state.
#[derive(Debug, Clone)]
pub struct Options {
    /// Profile, for people.
    pub profile: String,
    /// Whether it may write to the CRM.
    pub access: Access,
    /// Where its data lies.
    pub places: Places,
    /// Times and sizes.
    pub settings: Settings,
    /// Words for the settings page; schedules and sizes are filled in.
    pub about: SettingsView,
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
    /// When the store cannot be written: runs that were cut off are marked first.
    pub fn start(
        state: Arc<State>,
        connector: Connector,
        options: Options,
    ) -> Result<(Link, Engine)> {
        interrupted(&state, options.settings.clock.now())?;
        let (viewer, end) = link::pair();
        let (stop, stopped) = watch::channel(Wish::Work);
        let actor = Actor::new(
            Arc::new(Shared {
                state,
                connector,
                options,
            }),
            end.notices.clone(),
        );
        let task = tokio::spawn(actor.run(end, stopped));
        Ok((viewer, Engine { stop, task }))
    }

    /// Stops the run at its next record boundary, and then the engine.
    pub async fn stop(self) {
        self.stop.send_replace(Wish::Quit);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the engine ended badly");
        }
    }
}

/// Runs that an ended process left behind.
fn interrupted(state: &State, now: Timestamp) -> Result<()> {
    let mut tx = state.begin();
    for run in state.store().scan(&RUNS, &[]).rev().take(200) {
        let (_, mut run) = run?;
        if matches!(
            run.state,
            RunState::Queued | RunState::Running | RunState::Paused
        ) {
            run.state = RunState::Interrupted;
            run.ended_at = Some(now);
            tx.put_run(&run);
            let text = format!("run {} of {} was interrupted", run.id, run.pair);
            tx.log(now, Word::Warn, Some(run.id), text);
        }
    }
    if !tx.is_empty() {
        tx.commit(Durability::Now)?;
    }
    Ok(())
}

/// The run at work.
struct Current {
    run: RunId,
    pair: PairName,
    wish: watch::Sender<Wish>,
    task: JoinHandle<Result<Run>>,
}

struct Actor {
    shared: Arc<Shared>,
    notices: mpsc::Sender<Notice>,
    queue: VecDeque<Order>,
    current: Option<Current>,
    progress: watch::Sender<Option<Progress>>,
    changed: Topics,
    /// Summaries still to send: one more than needed, so that a viewer that missed the end of a
    /// run between a question and its answer sees it.
    summaries: u8,
    store_bytes: u64,
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
    fn new(shared: Arc<Shared>, notices: mpsc::Sender<Notice>) -> Self {
        Self {
            shared,
            notices,
            queue: VecDeque::new(),
            current: None,
            progress: watch::channel(None).0,
            changed: EVERYTHING,
            summaries: 1,
            store_bytes: 0,
        }
    }

    async fn run(mut self, mut end: EngineEnd, mut stopped: watch::Receiver<Wish>) {
        drop(end.notices);
        let mut tick = tokio::time::interval(FRAME);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut clock = tokio::time::interval(SECOND);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut progress = self.progress.subscribe();
        let (ended_tx, mut ended) = mpsc::channel::<Ended>(4);
        let mut viewer = true;
        loop {
            tokio::select! {
                biased;
                () = told_to_stop(&mut stopped) => break,
                Some(what) = ended.recv() => self.ended(what, &ended_tx).await,
                result = finished(&mut self.current) => self.run_ended(result).await,
                request = end.requests.recv(), if viewer => match request {
                    Some(request) => self.take(request, &ended_tx).await,
                    // The viewer has gone; who started us stops us.
                    None => viewer = false,
                },
                _ = clock.tick() => self.by_schedule().await,
                _ = tick.tick(), if viewer && self.has_news(&progress) => {
                    progress.mark_unchanged();
                    self.tell().await;
                }
            }
            self.start_next();
        }
        self.quit().await;
    }

    fn has_news(&self, progress: &watch::Receiver<Option<Progress>>) -> bool {
        self.summaries > 0
            || self.changed != Topics::default()
            || progress.has_changed().unwrap_or(false)
    }

    /// Sends the summary and what changed, as far as the viewer keeps up.
    async fn tell(&mut self) {
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
            store_bytes: self.store_bytes,
        };
        let shared = Arc::clone(&self.shared);
        blocking(move || overview::build(&shared.state, live, shared.options.settings.clock.now()))
            .await
    }

    fn news(&mut self, topics: Topics) {
        self.changed = self.changed.and(topics);
        self.summaries = self.summaries.max(1);
    }

    // ---- runs --------------------------------------------------------------------------

    fn start_next(&mut self) {
        if self.current.is_some() {
            return;
        }
        let Some(order) = self.queue.pop_front() else {
            return;
        };
        let (wish, wishes) = watch::channel(Wish::Work);
        let shared = Arc::clone(&self.shared);
        let progress = self.progress.clone();
        let (run, pair) = (order.run, order.pair.clone());
        let task = tokio::spawn(work(shared, order, wishes, progress));
        self.current = Some(Current {
            run,
            pair,
            wish,
            task,
        });
        self.news(Topics {
            runs: true,
            ..Topics::default()
        });
    }

    async fn run_ended(&mut self, result: Result<Run>) {
        self.progress.send_replace(None);
        if let Err(error) = result {
            tracing::error!(%error, "a run could not be ended");
        }
        self.changed = self.changed.and(DATA);
        self.summaries = 3;
        let shared = Arc::clone(&self.shared);
        let sized = blocking(move || {
            let places = &shared.options.places;
            if profile::backup_is_due(places, Timestamp::now())? {
                profile::backup(&shared.state, places, BACKUPS)?;
            }
            Ok(shared.state.store().size_on_disk()?)
        });
        match sized.await {
            Ok(bytes) => self.store_bytes = bytes,
            Err(error) => {
                tracing::warn!(%error, "no backup was made");
                let text = format!("no backup was made: {error}");
                self.note(Word::Warn, text).await;
            }
        }
    }

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

    fn wish(&mut self, wish: Wish) {
        let Some(current) = &self.current else {
            return;
        };
        current.wish.send_replace(wish);
        self.progress.send_if_modified(|progress| {
            let Some(progress) = progress else {
                return false;
            };
            progress.motion = match wish {
                Wish::Pause => Motion::Pausing { in_flight: 1 },
                Wish::Cancel | Wish::Quit => Motion::Cancelling { in_flight: 1 },
                Wish::Work => Motion::Working,
            };
            true
        });
    }

    /// Puts pairs in the queue, parents first; one that waits already is not put in again.
    async fn sync(&mut self, scope: Scope, cause: Cause) -> Result<Vec<RunId>> {
        let shared = Arc::clone(&self.shared);
        let pairs = blocking(move || Ok(shared.state.pairs()?)).await?;
        let chosen: Vec<Pair> = match &scope {
            Scope::All => in_order(pairs),
            Scope::Pair(name) => pairs.into_iter().filter(|p| p.name == *name).collect(),
        };
        if chosen.is_empty() {
            return Err(match scope {
                Scope::Pair(name) => Error::new(Kind::Usage, format!("there is no pair {name}"))
                    .hint("`syncdeck status` lists the pairs"),
                Scope::All => Error::new(Kind::Usage, "there are no pairs to sync")
                    .hint("`syncdeck setup --plain` makes some from a preset"),
            });
        }
        let mut runs = Vec::new();
        for pair in chosen {
            let waits = self
                .queue
                .iter()
                .find(|o| o.pair == pair.name && o.job == Job::Sync)
                .map(|o| o.run);
            runs.push(match waits {
                Some(run) => run,
                None => self.enqueue(pair.name, cause.clone(), Job::Sync).await?,
            });
        }
        Ok(runs)
    }

    async fn enqueue(&mut self, pair: PairName, cause: Cause, job: Job) -> Result<RunId> {
        let order = Order {
            run: self.shared.state.new_run_id(),
            pair,
            cause,
            job,
        };
        let run = order.queued(0, self.shared.options.settings.clock.now());
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let mut tx = shared.state.begin();
            tx.put_run(&run);
            Ok(tx.commit(Durability::Soon)?)
        })
        .await?;
        let id = order.run;
        self.queue.push_back(order);
        self.news(Topics {
            runs: true,
            ..Topics::default()
        });
        Ok(id)
    }

    async fn by_schedule(&mut self) {
        let now = self.shared.options.settings.clock.now();
        let shared = Arc::clone(&self.shared);
        let busy: Vec<PairName> = self
            .queue
            .iter()
            .map(|o| o.pair.clone())
            .chain(self.current.as_ref().map(|c| c.pair.clone()))
            .collect();
        let due = blocking(move || due(&shared.state, &busy, now)).await;
        match due {
            Ok(due) => {
                for pair in due {
                    if let Err(error) = self.sync(Scope::Pair(pair), Cause::Schedule).await {
                        tracing::error!(%error, "a scheduled run did not start");
                    }
                }
            }
            Err(error) => tracing::error!(%error, "schedules cannot be read"),
        }
    }

    async fn cancel(&mut self) -> Result<()> {
        let waiting: Vec<Order> = self.queue.drain(..).collect();
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let now = shared.options.settings.clock.now();
            let mut tx = shared.state.begin();
            for order in &waiting {
                let mut run = order.queued(0, now);
                run.state = RunState::Cancelled;
                run.ended_at = Some(now);
                tx.put_run(&run);
            }
            Ok(tx.commit(Durability::Now)?)
        })
        .await?;
        self.wish(Wish::Cancel);
        self.news(DATA);
        Ok(())
    }

    async fn pause(&mut self, wish: Wish) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let mut switches = shared.state.switches()?;
            switches.paused = wish == Wish::Pause;
            let text = if switches.paused { "paused" } else { "resumed" };
            let mut tx = shared.state.begin();
            tx.put(&super::tables::SWITCHES, &[], &switches);
            let by = &shared.options.settings.person;
            tx.log(
                shared.options.settings.clock.now(),
                Word::Info,
                None,
                format!("{text} by {by}"),
            );
            Ok(tx.commit(Durability::Now)?)
        })
        .await?;
        self.wish(wish);
        self.news(Topics::default());
        Ok(())
    }

    async fn quit(mut self) {
        self.wish(Wish::Quit);
        if let Some(current) = self.current.take()
            && let Err(error) = current.task.await
        {
            tracing::error!(%error, run = %current.run, "a run ended badly");
        }
        let shared = Arc::clone(&self.shared);
        if let Err(error) = blocking(move || Ok(shared.state.store().sync()?)).await {
            tracing::error!(%error, "the store was not flushed");
        }
    }

    // ---- commands ----------------------------------------------------------------------

    async fn take(&mut self, request: Request, ended: &mpsc::Sender<Ended>) {
        let Request { id, command } = request;
        let result = match command {
            Command::Sync { scope } => self.sync(scope, Cause::Person).await.map(Reply::Started),
            Command::Pause => self.pause(Wish::Pause).await.map(|()| Reply::Done),
            Command::Resume => self.pause(Wish::Work).await.map(|()| Reply::Done),
            Command::Cancel => self.cancel().await.map(|()| Reply::Done),
            Command::Retry { run, scope } => self.retry(run, scope).await.map(Reply::Started),
            Command::Write { scope, hash } => {
                let shared = Arc::clone(&self.shared);
                let keys = blocking(move || answers::confirm(&shared, &scope, hash)).await;
                match keys {
                    Ok(keys) => self.write(keys).await.map(Reply::Started),
                    Err(error) => Err(error),
                }
            }
            Command::BeginSignIn => {
                let begun = self.shared.connector.begin().await;
                if begun.is_ok() {
                    self.wait_for_callback(ended.clone());
                }
                begun.map(Reply::SignIn)
            }
            Command::FinishSignIn { pasted } => {
                self.spawn(ended, id, move |shared| async move {
                    let view = shared.connector.finish(pasted).await?;
                    Ok(Reply::SignedIn(view))
                });
                return;
            }
            Command::Disconnect => {
                self.spawn(ended, id, |shared| async move {
                    shared.connector.disconnect().await?;
                    Ok(Reply::Done)
                });
                return;
            }
            Command::CheckConnection => {
                self.spawn(ended, id, |shared| async move {
                    shared.connector.check().await?;
                    let pairs = shared.state.pairs()?;
                    shared.connector.refresh_schema(&pairs).await?;
                    Ok(Reply::Done)
                });
                return;
            }
            other => {
                self.spawn(ended, id, move |shared| {
                    blocking(move || answers::answer(&shared, other))
                });
                return;
            }
        };
        self.reply(id, result).await;
    }

    /// Answers from a task of its own, so that a slow question does not hold up the others.
    fn spawn<F>(
        &self,
        ended: &mpsc::Sender<Ended>,
        id: RequestId,
        work: impl FnOnce(Arc<Shared>) -> F,
    ) where
        F: Future<Output = Result<Reply>> + Send + 'static,
    {
        let future = work(Arc::clone(&self.shared));
        let ended = ended.clone();
        tokio::spawn(async move {
            let result = future.await;
            // Without the engine nobody waits for the answer any more.
            let _ = ended.send(Ended::Answer(id, result)).await;
        });
    }

    fn wait_for_callback(&self, ended: mpsc::Sender<Ended>) {
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let result = shared.connector.callback().await;
            let _ = ended.send(Ended::SignedIn(result)).await;
        });
    }

    async fn ended(&mut self, what: Ended, ended: &mpsc::Sender<Ended>) {
        match what {
            Ended::Answer(id, result) => {
                if let Ok(reply) = &result {
                    self.consequences(reply, ended);
                }
                self.news(Topics::default());
                self.reply(id, result).await;
            }
            Ended::SignedIn(result) => {
                if result.is_ok() {
                    self.learn_schema(ended);
                }
                self.news(EVERYTHING);
                self.send(Notice::SignedIn(result)).await;
            }
            Ended::Learned(Ok(())) => self.news(EVERYTHING),
            Ended::Learned(Err(error)) => {
                let text = format!("the fields in Salesforce could not be read: {error}");
                self.note(Word::Warn, text).await;
                self.news(EVERYTHING);
            }
        }
    }

    fn consequences(&mut self, reply: &Reply, ended: &mpsc::Sender<Ended>) {
        match reply {
            Reply::SignedIn(_) => {
                self.learn_schema(ended);
                self.news(EVERYTHING);
            }
            Reply::Decided(_) | Reply::Created(_) | Reply::Done => self.news(EVERYTHING),
            Reply::Saved { .. } => self.news(EVERYTHING),
            _ => {}
        }
    }

    /// Reads the fields and users in the background, so that mappings can be looked at.
    fn learn_schema(&self, ended: &mpsc::Sender<Ended>) {
        let shared = Arc::clone(&self.shared);
        let ended = ended.clone();
        tokio::spawn(async move {
            let learned = async {
                let pairs = shared.state.pairs()?;
                shared.connector.refresh_schema(&pairs).await
            };
            let result = learned.await;
            let _ = ended.send(Ended::Learned(result)).await;
        });
    }

    async fn retry(&mut self, run: RunId, scope: RetryScope) -> Result<Vec<RunId>> {
        let shared = Arc::clone(&self.shared);
        let (pair, job) = blocking(move || retry::release(&shared.state, run, &scope)).await?;
        let run = self.enqueue(pair, Cause::Retry(run), job).await?;
        Ok(vec![run])
    }

    async fn write(&mut self, keys: Vec<RecordKey>) -> Result<Vec<RunId>> {
        let mut by_pair: Vec<(PairName, Vec<_>)> = Vec::new();
        for RecordKey { pair, app_id } in keys {
            match by_pair.iter_mut().find(|(name, _)| *name == pair) {
                Some((_, ids)) => ids.push(app_id),
                None => by_pair.push((pair, vec![app_id])),
            }
        }
        let mut runs = Vec::new();
        for (pair, ids) in by_pair {
            runs.push(
                self.enqueue(pair, Cause::Decisions, Job::Decisions(ids))
                    .await?,
            );
        }
        Ok(runs)
    }

    async fn reply(&mut self, id: RequestId, result: Result<Reply>) {
        self.send(Notice::Reply { id, result }).await;
    }

    async fn send(&mut self, notice: Notice) {
        // A viewer that has gone needs no answer.
        let _ = self.notices.send(notice).await;
    }
}

/// Waits for the order to stop; a lost sender is one, too.
async fn told_to_stop(stopped: &mut watch::Receiver<Wish>) {
    drop(stopped.wait_for(|wish| *wish == Wish::Quit).await);
}

/// What a task of the engine came to.
enum Ended {
    Answer(RequestId, Result<Reply>),
    SignedIn(Result<super::view::SignedInView>),
    Learned(Result<()>),
}

/// The end of the run at work, if there is one.
async fn finished(current: &mut Option<Current>) -> Result<Run> {
    let Some(now) = current else {
        return std::future::pending().await;
    };
    let result = (&mut now.task).await;
    *current = None;
    result.unwrap_or_else(|error| {
        Err(Error::new(
            Kind::Internal,
            format!("a run broke off: {error}"),
        ))
    })
}

/// Connects, and does a run on a thread of its own.
async fn work(
    shared: Arc<Shared>,
    order: Order,
    wish: watch::Receiver<Wish>,
    progress: watch::Sender<Option<Progress>>,
) -> Result<Run> {
    let settings = shared.options.settings.clone();
    let tools = match connect(&shared, wish, progress).await {
        Ok(tools) => tools,
        Err(error) => {
            let state = Arc::clone(&shared.state);
            return blocking(move || runner::fail(&state, &order, &error, settings.clock.now()))
                .await;
        }
    };
    blocking(move || runner::execute(tools, settings, order)).await
}

async fn connect(
    shared: &Arc<Shared>,
    wish: watch::Receiver<Wish>,
    progress: watch::Sender<Option<Progress>>,
) -> Result<Tools> {
    let crm = shared.connector.crm().await?;
    let pairs = {
        let shared = Arc::clone(shared);
        blocking(move || Ok(shared.state.pairs()?)).await?
    };
    if shared.connector.schema_is_due(&pairs) {
        shared.connector.refresh_schema(&pairs).await?;
    }
    let org = shared.connector.identity().ok_or_else(|| {
        Error::new(Kind::Auth, "it is not known which org this is").hint("sign in again")
    })?;
    let pinned = shared.state.connection()?.identity.map(|i| i.org_id);
    Ok(Tools {
        state: Arc::clone(&shared.state),
        crm,
        guard: Guard::new(shared.options.access, pinned, org.org_kind),
        org: org.org_id,
        handle: tokio::runtime::Handle::current(),
        wish,
        progress,
    })
}

/// Runs blocking work beside the engine.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(Error::new(
                Kind::Internal,
                format!("a task broke off: {error}"),
            ))
        })
}

/// Pairs whose schedule is due, parents first, marked as started.
fn due(state: &State, busy: &[PairName], now: Timestamp) -> Result<Vec<PairName>> {
    let pairs = state.pairs()?;
    if pairs.iter().all(|p| p.schedule == Schedule::Manual) {
        return Ok(Vec::new());
    }
    let mut switches = state.switches()?;
    if switches.paused {
        return Ok(Vec::new());
    }
    let mut due = Vec::new();
    let mut marked = false;
    for pair in in_order(pairs) {
        if pair.schedule == Schedule::Manual {
            continue;
        }
        match overview::next_by_schedule(&pair, &switches, None) {
            Some(at) if at > now || busy.contains(&pair.name) => continue,
            Some(_) => due.push(pair.name.clone()),
            // A schedule that was just set counts from now.
            None => {}
        }
        switches.last_fired.retain(|(name, _)| *name != pair.name);
        switches.last_fired.push((pair.name, now));
        marked = true;
    }
    if marked {
        let mut tx = state.begin();
        tx.put(&super::tables::SWITCHES, &[], &switches);
        tx.commit(Durability::Now)?;
    }
    Ok(due)
}

/// Parents before children; the order of names otherwise.
fn in_order(mut left: Vec<Pair>) -> Vec<Pair> {
    let mut done: Vec<Pair> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = left
            .iter()
            .position(|pair| {
                pair.parents()
                    .all(|parent| !left.iter().any(|p| p.name == *parent))
            })
            // Two pairs that refer to each other: their second run completes them.
            .unwrap_or(0);
        done.push(left.remove(free));
    }
    done
}

fn embedded() -> ConnectionRow {
    ConnectionRow {
        word: Word::Ok,
        system: "App".to_owned(),
        account: "embedded".to_owned(),
        org_id: None,
        org_name: None,
        sign_in: String::new(),
        api: None,
        checked: None,
        trouble: None,
    }
}
