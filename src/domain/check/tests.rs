//! Sound mappings give no findings; each way to break one gives its own.

mod overflow;
mod settings;

use super::*;
use crate::domain::id::{FieldName, RowId};
use crate::domain::mapping::{
    AppField, BadFields, Converts, Creates, DeletePolicy, Flow, Foreign, Guard, Mark, Pair, Row,
    Switch,
};
use crate::domain::preset::preset;
use crate::domain::preset::tests::described;
use crate::domain::transform::Side;
use crate::domain::value::{FieldKind, Value};

fn accounts() -> Pair {
    preset("customer-success").unwrap().remove(0)
}

fn contacts() -> Pair {
    preset("customer-success").unwrap().remove(1)
}

fn leads() -> Pair {
    preset("lead-desk").unwrap().remove(0)
}

fn row_of<'p>(pair: &'p mut Pair, app: &str) -> &'p mut Row {
    let row = pair.rows.iter_mut().find(|r| r.app[0].as_str() == app);
    row.unwrap()
}

fn findings(pair: &Pair) -> Vec<Finding> {
    let others = preset("customer-success").unwrap();
    check(pair, Some(&described(&pair.object)), &others, &[], &[])
}

/// The only finding that an edit of a pair makes: its severity, row and text.
#[track_caller]
fn only(pair: Pair, edit: impl FnOnce(&mut Pair)) -> (Severity, Option<RowId>, String) {
    let mut pair = pair;
    edit(&mut pair);
    let found = findings(&pair);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(!found[0].fix.is_empty());
    (found[0].severity, found[0].row, found[0].text.clone())
}

#[track_caller]
fn fails(pair: Pair, edit: impl FnOnce(&mut Pair), says: &str) {
    let (severity, _, text) = only(pair, edit);
    assert!(
        severity == Severity::Fail && text.contains(says),
        "{severity:?}: {text}"
    );
}

#[track_caller]
fn warns(pair: Pair, edit: impl FnOnce(&mut Pair), says: &str) {
    let (severity, _, text) = only(pair, edit);
    assert!(
        severity == Severity::Warn && text.contains(says),
        "{severity:?}: {text}"
    );
}

#[test]
fn fields_must_exist() {
    let (severity, row, text) = only(accounts(), |p| {
        row_of(p, "website").crm = vec!["Webside".into()]
    });
    assert_eq!((severity, row), (Severity::Fail, Some(RowId(2))));
    assert_eq!(
        text,
        "Account has no field Webside, or the sync user may not see it"
    );
    fails(
        accounts(),
        |p| row_of(p, "website").app = vec!["webside".into()],
        "the App table accounts has no field webside",
    );
    fails(
        accounts(),
        |p| row_of(p, "website").crm.clear(),
        "no field on one side",
    );
    fails(
        accounts(),
        |p| p.title = "nam".into(),
        "records are named by nam",
    );
    let mut pair = accounts();
    row_of(&mut pair, "website").crm = vec!["Webside".into()];
    assert_eq!(findings(&pair)[0].fix, "did you mean Website?");
    assert_eq!(
        check(&pair, None, &[], &[], &[]),
        [],
        "nothing is known before a sign-in"
    );
}

