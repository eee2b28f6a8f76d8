//! Starting and stopping a sandbox org.
//!
//! Invariant: when [`serve`] returns, the port answers.

use std::{fmt, sync::Arc, time::Duration};

use data_encoding::BASE64URL_NOPAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{
    Options, Seed,
    control::Control,
    http::{self, listen::Listener, listen::Wire},
    ids::SfId,
    oauth::{App, Login, Oauth},
    org::Org,
    schema::Schema,
    seed::{self, Sizes},
    server::Server,
    time::Clock,
    value::Ref,
};
use crate::error::{Error, Kind, Result};

/// How long open connections may finish their work when the org stops.
const GRACE: Duration = Duration::from_secs(2);

/// What a client needs to connect; the ready line of `sandbox serve` is this as JSON.
///
/// It holds secrets of the sandbox and therefore shows none of them in `Debug`.
#[derive(Clone, Serialize)]
pub struct Info {
    /// Where the data API answers, without a slash at the end.
    pub instance_url: String,
    /// Where a person signs in; the same host.
    pub login_url: String,
    pub api_version: &'static str,
    /// 18 characters.
    pub org_id: String,
    pub client_id: String,
    pub client_secret: String,
    pub redirect_uris: Vec<String>,
    /// The integration user.
    pub username: String,
    /// Of every user.
    pub password: String,
    pub control_url: String,
    /// Sent as `Authorization: Bearer` to the control interface.
    pub control_token: String,
    pub pid: u32,
}

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Info")
            .field("instance_url", &self.instance_url)
            .field("org_id", &self.org_id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// A sandbox org that is up. Dropping it lets it stop by itself.
#[derive(Debug)]
pub struct Running {
    info: Info,
    server: Arc<Server>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// How to reach it.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The other people in the org and its administrator.
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.server))
    }

    /// Stops listening, lets requests under way end for at most two seconds, and waits.
    pub async fn shutdown(self) {
        let Self { stop, mut task, .. } = self;
        // The task may have ended already, and then nobody listens.
        let _ = stop.send(());
        if tokio::time::timeout(GRACE, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// Makes the org, with its records, and listens.
///
/// # Errors
///
/// [`Kind::Usage`] for an address that others can reach, as the org has no secrets worth the name;
/// [`Kind::Network`] when the address cannot be listened on.
pub async fn serve(options: Options) -> Result<Running> {
    if !options.bind.ip().is_loopback() {
        return Err(Error::new(
            Kind::Usage,
            format!("the sandbox org does not listen on {}", options.bind.ip()),
        )
        .hint("it is for this machine only: use 127.0.0.1 or [::1]"));
    }
    let schema = Arc::new(Schema::load()?);
    let clock = Clock::default();
    if let Some(start) = options.start {
        clock.set_offset(start - clock.now());
    }
    let (org, user) = org_of(&options, schema, clock.now());
    let username = name_of(&org, user).unwrap_or_default();
    let random = SystemRandom::new();
    let password = secret(&random, options.password.as_deref())?;
    let control_token = secret(&random, options.control_token.as_deref())?;
    let app = App {
        client_id: options.client_id.clone(),
        client_secret: secret(&random, options.client_secret.as_deref())?,
        redirects: options.redirects.clone(),
    };
    let logins = logins(&org, &password);

    let listener = TcpListener::bind(options.bind).await;
    let listener = listener.map_err(|e| {
        Error::new(
            Kind::Network,
            format!("the sandbox org cannot listen on {}", options.bind),
        )
        .hint("choose another address, or port 0 for a free one")
        .caused_by(e)
    })?;
    let unknown = |e: std::io::Error| {
        Error::new(Kind::Network, "the port of the sandbox org is unknown").caused_by(e)
    };
    let url = format!("http://{}", listener.local_addr().map_err(unknown)?);
    let info = Info {
        instance_url: url.clone(),
        login_url: url.clone(),
        api_version: "67.0",
        org_id: options.org_id().to_string(),
        client_id: app.client_id.clone(),
        client_secret: app.client_secret.clone(),
        redirect_uris: app.redirects.clone(),
        username,
        password,
        control_url: format!("{url}/_control"),
        control_token: control_token.clone(),
        pid: std::process::id(),
    };
    let oauth = Oauth::new(&options, app, logins);
    let server = Server::new(options, clock, org, user, oauth, url, control_token);
    let service = http::router(Arc::clone(&server)).into_make_service_with_connect_info::<Wire>();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(Listener(listener), service).with_graceful_shutdown(async {
        // Ends when it is told to, and when nobody is left to tell it.
        let _ = stopped.await;
    });
    let task = tokio::spawn(serving.into_future());
    Ok(Running {
        info,
        server,
        stop,
        task,
    })
}

fn org_of(options: &Options, schema: Arc<Schema>, now: i64) -> (Org, SfId) {
    let mut org = Org::new(schema, options.org_id(), "Sandbox org");
    let user = seed::base(&mut org, now, options.edition);
    if let Seed::Demo { leads, number } = options.seed {
        seed::demo(&mut org, now, Sizes::of_leads(leads), number);
    }
    org.forget_changes();
    (org, user)
}

fn name_of(org: &Org, user: SfId) -> Option<String> {
    let (object, record) = org.record(user)?;
    let name = org.value(object, record, "Username").as_text()?;
    Some(name.to_owned())
}

fn logins(org: &Org, password: &str) -> Vec<Login> {
    let Some(users) = org.schema.object("User") else {
        return Vec::new();
    };
    org.table(users)
        .each()
        .filter_map(|(_, record)| match org.value(users, record, "Username") {
            Ref::Text(name) => Some(Login {
                user: record.id,
                username: name.to_owned(),
                password: password.to_owned(),
            }),
            _ => None,
        })
        .collect()
}

/// What was given, or a random text of 32 characters.
fn secret(random: &SystemRandom, given: Option<&str>) -> Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let mut bytes = [0; 24];
    random
        .fill(&mut bytes)
        .map_err(|_| Error::new(Kind::Internal, "the system gives no random numbers"))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}
