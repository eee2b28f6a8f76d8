//! E-mail addresses in what a record was refused with.
//!
//! The first screen and `status` are seen by everybody, and hold no values of records. Invariant: only
//! addresses are taken out of a message, never a word or a bracket beside them.

use crate::domain::id::AppId;
use crate::domain::mapping::Pair;
use crate::domain::run::Failure;
use crate::domain::value::Fields;
use crate::engine::state::State;
use crate::error::Result;

/// What the org refuses with in words of its own.
const OF_A_RULE: &str = "FIELD_CUSTOM_VALIDATION_EXCEPTION";
/// What ends a word besides a space: no address has it.
const BETWEEN: [char; 12] = ['(', ')', '<', '>', '[', ']', '{', '}', ',', ';', ':', '"'];
/// What may stand at the ends of an address and is none of it.
const AROUND: [char; 4] = ['.', '!', '?', '\''];
/// Stands for one.
const HIDDEN: &str = "(address)";

/// What a failure says. In a message of a rule of the org an address is whom to ask, and stays, unless
/// the record itself has it: then code of the org put it there.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn without(failure: &Failure, state: &State, pair: &Pair, id: &AppId) -> Result<String> {
    if !failure.what.contains('@') {
        return Ok(failure.what.clone());
    }
    if failure.code != OF_A_RULE {
        return Ok(replaced(&failure.what, |_| true));
    }
    let app = state.app_record(&pair.table, id)?;
    let seen = state.link(&pair.name, id)?.and_then(|link| link.seen);
    let app = app.iter().map(|record| &record.fields);
    let fields = app.chain(seen.iter().map(|seen| &seen.fields));
    let own: Vec<String> = fields.flat_map(with_address).collect();
    Ok(replaced(&failure.what, |address| {
        let address = address.to_lowercase();
        let is_it = |value: &String| value.contains(&address) || address.contains(value);
        own.iter().any(is_it)
    }))
}

fn with_address(fields: &Fields) -> impl Iterator<Item = String> {
    let texts = fields
        .values()
        .map(|value| value.to_string().to_lowercase());
    texts.filter(|text| text.contains('@'))
}

/// A text with something else in the place of the addresses that are to be hidden.
fn replaced(text: &str, hides: impl Fn(&str) -> bool) -> String {
    let ends = |c: char| c.is_whitespace() || BETWEEN.contains(&c);
    let words = text.split_inclusive(ends).map(|word| {
        let address = word.trim_end_matches(ends).trim_matches(AROUND);
        match address.contains('@') && hides(address) {
            true => word.replacen(address, HIDDEN, 1),
            false => word.to_owned(),
        }
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_goes_and_the_signs_around_it_stay() {
        for (text, shown) in [
            (
                "ask Sales (ops@example.com, form SO-17).",
                "ask Sales ((address), form SO-17).",
            ),
            ("no address: 'ada@example.com'.", "no address: '(address)'."),
            ("Email:ada@example.com!", "Email:(address)!"),
            ("<a.b+c@x.example>;d_e@y.example", "<(address)>;(address)"),
            (
                "nothing @ all, and none.",
                "nothing (address) all, and none.",
            ),
        ] {
            assert_eq!(replaced(text, |_| true), shown);
            assert_eq!(replaced(text, |_| false), text);
        }
    }
}
