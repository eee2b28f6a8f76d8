//! The sandbox org as a client sees it: plain HTTP over loopback, never through our own client.

mod anything;
mod automation;
mod bulk;
mod bulk_xml;
mod codes;
mod composites;
mod control;
mod conversion;
mod faults;
mod files;
mod forms;
mod grants;
mod http2;
mod oauth;
mod openid;
mod query;
mod records;
mod search;
mod soql;
mod start;
mod together;
mod wire;

use serde_json::{Value, json};
use syncdeck::sandbox::{Approval, Control, Options, Running, Seed, serve};

/// Version of the data API that the tests speak.
const V: &str = "/services/data/v67.0";

/// A running org and somebody signed in.
struct Org {
    running: Running,
    http: reqwest::Client,
    tokens: Value,
}

/// An answer read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|e| panic!("{e} in {} {}", self.status, self.text))
    }
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
    /// Code of the first error.
    fn code(&self) -> String {
        self.json()[0]["errorCode"].as_str().unwrap().to_owned()
    }
}

fn http() -> reqwest::Client {
    // Another test may have set it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// The demo's data in small, with the app allowed by itself.
fn small() -> Options {
    Options {
        seed: Seed::Demo {
            leads: 500,
            number: 7,
        },
        approval: Approval::Automatic,
        ..Options::default()
    }
}

const CALLBACK: &str = "http://localhost:1717/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Of the verifier, from RFC 7636 appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Org {
    async fn start(options: Options) -> Self {
        let running = serve(options).await.unwrap();
        let mut org = Self {
            running,
            http: http(),
            tokens: Value::Null,
        };
        org.sign_in().await;
        org
    }

    async fn small() -> Self {
        Self::start(small()).await
    }

    async fn sign_in(&mut self) {
        let code = self.code().await;
        let answer = self.exchange(&code).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.tokens = answer.json();
    }

    async fn code(&self) -> String {
        let answer = self.authorize(&[]).await;
        assert_eq!(answer.status, 302, "{}", answer.text);
        query_of(answer.header("location"), "code").unwrap()
    }

    /// Asks the authorize endpoint, with some parameters replaced.
    async fn authorize(&self, other: &[(&str, &str)]) -> Answer {
        let info = self.running.info();
        let mut url = url::Url::parse(&self.url("/services/oauth2/authorize")).unwrap();
        let usual = [
            ("response_type", "code"),
            ("client_id", &info.client_id),
            ("redirect_uri", CALLBACK),
            ("scope", "api refresh_token id"),
            ("state", "a b&c"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in usual {
            let value = other
                .iter()
                .find(|(n, _)| *n == name)
                .map_or(value, |(_, v)| v);
            url.query_pairs_mut().append_pair(name, value);
        }
        read(self.http.get(url)).await
    }

    async fn exchange(&self, code: &str) -> Answer {
        let info = self.running.info();
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &info.client_id),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    async fn token(&self, form: &[(&str, &str)]) -> Answer {
        let url = self.url("/services/oauth2/token");
        read(self.http.post(url).form(form)).await
    }

    async fn refresh(&self, token: &str) -> Answer {
        let info = self.running.info();
        self.token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", &info.client_id),
            ("client_secret", &info.client_secret),
        ])
        .await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.info().instance_url)
    }

    fn control(&self) -> Control {
        self.running.control()
    }

    /// A request to the data API; `path` is below the version.
    fn ask(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http
            .request(method, self.url(&format!("{V}{path}")))
            .bearer_auth(self.tokens["access_token"].as_str().unwrap())
    }

    async fn get(&self, path: &str) -> Answer {
        read(self.ask("GET", path)).await
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        read(self.ask(method, path).json(&body)).await
    }

    async fn delete(&self, path: &str) -> Answer {
        read(self.ask("DELETE", path)).await
    }

    async fn query(&self, soql: &str) -> Value {
        let answer = read(self.ask("GET", "/query").query(&[("q", soql)])).await;
        assert_eq!(answer.status, 200, "{soql}: {}", answer.text);
        answer.json()
    }

    /// Makes a lead and gives its id.
    async fn lead(&self, last: &str) -> String {
        let body = json!({"LastName": last, "Company": "Test"});
        let answer = self.send("POST", "/sobjects/Lead", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }
}

async fn read(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

fn query_of(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs()
        .find(|(n, _)| n == name)
        .map(|(_, v)| v.into_owned())
}
