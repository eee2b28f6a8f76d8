//! What an org of a million takes in the index, and where it stops telling values apart.

use super::*;
use crate::domain::id::FieldName;

/// A lead as an org of a million has them.
fn one_of_many(n: u32) -> AppRecord {
    const FIRST: [&str; 10] = [
        "Ada", "Charles", "Luigi", "Mary", "Zoë", "John", "Li", "Zeynep", "Wanjiru", "Olga",
    ];
    const LAST: [&str; 9] = [
        "Lovelace",
        "Babbage",
        "Menabrea",
        "Somerville",
        "Na",
        "Arslan",
        "Ruiz",
        "Nguyen",
        "Kim",
    ];
    const TITLE: [&str; 5] = [
        "Marketing Manager",
        "Security Officer",
        "Engineer",
        "Head of Procurement",
        "Data Analyst",
    ];
    const SOURCE: [&str; 4] = [
        "Salesforce: Web",
        "Salesforce: Phone Inquiry",
        "Salesforce: Other",
        "",
    ];
    // Spread, so that neighbours are no more alike than those of people.
    let spread = n.wrapping_mul(2_654_435_761);
    let pick = |of: &[&'static str], shift: u32| of[(spread >> shift) as usize % of.len()];
    let (first, last) = (pick(&FIRST, 3), pick(&LAST, 8));
    let domain = ["com", "org", "net"][n as usize % 3];
    let values = [
        ("contactName", format!("{first} {last}")),
        (
            "contactEmail",
            format!("{first}.{last}{n}@mail.example.{domain}").to_lowercase(),
        ),
        (
            "contactPhone",
            format!("+49 {} {:07}", spread % 900, spread % 9_999_991),
        ),
        (
            "companyName",
            format!("{last} {} Works {}", pick(&FIRST, 13), spread >> 20),
        ),
        ("contactTitle", pick(&TITLE, 5).to_owned()),
        ("companyIndustry", pick(&LAST, 17).to_owned()),
        (
            "companyWebsite",
            format!("https://www.{last}{n}.example.{domain}"),
        ),
        (
            "status",
            ["new", "contacted", "qualified"][n as usize % 3].to_owned(),
        ),
        ("source", pick(&SOURCE, 11).to_owned()),
        ("owner", format!("{} {}", pick(&FIRST, 21), pick(&LAST, 23))),
        (
            "notes",
            "Asked for a call back after the fair. ".repeat(n as usize % 9),
        ),
    ];
    let made = at(i64::from(n) * 37);
    AppRecord {
        id: AppId::new(uuid::Uuid::now_v7().to_string()),
        table: "leads".into(),
        rev: 1,
        fields: values
            .into_iter()
            .map(|(name, value)| (name.into(), Value::text(value)))
            .collect(),
        changed_at: BTreeMap::new(),
        changed_by: "sync".to_owned(),
        typed_by: BTreeMap::new(),
        created_at: made,
        updated_at: made,
        presence: Presence::Live,
        sync_key: None,
    }
}

/// The console may take 100 MB beside the cache of its store, and the index is all but the whole.
#[test]
fn a_million_records_take_less_than_sixty_megabytes() {
    let mut shard = Shard::new(Layout::of(&leads_pair()), 1);
    let many = 40_000;
    for n in 0..many {
        shard.put(&one_of_many(n));
    }
    assert_eq!(shard.lines.len(), many as usize);
    let bytes = shard.lines.memory() + shard.codes.memory();
    let each = bytes / many as usize;
    assert!(each <= 56, "{each} bytes a record");
}

/// Industries beyond those that are told apart are counted together, and only the record has them.
#[test]
fn a_value_beyond_those_that_are_told_apart_is_nobodys() {
    let mut shard = Shard::new(Layout::of(&leads_pair()), 1);
    let industry = FieldName::new("companyIndustry");
    let of = |n: u32| Value::text(format!("industry {n}"));
    let record = |n: u32| {
        let mut record = one_of_many(n);
        record.fields.insert(industry.clone(), of(n));
        record
    };
    let records: Vec<AppRecord> = (0..1_200).map(record).collect();
    records.iter().for_each(|record| shard.put(record));
    let at = shard.layout.coded.iter().position(|c| c.field == industry);
    let column = &shard.codes.columns()[at.unwrap()];
    // No value has a code too.
    let apart = 999;
    assert_eq!(column.others().count, 1_200 - apart);
    for (n, record) in (0..).zip(&records) {
        let slot = shard.lines.slot(record.id.as_str()).unwrap();
        let is = column.passes(&column.passing(|value| *value == of(n)), slot);
        let other = column.passes(&column.passing(|value| *value == of(n + 1)), slot);
        let known = u64::from(n) < apart;
        assert_eq!(
            (is, other),
            (known.then_some(true), known.then_some(false)),
            "{n}"
        );
    }
    let last = &records[1_199];
    shard.put(&AppRecord {
        presence: Presence::Deleted,
        ..last.clone()
    });
    assert_eq!(
        shard.codes.columns()[at.unwrap()].others().count,
        1_200 - apart - 1
    );
}
