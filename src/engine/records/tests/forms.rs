//! What is typed for a record: what fits, what is kept, whom it offers.

use super::*;
use crate::domain::form::Occasion;

#[test]
fn values_must_fit_their_fields() {
    let mut pair = crate::domain::preset::preset("whole-crm")
        .unwrap()
        .remove(2);
    pair.app_fields[0].length = 5;
    let fit = |name: &str, value: Value| {
        let given = [(name.into(), value)].into();
        let fitted = values::fitting(&pair, given);
        fitted
            .map(|mut f| f.remove(name).unwrap())
            .map_err(|e| e.message().to_owned())
    };
    let text = |name: &str, value: &str| fit(name, Value::from(value));
    assert_eq!(
        text("amount", " 12.5 "),
        Ok(Value::Number("12.5".parse().unwrap()))
    );
    assert_eq!(
        text("amount", "12,5"),
        Err("amount is a number such as 1250.5, not \"12,5\"".into())
    );
    assert_eq!(
        text("amount", "1.005"),
        Err("amount keeps 2 decimals, and \"1.005\" has more".into())
    );
    assert_eq!(
        text("close_date", "2026-02-28"),
        Ok(Value::Date(jiff::civil::date(2026, 2, 28)))
    );
    assert_eq!(
        text("close_date", "28.2.2026"),
        Err("close_date is a date such as 2026-11-20, not \"28.2.2026\"".into())
    );
    assert_eq!(text("is_won", "yes"), Ok(Value::Bool(true)));
    assert_eq!(
        text("is_won", "maybe"),
        Err("is_won is yes or no, not \"maybe\"".into())
    );
    assert_eq!(
        text("name", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"),
        Ok("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}".into())
    );
    assert_eq!(
        text("name", "123456"),
        Err("name takes 5 characters, and the text has 6".into())
    );
    assert_eq!(
        text("name", "a\nb"),
        Err("name is one line, and the text has several".into())
    );
    assert_eq!(text("description", "a\nb\0"), Ok("a\nb".into()));
    assert_eq!(
        fit("name", Value::Bool(true)),
        Err("name is text, not \"yes\"".into())
    );
    assert_eq!(fit("name", Value::Null), Ok(Value::Null));
    assert_eq!(fit("is_won", Value::Null), Ok(Value::Bool(false)));
    assert_eq!(
        text("nmae", "x"),
        Err("the App table opportunities has no field nmae".into())
    );
}

#[test]
fn what_is_typed_in_a_form_is_kept_until_it_is_forgotten() {
    let desk = Desk::new();
    let key = desk.take_in(0, &some_leads(1)).remove(0);
    let typed = TypedForm {
        rev: 1,
        texts: [
            ("contactEmail".into(), Some("not an addr".into())),
            ("notes".into(), None),
        ]
        .into(),
    };
    keep_form(&desk.state, &name(), Some(&key.app_id), Some(&typed)).unwrap();
    keep_form(&desk.state, &name(), None, Some(&typed)).unwrap();
    let desk = desk.again();
    let view = form(&desk.state, &name(), Some(&key.app_id)).unwrap();
    assert_eq!((view.rev, view.typed.as_ref()), (1, Some(&typed)));
    keep_form(&desk.state, &name(), Some(&key.app_id), None).unwrap();
    let view = form(&desk.state, &name(), Some(&key.app_id)).unwrap();
    assert_eq!(view.typed, None);
    let new = form(&desk.state, &name(), None).unwrap();
    assert_eq!((new.rev, new.typed), (0, Some(typed)));
}

#[test]
fn the_form_of_a_deleted_record_says_who_deleted_it() {
    let desk = Desk::new();
    let key = desk.take_in(0, &some_leads(1)).remove(0);
    delete(&desk.state, &key, 1, "jo", at(5)).unwrap();
    let error = form(&desk.state, &name(), Some(&key.app_id)).unwrap_err();
    assert_eq!(error.kind(), Kind::Changed);
    assert_eq!(error.message(), "the record was deleted by jo");
}

#[test]
fn the_form_of_a_record_that_rests_says_that_nothing_is_sent() {
    let desk = Desk::new();
    let key = desk.take_in(0, &some_leads(1)).remove(0);
    let warned = |field: &str| {
        let view = form(&desk.state, &name(), Some(&key.app_id)).unwrap();
        let field = view.fields.iter().find(|f| f.spec.name.as_str() == field);
        field.unwrap().spec.warning(Occasion::Edit)
    };
    let unsent = Some("stays in the App: nothing of this record is sent");
    for (state, says) in [
        (LinkState::Active, None),
        (LinkState::Converted, unsent),
        (LinkState::OutOfScope, unsent),
        (LinkState::Unreachable, unsent),
        (LinkState::Closed, unsent),
        (LinkState::WaitingParent, None),
    ] {
        stands(&desk, &key.app_id, &state);
        assert_eq!(warned("contactPhone"), says, "{state:?}");
    }
    // Of what Salesforce alone fills that is said before and after.
    let filled = warned("companyName").unwrap();
    assert!(
        filled.starts_with("is filled by Salesforce alone"),
        "{filled}"
    );
}

#[test]
fn a_form_offers_the_users_of_the_org() {
    use crate::domain::form::{Standing, Takes};
    let desk = Desk::new();
    let view = form(&desk.state, &name(), None).unwrap();
    assert_eq!(view.owner, Some("owner".into()));
    let owner = view
        .fields
        .iter()
        .find(|f| f.spec.name.as_str() == "owner")
        .unwrap();
    let Takes::Listed(users, _) = &owner.spec.takes else {
        panic!("{owner:?}");
    };
    assert_eq!(users[0].label, "Ada");
    assert_eq!(users[0].standing, Standing::Taken);
}
