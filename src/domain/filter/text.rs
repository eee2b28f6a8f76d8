//! Reads filters: `city:london -state:ok (lead or "two words")`.
//!
//! Only syntax; what a filter means is in `filter`. Invariant: nesting is bounded, so that no
//! text can exhaust the stack.

use std::fmt;

use super::{Filter, Limit, Needle, Order, Span, Test, Unit, Wanted};

/// What is wrong with the text of a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Characters before the place.
    pub at: usize,
    /// What was expected there.
    pub expected: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "at character {}: expected {}",
            self.at + 1,
            self.expected
        )
    }
}

impl std::error::Error for FilterError {}

/// Deepest nesting of parentheses and `-`.
const DEPTH: usize = 32;

/// Characters that end a bare word or value.
pub(super) const ENDS: [char; 4] = ['(', ')', '"', ','];

pub(super) fn read(text: &str) -> Result<Filter, FilterError> {
    let mut reader = Reader {
        chars: text.chars().collect(),
        at: 0,
        depth: 0,
    };
    reader.blank();
    if reader.peek().is_none() {
        return Ok(Filter::All);
    }
    let filter = reader.any()?;
    match reader.peek() {
        None => Ok(filter),
        Some(_) => Err(reader.expected("a word, `field:value`, `or`, or the end")),
    }
}

