//! Offers on the fields of the presets, and on single fields that try one thing each.

use super::*;
use crate::domain::preset::preset;
use crate::domain::preset::tests::described;

/// The pair of a preset without its rows.
fn bare(name: &str) -> (Pair, Pair) {
    let full = preset(name).unwrap().remove(0);
    let mut bare = full.clone();
    bare.rows.clear();
    (bare, full)
}

fn field(name: &str, label: &str, kind: FieldKind) -> FieldInfo {
    FieldInfo {
        label: label.to_owned(),
        ..FieldInfo::new(name, kind, 0)
    }
}

/// What is offered for one App field of a pair of `Contact`s, against these fields.
fn one(app: &str, kind: FieldKind, fields: &[FieldInfo]) -> Option<Offer> {
    let (mut pair, _) = bare("lead-desk");
    pair.object = "Contact".into();
    pair.app_fields = vec![AppField {
        name: app.into(),
        kind,
        length: 80,
    }];
    let mut object = described(&"Contact".into());
    object.fields = fields.iter().map(|f| (f.name.clone(), f.clone())).collect();
    offers(&pair, &object).pop()
}

#[test]
fn a_preset_is_found_again_from_its_fields() {
    let (bare, full) = bare("lead-desk");
    let found = offers(&bare, &described(&bare.object));
    let wrong = |offer: &&Offer| {
        let row = full.rows.iter().find(|row| row.app == [offer.app.clone()]);
        // A row of several fields, such as a name of two parts, is nothing to be guessed.
        row.is_some_and(|row| row.crm.len() == 1 && !row.crm.contains(&offer.crm))
    };
    // What has fewer points is for a person to look at.
    let sure = found.iter().filter(|offer| offer.points >= SURE);
    let wrong: Vec<&Offer> = sure.filter(wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let names: Vec<&str> = found.iter().map(|offer| offer.app.as_str()).collect();
    for name in [
        "contactEmail",
        "contactPhone",
        "companyName",
        "contactTitle",
    ] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
}

#[test]
fn name_label_and_kind_count_and_are_explained() {
    let offer = one(
        "email",
        FieldKind::Email,
        &[field("Email", "E-mail", FieldKind::Email)],
    );
    let offer = offer.unwrap();
    assert_eq!(
        (offer.points, offer.why.as_str()),
        (100, "same name; both hold an e-mail address")
    );
    let offer = one(
        "jobTitle",
        FieldKind::Text,
        &[field("Role__c", "Job title", FieldKind::Text)],
    );
    assert_eq!(
        offer.unwrap().why,
        "same label \"Job title\"; both hold text"
    );
    let offer = one(
        "telephone",
        FieldKind::Text,
        &[field("Phone", "Phone", FieldKind::Phone)],
    );
    let offer = offer.unwrap();
    assert_eq!(offer.why, "same name; text and a phone number");
    assert!(offer.points >= SURE);
}

#[test]
fn what_cannot_hold_the_value_or_has_another_name_is_not_offered() {
    let date = field("Birthdate", "Birthdate", FieldKind::Date);
    assert_eq!(
        one("birthday", FieldKind::Bool, std::slice::from_ref(&date)),
        None
    );
    assert_eq!(one("city", FieldKind::Date, &[date]), None);
    let opaque = field("Photo", "Photo", FieldKind::Opaque);
    assert_eq!(one("photo", FieldKind::Opaque, &[opaque]), None);
}

#[test]
fn the_last_word_says_what_a_field_is() {
    let text = |name: &str| field(name, name, FieldKind::Text);
    assert_eq!(
        one("companyIndustry", FieldKind::Text, &[text("Company")]),
        None
    );
    let company = one("companyName", FieldKind::Text, &[text("Company")]).unwrap();
    assert_eq!(company.points, 100);
    let city = one("city", FieldKind::Text, &[text("MailingCity")]).unwrap();
    assert!(city.points < SURE, "{city:?}");
    assert!(
        one(
            "emailAddress",
            FieldKind::Email,
            &[field("Email", "Email", FieldKind::Email)]
        )
        .is_some()
    );
}

#[test]
fn the_way_is_the_one_that_salesforce_allows() {
    let flow = |change: fn(&mut FieldInfo)| {
        let mut field = field("Score", "Score", FieldKind::Text);
        change(&mut field);
        one("score", FieldKind::Text, &[field]).unwrap().flow
    };
    assert_eq!(flow(|_| {}), Flow::Both);
    assert_eq!(
        flow(|f| f.calculated = true),
        Flow::Computed(Refresh::Nightly)
    );
    assert_eq!(flow(|f| f.updateable = false), Flow::ToApp(Foreign::Keep));
}

#[test]
fn what_a_row_has_is_offered_no_more_and_each_field_once() {
    let (mut pair, _) = bare("lead-desk");
    let object = described(&pair.object);
    let all = offers(&pair, &object);
    let mut seen = BTreeSet::new();
    for offer in &all {
        assert!(seen.insert(offer.app.to_string()), "{offer:?}");
        assert!(seen.insert(format!("> {}", offer.crm)), "{offer:?}");
    }
    for (at, offer) in all.iter().enumerate() {
        let id = RowId(u16::try_from(at).unwrap());
        pair.rows.push(offer.row(id));
    }
    assert_eq!(offers(&pair, &object), []);
    let left = unmapped(&pair, &object);
    assert!(all.iter().all(|o| !left.crm.contains(&o.crm)));
}

#[test]
fn what_salesforce_wants_comes_first_and_is_named_when_it_is_missing() {
    let (mut pair, _) = bare("lead-desk");
    pair.create_in_crm = Creates::Allowed;
    let mut object = described(&pair.object);
    for name in ["Company", "LastName"] {
        if let Some(field) = object.fields.get_mut(name) {
            field.nillable = false;
        }
    }
    let wanted = unmapped(&pair, &object).wanted;
    assert!(wanted.contains(&"Company".into()), "{wanted:?}");
    let first = offers(&pair, &object).remove(0);
    assert!(first.required, "{first:?}");
    let none = Pair {
        create_in_crm: Creates::Off,
        ..pair
    };
    assert_eq!(unmapped(&none, &object).wanted, []);
}
