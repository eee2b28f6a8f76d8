//! The pages a person sees when signing in. Everything shown is escaped.

/// Makes text safe inside HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n<style>body{{font:16px/1.5 sans-serif;max-width:26em;margin:4em auto;padding:0 1em}}label{{display:block;margin:1em 0 .3em}}input{{width:100%;padding:.5em;font:inherit;box-sizing:border-box}}button{{margin:1.5em .5em 0 0;padding:.5em 1.5em;font:inherit}}.bad{{color:#a00}}</style></head>\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )
}

fn hidden(fields: &[(&str, &str)]) -> String {
    fields
        .iter()
        .map(|(name, value)| {
            format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">\n",
                escape(name),
                escape(value)
            )
        })
        .collect()
}

/// Asks for name and password.
pub fn sign_in(request: &[(&str, &str)], username: &str, wrong: Option<&str>) -> String {
    let wrong = wrong
        .map(|text| format!("<p class=\"bad\">{}</p>\n", escape(text)))
        .unwrap_or_default();
    let body = format!(
        "{wrong}<form method=\"post\" action=\"/services/oauth2/authorize\">\n{}<label for=\"un\">Username</label><input id=\"un\" name=\"un\" value=\"{}\" autocomplete=\"username\" autofocus>\n<label for=\"pw\">Password</label><input id=\"pw\" name=\"pw\" type=\"password\" autocomplete=\"current-password\">\n<button type=\"submit\">Log In</button></form>",
        hidden(request),
        escape(username)
    );
    page("Sandbox org: log in", &body)
}

/// Asks to allow or deny.
pub fn consent(request: &[(&str, &str)], ticket: &str, app: &str, scope: &str) -> String {
    let body = format!(
        "<p><b>{}</b> asks for access to this org: {}.</p>\n<form method=\"post\" action=\"/services/oauth2/authorize\">\n{}<input type=\"hidden\" name=\"ticket\" value=\"{}\">\n<button name=\"decision\" value=\"allow\">Allow</button><button name=\"decision\" value=\"deny\">Deny</button></form>",
        escape(app),
        escape(scope),
        hidden(request),
        escape(ticket)
    );
    page("Allow access?", &body)
}

/// Asks for the code a device shows, and for name and password.
pub fn device(user_code: &str, wrong: Option<&str>) -> String {
    let wrong = wrong
        .map(|text| format!("<p class=\"bad\">{}</p>\n", escape(text)))
        .unwrap_or_default();
    let body = format!(
        "{wrong}<form method=\"post\" action=\"/setup/connect\">\n<label for=\"user_code\">Code</label><input id=\"user_code\" name=\"user_code\" value=\"{}\" autofocus>\n<label for=\"un\">Username</label><input id=\"un\" name=\"un\" autocomplete=\"username\">\n<label for=\"pw\">Password</label><input id=\"pw\" name=\"pw\" type=\"password\" autocomplete=\"current-password\">\n<button name=\"decision\" value=\"allow\">Allow</button><button name=\"decision\" value=\"deny\">Deny</button></form>",
        escape(user_code)
    );
    page("Connect a device", &body)
}

/// Says that the device hears of it.
pub fn device_done() -> String {
    page("Connect a device", "<p>Done. Go back to the device.</p>")
}

/// Says what is wrong; there is no way back to the app.
pub fn error(code: &str, description: &str) -> String {
    page(
        "OAuth Error",
        &format!(
            "<p class=\"bad\">error={}&amp;error_description={}</p>",
            escape(code),
            escape(&description.replace(' ', "%20"))
        ),
    )
}
