//! What can be asked of the rows of a list: their fields and their states.
//!
//! It reads no row. Invariant: a filter that asks for a field or a state that no row can have is
//! refused with what there is instead, so that no list is empty because of a slip of the hand.

use super::{Filter, FilterError};
use crate::domain::run::Word;
use crate::domain::text::nearest;

/// The rows of a list, as its filter can ask for them.
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    /// What a row is called in what is wrong with a filter.
    pub whose: &'a str,
    /// Fields a row has, beside its state and its age.
    pub fields: Vec<&'a str>,
    /// States a row can be in.
    pub states: Vec<Word>,
}

impl Rows<'_> {
    /// Reads a filter on rows that are not marked, or whose marks are not known here.
    ///
    /// # Errors
    /// Says what was not understood, and where, or which field or state there is instead.
    pub fn read(&self, text: &str) -> Result<Filter, String> {
        let filter = self.read_with_marks(text)?;
        match filter.asks_for_marks() {
            true => Err("marks cannot be searched for in this list".to_owned()),
            false => Ok(filter),
        }
    }

    /// The same for a list whose rows can be marked.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read_with_marks(&self, text: &str) -> Result<Filter, String> {
        let filter: Filter = text.parse().map_err(|e: FilterError| e.to_string())?;
        self.check("field", &filter.fields(), self.fields.iter().copied())?;
        let states: Vec<String> = self.states_in_lower_case().collect();
        let known = states.iter().map(String::as_str);
        self.check("state", &filter.states(), known)?;
        Ok(filter)
    }

    /// Its states as a filter has them.
    pub fn states_in_lower_case(&self) -> impl Iterator<Item = String> {
        self.states.iter().map(|w| w.as_str().to_ascii_lowercase())
    }

    fn check<'k>(
        &self,
        what: &str,
        asked: &[&str],
        known: impl Iterator<Item = &'k str> + Clone,
    ) -> Result<(), String> {
        let mut asked = asked.iter();
        let wrong = asked.find(|name| !known.clone().any(|k| k.eq_ignore_ascii_case(name)));
        let Some(wrong) = wrong else { return Ok(()) };
        let hint = match nearest(wrong, known.clone()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("{what}s: {}", known.collect::<Vec<_>>().join(", ")),
        };
        Err(format!("{} has no {what} {wrong}; {hint}", self.whose))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows<'static> {
        Rows {
            whose: "a row",
            fields: vec!["name", "City"],
            states: vec![Word::Ok, Word::Fail],
        }
    }

    #[test]
    fn what_no_row_has_is_refused_with_what_there_is() {
        for (filter, says) in [
            ("nmae:x", "a row has no field nmae; did you mean name?"),
            ("zip:x", "a row has no field zip; fields: name, City"),
            ("state:fial", "a row has no state fial; did you mean fail?"),
            (
                "ada (-state:ok,FIAL or x)",
                "no state fial; did you mean fail?",
            ),
            ("state:conf", "a row has no state conf; states: ok, fail"),
            ("is:marked", "marks cannot be searched for"),
        ] {
            let why = rows().read(filter).unwrap_err();
            assert!(why.contains(says), "{filter}: {why}");
        }
    }

    #[test]
    fn what_rows_have_is_asked_for_in_any_case() {
        for filter in ["", "state:ok,FAIL", "city:x -state:Ok", "since:1h"] {
            assert!(rows().read(filter).is_ok(), "{filter}");
        }
        assert!(rows().read_with_marks("is:marked").is_ok());
    }
}
