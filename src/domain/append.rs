//! Lines that are appended to a text of the CRM, once and never again (sync-semantics 20).
//!
//! Only text; reading and writing it guarded is the engine's business. Invariant: the token of a
//! line follows from what it says and from the agreement it is new since, so a retry, a crash, a
//! lost answer or more text beside it cannot double it.

mod room;
mod seen;

pub use self::room::Room;
pub use self::seen::{Appended, Seen};

use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};

use jiff::Timestamp;

use super::conflict::Fingerprint;
use super::id::{AppId, RowId};
use super::mapping::{Flow, OnFull};
use super::record::Standing;
use super::transform::TransformError;
use super::value::{Cell, FieldKind, Value, canon};

const OPEN: &str = "\u{27e8}sd:";
const CLOSE: char = '\u{27e9}';
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of a token.
const TOKEN: usize = 10;

/// Whose text it is, and since when it is new.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The App record.
    pub app_id: &'a AppId,
    /// The mapping row.
    pub row: RowId,
    /// When the two sides last agreed; never, at a first link.
    pub agreed: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    token: String,
    text: String,
}

impl Line {
    fn mark(&self) -> String {
        format!("{OPEN}{}{CLOSE}", self.token)
    }
}

/// New lines with their tokens, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    lines: Vec<Line>,
    at: Timestamp,
    room: Room,
}

impl Block {
    /// The lines that are new in `is` compared with `was`; none when nothing was added. Of a line
    /// that was only made longer, what it was made longer by. `at` is when they were typed.
    pub fn of_new_text(origin: Origin<'_>, was: &str, is: &str, at: Timestamp) -> Option<Self> {
        let mut times: HashMap<String, u32> = HashMap::new();
        let lines: Vec<Line> = added(was, is)
            .into_iter()
            .map(|text| {
                let key = key(&text);
                let nth = times.entry(key.clone()).or_default();
                *nth += 1;
                let token = token(origin, &key, *nth);
                Line { token, text }
            })
            .collect();
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        let room = Room::default();
        (!lines.is_empty()).then_some(Self { lines, at, room })
    }

    /// The same, for a text that has so much room.
    #[must_use]
    pub fn within(self, room: Room) -> Self {
        Self { room, ..self }
    }

    /// What is left of it without the lines that the text once had: whoever removed them wanted it
    /// so (sync-semantics 20.5).
    #[must_use]
    pub fn never_seen(mut self, seen: &Seen) -> Option<Self> {
        self.lines.retain(|line| !seen.has(&line.token));
        (!self.lines.is_empty()).then_some(self)
    }

    /// What is left of it beside a text that may hold some of its lines already.
    #[must_use]
    pub fn missing_from(mut self, text: &str) -> Option<Self> {
        self.lines.retain(|line| !text.contains(&line.mark()));
        (!self.lines.is_empty()).then_some(self)
    }

    /// The text with these lines at its end, but for those that it holds already.
    ///
    /// # Errors
    /// When they find no room, and nothing makes any.
    pub fn fitted(&self, text: &str) -> Result<String, TransformError> {
        let whole = self.appended_to(text);
        match self.room.holds(&whole) {
            true => Ok(whole),
            false => Err(self.unfit()),
        }
    }

    /// Whether its lines become records of their own where they find no room.
    pub fn overflows(&self) -> bool {
        self.room.on_full == OnFull::Child
    }

    /// Why its lines go nowhere, when they find no room.
    pub fn unfit(&self) -> TransformError {
        let typed = self.lines.iter().flat_map(|line| line.text.chars());
        TransformError::Unfit {
            step: "append".to_owned(),
            value: typed.take(80).collect(),
            why: self.room.why(),
        }
    }

    /// Its lines as records of their own: each with its token, and what it says after the time.
    pub fn records(&self) -> impl Iterator<Item = (&str, String)> {
        let says = |line: &Line| format!("[{}] {}", self.at, line.text);
        self.lines
            .iter()
            .map(move |line| (line.token.as_str(), says(line)))
    }

    /// As [`Block::fitted`], however long it becomes.
    pub fn appended_to(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for line in &self.lines {
            let mark = line.mark();
            if out.contains(&mark) {
                continue;
            }
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&format!("[{}] {} {mark}", self.at, line.text));
        }
        let own = |token: &str| self.lines.iter().any(|line| line.token == token);
        self.room.made_in(out, own)
    }
}

impl Hash for Block {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for line in &self.lines {
            line.token.hash(state);
        }
    }
}

/// What a write agrees on, of the CRM's side, when it appends to `seen` and gives `sent`: where the
/// CRM's whole text comes back to the App, only what was there before, for of the rest the App has
/// not even seen the form.
pub fn agreed_crm(flow: Flow, seen: Cell, sent: Cell) -> Cell {
    match flow {
        Flow::AppendBoth => seen,
        _ => sent,
    }
}