#[test]
fn fields_must_be_writable() {
    let stage = |name: &str, pair: &mut Pair| row_of(pair, "website").crm = vec![name.into()];
    fails(
        accounts(),
        |p| stage("PhotoUrl", p),
        "PhotoUrl cannot be written by the sync user",
    );
    fails(accounts(), |p| stage("BillingAddress", p), "made of parts");
    let mut object = described(&"Account".into());
    object.fields.get_mut("Website").unwrap().calculated = true;
    let found = check(&accounts(), Some(&object), &[], &[], &[]);
    assert!(
        found[0].text.contains("computed by Salesforce"),
        "{found:?}"
    );
    fails(
        accounts(),
        |p| p.on_app_delete = DeletePolicy::Mark,
        "no field says where Salesforce keeps such a mark",
    );
    let marked = |field: &str, value: &str| {
        let (field, value) = (field.into(), value.to_owned());
        DeletePolicy::MarkWith(Mark { field, value })
    };
    for (field, value, wrong) in [
        ("Descripton", "Gone", "has no field Descripton that marks"),
        ("PhotoUrl", "Gone", "cannot be written by the sync user"),
        ("AnnualRevenue", "Gone", "cannot be set to \"Gone\""),
        ("Description", "", "cannot be set to \"\""),
    ] {
        fails(
            accounts(),
            |p| p.on_app_delete = marked(field, value),
            wrong,
        );
    }
    fails(
        leads(),
        |p| p.on_app_delete = marked("Description", "Gone"),
        "is one that a row appends to",
    );
    let mut pair = accounts();
    pair.on_app_delete = marked("Description", "Deleted in the App");
    let found = check(&pair, Some(&described(&"Account".into())), &[], &[], &[]);
    assert!(found.iter().all(|f| !f.text.contains("mark")), "{found:?}");
    object.updateable = false;
    object.createable = false;
    object.deletable = false;
    let mut pair = accounts();
    pair.on_app_delete = DeletePolicy::Propagate;
    let texts: Vec<String> = check(&pair, Some(&object), &[], &[], &[])
        .into_iter()
        .map(|f| f.text)
        .collect();
    for act in ["create", "change", "delete"] {
        let wanted = format!("the sync user may not {act} Account records");
        assert!(texts.contains(&wanted), "{texts:?}");
    }
}

#[test]
fn kinds_must_agree_or_be_changed_on_the_way() {
    fails(
        accounts(),
        |p| row_of(p, "website").flow = Flow::AppendBoth,
        "only text can be appended to",
    );
    fails(
        contacts(),
        |p| {
            let row = row_of(p, "birthdate");
            row.crm = vec!["LastActivityDate".into()];
            row.app = vec!["email_opt_out".into()];
            row.flow = Flow::ToApp(Foreign::Keep);
            row.id = RowId(90);
            p.rows
                .retain(|r| r.id == RowId(90) || r.app[0].as_str() != "email_opt_out");
        },
        "email_opt_out holds yes or no, and what comes is a date",
    );
    warns(
        accounts(),
        |p| {
            p.app_fields.iter_mut().for_each(|f| {
                if f.name.as_str() == "employees" {
                    f.kind = FieldKind::Number { scale: 3 };
                }
            })
        },
        "the App keeps 3 decimals and Salesforce 0",
    );
    fails(
        accounts(),
        |p| row_of(p, "website").to_crm = "split_name".parse().unwrap(),
        "on the way to Salesforce",
    );
    warns(
        leads(),
        |p| row_of(p, "companyName").to_crm = "trim".parse().unwrap(),
        "never used in this direction",
    );
}

#[test]
fn lengths_that_do_not_fit_are_mentioned() {
    let long = |name: &str, length: u32, pair: &mut Pair| {
        let field = pair.app_fields.iter_mut().find(|f| f.name.as_str() == name);
        field.unwrap().length = length;
    };
    warns(
        accounts(),
        |p| long("website", 300, p),
        "takes 300 characters and Website takes 255",
    );
    warns(accounts(), |p| long("website", 0, p), "has no limit");
    warns(accounts(), |p| long("website", 20, p), "longer text comes");
}

