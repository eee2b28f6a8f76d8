//! A new settings file: the few answers that differ from the defaults, as text and on disk.
//!
//! It asks nobody. Invariant: a file is written over only while it is word for word what a draft
//! gives, so that nothing a person wrote is lost; and nobody but its owner can read a new one.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::Config;
use super::paths::create_private;
use super::raw::{RawConfig, Slot};
use super::resolved::NO_PRESET;
use crate::error::{Error, Kind, Result};

/// The answers, as they are typed. [`Draft::check`] says whether they are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Host or address to sign in at.
    pub login_host: String,
    /// Consumer key; empty for none yet.
    pub client_id: String,
    /// Port of the loopback callback.
    pub callback_port: String,
    /// Name of a preset, or `none`.
    pub preset: String,
    /// `browser`, `jwt`, `client-credentials` or `device`.
    pub sign_in: String,
    /// Where the app's secret is, `env:NAME` or `file:/PATH`; empty for none.
    pub client_secret: String,
}

/// What a profile has for settings.
#[derive(Debug)]
pub enum Found {
    /// No file.
    Nothing,
    /// What a draft gave, and nobody changed.
    Ours(Draft),
    /// What a person wrote or changed.
    Theirs(Box<Config>),
}

/// The way that a draft does not have to say.
const USUAL_WAY: &str = "browser";

impl Default for Draft {
    fn default() -> Self {
        Self {
            login_host: "login.salesforce.com".into(),
            client_id: String::new(),
            callback_port: "7717".into(),
            preset: NO_PRESET.into(),
            sign_in: USUAL_WAY.into(),
            client_secret: String::new(),
        }
    }
}

impl Draft {
    /// The text of the file.
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut text = format!(
            "# `syncdeck config example` prints every setting with its default.\n\n\
             [profile]\npreset = {}\n\n\
             [connection]\nlogin_host = {}\n",
            quoted(&self.preset),
            quoted(&self.login_host),
        );
        // A client id is not known yet by who looks around first.
        if !self.client_id.is_empty() {
            text.push_str(&format!("client_id = {}\n", quoted(&self.client_id)));
        }
        if self.sign_in != USUAL_WAY {
            text.push_str(&format!("sign_in = {}\n", quoted(&self.sign_in)));
        }
        if !self.client_secret.is_empty() {
            text.push_str(&format!(
                "client_secret = {}\n",
                quoted(&self.client_secret)
            ));
        }
        // Not quoted: what is no number is found by the check, with the others.
        text.push_str(&format!("callback_port = {}\n", self.callback_port));
        // Plain http is for the sandbox server only, and the setting says so where a person
        // reads the file.
        if self.login_host.starts_with("http://") {
            text.push_str("sandbox_server = true\n");
        }
        text
    }

    /// The settings that the answers give.
    ///
    /// # Errors
    /// As [`Config::parse`]; `file` is only named.
    pub fn check(&self, file: &Path) -> Result<Config> {
        let mut lines = self.callback_port.lines();
        if lines.next().is_none() || lines.next().is_some() {
            return Err(Error::new(Kind::Config, "a port is one number"));
        }
        Config::parse(&self.to_toml(), file)
    }

    /// Looks at the settings of a profile.
    ///
    /// # Errors
    /// The file is wrong, or cannot be read.
    pub fn find(file: &Path) -> Result<Found> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(e) => {
                let text = format!("cannot read {}: {e}", file.display());
                return Err(Error::new(Kind::Config, text));
            }
        };
        let config = Config::parse(&text, file)?;
        Ok(match Self::of_text(&text) {
            Some(draft) => Found::Ours(draft),
            None => Found::Theirs(Box::new(config)),
        })
    }

    /// The draft that gives exactly this text, if one does.
    fn of_text(text: &str) -> Option<Self> {
        let raw: RawConfig = toml::from_str(text).ok()?;
        let said = |slot: Slot<String>| slot.map(toml::Spanned::into_inner);
        let usual = Self::default();
        let draft = Self {
            login_host: said(raw.connection.login_host)?,
            client_id: said(raw.connection.client_id).unwrap_or_default(),
            callback_port: raw.connection.callback_port?.into_inner().to_string(),
            preset: said(raw.profile.preset)?,
            sign_in: said(raw.connection.sign_in).unwrap_or(usual.sign_in),
            client_secret: said(raw.connection.client_secret).unwrap_or_default(),
        };
        (draft.to_toml() == text).then_some(draft)
    }

    /// Writes the file, or again if nobody has changed it since a draft wrote it.
    ///
    /// # Errors
    /// As [`Draft::write`]; and when a person wrote or changed it.
    pub fn save(&self, file: &Path) -> Result<()> {
        match Self::find(file)? {
            Found::Nothing => self.write(file),
            Found::Ours(draft) if draft == *self => Ok(()),
            Found::Ours(_) => {
                self.check(file)?;
                // Written whole beside it, then put in its place.
                let new = file.with_extension("toml.new");
                match std::fs::remove_file(&new) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(cannot_write(&new, &e));
                    }
                    Ok(()) | Err(_) => {}
                }
                self.write(&new)?;
                std::fs::rename(&new, file).map_err(|e| cannot_write(file, &e))
            }
            Found::Theirs(_) => Err(there_already(file)),
        }
    }

    /// Writes the file, mode 0600.
    ///
    /// # Errors
    /// When an answer is wrong, the file is there already, or it cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        self.check(file)?;
        let cannot = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::AlreadyExists => there_already(file),
            _ => cannot_write(file, &e),
        };
        if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty()) {
            create_private(folder)?;
        }
        let mut open = OpenOptions::new();
        open.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
        let mut to = open.open(file).map_err(cannot)?;
        to.write_all(self.to_toml().as_bytes()).map_err(cannot)?;
        to.sync_all().map_err(cannot)
    }
}

