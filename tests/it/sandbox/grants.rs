//! The grants without a browser: JWT bearer, client credentials, device, password, SOAP login.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use syncdeck::sandbox::Offer;

use super::*;

const JWT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async fn org(options: Options) -> Org {
    Org {
        running: serve(options).await.unwrap(),
        http: http(),
        tokens: Value::Null,
    }
}

fn error(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (answer.status, text("error"), text("error_description"))
}

fn refused(code: &str, text: &str) -> (u16, String, String) {
    (400, code.to_owned(), text.to_owned())
}

/// Signs claims with the org's key file.
fn signed(org: &Org, claims: &Value) -> String {
    let file = org.running.info().jwt_key_file.clone().unwrap();
    let pem = std::fs::read_to_string(file).unwrap();
    let text: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
    let der = BASE64.decode(text.as_bytes()).unwrap();
    let key = ring::signature::RsaKeyPair::from_pkcs8(&der).unwrap();
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let head = format!("{}.{}", part(&json!({"alg": "RS256"})), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    let way = &ring::signature::RSA_PKCS1_SHA256;
    key.sign(way, &random, head.as_bytes(), &mut signature)
        .unwrap();
    format!("{head}.{}", BASE64URL_NOPAD.encode(&signature))
}

#[tokio::test]
async fn a_signed_assertion_gives_a_session_without_refresh() {
    let org = org(Options {
        jwt_key: Offer::Yes,
        ..Options::bare()
    })
    .await;
    let info = org.running.info().clone();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.unwrap().as_secs();
    let claims = |changed: Value| {
        let mut all = json!({"iss": info.client_id, "sub": info.username,
            "aud": "https://login.salesforce.com", "exp": now + 180});
        for (k, v) in changed.as_object().unwrap() {
            all[k] = v.clone();
        }
        all
    };
    let ask = |assertion: String| async {
        let assertion = assertion;
        org.token(&[("grant_type", JWT), ("assertion", &assertion)])
            .await
    };
    let good = ask(signed(&org, &claims(json!({})))).await;
    assert_eq!(good.status, 200, "{}", good.text);
    assert!(good.json().get("refresh_token").is_none());
    let token = good.json()["access_token"].as_str().unwrap().to_owned();
    let me = read(
        org.http
            .get(org.url("/services/oauth2/userinfo"))
            .bearer_auth(token),
    )
    .await;
    assert_eq!(me.json()["preferred_username"], info.username);
    for (changed, code, text) in [
        (
            json!({"iss": "x"}),
            "invalid_client_id",
            "client identifier invalid",
        ),
        (
            json!({"aud": "https://x.test"}),
            "invalid_grant",
            "Audience validation failed",
        ),
        (
            json!({"exp": now - 1}),
            "invalid_grant",
            "expired authorization",
        ),
        (
            json!({"sub": "user1@sandbox.example.com"}),
            "invalid_grant",
            "user hasn't approved this consumer",
        ),
    ] {
        let answer = ask(signed(&org, &claims(changed))).await;
        assert_eq!(error(&answer), refused(code, text));
    }
    let mut broken = signed(&org, &claims(json!({})));
    broken.replace_range(broken.len() - 8..broken.len() - 4, "AAAA");
    assert_eq!(
        error(&ask(broken).await),
        refused("invalid_grant", "invalid assertion")
    );
    let assertion = signed(
        &org,
        &claims(json!({"aud": org.url("/services/oauth2/token")})),
    );
    let way = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", way),
        ("client_assertion", &assertion),
    ];
    assert_eq!(org.token(&form).await.status, 200);
}

