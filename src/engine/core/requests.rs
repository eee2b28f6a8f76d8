//! What the viewer asks for, the tasks that answer beside the engine, and what follows from them.
//!
//! Invariant: every request is answered exactly once.

use super::super::brake;
use super::super::command::Scope;
use super::super::decisions::Confirmed;
use super::super::runner::Job;
use super::*;
use crate::domain::id::RunId;
use crate::engine::mappings;
use crate::engine::view::Relink;

/// What a task of the engine came to.
pub(super) enum Ended {
    Answer(RequestId, Result<Reply>),
    SignedIn(Result<crate::engine::view::SignedInView>),
    Learned(Result<()>),
    Checked,
    Indexed,
    Kept(Result<u64>),
    Planned(RequestId, Result<Rehearsed>),
}

/// Lets a command pass, if a viewer with this access may ask it.
///
/// # Errors
/// [`Kind::Refused`] when it changes something and the viewer may only look.
pub(super) fn permit(access: Access, command: &Command) -> Result<()> {
    if access == Access::ReadWrite || command.only_asks() {
        return Ok(());
    }
    let error = Error::new(Kind::Refused, "this session only reads");
    Err(error.hint("start syncdeck without --read-only"))
}

impl Actor {
    pub(super) async fn take(&mut self, request: Request) {
        let Request {
            id,
            replaces,
            command,
        } = request;
        if let Some(earlier) = replaces {
            self.questions.replaced(earlier);
        }
        if let Err(error) = permit(self.shared.options.viewer, &command) {
            return self.reply(id, Err(error)).await;
        }
        // Who follows no schedules builds it for those who ask.
        if self.indexing.is_empty() && matches!(command, Command::Search { .. } | Command::Business)
        {
            self.index();
        }
        let result = match command {
            Command::Sync { scope } => {
                let runs = self.sync(scope, Cause::Person, Job::Sync).await;
                runs.map(Reply::Started)
            }
            Command::SyncRecords { pair, records } => {
                let runs = self.sync_records(pair, records).await;
                runs.map(Reply::Started)
            }
            Command::Sweep { scope } => {
                let runs = self.sync(scope, Cause::Person, Job::Sweep).await;
                runs.map(Reply::Started)
            }
            Command::Relink(relink) => self.relink(relink).await.map(|()| Reply::Done),
            Command::GoOn => self.go_ahead().await.map(|()| Reply::Done),
            Command::Repair { pair, records } => {
                self.repair(pair, records).await.map(Reply::Started)
            }
            Command::Pause => self.pause(Wish::Pause).await.map(|()| Reply::Done),
            Command::Resume => self.pause(Wish::Work).await.map(|()| Reply::Done),
            Command::Cancel => self.cancel().await.map(|()| Reply::Done),
            Command::Retry { run, scope } => self.retry(run, scope).await.map(Reply::Started),
            Command::Allow { pair, allowances } => {
                let (shared, scope) = (Arc::clone(&self.shared), Scope::Pair(pair.clone()));
                let allow = move || {
                    let settings = &shared.options.settings;
                    brake::allow(&shared.state, settings, &pair, &allowances)
                };
                match blocking(allow).await {
                    Ok(()) => self
                        .sync(scope, Cause::Person, Job::Sync)
                        .await
                        .map(Reply::Started),
                    Err(error) => Err(error),
                }
            }
            Command::Undo { run, hash, allow } => {
                self.undo(run, hash, allow).await.map(Reply::Started)
            }
            Command::DryRun { pairs } => match self.plan(id, For::Plan(pairs)) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            Command::ApplyPlan { plan, hash } => match self.plan(id, For::Apply(plan, hash)) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            Command::Write { scope, hash } => {
                let shared = Arc::clone(&self.shared);
                match blocking(move || answers::confirm(&shared, &scope, hash)).await {
                    Ok(confirmed) => self.write_all(confirmed).await.map(Reply::Started),
                    Err(error) => Err(error),
                }
            }
            Command::BeginSignIn { key } => {
                self.spawn(id, move |shared| async move {
                    shared.connector.begin(key).await.map(Reply::SignIn)
                });
                return;
            }
            Command::FinishSignIn { pasted } => {
                self.spawn(id, move |shared| async move {
                    let view = shared.connector.finish(pasted).await?;
                    Ok(Reply::SignedIn(view))
                });
                return;
            }
            Command::LeaveSignIn => {
                self.shared.connector.leave();
                Ok(Reply::Done)
            }
            Command::Disconnect => {
                self.spawn(id, |shared| async move {
                    let done = shared.connector.disconnect().await?;
                    Ok(Reply::SignedOut(done))
                });
                return;
            }
            Command::CheckConnection => {
                self.spawn(id, |shared| async move {
                    shared.connector.check(Class::Interactive).await?;
                    let pairs = shared.state.pairs()?;
                    shared.connector.refresh_schema(&pairs).await?;
                    Ok(Reply::Done)
                });
                return;
            }
            Command::SaveMapping { draft } => {
                let turns = self.questions.turns();
                self.spawn(id, move |shared| async move {
                    let (asked, pair) = (Arc::clone(&shared), draft.clone());
                    // Access may have been given since the fields were read; without an answer the
                    // check says what it knows.
                    if blocking(move || mappings::misses_fields(&asked.state, &pair)).await?
                        && let Err(error) =
                            shared.connector.refresh_schema(&[(*draft).clone()]).await
                    {
                        tracing::info!(%error, "the fields could not be read again");
                    }
                    let _turn = turns.acquire_owned().await.ok();
                    let save = Command::SaveMapping { draft };
                    blocking(move || answers::answer(&shared, save, &Wanted::default())).await
                });
                return;
            }
            Command::LinkRecord { key, crm_id } => {
                self.spawn(id, move |shared| async move {
                    let (asked, record) = (Arc::clone(&shared), key.clone());
                    let check = move || answers::may_link(&asked, &record, &crm_id);
                    let object = blocking(check).await?;
                    shared.connector.look_up(&object, crm_id).await?;
                    blocking(move || answers::link(&shared, &key, crm_id)).await
                });
                return;
            }
            Command::SearchCrm { text } => {
                self.spawn(id, move |shared| async move {
                    let view = shared.connector.search(&shared.state, text).await?;
                    Ok(Reply::SearchCrm(Box::new(view)))
                });
                return;
            }
            Command::CountCrm { objects } => {
                self.spawn(id, move |shared| async move {
                    let counts = shared.connector.count(&objects).await?;
                    Ok(Reply::Counted(counts))
                });
                return;
            }
            // In the order they come: the last one is what stays.
            draft @ (Command::KeepDraft { .. } | Command::KeepForm { .. }) => {
                let shared = Arc::clone(&self.shared);
                let counted = matches!(draft, Command::KeepDraft { .. });
                let kept =
                    blocking(move || answers::answer(&shared, draft, &Wanted::default())).await;
                if counted {
                    self.news(Topics::default());
                }
                kept
            }
            other => {
                // What changes something is done, also when nobody waits for it any more.
                let wanted = match other.only_asks() {
                    true => self.questions.open(id),
                    false => Wanted::default(),
                };
                let turns = self.questions.turns();
                self.spawn(id, move |shared| async move {
                    // It is never closed; whoever comes first is answered first.
                    let _turn = turns.acquire_owned().await.ok();
                    wanted.check()?;
                    blocking(move || answers::answer(&shared, other, &wanted)).await
                });
                return;
            }
        };
        self.reply(id, result).await;
    }

