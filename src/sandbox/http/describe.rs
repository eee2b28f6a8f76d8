//! Describe: global, basic, full (salesforce-api 2.3). The keys are those of a real org.

use serde_json::{Value as Json, json};

use super::{
    Call, Reply,
    condition::{Condition, condition},
    recent,
    rest::Context,
};
use crate::sandbox::{
    automation::{access, sees},
    org::{Org, record_types_of},
    schema::{Field, Kind, ObjIx, Object, OnDelete},
    soql::scope::scopes,
    time,
};

/// Answers 304 when the caller has it already.
pub fn conditional(call: &Call, org: &Org, make: impl FnOnce() -> Reply) -> Reply {
    match condition(call, org.described, None) {
        Ok(Condition::NotModified) => Reply::empty(304),
        _ => make().header("Last-Modified", time::http_date(org.described)),
    }
}

/// `GET /sobjects/`
pub fn global(context: &Context<'_>, org: &Org) -> Reply {
    let list: Vec<Json> = org
        .schema
        .each()
        .map(|(_, o)| summary(context, o))
        .collect();
    Reply::json(
        200,
        &json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": list}),
    )
}

/// `GET /sobjects/{Obj}`
pub fn basic(context: &Context<'_>, org: &Org, object: ObjIx) -> Reply {
    Reply::json(
        200,
        &json!({"objectDescribe": summary(context, org.schema.at(object)), "recentItems": recent::of_object(context, org, object)}),
    )
}

/// The keys that a summary and a full describe share.
fn summary(context: &Context<'_>, object: &Object) -> Json {
    let open = !object.setup();
    let base = format!(
        "/services/data/v{}/sobjects/{}",
        context.version, object.name
    );
    json!({
        "activateable": false,
        "associateEntityType": null,
        "associateParentEntity": null,
        "createable": open && object.name != "ContentDocument",
        "custom": object.custom(),
        "customSetting": false,
        "deepCloneable": false,
        "deletable": open,
        "deprecatedAndHidden": false,
        "feedEnabled": open,
        "hasSubtypes": false,
        "isInterface": false,
        "isSubtype": false,
        "keyPrefix": object.prefix_text(),
        "label": object.label,
        "labelPlural": object.plural,
        "layoutable": open,
        "mergeable": object.mergeable(),
        "mruEnabled": open,
        "name": object.name,
        "queryable": true,
        "replicateable": true,
        "retrieveable": true,
        "searchable": open,
        "triggerable": open,
        "undeletable": open,
        "updateable": open,
        "urls": urls(&base, open),
    })
}

fn urls(base: &str, laid_out: bool) -> Json {
    let mut urls = json!({
        "rowTemplate": format!("{base}/{{ID}}"),
        "describe": format!("{base}/describe"),
        "sobject": base,
    });
    let more = [
        "describe/compactLayouts",
        "describe/approvalLayouts",
        "listviews",
        "quickActions",
        "describe/layouts",
    ];
    for path in more.iter().filter(|_| laid_out) {
        let name = path.rsplit('/').next().unwrap_or(path);
        urls[name] = json!(format!("{base}/{path}"));
    }
    urls
}

/// `GET /sobjects/{Obj}/describe`
pub fn full(context: &Context<'_>, org: &Org, object_ix: ObjIx) -> Reply {
    let object = org.schema.at(object_ix);
    let mut json = summary(context, object);
    let children: Vec<Json> = org
        .schema
        .children(object_ix)
        .into_iter()
        .map(|child| {
            let from = org.schema.at(child.object);
            let field = from.at(child.field);
            json!({
                "cascadeDelete": field.on_delete() == OnDelete::Cascade,
                "childSObject": from.name,
                "deprecatedAndHidden": false,
                "field": field.name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": from.child_relationship(field),
                "restrictedDelete": field.on_delete() == OnDelete::Restrict,
            })
        })
        .collect();
    let fields: Vec<Json> = object
        .each()
        .filter(|(_, f)| sees(org, Some(context.user), object_ix, f))
        .map(|(ix, f)| {
            let today = Today {
                restricted: org.restricted.contains(&(object_ix, ix)),
                required: org.required.contains(&(object_ix, ix)),
                read_only: access(org, Some(context.user), object_ix, f).is_some(),
                retired: org.retired_of(object_ix, ix).collect(),
            };
            field_json(f, &today)
        })
        .collect();
    let url = context.server.url();
    let prefix = object.prefix_text();
    for (name, address) in [
        ("uiDetailTemplate", format!("{url}/{{ID}}")),
        ("uiEditTemplate", format!("{url}/{{ID}}/e")),
        ("uiNewRecord", format!("{url}/{prefix}/e")),
    ] {
        json["urls"][name] = json!(address);
    }
    let rest = json!({
        "actionOverrides": [],
        "childRelationships": children,
        "compactLayoutable": !object.setup(),
        "defaultImplementation": null,
        "extendedBy": null,
        "extendsInterfaces": null,
        "fields": fields,
        "implementedBy": null,
        "implementsInterfaces": null,
        "listviewable": null,
        "lookupLayoutable": null,
        "namedLayoutInfos": [],
        "networkScopeFieldName": null,
        "recordTypeInfos": record_types(context, org, object),
        "searchLayoutable": !object.setup(),
        "sobjectDescribeOption": "FULL",
        "supportedScopes": scopes(&org.schema, object)
            .into_iter()
            .map(|(name, label)| json!({"label": label, "name": name}))
            .collect::<Vec<Json>>(),
    });
    join(&mut json, rest);
    json.sort_all_objects();
    Reply::json(200, &json)
}

