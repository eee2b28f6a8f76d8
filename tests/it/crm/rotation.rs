//! Rotating refresh tokens over a network that loses, delays, doubles and cuts answers: either the
//! new token is durable, or the sign-in is known to be over and a person is told what to do.
//!
//! Seeded histories, client against sandbox org. `SYNCDECK_SIM` sets how many.

use syncdeck::crm::auth::TokenState;
use syncdeck::crm::{Crm, CrmError, ErrorClass};
use syncdeck::sandbox::{Approval, Control, Fault, FaultKind, Options, Rotation, Running, serve};

use super::*;
use crate::sim::{Broken, must};

const TOKEN: &str = "/services/oauth2/token";

/// What can happen between two calls.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// Nothing; the session goes on.
    Calm,
    /// The access token ends.
    Expires,
    /// It ends, and the renewal meets this on its way.
    Fails(Way),
    /// The new tokens cannot be saved at first.
    DiskIsFull,
    /// The program is ended and started again.
    Restart,
    /// Somebody puts the same renewal on the wire once more.
    Doubled,
}

/// What meets a renewal.
#[derive(Debug, Clone, Copy)]
enum Way {
    LostBefore,
    LostAfter,
    Cut,
    Garbage,
    Late,
    Down,
}

/// Small, fast and the same everywhere (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn event(&mut self) -> Event {
        match self.roll(16) {
            0 | 1 => Event::Calm,
            2..=5 => Event::Expires,
            6 | 7 => Event::DiskIsFull,
            8 | 9 => Event::Restart,
            10 => Event::Doubled,
            11 => Event::Fails(Way::LostBefore),
            12 => Event::Fails(Way::LostAfter),
            13 => Event::Fails(Way::Cut),
            14 => Event::Fails(Way::Down),
            _ => match self.roll(16) {
                0 => Event::Fails(Way::Late),
                _ => Event::Fails(Way::Garbage),
            },
        }
    }
}

/// Less than the delay of [`Way::Late`].
const HASTY: Timeouts = Timeouts {
    answer: Duration::from_millis(1500),
    ..PATIENT
};

struct History {
    uri: String,
    client_id: String,
    kept: Arc<Kept>,
    client: Salesforce,
    control: Control,
}

impl History {
    async fn begin(running: &Running) -> Self {
        let info = running.info();
        running.control().clear_faults();
        let oauth = OAuth::new(http(PATIENT), app(&info.login_url, &info.client_id)).unwrap();
        let sign_in = oauth.begin(BACK);
        let browser = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let back = browser.get(sign_in.address().clone()).send().await.unwrap();
        let back = back.headers()["location"].to_str().unwrap().to_owned();
        let tokens = sign_in.finish(&back, None).await.unwrap();
        let kept = Arc::new(Kept::default());
        kept.save(&tokens).await.unwrap();
        Self {
            client: open(&info.login_url, &info.client_id, &kept).await,
            uri: info.login_url.clone(),
            client_id: info.client_id.clone(),
            kept,
            control: running.control(),
        }
    }

    async fn restart(&mut self) {
        self.client = open(&self.uri, &self.client_id, &self.kept).await;
    }

    fn strikes(&self, kind: FaultKind) {
        self.control.inject(Fault {
            path: Some(TOKEN.to_owned()),
            method: None,
            after: 0,
            times: Some(1),
            probability: None,
            kind,
        });
    }

    async fn happens(&mut self, event: Event) {
        if !matches!(event, Event::Calm | Event::Restart) {
            self.control.expire_sessions();
        }
        match event {
            Event::Calm | Event::Expires => {}
            Event::Fails(way) => self.strikes(match way {
                Way::LostBefore => FaultKind::DropBefore,
                Way::LostAfter => FaultKind::DropAfter,
                Way::Cut => FaultKind::Truncate,
                Way::Garbage => FaultKind::Garbage,
                Way::Late => FaultKind::Delay { ms: 1900 },
                Way::Down => FaultKind::Html { status: 503 },
            }),
            Event::DiskIsFull => self.kept.fails.store(1, Ordering::SeqCst),
            Event::Restart => self.restart().await,
            Event::Doubled => {
                let bytes = self.kept.bytes.lock().unwrap().clone().unwrap();
                let tokens: Json = serde_json::from_slice(&bytes).unwrap();
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", self.client_id.as_str()),
                    ("refresh_token", tokens["refresh"].as_str().unwrap()),
                ];
                let wire = reqwest::Client::builder().no_proxy().build().unwrap();
                let url = format!("{}{TOKEN}", self.uri);
                wire.post(url).form(&form).send().await.unwrap();
            }
        }
    }

    /// Whether the sign-in is known to be over: the class for the engine, the word for the screen.
    fn is_over(&self) -> bool {
        match self.client.session().status() {
            TokenState::NeedsSignIn(why) => {
                assert!(why.contains("invalid_grant"), "{why}");
                true
            }
            _ => false,
        }
    }
}

async fn open(uri: &str, client_id: &str, kept: &Arc<Kept>) -> Salesforce {
    let http = http(HASTY);
    let oauth = OAuth::new(http.clone(), app(uri, client_id)).unwrap();
    let store = Arc::clone(kept) as Arc<dyn TokenStore>;
    let session = Session::open(oauth, store).await.unwrap();
    Salesforce::new(http, session, &settings()).unwrap()
}

