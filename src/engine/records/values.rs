//! Whether values that a person gives fit the fields of an App table.
//!
//! Pure; what fits one field is `domain::form`'s. Invariant: all values fit, or none is taken.

use crate::domain::form::fit;
use crate::domain::id::FieldName;
use crate::domain::mapping::{AppField, Pair};
use crate::domain::text::nearest;
use crate::domain::value::Fields;
use crate::error::{Error, Kind, Result};

/// The values in the form their fields keep, or what is wrong with the first that does not fit.
pub(super) fn fitting(pair: &Pair, fields: Fields) -> Result<Fields> {
    let mut out = Fields::new();
    for (name, value) in fields {
        let field = field(pair, &name)?;
        let value = fit(field, value).map_err(|why| {
            Error::new(Kind::Usage, format!("{name} {why}")).hint("nothing was changed")
        })?;
        out.insert(name, value);
    }
    Ok(out)
}

fn field<'p>(pair: &'p Pair, name: &FieldName) -> Result<&'p AppField> {
    if let Some(field) = pair.app_fields.iter().find(|f| f.name == *name) {
        return Ok(field);
    }
    let known: Vec<&str> = pair.app_fields.iter().map(|f| f.name.as_str()).collect();
    let error = Error::new(
        Kind::Usage,
        format!("the App table {} has no field {name}", pair.table),
    );
    Err(match nearest(name.as_str(), known.iter().copied()) {
        Some(meant) => error.hint(format!("did you mean {meant}?")),
        None => error.hint(format!("fields: {}", known.join(", "))),
    })
}
