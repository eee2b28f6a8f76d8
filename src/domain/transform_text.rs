//! Reads the text form of a [`Chain`]: `trim, cut(40), map("a" = "b", * = "c")`.
//!
//! Only syntax; what the steps do is in `transform`. Invariant: the text a chain prints is read
//! back as the same chain.

use std::fmt;
use std::str::FromStr;

use super::id::PairName;
use super::transform::{Chain, Step};

/// What is wrong with the text of a chain, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainError {
    /// Characters before the place.
    pub at: usize,
    /// What was expected there.
    pub expected: String,
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "at character {}: expected {}",
            self.at + 1,
            self.expected
        )
    }
}

impl std::error::Error for ChainError {}

/// Names of all steps, for completion and messages.
pub const STEP_NAMES: [&str; 17] = [
    "trim",
    "lower",
    "upper",
    "cut(N)",
    "prefix(\"text\")",
    "strip_prefix(\"text\")",
    "phone",
    "number(DECIMALS)",
    "date",
    "constant(\"text\")",
    "default(\"text\")",
    "map(\"from\" = \"to\", * = \"other\")",
    "concat(\" \")",
    "split_name",
    "link(PAIR)",
    "user",
    "user(\"FALLBACK\")",
];

impl FromStr for Chain {
    type Err = ChainError;

