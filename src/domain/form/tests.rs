//! What forms take, with the presets and the sandbox's own description of Salesforce.

use super::*;
use crate::domain::id::RowId;
use crate::domain::mapping::{Flow, Foreign, Refresh};
use crate::domain::preset::preset;
use crate::domain::preset::tests::described;

fn users() -> Vec<Choice> {
    let user = |name: &str, email: &str, standing| Choice {
        value: email.into(),
        label: name.into(),
        standing,
    };
    let off = Standing::Off("is inactive in Salesforce".into());
    vec![
        user("Ada Lovelace", "ada@example.com", Standing::Taken),
        user("Bo Diaz", "bo@example.com", off),
        user("Kim", "kim.a@example.com", Standing::Taken),
        user("Kim", "kim.b@example.com", Standing::Taken),
    ]
}

fn spec(name: &str, pair: &str, field: &str) -> FieldSpec {
    let pairs = preset(name).unwrap();
    let pair = pairs.iter().find(|p| p.name.as_str() == pair).unwrap();
    let specs = specs(pair, Some(&described(&pair.object)), &users());
    specs
        .into_iter()
        .find(|s| s.name.as_str() == field)
        .unwrap()
}

fn refusal(spec: &FieldSpec, text: &str) -> String {
    spec.read(Some(text), Occasion::Edit).unwrap_err()
}

#[test]
fn the_shorter_of_both_sides_counts() {
    // The table has room for 267 characters of a source; the lead desk never sends it.
    assert_eq!(spec("lead-desk", "leads", "source").most, 267);
    let email = spec("lead-desk", "leads", "contactEmail");
    assert_eq!(email.most, 80);
    let long = format!("{}@example.com", "x".repeat(80));
    assert_eq!(
        refusal(&email, &long),
        "takes 80 characters, and the text has 92"
    );
    let mut pairs = preset("lead-desk").unwrap();
    let field = pairs[0]
        .app_fields
        .iter_mut()
        .find(|f| f.name.as_str() == "contactPhone");
    field.unwrap().length = 400;
    let specs = specs(&pairs[0], Some(&described(&"Lead".into())), &[]);
    let phone = specs
        .iter()
        .find(|s| s.name.as_str() == "contactPhone")
        .unwrap();
    assert_eq!(phone.most, 40, "Salesforce takes forty");
}

#[test]
fn the_id_in_salesforce_is_nobody_s_to_give() {
    let id = spec("lead-desk", "leads", "salesforceId");
    assert_eq!(id.takes, Takes::Nothing);
    for text in [Some("00Q5g000001AbcDEAS"), None] {
        let refused = id.read(text, Occasion::Edit).unwrap_err();
        assert_eq!(refused, "is the id in Salesforce, which nobody changes");
    }
    assert!(
        id.read(Some("00Q5g000001AbcDEAS"), Occasion::Create)
            .is_err()
    );
    assert_eq!(id.read(None, Occasion::Create), Ok(Value::Null));
}

#[test]
fn a_status_is_what_the_mapping_can_send() {
    let status = spec("lead-desk", "leads", "status");
    assert_eq!(
        refusal(&status, "qualifed"),
        "has no \"qualifed\" in its list; did you mean qualified?"
    );
    assert_eq!(
        refusal(&status, "zzz"),
        "has no \"zzz\" in its list; it takes new, contacted, qualified, disqualified"
    );
    assert_eq!(
        status.read(Some("Contacted"), Occasion::Edit),
        Ok(Value::text("contacted"))
    );
}

#[test]
fn an_owner_is_an_active_user_by_name_or_address() {
    let owner = spec("lead-desk", "leads", "owner");
    let ada = Ok(Value::text("ada@example.com"));
    assert_eq!(owner.read(Some("ada lovelace"), Occasion::Edit), ada);
    assert_eq!(owner.read(Some("ADA@example.com"), Occasion::Edit), ada);
    assert_eq!(
        refusal(&owner, "Bo Diaz"),
        "cannot be Bo Diaz, who is inactive in Salesforce; it takes Ada Lovelace, Kim, Kim"
    );
    assert!(refusal(&owner, "kim").contains("the name of several"));
    assert!(refusal(&owner, "nobody@example.com").contains("has no"));
}

#[test]
fn what_salesforce_needs_is_needed() {
    let name = spec("whole-crm", "accounts", "name");
    let none = "is needed: Salesforce takes no record without it";
    assert_eq!(name.read(None, Occasion::Create), Err(none.into()));
    // Its row keeps blanks to this side; one that does not would be refused there.
    assert_eq!(name.read(Some(""), Occasion::Edit), Ok(Value::Null));
    let mut pair = preset("whole-crm").unwrap().remove(0);
    for row in &mut pair.rows {
        row.blanks = Blanks::Propagate;
    }
    let specs = specs(&pair, Some(&described(&pair.object)), &[]);
    let name = specs.iter().find(|s| s.name.as_str() == "name").unwrap();
    assert_eq!(name.read(Some(""), Occasion::Edit), Err(none.into()));
    let phone = spec("whole-crm", "accounts", "phone");
    assert_eq!(phone.read(None, Occasion::Create), Ok(Value::Null));
    // The desk makes nothing in Salesforce, and cannot empty what comes from there.
    let company = spec("lead-desk", "leads", "companyName");
    assert_eq!(company.read(None, Occasion::Create), Ok(Value::Null));
}

