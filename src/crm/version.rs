//! What the CRM says of the version of the API that we ask for (sync-semantics 22, salesforce-api
//! 2.1).
//!
//! Pure; it is heard in answers and kept by whoever makes calls. Invariant: what is said against a
//! version is told once, until something else is said against it.

use serde::{Deserialize, Serialize};

use super::error::CrmError;

/// Codes of the refusal of a version that is no more (salesforce-api 8).
const RETIRED: [&str; 2] = ["GONE", "UNSUPPORTED_API_VERSION"];
/// Characters kept of what the CRM says.
const MOST: usize = 200;

/// How the version stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ApiVersion {
    /// Nothing is wrong with it, as far as was said.
    #[default]
    Current,
    /// It works, and the CRM says in these words that it will not for ever.
    Retiring(String),
    /// It is answered no more.
    Retired,
}

impl ApiVersion {
    /// What an answer says that was given by this version, by its `Warning` header:
    /// `299 - "This API version ..."`.
    pub fn answered(warning: Option<&str>) -> Self {
        // Other numbers are of caches on the way.
        let Some(warning) = warning.filter(|it| it.trim_start().starts_with("299")) else {
            return Self::Current;
        };
        let said = warning.split_once('"').map_or(warning, |(_, rest)| rest);
        let said = said.trim_end().trim_end_matches(['"', '.']);
        let said = said.chars().filter(|c| !c.is_control()).take(MOST);
        Self::Retiring(said.collect())
    }

    /// What is said against it.
    pub fn warning(&self) -> Option<&str> {
        match self {
            Self::Current => None,
            Self::Retiring(said) => Some(said),
            Self::Retired => Some("it was retired"),
        }
    }

    /// Whether a refusal says that the version is no more.
    pub fn is_gone(error: &CrmError) -> bool {
        RETIRED.contains(&error.code.as_str())
    }
}

/// What the latest answer said of the version, and what was told of it in the log.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    now: ApiVersion,
    told: ApiVersion,
}

impl Heard {
    /// Known and told before a restart.
    pub fn before(version: ApiVersion) -> Self {
        Self {
            now: version.clone(),
            told: version,
        }
    }

    /// What the latest answer said.
    pub fn now(&self) -> &ApiVersion {
        &self.now
    }

    /// Takes what an answer said. Gives it where it is to be told: not all addresses warn, so an
    /// answer without a warning between two with the same one makes it nothing new.
    pub fn hear(&mut self, said: ApiVersion) -> Option<&ApiVersion> {
        self.now = said;
        if self.now == ApiVersion::Current || self.now == self.told {
            return None;
        }
        self.told.clone_from(&self.now);
        Some(&self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_warning_are_kept_without_their_wrapping() {
        let said = |warning| match ApiVersion::answered(Some(warning)) {
            ApiVersion::Retiring(words) => words,
            other => panic!("{other:?}"),
        };
        let text = "299 - \"This API version will be retired in Summer '28.\"";
        assert_eq!(said(text), "This API version will be retired in Summer '28");
        assert_eq!(said("299 soon"), "299 soon");
        assert_eq!(
            said(&format!("299 {}", "x\u{1b}".repeat(900)))
                .chars()
                .count(),
            MOST
        );
        let stale = Some("110 - \"stale\"");
        assert_eq!(ApiVersion::answered(None), ApiVersion::Current);
        assert_eq!(ApiVersion::answered(stale), ApiVersion::Current);
    }

    #[test]
    fn what_is_said_against_a_version_is_told_once_however_many_answers_say_nothing_between() {
        let soon = |words| ApiVersion::answered(Some(words));
        let mut heard = Heard::default();
        let answers = [
            (ApiVersion::Current, false),
            (soon("299 in spring"), true),
            (ApiVersion::Current, false),
            (soon("299 in spring"), false),
            (soon("299 next week"), true),
            (ApiVersion::Retired, true),
            (ApiVersion::Current, false),
            (ApiVersion::Retired, false),
        ];
        for (nth, (said, told)) in answers.into_iter().enumerate() {
            assert_eq!(heard.hear(said.clone()).is_some(), told, "answer {nth}");
            assert_eq!(heard.now(), &said);
        }
        let mut known = Heard::before(soon("299 in spring"));
        assert_eq!(known.hear(soon("299 in spring")), None, "after a restart");
    }
}
