//! The compact text of the schema, line by line.

use std::collections::HashMap;

use super::{Field, FieldIx, Kind, Object, Slot};

/// A head line: name, prefix, labels, words.
pub fn head_line(head: &str) -> Option<Object> {
    let mut tokens = tokens(head).into_iter();
    let name = tokens.next()?;
    let prefix = tokens.next()?.as_bytes().try_into().ok()?;
    let label = unquote(&tokens.next()?)?;
    let plural = unquote(&tokens.next()?)?;
    Some(Object {
        name,
        label,
        plural,
        prefix,
        fields: Vec::new(),
        words: tokens.collect(),
        by_name: HashMap::new(),
    })
}

/// A line of a field.
pub fn field_line(line: &str) -> Option<Field> {
    let (head, picks) = match line.split_once(" = ") {
        Some((head, picks)) => (head, picks.split('|').map(str::to_owned).collect()),
        None => (line, Vec::new()),
    };
    let mut tokens = tokens(head).into_iter();
    let name = tokens.next()?;
    let (kind, sizes) = kind_of(&tokens.next()?)?;
    let mut field = new_field(&name, kind, &tokens.next()?, Slot::Cell);
    match kind {
        Kind::Double | Kind::Currency | Kind::Percent => {
            (field.precision, field.scale) = (sizes.0, sizes.1);
        }
        Kind::Int => field.precision = sizes.0,
        Kind::Reference => field.length = 18,
        Kind::Address => field.slot = Slot::Compound,
        _ => field.length = sizes.0,
    }
    for token in tokens {
        if let Some(targets) = token.strip_prefix("->") {
            field.targets = targets.split(',').map(str::to_owned).collect();
        } else if let Some(compound) = token.strip_prefix('^') {
            field.compound = Some(compound.to_owned());
        } else if let Some(label) = unquote(&token) {
            field.label = label;
        } else {
            field.words.push(token);
        }
    }
    for pick in picks {
        let pick: String = pick;
        match pick.strip_prefix('*') {
            Some(default) => {
                field.default = Some(default.to_owned());
                field.picks.push(default.to_owned());
            }
            None => field.picks.push(pick),
        }
    }
    Some(field)
}

/// A field with nothing but its name, kind, flags and place.
pub fn new_field(name: &str, kind: Kind, flags: &str, slot: Slot) -> Field {
    Field {
        name: name.to_owned(),
        label: label_of(name),
        kind,
        length: 0,
        precision: 0,
        scale: 0,
        flags: flags.to_owned(),
        words: Vec::new(),
        targets: Vec::new(),
        compound: None,
        picks: Vec::new(),
        default: None,
        slot,
    }
}

fn kind_of(token: &str) -> Option<(Kind, (u32, u32))> {
    let (word, sizes) = match token.split_once('(') {
        Some((word, rest)) => {
            let inner = rest.strip_suffix(')')?;
            let (a, b) = inner.split_once(',').unwrap_or((inner, "0"));
            (word, (a.parse().ok()?, b.parse().ok()?))
        }
        None => (token, (0, 0)),
    };
    let kind = match word {
        "string" => Kind::Text,
        "textarea" => Kind::TextArea,
        "phone" => Kind::Phone,
        "url" => Kind::Url,
        "email" => Kind::Email,
        "picklist" => Kind::Picklist,
        "combobox" => Kind::Combobox,
        "multipicklist" => Kind::Multipicklist,
        "reference" => Kind::Reference,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "double" => Kind::Double,
        "currency" => Kind::Currency,
        "percent" => Kind::Percent,
        "date" => Kind::Date,
        "datetime" => Kind::DateTime,
        "address" => Kind::Address,
        "base64" => Kind::Base64,
        _ => return None,
    };
    Some((kind, sizes))
}

/// Adds `Id`, `IsDeleted` and the audit fields, and the index by name.
pub fn finish(object: &mut Object) {
    let mut id = new_field("Id", Kind::Id, "DFGSI", Slot::Id);
    id.length = 18;
    id.label = format!("{} ID", object.label);
    let mut head = vec![id];
    if !object.setup() {
        let mut deleted = new_field("IsDeleted", Kind::Boolean, "FGSD", Slot::IsDeleted);
        deleted.label = "Deleted".to_owned();
        head.push(deleted);
    }
    object.fields.splice(0..0, head);
    for (name, kind, slot) in [
        ("CreatedDate", Kind::DateTime, Slot::CreatedDate),
        ("CreatedById", Kind::Reference, Slot::CreatedById),
        ("LastModifiedDate", Kind::DateTime, Slot::LastModifiedDate),
        ("LastModifiedById", Kind::Reference, Slot::LastModifiedById),
        ("SystemModstamp", Kind::DateTime, Slot::SystemModstamp),
    ] {
        let flags = if kind == Kind::Reference {
            "DFGS"
        } else {
            "DFS"
        };
        let mut field = new_field(name, kind, flags, slot);
        if kind == Kind::Reference {
            field.length = 18;
            field.targets = vec!["User".to_owned()];
        }
        object.fields.push(field);
    }
    object.by_name = (0u16..)
        .zip(&object.fields)
        .flat_map(|(i, f)| {
            let names = [f.name.to_ascii_lowercase(), f.name.clone()];
            names.map(|name| (name, FieldIx(i)))
        })
        .collect();
}

/// `LastModifiedById` -> `Last Modified By ID`.
fn label_of(name: &str) -> String {
    let name = name.strip_suffix("__c").unwrap_or(name).replace('_', " ");
    let mut label = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            label.push(' ');
        }
        label.push(c);
        before = c;
    }
    match label.strip_suffix(" Id") {
        Some(head) => format!("{head} ID"),
        None => label,
    }
}

fn tokens(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = match rest.strip_prefix('"') {
            Some(inner) => inner.find('"').map_or(rest.len(), |at| at + 2),
            None => rest.find(' ').unwrap_or(rest.len()),
        };
        out.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    out
}

fn unquote(token: &str) -> Option<String> {
    token
        .strip_prefix('"')?
        .strip_suffix('"')
        .map(str::to_owned)
}