    /// Leaves the org of the profile.
    async fn relink(&mut self, relink: Relink) -> Result<()> {
        if self.current.is_some() || self.planning.is_some() {
            let error = Error::new(Kind::Refused, "a run is at work");
            return Err(error.hint("wait for its end, or cancel it: syncdeck runs cancel"));
        }
        let person = self.shared.options.settings.person.clone();
        self.shared.connector.leave_org(relink, person).await?;
        self.news(EVERYTHING);
        Ok(())
    }

    /// Past the lines of the budget: what was put off because of them goes on now.
    async fn go_ahead(&mut self) -> Result<()> {
        let settings = &self.shared.options.settings;
        let (person, now) = (settings.person.clone(), settings.clock.now());
        self.shared.connector.go_on(person, now).await?;
        for later in &mut self.later {
            later.at = later.at.min(now);
        }
        self.news(EVERYTHING);
        Ok(())
    }

    /// Writes what was confirmed: decisions in a run, edits of the App's records and schedules here. No
    /// record has both, so that neither waits for the other.
    async fn write_all(&mut self, confirmed: Confirmed) -> Result<Vec<RunId>> {
        let Confirmed {
            decisions,
            edits,
            schedules,
        } = confirmed;
        let runs = match decisions.is_empty() {
            true => Vec::new(),
            false => self.write(decisions).await?,
        };
        if !edits.is_empty() {
            let shared = Arc::clone(&self.shared);
            blocking(move || answers::write_edits(&shared, &edits)).await?;
            self.news(EVERYTHING);
        }
        if !schedules.is_empty() {
            let shared = Arc::clone(&self.shared);
            blocking(move || answers::set_schedules(&shared, &schedules)).await?;
            self.news(EVERYTHING);
        }
        Ok(runs)
    }

