//! Where histories happen: an org, a timer that never waits, and a folder in memory. Made once
//! per thread, used for one history after the other.

use std::sync::Arc;
use std::thread::JoinHandle;

use syncdeck::sandbox::{Automation, Becomes, Control, Flow, Options, Running, Ticking, serve};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::world::START;

/// The place.
pub struct Place {
    org: Running,
    _runtime: Runtime,
    timer: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Place {
    /// A new one.
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let options = Options {
            start: Some(START),
            ticking: Ticking::ByHand,
            ..Options::bare()
        };
        let org = runtime.block_on(serve(options)).unwrap();
        org.control().snapshot("fresh");
        // Its clock stands still and jumps to the next timer when nobody has anything to do.
        let paused = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let timer = paused.handle().clone();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || drop(paused.block_on(ended)));
        Self {
            org,
            _runtime: runtime,
            timer,
            end: Some(end),
            thread: Some(thread),
        }
    }

    /// The org without records, at the beginning of time.
    pub fn fresh(&self, normalises: bool) -> Control {
        let org = self.org.control();
        assert!(org.restore("fresh"));
        let now = org.advance(0);
        org.advance(START - now);
        let flow = Flow {
            object: "Lead".to_owned(),
            field: "City".to_owned(),
            becomes: Becomes::UpperCase,
        };
        let flows = if normalises { vec![flow] } else { Vec::new() };
        org.set_automation(Automation {
            flows,
            ..Automation::default()
        })
        .unwrap();
        org
    }

    /// Runtime for the engine's calls.
    pub fn handle(&self) -> Handle {
        self.timer.clone()
    }

    /// Milliseconds that timers have slept, from now on.
    pub fn slept(&self) -> Arc<dyn Fn() -> i64 + Send + Sync> {
        let handle = self.timer.clone();
        let now = move || {
            let _inside = handle.enter();
            Instant::now()
        };
        let began = now();
        Arc::new(move || now().duration_since(began).as_millis() as i64)
    }

    /// A folder for stores; in memory where there is such a thing.
    pub fn dir(&self) -> tempfile::TempDir {
        let memory = std::path::Path::new("/dev/shm");
        match memory.is_dir() {
            true => tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()),
            false => tempfile::tempdir(),
        }
        .unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
