//! The OAuth endpoints: authorize, token, revoke, introspect, userinfo, identity, discovery.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Map, Value as Json, json};

use super::{
    Refusal, device, identity_token, pages,
    person::{field, identity, identity_url, person, userinfo},
    soap,
    token::{self, check_client},
};
use crate::sandbox::{
    Approval, LoopbackPorts, Pkce,
    fail::Fail,
    http::{Call, Reply},
    server::Server,
};

/// Answers everything outside the data API.
pub async fn answer(
    server: &Arc<Server>,
    call: &Call,
    bearer: Option<&str>,
    path: &[&str],
) -> Reply {
    match (call.method.as_str(), path) {
        ("GET", ["services", "oauth2", "authorize"]) => authorize(server, call.params.clone()),
        ("POST", ["services", "oauth2", "authorize"]) => {
            tokio::time::sleep(server.options.sign_in_delay).await;
            authorize(server, call.form())
        }
        ("POST", ["services", "oauth2", "token"]) => token::token(server, call),
        ("GET", ["setup", "connect"]) => device::page(server, &call.params),
        ("POST", ["setup", "connect"]) => device::page(server, &call.form()),
        ("POST", ["services", "Soap", "u" | "c", version, ..]) => {
            soap::answer(server, call, version)
        }
        ("GET" | "POST", ["services", "oauth2", "echo"]) => echo(call),
        (_, ["services", "oauth2", "token"]) => {
            refuse(Refusal("invalid_request", "must use HTTP POST"))
        }
        ("POST" | "GET", ["services", "oauth2", "revoke"]) => revoke(server, call),
        ("POST", ["services", "oauth2", "introspect"]) => introspect(server, call),
        ("GET" | "POST", ["services", "oauth2", "userinfo"]) => {
            person(server, call, bearer, userinfo)
        }
        ("GET", ["id", "keys"]) => Reply::json(200, &identity_token::keys(server)),
        ("GET", ["id", org, user]) => {
            let known = server.options.org_id().to_string() == *org && server.user_exists(user);
            match known {
                true => person(server, call, bearer, identity),
                false => Reply::text(404, "Bad_Id"),
            }
        }
        ("GET", [".well-known", "openid-configuration"]) => discovery(server),
        _ if call.method == Method::GET && path.is_empty() => {
            Reply::html(200, "<h1>Sandbox org</h1>")
        }
        _ => Reply::fail(&Fail::not_found()),
    }
}

/// An OAuth refusal.
pub fn refuse(Refusal(error, description): Refusal) -> Reply {
    Reply::json(
        400,
        &json!({"error": error, "error_description": description}),
    )
    .header("Cache-Control", "no-store".into())
}

/// The fields of a form or of a query.
pub type Fields = Vec<(String, String)>;

/// The first field of a name.
pub fn get<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, v)| v.as_str())
}

/// Whether an address is on the app's list; on loopback the port may be free.
fn registered(server: &Server, redirect: &str) -> bool {
    let free = server.options.loopback_ports == LoopbackPorts::Any;
    let oauth = server.oauth();
    oauth.app.redirects.iter().any(|known| {
        known == redirect
            || (free && loopback(known).is_some_and(|k| Some(k) == loopback(redirect)))
    })
}

/// A plain loopback address without its port.
fn loopback(address: &str) -> Option<(String, String)> {
    let url = url::Url::parse(address).ok()?;
    let host = url.host_str()?;
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let plain = url.scheme() == "http" && url.query().is_none() && url.fragment().is_none();
    (local && plain && url.username().is_empty()).then(|| (host.to_owned(), url.path().to_owned()))
}

const KEPT: [&str; 10] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "login_hint",
    "nonce",
];

/// The authorize page in its three states: sign in, allow or deny, back to the app.
fn authorize(server: &Server, fields: Fields) -> Reply {
    let wrong = |code: &str, text: &str| Reply::html(400, pages::error(code, text));
    if get(&fields, "client_id") != Some(server.oauth().app.client_id.as_str()) {
        return wrong("invalid_client_id", "client identifier invalid");
    }
    let Some(redirect) = get(&fields, "redirect_uri").filter(|r| !r.is_empty()) else {
        return wrong("redirect_uri_missing", "redirect_uri not provided");
    };
    if !registered(server, redirect) {
        return wrong(
            "redirect_uri_mismatch",
            "redirect_uri must match configuration",
        );
    }
    let state = get(&fields, "state");
    let back = |error: &str, text: &str| {
        back_to(
            redirect,
            &[("error", error), ("error_description", text)],
            state,
        )
    };
    if get(&fields, "response_type") != Some("code") {
        return back("unsupported_response_type", "response type not supported");
    }
    let challenge = get(&fields, "code_challenge").filter(|c| !c.is_empty());
    let method = get(&fields, "code_challenge_method").unwrap_or("S256");
    if challenge.is_some() && method != "S256" {
        return back("invalid_request", "code challenge method not supported");
    }
    if challenge.is_none() && server.options.pkce == Pkce::Required {
        return back("invalid_request", "missing required code challenge");
    }
    let scope = match scope_of(get(&fields, "scope")) {
        Ok(scope) => scope,
        Err(Refusal(error, text)) => return back(error, text),
    };
    let request: Vec<(&str, &str)> = KEPT
        .iter()
        .filter_map(|name| Some((*name, get(&fields, name)?)))
        .collect();
    let now = server.clock.now();
    let user = match (server.options.approval, get(&fields, "decision")) {
        (Approval::Automatic, _) => server.user,
        (Approval::AskPerson, Some(decision)) => {
            let ticket = get(&fields, "ticket").unwrap_or_default();
            let Some(user) = server.oauth().take_ticket(ticket, now) else {
                return Reply::html(
                    200,
                    pages::sign_in(
                        &request,
                        "",
                        Some("Your sign-in has ended. Please log in again."),
                    ),
                );
            };
            if decision != "allow" {
                return back("access_denied", "end-user denied authorization");
            }
            user
        }
        (Approval::AskPerson, None) => return ask(server, &fields, &request, &scope, now),
    };
    let nonce = get(&fields, "nonce");
    let mut oauth = server.oauth();
    let code = oauth.code(user, redirect, &scope, challenge, nonce, now);
    drop(oauth);
    back_to(redirect, &[("code", &code)], state)
}

