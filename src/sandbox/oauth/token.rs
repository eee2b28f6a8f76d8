//! The token endpoint: every grant of salesforce-api 1.3, 1.4 and 1.6, in the three formats.

use data_encoding::BASE64;
use serde_json::{Map, Value as Json, json};

use super::{
    Issued, Refusal,
    endpoints::{Fields, get, refuse, scope_of},
    identity_token, jwt,
    person::identity_url,
};
use crate::sandbox::{
    Approval, Offer, SecretPolicy,
    http::{Call, Reply},
    ids::SfId,
    server::Server,
    xml::escape,
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const JWT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const NO_GRANT: Refusal = Refusal("unsupported_grant_type", "grant type not supported");
const NO_LOGIN: Refusal = Refusal("invalid_grant", "authentication failure");
const NO_CLIENT: Refusal = Refusal("invalid_client", "invalid client credentials");

/// `POST /services/oauth2/token`
pub fn token(server: &Server, call: &Call) -> Reply {
    let form = call.form();
    let reply = match get(&form, "response_type") {
        Some("device_code") => device_start(server, call, &form),
        _ => match grant(server, call, &form) {
            Ok(issued) if !server.is_active(issued.user) => {
                refuse(Refusal("invalid_grant", "inactive user"))
            }
            Ok(issued) => Reply::json(200, &tokens(server, &issued)),
            Err(refusal) => refuse(refusal),
        },
    };
    let reply = reply.header("Cache-Control", "no-cache, no-store".into());
    formatted(reply, call, &form)
}

fn grant(server: &Server, call: &Call, form: &Fields) -> Result<Issued, Refusal> {
    let field = |name: &str| get(form, name).unwrap_or_default();
    let now = server.clock.now();
    match get(form, "grant_type") {
        Some("authorization_code") => {
            check_client(server, call, form)?;
            let verifier = get(form, "code_verifier");
            let mut oauth = server.oauth();
            oauth.exchange(field("code"), field("redirect_uri"), verifier, now)
        }
        Some("refresh_token" | "hybrid_refresh") => {
            check_client(server, call, form)?;
            server.oauth().refresh(field("refresh_token"), now)
        }
        Some(JWT_BEARER) => bearer(server, field("assertion"), get(form, "scope"), now),
        Some("client_credentials") => credentials(server, call, form, now),
        Some("password") => password(server, call, form, now),
        Some("device") => {
            known_client(server, &client(call, form).0)?;
            let automatic = server.options.approval == Approval::Automatic;
            let preset = automatic.then_some(server.user);
            let (user, scope) =
                server
                    .oauth()
                    .devices
                    .poll(field("code"), preset, server.clock.now_ms())?;
            Ok(server.oauth().grant(user, &scope, now))
        }
        Some(_) => Err(NO_GRANT),
        None => Err(Refusal(
            "invalid_request",
            "missing required parameter: grant_type",
        )),
    }
}

/// Without the scopes that give a refresh token: these grants never do.
fn short(scope: &str) -> String {
    let lasting = ["refresh_token", "offline_access"];
    let kept: Vec<&str> = scope.split(' ').filter(|s| !lasting.contains(s)).collect();
    kept.join(" ")
}

fn bearer(
    server: &Server,
    assertion: &str,
    scope: Option<&str>,
    now: i64,
) -> Result<Issued, Refusal> {
    let claims = {
        let oauth = server.oauth();
        let key = oauth.app.jwt_key.as_deref();
        let key = key.ok_or(Refusal("invalid_client", "no certificate on the app"))?;
        let claims = jwt::read(key, assertion)?;
        known_id(&oauth.app.client_id, claims.issuer.as_deref())?;
        claims
    };
    claims.check_time_and_audience(server.url(), now)?;
    let unapproved = Refusal("invalid_grant", "user hasn't approved this consumer");
    let subject = claims.subject.ok_or(unapproved)?;
    let user = server.oauth().named(&subject).ok_or(unapproved)?;
    // The administrator has approved the user of the integration.
    if user != server.user && !server.oauth().has_approved(user) {
        return Err(unapproved);
    }
    let scope = short(&scope_of(scope)?);
    Ok(server.oauth().grant(user, &scope, now))
}

fn credentials(server: &Server, call: &Call, form: &Fields, now: i64) -> Result<Issued, Refusal> {
    check_client(server, call, form)?;
    if client(call, form).1.is_none() && get(form, "client_assertion").is_none() {
        return Err(NO_CLIENT);
    }
    if server.options.run_as == Offer::No {
        return Err(Refusal(
            "invalid_grant",
            "no client credentials user enabled",
        ));
    }
    let scope = short(&scope_of(get(form, "scope"))?);
    Ok(server.oauth().grant(server.user, &scope, now))
}

fn password(server: &Server, call: &Call, form: &Fields, now: i64) -> Result<Issued, Refusal> {
    if server.options.password_grant == Offer::No {
        return Err(NO_LOGIN);
    }
    check_client(server, call, form)?;
    let field = |name: &str| get(form, name).unwrap_or_default();
    let user = sign_in(server, field("username"), field("password")).ok_or(NO_LOGIN)?;
    Ok(server.oauth().grant(user, "api id web", now))
}

/// Who a name and a password belong to; the security token may follow the password.
pub fn sign_in(server: &Server, username: &str, password: &str) -> Option<SfId> {
    let oauth = server.oauth();
    let login = oauth
        .logins
        .iter()
        .find(|l| l.username.eq_ignore_ascii_case(username.trim()))?;
    let rest = password.strip_prefix(login.password.as_str())?;
    (rest.is_empty() || rest == login.security_token).then_some(login.user)
}

fn device_start(server: &Server, call: &Call, form: &Fields) -> Reply {
    let begun = known_client(server, &client(call, form).0).and_then(|()| {
        if server.options.device_flow == Offer::No {
            return Err(Refusal("invalid_grant", "device flow is not enabled"));
        }
        scope_of(get(form, "scope"))
    });
    match begun {
        Ok(scope) => {
            let now = server.clock.now_ms();
            let (device, user) = server.oauth().start_device(&scope, now);
            Reply::json(
                200,
                &json!({
                    "device_code": device,
                    "user_code": user,
                    "verification_uri": format!("{}/setup/connect", server.url()),
                    "interval": 5,
                }),
            )
        }
        Err(refusal) => refuse(refusal),
    }
}

/// Client id and secret from the body or from HTTP Basic.
fn client(call: &Call, form: &Fields) -> (Option<String>, Option<String>) {
    let basic = call.header("authorization").and_then(|h| {
        let raw = BASE64
            .decode(h.strip_prefix("Basic ")?.trim().as_bytes())
            .ok()?;
        let text = String::from_utf8(raw).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some((id.to_owned(), secret.to_owned()))
    });
    match basic {
        Some((id, secret)) => (Some(id), Some(secret)),
        None => (
            get(form, "client_id").map(str::to_owned),
            get(form, "client_secret")
                .filter(|s| !s.is_empty())
                .map(str::to_owned),
        ),
    }
}

fn known_id(client_id: &str, given: Option<&str>) -> Result<(), Refusal> {
    match given == Some(client_id) {
        true => Ok(()),
        false => Err(Refusal("invalid_client_id", "client identifier invalid")),
    }
}

fn known_client(server: &Server, given: &Option<String>) -> Result<(), Refusal> {
    known_id(&server.oauth().app.client_id, given.as_deref())
}

/// Checks the app: its id, and its secret or its signed assertion.
pub fn check_client(server: &Server, call: &Call, form: &Fields) -> Result<(), Refusal> {
    if let Some(assertion) = get(form, "client_assertion") {
        return check_assertion(server, form, assertion);
    }
    let (id, secret) = client(call, form);
    known_client(server, &id)?;
    let fine = match secret {
        Some(secret) => secret == server.oauth().app.client_secret,
        None => server.options.secret == SecretPolicy::Optional,
    };
    match fine {
        true => Ok(()),
        false => Err(NO_CLIENT),
    }
}

fn check_assertion(server: &Server, form: &Fields, assertion: &str) -> Result<(), Refusal> {
    if get(form, "client_assertion_type") != Some(JWT_ASSERTION) {
        return Err(Refusal(
            "invalid_assertion_type",
            "assertion type not supported",
        ));
    }
    let claims = {
        let oauth = server.oauth();
        let key = oauth.app.jwt_key.as_deref().ok_or(NO_CLIENT)?;
        let claims = jwt::read(key, assertion).map_err(|_| NO_CLIENT)?;
        known_id(&oauth.app.client_id, claims.issuer.as_deref())?;
        claims
    };
    claims.check_time_and_audience(server.url(), server.clock.now())
}

fn tokens(server: &Server, issued: &Issued) -> Json {
    let identity = identity_url(server, issued.user);
    let issued_at = server.clock.now_ms().to_string();
    let signature = server.oauth().signature(&identity, &issued_at);
    let mut body = Map::new();
    let mut put = |name: &str, value: String| body.insert(name.to_owned(), json!(value));
    put("access_token", issued.access.clone());
    if let Some(refresh) = &issued.refresh {
        put("refresh_token", refresh.clone());
    }
    put("signature", signature);
    put("scope", issued.scope.clone());
    put("instance_url", server.instance_url());
    if let Some(token) = identity_token::of(server, issued, &identity) {
        put("id_token", token);
    }
    put("id", identity);
    put("token_type", "Bearer".to_owned());
    put("issued_at", issued_at);
    Json::Object(body)
}

/// JSON unless `format` or `Accept` asks for a form or for XML.
fn formatted(reply: Reply, call: &Call, form: &Fields) -> Reply {
    let accept = call.header("accept").unwrap_or_default();
    let wanted = match get(form, "format") {
        Some(format) => format,
        None if accept.starts_with("application/x-www-form-urlencoded") => "urlencoded",
        None if accept.starts_with("application/xml") => "xml",
        None => "json",
    };
    let pairs = || -> Vec<(String, String)> {
        let Some(Json::Object(map)) = reply.content.as_json() else {
            return Vec::new();
        };
        let text = |value: Json| match value {
            Json::String(text) => text,
            other => other.to_string(),
        };
        map.into_iter().map(|(k, v)| (k, text(v))).collect()
    };
    match wanted {
        "urlencoded" => {
            let mut out = url::form_urlencoded::Serializer::new(String::new());
            out.extend_pairs(pairs());
            reply.replaced(
                "application/x-www-form-urlencoded;charset=UTF-8",
                out.finish(),
            )
        }
        "xml" => {
            let inner: String = pairs()
                .into_iter()
                .map(|(k, v)| format!("<{k}>{}</{k}>", escape(&v)))
                .collect();
            let xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><OAuth>{inner}</OAuth>");
            reply.replaced("application/xml;charset=UTF-8", xml)
        }
        _ => reply,
    }
}
