//! Undoing changes.

use super::*;
use crate::sandbox::value::Value;

fn org() -> (Org, ObjIx, FieldIx) {
    let schema = Arc::new(Schema::load().unwrap());
    let lead = schema.object("Lead").unwrap();
    let key = schema.at(lead).field("Syncdeck_Key__c").unwrap();
    (Org::new(schema, SfId::MIN, "Test"), lead, key)
}

#[test]
fn rollback_restores_records_and_indexes() {
    let (mut org, lead, key) = org();
    let id = org.next_id(lead);
    let mut first = Record::new(id, id, 100);
    first.set(key, Value::text("Abc"));
    let row = org.insert(lead, first.clone());
    org.commit();

    let mark = org.savepoint();
    let mut second = first.clone();
    second.stamp = 200;
    second.set(key, Value::text("xyz"));
    org.put(lead, row, Some(second));
    let other = org.next_id(lead);
    org.insert(lead, Record::new(other, id, 200));
    assert_eq!(
        org.with_value(lead, key, Ref::Text("Abc")).unwrap(),
        [0u32; 0]
    );
    org.rollback(mark);

    assert_eq!(org.table(lead).row(row), Some(&first));
    assert_eq!(org.with_value(lead, key, Ref::Text("Abc")).unwrap(), [row]);
    assert_eq!(
        org.with_value(lead, key, Ref::Text("abc")).unwrap(),
        [0u32; 0]
    );
    assert_eq!(org.table(lead).by_stamp.len(), 1);
    assert_eq!(org.find(other), None);
}
