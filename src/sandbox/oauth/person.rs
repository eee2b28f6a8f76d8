//! Who the holder of a token is: userinfo and the identity address (salesforce-api 1.5).

use serde_json::{Value as Json, json};

use crate::sandbox::{
    http::{Call, Reply},
    ids::SfId,
    org::Org,
    server::Server,
    time::stamp_text,
    value::Ref,
};

/// The identity address of a user.
pub fn identity_url(server: &Server, user: SfId) -> String {
    format!("{}/id/{}/{user}", server.url(), server.options.org_id())
}

/// Answers for the person a token belongs to, or as the identity service refuses.
pub fn person(
    server: &Server,
    call: &Call,
    bearer: Option<&str>,
    make: fn(&Server, SfId) -> Json,
) -> Reply {
    let token = bearer
        .or_else(|| call.param("oauth_token"))
        .or_else(|| call.param("access_token"));
    let Some(token) = token else {
        return Reply::text(403, "Missing_OAuth_Token");
    };
    let session = server.oauth().session(token, server.clock.now());
    match session {
        Some(session) => Reply::json(200, &make(server, session.user)),
        None => Reply::text(403, "Bad_OAuth_Token"),
    }
}

/// A field of a user as JSON.
pub fn field(org: &Org, user: SfId, name: &str) -> Json {
    match org
        .record(user)
        .map(|(object, record)| org.value(object, record, name))
    {
        Some(Ref::Text(text)) => json!(text),
        Some(Ref::Bool(b)) => json!(b),
        Some(Ref::Stamp(at)) => json!(stamp_text(at)),
        _ => Json::Null,
    }
}

fn urls(server: &Server, user: SfId) -> Json {
    let base = server.url();
    let org = server.options.org_id();
    json!({
        "enterprise": format!("{base}/services/Soap/c/{{version}}/{}", org.short()),
        "metadata": format!("{base}/services/Soap/m/{{version}}/{}", org.short()),
        "partner": format!("{base}/services/Soap/u/{{version}}/{}", org.short()),
        "rest": format!("{base}/services/data/v{{version}}/"),
        "sobjects": format!("{base}/services/data/v{{version}}/sobjects/"),
        "search": format!("{base}/services/data/v{{version}}/search/"),
        "query": format!("{base}/services/data/v{{version}}/query/"),
        "recent": format!("{base}/services/data/v{{version}}/recent/"),
        "profile": format!("{base}/{user}"),
        "custom_domain": base,
    })
}

/// What the identity address says.
pub fn identity(server: &Server, user: SfId) -> Json {
    let org = server.org();
    let of = |name: &str| field(&org, user, name);
    json!({
        "id": identity_url(server, user),
        "asserted_user": true,
        "user_id": user.to_string(),
        "organization_id": server.options.org_id().to_string(),
        "username": of("Username"),
        "nick_name": of("CommunityNickname"),
        "display_name": of("Name"),
        "email": of("Email"),
        "email_verified": true,
        "first_name": of("FirstName"),
        "last_name": of("LastName"),
        "timezone": of("TimeZoneSidKey"),
        "photos": {"picture": null, "thumbnail": null},
        "addr_street": null,
        "addr_city": of("City"),
        "addr_state": null,
        "addr_country": of("Country"),
        "addr_zip": null,
        "mobile_phone": of("MobilePhone"),
        "mobile_phone_verified": false,
        "is_lightning_login_user": false,
        "status": {"created_date": null, "body": null},
        "urls": urls(server, user),
        "active": of("IsActive"),
        "user_type": "STANDARD",
        "language": of("LanguageLocaleKey"),
        "locale": of("LocaleSidKey"),
        "utcOffset": 0,
        "last_modified_date": of("LastModifiedDate"),
        "is_app_installed": true,
    })
}

/// What `userinfo` says.
pub fn userinfo(server: &Server, user: SfId) -> Json {
    let org = server.org();
    let of = |name: &str| field(&org, user, name);
    json!({
        "sub": identity_url(server, user),
        "user_id": user.to_string(),
        "organization_id": server.options.org_id().to_string(),
        "preferred_username": of("Username"),
        "nickname": of("CommunityNickname"),
        "name": of("Name"),
        "email": of("Email"),
        "email_verified": true,
        "given_name": of("FirstName"),
        "family_name": of("LastName"),
        "zoneinfo": of("TimeZoneSidKey"),
        "photos": {"picture": null, "thumbnail": null},
        "profile": format!("{}/{user}", server.url()),
        "picture": null,
        "urls": urls(server, user),
        "active": of("IsActive"),
        "user_type": "STANDARD",
        "language": of("LanguageLocaleKey"),
        "locale": of("LocaleSidKey"),
        "utcOffset": 0,
        "updated_at": of("LastModifiedDate"),
        "is_app_installed": true,
    })
}
