//! The little XML that old calls need: one element out, text in. It is no parser.

/// The text of the first element of a name, with or without a prefix.
pub fn element(xml: &str, name: &str) -> Option<String> {
    elements(xml, name).into_iter().next()
}

/// The texts of all elements of a name, up to the next tag.
pub fn elements(xml: &str, name: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = xml;
    while let Some((_, tail)) = rest.split_once('<') {
        let Some((tag, inside)) = tail.split_once('>') else {
            break;
        };
        rest = inside;
        let word = tag
            .split([' ', '\t', '\r', '\n'])
            .next()
            .unwrap_or_default();
        let bare = word.trim_end_matches('/');
        let local = bare.rsplit(':').next().unwrap_or_default();
        if local != name || word.starts_with('/') {
            continue;
        }
        if tag.ends_with('/') {
            out.push(String::new());
        } else if let Some((text, _)) = inside.split_once('<') {
            out.push(unescape(text));
        }
    }
    out
}

/// What stands inside each element of a name, tags and all. Elements of a name do not nest.
pub fn sections<'x>(xml: &'x str, name: &str) -> Vec<&'x str> {
    let mut out = Vec::new();
    let mut begun = None;
    let mut at = 0;
    while let Some(from) = xml[at..].find('<').map(|i| at + i) {
        let Some(to) = xml[from..].find('>').map(|i| from + i) else {
            break;
        };
        at = to + 1;
        let tag = &xml[from + 1..to];
        let word = tag.split_whitespace().next().unwrap_or_default();
        let local = word.trim_matches('/').rsplit(':').next();
        match (local == Some(name), word.starts_with('/'), begun) {
            (true, true, Some(start)) => {
                out.push(&xml[start..from]);
                begun = None;
            }
            (true, false, None) if !tag.ends_with('/') => begun = Some(at),
            _ => {}
        }
    }
    out
}

/// Makes text safe inside XML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_are_found_with_and_without_prefix() {
        let xml = "<?xml version=\"1.0\"?><e:B><n1:login xmlns:n1=\"u\"><n1:username>a&amp;b</n1:username><password></password></n1:login></e:B>";
        assert_eq!(element(xml, "username").as_deref(), Some("a&b"));
        assert_eq!(element(xml, "password").as_deref(), Some(""));
        assert_eq!(element(xml, "sessionId"), None);
        assert_eq!(
            elements("<a>1</a><b/><x:a>2</x:a><a/>", "a"),
            ["1", "2", ""]
        );
        let xml = "<x:w a='1'><b>1</b></x:w><w/><w><b>2</b></w>";
        assert_eq!(sections(xml, "w"), ["<b>1</b>", "<b>2</b>"]);
    }

    proptest! {
        #[test]
        fn text_survives_and_nothing_makes_it_fail(text in "\\PC{0,40}") {
            prop_assert_eq!(unescape(&escape(&text)), text.clone());
            let _ = element(&text, "username");
            let _ = sections(&text, "username");
        }
    }
}
