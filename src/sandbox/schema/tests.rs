//! The built-in text, and what a broken one says.

use super::*;

#[test]
fn the_built_in_text_is_sound() {
    let schema = Schema::load().unwrap();
    for (_, object) in schema.each() {
        for (_, field) in object.each() {
            for target in &field.targets {
                assert!(
                    schema.object(target).is_some(),
                    "{}.{}",
                    object.name,
                    field.name
                );
            }
            assert!(
                field.flags.chars().all(|c| "CUNDFGSIR".contains(c)),
                "{}",
                field.name
            );
            if let Some(compound) = &field.compound {
                assert!(object.field(compound).is_some(), "{}", field.name);
            }
            assert!(
                field.kind != Kind::Picklist || !field.picks.is_empty(),
                "{}",
                field.name
            );
        }
        let prefixes = schema.each().filter(|(_, o)| o.prefix == object.prefix);
        assert_eq!(prefixes.count(), 1);
    }
    let lead = schema.at(schema.object("lead").unwrap());
    let required: Vec<_> = lead
        .fields
        .iter()
        .filter(|f| f.required())
        .map(|f| &*f.name)
        .collect();
    assert_eq!(required, ["LastName", "Company"]);
    assert_eq!(lead.at(lead.field("OWNERID").unwrap()).label, "Owner ID");
}

#[test]
fn a_broken_line_is_named() {
    let error = Schema::parse("@ A 001 \"A\" \"As\"\nX nonsense CU", &[]).unwrap_err();
    assert!(error.message().contains("line 2"));
}