/// Characters before a part of a filter, such as `city:`, that is not in quotes; 0 when there is
/// none.
pub fn place_of(text: &str, part: &str) -> usize {
    let (mut quoted, mut before) = (false, None);
    for (at, (byte, c)) in text.char_indices().enumerate() {
        let starts = before.is_none_or(|b: char| !is_name(b));
        if starts && !quoted && text.get(byte..).is_some_and(|rest| rest.starts_with(part)) {
            return at;
        }
        if c == '"' && before != Some('\\') {
            quoted = !quoted;
        }
        before = Some(c);
    }
    0
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

type Read<T> = Result<T, FilterError>;

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn expected(&self, what: impl Into<String>) -> FilterError {
        FilterError {
            at: self.at,
            expected: what.into(),
        }
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let end = self.at + wanted.chars().count();
        let here = self.chars.get(self.at..end);
        let found = here.is_some_and(|h| h.iter().copied().eq(wanted.chars()));
        if found {
            self.at = end;
        }
        found
    }

    /// `or` as a word of its own.
    fn eat_or(&mut self) -> bool {
        let start = self.at;
        if self.eat("or") && self.peek().is_none_or(|c| c.is_whitespace() || c == '(') {
            self.blank();
            return true;
        }
        self.at = start;
        false
    }

    fn any(&mut self) -> Read<Filter> {
        let mut parts = vec![self.each()?];
        while self.eat_or() {
            parts.push(self.each()?);
        }
        Ok(several(parts, Filter::Any))
    }

    fn each(&mut self) -> Read<Filter> {
        let mut parts = Vec::new();
        loop {
            let start = self.at;
            if matches!(self.peek(), None | Some(')')) || self.eat_or() {
                self.at = start;
                break;
            }
            parts.push(self.one()?);
            self.blank();
        }
        if parts.is_empty() {
            return Err(self.expected("a word or `field:value`"));
        }
        Ok(several(parts, Filter::Each))
    }

    fn one(&mut self) -> Read<Filter> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.expected("fewer parentheses"));
        }
        let filter = if self.eat("-") {
            Filter::Not(Box::new(self.one()?))
        } else if self.eat("(") {
            self.blank();
            let inner = self.any()?;
            if !self.eat(")") {
                return Err(self.expected("`)`"));
            }
            inner
        } else {
            self.term()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn term(&mut self) -> Read<Filter> {
        match self.field_name() {
            Some(name) => self.field(name),
            None => {
                let text = self.text()?;
                Ok(Filter::Word(Needle::new(text)))
            }
        }
    }

    /// `name:`, if that is what comes next.
    fn field_name(&mut self) -> Option<String> {
        let start = self.at;
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| is_name(*c)) {
            name.push(c);
            self.at += 1;
        }
        let named = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if named && self.eat(":") {
            return Some(name);
        }
        self.at = start;
        None
    }

    fn field(&mut self, name: String) -> Read<Filter> {
        match name.as_str() {
            "state" => {
                let mut words = vec![self.text()?.to_lowercase()];
                while self.eat(",") {
                    words.push(self.text()?.to_lowercase());
                }
                return Ok(Filter::State(words));
            }
            "since" => return self.span().map(Filter::Since),
            "is" => {
                let start = self.at;
                if self.text()? == "marked" {
                    return Ok(Filter::Marked);
                }
                self.at = start;
                return Err(self.expected("`marked`"));
            }
            _ => {}
        }
        let orders = [
            ("<=", Order::AtMost),
            ("<", Order::Less),
            (">=", Order::AtLeast),
            (">", Order::More),
        ];
        for (sign, order) in orders {
            if self.eat(sign) {
                let limit = self.limit()?;
                let test = Test::Compare(order, limit);
                return Ok(Filter::Field { name, test });
            }
        }
        let test = if self.eat("=") {
            Test::Is(self.wanted()?)
        } else {
            Test::Contains(self.wanted()?)
        };
        Ok(Filter::Field { name, test })
    }

    fn wanted(&mut self) -> Read<Vec<Wanted>> {
        let mut wanted = Vec::new();
        loop {
            let quoted = self.peek() == Some('"');
            let text = self.text()?;
            wanted.push(if text == "null" && !quoted {
                Wanted::Null
            } else {
                Wanted::Text(Needle::new(text))
            });
            if !self.eat(",") {
                return Ok(wanted);
            }
        }
    }

    fn limit(&mut self) -> Read<Limit> {
        let start = self.at;
        if let Ok(span) = self.span() {
            return Ok(Limit::Age(span));
        }
        self.at = start;
        let text = self.text()?;
        if let Ok(number) = text.parse() {
            return Ok(Limit::Number(number));
        }
        // A date alone would also be read as an instant by some formats: the day comes first.
        if !text.contains(':')
            && let Ok(date) = text.parse()
        {
            return Ok(Limit::Date(date));
        }
        if let Ok(at) = text.parse() {
            return Ok(Limit::At(at));
        }
        self.at = start;
        Err(self.expected("a number, a date like 2026-11-20, or an age like 2d"))
    }

    fn span(&mut self) -> Read<Span> {
        let start = self.at;
        let text = self.text()?;
        let read = || {
            let (last, unit) = [
                ('s', Unit::Second),
                ('m', Unit::Minute),
                ('h', Unit::Hour),
                ('d', Unit::Day),
                ('w', Unit::Week),
            ]
            .into_iter()
            .find(|(c, _)| text.ends_with(*c))?;
            let digits = text.strip_suffix(last)?;
            if !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let count = digits.parse().ok()?;
            Some(Span { count, unit })
        };
        read().ok_or_else(|| {
            self.at = start;
            self.expected("a span like 15m, 24h, 2d or 1w")
        })
    }

    /// A quoted text, or everything up to white space, a quote, a comma or a parenthesis.
    fn text(&mut self) -> Read<String> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| !c.is_whitespace() && !ENDS.contains(&c))
        {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.expected("a word"));
        }
        Ok(self.chars[start..self.at].iter().collect())
    }

    fn quoted(&mut self) -> Read<String> {
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' if text.is_empty() => {
                    self.at -= 1;
                    return Err(self.expected("a text between the quotes"));
                }
                '"' => return Ok(text),
                '\\' => {
                    let escaped = self.peek().ok_or_else(|| self.expected("a character"))?;
                    self.at += 1;
                    text.push(escaped);
                }
                c => text.push(c),
            }
        }
        Err(self.expected("a closing quote"))
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.')
}

