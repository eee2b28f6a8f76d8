//! Ends the engine, and starts it again: on the same store, an earlier one, or where another org answers.

use crate::files::copy;

use super::*;

impl World {
    /// Stops the engine as a person does who quits, and starts it again on the same store.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start();
    }

    /// The same for a viewer who may only look.
    pub async fn restart_to_look(&mut self) {
        self.viewer = Access::ReadOnly;
        self.restart().await;
    }

    /// Ends the process in the middle: what is on disk at this moment is all that is left, and no
    /// request leaves any more.
    pub async fn crash(&mut self) {
        let after = self.next_places();
        let org = self.org();
        let dead = {
            // Nothing is committed while the store is copied, ...
            let tx = self.state().begin();
            copy(&self.places.store, &after.store);
            // ... and whatever the old process would still send is lost.
            let dead = org.inject(fault(serde_json::json!({
                "kind": "drop_before", "path": "/services",
            })));
            drop(tx);
            // What is held lands, and nobody hears the answer.
            let held = org.faults().into_iter();
            for held in held.filter(|active| active.fault.kind == FaultKind::Hold) {
                org.remove_fault(held.id);
            }
            dead
        };
        self.stop().await;
        org.remove_fault(dead);
        self.places = after;
        self.start();
    }

    /// Ends the engine, and starts it again on the same store where another org answers.
    pub async fn move_to(&mut self, org_number: u64) {
        self.stop().await;
        self.sandbox = sandbox::serve(sandbox::Options {
            seed: Seed::Demo {
                leads: 100,
                number: 42,
            },
            approval: Approval::Automatic,
            org_number,
            ..sandbox::Options::default()
        })
        .await
        .unwrap();
        self.org().advance(self.ahead.load(Ordering::SeqCst));
        self.start();
    }

    /// A backup of the store.
    pub fn backup(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let done = self.state().store().export(&mut file, &sealed()).unwrap();
        assert!(done.damaged.is_empty());
        file
    }

    /// Ends the engine, and goes on with a backup in the place of its store.
    pub async fn put_back(&mut self, file: &[u8]) {
        self.stop().await;
        self.places = self.next_places();
        let mut options = syncdeck::store::Options::new(&self.places.store, "a test");
        options.schema = SCHEMA;
        let mut from = file;
        Store::import(&options, &sealed(), &mut from, &sealed()).unwrap();
        self.start();
    }

    /// A copy of the store as it lies there, its mark with it.
    pub fn snapshot(&mut self) -> Places {
        let copied = self.next_places();
        // Nothing is committed meanwhile.
        let tx = self.state().begin();
        copy(&self.places.store, &copied.store);
        drop(tx);
        copied
    }

    /// Ends the engine, and goes on with what was copied earlier.
    pub async fn set_back(&mut self, copied: Places) {
        self.stop().await;
        self.places = copied;
        self.start();
    }

    async fn stop(&mut self) {
        let Up {
            engine,
            state,
            session,
        } = self.up.take().unwrap();
        within("the engine to stop", engine.stop()).await;
        drop((state, session));
    }

    fn next_places(&mut self) -> Places {
        self.stores += 1;
        places(self.dir.path(), self.stores)
    }

    fn start(&mut self) {
        let state = open(&self.places);
        let info = self.sandbox.info();
        let how = (self.sizes, self.viewer);
        self.up = Some(start(state, info, &self.places, &self.ahead, how));
    }
}
