//! Settings of a pair that need others beside them: converted leads, and fields that are left out.

use super::*;

#[test]
fn converted_leads_are_followed_only_into_what_is_mapped() {
    let lead = || preset("whole-crm").unwrap().remove(3);
    let others = preset("whole-crm").unwrap();
    let said = |pair: &Pair, others: &[Pair]| {
        let found = check(pair, Some(&described(&pair.object)), others, &[], &[]);
        let told = |f: &Finding| f.text.contains("convert");
        let found: Vec<_> = found.into_iter().filter(told).collect();
        found.first().map(|f| (f.severity, f.text.clone()))
    };
    let mut pair = lead();
    assert_eq!(said(&pair, &others), None);
    pair.on_convert = Converts::Follow;
    assert_eq!(said(&pair, &others), None);
    let (severity, text) = said(&pair, &others[3..]).unwrap();
    assert!(
        severity == Severity::Fail && text.contains("no pair takes in"),
        "{text}"
    );
    let mut deaf = others.clone();
    deaf[1].create_in_app = Creates::Off;
    deaf[1].match_on.clear();
    let (severity, text) = said(&pair, &deaf).unwrap();
    assert!(
        severity == Severity::Warn && text.contains("contacts"),
        "{text}"
    );
    let mut account = others[0].clone();
    account.on_convert = Converts::Follow;
    let (severity, text) = said(&account, &others).unwrap();
    assert!(
        severity == Severity::Fail && text.contains("only leads"),
        "{text}"
    );
}

#[test]
fn what_finds_a_record_again_is_better_not_left_out() {
    let keeps = |p: &mut Pair| p.bad_fields = BadFields::Drop;
    let mut pair = leads();
    keeps(&mut pair);
    pair.key_field = Some(FieldName::new("Key__c"));
    pair.create_in_crm = Creates::Allowed;
    let said = |pair: &Pair| {
        let found = findings(pair).into_iter();
        let found = found.filter(|f| f.text.contains("drop_bad_fields"));
        found.map(|f| (f.severity, f.text)).collect::<Vec<_>>()
    };
    pair.match_on.clear();
    assert_eq!(said(&pair), []);
    let row = pair.rows.iter().find(|r| r.flow.writes(Side::Crm)).unwrap();
    let (id, name) = (row.id, row.crm[0].clone());
    pair.match_on = vec![vec![id]];
    let found = said(&pair);
    assert_eq!(found.len(), 1, "{found:?}");
    let (severity, text) = &found[0];
    assert!(
        *severity == Severity::Warn && text.contains(name.as_str()),
        "{text}"
    );
    pair.create_in_crm = Creates::Off;
    assert_eq!(said(&pair), []);
    for row in &mut pair.rows {
        row.flow = Flow::ToApp(Foreign::Keep);
    }
    assert!(said(&pair)[0].1.contains("no row writes"));
}
