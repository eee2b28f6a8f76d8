//! SOAP `login` and `logout`, which older clients use to get a session (salesforce-api 1.6).
//!
//! Reads the few elements of these two calls out of the envelope and is no SOAP engine.

use super::token::sign_in;
use crate::sandbox::{
    Offer,
    http::{Call, Content, Reply},
    ids::SfId,
    oauth::person::field,
    server::Server,
    soap,
    xml::{element, escape},
};

/// The first version without `login`.
const WITHOUT_LOGIN: u16 = 65;

/// Answers `/services/Soap/{u|c}/{version}`.
pub fn answer(server: &Server, call: &Call, version: &str) -> Reply {
    let text = String::from_utf8_lossy(&call.body);
    let number: Option<u16> = version.split('.').next().and_then(|n| n.parse().ok());
    if let Some(session) = element(&text, "sessionId") {
        if element(&text, "logout").is_some() {
            server.oauth().revoke(&session);
            return envelope(200, "<logoutResponse/>");
        }
        let now = server.clock.now();
        let found = server.oauth().session(&session, now);
        let Some(found) = found else {
            return fault(soap::NO_SESSION.0, soap::NO_SESSION.1);
        };
        return match soap::answer(server, found.user, &text) {
            Some(body) => envelope(200, &body),
            None => fault("INVALID_OPERATION", "this call is not offered by this org"),
        };
    }
    let (Some(username), Some(password)) = (element(&text, "username"), element(&text, "password"))
    else {
        return fault("INVALID_OPERATION", "this call is not offered by this org");
    };
    if number.is_none_or(|n| !(31..WITHOUT_LOGIN).contains(&n)) {
        let text = "login() is not available in this API version";
        return fault("UNSUPPORTED_API_VERSION", text);
    }
    if server.options.soap_login == Offer::No {
        let text = "SOAP API login() is disabled by default in this org.";
        return fault("INVALID_OPERATION", text);
    }
    match sign_in(server, &username, &password).filter(|user| server.is_active(*user)) {
        Some(user) => logged_in(server, user, version),
        None => fault(
            "INVALID_LOGIN",
            "Invalid username, password, security token; or user locked out.",
        ),
    }
}

fn logged_in(server: &Server, user: SfId, version: &str) -> Reply {
    let now = server.clock.now();
    let issued = server.oauth().grant(user, "api web id", now);
    let org_id = server.options.org_id();
    let base = server.url();
    let org = server.org();
    let of = |name: &str| {
        let value = field(&org, user, name);
        escape(value.as_str().unwrap_or_default())
    };
    let info: String = [
        ("organizationId", org_id.to_string()),
        ("organizationMultiCurrency", "false".to_owned()),
        ("organizationName", escape(&org.name)),
        ("profileId", of("ProfileId")),
        ("userDefaultCurrencyIsoCode", String::new()),
        ("userEmail", of("Email")),
        ("userFullName", of("Name")),
        ("userId", user.to_string()),
        ("userLanguage", of("LanguageLocaleKey")),
        ("userLocale", of("LocaleSidKey")),
        ("userName", of("Username")),
        ("userTimeZone", of("TimeZoneSidKey")),
        ("userType", "Standard".to_owned()),
    ]
    .iter()
    .map(|(name, value)| format!("<{name}>{value}</{name}>"))
    .collect();
    let sandbox = server.options.edition == crate::sandbox::Edition::Sandbox;
    envelope(
        200,
        &format!(
            "<loginResponse><result><metadataServerUrl>{base}/services/Soap/m/{version}/{short}</metadataServerUrl><passwordExpired>false</passwordExpired><sandbox>{sandbox}</sandbox><serverUrl>{base}/services/Soap/u/{version}/{short}</serverUrl><sessionId>{}</sessionId><userId>{user}</userId><userInfo>{info}</userInfo></result></loginResponse>",
            escape(&issued.access),
            short = org_id.short(),
            version = escape(version),
        ),
    )
}

fn fault(code: &str, text: &str) -> Reply {
    envelope(
        500,
        &format!(
            "<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {text}</faultstring><detail><sf:LoginFault xsi:type=\"sf:LoginFault\"><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{text}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
        ),
    )
}

fn envelope(status: u16, body: &str) -> Reply {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:partner.soap.sforce.com\" xmlns:sf=\"urn:fault.partner.soap.sforce.com\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    );
    Reply::of(status, Content::other("text/xml;charset=UTF-8", text))
}