/// What a base keeps of the CRM's side once `sent` is there, of which [`agreed_crm`] said `agreed`,
/// and whether anybody has `seen` it there. It is what was sent, so that a text from which a person
/// took the new lines again is another one; and it is owed to the App where it has more than was
/// agreed.
pub fn standing(flow: Flow, agreed: Cell, sent: Option<Cell>, seen: Standing) -> (Cell, Standing) {
    match sent.filter(|sent| flow == Flow::AppendBoth && *sent != agreed) {
        Some(sent) => (sent, Standing::Owed),
        None => (agreed, seen),
    }
}

/// A line as it stands in a text, with the mark of its token.
pub fn marked(line: &str, token: &str) -> String {
    format!("{line} {OPEN}{token}{CLOSE}")
}

/// Whether a text looks like one with lines of ours.
pub fn is_marked(text: &str) -> bool {
    text.contains(OPEN)
}

/// Whether two texts have the same lines of ours, at least one, whatever else they say.
pub fn same_lines(one: &str, other: &str) -> bool {
    let tokens = |text| -> BTreeSet<String> {
        let all = lines(text).flat_map(|line| plain(line).tokens);
        all.collect()
    };
    let one = tokens(one);
    !one.is_empty() && one == tokens(other)
}

/// The lines of `is` that are not in `was`, without what we put around them. A line that is there
/// twice is new if it was there once; where a line stands does not matter.
fn added(was: &str, is: &str) -> Vec<String> {
    let mut left: HashMap<String, usize> = HashMap::new();
    for line in lines(was) {
        *left.entry(key(&plain(line).text)).or_default() += 1;
    }
    let mut take = |key: &str| match left.get_mut(key) {
        Some(n) if *n > 0 => {
            *n -= 1;
            true
        }
        _ => false,
    };
    let mut new: Vec<String> = lines(is).map(|line| plain(line).text).collect();
    new.retain(|text| {
        let key = key(text);
        !key.is_empty() && !take(&key)
    });
    left.retain(|key, n| *n > 0 && !key.is_empty());
    for text in &mut new {
        let longest = left.keys().filter(|was| continues(was, text).is_some());
        let Some(was) = longest.max_by_key(|was| was.len()).cloned() else {
            continue;
        };
        if let Some(rest) = continues(&was, text) {
            *text = rest.to_owned();
        }
        if let Some(n) = left.get_mut(&was) {
            *n -= 1;
        }
        left.retain(|_, n| *n > 0);
    }
    new
}

/// What a line says after the words it began with before.
fn continues<'t>(was: &str, is: &'t str) -> Option<&'t str> {
    let rest = is.strip_prefix(was)?;
    let apart = |c: Option<char>| c.is_some_and(|c| !c.is_alphanumeric());
    let fits = apart(was.chars().next_back()) || apart(rest.chars().next());
    let rest = rest.trim();
    (fits && !rest.is_empty()).then_some(rest)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r'])
}

/// A line without what we put around it.
struct Plain {
    /// What was typed.
    text: String,
    /// Tokens of its marks; none in a line of others.
    tokens: Vec<String>,
    /// The time in front of it, if it is ours and has one.
    at: Option<Timestamp>,
}

fn plain(line: &str) -> Plain {
    let mut out = line.to_owned();
    let mut tokens = Vec::new();
    let mut from = 0;
    while let Some(at) = out[from..].find(OPEN).map(|at| at + from) {
        let start = at + OPEN.len();
        let end = start + TOKEN;
        let token = out
            .get(start..end)
            .filter(|t| t.bytes().all(|b| ALPHABET.contains(&b)) && out[end..].starts_with(CLOSE));
        let Some(token) = token.map(str::to_owned) else {
            from = start;
            continue;
        };
        out.replace_range(at..end + CLOSE.len_utf8(), "");
        tokens.push(token);
        from = at;
    }
    let stamped = out.strip_prefix('[').filter(|_| !tokens.is_empty());
    let stamped = stamped.and_then(|rest| {
        let (time, text) = rest.split_once("] ")?;
        Some((time.parse::<Timestamp>().ok()?, text.to_owned()))
    });
    let (at, text) = match stamped {
        Some((at, text)) => (Some(at), text),
        None => (None, out),
    };
    Plain {
        text: text.trim().to_owned(),
        tokens,
        at,
    }
}

/// What lines are told apart by.
fn key(text: &str) -> String {
    canon(FieldKind::Text, &Value::text(text)).to_string()
}