#[tokio::test]
async fn client_credentials_stand_for_the_run_as_user() {
    let options = |run_as| Options {
        run_as,
        ..Options::bare()
    };
    let with = org(options(Offer::Yes)).await;
    let info = with.running.info().clone();
    let form = |secret| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", info.client_id.as_str()),
            ("client_secret", secret),
        ]
    };
    let good = with.token(&form(&info.client_secret)).await.json();
    assert!(good["id"].as_str().unwrap().ends_with(&info.user_id));
    assert!(good.get("refresh_token").is_none());
    let no = refused("invalid_client", "invalid client credentials");
    assert_eq!(error(&with.token(&form("no")).await), no);
    assert_eq!(error(&with.token(&form("")).await), no);
    let basic = with.http.post(with.url("/services/oauth2/token"));
    let basic = basic.basic_auth(&info.client_id, Some(&info.client_secret));
    let basic = read(basic.form(&[
        ("grant_type", "client_credentials"),
        ("format", "urlencoded"),
    ]));
    let basic = basic.await;
    assert!(basic.text.contains("token_type=Bearer"), "{}", basic.text);
    assert!(
        basic
            .header("content-type")
            .contains("x-www-form-urlencoded")
    );
    let without = org(options(Offer::No)).await;
    let info = without.running.info().clone();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", info.client_id.as_str()),
        ("client_secret", info.client_secret.as_str()),
    ];
    let answer = without.token(&form).await;
    assert_eq!(
        error(&answer),
        refused("invalid_grant", "no client credentials user enabled")
    );
}

#[tokio::test]
async fn a_device_waits_for_its_person() {
    let org = org(Options::bare()).await;
    let info = org.running.info().clone();
    let form = [
        ("response_type", "device_code"),
        ("client_id", &info.client_id),
        ("scope", "api refresh_token"),
    ];
    let begun = org.token(&form).await.json();
    assert_eq!(begun["interval"], 5);
    let device = begun["device_code"].as_str().unwrap();
    let poll = || {
        org.http.post(org.url("/services/oauth2/token")).form(&[
            ("grant_type", "device"),
            ("client_id", &info.client_id),
            ("code", device),
        ])
    };
    assert_eq!(read(poll()).await.json()["error"], "authorization_pending");
    assert_eq!(read(poll()).await.json()["error"], "slow_down");
    org.control().advance(5);
    assert_eq!(read(poll()).await.json()["error"], "authorization_pending");
    let page = begun["verification_uri"].as_str().unwrap();
    let shown = read(org.http.get(page)).await;
    assert!(shown.text.contains("name=\"user_code\""));
    let form = [
        ("user_code", begun["user_code"].as_str().unwrap()),
        ("un", &info.username),
        ("pw", &info.password),
        ("decision", "allow"),
    ];
    let mut wrong = form;
    wrong[2].1 = "no";
    let said = read(org.http.post(page).form(&wrong)).await;
    assert!(said.text.contains("check your username"));
    assert!(
        read(org.http.post(page).form(&form))
            .await
            .text
            .contains("Done")
    );
    let tokens = read(poll()).await;
    assert!(
        tokens.json()["refresh_token"].is_string(),
        "{}",
        tokens.text
    );
    assert_eq!(read(poll()).await.json()["error"], "invalid_request");
}

const ENVELOPE: &str = r#"<?xml version="1.0" encoding="utf-8" ?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body><n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>USER</n1:username><n1:password>PASS</n1:password></n1:login></env:Body></env:Envelope>"#;

