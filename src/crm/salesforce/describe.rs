//! Answers that describe: objects, identity, organisation, limits (salesforce-api 1.5, 2.3, 2.8).
//!
//! Reads JSON only. Unknown keys and types are ignored, so that a newer API version still works.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value as Json;

use super::super::{ApiUsage, OrgKind};
use crate::domain::budget::Space;
use crate::domain::id::{CrmId, FieldName, ObjectName, OrgId};
use crate::domain::schema::{FieldInfo, ObjectInfo};
use crate::domain::value::FieldKind;

#[derive(Deserialize)]
struct Describe {
    name: String,
    label: String,
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
    #[serde(default)]
    deletable: bool,
    #[serde(default)]
    triggerable: bool,
    fields: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Field {
    name: String,
    label: String,
    r#type: String,
    length: u32,
    scale: u8,
    createable: bool,
    updateable: bool,
    nillable: bool,
    defaulted_on_create: bool,
    calculated: bool,
    unique: bool,
    external_id: bool,
    case_sensitive: bool,
    filterable: bool,
    restricted_picklist: bool,
    picklist_values: Option<Vec<PicklistValue>>,
    reference_to: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct PicklistValue {
    active: bool,
    value: String,
}

/// Reads a full describe.
pub(super) fn object(json: &[u8]) -> Result<ObjectInfo, serde_json::Error> {
    let found: Describe = serde_json::from_slice(json)?;
    Ok(ObjectInfo {
        name: ObjectName::new(found.name),
        label: found.label,
        createable: found.createable,
        updateable: found.updateable,
        deletable: found.deletable,
        triggerable: found.triggerable,
        fields: found
            .fields
            .into_iter()
            .map(|field| (FieldName::new(field.name.clone()), field.into()))
            .collect(),
    })
}

impl From<Field> for FieldInfo {
    fn from(field: Field) -> Self {
        let picklist = field.picklist_values.unwrap_or_default();
        let reference_to = field.reference_to.unwrap_or_default();
        Self {
            kind: kind(&field.r#type, field.scale),
            name: FieldName::new(field.name),
            label: field.label,
            length: field.length,
            createable: field.createable,
            updateable: field.updateable,
            nillable: field.nillable,
            defaulted: field.defaulted_on_create,
            calculated: field.calculated,
            money: field.r#type == "currency",
            unique: field.unique,
            external_id: field.external_id,
            case_sensitive: field.case_sensitive,
            filterable: field.filterable,
            restricted: field.restricted_picklist,
            picklist: picklist
                .into_iter()
                .filter(|item| item.active)
                .map(|item| item.value)
                .collect(),
            reference_to: reference_to.into_iter().map(ObjectName::new).collect(),
        }
    }
}

/// What a describe type holds. A type from the future is not mapped.
fn kind(r#type: &str, scale: u8) -> FieldKind {
    match r#type {
        "string" | "combobox" | "encryptedstring" => FieldKind::Text,
        "textarea" => FieldKind::LongText,
        "email" => FieldKind::Email,
        "phone" => FieldKind::Phone,
        "url" => FieldKind::Url,
        "picklist" => FieldKind::Picklist,
        "multipicklist" => FieldKind::MultiPicklist,
        "boolean" => FieldKind::Bool,
        "int" | "long" => FieldKind::Number { scale: 0 },
        "double" | "currency" | "percent" => FieldKind::Number { scale },
        "date" => FieldKind::Date,
        "datetime" => FieldKind::DateTime,
        "time" => FieldKind::Time,
        "id" | "reference" => FieldKind::Reference,
        _ => FieldKind::Opaque,
    }
}

/// Objects kept, at most; more than any profile syncs.
const MAX_KEPT: usize = 100;

/// Descriptions with the time the org gave them, for the next question.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<HashMap<ObjectName, Known>>);

/// An object as it was described.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) info: ObjectInfo,
    /// `Last-Modified` of the answer, word for word.
    pub(super) modified: String,
}

impl Cache {
    pub(super) fn get(&self, object: &ObjectName) -> Option<Known> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(object).cloned()
    }

    pub(super) fn put(&self, object: &ObjectName, info: &ObjectInfo, modified: String) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KEPT && !known.contains_key(object) {
            known.clear();
        }
        let info = info.clone();
        known.insert(object.clone(), Known { info, modified });
    }
}

/// The signed-in user, from the identity address.
#[derive(Deserialize)]
pub(super) struct User {
    pub(super) user_id: CrmId,
    pub(super) organization_id: CrmId,
    pub(super) username: String,
    #[serde(default)]
    pub(super) display_name: Option<String>,
}

#[derive(Deserialize)]
struct OrgPage {
    records: Vec<Json>,
}

/// Name and kind from the Organization record; production unless it says that it is a sandbox.
pub(super) fn organisation(json: &[u8]) -> Option<(OrgId, String, OrgKind)> {
    let page: OrgPage = serde_json::from_slice(json).ok()?;
    let record = page.records.first()?;
    let id: CrmId = record.get("Id")?.as_str()?.parse().ok()?;
    let name = record
        .get("Name")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let kind = match record.get("IsSandbox").and_then(Json::as_bool) {
        Some(true) => OrgKind::Sandbox,
        _ => OrgKind::Production,
    };
    Some((OrgId::new(id.as_str()), name.to_owned(), kind))
}

