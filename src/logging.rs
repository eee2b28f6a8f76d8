//! The log: one file a day, written beside the program's work, with a net against secrets.
//!
//! Secrets live in types that cannot be printed; [`redact`] is the second line, for text that
//! came from elsewhere (an answer of a server, a library's message). The log is for the people
//! who run the program. It is not the history of syncs; that is in the store.
//!
//! Invariant: every line passes [`redact`] before it reaches the disk, and a panic's text is
//! shown only when it is a constant of the program.

use std::borrow::Cow;
use std::io;
use std::panic::PanicHookInfo;
use std::path::Path;

use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::paths::create_private;
use crate::config::resolved::Log;
use crate::error::{Error, Kind, Result};

/// The variable that overrides the level of the config, in the form of `tracing` directives.
pub const LEVEL_VARIABLE: &str = "SYNCDECK_LOG";

/// What our own lines are filed under: the crate's modules, and two subjects of them.
const OWN: [&str; 3] = ["syncdeck", "crm", "engine"];

/// Keeps the log open. Dropping it writes what is still waiting.
#[derive(Debug)]
#[must_use = "the log ends when this is dropped"]
pub struct LogGuard {
    _worker: WorkerGuard,
}

/// Starts logging into `dir`, which is made if it is not there. `directives` is the value of
/// [`LEVEL_VARIABLE`].
///
/// # Errors
/// [`Kind::Config`] when the folder or file cannot be made, when the directives are not
/// understood, or when logging was started before.
pub fn start(dir: &Path, log: Log, directives: Option<&str>) -> Result<LogGuard> {
    create_private(dir)?;
    let filter = filter(log, directives)?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("syncdeck")
        .filename_suffix("log")
        .max_log_files(usize::from(log.keep_days))
        .build(dir)
        .map_err(|e| {
            Error::new(
                Kind::Config,
                format!("cannot write a log in {}", dir.display()),
            )
            .caused_by(e)
        })?;
    let (writer, worker) = tracing_appender::non_blocking(appender);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Redacting(writer))
        .try_init()
        .map_err(|e| Error::new(Kind::Internal, "logging was started twice").caused_by(e))?;
    Ok(LogGuard { _worker: worker })
}

/// What is written: our own lines from a level on; of libraries only from `warn` on, because their
/// `debug` lines hold whole requests. Directives that name targets are taken as they are.
fn filter(log: Log, directives: Option<&str>) -> Result<EnvFilter> {
    let level = match directives {
        None => log.level.word(),
        Some(word @ ("error" | "warn" | "info" | "debug" | "trace")) => word,
        Some(text) => {
            return EnvFilter::try_new(text).map_err(|e| {
                Error::new(
                    Kind::Config,
                    format!("{LEVEL_VARIABLE} is not understood: {e}"),
                )
                .hint("a level such as `debug`, or targets with levels: `crm=debug,warn`")
            });
        }
    };
    let own = OWN.map(|target| format!(",{target}={level}"));
    Ok(EnvFilter::new(format!("warn{}", own.concat())))
}

/// Passes whole lines through [`redact`].
#[derive(Debug, Clone)]
struct Redacting<W>(W);