/// The record types of an object; Master is always one of them.
fn record_types(context: &Context<'_>, org: &Org, object: &Object) -> Vec<Json> {
    let of = |name: &str, developer: &str, id: &str, master: bool, default: bool| {
        let layout = format!(
            "/services/data/v{}/sobjects/{}/describe/layouts/{id}",
            context.version, object.name
        );
        json!({
            "active": true, "available": true, "defaultRecordTypeMapping": default,
            "developerName": developer, "master": master, "name": name,
            "recordTypeId": id, "urls": {"layout": layout},
        })
    };
    let types = record_types_of(org, &object.name);
    let master = of(
        "Master",
        "Master",
        "012000000000000AAA",
        true,
        types.is_empty(),
    );
    let mut list: Vec<Json> = types
        .iter()
        .enumerate()
        .map(|(i, (id, name, developer))| of(name, developer, &id.to_string(), false, i == 0))
        .collect();
    list.push(master);
    list
}

fn type_of(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Id => ("id", "tns:ID"),
        Kind::Text => ("string", "xsd:string"),
        Kind::TextArea => ("textarea", "xsd:string"),
        Kind::Phone => ("phone", "xsd:string"),
        Kind::Url => ("url", "xsd:string"),
        Kind::Email => ("email", "xsd:string"),
        Kind::Picklist => ("picklist", "xsd:string"),
        Kind::Combobox => ("combobox", "xsd:string"),
        Kind::Multipicklist => ("multipicklist", "xsd:string"),
        Kind::Reference => ("reference", "tns:ID"),
        Kind::Boolean => ("boolean", "xsd:boolean"),
        Kind::Int => ("int", "xsd:int"),
        Kind::Double => ("double", "xsd:double"),
        Kind::Currency => ("currency", "xsd:double"),
        Kind::Percent => ("percent", "xsd:double"),
        Kind::Date => ("date", "xsd:date"),
        Kind::DateTime => ("datetime", "xsd:dateTime"),
        Kind::Address => ("address", "urn:address"),
        Kind::Base64 => ("base64", "xsd:base64Binary"),
    }
}

/// Whether a field may stand in an aggregate function.
fn aggregatable(field: &Field) -> bool {
    !matches!(
        field.kind,
        Kind::Boolean | Kind::Base64 | Kind::Address | Kind::Multipicklist
    ) && (field.groupable() || field.sortable())
}

/// What the administrator made of a field besides the schema.
#[derive(Debug)]
struct Today<'o> {
    restricted: bool,
    required: bool,
    read_only: bool,
    /// Values its picklist has no more.
    retired: Vec<&'o str>,
}

/// References that a search cannot be narrowed by.
const UNSEARCHED: [&str; 5] = [
    "MasterRecordId",
    "RecordTypeId",
    "OwnerId",
    "CreatedById",
    "LastModifiedById",
];
/// Fields whose access is not a matter of profiles though they may be written and left empty, and
/// those of which it is though they may not.
const FOR_ALL: [&str; 11] = [
    "RecordTypeId",
    "IsPartner",
    "IsCustomerPortal",
    "Status",
    "Comments",
    "FirstName",
    "Salutation",
    "EmailBouncedReason",
    "EmailBouncedDate",
    "IsUnreadByOwner",
    "ForecastCategoryName",
];
const FOR_SOME: [&str; 2] = ["ExpectedRevenue", "ClosedDate"];