fn ask(server: &Server, fields: &Fields, request: &[(&str, &str)], scope: &str, now: i64) -> Reply {
    let hint = get(fields, "login_hint").unwrap_or_default();
    let (Some(username), Some(password)) = (get(fields, "un"), get(fields, "pw")) else {
        return Reply::html(200, pages::sign_in(request, hint, None));
    };
    let found = server.oauth().sign_in(username, password);
    match found {
        Some(user) if server.is_active(user) => {
            let ticket = server.oauth().ticket(user, now);
            Reply::html(200, pages::consent(request, &ticket, "syncdeck", scope))
        }
        _ => Reply::html(
            200,
            pages::sign_in(
                request,
                username,
                Some(
                    "Please check your username and password. If you still can't log in, contact your Salesforce administrator.",
                ),
            ),
        ),
    }
}

fn back_to(redirect: &str, fields: &[(&str, &str)], state: Option<&str>) -> Reply {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    let mark = if redirect.contains('?') { '&' } else { '?' };
    Reply::redirect(format!("{redirect}{mark}{}", query.finish()))
}

/// The scopes granted: those asked for, or all of the app.
pub fn scope_of(asked: Option<&str>) -> Result<String, Refusal> {
    const KNOWN: [&str; 10] = [
        "api",
        "refresh_token",
        "offline_access",
        "openid",
        "id",
        "profile",
        "email",
        "web",
        "full",
        "address",
    ];
    let asked: Vec<&str> = asked.unwrap_or_default().split_whitespace().collect();
    if asked.is_empty() {
        return Ok("refresh_token api id".to_owned());
    }
    match asked.iter().all(|s| KNOWN.contains(s)) {
        true => Ok(asked.join(" ")),
        false => Err(Refusal(
            "invalid_scope",
            "the requested scope is invalid, unknown, or malformed",
        )),
    }
}

fn revoke(server: &Server, call: &Call) -> Reply {
    let form = match call.method == Method::GET {
        true => call.params.clone(),
        false => call.form(),
    };
    match get(&form, "token") {
        Some(token) if server.oauth().revoke(token) => Reply::empty(200),
        None => refuse(Refusal(
            "invalid_request",
            "missing required parameter: token",
        )),
        _ => refuse(Refusal("invalid_token", "invalid token")),
    }
}

fn introspect(server: &Server, call: &Call) -> Reply {
    let form = call.form();
    if let Err(Refusal(error, description)) = check_client(server, call, &form) {
        return Reply::json(
            401,
            &json!({"error": error, "error_description": description}),
        );
    }
    let now = server.clock.now();
    let token = get(&form, "token").unwrap_or_default();
    let (session, lasting) = {
        let mut oauth = server.oauth();
        (oauth.session(token, now), oauth.lasting(token))
    };
    let about = |user, scope: String, kind: &str| {
        json!({
            "active": true,
            "scope": scope,
            "client_id": server.oauth().app.client_id,
            "username": field(&server.org(), user, "Username"),
            "sub": identity_url(server, user),
            "token_type": kind,
        })
    };
    let told = match (session, lasting) {
        (Some(session), _) => {
            let mut told = about(session.user, session.scope, "access_token");
            told["exp"] = json!(session.until);
            told["iat"] = json!(session.issued);
            told["nbf"] = json!(session.issued);
            told
        }
        // It has no end of its own.
        (None, Some((user, scope))) => about(user, scope, "refresh_token"),
        (None, None) => json!({"active": false}),
    };
    Reply::json(200, &told)
}

/// The parameters of a redirect, as JSON.
fn echo(call: &Call) -> Reply {
    let pairs = call.params.iter().map(|(k, v)| (k.clone(), json!(v)));
    Reply::json(200, &Json::Object(pairs.collect::<Map<_, _>>()))
}

fn discovery(server: &Server) -> Reply {
    let base = server.url();
    Reply::json(
        200,
        &json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/services/oauth2/authorize"),
            "token_endpoint": format!("{base}/services/oauth2/token"),
            "revocation_endpoint": format!("{base}/services/oauth2/revoke"),
            "introspection_endpoint": format!("{base}/services/oauth2/introspect"),
            "userinfo_endpoint": format!("{base}/services/oauth2/userinfo"),
            "scopes_supported": ["api", "refresh_token", "offline_access", "openid", "id", "profile", "email", "web", "full", "address"],
            "device_authorization_endpoint": format!("{base}/services/oauth2/token"),
            "jwks_uri": format!("{base}/id/keys"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer", "device"],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt"],
            "code_challenge_methods_supported": ["S256"],
        }),
    )
}