    /// Answers from a task of its own, so that a slow question does not hold up the others.
    pub(super) fn spawn<F>(&self, id: RequestId, work: impl FnOnce(Arc<Shared>) -> F)
    where
        F: Future<Output = Result<Reply>> + Send + 'static,
    {
        let future = work(Arc::clone(&self.shared));
        let ended = self.tasks.clone();
        tokio::spawn(async move {
            let result = future.await;
            // Without the engine nobody waits for the answer any more.
            let _ = ended.send(Ended::Answer(id, result)).await;
        });
    }

    pub(super) fn wait_for_sign_in(&self) {
        let shared = Arc::clone(&self.shared);
        let ended = self.tasks.clone();
        tokio::spawn(async move {
            let result = shared.connector.callback().await;
            let _ = ended.send(Ended::SignedIn(result)).await;
        });
    }

    pub(super) async fn ended(&mut self, what: Ended) {
        match what {
            Ended::Answer(id, result) => {
                self.questions.answered(id);
                if let Ok(reply) = &result {
                    self.consequences(reply);
                }
                self.news(Topics::default());
                self.reply(id, result).await;
            }
            // It was pasted, or begun again: whoever did that has the answer.
            Ended::SignedIn(Err(error)) if error.kind() == Kind::Cancelled => {}
            Ended::SignedIn(result) => {
                if result.is_ok() {
                    self.learn_schema();
                }
                self.news(EVERYTHING);
                self.send(Notice::SignedIn(result)).await;
            }
            Ended::Planned(id, result) => self.planned(id, result).await,
            Ended::Checked => self.news(Topics::default()),
            Ended::Indexed => self.news(Topics {
                records: true,
                ..Topics::default()
            }),
            Ended::Kept(Ok(bytes)) => {
                self.store_bytes = bytes;
                self.news(Topics::default());
            }
            Ended::Kept(Err(error)) => {
                tracing::warn!(%error, "no backup was made");
                let text = format!("no backup was made: {error}");
                self.note(Word::Warn, text).await;
                self.news(DATA);
            }
            Ended::Learned(Ok(())) => self.news(EVERYTHING),
            Ended::Learned(Err(error)) => {
                let text = format!("the fields in Salesforce could not be read: {error}");
                self.note(Word::Warn, text).await;
                self.news(EVERYTHING);
            }
        }
    }

    pub(super) fn consequences(&mut self, reply: &Reply) {
        match reply {
            Reply::SignedIn(_) => {
                self.learn_schema();
                self.news(EVERYTHING);
            }
            Reply::SignIn(_) => self.wait_for_sign_in(),
            Reply::Decided(_)
            | Reply::Created(_)
            | Reply::EditStaged(_)
            | Reply::EditsStaged(_)
            | Reply::ScheduleStaged(_)
            | Reply::Acted(_)
            | Reply::Released(_)
            | Reply::HoldEnded(_)
            | Reply::SignedOut(_)
            | Reply::Done => {
                self.news(EVERYTHING);
            }
            Reply::Saved { .. } => {
                if self.shared.options.schedules == Schedules::Followed {
                    self.index();
                }
                self.news(EVERYTHING);
            }
            _ => {}
        }
    }

    /// Asks in the background how the connection stands; its row says so.
    pub(super) fn check(&self) {
        let shared = Arc::clone(&self.shared);
        let ended = self.tasks.clone();
        tokio::spawn(async move {
            if let Err(error) = shared.connector.check(Class::Upkeep).await {
                tracing::info!(%error, "the connection was checked");
            }
            let _ = ended.send(Ended::Checked).await;
        });
    }

    /// Reads the fields and users in the background, so that mappings can be looked at.
    pub(super) fn learn_schema(&self) {
        let shared = Arc::clone(&self.shared);
        let ended = self.tasks.clone();
        tokio::spawn(async move {
            let learned = async {
                let pairs = shared.state.pairs()?;
                shared.connector.refresh_schema(&pairs).await
            };
            let result = learned.await;
            let _ = ended.send(Ended::Learned(result)).await;
        });
    }

    pub(super) async fn reply(&mut self, id: RequestId, result: Result<Reply>) {
        self.send(Notice::Reply { id, result }).await;
    }

    pub(super) async fn send(&mut self, notice: Notice) {
        // A viewer that has gone needs no answer.
        let _ = self.notices.send(notice).await;
    }
}
