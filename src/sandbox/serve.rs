//! Starting and stopping a sandbox org: its records, its keys, its two ports.
//!
//! Invariant: when [`serve`] returns, both ports answer.

use std::{
    future::IntoFuture as _,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use super::{
    Offer, Options, Seed, Ticking, Transport,
    control::{self, Control},
    http::{self, listen::Listener, listen::Wire},
    ids::SfId,
    info::Info,
    keys,
    oauth::{App, Login, Oauth},
    org::Org,
    schema::Schema,
    seed::{self, Sizes},
    server::Server,
    time::Clock,
    tls,
    value::Ref,
};
use crate::error::{Error, Kind, Result};

/// How long open connections may finish their work when the org stops.
const GRACE: Duration = Duration::from_secs(2);

/// A sandbox org that is up. Dropping it lets it stop by itself.
#[derive(Debug)]
pub struct Running {
    info: Info,
    server: Arc<Server>,
    stop: watch::Sender<()>,
    tasks: [JoinHandle<std::io::Result<()>>; 2],
    /// Holds the key and the certificate that clients read; goes with the org.
    _files: tempfile::TempDir,
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
        let Self {
            stop, mut tasks, ..
        } = self;
        drop(stop);
        let [api, control] = &mut tasks;
        let both = async { tokio::join!(api, control) };
        if tokio::time::timeout(GRACE, both).await.is_err() {
            tasks.iter().for_each(JoinHandle::abort);
        }
    }
}

/// Makes the org, with its records, and listens.
///
/// # Errors
///
/// [`Kind::Usage`] for an address that others can reach, as the org has no secrets worth the name,
/// and for a seed file that is not understood; [`Kind::Network`] when the address cannot be
/// listened on; [`Kind::Internal`] when a key or a file cannot be made.
pub async fn serve(options: Options) -> Result<Running> {
    if !options.bind.ip().is_loopback() {
        return Err(Error::new(
            Kind::Usage,
            format!("the sandbox org does not listen on {}", options.bind.ip()),
        )
        .hint("it is for this machine only: use 127.0.0.1 or [::1]"));
    }
    let files = tempfile::tempdir().map_err(|e| {
        Error::new(Kind::Internal, "there is no place for the org's files").caused_by(e)
    })?;
    let key_file = files.path().join("jwt.key");
    let key = (options.jwt_key == Offer::Yes).then(|| {
        let file = key_file.clone();
        std::thread::spawn(move || keys::make(&file))
    });
    let machine = Clock::default();
    let start = options.start.unwrap_or_else(|| machine.now());
    let clock = match options.ticking {
        Ticking::ByHand => Clock::standing(start),
        Ticking::ByItself => {
            machine.set_offset(start - machine.now());
            machine
        }
    };
    let (org, user) = org_of(
        &options,
        Arc::new(Schema::load_with(&options.fields)?),
        clock.now(),
    )?;
    let random = SystemRandom::new();
    let password = secret(&random, options.password.as_deref())?;
    let security_token = secret(&random, None)?.chars().take(24).collect::<String>();
    let app = App {
        client_id: options.client_id.clone(),
        client_secret: secret(&random, options.client_secret.as_deref())?,
        redirects: options.redirects.clone(),
        jwt_key: key.map(joined).transpose()?,
    };

    let socket = bind(options.bind).await?;
    let control_socket = bind(SocketAddr::new(options.bind.ip(), 0)).await?;
    let (scheme, acceptor, ca_file) = match &options.transport {
        Transport::Http => ("http", None, None),
        Transport::Https { ca } => {
            let authority = tls::make()?;
            let own = || files.path().join("ca.pem");
            let file = ca.clone().unwrap_or_else(own);
            std::fs::write(&file, &authority.pem).map_err(|e| {
                let name = file.display();
                Error::new(Kind::Usage, format!("{name} cannot be written")).caused_by(e)
            })?;
            ("https", Some(authority.acceptor), Some(file))
        }
    };
    let url = address(scheme, &socket)?;
    let info = Info {
        control_url: address("http", &control_socket)?,
        control_token: secret(&random, options.control_token.as_deref())?,
        ca_file,
        jwt_key_file: app.jwt_key.is_some().then_some(key_file),
        username: text_of(&org, user, "Username"),
        password,
        security_token,
        ..Info::of(url.clone(), &options, &app, user)
    };
    let logins = logins(&org, &info);
    let mut oauth = Oauth::new(&options, app, logins);
    let tokens = oauth.preset(user, "refresh_token api id openid web full", clock.now());
    let info = Info {
        access_token: tokens.access,
        refresh_token: tokens.refresh.unwrap_or_default(),
        ..info
    };
    let control_token = info.control_token.clone();
    let server = Server::new(options, clock, org, user, oauth, url, control_token);

    let (stop, stopped) = watch::channel(());
    let api = http::router(Arc::clone(&server));
    let steering = control::http::router(Arc::clone(&server));
    let tasks =
        [(socket, acceptor, api), (control_socket, None, steering)].map(|(socket, tls, router)| {
            let mut stopped = stopped.clone();
            let service = router.into_make_service_with_connect_info::<Wire>();
            let serving =
                axum::serve(Listener { socket, tls }, service).with_graceful_shutdown(async move {
                    // Ends when nobody is left to tell it anything.
                    let _ = stopped.changed().await;
                });
            tokio::spawn(serving.into_future())
        });
    Ok(Running {
        info,
        server,
        stop,
        tasks,
        _files: files,
    })
}

