//! A small XML reader for request bodies, and JSON written as XML (salesforce-api 2.1).
//!
//! Reads elements, attributes, text, CDATA and the five named entities; a document type is
//! refused, so nothing can be made to grow. Invariant: no text makes it panic, and nesting is
//! bounded.

use serde_json::{Map, Value as Json, json};

use super::{fail::Fail, xml::escape};

/// Bytes of a document; its elements take several times as much.
const LARGEST: usize = 32 << 20;
/// How deep elements may nest.
const DEPTH: usize = 60;
/// What JSON cannot say without: elements that are a list even when there is one of them.
const LISTS: [&str; 5] = ["records", "batchRequests", "ids", "fields", "sobjects"];
/// Elements that are true or false for the call itself.
const FLAGS: [&str; 2] = ["allOrNone", "haltOnError"];

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Without its prefix.
    pub name: String,
    /// With their prefixes.
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    /// All text directly inside.
    pub text: String,
}

fn broken(why: &str) -> Fail {
    Fail::new(
        "XML_PARSER_ERROR",
        format!("The request body is no valid XML: {why}"),
    )
}

/// Reads a document: its root.
pub fn parse(text: &str) -> Result<Element, Fail> {
    if text.len() > LARGEST {
        return Err(Fail::too_large());
    }
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    let mut open: Vec<Element> = Vec::new();
    loop {
        let Some(cut) = rest.find('<') else {
            return Err(broken("an element is not closed"));
        };
        match open.last_mut() {
            Some(element) => element.text.push_str(&unescape(&rest[..cut])?),
            None if rest[..cut].trim().is_empty() => {}
            None => return Err(broken("text outside of the root")),
        }
        rest = &rest[cut..];
        if let Some(tail) = rest.strip_prefix("<!--") {
            rest = behind(tail, "-->")?.1;
        } else if let Some(tail) = rest.strip_prefix("<![CDATA[") {
            let (inside, tail) = behind(tail, "]]>")?;
            let element = open
                .last_mut()
                .ok_or_else(|| broken("text outside of the root"))?;
            element.text.push_str(inside);
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix("<?") {
            rest = behind(tail, "?>")?.1;
        } else if rest.starts_with("<!") {
            return Err(broken("a document type is not allowed"));
        } else if let Some(tail) = rest.strip_prefix("</") {
            let (name, tail) = behind(tail, ">")?;
            rest = tail;
            let done = open.pop().filter(|e| e.name == local(name.trim()));
            let done = done.ok_or_else(|| broken("an end tag has no beginning"))?;
            match open.last_mut() {
                Some(parent) => parent.children.push(done),
                None => return ended(rest, done),
            }
        } else {
            let (element, closed, tail) = tag(&rest[1..])?;
            rest = tail;
            match (closed, open.last_mut()) {
                (Closed::Yes, Some(parent)) => parent.children.push(element),
                (Closed::Yes, None) => return ended(rest, element),
                (Closed::No, _) => open.push(element),
            }
            if open.len() > DEPTH {
                return Err(broken("it nests too deep"));
            }
        }
    }
}

enum Closed {
    Yes,
    No,
}

fn ended(rest: &str, root: Element) -> Result<Element, Fail> {
    match rest.trim().is_empty() || rest.trim_start().starts_with("<!--") {
        true => Ok(root),
        false => Err(broken("something follows the root")),
    }
}

fn behind<'t>(text: &'t str, end: &str) -> Result<(&'t str, &'t str), Fail> {
    text.split_once(end)
        .ok_or_else(|| broken(&format!("'{end}' is missing")))
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Reads a start tag behind its bracket.
fn tag(text: &str) -> Result<(Element, Closed, &str), Fail> {
    let end = text.find(|c: char| c.is_whitespace() || c == '>' || c == '/');
    let (name, mut rest) = text.split_at(end.ok_or_else(|| broken("a tag is not closed"))?);
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return Err(broken("an element has no name"));
    }
    let mut element = Element {
        name: local(name).to_owned(),
        ..Element::default()
    };
    loop {
        rest = rest.trim_start();
        if let Some(tail) = rest.strip_prefix("/>") {
            return Ok((element, Closed::Yes, tail));
        }
        if let Some(tail) = rest.strip_prefix('>') {
            return Ok((element, Closed::No, tail));
        }
        let (name, tail) = behind(rest, "=")?;
        let tail = tail.trim_start();
        let quote = tail.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.ok_or_else(|| broken("an attribute is not quoted"))?;
        let (value, tail) = behind(&tail[1..], if quote == '"' { "\"" } else { "'" })?;
        let name = name.trim().to_owned();
        element.attributes.push((name, unescape(value)?));
        rest = tail;
    }
}

fn unescape(text: &str) -> Result<String, Fail> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('&') {
        out.push_str(head);
        let (name, tail) = behind(tail, ";")?;
        let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok();
        let found = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
                (Some(hex), _) => number(hex, 16).and_then(char::from_u32),
                (None, Some(digits)) => number(digits, 10).and_then(char::from_u32),
                _ => None,
            },
        };
        out.push(found.ok_or_else(|| broken("an entity is not known"))?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// What it says, as JSON would: text as strings, `nil` as null, elements as an object.
    pub fn json(&self) -> Json {
        let nil = self
            .attributes
            .iter()
            .find(|(name, _)| local(name) == "nil");
        if nil.is_some_and(|(_, value)| value == "true" || value == "1") {
            return Json::Null;
        }
        let about: Map<String, Json> = ["type", "referenceId", "url"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), json!(self.attribute(name)?))))
            .collect();
        if self.children.is_empty() && about.is_empty() {
            return match FLAGS.contains(&&*self.name) {
                true => json!(self.text.trim() == "true"),
                false => json!(self.text),
            };
        }
        let mut map = Map::new();
        for child in &self.children {
            let value = child.json();
            match map.get_mut(&child.name) {
                Some(Json::Array(list)) => list.push(value),
                Some(one) => *one = json!([one.take(), value]),
                None if LISTS.contains(&&*child.name) => {
                    map.insert(child.name.clone(), json!([value]));
                }
                None => {
                    map.insert(child.name.clone(), value);
                }
            }
        }
        if !about.is_empty() {
            map.insert("attributes".to_owned(), Json::Object(about));
        }
        Json::Object(map)
    }
}