fn cannot_write(file: &Path, e: &std::io::Error) -> Error {
    Error::new(
        Kind::Config,
        format!("cannot write {}: {e}", file.display()),
    )
}

/// The error for a settings file that would be written over.
pub fn there_already(file: &Path) -> Error {
    Error::new(Kind::Config, format!("{} is there already", file.display())).hint(
        "change it with an editor and run `syncdeck config check`, or set up another --profile",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::resolved::Server;

    #[test]
    fn the_defaults_of_a_draft_are_the_defaults() {
        let config = Draft::default().check(Path::new("x")).unwrap();
        assert_eq!(config, Config::default());
    }

    #[test]
    fn answers_come_back_as_settings() {
        let draft = Draft {
            login_host: "http://127.0.0.1:8080".into(),
            client_id: "3MVG9.a_b".into(),
            callback_port: "1717".into(),
            preset: "lead-desk".into(),
            ..Draft::default()
        };
        let config = draft.check(Path::new("x")).unwrap();
        assert_eq!(config.profile.preset.map(|p| p.name), Some("lead-desk"));
        assert_eq!(config.connection.server, Server::Sandbox);
        assert_eq!(config.connection.login.as_str(), "http://127.0.0.1:8080");
        assert_eq!(config.connection.callback_port, 1717);
        assert_eq!(config.connection.client_id.as_deref(), Some("3MVG9.a_b"));
    }

    #[test]
    fn a_file_is_written_again_only_while_nobody_changed_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        assert!(matches!(Draft::find(&file), Ok(Found::Nothing)));
        let first = Draft::default();
        first.save(&file).unwrap();
        let second = Draft {
            login_host: "acme.my.salesforce.com".into(),
            client_id: "key".into(),
            sign_in: "client-credentials".into(),
            client_secret: "env:SECRET".into(),
            ..Draft::default()
        };
        second.save(&file).unwrap();
        assert!(matches!(Draft::find(&file), Ok(Found::Ours(d)) if d == second));

        let mut text = std::fs::read_to_string(&file).unwrap();
        text.push_str("# mine\n");
        std::fs::write(&file, &text).unwrap();
        assert!(matches!(Draft::find(&file), Ok(Found::Theirs(_))));
        assert!(first.save(&file).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }

    #[test]
    fn no_answer_can_add_a_setting() {
        let bad = "x\"\naccess = \"read-only";
        for draft in [
            Draft {
                login_host: bad.into(),
                ..Draft::default()
            },
            Draft {
                client_id: bad.into(),
                ..Draft::default()
            },
            Draft {
                preset: bad.into(),
                ..Draft::default()
            },
            Draft {
                callback_port: "7717\nsandbox_server = true".into(),
                ..Draft::default()
            },
            Draft {
                sign_in: bad.into(),
                ..Draft::default()
            },
            Draft {
                client_secret: "the secret itself".into(),
                ..Draft::default()
            },
            Draft {
                callback_port: String::new(),
                ..Draft::default()
            },
        ] {
            assert!(draft.check(Path::new("x")).is_err(), "{draft:?}");
        }
    }

    #[test]
    fn a_file_that_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("p/config.toml");
        Draft::default().write(&file).unwrap();
        let other = Draft {
            callback_port: "9000".into(),
            ..Draft::default()
        };
        assert!(other.write(&file).is_err());
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            Draft::default().to_toml()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
