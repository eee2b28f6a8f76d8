//! A sandbox org, a profile of its own, and an engine between them, as the demo has them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use jiff::Timestamp;
use syncdeck::cli::session::Session;
use syncdeck::crm::transport::host::ServerKind;
use syncdeck::domain::id::PairName;
use syncdeck::domain::mapping::Pair;
use syncdeck::domain::preset;
use syncdeck::domain::run::{Run, RunState};
use syncdeck::engine::command::{Command, Scope};
use syncdeck::engine::core::{Engine, Options};
use syncdeck::engine::link::Link;
use syncdeck::engine::notice::Reply;
use syncdeck::engine::profile::{self, Places};
use syncdeck::engine::session::{Connector, ConnectorSettings};
use syncdeck::engine::state::State;
use syncdeck::engine::view::SignInView;
use syncdeck::sandbox::{self, Approval, Running, Seed};
use syncdeck::vault::{DataKey, KEY_BYTES};
use tokio::runtime::Runtime;
use url::Url;

/// Memory the store may use as a cache: what it is where nothing is said.
pub const CACHE: u64 = 192 * 1024 * 1024;

/// How many leads there are.
pub fn leads() -> usize {
    let asked = std::env::var("SYNCDECK_BENCH_LEADS").ok();
    let asked = asked.map(|text| text.parse().expect("SYNCDECK_BENCH_LEADS is a number"));
    asked.unwrap_or(if tried_out() { 2_000 } else { 100_000 })
}

/// Whether everything is done once only, to see that it works.
pub fn tried_out() -> bool {
    let has = |flag: &str| std::env::args().any(|arg| arg == flag);
    has("--test") || !has("--bench")
}

/// The pair everything is measured with: leads by the preset of the lead desk.
pub fn pair() -> Pair {
    let mut pairs = preset::preset("lead-desk").unwrap().into_iter();
    pairs.find(|pair| pair.name.as_str() == "leads").unwrap()
}

/// Its name.
pub fn pair_name() -> PairName {
    PairName::new("leads")
}

/// An empty profile in a folder.
pub fn open(dir: &tempfile::TempDir) -> Arc<State> {
    let key = DataKey::from_bytes([7; KEY_BYTES]).unwrap();
    let state = profile::open(&places(dir), key, "bench", CACHE).unwrap();
    profile::install(&state, vec![pair()], Timestamp::now()).unwrap();
    state
}

fn places(dir: &tempfile::TempDir) -> Places {
    Places {
        store: dir.path().join("store"),
        backups: dir.path().join("backups"),
    }
}

/// The world.
pub struct World {
    pub runtime: Runtime,
    pub org: Running,
    pub state: Arc<State>,
    connector: Connector,
    engine: Option<Engine>,
    dir: tempfile::TempDir,
}

impl World {
    /// Makes it, with nothing imported and nobody signed in.
    pub fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let org = runtime.block_on(sandbox::serve(sandbox::Options {
            seed: Seed::Demo {
                leads: leads(),
                number: 42,
            },
            approval: Approval::Automatic,
            ..sandbox::Options::default()
        }));
        let org = org.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let state = open(&dir);
        let mut settings = ConnectorSettings::new(
            org.info().login_url.clone(),
            Some(org.info().client_id.clone()),
            ServerKind::LocalSandbox,
        );
        settings.callback_port = 0;
        let connector = Connector::new(Arc::clone(&state), settings).unwrap();
        Self {
            runtime,
            org,
            state,
            connector,
            engine: None,
            dir,
        }
    }

    /// Starts an engine in place of the one before.
    pub fn attach(&mut self) -> Link {
        let before = self.engine.take();
        let options = Options::new("bench", places(&self.dir));
        let (state, connector) = (Arc::clone(&self.state), self.connector.clone());
        let (link, engine) = self.runtime.block_on(async {
            if let Some(before) = before {
                before.stop().await;
            }
            Engine::start(state, connector, options).unwrap()
        });
        self.engine = Some(engine);
        link
    }

    /// Signs in by the address the browser ends at.
    pub fn sign_in(&self, session: &mut Session) {
        let begin = Command::BeginSignIn { key: None };
        let Reply::SignIn(SignInView::Browser(view)) = self.ask(session, begin) else {
            panic!("no sign-in");
        };
        let pasted = redirected(&view.address).into();
        self.ask(session, Command::FinishSignIn { pasted });
    }

    /// Asks, and waits for the answer.
    pub fn ask(&self, session: &mut Session, command: Command) -> Reply {
        self.runtime.block_on(session.ask(command)).unwrap()
    }

    /// Starts a run.
    pub fn start_sync(&self, session: &mut Session) -> syncdeck::domain::id::RunId {
        let scope = Scope::Pair(pair_name());
        match self.ask(session, Command::Sync { scope }) {
            Reply::Started(runs) => runs[0],
            other => panic!("{other:?}"),
        }
    }

    /// Syncs to the end.
    pub fn sync(&self, session: &mut Session) -> Run {
        let run = self.start_sync(session);
        let done = self.runtime.block_on(session.finished(run, |_| {}));
        let run = done.unwrap().run;
        assert_eq!(run.state, RunState::Succeeded, "{:?}", run.failure);
        run
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.runtime.block_on(engine.stop());
        }
    }
}

/// Where the sign-in page sends the browser.
fn redirected(address: &str) -> String {
    let url = Url::parse(address).unwrap();
    let at = url.socket_addrs(|| None).unwrap();
    let mut stream = TcpStream::connect(at.as_slice()).unwrap();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = url.host_str().unwrap();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let location = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location").then_some(value)
    });
    location.expect("a redirect").to_owned()
}