impl<'a> MakeWriter<'a> for Redacting<NonBlocking> {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl<W: io::Write> io::Write for Redacting<W> {
    // The formatter hands over one whole event per call, so a secret is never cut in two.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(redact(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Has every panic written to the log, and said with `say`; both without values.
pub fn hook_panics(say: fn(&str)) {
    std::panic::set_hook(Box::new(move |info| {
        let text = panic_text(info);
        tracing::error!("{}", text.replace('\n', " "));
        say(&text);
    }));
}

/// What a panic says to a person, one line each for fault and place. A text that was put together
/// at run time may hold a record's values and is left out.
pub fn panic_text(info: &PanicHookInfo<'_>) -> String {
    let what = match info.payload().downcast_ref::<&'static str>() {
        Some(constant) => redact(constant),
        None => Cow::Borrowed("(text withheld: it may hold data)"),
    };
    let place = info
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!("a fault in syncdeck itself: {what}\nat {place}")
}

const REMOVED: &str = "[redacted]";

/// Keys whose value is a secret whatever it looks like. Longer names go before their endings.
const KEYS: [&str; 12] = [
    "refresh_token",
    "access_token",
    "id_token",
    "client_secret",
    "client_assertion",
    "code_verifier",
    "authorization",
    "assertion",
    "passphrase",
    "password",
    "sessionid",
    "code",
];

/// Replaces what looks like a credential: values of telling keys (`refresh_token=`,
/// `Authorization:`, JSON and form bodies), bearer tokens, Salesforce session and refresh tokens,
/// age identities. Text without any is given back as it is.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while at < text.len() {
        let Some(secret) = secret_at(text, at) else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        out.push_str(&text[kept..secret.start]);
        out.push_str(REMOVED);
        kept = secret.end;
        at = secret.end;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// The secret that begins at `at`, or whose key does.
fn secret_at(text: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let before = text[..at].chars().next_back();
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let rest = &text[at..];
    if let Some(len) = token_len(rest) {
        return Some(at..at + len);
    }
    if starts_with(rest, "bearer ") {
        let start = at + "bearer ".len();
        let end = start + value_len(&text[start..], Until::Space);
        return (end > start).then_some(start..end);
    }
    let key = KEYS.iter().find(|k| starts_with(rest, k))?;
    let value = value_start(&rest[key.len()..])?;
    let start = at + key.len() + value.offset;
    let end = start + value_len(&text[start..], value.until);
    // Codes of errors are not secret, and codes of a sign-in always have small letters.
    let harmless = *key == "code" && !text[start..end].bytes().any(|b| b.is_ascii_lowercase());
    (end > start && !harmless).then_some(start..end)
}

/// Length of a token that is known by its own form.
fn token_len(rest: &str) -> Option<usize> {
    let run = |from: usize| {
        rest[from..]
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || b"._-=+/%!".contains(b))
            .count()
    };
    if rest.starts_with("00D") {
        let id = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let separated = rest[id..].starts_with('!') || rest[id..].starts_with("%21");
        return (matches!(id, 15 | 18) && separated).then(|| run(0));
    }
    if rest.starts_with("5Aep") {
        let len = run(0);
        return (len >= 20).then_some(len);
    }
    starts_with(rest, "AGE-SECRET-KEY-").then(|| run(0))
}

/// Where a value ends.
#[derive(Clone, Copy)]
enum Until {
    /// At the quotation mark that opened it.
    Quote(char),
    /// At a blank or a sign between fields.
    Space,
    /// At the end of the line: headers have blanks inside.
    LineEnd,
}

struct Value {
    offset: usize,
    until: Until,
}

/// Finds the value behind a key: `=`, `:` or `%3D`, quotes and escaped quotes around.
fn value_start(rest: &str) -> Option<Value> {
    let close = rest.trim_start_matches(['\\', '"', '\'']);
    let close = close.trim_start_matches(' ');
    let (tail, header) = if let Some(tail) = close.strip_prefix('=') {
        (tail, false)
    } else if let Some(tail) = close.strip_prefix(':') {
        (tail, close.len() == rest.len())
    } else {
        (strip_prefix(close, "%3d")?, false)
    };
    let tail = tail.trim_start_matches([' ', '\\']);
    let mut chars = tail.chars();
    let (tail, until) = match chars.next()? {
        quote @ ('"' | '\'') => (chars.as_str(), Until::Quote(quote)),
        _ if header => (tail, Until::LineEnd),
        _ => (tail, Until::Space),
    };
    Some(Value {
        offset: rest.len() - tail.len(),
        until,
    })
}

fn value_len(text: &str, until: Until) -> usize {
    let stop = |c: char| match until {
        Until::Quote(quote) => c == quote || c == '\n',
        Until::Space => c.is_whitespace() || "&\"',;)}]<>\\".contains(c),
        Until::LineEnd => "\r\n\"\\".contains(c),
    };
    text.find(stop).unwrap_or(text.len())
}

