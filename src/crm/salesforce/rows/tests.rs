//! Rows are read as the org wrote them, and what is wrong is said.

use std::collections::BTreeMap;

use super::*;
use crate::domain::id::ObjectName;
use crate::domain::schema::FieldInfo;
use crate::domain::value::Value;

/// A lead with the fields the tests use.
pub(in crate::crm::salesforce) fn lead() -> ObjectInfo {
    let kinds = [
        ("Id", FieldKind::Reference),
        ("SystemModstamp", FieldKind::DateTime),
        ("LastModifiedDate", FieldKind::DateTime),
        ("LastModifiedById", FieldKind::Reference),
        ("IsDeleted", FieldKind::Bool),
        ("MasterRecordId", FieldKind::Reference),
        ("IsConverted", FieldKind::Bool),
        ("LastName", FieldKind::Text),
        ("Email", FieldKind::Email),
        ("AnnualRevenue", FieldKind::Number { scale: 2 }),
        ("Address", FieldKind::Opaque),
    ];
    let fields: BTreeMap<_, _> = kinds
        .into_iter()
        .map(|(name, kind)| {
            let info = FieldInfo::new(name, kind, 80);
            (info.name.clone(), info)
        })
        .collect();
    ObjectInfo {
        name: ObjectName::from("Lead"),
        label: "Lead".into(),
        createable: true,
        updateable: true,
        deletable: true,
        triggerable: true,
        fields,
    }
}

fn plan() -> Plan {
    let fields = ["LastName", "AnnualRevenue", "Id", "Address", "LastName"];
    Plan::new(&lead(), &fields.map(FieldName::from))
}

fn row(extra: &str) -> String {
    format!(
        r#"{{"attributes":{{"type":"Lead","url":"/x"}},"Id":"00Qx000000KTaQqEAL","SystemModstamp":"2021-04-08T18:39:16.000+0000"{extra}}}"#
    )
}

#[test]
fn columns_are_asked_once() {
    let columns: Vec<_> = plan()
        .columns()
        .iter()
        .map(|c| c.as_str().to_owned())
        .collect();
    assert_eq!(
        columns,
        [
            "Id",
            "SystemModstamp",
            "LastModifiedDate",
            "LastModifiedById",
            "IsDeleted",
            "MasterRecordId",
            "IsConverted",
            "LastName",
            "AnnualRevenue"
        ]
    );
}

#[test]
fn a_page_becomes_rows() {
    let json = format!(
        r#"{{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v67.0/query/01g-2","records":[{},{}]}}"#,
        row(
            r#","LastName":"Müller","AnnualRevenue":1234.50,"LastModifiedDate":"2021-04-08T18:00:00.000+0000","LastModifiedById":"005xx000001SwiUAAS""#
        ),
        row(
            r#","LastName":null,"IsDeleted":true,"MasterRecordId":"00Qx000000KTaQrEAL","Extra":{"a":[1]}"#
        ),
    );
    let page = page(&plan(), &json).unwrap();
    assert_eq!(page.total, 3);
    assert_eq!(
        page.next.as_deref(),
        Some("/services/data/v67.0/query/01g-2")
    );
    let [one, two] = &page.rows[..] else {
        panic!("two rows")
    };
    assert_eq!(one.fields["LastName"], "Müller".into());
    assert_eq!(
        one.fields["AnnualRevenue"],
        Value::Number("1234.5".parse().unwrap())
    );
    assert_eq!(one.fields["Id"], "00Qx000000KTaQqEAL".into());
    assert!(one.modified < one.stamp);
    assert_eq!(one.presence, CrmPresence::Live);
    assert_eq!(two.fields["LastName"], Value::Null);
    assert!(
        !two.fields.contains_key("AnnualRevenue"),
        "absent stays unknown"
    );
    assert_eq!(
        two.presence,
        CrmPresence::Merged("00Qx000000KTaQr".parse().unwrap())
    );
}

#[test]
fn missing_rows_are_none_where_they_may_be() {
    let json = format!("[null,{}]", row(r#","IsConverted":true"#));
    let found = rows(&plan(), &json).unwrap();
    assert!(found[0].is_none());
    assert_eq!(found[1].as_ref().unwrap().presence, CrmPresence::Converted);
}

#[test]
fn a_broken_page_is_no_page() {
    let good = format!(r#"{{"totalSize":1,"done":true,"records":[{}]}}"#, row(""));
    assert!(page(&plan(), &good).is_ok());
    for cut in 0..good.len() {
        assert!(page(&plan(), &good[..cut]).is_err(), "{}", &good[..cut]);
    }
    for bad in [
        r#"{"totalSize":1,"done":true,"records":[null]}"#.to_owned(),
        r#"{"totalSize":1,"done":true,"records":[{"Id":"00Qx000000KTaQqEAL"}]}"#.to_owned(),
        r#"{"totalSize":1,"done":true,"records":[{"SystemModstamp":"2021-04-08T18:39:16.000+0000"}]}"#.to_owned(),
        good.replace("\"done\":true", "\"done\":false"),
        good.replace("\"records\"", "\"rows\""),
        format!("{good}{good}"),
    ] {
        assert!(page(&plan(), &bad).is_err(), "{bad}");
    }
}