#[test]
fn there_and_back_must_come_to_rest() {
    fails(
        accounts(),
        |p| row_of(p, "website").to_app = "cut(40)".parse().unwrap(),
        "cut(40) also runs toward the App",
    );
    fails(
        accounts(),
        |p| {
            let row = row_of(p, "website");
            row.to_crm = "constant(\"x\")".parse().unwrap();
        },
        "replaces every value",
    );
    let sample = |app: &str, crm: &str| {
        let of =
            |field: &str, text: &str| Some([(FieldName::from(field), Value::from(text))].into());
        (of("website", app), of("Website", crm))
    };
    let with = |chain: (&str, &str), samples: &[SampleFields]| {
        let mut pair = accounts();
        let row = row_of(&mut pair, "website");
        row.to_crm = chain.0.parse().unwrap();
        row.to_app = chain.1.parse().unwrap();
        check(&pair, Some(&described(&pair.object)), &[], &[], samples)
    };
    let samples = [sample("a", "xb"), sample("C", "xD")];
    assert_eq!(with(("", ""), &samples), []);
    let grows = with(("prefix(\"x\")", ""), &samples);
    assert_eq!(grows[0].severity, Severity::Fail);
    assert!(
        grows[0].text.contains("changes again each time"),
        "{grows:?}"
    );
    let longer = with(("prefix(\"x\")", "strip_prefix(\"x\")"), &samples);
    assert_eq!(longer.len(), 1, "{longer:?}");
    assert_eq!(
        longer[0].text,
        "website and the change on its way give up to 256 characters and Website takes 255: a \
         longer text would be refused"
    );
    let fits = with(("prefix(\"x\"), cut(255)", "strip_prefix(\"x\")"), &samples);
    assert_eq!(fits, []);
    let lossy = with(("lower", ""), &samples);
    assert_eq!(lossy[0].severity, Severity::Warn);
    assert!(lossy[0].text.contains("1 of 2 samples"), "{lossy:?}");
    let broken = with(("map(\"a\" = \"b\")", "map(\"b\" = \"a\")"), &samples);
    assert!(
        broken
            .iter()
            .any(|f| f.text.contains("cannot go to Salesforce")),
        "{broken:?}"
    );
}

#[test]
fn every_value_of_a_list_needs_a_place() {
    fails(
        leads(),
        |p| row_of(p, "status").to_app = "map(\"Open - Not Contacted\" = \"new\")".parse().unwrap(),
        "Status can hold Working - Contacted, Closed - Converted, Closed - Not Converted",
    );
    warns(
        leads(),
        |p| {
            row_of(p, "status").to_app = "map(\"Closed - Converted\" = \"qualified\", * = \"new\")"
                .parse()
                .unwrap()
        },
        "come back as another one",
    );
    let mut golden = accounts();
    row_of(&mut golden, "tier").to_crm = "map(\"gold\" = \"Golden\", \"silver\" = \"Silver\")"
        .parse()
        .unwrap();
    let found = findings(&golden);
    assert_eq!(found[0].text, "Tier__c has no value \"Golden\" in its list");
    assert_eq!(found[0].fix, "use one of: Gold, Silver, Bronze");
    assert!(
        found[1]
            .text
            .starts_with("Tier__c can hold Gold, Bronze: map("),
        "{found:?}"
    );
    warns(
        accounts(),
        |p| {
            row_of(p, "tier").to_crm = "".parse().unwrap();
            row_of(p, "tier").to_app = "".parse().unwrap();
        },
        "takes only the values of its list",
    );
}

#[test]
fn one_field_has_one_writer() {
    let double = |pair: &mut Pair| {
        let mut row = row_of(pair, "website").clone();
        row.id = RowId(90);
        row.flow = Flow::ToCrm(Foreign::Keep);
        pair.rows.push(row);
    };
    let (severity, row, text) = only(accounts(), double);
    assert_eq!((severity, row), (Severity::Fail, Some(RowId(90))));
    assert_eq!(text, "Website is written by row 2 as well");
    let mut other = accounts();
    other.name = "more".into();
    let found = findings(&other);
    assert!(
        found
            .iter()
            .any(|f| f.text == "Website is written by the pair accounts as well")
    );
    assert!(found.iter().all(|f| f.severity == Severity::Fail));
    fails(
        accounts(),
        |p| {
            p.app_fields[1].length = 36;
            let row = row_of(p, "website");
            row.crm = vec!["Syncdeck_Key__c".into()];
            row.flow = Flow::ToCrm(Foreign::Keep);
        },
        "no row may write it",
    );
    fails(
        accounts(),
        |p| {
            let mut row = row_of(p, "description").clone();
            row.crm = vec!["NumberOfEmployees".into()];
            row.app = vec!["employees".into()];
            p.rows.retain(|r| r.app != row.app);
            p.rows.push(row);
        },
        "two rows have the id 11",
    );
}