/// Ten base32 characters that stand for exactly this addition.
fn token(origin: Origin<'_>, key: &str, nth: u32) -> String {
    let Origin {
        app_id,
        row,
        agreed,
    } = origin;
    let agreed = agreed.map(|at| at.to_string()).unwrap_or_default();
    let id = vec![Value::text(format!("{app_id}/{row}"))];
    let (nth, text) = (
        vec![Value::text(format!("{nth}/{agreed}"))],
        vec![Value::text(key)],
    );
    let hash = Fingerprint::of(Some((&id, &nth)), Some(&text), None).0;
    (0..TOKEN)
        .map(|i| char::from(ALPHABET[((hash >> (i * 5)) & 31) as usize]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(super) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    pub(super) fn block(was: &str, is: &str, second: i64) -> Option<Block> {
        let id = AppId::new("a");
        let origin = Origin {
            app_id: &id,
            row: RowId(1),
            agreed: Some(at(0)),
        };
        Block::of_new_text(origin, was, is, at(second))
    }

    pub(super) fn sent(was: &str, is: &str, to: &str) -> String {
        block(was, is, 5).map_or(to.to_owned(), |b| b.appended_to(to))
    }

    fn marks(text: &str) -> Vec<String> {
        let all = text.split(OPEN).skip(1);
        all.map(|t| t[..TOKEN].to_owned()).collect()
    }

    fn words() -> impl Strategy<Value = String> {
        proptest::collection::vec("(one|two|[a-c ]{0,3})", 0..6).prop_map(|lines| lines.join("\n"))
    }

    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec("(one|two|[a-c ]{0,3}|\\PC{0,8})", 0..6)
            .prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #[test]
        fn appending_twice_is_appending_once(foreign in text(), was in text(), is in text()) {
            if let Some(first) = block(&was, &is, 1) {
                let once = first.appended_to(&foreign);
                prop_assert!(once.starts_with(&foreign));
                // A later retry makes the same tokens, whatever the clock says.
                let again = block(&was, &is, 999).unwrap();
                prop_assert_eq!(again.appended_to(&once), once.clone());
                prop_assert_eq!(again.missing_from(&once), None);
            }
        }

        /// What came back with our marks around it is nothing new.
        #[test]
        fn own_lines_that_came_back_are_known(foreign in text(), is in text()) {
            let whole = sent("", &is, &foreign);
            prop_assert_eq!(block(&whole, &whole, 1), None);
            prop_assert_eq!(added(&whole, &is), Vec::<String>::new());
        }

        /// Whatever is typed beside it, a line that was sent keeps its token.
        #[test]
        fn more_text_does_not_send_a_line_again(
            was in words(), is in words(), more in "[x-z]{1,5}", foreign in "[x-z]{1,5}",
        ) {
            let there = format!("{foreign}\n{}", sent(&was, &is, ""));
            let now = sent(&was, &format!("{more} \u{1f600}\n{is}\nend"), &there);
            prop_assert!(now.starts_with(&there));
            prop_assert_eq!(marks(&now).len(), marks(&there).len() + 2, "{}", now);
        }
    }

    #[test]
    fn only_the_new_part_is_sent() {
        let text = sent("old.", "old. Called back", "Foreign");
        assert!(text.starts_with("Foreign\n[1970-01-01T00:00:05Z] Called back \u{27e8}sd:"));
        assert!(!text.contains("old."));
        assert_eq!(block("old", "old ", 0), None);
        assert_eq!(added("Tel 55", "Tel 555"), ["Tel 555"], "not a 5");
    }

    #[test]
    fn an_edit_in_the_middle_sends_the_edited_line_only() {
        let was = "Called on Mnoday\nNo answer\nWill write";
        assert_eq!(
            added(was, &was.replace("Mnoday", "Monday")),
            ["Called on Monday"]
        );
        assert_eq!(added(was, "Called on Mnoday\nNo answer"), [""; 0]);
        assert_eq!(added(was, &format!("First\n{was}")), ["First"]);
        let twice = format!("{was}\nNo answer");
        assert_eq!(
            added(was, &twice),
            ["No answer"],
            "a line may be there twice"
        );
    }

    #[test]
    fn marks_do_not_travel() {
        let there = sent("", "Called\nWrote", "Foreign");
        let typed = format!("{there}\nAgain");
        assert_eq!(added(&there, &typed), ["Again"]);
        let corrected = there.replace("] Called", "] Called them");
        assert_eq!(added(&there, &corrected), ["them"]);
        let changed = there.replace("] Called", "] Phoned");
        assert_eq!(added(&there, &changed), ["Phoned"]);
        let all = sent(&there, &changed, &there);
        assert_eq!(all.matches(OPEN).count(), 3, "{all}");
        // What only looks like a mark is text.
        assert_eq!(
            plain("[x] a \u{27e8}sd:short\u{27e9}").text,
            "[x] a \u{27e8}sd:short\u{27e9}"
        );
    }

    #[test]
    fn the_same_words_after_another_agreement_are_another_line() {
        let id = AppId::new("a");
        let since = |second| {
            let origin = Origin {
                app_id: &id,
                row: RowId(1),
                agreed: Some(at(second)),
            };
            Block::of_new_text(origin, "", "Called", at(9)).unwrap()
        };
        let text = since(2).appended_to(&since(1).appended_to(""));
        assert_eq!(text.matches("Called").count(), 2);
    }
}