#[tokio::test]
async fn passwords_sign_in_only_where_that_is_offered() {
    let closed = org(Options::bare()).await;
    let open = org(Options {
        soap_login: Offer::Yes,
        password_grant: Offer::Yes,
        ..Options::bare()
    })
    .await;
    let ask = async |org: &Org, password: &str| {
        let info = org.running.info();
        let form = [
            ("grant_type", "password"),
            ("client_id", &*info.client_id),
            ("client_secret", &*info.client_secret),
            ("username", &*info.username),
            ("password", password),
        ];
        org.token(&form).await
    };
    let soap = async |org: &Org, version: &str, password: &str| {
        let info = org.running.info();
        let body = ENVELOPE
            .replace("USER", &info.username)
            .replace("PASS", password);
        let url = org.url(&format!("/services/Soap/u/{version}"));
        read(org.http.post(url).header("SOAPAction", "login").body(body)).await
    };
    let secret = |org: &Org| {
        let info = org.running.info();
        format!("{}{}", info.password, info.security_token)
    };
    let no = refused("invalid_grant", "authentication failure");
    assert_eq!(error(&ask(&closed, &secret(&closed)).await), no);
    assert_eq!(error(&ask(&open, "wrong").await), no);
    assert_eq!(ask(&open, &secret(&open)).await.status, 200);

    let off = soap(&closed, "59.0", &secret(&closed)).await;
    assert_eq!(off.status, 500);
    assert!(off.text.contains("INVALID_OPERATION"), "{}", off.text);
    let wrong = soap(&open, "59.0", "wrong").await;
    assert!(
        wrong.text.contains("<sf:exceptionCode>INVALID_LOGIN<"),
        "{}",
        wrong.text
    );
    let late = soap(&open, "65.0", &secret(&open)).await;
    assert!(
        late.text.contains("UNSUPPORTED_API_VERSION"),
        "{}",
        late.text
    );
    let good = soap(&open, "59.0", &secret(&open)).await;
    assert_eq!(good.status, 200, "{}", good.text);
    assert!(good.header("content-type").starts_with("text/xml"));
    let (_, rest) = good.text.split_once("<sessionId>").unwrap();
    let session = rest
        .split_once("</sessionId>")
        .unwrap()
        .0
        .replace("&amp;", "&");
    let limits = open.http.get(open.url(&format!("{V}/limits")));
    let limits = limits.header("Authorization", format!("OAuth {session}"));
    assert_eq!(read(limits).await.status, 200);
}

#[tokio::test]
async fn what_has_no_rest_form_is_a_soap_call() {
    let mut org = Org::small().await;
    org.sign_in().await;
    let call = async |body: &str| {
        let token = org.tokens["access_token"].as_str().unwrap();
        let text = format!(
            "<e:Envelope xmlns:e=\"x\"><e:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></e:Header><e:Body>{body}</e:Body></e:Envelope>"
        );
        let url = org.url("/services/Soap/u/59.0/00D");
        read(org.http.post(url).header("SOAPAction", "x").body(text)).await
    };
    let lead = org.lead("Convert").await;
    let convert = |status: &str| {
        format!(
            "<convertLead><leadConverts><leadId>{lead}</leadId><convertedStatus>{status}</convertedStatus><opportunityName>Deal</opportunityName></leadConverts></convertLead>"
        )
    };
    let wrong = call(&convert("Open - Not Contacted")).await;
    assert!(
        wrong.text.contains("<statusCode>INVALID_STATUS<"),
        "{}",
        wrong.text
    );
    let good = call(&convert("Closed - Converted")).await;
    assert!(good.text.contains("<success>true<"), "{}", good.text);
    let record = org.get(&format!("/sobjects/Lead/{lead}")).await.json();
    assert_eq!(record["IsConverted"], true);
    assert!(
        good.text
            .contains(record["ConvertedContactId"].as_str().unwrap())
    );

    let (one, two) = (org.lead("Master").await, org.lead("Loser").await);
    let merge = format!(
        "<merge><request><masterRecord><type>Lead</type><Id>{one}</Id></masterRecord><recordToMergeIds>{two}</recordToMergeIds></request></merge>"
    );
    let merged = call(&merge).await;
    assert!(
        merged.text.contains(&format!("<mergedRecordIds>{two}<")),
        "{}",
        merged.text
    );
    let loser = format!("SELECT MasterRecordId FROM Lead WHERE Id = '{two}'");
    let loser = read(org.ask("GET", "/queryAll").query(&[("q", loser)]))
        .await
        .json();
    assert_eq!(loser["records"][0]["MasterRecordId"], one);
    let back = call(&format!("<undelete><ids>{two}</ids></undelete>")).await;
    assert!(back.text.contains("<success>true<"), "{}", back.text);
    assert_eq!(org.get(&format!("/sobjects/Lead/{two}")).await.status, 200);
    let other = call("<describeTabs/>").await;
    assert!(other.text.contains("INVALID_OPERATION"));
}
