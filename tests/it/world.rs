//! A sandbox org in this process, and the real program on a profile in a folder of its own.
//!
//! What the tests from end to end share. The program is signed in through its own `connect`, with
//! a browser that knows just enough HTTP to be sent from page to page on this machine.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value as Json;
use syncdeck::engine::profile::{self, Places};
use syncdeck::engine::state::State;
use syncdeck::sandbox::{self, Approval, Control, Running, SecretPolicy, Seed};
use syncdeck::vault::{Unlock, Vault};
use tempfile::TempDir;
use url::Url;

/// What a world is made with.
pub struct Wanted {
    /// Pairs to begin with.
    pub preset: &'static str,
    /// Leads in the org; accounts, contacts and opportunities come in proportion.
    pub leads: usize,
    /// Opens the vault; none: an identity file.
    pub passphrase: Option<&'static str>,
    /// More lines of the config file; the first of them are in `[sync]`.
    pub config: &'static str,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            preset: "customer-success",
            leads: 200,
            passphrase: None,
            config: "",
        }
    }
}

/// Both sides.
pub struct World {
    runtime: tokio::runtime::Runtime,
    org: Option<Running>,
    home: TempDir,
    /// Files of the person that are not the program's: what a config file points at.
    desk: TempDir,
    passphrase: Option<&'static str>,
    /// Everything the program printed.
    pub said: RefCell<Vec<u8>>,
}