#[test]
fn types_are_named_with_an_example() {
    let field = |kind| AppField {
        name: "x".into(),
        kind,
        length: 0,
    };
    for (kind, text, said) in [
        (
            FieldKind::Number { scale: 2 },
            "much",
            "is a number such as 1250.5, not \"much\"",
        ),
        (
            FieldKind::Number { scale: 2 },
            "1.234",
            "keeps 2 decimals, and \"1.234\" has more",
        ),
        (
            FieldKind::Date,
            "tomorrow",
            "is a date such as 2026-11-20, not \"tomorrow\"",
        ),
        (FieldKind::Bool, "maybe", "is yes or no, not \"maybe\""),
        (
            FieldKind::Text,
            "a\nb",
            "is one line, and the text has several",
        ),
    ] {
        assert_eq!(fit(&field(kind), Value::text(text)), Err(said.into()));
    }
}

#[test]
fn an_open_list_takes_what_is_not_in_it_and_says_so() {
    let mut pairs = preset("whole-crm").unwrap();
    let pair = pairs
        .iter_mut()
        .find(|p| p.name.as_str() == "leads")
        .unwrap();
    let mut object = described(&pair.object);
    let listed = pair
        .active()
        .find_map(|row| match (row.app.as_slice(), row.crm.as_slice()) {
            ([app], [crm]) if row.to_crm.is_empty() && row.flow.writes(Side::Crm) => {
                let field = object.field(crm.as_str())?;
                (!field.picklist.is_empty()).then(|| (app.clone(), crm.clone()))
            }
            _ => None,
        });
    let (app, crm) = listed.unwrap();
    let of = |object: &ObjectInfo| {
        let specs = specs(pair, Some(object), &[]);
        specs.into_iter().find(|s| s.name == app).unwrap()
    };
    let open = of(&object);
    assert!(open.read(Some("Quite New"), Occasion::Edit).is_ok());
    assert!(open.is_new("Quite New"));
    object.fields.get_mut(&crm).unwrap().restricted = true;
    let closed = of(&object);
    assert!(refusal(&closed, "Quite New").contains("has no \"Quite New\" in its list"));
    assert!(!closed.is_new("Quite New"));
}

#[test]
fn who_hands_over_is_read_off_the_mapping() {
    let pairs = preset("lead-desk").unwrap();
    assert_eq!(owner_field(&pairs[0]), Some(&"owner".into()));
    assert_eq!(status_field(&pairs[0]), Some(&"status".into()));
}

#[test]
fn a_list_in_a_message_ends_with_how_many_it_leaves_out() {
    let named = |letters: usize, many: usize| -> Vec<Choice> {
        let label = |n: usize| format!("{n}{}", "x".repeat(letters - 1));
        (0..many).map(|n| Choice::plain(&label(n))).collect()
    };
    let ends = |letters, many, end: &str| {
        let says = takes(&named(letters, many));
        assert!(says.ends_with(end), "{says}");
        // A form has two rows for it at least.
        assert!(says.len() <= 48 + 36 || letters > 48, "{says}");
    };
    ends(4, 9, " and 3 more");
    ends(20, 9, " and 7 more");
    ends(60, 9, " and 8 more");
    assert_eq!(takes(&named(3, 2)), "it takes 0xx, 1xx");
    assert_eq!(takes(&[]), "it takes none that is known here");
}

#[test]
fn what_salesforce_alone_fills_is_warned_of_and_what_both_fill_is_not() {
    let filled = |flows: &[Flow]| {
        let mut pairs = preset("lead-desk").unwrap();
        let pair = &mut pairs[0];
        let is_email = |row: &Row| row.app.iter().any(|f| f.as_str() == "contactEmail");
        let row = pair.rows.iter().find(|row| is_email(row)).unwrap().clone();
        pair.rows.retain(|row| !is_email(row));
        for (id, flow) in (900..).zip(flows) {
            let (id, flow) = (RowId(id), *flow);
            pair.rows.push(Row {
                id,
                flow,
                ..row.clone()
            });
        }
        let specs = specs(pair, None, &[]);
        specs
            .into_iter()
            .find(|s| s.name.as_str() == "contactEmail")
            .unwrap()
    };
    let back = Some("is filled by Salesforce alone: the next sync puts its value back");
    let kept = Some(
        "is filled by Salesforce alone: the value is not sent, and a change there replaces it",
    );
    let (keep, enforce) = (Flow::ToApp(Foreign::Keep), Flow::ToApp(Foreign::Enforce));
    for (flows, edited, made) in [
        (&[enforce][..], back, kept),
        (&[keep], kept, kept),
        (&[Flow::Computed(Refresh::Nightly)], kept, kept),
        (&[enforce, Flow::ToCrm(Foreign::Keep)], None, None),
        (&[Flow::Both], None, None),
        (&[Flow::PreferCrm], None, None),
        (&[], None, None),
    ] {
        let spec = filled(flows);
        assert_eq!(spec.warning(Occasion::Edit), edited, "{flows:?}");
        assert_eq!(spec.warning(Occasion::Create), made, "{flows:?}");
    }
}

#[test]
fn what_is_no_address_is_refused_before_salesforce_does() {
    let email = spec("lead-desk", "leads", "contactEmail");
    let read = |text: &str| email.read(Some(text), Occasion::Edit);
    for wrong in [
        "bad mail",
        "ada",
        "ada@",
        "@b.example",
        "ada@b",
        "ada@b..c",
        "a b@c.example",
    ] {
        let why = read(wrong).unwrap_err();
        assert!(why.starts_with("is an address such as"), "{wrong}: {why}");
    }
    for fine in [
        "ada@b.example",
        "o'neil+x@b-c.example.org",
        "\u{e9}@b.example",
    ] {
        assert!(read(fine).is_ok(), "{fine}");
    }
    assert!(email.read(None, Occasion::Edit).is_ok());
}