fn several(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => Filter::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn needles() -> impl Strategy<Value = Needle> {
        prop_oneof![
            "[a-z]{1,6}",
            "\\PC{1,6}",
            "[-a:=<>(),\"\\\\ ]{1,5}",
            Just("or".to_owned()),
            Just("null".to_owned()),
        ]
        .prop_map(Needle::new)
    }

    fn spans() -> impl Strategy<Value = Span> {
        let units = prop_oneof![
            Just(Unit::Second),
            Just(Unit::Minute),
            Just(Unit::Hour),
            Just(Unit::Day),
            Just(Unit::Week)
        ];
        (any::<u32>(), units).prop_map(|(count, unit)| Span { count, unit })
    }

    fn tests() -> impl Strategy<Value = Test> {
        let wanted = || {
            proptest::collection::vec(
                prop_oneof![Just(Wanted::Null), needles().prop_map(Wanted::Text)],
                1..3,
            )
        };
        let limits = prop_oneof![
            (any::<i32>(), 0u32..6)
                .prop_map(|(n, s)| Limit::Number(rust_decimal::Decimal::new(n.into(), s))),
            (1i16..3000, 1i8..13, 1i8..29)
                .prop_map(|(y, m, d)| Limit::Date(jiff::civil::date(y, m, d))),
            (0i64..4_000_000_000).prop_map(|s| Limit::At(jiff::Timestamp::from_second(s).unwrap())),
            spans().prop_map(Limit::Age),
        ];
        let orders = prop_oneof![
            Just(Order::Less),
            Just(Order::AtMost),
            Just(Order::More),
            Just(Order::AtLeast)
        ];
        prop_oneof![
            wanted().prop_map(Test::Contains),
            wanted().prop_map(Test::Is),
            (orders, limits).prop_map(|(o, l)| Test::Compare(o, l)),
        ]
    }

    fn filters() -> impl Strategy<Value = Filter> {
        let name = "[a-z_][a-zA-Z0-9_.]{0,6}".prop_filter("reserved", |n| {
            !["state", "since", "is"].contains(&n.as_str())
        });
        let leaf = prop_oneof![
            needles().prop_map(Filter::Word),
            (name, tests()).prop_map(|(name, test)| Filter::Field { name, test }),
            proptest::collection::vec("[a-z]{1,5}", 1..3).prop_map(Filter::State),
            spans().prop_map(Filter::Since),
            Just(Filter::Marked),
        ];
        leaf.prop_recursive(4, 16, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Each),
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Any),
                inner.prop_map(|f| Filter::Not(Box::new(f))),
            ]
        })
    }

    proptest! {
        #[test]
        fn printed_filters_are_read_back(filter in filters()) {
            let text = filter.to_string();
            prop_assert_eq!(text.parse::<Filter>(), Ok(filter), "{}", text);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = text.parse::<Filter>();
        }

        #[test]
        fn any_signs_are_read_or_refused(text in "[a:=<>(),\"\\\\ -]{0,24}") {
            if let Err(error) = text.parse::<Filter>() {
                prop_assert!(error.at <= text.chars().count());
            }
        }
    }

    #[test]
    fn mistakes_say_where() {
        for (text, at, word) in [
            ("city:", 5, "a word"),
            ("(a or b", 7, "`)`"),
            ("a)", 1, "the end"),
            ("a or", 4, "a word"),
            ("or a", 0, "a word"),
            ("\"open", 5, "closing quote"),
            ("\"\"", 1, "between the quotes"),
            ("n:>x", 3, "a number"),
            ("since:soon", 6, "a span"),
            ("is:here", 3, "`marked`"),
            ("a,b", 1, "a word"),
        ] {
            let error = text.parse::<Filter>().unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.expected.contains(word), "{text}: {error}");
        }
        let deep = "(".repeat(10_000);
        assert!(deep.parse::<Filter>().is_err());
        assert!("-".repeat(10_000).parse::<Filter>().is_err());
    }

    #[test]
    fn a_time_or_an_address_is_a_word_or_needs_quotes() {
        assert_eq!(
            "12:30".parse::<Filter>(),
            Ok(Filter::Word(Needle::new("12:30")))
        );
        assert_eq!(
            "\"http://x\"".parse::<Filter>(),
            Ok(Filter::Word(Needle::new("http://x")))
        );
    }
}