fn starts_with(text: &str, prefix: &str) -> bool {
    strip_prefix(text, prefix).is_some()
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    const SESSION: &str = "00D5g000004Xyz1!AQEAQKz.abc_DEF123";
    const REFRESH: &str = "5Aep861.xYz_ABCDEFGHIJKLMN123";

    #[test]
    fn credentials_are_removed_in_every_dress() {
        for (text, expected) in [
            (
                "token 00D5g000004Xyz1!AQEAQKz.abc_DEF123 sent",
                "token [redacted] sent",
            ),
            ("sid=00D5g000004Xyz1%21AQEA.x&y=1", "sid=[redacted]&y=1"),
            ("got 5Aep861.xYz_ABCDEFGHIJKLMN123;", "got [redacted];"),
            (
                "refresh_token=abc&client_id=x",
                "refresh_token=[redacted]&client_id=x",
            ),
            ("grant&REFRESH_TOKEN=abc", "grant&REFRESH_TOKEN=[redacted]"),
            (
                r#"{"client_secret": "s,e c","a":1}"#,
                r#"{"client_secret": "[redacted]","a":1}"#,
            ),
            (
                r#"{\"access_token\":\"x1\"}"#,
                r#"{\"access_token\":\"[redacted]"}"#,
            ),
            ("client_secret%3Dabc%26", "client_secret%3D[redacted]"),
            (
                "Authorization: Bearer abc def\nnext",
                "Authorization: [redacted]\nnext",
            ),
            (
                "authorization=\"Basic eDp5\"",
                "authorization=\"[redacted]\"",
            ),
            ("sent Bearer abc.def, then", "sent Bearer [redacted], then"),
            (
                "callback?code=aPrxYZ12&state=9",
                "callback?code=[redacted]&state=9",
            ),
            ("AGE-SECRET-KEY-1QQQQ", "[redacted]"),
        ] {
            assert_eq!(redact(text), expected, "{text}");
        }
    }

    #[test]
    fn ordinary_text_stays() {
        for text in [
            "",
            "error_code=INVALID_FIELD code=DUPLICATE_VALUE status_code=401 code=400",
            "record 00D5g000004Xyz1 and 5Aep",
            "the bearer of good news",
            "postal code 12345",
            "\u{1f600} caf\u{e9}",
        ] {
            let shown = redact(text);
            if text.contains("bearer of") {
                // A word behind "bearer" goes; better one word too many.
                assert_eq!(shown, "the bearer [redacted] good news");
            } else {
                assert_eq!(shown, text);
            }
        }
    }

    #[test]
    fn a_level_is_for_our_own_lines_only() {
        let log = crate::config::Config::default().log;
        for (directives, expected) in [
            (None, ["crm=info", "engine=info", "syncdeck=info", "warn"]),
            (
                Some("debug"),
                ["crm=debug", "engine=debug", "syncdeck=debug", "warn"],
            ),
        ] {
            let text = filter(log, directives).unwrap().to_string();
            let mut parts: Vec<_> = text.split(',').collect();
            parts.sort_unstable();
            assert_eq!(parts, expected);
        }
        assert!(filter(log, Some("=,=")).is_err());
    }

    #[test]
    fn the_writer_lets_no_secret_through() {
        let mut sink = Redacting(Vec::new());
        writeln!(sink, "a {SESSION} b {REFRESH}").unwrap();
        let text = String::from_utf8(sink.0).unwrap();
        assert!(
            !text.contains("AQEAQKz") && !text.contains("861.xYz"),
            "{text}"
        );
    }

    #[test]
    fn a_panic_with_data_says_where_but_not_what() {
        let (sent, received) = std::sync::mpsc::channel();
        let hook = std::panic::take_hook();
        let here = std::thread::current().id();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == here {
                let _ = sent.send(panic_text(info));
            }
        }));
        let mail = String::from("ada@example.com");
        let _ = std::panic::catch_unwind(|| panic!("bad value {mail}"));
        let _ = std::panic::catch_unwind(|| panic!("a constant text"));
        std::panic::set_hook(hook);
        let first = received.recv().unwrap();
        assert!(!first.contains("ada@"), "{first}");
        assert!(first.contains("logging.rs"), "{first}");
        assert!(received.recv().unwrap().contains("a constant text"));
    }

    proptest! {
        #[test]
        fn a_token_never_survives_whatever_is_around(
            before in "(|[^A-Za-z0-9_]|.*[^A-Za-z0-9_])",
            after in "([^A-Za-z0-9._=+/%!-].*|)",
        ) {
            for secret in [SESSION, REFRESH] {
                let shown = redact(&format!("{before}{secret}{after}")).into_owned();
                prop_assert!(!shown.contains(secret), "{}", shown);
            }
        }

        #[test]
        fn any_text_is_taken(text in "\\PC*") {
            let once = redact(&text).into_owned();
            prop_assert!(once.len() <= text.len() + text.len() / 2 * REMOVED.len() + REMOVED.len());
        }
    }
}
