//! What is wrong with a filter while it is typed, and how its last word can go on.
//!
//! Syntax and names of fields and states only; what a filter takes is the engine's business. Invariant: what
//! is offered is understood as it stands.

use super::find;
use crate::domain::conflict::conflict_rows;
use crate::domain::filter::{Filter, Rows};
use crate::domain::id::FieldName;
use crate::domain::record::record_rows;
use crate::domain::run::{Word, run_rows};
use crate::tui::model::{Model, Screen};
use crate::tui::widget::prompt::Prompt;

/// Completions that are shown.
const SHOWN: usize = 8;
/// What is being typed.
enum Typed<'a> {
    /// A filter on rows such as these.
    Filter(Rows<'a>),
    /// A text to find.
    Text,
}

fn typed(model: &Model) -> Typed<'_> {
    match model.screen {
        _ if find::is_here(model) => Typed::Text,
        Screen::Log => Typed::Filter(run_rows()),
        Screen::Conflicts => Typed::Filter(conflict_rows()),
        _ => match &model.records.known {
            Some((table, fields)) => {
                let fields = fields.iter().map(FieldName::as_str);
                Typed::Filter(record_rows(table, fields))
            }
            // Which fields there are is not known here; the engine says it.
            None => Typed::Text,
        },
    }
}

/// What is wrong with the text; none while its last word is not finished.
pub fn problem(model: &Model, text: &str) -> Option<String> {
    let Typed::Filter(rows) = typed(model) else {
        return None;
    };
    let why = read(model, text, &rows).err()?;
    let unfinished = !offers(model, text).is_empty() && model.filter.is_some();
    (!unfinished).then_some(why)
}

fn read(model: &Model, text: &str, rows: &Rows<'_>) -> Result<Filter, String> {
    match has_marks(model) {
        true => rows.read_with_marks(text),
        false => rows.read(text),
    }
}

/// Runs are not marked; what is in them is.
fn has_marks(model: &Model) -> bool {
    matches!(model.screen, Screen::Conflicts | Screen::Records)
}

/// The text of a filter that is understood; one that is not stays in its prompt, and why is said.
pub fn understood(model: &mut Model, text: &str) -> Option<String> {
    let text = text.trim().to_owned();
    let Some(why) = problem(model, &text) else {
        return Some(text);
    };
    model.say(Word::Info, format!("The list stays: {why}"));
    model.filter = Some(Prompt::new(text));
    None
}

/// Whether a text is a filter as it stands, as far as is known here.
pub fn is_understood(model: &Model, text: &str) -> bool {
    match typed(model) {
        Typed::Text => true,
        Typed::Filter(rows) => read(model, text, &rows).is_ok(),
    }
}

/// How the last word can go on, whole words.
pub fn offers(model: &Model, text: &str) -> Vec<String> {
    let Typed::Filter(rows) = typed(model) else {
        return Vec::new();
    };
    let last = last_word(text);
    let bare = last.trim_start_matches(['-', '(']);
    let lead = &last[..last.len() - bare.len()];
    let mut out = Vec::new();
    if let Some((name, value)) = bare.split_once(':') {
        if has_marks(model) && name.eq_ignore_ascii_case("is") {
            let fits = "marked".starts_with(value) && value != "marked";
            out.extend(fits.then(|| format!("{lead}{name}:marked")));
            return out;
        }
        if !name.eq_ignore_ascii_case("state") {
            return out;
        }
        // `state:a,b`: only the last is being typed.
        let (before, value) = match value.rsplit_once(',') {
            Some((before, value)) => (format!("{before},"), value),
            None => (String::new(), value),
        };
        let fits = rows
            .states_in_lower_case()
            .filter(|w| w.starts_with(&value.to_ascii_lowercase()) && *w != value);
        out.extend(fits.map(|word| format!("{lead}{name}:{before}{word}")));
    } else if !bare.is_empty() {
        let own = if has_marks(model) { 3 } else { 2 };
        let known = ["state", "since", "is"].into_iter().take(own);
        let known = known.chain(rows.fields.iter().copied());
        let begins = |name: &&str| {
            name.get(..bare.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(bare))
        };
        out.extend(known.filter(begins).map(|name| format!("{lead}{name}:")));
    }
    out.truncate(SHOWN);
    out
}

/// Puts what all offers have in common, or the first of them, in the place of the last word.
pub fn complete(model: &mut Model) {
    let Some(text) = model.filter.as_ref().map(|prompt| prompt.text().to_owned()) else {
        return;
    };
    let offers = offers(model, &text);
    let Some(first) = offers.first() else {
        let why = "Nothing that is known begins so. Enter uses the filter as it is.";
        return model.say(Word::Info, why);
    };
    let same = |other: &String| {
        let pairs = first.char_indices().zip(other.chars());
        let same = pairs.take_while(|((_, a), b)| a == b).last();
        same.map_or(0, |((at, c), _)| at + c.len_utf8())
    };
    let shared = offers.iter().map(same).min().unwrap_or(0);
    let last = last_word(&text);
    let word = match first.get(..shared) {
        Some(shared) if shared.len() > last.len() => shared,
        _ => first.as_str(),
    };
    let whole = format!("{}{word}", &text[..text.len() - last.len()]);
    model.filter = Some(Prompt::new(whole.as_str()));
    super::act::preview_filter(model, whole);
}

fn last_word(text: &str) -> &str {
    text.rsplit(' ').next().unwrap_or_default()
}