/// The query that [`organisation`] reads.
pub(super) const ORGANISATION: &str = "SELECT Id,Name,IsSandbox,OrganizationType FROM Organization";

#[derive(Deserialize)]
struct Limits {
    #[serde(rename = "DailyApiRequests")]
    daily: Limit,
    #[serde(rename = "DataStorageMB")]
    data: Option<Limit>,
    #[serde(rename = "FileStorageMB")]
    files: Option<Limit>,
}

/// One limit of the limits resource.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Limit {
    max: u64,
    /// Below zero after an overrun that was let through.
    remaining: i64,
}

impl Limit {
    pub(super) fn usage(&self) -> ApiUsage {
        let used = i64::try_from(self.max)
            .unwrap_or(i64::MAX)
            .saturating_sub(self.remaining);
        ApiUsage {
            used: u64::try_from(used).unwrap_or(0),
            max: self.max,
        }
    }
}

/// What the limits resource says.
pub(super) struct OrgLimits {
    /// Calls of a day.
    pub(super) calls: ApiUsage,
    /// Room for records, in megabytes.
    pub(super) data: Option<Space>,
    /// Room for files, in megabytes.
    pub(super) files: Option<Space>,
}

/// Reads the limits resource (salesforce-api 2.8).
pub(super) fn limits(json: &[u8]) -> Result<OrgLimits, serde_json::Error> {
    let Limits { daily, data, files } = serde_json::from_slice(json)?;
    let space = |limit: &Limit| {
        let ApiUsage { used, max } = limit.usage();
        Space { used, max }
    };
    Ok(OrgLimits {
        calls: daily.usage(),
        data: data.as_ref().map(space),
        files: files.as_ref().map(space),
    })
}

/// Reads `Sforce-Limit-Info: api-usage=18/5000; …`.
pub(super) fn limit_info(header: &str) -> Option<ApiUsage> {
    let part = header
        .split(';')
        .find_map(|p| p.trim().strip_prefix("api-usage="))?;
    let (used, max) = part.split_once('/')?;
    Some(ApiUsage {
        used: used.trim().parse().ok()?,
        max: max.trim().parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_describe() {
        let json = br#"{"name":"Lead","label":"Lead","createable":true,"updateable":true,"deletable":false,"x":1,"fields":[
            {"name":"AnnualRevenue","label":"Revenue","type":"currency","scale":2,"precision":18,"length":0,"nillable":true,"createable":true,"updateable":true,"filterable":true,"picklistValues":[],"referenceTo":[]},
            {"name":"Status","label":"Status","type":"picklist","length":255,"defaultedOnCreate":true,"restrictedPicklist":true,"picklistValues":[{"active":true,"value":"Open","label":"Offen","validFor":null},{"active":false,"value":"Old","label":"Old"}]},
            {"name":"OwnerId","label":"Owner","type":"reference","length":18,"referenceTo":["Group","User"]},
            {"name":"Address","label":"Address","type":"address","picklistValues":null},
            {"name":"Future","label":"?","type":"hologram"}]}"#;
        let lead = object(json).unwrap();
        let kind = |name: &str| lead.field(name).unwrap().kind;
        assert_eq!(kind("AnnualRevenue"), FieldKind::Number { scale: 2 });
        assert_eq!(kind("OwnerId"), FieldKind::Reference);
        assert_eq!(kind("Address"), FieldKind::Opaque);
        assert_eq!(kind("Future"), FieldKind::Opaque);
        let status = lead.field("Status").unwrap();
        assert_eq!(status.picklist, ["Open"]);
        assert!(status.restricted && status.defaulted);
        assert!(!lead.deletable);
    }

    #[test]
    fn production_until_proven_otherwise() {
        let kind = |flag: &str| {
            let json =
                format!(r#"{{"records":[{{"Id":"00Dxx0000001gPLEAY","Name":"Acme"{flag}}}]}}"#);
            organisation(json.as_bytes()).unwrap().2
        };
        assert_eq!(kind(r#","IsSandbox":true"#), OrgKind::Sandbox);
        for flag in [
            "",
            r#","IsSandbox":false"#,
            r#","IsSandbox":null"#,
            r#","IsSandbox":"true""#,
        ] {
            assert_eq!(kind(flag), OrgKind::Production, "{flag}");
        }
        assert!(organisation(br#"{"records":[]}"#).is_none());
    }

    #[test]
    fn usage() {
        let usage = |used, max| Some(ApiUsage { used, max });
        assert_eq!(limit_info("api-usage=18/5000"), usage(18, 5000));
        assert_eq!(
            limit_info("api-usage=25/5000; per-app-api-usage=17/250(appName=x)"),
            usage(25, 5000)
        );
        assert_eq!(limit_info("nonsense"), None);
        assert_eq!(
            limits(br#"{"DailyApiRequests":{"Max":15000,"Remaining":-5}}"#)
                .ok()
                .map(|l| l.calls),
            usage(15005, 15000)
        );
        let all = limits(
            br#"{"DailyApiRequests":{"Max":9,"Remaining":9},"DataStorageMB":{"Max":5,"Remaining":-1},"X":{"Max":1}}"#,
        )
        .unwrap();
        assert_eq!(all.data, Some(Space { used: 6, max: 5 }));
        assert_eq!(all.files, None, "not everybody may see it");
    }
}