fn joined<T>(thread: std::thread::JoinHandle<Result<T>>) -> Result<T> {
    let ended = |_| Error::new(Kind::Internal, "the key of the app could not be made");
    thread.join().map_err(ended)?
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|e| {
        Error::new(
            Kind::Network,
            format!("the sandbox org cannot listen on {address}"),
        )
        .hint("choose another address, or port 0 for a free one")
        .caused_by(e)
    })
}

fn address(scheme: &str, socket: &TcpListener) -> Result<String> {
    let at = socket.local_addr().map_err(|e| {
        Error::new(Kind::Network, "the port of the sandbox org is unknown").caused_by(e)
    })?;
    Ok(match at.ip() {
        IpAddr::V4(ip) => format!("{scheme}://{ip}:{}", at.port()),
        IpAddr::V6(ip) => format!("{scheme}://[{ip}]:{}", at.port()),
    })
}

fn org_of(options: &Options, schema: Arc<Schema>, now: i64) -> Result<(Org, SfId)> {
    let mut org = Org::new(schema, options.org_id(), "Sandbox org");
    let user = seed::base(&mut org, now, options.edition);
    match &options.seed {
        Seed::Bare => {}
        Seed::Demo { leads, number } => {
            seed::demo(&mut org, now, Sizes::of_leads(*leads), *number);
        }
        Seed::File(file) => from_file(&mut org, file, user, now)?,
    }
    org.forget_changes();
    Ok((org, user))
}

fn from_file(org: &mut Org, file: &Path, user: SfId, now: i64) -> Result<()> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|e| {
        Error::new(Kind::Usage, format!("the seed file {name} cannot be read")).caused_by(e)
    })?;
    seed::records(org, &text, user, now)
        .map_err(|why| Error::new(Kind::Usage, format!("the seed file {name}: {why}")))
}

fn text_of(org: &Org, user: SfId, field: &str) -> String {
    let found = org.record(user).and_then(|(object, record)| {
        let text = org.value(object, record, field).as_text()?;
        Some(text.to_owned())
    });
    found.unwrap_or_default()
}

fn logins(org: &Org, info: &Info) -> Vec<Login> {
    let Some(users) = org.schema.object("User") else {
        return Vec::new();
    };
    org.table(users)
        .each()
        .filter_map(|(_, record)| match org.value(users, record, "Username") {
            Ref::Text(name) => Some(Login {
                user: record.id,
                username: name.to_owned(),
                password: info.password.clone(),
                security_token: info.security_token.clone(),
            }),
            _ => None,
        })
        .collect()
}

/// What was given, or a random text.
fn secret(random: &SystemRandom, given: Option<&str>) -> Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let mut bytes = [0; 24];
    random
        .fill(&mut bytes)
        .map_err(|_| Error::new(Kind::Internal, "the system gives no random numbers"))?;
    // The security token is the start of such a text and has letters and digits only.
    let head = HEXLOWER.encode(&bytes[..12]);
    Ok(head + &BASE64URL_NOPAD.encode(&bytes[12..]))
}
