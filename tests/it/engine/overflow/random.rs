//! Histories of a text that is full at times: every line that was typed is there once, in the text
//! or as a record of its own (I39).
//!
//! Invariant: nobody takes a line out of the text here, so that one that is nowhere was lost.

use super::*;
use crate::sim::random::Random;

/// Steps of a history.
const STEPS: usize = 12;

/// What a colleague makes of a text.
#[derive(Debug, Clone, Copy)]
enum Text {
    Full,
    Roomy,
}

struct History {
    world: World,
    random: Random,
    lead: String,
    key: RecordKey,
    typed: Vec<String>,
    /// Lines whose records somebody deleted.
    gone: Vec<String>,
}

impl History {
    async fn step(&mut self) {
        match self.random.below(12) {
            0..4 => {
                self.typed.push(format!("line {}", self.typed.len()));
                let text = self.typed.join("\n");
                self.world.edit(&self.key, "log", &text).await;
            }
            4 => self.becomes(Text::Full),
            5 => self.becomes(Text::Roomy),
            6 => drop(self.world.sync_pair("leads").await),
            7 | 8 => drop(self.world.sync().await),
            9 => self.world.crash().await,
            10 => {
                let kind = ["drop_after", "drop_before"][self.random.below(2)];
                let path = ["*/composite", CREATES][self.random.below(2)];
                let lost = json!({"kind": kind, "path": path, "method": "POST", "times": 1});
                self.world.org().inject(fault(lost));
            }
            _ if self.random.one_in(3) => self.deletes(),
            _ => self.forgets(),
        }
        self.world.advance(30);
    }

    /// A colleague fills the text up, or makes room; our lines stay.
    fn becomes(&self, is: Text) {
        let text = self.world.there(&self.lead, LOG);
        let ours: Vec<&str> = text.lines().filter(|l| l.contains("sd:")).collect();
        let ours = ours.join("\n");
        let left = MOST.saturating_sub(ours.encode_utf16().count() + 10);
        let text = match is {
            Text::Full => format!("{}\n{ours}", "x".repeat(left)),
            Text::Roomy => ours,
        };
        self.world.change(&self.lead, json!({ LOG: text.trim() }));
    }

    fn deletes(&mut self) {
        let asked = format!(
            "SELECT Id FROM Task WHERE WhoId = '{}' AND {KEY} != null",
            self.lead
        );
        if let Some(id) = self.world.ids(&asked).first() {
            let said = self.world.there(id, "Description");
            self.gone.push(said.split_once("] ").unwrap().1.to_owned());
            self.world.org().delete(By::Colleague, id).unwrap();
        }
    }

    /// What was agreed of the row is forgotten, as with a mapping that means something else.
    fn forgets(&self) {
        let (state, key) = (self.world.state(), &self.key);
        let mut link = state.link(&key.pair, &key.app_id).unwrap().unwrap();
        let busy = state.open_intent(&key.pair, &key.app_id).unwrap().is_some();
        if busy || link.bases.remove(&RowId(900)).is_none() {
            return;
        }
        let mut tx = state.begin();
        tx.put(&LINKS, &record_key(&key.pair, &key.app_id), &link);
        tx.todo(&key.pair, &key.app_id).unwrap();
        tx.commit(Durability::Now).unwrap();
    }

    /// Lines that are not there once; whose record was deleted, at all.
    async fn wrong(mut self) -> Vec<String> {
        self.world.org().clear_faults();
        self.world.advance(LATE);
        for _ in 0..3 {
            self.world.sync().await;
            self.world.advance(60);
        }
        let text = self.world.there(&self.lead, LOG);
        let mut all: Vec<String> = text.lines().map(str::to_owned).collect();
        all.extend(tasks(&self.world, &self.lead));
        let times = |line: &String| {
            let said = all.iter().filter_map(|l| l.split_once("] "));
            let said = said.map(|(_, said)| said.split(" \u{27e8}").next().unwrap_or(said));
            said.filter(|said| said == line).count()
        };
        let expected = |line: &String| usize::from(!self.gone.contains(line));
        let wrong = self.typed.iter().filter(|l| times(l) != expected(l));
        wrong
            .map(|l| format!("{l} is there {} times", times(l)))
            .collect()
    }
}

async fn history(seed: u64) -> Vec<String> {
    let mut world = world().await;
    let (lead, key) = full(&mut world).await;
    let mut history = History {
        world,
        random: Random(seed),
        lead,
        key,
        typed: Vec::new(),
        gone: Vec::new(),
    };
    for _ in 0..STEPS {
        history.step().await;
    }
    history.wrong().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_there_once_whatever_happens() {
    for seed in 1..=6 {
        let wrong = history(seed).await;
        assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
    }
}
