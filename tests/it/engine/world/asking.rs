//! Asks the engine, as whoever watches it does: runs, and waiting for what they come to.

use syncdeck::engine::brake;
use syncdeck::engine::command::{Allowance, Request, RequestId};
use syncdeck::engine::link::Link;
use syncdeck::engine::notice::Notice;
use syncdeck::engine::tables::RUNS;

use super::*;

impl World {
    /// Asks, and waits for the answer.
    pub async fn ask(&mut self, command: Command) -> Result<Reply> {
        let what = format!("an answer to {command:?}");
        within(&what, self.up().session.ask(command)).await
    }

    /// Asks for something that has no answer.
    pub async fn tell(&mut self, command: Command) {
        self.ask(command).await.unwrap();
    }

    /// Puts questions on the link as fast as it takes them, gives all answers in the order they
    /// come, and stops the engine.
    pub async fn hurried(&mut self, questions: Vec<Request>) -> Vec<(RequestId, Result<Reply>)> {
        let Up {
            engine,
            state,
            session,
        } = self.up.take().unwrap();
        let Link {
            requests,
            mut notices,
        } = session.into_link();
        let many = questions.len();
        tokio::spawn(async move {
            for question in questions {
                requests.send(question).await.unwrap();
            }
            // The link stays open until the engine ends it.
            requests.closed().await;
        });
        let mut answers = Vec::with_capacity(many);
        while answers.len() < many {
            let notice = within("an answer", notices.recv()).await.unwrap();
            if let Notice::Reply { id, result } = notice {
                answers.push((id, result));
            }
        }
        within("the engine to stop", engine.stop()).await;
        drop(state);
        answers
    }

    /// Signs in the way a person does, with a browser.
    pub async fn sign_in(&mut self) {
        self.try_sign_in().await.unwrap();
    }

    /// The same, when it may be refused.
    pub async fn try_sign_in(&mut self) -> Result<SignedInView> {
        let begin = Command::BeginSignIn { key: None };
        let Reply::SignIn(SignInView::Browser(view)) = self.ask(begin).await.unwrap() else {
            panic!("no sign-in");
        };
        let browser = reqwest::Client::builder().no_proxy().build().unwrap();
        let visit = tokio::spawn(async move { browser.get(view.address).send().await });
        let done = within("the sign-in", self.up().session.signed_in()).await;
        visit.await.unwrap().unwrap();
        done
    }

    /// Starts runs.
    pub async fn begin(&mut self, scope: Scope) -> Vec<RunId> {
        match self.ask(Command::Sync { scope }).await.unwrap() {
            Reply::Started(runs) => runs,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for the end of a run.
    pub async fn end(&mut self, run: RunId) -> RunDetail {
        let what = format!("the end of run {run}");
        within(&what, self.up().session.finished(run, |_| {}))
            .await
            .unwrap()
    }

    /// Syncs everything, some time after what was before.
    pub async fn sync(&mut self) -> Vec<RunDetail> {
        self.runs(Scope::All).await
    }

    /// Syncs one pair.
    pub async fn sync_pair(&mut self, pair: &str) -> RunDetail {
        let scope = Scope::Pair(PairName::new(pair));
        self.runs(scope).await.remove(0)
    }

    /// The same, and all is well.
    pub async fn well(&mut self, pair: &str) {
        let end = self.sync_pair(pair).await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }

    /// The same, and nothing is written on either side before a person allows what is held.
    pub async fn refused(&mut self, pair: &str, held: &str) {
        self.org().forget();
        let end = self.sync_pair(pair).await;
        assert_eq!(end.run.state, RunState::Failed, "{:?}", end.run);
        let failure = end.run.failure.unwrap();
        assert_eq!(failure.code, "refused");
        let way_out = format!("--allow {held}=");
        assert!(failure.fix.contains(&way_out), "{failure:?}");
        assert!(self.org().written().is_empty());
    }

    /// The number that is held of a pair under a name.
    pub fn held(&self, pair: &str, name: &str) -> Option<u64> {
        let held = brake::held(self.state(), &PairName::new(pair)).unwrap();
        let held = held.iter().find(|held| held.name() == name);
        held.map(|held| held.number)
    }

    /// Starts the run that allowing what is held under a name asks for.
    pub async fn begin_allowed(&mut self, pair: &str, name: &str) -> RunId {
        let allowances = vec![Allowance {
            name: name.to_owned(),
            number: self.held(pair, name).unwrap(),
        }];
        let pair = PairName::new(pair);
        match self.ask(Command::Allow { pair, allowances }).await.unwrap() {
            Reply::Started(runs) => runs[0],
            other => panic!("{other:?}"),
        }
    }

    /// The same, and all is well in the end.
    pub async fn allow(&mut self, pair: &str, name: &str) {
        let run = self.begin_allowed(pair, name).await;
        let end = self.end(run).await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }

    async fn runs(&mut self, scope: Scope) -> Vec<RunDetail> {
        self.advance(BETWEEN);
        let mut ends = Vec::new();
        for run in self.begin(scope).await {
            ends.push(self.end(run).await);
        }
        ends
    }

    /// Starts a run of one pair some time after what was before.
    pub async fn begin_pair(&mut self, pair: &str) -> RunId {
        self.advance(BETWEEN);
        let scope = Scope::Pair(PairName::new(pair));
        self.begin(scope).await.remove(0)
    }

    /// Waits for a summary that is like this.
    pub async fn summary(&mut self, what: &str, like: impl Fn(&Summary) -> bool) -> Arc<Summary> {
        let session = &mut self.up().session;
        within(what, async {
            loop {
                let summary = session.summary().await.unwrap();
                if like(&summary) {
                    return summary;
                }
                session.step().await.unwrap();
            }
        })
        .await
    }

    /// The first summary that knows that this run of a pair has ended: one from before tells nothing of
    /// what it came to.
    pub async fn summary_after(&mut self, run: RunId) -> Arc<Summary> {
        let ended = |s: &Summary| {
            let mut last = s.pairs.iter().filter_map(|pair| pair.last.as_ref());
            last.any(|last| last.id == run && last.took.is_some())
        };
        self.summary(&format!("the end of run {run}"), ended).await
    }

    /// Waits until something is so that nobody reports.
    pub async fn until(&self, what: &str, so: impl Fn() -> bool) {
        within(what, async {
            while !so() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }

    /// Waits until every run that was begun has ended. A summary does not tell: it may be older than
    /// the run.
    pub async fn runs_end(&self) {
        let ended = || {
            let mut runs = self.state().store().scan(&RUNS, &[]);
            runs.all(|row| row.unwrap().1.state.has_ended())
        };
        self.until("every run to end", ended).await;
    }

    /// Waits until a fault has struck so often.
    pub async fn struck(&self, number: u64, times: u32) {
        let org = self.org();
        let so = || {
            let faults = org.faults();
            faults.iter().any(|f| f.id == number && f.struck >= times)
        };
        self.until("a fault to strike", so).await;
    }
}
