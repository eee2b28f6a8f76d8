//! Describe: global, basic, full (salesforce-api 2.3). The keys are those of a real org.

use serde_json::{Value as Json, json};

use super::{
    Call, Reply,
    rest::{Condition, Context, condition},
};
use crate::sandbox::{
    org::Org,
    schema::{Field, Kind, ObjIx, Object, OnDelete, Slot},
};

/// When the schema was last changed, as conditional requests see it: long ago.
const CHANGED: i64 = 1_700_000_000;

/// Answers 304 when the caller has it already.
pub fn conditional(_: &Context<'_>, call: &Call, make: impl FnOnce() -> Reply) -> Reply {
    match condition(call, CHANGED) {
        Ok(Condition::NotModified) => Reply::empty(304),
        _ => make().header("Last-Modified", crate::sandbox::time::http_date(CHANGED)),
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
        &json!({"objectDescribe": summary(context, org.schema.at(object)), "recentItems": []}),
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
        "createable": open,
        "custom": false,
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
        "urls": {
            "rowTemplate": format!("{base}/{{ID}}"),
            "describe": format!("{base}/describe"),
            "sobject": base,
        },
    })
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
        .map(|(ix, f)| {
            let today = Today {
                restricted: org.restricted.contains(&(object_ix, ix)),
                required: org.required.contains(&(object_ix, ix)),
            };
            field_json(f, today)
        })
        .collect();
    let layout = format!(
        "/services/data/v{}/sobjects/{}/describe/layouts/012000000000000AAA",
        context.version, object.name
    );
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
        "recordTypeInfos": [{
            "active": true,
            "available": true,
            "defaultRecordTypeMapping": true,
            "developerName": "Master",
            "master": true,
            "name": "Master",
            "recordTypeId": "012000000000000AAA",
            "urls": {"layout": layout},
        }],
        "searchLayoutable": !object.setup(),
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": format!("All {}", object.plural.to_lowercase()), "name": "everything"}],
    });
    join(&mut json, rest);
    json.sort_all_objects();
    Reply::json(200, &json)
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
    }
}

/// What the administrator made of a field besides the schema.
#[derive(Debug, Clone, Copy)]
struct Today {
    restricted: bool,
    required: bool,
}

fn field_json(field: &Field, today: Today) -> Json {
    let (kind, soap) = type_of(field.kind);
    let int = field.kind == Kind::Int;
    let many = field.targets.len() > 1;
    let picks: Vec<Json> = field
        .picks
        .iter()
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
        "aggregatable": field.groupable() || field.sortable(),
        "aiPredictionField": false,
        "autoNumber": field.auto_number(),
        "byteLength": bytes,
        "calculated": false,
        "calculatedFormula": null,
        "cascadeDelete": field.on_delete() == OnDelete::Cascade,
        "caseSensitive": field.case_sensitive(),
        "compoundFieldName": field.compound,
        "controllerName": null,
        "createable": field.createable(),
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
        "extraTypeInfo": if field.kind == Kind::TextArea { json!("plaintextarea") } else { Json::Null },
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
        "permissionable": field.nillable() && field.slot != Slot::Id,
        "picklistValues": picks,
        "polymorphicForeignKey": many,
        "precision": if int { 0 } else { field.precision },
        "queryByDistance": field.kind == Kind::Address,
        "referenceTargetField": null,
        "referenceTo": field.targets,
        "relationshipName": field.relationship(),
        "relationshipOrder": null,
        "restrictedDelete": field.on_delete() == OnDelete::Restrict,
        "restrictedPicklist": field.restricted() || today.restricted,
        "scale": field.scale,
        "searchPrefilterable": field.kind == Kind::Reference,
        "soapType": soap,
        "sortable": field.sortable(),
        "type": kind,
        "unique": field.unique(),
        "updateable": field.updateable(),
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