impl World {
    /// Starts the org and writes a profile for it, which has a vault and no sign-in yet.
    pub fn new(wanted: &Wanted) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = sandbox::Options {
            seed: Seed::Demo {
                leads: wanted.leads,
                number: 42,
            },
            approval: Approval::Automatic,
            secret: SecretPolicy::Required,
            ..sandbox::Options::default()
        };
        let org = runtime.block_on(sandbox::serve(options)).unwrap();
        let world = Self {
            home: tempfile::tempdir().unwrap(),
            desk: tempfile::tempdir().unwrap(),
            runtime,
            passphrase: wanted.passphrase,
            said: RefCell::default(),
            org: Some(org),
        };
        world.private("secret", &world.info().client_secret);
        if let Some(passphrase) = wanted.passphrase {
            world.private("passphrase", passphrase);
        }
        std::fs::create_dir(world.profile()).unwrap();
        let config = world.profile().join("config.toml");
        std::fs::write(config, world.config(wanted)).unwrap();
        world.ok(match wanted.passphrase {
            Some(_) => &["vault", "init", "--passphrase"],
            None => &["vault", "init"],
        });
        world
    }

    fn config(&self, wanted: &Wanted) -> String {
        let Wanted { preset, config, .. } = wanted;
        let sandbox::Info {
            login_url,
            client_id,
            ..
        } = self.info();
        let secret = self.desk.path().join("secret");
        let secret = secret.display();
        let port = free_port();
        format!(
            "[profile]\npreset = \"{preset}\"\n\n[connection]\n\
             login_host = \"{login_url}\"\nclient_id = \"{client_id}\"\n\
             client_secret = \"file:{secret}\"\ncallback_port = {port}\nsandbox_server = true\n\
             proxy = \"none\"\n\n[sync]\noverlap_seconds = 5\n{config}"
        )
    }

    fn private(&self, name: &str, text: &str) {
        let path = self.desk.path().join(name);
        std::fs::write(&path, format!("{text}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).unwrap();
    }

    /// How the org is reached.
    pub fn info(&self) -> &sandbox::Info {
        self.org.as_ref().unwrap().info()
    }

    /// The other people in the org, and its administrator.
    pub fn control(&self) -> Control {
        self.org.as_ref().unwrap().control()
    }

    /// Everything that belongs to the program.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Files of the person that the program is told to read.
    pub fn desk(&self) -> &Path {
        self.desk.path()
    }

    /// The folder of the profile.
    pub fn profile(&self) -> PathBuf {
        self.home.path().join("default")
    }

    /// Variables of the program; nothing else of the surroundings reaches it.
    pub fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let mut all = vec![("SYNCDECK_HOME", self.home.path().to_owned())];
        if self.passphrase.is_some() {
            let file = self.desk.path().join("passphrase");
            all.push(("SYNCDECK_PASSPHRASE_FILE", file));
        }
        all
    }

    /// A command of the program.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncdeck"));
        command
            .env_clear()
            .envs(self.variables())
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.output(self.command(args))
    }

    /// Runs a command to its end and keeps what it says.
    pub fn output(&self, mut command: Command) -> Output {
        let output = command.output().unwrap();
        let mut said = self.said.borrow_mut();
        said.extend(&output.stdout);
        said.extend(&output.stderr);
        output
    }

    /// Runs a command that must not fail, and gives what it printed.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let text = String::from_utf8(output.stdout).unwrap();
        let code = output.status.code();
        assert!(
            matches!(code, Some(0 | 1)),
            "{args:?}: {code:?}\n{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    /// Like [`World::ok`], for one JSON document.
    pub fn json(&self, args: &[&str]) -> Json {
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// All App records of a pair, one JSON object each.
    pub fn export(&self, pair: &str) -> Vec<Json> {
        let text = self.ok(&["records", "export", pair, "--format", "ndjson"]);
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Makes and changes App records, all of which must be taken.
    pub fn import(&self, pair: &str, rows: &[Json]) {
        let file = self.desk.path().join("rows.ndjson");
        let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let said = self.ok(&["records", "import", pair, file, "--format", "ndjson"]);
        assert!(said.contains(" 0 not taken"), "{said}");
    }

    /// Rows of a query of the org's own people.
    pub fn query(&self, soql: &str) -> Vec<Json> {
        let answer = self.control().query(soql).unwrap();
        answer["records"].as_array().unwrap().clone()
    }

    /// Changes a record as a colleague in Salesforce.
    pub fn colleague(&self, id: &str, fields: &Json) {
        let fields = fields.as_object().unwrap();
        self.control()
            .update(sandbox::By::Colleague, id, fields)
            .unwrap();
    }

    /// Signs in through `connect`; gives the authorization code that came by.
    pub fn connect(&self) -> String {
        let mut child = self.command(&["connect"]).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("http") {
            line.clear();
            if out.read_line(&mut line).unwrap() == 0 {
                panic!("no address: {:?}", child.wait_with_output().unwrap());
            }
        }
        let code = visit(line.trim());
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        self.said.borrow_mut().extend(rest.as_bytes());
        let errors = child.stderr.as_mut().unwrap();
        errors.read_to_end(&mut self.said.borrow_mut()).unwrap();
        assert!(child.wait().unwrap().success(), "{rest}");
        assert!(rest.contains("signed in as"), "{rest}");
        code
    }

    /// The program's memory. The program must not run.
    pub fn open(&self) -> Arc<State> {
        self.open_at(&self.profile().join("store"))
    }

    /// The memory as it lay on the disk when it was copied.
    pub fn open_at(&self, store: &Path) -> Arc<State> {
        let vault = Vault::open(&self.profile().join("vault")).unwrap();
        let how = match self.passphrase {
            Some(passphrase) => Unlock::Passphrase(passphrase.into()),
            None => Unlock::IdentityFile(vault.identity_path()),
        };
        let places = Places {
            store: store.to_owned(),
            backups: store.join("backups"),
        };
        let key = vault.unlock(&how).unwrap();
        profile::open(&places, key, "a test", 16 << 20).unwrap()
    }
}

impl World {
    /// The org is not to be reached any more.
    pub fn unplug(&mut self) {
        if let Some(org) = self.org.take() {
            self.runtime.block_on(org.shutdown());
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.unplug();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Opens an address and goes where it is sent; gives the code it was sent home with.
fn visit(address: &str) -> String {
    let mut url = Url::parse(address).unwrap();
    let mut code = String::new();
    for _ in 0..5 {
        if let Some((_, value)) = url.query_pairs().find(|(name, _)| name == "code") {
            code = value.into_owned();
        }
        let head = get(&url);
        let location = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("location"));
        match location {
            Some((_, next)) => url = url.join(next.trim()).unwrap(),
            None => {
                assert!(head.starts_with("HTTP/1.1 200"), "{head}");
                return code;
            }
        }
    }
    panic!("in circles: {url}");
}

/// The head of the answer.
fn get(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = url.host_str().unwrap();
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split("\r\n\r\n").next().unwrap().to_owned()
}