#[test]
fn creates_need_a_key_and_every_required_field() {
    warns(accounts(), |p| p.key_field = None, "there is no key field");
    fails(
        accounts(),
        |p| p.key_field = Some("Syncdeck_Kee__c".into()),
        "has no field Syncdeck_Kee__c",
    );
    fails(
        accounts(),
        |p| p.key_field = Some("AccountNumber".into()),
        "is not an External ID, unique, case-sensitive",
    );
    fails(
        contacts(),
        |p| {
            p.match_on = vec![];
            row_of(p, "last_name").switch = Switch::Off;
        },
        "Salesforce wants LastName in every new Contact",
    );
    let mut none = accounts();
    none.create_in_crm = Creates::Off;
    none.key_field = None;
    assert_eq!(findings(&none), []);
}

#[test]
fn matching_uses_rows_that_take_part() {
    fails(
        accounts(),
        |p| p.match_on = vec![vec![]],
        "everything would match",
    );
    fails(
        accounts(),
        |p| p.match_on = vec![vec![RowId(77)]],
        "row 77, which does not exist",
    );
    fails(
        accounts(),
        |p| row_of(p, "website").switch = Switch::Off,
        "records are matched by this row, which is off",
    );
    warns(
        accounts(),
        |p| p.match_on = vec![vec![RowId(11)]],
        "which Salesforce cannot search",
    );
}

#[test]
fn links_lead_to_pairs_of_the_right_object() {
    let link = |to: &str, pair: &mut Pair| {
        let row = row_of(pair, "account_id");
        row.to_crm = format!("link({to})").parse().unwrap();
        row.to_app = row.to_crm.clone();
    };
    fails(
        contacts(),
        |p| link("acounts", p),
        "names a pair that does not exist",
    );
    fails(
        contacts(),
        |p| link("opportunities", p),
        "AccountId points to Account, and link(opportunities) gives a Opportunity",
    );
    let mut circle = preset("customer-success").unwrap();
    circle[0].app_fields.push(AppField {
        name: "main_contact".into(),
        kind: FieldKind::Reference,
        length: 0,
    });
    let mut row = row_of(&mut circle[1], "account_id").clone();
    row.id = RowId(50);
    row.app = vec!["main_contact".into()];
    row.crm = vec!["ParentId".into()];
    row.to_crm = "link(contacts)".parse().unwrap();
    row.to_app = row.to_crm.clone();
    circle[0].rows.push(row);
    let mut objects = ["Account", "Contact"].map(|name| described(&name.into()));
    let found =
        |objects: &[ObjectInfo]| check(&circle[1], Some(&objects[1]), &circle, objects, &[]);
    // An account can be made first, without its contact.
    assert_eq!(found(&objects), []);
    for (at, field) in ["ParentId", "AccountId"].into_iter().enumerate() {
        let field = objects[at].fields.get_mut(&FieldName::new(field)).unwrap();
        (field.nillable, field.defaulted) = (false, false);
    }
    let text = "required references lead in a circle: contacts -> accounts -> contacts; none can be \
                made first";
    assert!(
        found(&objects).iter().any(|f| f.text == text),
        "{:?}",
        found(&objects)
    );
}

#[test]
fn failures_come_first_then_the_order_of_the_rows() {
    let mut pair = accounts();
    pair.guard = Guard::None;
    pair.key_field = None;
    row_of(&mut pair, "phone").crm = vec!["Nothing".into()];
    row_of(&mut pair, "website").app = vec!["nothing".into()];
    pair.match_on = vec![];
    let order: Vec<_> = findings(&pair)
        .iter()
        .map(|f| (f.severity, f.row))
        .collect();
    assert_eq!(
        order,
        [
            (Severity::Fail, Some(RowId(2))),
            (Severity::Fail, Some(RowId(3))),
            (Severity::Warn, None),
        ]
    );
    let mut nothing = accounts();
    nothing.rows.iter_mut().for_each(|r| r.switch = Switch::Off);
    nothing.match_on = vec![];
    nothing.create_in_crm = Creates::Off;
    assert_eq!(
        findings(&nothing)[0].text,
        "no row is switched on, so nothing is synced"
    );
}

#[test]
fn a_table_belongs_to_one_pair() {
    let mut second = contacts();
    second.name = "people".into();
    let others = [contacts(), second.clone()];
    let found = check(&second, Some(&described(&second.object)), &others, &[], &[]);
    let text = "the App table contacts is synced by contacts already";
    assert!(found.iter().any(|f| f.text == text), "{found:?}");
}