    fn from_str(text: &str) -> Result<Self, ChainError> {
        let mut reader = Reader {
            chars: text.chars().collect(),
            at: 0,
        };
        let mut steps = Vec::new();
        reader.blank();
        if reader.peek().is_none() || text.trim() == "-" {
            return Ok(Self::default());
        }
        loop {
            steps.push(reader.step()?);
            reader.blank();
            match reader.peek() {
                None => return Ok(Self(steps)),
                Some(',') => reader.at += 1,
                Some(_) => return Err(reader.expected("a comma or the end")),
            }
            reader.blank();
        }
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn expected(&self, what: impl Into<String>) -> ChainError {
        ChainError {
            at: self.at,
            expected: what.into(),
        }
    }

    fn take(&mut self, wanted: char) -> Result<(), ChainError> {
        self.blank();
        if self.peek() == Some(wanted) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.expected(format!("{wanted:?}")))
        }
    }

    fn word(&mut self) -> String {
        self.blank();
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn step(&mut self) -> Result<Step, ChainError> {
        let start = self.at;
        let name = self.word();
        let step = match name.as_str() {
            "trim" => Step::Trim,
            "lower" => Step::Lower,
            "upper" => Step::Upper,
            "phone" => Step::Phone,
            "date" => Step::Date,
            "split_name" => Step::SplitName,
            "user" if self.opens() => Step::UserOr(self.argument(Self::quoted)?),
            "user" => Step::User,
            "cut" => Step::Cut(self.argument(Self::number)?),
            "number" => {
                let scale = self.argument(Self::number)?;
                let scale = u8::try_from(scale).ok().filter(|s| *s <= 18);
                Step::Number(scale.ok_or_else(|| self.expected("0 to 18 decimals"))?)
            }
            "prefix" => Step::Prefix(self.argument(Self::quoted)?),
            "strip_prefix" => Step::StripPrefix(self.argument(Self::quoted)?),
            "constant" => Step::Constant(self.argument(Self::quoted)?),
            "default" => Step::Default(self.argument(Self::quoted)?),
            "concat" => Step::Concat(self.argument(Self::quoted)?),
            "link" => Step::Link(self.argument(Self::pair)?),
            "map" => self.argument(Self::map)?,
            _ => {
                self.at = start;
                let names = STEP_NAMES.join(", ");
                return Err(self.expected(format!("one of {names}")));
            }
        };
        Ok(step)
    }

    fn opens(&mut self) -> bool {
        self.blank();
        self.peek() == Some('(')
    }

    fn argument<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ChainError>,
    ) -> Result<T, ChainError> {
        self.take('(')?;
        let value = read(self)?;
        self.take(')')?;
        Ok(value)
    }

    fn number(&mut self) -> Result<u32, ChainError> {
        let start = self.at;
        let word = self.word();
        word.parse().map_err(|_| {
            self.at = start;
            self.expected("a whole number")
        })
    }

    fn pair(&mut self) -> Result<PairName, ChainError> {
        let word = self.word();
        if word.is_empty() {
            return Err(self.expected("the name of a pair"));
        }
        Ok(PairName::new(word))
    }

    fn quoted(&mut self) -> Result<String, ChainError> {
        self.take('"')?;
        let mut text = String::new();
        loop {
            let c = self
                .peek()
                .ok_or_else(|| self.expected("a closing quote"))?;
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' => {
                    let escaped = self.peek().ok_or_else(|| self.expected("a character"))?;
                    self.at += 1;
                    text.push(if escaped == 'n' { '\n' } else { escaped });
                }
                c => text.push(c),
            }
        }
    }

    fn map(&mut self) -> Result<Step, ChainError> {
        let mut pairs = Vec::new();
        let mut other = None;
        loop {
            self.blank();
            if self.peek() == Some('*') {
                self.at += 1;
                self.take('=')?;
                other = Some(self.quoted()?);
            } else {
                let from = self.quoted()?;
                self.take('=')?;
                pairs.push((from, self.quoted()?));
            }
            self.blank();
            match self.peek() {
                Some(',') if other.is_none() => self.at += 1,
                _ => return Ok(Step::Map { pairs, other }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transform::{NoLookup, Side};
    use crate::domain::value::Value;
    use proptest::prelude::*;

    fn steps() -> impl Strategy<Value = Step> {
        let text = "[a-z \"\\\\,()=*\n\u{e9}]{0,8}";
        prop_oneof![
            Just(Step::Trim),
            Just(Step::Phone),
            Just(Step::SplitName),
            (0u32..999).prop_map(Step::Cut),
            (0u8..18).prop_map(Step::Number),
            text.prop_map(Step::Prefix),
            text.prop_map(Step::Concat),
            Just(Step::User),
            text.prop_map(Step::UserOr),
            "[a-z]{1,8}".prop_map(|p| Step::Link(p.as_str().into())),
            (
                proptest::collection::vec((text, text), 1..4),
                proptest::option::of(text)
            )
                .prop_map(|(pairs, other)| Step::Map { pairs, other }),
        ]
    }

    proptest! {
        #[test]
        fn printed_chains_are_read_back(steps in proptest::collection::vec(steps(), 0..5)) {
            let chain = Chain(steps);
            prop_assert_eq!(chain.to_string().parse::<Chain>(), Ok(chain));
        }

        #[test]
        fn reading_any_text_ends(text in "\\PC{0,40}") {
            let _ = text.parse::<Chain>();
        }

        #[test]
        fn steps_are_total(
            steps in proptest::collection::vec(steps(), 0..5),
            texts in proptest::collection::vec("\\PC{0,20}", 0..3),
        ) {
            let cell: Vec<Value> = texts.into_iter().map(Value::text).collect();
            for side in [Side::App, Side::Crm] {
                let _ = Chain(steps.clone()).apply(side, &cell, &NoLookup);
            }
        }
    }

    fn run(chain: &str, cell: &[Value]) -> Result<Vec<Value>, String> {
        chain
            .parse::<Chain>()
            .unwrap()
            .apply(Side::Crm, cell, &NoLookup)
            .map_err(|e| e.to_string())
    }

    #[test]
    fn what_the_steps_do() {
        let t = |s: &str| Value::from(s);
        assert_eq!(run("trim, lower", &[t(" A@B.C ")]).unwrap(), [t("a@b.c")]);
        assert_eq!(
            run("concat(\" \")", &[t("Ada"), t("King")]).unwrap(),
            [t("Ada King")]
        );
        assert_eq!(
            run("concat(\" \")", &[Value::Null, t("King")]).unwrap(),
            [t("King")]
        );
        assert_eq!(
            run("split_name", &[t("Ada B King")]).unwrap(),
            [t("Ada B"), t("King")]
        );
        assert_eq!(
            run("split_name", &[t("King")]).unwrap(),
            [Value::Null, t("King")]
        );
        assert_eq!(
            run("phone", &[t("+44 (20) 7946-0018")]).unwrap(),
            [t("+442079460018")]
        );
        assert_eq!(
            run("phone", &[t("0044 20 7946")]).unwrap(),
            [t("+44207946")]
        );
        assert_eq!(run("phone", &[t("x12")]).unwrap(), [t("x12")]);
        let map = "map(\"Open\" = \"new\", * = \"other\")";
        assert_eq!(run(map, &[t("Open")]).unwrap(), [t("new")]);
        assert_eq!(run(map, &[t("x")]).unwrap(), [t("other")]);
        assert!(
            run("map(\"a\" = \"b\")", &[t("x")])
                .unwrap_err()
                .contains("not in the list")
        );
        assert!(
            run("number(2)", &[t("abc")])
                .unwrap_err()
                .contains("not a number")
        );
        assert!(
            run("link(accounts)", &[t("1")])
                .unwrap_err()
                .contains("not linked yet")
        );
    }

    #[test]
    fn mistakes_say_where() {
        let error = "trim, cutt(4)".parse::<Chain>().unwrap_err();
        assert_eq!(error.at, 6);
        let error = "cut(x)".parse::<Chain>().unwrap_err();
        assert_eq!((error.at, error.expected.as_str()), (4, "a whole number"));
        assert!("prefix(\"a".parse::<Chain>().is_err());
    }
}
