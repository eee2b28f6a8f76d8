//! `POST /parameterizedSearch` (salesforce-api 4, SOSL): the words go as JSON, so that none of them
//! can change what is asked.

use bytes::Bytes;
use futures::FutureExt;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::super::Answer;
use super::super::error::CrmError;
use super::super::search::{CrmFound, CrmSearch, LEAST, SearchIn};
use super::Salesforce;
use super::call::Call;
use super::errors::{Intent, bad_body, not_sent};
use super::soql;
use crate::domain::id::{CrmId, FieldName, ObjectName};

/// Rows of one search at most.
const MOST: usize = 2_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    search_records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    attributes: Attributes,
    #[serde(rename = "Id")]
    id: CrmId,
    #[serde(flatten)]
    fields: Map<String, Json>,
}

#[derive(Deserialize)]
struct Attributes {
    r#type: String,
}

impl Record {
    fn found(self, objects: &[SearchIn]) -> Option<CrmFound> {
        let object = ObjectName::new(self.attributes.r#type);
        let asked = objects.iter().find(|o| o.object == object)?;
        let text = |name: &FieldName| self.fields.get(name.as_str())?.as_str();
        let name: Vec<&str> = asked.name.iter().filter_map(text).collect();
        Some(CrmFound {
            name: name.join(" "),
            object,
            id: self.id,
        })
    }
}

/// The words as the search wants them: no operators, and each also the beginning of a word.
///
/// # Errors
/// Too little to search for.
fn words(text: &str) -> Result<String, CrmError> {
    let plain: String = text
        .chars()
        .map(|c| match c {
            c if c.is_alphanumeric() || "@._-'".contains(c) => c,
            _ => ' ',
        })
        .collect();
    let words: Vec<String> = plain
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        // In quotes an operator is a word like any other.
        .map(|word| match word {
            "AND" | "OR" | "NOT" => format!("\"{word}\""),
            word => format!("{word}*"),
        })
        .collect();
    let letters = plain.chars().filter(|c| c.is_alphanumeric()).count();
    if letters < LEAST {
        return Err(not_sent(format!(
            "a search in Salesforce needs {LEAST} letters or digits"
        )));
    }
    Ok(words.join(" "))
}

impl Salesforce {
    async fn find(
        &self,
        text: &str,
        objects: &[SearchIn],
        most: usize,
    ) -> Result<Vec<CrmFound>, CrmError> {
        let mut asked = Vec::with_capacity(objects.len());
        for one in objects {
            let mut fields = vec!["Id"];
            for name in &one.name {
                fields.push(soql::name(name.as_str())?);
            }
            asked.push(json!({
                "name": soql::name(one.object.as_str())?, "fields": fields, "limit": most,
            }));
        }
        let body = json!({
            "q": words(text)?, "in": "ALL", "sobjects": asked, "overallLimit": MOST,
        });
        let path = self.path("parameterizedSearch/");
        let call = Call::with_body(Method::POST, path, Bytes::from(body.to_string()));
        self.call(&call, Intent::Read, |reply| {
            let found: Found = serde_json::from_slice(&reply.body)
                .map_err(|_| bad_body(reply, Intent::Read, "not a list of records"))?;
            let records = found.search_records.into_iter();
            Ok(records.filter_map(|r| r.found(objects)).collect())
        })
        .await
    }
}

impl CrmSearch for Salesforce {
    fn search<'a>(
        &'a self,
        text: &'a str,
        objects: &'a [SearchIn],
        most: usize,
    ) -> Answer<'a, Vec<CrmFound>> {
        self.find(text, objects, most).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words_whatever_they_hold() {
        assert_eq!(words("ada love").unwrap(), "ada* love*");
        assert_eq!(words("a{b} OR \"c?*\" ~d").unwrap(), "a* b* \"OR\" c* d*");
        assert_eq!(words("ada@b.example").unwrap(), "ada@b.example*");
        for nothing in ["", " ", "a", "?*", "---"] {
            assert_eq!(words(nothing).unwrap_err().code, "not_sent", "{nothing:?}");
        }
    }
}
