//! A sandbox server in a process of its own, a profile that is bound to it, and a browser that
//! signs in.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::Program;

/// The sandbox server; it ends with its input.
pub struct Org {
    child: Child,
    info: serde_json::Value,
}

impl Org {
    pub fn start(program: &Program, leads: &str) -> Self {
        Self::with(program, &["--leads", leads])
    }

    pub fn with(program: &Program, more: &[&str]) -> Self {
        let usual = ["sandbox", "serve", "--auto-approve", "--until-eof"];
        let mut child = start(program, &[&usual[..], more].concat());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            info: serde_json::from_str(&line).unwrap(),
        }
    }

    pub fn text(&self, name: &str) -> &str {
        self.info[name].as_str().unwrap()
    }
}

impl Drop for Org {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

pub fn start(program: &Program, args: &[&str]) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin("syncdeck"))
        .args(args)
        .env_clear()
        .env("SYNCDECK_HOME", program.home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a browser does until it is sent to the callback address, which it is not asked to open.
pub fn browse(address: &str) -> String {
    let mut address = address.to_owned();
    loop {
        let rest = address.strip_prefix("http://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let mut socket = TcpStream::connect(host).unwrap();
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let location = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("location")
                .then(|| value.to_owned())
        });
        let next = location.unwrap_or_else(|| panic!("no way on from {address}:\n{answer}"));
        if next.starts_with("http://localhost") {
            return next;
        }
        address = if next.starts_with('/') {
            format!("http://{host}{next}")
        } else {
            next
        };
    }
}

/// Reads lines until one begins like that.
pub fn line_with(from: &mut BufReader<ChildStdout>, start: &str) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(from.read_line(&mut line).unwrap() > 0, "never: {start}");
        if line.starts_with(start) {
            return line.trim_end().to_owned();
        }
    }
}

/// Signs in; the address the browser ended at becomes the lines that are pasted.
pub fn connect(program: &Program, lines: impl Fn(String) -> Vec<String>) -> (Option<i32>, String) {
    let mut child = start(program, &["connect"]);
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let address = line_with(&mut said, "http://");
    let mut input = child.stdin.take().unwrap();
    for line in lines(browse(&address)) {
        // It may have ended with the line before.
        let _ = writeln!(input, "{line}");
    }
    drop(input);
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut rest)
        .unwrap();
    (child.wait().unwrap().code(), rest)
}

/// The address of another sign-in.
pub fn foreign(address: &str) -> String {
    let (start, _) = address.split_once("state=").unwrap();
    format!("{start}state=somebodyelse")
}

pub fn profile(org: &Org) -> Program {
    profile_with(org, "")
}

/// With more lines under `[connection]`.
pub fn profile_with(org: &Org, more: &str) -> Program {
    let program = Program::new();
    program.run(&["vault", "init"]);
    program.write_config(
        "default",
        &format!(
            "[profile]\npreset = \"lead-desk\"\n\n[connection]\nlogin_host = \"{}\"\nclient_id = \"{}\"\n\
             sandbox_server = true\n{more}\n[sync]\nwrite_batch = 10\n\n[pairs.leads]\nschedule = \"every 7 minutes\"\n",
            org.text("login_url"),
            org.text("client_id"),
        ),
    );
    program
}