/// Whether a profile says who sees a field.
fn permissionable(field: &Field) -> bool {
    let name = &*field.name;
    let written = field.createable() || field.updateable();
    let chosen = written && (field.nillable() || field.kind == Kind::Boolean);
    let shown = field.kind == Kind::Address || field.formula() || FOR_SOME.contains(&name);
    (chosen || shown) && !FOR_ALL.contains(&name)
}

/// What a field is besides its type.
fn extra_type(field: &Field) -> Json {
    match (field.kind, field.compound.as_deref(), &*field.name) {
        (Kind::TextArea, ..) => json!("plaintextarea"),
        (_, _, "PhotoUrl") => json!("imageurl"),
        (_, Some("Name"), "Name") => json!("switchablepersonname"),
        (_, Some("Name"), _) => json!("personname"),
        (Kind::Text, _, "Name") if field.label == "Full Name" => json!("personname"),
        _ => Json::Null,
    }
}

fn field_json(field: &Field, today: &Today<'_>) -> Json {
    let (kind, soap) = type_of(field.kind);
    let int = field.kind == Kind::Int;
    let many = field.targets.len() > 1;
    let picks: Vec<Json> = field
        .picks
        .iter()
        .filter(|value| !today.retired.contains(&value.as_str()))
        .map(|value| {
            json!({
                "active": true,
                "defaultValue": field.default.as_ref() == Some(value),
                "label": value,
                "validFor": null,
                "value": value,
            })
        })
        .collect();
    let bytes = match field.kind {
        Kind::Id | Kind::Reference => 18,
        _ => field.length * 3,
    };
    let default = match field.kind {
        Kind::Boolean => json!(false),
        _ => json!(field.default),
    };
    let mut all = json!({
        "aggregatable": aggregatable(field),
        "aiPredictionField": false,
        "autoNumber": field.auto_number(),
        "byteLength": bytes,
        "calculated": field.formula(),
        "calculatedFormula": null,
        "cascadeDelete": field.custom() && field.on_delete() == OnDelete::Cascade,
        "caseSensitive": field.case_sensitive(),
        "compoundFieldName": field.compound,
        "controllerName": null,
        "createable": field.createable() && !today.read_only,
        "custom": field.custom(),
        "defaultValue": default,
        "defaultValueFormula": null,
        "defaultedOnCreate": field.defaulted(),
        "dependentPicklist": false,
        "deprecatedAndHidden": false,
        "digits": if int { field.precision } else { 0 },
        "displayLocationInDecimal": false,
        "encrypted": false,
        "externalId": field.external_id(),
        "extraTypeInfo": extra_type(field),
        "filterable": field.filterable(),
        "filteredLookupInfo": null,
        "formulaTreatNullNumberAsZero": false,
        "groupable": field.groupable(),
        "highScaleNumber": false,
        "htmlFormatted": false,
    });
    // In two parts, since the macro has a limit to its depth.
    let rest = json!({
        "idLookup": field.id_lookup(),
        "inlineHelpText": null,
        "label": field.label,
        "length": field.length,
        "mask": null,
        "maskType": null,
        "name": field.name,
        "nameField": field.is_name(),
        "namePointing": many,
        "nillable": field.nillable() && !today.required,
        "permissionable": permissionable(field),
        "picklistValues": picks,
        "polymorphicForeignKey": many,
        "precision": if int { 0 } else { field.precision },
        "queryByDistance": field.kind == Kind::Address,
        "referenceTargetField": null,
        "referenceTo": field.targets,
        "relationshipName": field.relationship(),
        "relationshipOrder": null,
        "restrictedDelete": field.custom() && field.on_delete() == OnDelete::Restrict,
        "restrictedPicklist": field.restricted() || today.restricted,
        "scale": field.scale,
        "searchPrefilterable": field.kind == Kind::Reference && !UNSEARCHED.contains(&&*field.name),
        "soapType": soap,
        "sortable": field.sortable(),
        "type": kind,
        "unique": field.unique(),
        "updateable": field.updateable() && !today.read_only,
        "writeRequiresMasterRead": false,
    });
    join(&mut all, rest);
    all
}

fn join(all: &mut Json, rest: Json) {
    if let (Json::Object(all), Json::Object(rest)) = (all, rest) {
        all.extend(rest);
    }
}