const XSI: &str = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";

/// A document of JSON: a list becomes elements of one name inside the root.
pub fn document(root: &str, item: &str, value: &Json) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned();
    match value {
        Json::Array(_) => {
            out.push_str(&format!("<{root} {XSI}>"));
            write(&mut out, item, value, "");
            out.push_str(&format!("</{root}>"));
        }
        one => write(&mut out, root, one, &format!(" {XSI}")),
    }
    out
}

/// An element of JSON; a list becomes several.
pub fn element(name: &str, value: &Json) -> String {
    let mut out = String::new();
    write(&mut out, name, value, "");
    out
}

/// Appends an element; `more` are attributes already written.
fn write(out: &mut String, name: &str, value: &Json, more: &str) {
    let name = &element_name(name);
    match value {
        Json::Array(list) => list.iter().for_each(|one| write(out, name, one, more)),
        Json::Null => out.push_str(&format!("<{name}{more} xsi:nil=\"true\"/>")),
        Json::Object(map) => {
            out.push_str(&format!("<{name}{more}"));
            if let Some(Json::Object(about)) = map.get("attributes") {
                for (key, value) in about {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    out.push_str(&format!(" {key}=\"{}\"", escape(&text)));
                }
            }
            out.push('>');
            for (key, value) in map.iter().filter(|(key, _)| *key != "attributes") {
                write(out, key, value, "");
            }
            out.push_str(&format!("</{name}>"));
        }
        Json::String(text) => {
            out.push_str(&format!("<{name}{more}>{}</{name}>", escape(&lawful(text))));
        }
        other => out.push_str(&format!("<{name}{more}>{other}</{name}>")),
    }
}

/// A name that an element can have.
fn element_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut out: String = name
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .collect();
    if !out.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        out.insert(0, '_');
    }
    out
}

/// Text without the control characters that XML cannot hold.
fn lawful(text: &str) -> String {
    let lawful = |c: &char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    text.chars().filter(lawful).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bodies_become_json() {
        let text = "<?xml version=\"1.0\"?><!-- a --><s:Account xmlns:s='u' xmlns:xsi=\"x\">\
            <Name>A &amp; B &#x263A;</Name><Phone xsi:nil=\"true\"/><s:Note xsi:type=\"xsd:string\"><![CDATA[<b>]]></s:Note><Fax/></s:Account>";
        let read = parse(text).unwrap();
        assert_eq!(read.name, "Account");
        let expected = json!({"Name": "A & B \u{263a}", "Phone": null, "Note": "<b>", "Fax": ""});
        assert_eq!(read.json(), expected);
        let tree = parse(
            "<r><allOrNone>true</allOrNone><records type=\"Lead\" referenceId=\"1\"><LastName>x</LastName></records></r>",
        );
        let expected = json!({"allOrNone": true, "records": [
            {"attributes": {"type": "Lead", "referenceId": "1"}, "LastName": "x"}]});
        assert_eq!(tree.unwrap().json(), expected);
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        let deep = "<a>".repeat(100);
        for text in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "<a/>x",
            "<a b=c/>",
            "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
            "<a>&x;</a>",
            "<a>&#xD800;</a>",
            "<1/>",
            "<a><![CDATA[",
            &deep,
        ] {
            assert_eq!(parse(text).unwrap_err().code, "XML_PARSER_ERROR", "{text}");
        }
    }

    #[test]
    fn json_becomes_elements() {
        let record = json!({"attributes": {"type": "Lead", "url": "/x"}, "Name": "<a>", "Fax": null, "n": 1.5});
        let text = document(
            "QueryResult",
            "",
            &json!({"done": true, "records": [record]}),
        );
        assert!(
            text.contains("<done>true</done><records type=\"Lead\" url=\"/x\">"),
            "{text}"
        );
        assert!(text.contains("<Name>&lt;a&gt;</Name>"), "{text}");
        assert!(text.contains("<Fax xsi:nil=\"true\"/>"), "{text}");
        let errors = document(
            "Errors",
            "Error",
            &json!([{"message": "a"}, {"message": "b"}]),
        );
        assert!(
            errors.ends_with(
                "<Error><message>a</message></Error><Error><message>b</message></Error></Errors>"
            ),
            "{errors}"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_fail(text in "[<>/a-c!\\[\\]\\-?&;#x'\"= \\PC]{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_written_can_be_read(texts in proptest::collection::vec("\\PC{0,20}", 0..5), key in "\\PC{0,10}") {
            let texts: Vec<String> = texts.iter().map(|t| lawful(t)).collect();
            let value = json!({"ids": texts, "o": {key: "x"}});
            let read = parse(&document("Root", "i", &value)).unwrap();
            let back = read.json();
            prop_assert_eq!(back.get("ids").cloned().unwrap_or(json!([])), json!(texts));
        }
    }
}
