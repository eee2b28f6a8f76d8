//! What came of the orders.
//!
//! Invariant: an answer to an order whose step was left changes nothing that is shown.

use super::port::{Settings, Signed, Standing, Told, VaultState};
use super::{Before, Stage, Step, Wizard};
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::engine::summary::Env;
use crate::engine::view::SignInView;
use crate::error::{Error, Kind};

impl Wizard {
    /// Takes an answer.
    pub(super) fn hear(&mut self, told: Told) {
        match told {
            Told::Standing(standing) => self.stands(*standing),
            Told::Vault { recovery } => {
                if let Some(standing) = &mut self.standing {
                    standing.vault = VaultState::Open;
                }
                self.recovery = Some(recovery);
                if self.step == Step::Vault {
                    self.arrive(Step::Vault);
                }
            }
            Told::SignIn(view) => self.waits(view),
            Told::SignedIn(signed) => self.signed_in(&signed),
            Told::App(lines) => {
                if self.step == Step::App {
                    self.checks.clear();
                    for line in lines {
                        self.check(Word::Ok, line);
                    }
                    self.stage = Stage::Done;
                }
            }
            Told::Offers(offers) => {
                self.offers = offers;
                if self.step == Step::Objects {
                    self.checks.clear();
                    self.ask_objects();
                }
            }
            Told::Progress(text) => {
                let waits = self.checks.iter_mut().rev().find(|c| c.word == Word::Wait);
                if let Some(check) = waits {
                    check.text = text;
                }
            }
            Told::Plan(plan) => {
                self.plan = Some(plan);
                if self.step == Step::Check {
                    self.checks.clear();
                    self.stage = Stage::Done;
                }
            }
            Told::Failed(error) => self.failed(&error),
        }
    }

    fn stands(&mut self, standing: Standing) {
        let step = match (&self.standing, self.step) {
            // Back at a step that was done: one on, as Enter does.
            (Some(before), Step::Profile) if before.profile == standing.profile => Step::Vault,
            _ => standing.missing(),
        };
        self.standing = Some(standing);
        self.arrive(step);
    }

    fn waits(&mut self, view: SignInView) {
        if let Some(standing) = &mut self.standing
            && standing.settings == Settings::Missing
        {
            standing.settings = Settings::Ours;
        }
        if self.step != Step::Salesforce {
            return;
        }
        self.checks.clear();
        let by_itself = matches!(view, SignInView::ByItself { .. });
        self.sign_in = Some(view);
        self.ask_address();
        if by_itself {
            self.check(Word::Wait, "asking Salesforce for the token");
            self.ahead();
        }
    }

    fn signed_in(&mut self, signed: &Signed) {
        let who = &signed.who;
        let expected = self.standing.as_mut().map(|standing| {
            standing.signed_in = Some(format!("{} at {}", who.username, who.org_name));
            standing.draft.login_host.clone()
        });
        self.sign_in = None;
        self.asked = None;
        if self.step != Step::Salesforce {
            return;
        }
        self.stage = Stage::Done;
        self.checks.clear();
        self.check(
            Word::Ok,
            "the answer belongs to this request, and Salesforce gave a token",
        );
        let kind = match who.env {
            Env::Production => "PRODUCTION",
            Env::Sandbox => "SANDBOX",
        };
        let text = format!(
            "{} at {} ({}), {kind}",
            who.username, who.org_name, who.org_id
        );
        self.check(Word::Ok, text);
        let wanted = expected.is_some_and(|host| host.starts_with("test."));
        if wanted && who.env == Env::Production {
            let text = "step 1 says sandbox, the org does not: the org wins, this is PRODUCTION";
            self.check(Word::Warn, text);
        }
        match signed.api {
            Some((used, max)) => {
                let text = format!("API calls today: {} of {}", grouped(used), grouped(max));
                self.check(Word::Ok, text);
            }
            None => self.check(Word::None, "API calls of today: Salesforce did not say"),
        }
        self.check(Word::Ok, "stored in the vault, shown to nobody");
    }

    fn failed(&mut self, error: &Error) {
        let before = match self.stage {
            Stage::Busy(before) => before,
            // The sign-in that waits came to its end otherwise.
            Stage::Signing => Before::Signing,
            Stage::Asking | Stage::Done => Before::Asking,
        };
        self.checks.clear();
        self.check(Word::Fail, error.message());
        if let Some(remedy) = error.remedy() {
            self.check(Word::None, format!("what helps: {remedy}"));
        }
        match (before, &self.sign_in) {
            (Before::Signing, Some(SignInView::Browser(_))) => {
                // Only what was pasted was wrong: the sign-in goes on waiting.
                if error.kind() != Kind::Usage {
                    self.check(Word::None, "R makes a fresh address; nothing was stored");
                }
                self.ask_address();
            }
            // What was asked before is asked again, with the answers it had.
            (Before::Signing, _) => self.ask_sign_in(),
            (Before::Asking, _) => self.stage = Stage::Asking,
        }
    }
}