/// A rule of the sign-in that is turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    None,
    /// New tokens are used, and not kept.
    NotKept,
}

/// How a sign-in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It works.
    Alive,
    /// It is over, and said so.
    Over,
}

/// An answer after which nothing works: the sign-in is over, and known to be.
fn over(history: &History, told: &[Event], error: &CrmError) -> std::result::Result<(), Broken> {
    let dead = error.class == ErrorClass::AuthDead;
    must!(dead, "I40", "{told:?}: {error}");
    must!(
        history.is_over(),
        "I40",
        "{told:?}: {error}, and is not over"
    );
    Ok(())
}

/// One sign-in with what happens to it; says what is wrong with its end (I40).
async fn told(running: &Running, seed: u64, switch: Switch) -> std::result::Result<Ended, Broken> {
    let mut dice = Dice(seed);
    let mut history = History::begin(running).await;
    history
        .kept
        .forgets
        .store(switch == Switch::NotKept, Ordering::SeqCst);
    let mut told = Vec::new();
    let mut lost = false;
    for _ in 0..8 {
        let event = dice.event();
        told.push(event);
        history.happens(event).await;
        let said = history.client.limits().await;
        match said.map_err(clean) {
            Ok(_) => must!(!history.is_over(), "I40", "{told:?}: works, and is over"),
            Err(error) if error.class == ErrorClass::AuthDead => {
                over(&history, &told, &error)?;
                break;
            }
            Err(error) => {
                lost = true;
                let class = error.class;
                must!(
                    class == ErrorClass::TransientCall,
                    "I40",
                    "{told:?}: {error}"
                );
            }
        }
    }
    // Only what was lost on its way, or used by somebody else, ends a sign-in.
    let ends = |e: &Event| matches!(e, Event::Fails(_) | Event::Doubled | Event::DiskIsFull);
    let explained = lost || told.iter().any(ends);
    // The network is well again: it works, or it is over for good, also after a restart.
    history.control.clear_faults();
    history.kept.fails.store(0, Ordering::SeqCst);
    let mut settled = history.client.limits().await;
    for _ in 0..5 {
        // A busy machine can be too slow for a hasty client.
        if !matches!(&settled, Err(error) if error.class == ErrorClass::TransientCall) {
            break;
        }
        settled = history.client.limits().await;
    }
    match settled {
        Ok(_) => {
            history.control.expire_sessions();
            history.restart().await;
            match history.client.limits().await {
                Ok(_) => Ok(Ended::Alive),
                Err(error) => Err(Broken::new(
                    "I40",
                    format!("{told:?}: over after a restart: {error}"),
                )),
            }
        }
        Err(error) if !explained => Err(Broken::new(
            "I40",
            format!("{told:?}: over for no reason: {error}"),
        )),
        Err(error) => {
            over(&history, &told, &error)?;
            history.restart().await;
            // With a full disk the note may be missing; the next call finds out again.
            let noted = !told.iter().any(|e| matches!(e, Event::DiskIsFull));
            must!(!noted || history.is_over(), "I40", "{told:?}: not noted");
            let error = history.client.limits().await.unwrap_err();
            over(&history, &told, &error)?;
            Ok(Ended::Over)
        }
    }
}

async fn rotates() -> Running {
    serve(Options {
        rotation: Rotation::Rotate,
        approval: Approval::Automatic,
        ..Options::bare()
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn no_rotation_is_lost_unnoticed() {
    let histories: u64 = std::env::var("SYNCDECK_SIM")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(40);
    let running = rotates().await;
    let (mut over, mut alive) = (0, 0);
    for seed in 0..histories {
        match told(&running, seed, Switch::None).await {
            Ok(Ended::Over) => over += 1,
            Ok(Ended::Alive) => alive += 1,
            Err(broken) => panic!("seed {seed}: {broken:?}"),
        }
    }
    assert!(
        histories < 40 || (over > 3 && alive > 3),
        "{over} over, {alive} alive"
    );
}

#[tokio::test]
async fn a_rule_that_is_off_is_noticed() {
    let running = rotates().await;
    let (switch, invariant) = (Switch::NotKept, "I40");
    for seed in 0..1_000 {
        if let Err(broken) = told(&running, seed, switch).await {
            return assert_eq!(broken.invariant, invariant);
        }
    }
    panic!("{switch:?} does not break {invariant}");
}

#[tokio::test]
async fn a_person_is_told_that_a_lost_answer_was_the_reason() {
    let running = rotates().await;
    let mut history = History::begin(&running).await;
    history.happens(Event::Fails(Way::LostAfter)).await;
    let error = clean(history.client.limits().await.unwrap_err());
    assert_eq!(error.class, ErrorClass::TransientCall);
    let error = clean(history.client.limits().await.unwrap_err());
    assert_eq!(error.class, ErrorClass::AuthDead);
    assert!(error.message.contains("was lost"), "{error}");
    assert!(error.message.contains("rotate"), "{error}");
}
