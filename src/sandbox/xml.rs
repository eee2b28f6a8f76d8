//! The little XML that old calls need: one element out, text in. It is no parser.

/// The text of the first element of a name, with or without a prefix.
pub fn element(xml: &str, name: &str) -> Option<String> {
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>')?;
        let tag = rest[..end].split_whitespace().next().unwrap_or_default();
        let local = tag.rsplit(':').next().unwrap_or_default();
        let inside = &rest[end + 1..];
        if local == name && !tag.starts_with('/') {
            return Some(unescape(&inside[..inside.find('<')?]));
        }
        rest = inside;
    }
    None
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
    }

    proptest! {
        #[test]
        fn text_survives_and_nothing_makes_it_fail(text in "\\PC{0,40}") {
            prop_assert_eq!(unescape(&escape(&text)), text.clone());
            let _ = element(&text, "username");
        }
    }
}
