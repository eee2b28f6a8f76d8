//! A person at the wizard, and a script that does the steps in place of vault, store and org.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use secrecy::ExposeSecret as _;
use syncdeck::config::draft::Draft;
use syncdeck::engine::summary::Env;
use syncdeck::engine::view::{BrowserView, SignInView, SignedInView};
use syncdeck::error::{Error, Kind};
use syncdeck::tui::ExitReason;
use syncdeck::tui::app::Program as _;
use syncdeck::tui::effect::Effect;
use syncdeck::tui::input::Input;
use syncdeck::tui::key::Key;
use syncdeck::tui::msg::{Msg, Now};
use syncdeck::tui::wizard::Wizard;
use syncdeck::tui::wizard::port::{
    First, Lock, Offer, Order, Settings, Signed, Standing, Told, VaultState,
};

use super::super::{data, desk};

/// What was ordered, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    Profile(String, String),
    KeyFile,
    Passphrase(String),
    SignIn(Draft, Option<String>),
    Paste(String),
    Left,
    Objects(&'static str),
    DryRun,
    Open(First),
}

/// A person at the wizard, and a script in place of vault, store and org.
pub struct Setup {
    pub wizard: Wizard,
    pub standing: Standing,
    pub did: Vec<Did>,
    pub copied: Vec<String>,
    pub left: Option<ExitReason>,
    /// What the next order comes to, where it does not succeed.
    pub fails: Option<Error>,
    /// Orders that get no answer.
    pub silent: bool,
    pub env: Env,
    pub since: Duration,
    pub terminal: Terminal<TestBackend>,
}

pub fn nothing() -> Standing {
    Standing {
        profile: "prod-eu".into(),
        file: "/etc/syncdeck/prod-eu/config.toml".into(),
        settings: Settings::Missing,
        draft: Draft::default(),
        vault: VaultState::Missing,
        signed_in: None,
        pairs: Vec::new(),
    }
}

/// Everything but the sign-in.
pub fn unsigned() -> Standing {
    Standing {
        signed_in: None,
        ..signed_in()
    }
}

/// Signed in, without pairs.
pub fn signed_in() -> Standing {
    Standing {
        settings: Settings::Ours,
        vault: VaultState::Open,
        signed_in: Some("ada@acme.example at Acme".into()),
        ..nothing()
    }
}

pub fn address() -> String {
    format!(
        "https://acme.my.salesforce.com/services/oauth2/authorize?response_type=code&client_id={}\
         &redirect_uri=http%3A%2F%2Flocalhost%3A7717%2Fcallback&scope=api+refresh_token+id\
         &state=syncdeck-{}&code_challenge={}&code_challenge_method=S256",
        "3MVG9".repeat(17),
        "s".repeat(43),
        "c".repeat(43)
    )
}

fn offers() -> Vec<Offer> {
    let pair = |title: &str, count| (title.to_owned(), count);
    vec![
        Offer {
            name: "lead-desk",
            summary: "leads come in, status goes back",
            pairs: vec![pair("Lead <-> leads", Some(10_000))],
        },
        Offer {
            name: "customer-success",
            summary: "accounts and contacts in both directions",
            pairs: vec![
                pair("Account <-> accounts", Some(1_300)),
                pair("Contact <-> contacts", Some(4_000)),
                pair("Invoice__c <-> invoices", None),
            ],
        },
    ]
}

impl Setup {
    pub fn over(standing: Standing, columns: u16, rows: u16) -> Self {
        Self::starts(standing, None, columns, rows)
    }

    pub fn starts(standing: Standing, fails: Option<Error>, columns: u16, rows: u16) -> Self {
        let now = Now {
            wall: data::now(),
            since: Duration::ZERO,
        };
        let ssh = Some("10.2.0.14".to_owned());
        let mut setup = Self {
            wizard: Wizard::new(desk::options(), ssh, now, (columns, rows)),
            standing,
            did: Vec::new(),
            copied: Vec::new(),
            left: None,
            fails,
            silent: false,
            env: Env::Sandbox,
            since: Duration::ZERO,
            terminal: Terminal::new(TestBackend::new(columns, rows)).unwrap(),
        };
        let effects = setup.wizard.start(now);
        setup.perform(effects);
        setup.draw();
        setup
    }

    pub fn new() -> Self {
        Self::over(nothing(), 80, 24)
    }

    pub fn msg(&mut self, msg: Msg<Told>) {
        let now = Now {
            wall: data::now(),
            since: self.since,
        };
        let (_, effects) = self.wizard.update(now, msg);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect<Order>>) {
        for effect in effects {
            match effect {
                Effect::Send(order) => {
                    let told = self.obey(order);
                    if let Some(told) = told.filter(|_| !self.silent) {
                        self.msg(Msg::Engine(told));
                    }
                }
                Effect::Copy(text) => self.copied.push(text),
                Effect::Quit(reason) => self.left = Some(reason),
                Effect::Save(_) | Effect::Mouse(_) | Effect::Suspend | Effect::Redraw => {}
            }
        }
    }

    fn stands(&self) -> Told {
        Told::Standing(Box::new(self.standing.clone()))
    }

    fn obey(&mut self, order: Order) -> Option<Told> {
        if let Some(error) = self.fails.take() {
            return Some(Told::Failed(error));
        }
        Some(match order {
            Order::Look => self.stands(),
            Order::Profile { name, login_host } => {
                self.did
                    .push(Did::Profile(name.to_string(), login_host.clone()));
                self.standing.profile = name.to_string();
                self.standing.settings = Settings::Ours;
                self.standing.draft.login_host = login_host;
                self.stands()
            }
            Order::MakeVault(lock) => {
                self.did.push(match lock {
                    Lock::KeyFile => Did::KeyFile,
                    Lock::Passphrase(text) => Did::Passphrase(text.expose_secret().to_owned()),
                    Lock::PublicKey(text) => Did::Passphrase(text),
                });
                self.standing.vault = VaultState::Open;
                Told::Vault {
                    recovery: "Two things together open it:\n  1. key.age\n  2. identity.txt\n"
                        .into(),
                }
            }
            Order::OpenVault(text) => {
                self.did
                    .push(Did::Passphrase(text.expose_secret().to_owned()));
                self.standing.vault = VaultState::Open;
                self.stands()
            }
            Order::SignIn(order) => {
                self.standing.draft = order.draft.clone();
                let user = order.key.map(|(_, user)| user);
                let by_key = user.is_some();
                self.did.push(Did::SignIn(order.draft, user));
                Told::SignIn(match by_key {
                    true => SignInView::ByItself {
                        way: "by key, as sync@acme.example".into(),
                    },
                    false => self.browser(),
                })
            }
            Order::Again => Told::SignIn(self.browser()),
            Order::Paste(text) => {
                self.did.push(Did::Paste(text.expose_secret().to_owned()));
                self.signed()
            }
            Order::LeaveSignIn => {
                self.did.push(Did::Left);
                return None;
            }
            Order::ReadApp => Told::App(vec![
                "the store opens with the vault's key".into(),
                "0 records in it so far".into(),
            ]),
            Order::Count => Told::Offers(offers()),
            Order::Objects(name) => {
                self.did.push(Did::Objects(name));
                let taken = offers().into_iter().find(|o| o.name == name).unwrap();
                self.standing.pairs = taken.pairs.into_iter().map(|(title, _)| title).collect();
                self.stands()
            }
            Order::DryRun => {
                self.did.push(Did::DryRun);
                Told::Plan(Box::new(data::plan()))
            }
            Order::Open(first) => {
                self.did.push(Did::Open(first));
                return None;
            }
        })
    }

    fn browser(&self) -> SignInView {
        SignInView::Browser(BrowserView {
            address: address(),
            redirect_uri: "http://localhost:7717/callback".into(),
            callback: Ok(()),
            hint: "Nothing came back yet.\n- redirect_uri_mismatch: add the address".into(),
        })
    }

    pub fn signed(&mut self) -> Told {
        self.standing.signed_in = Some("ada@acme.example at Acme".into());
        Told::SignedIn(Box::new(Signed {
            who: SignedInView {
                username: "ada@acme.example".into(),
                org_name: "Acme".into(),
                org_id: "00D5g0000000001EAA".into(),
                env: self.env,
            },
            api: Some((12, 100_000)),
        }))
    }

    pub fn draw(&mut self) {
        let wizard = &self.wizard;
        self.terminal.draw(|frame| wizard.draw(frame)).unwrap();
    }

    pub fn press(&mut self, keys: &str) -> &mut Self {
        for word in keys.split_whitespace() {
            for key in Key::parse_chord(word).unwrap() {
                self.since += Duration::from_millis(200);
                self.msg(Msg::Input(Input::Key(key)));
            }
        }
        self.draw();
        self
    }

    pub fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.msg(Msg::Input(Input::Key(Key::Char(c))));
        }
        self.draw();
        self
    }

    pub fn paste(&mut self, text: &str) -> &mut Self {
        self.msg(Msg::Input(Input::Paste(text.into())));
        self.draw();
        self
    }

    pub fn fails_next(&mut self, kind: Kind, what: &str, remedy: &str) -> &mut Self {
        self.fails = Some(Error::new(kind, what).hint(remedy));
        self
    }

    pub fn screen(&self) -> String {
        let buffer = self.terminal.backend().buffer();
        let mut out = String::new();
        for y in 0..buffer.area.height {
            let line: String = (0..buffer.area.width)
                .map(|x| buffer[(x, y)].symbol())
                .collect();
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    pub fn sees(&mut self, text: &str) -> &mut Self {
        // What was wrapped is one text again.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (screen, text) = (self.screen(), words(text));
        assert!(words(&screen).contains(&text), "no {text:?} in\n{screen}");
        self
    }

    /// To the address of a sign-in by browser.
    pub fn asks_address(&mut self) -> &mut Self {
        self.press("Enter").press("Tab");
        self.paste("3MVG9key").press("Enter Enter Enter")
    }
}
