//! A row that appends, as the simulation sees it (I39, sync-semantics 20): what people do to the
//! text on both sides, and what no write may do to it.
//!
//! Knows of the product only how a line of ours is marked. Invariant: a line counts as removed only
//! when the engine knew it before somebody removed it.

use std::collections::BTreeSet;

use syncdeck::domain::id::{PairName, RowId};
use syncdeck::domain::mapping::{Flow, OnFull};
use syncdeck::domain::record::{AppRecord, LinkState, Presence};
use syncdeck::domain::value::Value;
use syncdeck::engine::state::State;
use syncdeck::engine::tables::LINKS;

use super::coverage::{REMOVED, ROTATED};
use super::org::Inner;
use super::world::{World, app_records};
use crate::sim::random::Random;

/// The App's field, the CRM's, and the row.
pub const HERE: &str = "notes";
pub const THERE: &str = "Description";
pub const ROW: RowId = RowId(6);
/// Characters of the text where the oldest lines make room.
const SMALL: u32 = 400;

const OPEN: &str = "\u{27e8}sd:";
const CLOSE: char = '\u{27e9}';
const OLDER: &str = "older lines in syncdeck";

/// The row of a history, and what is known of its texts.
#[derive(Debug, Clone)]
pub struct Notes {
    pub flow: Flow,
    /// Lines that the engine knows, by lead and token.
    known: BTreeSet<(String, String)>,
    /// Lines that somebody removed there, or whose mark, after that.
    removed: BTreeSet<(String, String)>,
    /// What lines said that somebody removed or changed there.
    struck: BTreeSet<String>,
    /// Lines of others, by lead.
    others: BTreeSet<(String, String)>,
    /// Leads that others were merged into: their text has not what was written in the others.
    pub survivors: BTreeSet<String>,
}

impl Notes {
    pub fn of(random: &mut Random) -> Self {
        let flows = [
            Flow::Append(OnFull::Reject),
            Flow::AppendBoth,
            Flow::Append(OnFull::Rotate),
        ];
        Self {
            flow: flows[random.below(3)],
            known: BTreeSet::new(),
            removed: BTreeSet::new(),
            struck: BTreeSet::new(),
            others: BTreeSet::new(),
            survivors: BTreeSet::new(),
        }
    }

    fn rotates(&self) -> bool {
        self.flow == Flow::Append(OnFull::Rotate)
    }

    /// Characters that the text takes.
    pub fn room(&self) -> u32 {
        if self.rotates() { SMALL } else { 32_000 }
    }

    /// The process ended, and perhaps what it knew is older now.
    pub fn forget(&mut self, all: bool) {
        self.known.clear();
        if all {
            self.removed.clear();
        }
    }
}

/// The token of a line of ours.
fn token(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(OPEN)?;
    rest.split_once(CLOSE).map(|(token, _)| token)
}

/// What a line says, without what is put around it.
fn says(line: &str) -> &str {
    match line.split_once(OPEN) {
        Some((line, _)) => line.split_once("] ").map_or(line, |(_, text)| text).trim(),
        None => line.trim(),
    }
}

/// Lines of others: neither ours, nor the one that stands for lines that made room.
fn others(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.is_empty());
    let ours = |line: &str| token(line).is_some() || line.ends_with(OLDER);
    lines.filter(|line| !ours(line)).collect()
}

/// A text for the story, without the tokens, which are of chance.
pub fn told(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split(OPEN).enumerate() {
        match part.split_once(CLOSE).filter(|_| at > 0) {
            Some((_, rest)) => out.push_str(&format!("<>{rest}")),
            None => out.push_str(part),
        }
    }
    out.replace('\n', " | ")
}

/// Looks at what the engine knows of the texts.
pub fn look(org: &mut Inner, state: &State) {
    let Some(notes) = &mut org.notes else { return };
    for row in state.store().scan(&LINKS, &[]) {
        let (_, link) = row.unwrap();
        let (Some(id), Some(seen)) = (link.crm_id, &link.seen) else {
            continue;
        };
        let text = seen.fields.get(THERE).map(ToString::to_string);
        let text = text.unwrap_or_default();
        let known = text.lines().filter_map(token);
        notes
            .known
            .extend(known.map(|token| (id.to_string(), token.to_owned())));
    }
}

impl Inner {
    /// A colleague does something to the text of a lead.
    pub(in crate::sim::engine) fn colleague_writes_notes(&mut self, id: &str) {
        let text = self.value(id, THERE);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let own: Vec<usize> = (0..lines.len())
            .filter(|at| token(&lines[*at]).is_some())
            .collect();
        self.texts += 1;
        let line = format!("theirs {}", self.texts);
        let what = self.random.below(6);
        let at = self.random.pick(&own).filter(|_| what > 2);
        let Some(notes) = &mut self.notes else { return };
        let place = |line: &str| (id.to_owned(), token(line).unwrap_or_default().to_owned());
        match at {
            None => {
                notes.others.insert((id.to_owned(), line.clone()));
                let at = if what == 0 { 0 } else { lines.len() };
                lines.insert(at, line);
            }
            Some(at) => {
                notes.struck.insert(says(&lines[at]).to_owned());
                let known = notes.known.contains(&place(&lines[at]));
                if known && what != 4 {
                    notes.removed.insert(place(&lines[at]));
                    self.coverage.met(REMOVED.to_owned());
                }
                match what {
                    // The whole line, its words, or its mark.
                    3 => drop(lines.remove(at)),
                    4 => lines[at] = lines[at].replacen("] ", "] x", 1),
                    _ => {
                        let mark = lines[at].find(OPEN).unwrap_or_default();
                        let text = lines[at][..mark].trim().to_owned();
                        let kept = (id.to_owned(), text.clone());
                        notes.others.insert(kept);
                        lines[at] = text;
                    }
                }
            }
        }
        let text = lines.join("\n");
        self.gives(id, THERE, &text);
    }

    /// Our user is about to replace a text by another.
    pub(in crate::sim::engine) fn notes_become(&mut self, id: &str, was: &str, is: &str) {
        let Some(notes) = &self.notes else { return };
        let tokens: Vec<&str> = is.lines().filter_map(token).collect();
        let once: BTreeSet<&str> = tokens.iter().copied().collect();
        let new = |token: &&&str| !was.contains(&format!("{OPEN}{token}{CLOSE}"));
        let back = once.iter().filter(new).find(|token| {
            notes
                .removed
                .contains(&(id.to_owned(), (**token).to_owned()))
        });
        let kept = match notes.rotates() {
            true => others(was) == others(is),
            false => is.starts_with(was),
        };
        let wrong = match () {
            () if once.len() < tokens.len() => Some("has a line twice"),
            () if back.is_some() => Some("has a line again that somebody removed"),
            () if !kept => Some("lost words of others"),
            () if is.encode_utf16().count() > notes.room() as usize => Some("is too long"),
            () => None,
        };
        if is.ends_with(OLDER) || is.contains(&format!("{OLDER}\n")) {
            self.coverage.met(ROTATED.to_owned());
        }
        if let Some(wrong) = wrong {
            let what = format!("{id} {wrong}: {} became {}", told(was), told(is));
            self.breaks("I39", what);
        }
    }
}

/// What somebody in the App makes of a text.
pub fn typed(org: &mut Inner, text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    org.texts += 1;
    let line = format!("note {}", org.texts);
    match org.random.below(8) {
        0 => lines.insert(0, line),
        1 => drop(lines.pop()),
        2 => {
            if let Some(first) = lines.first_mut() {
                *first = first.replacen("note", "noted", 1);
            }
        }
        _ => lines.push(line),
    }
    lines.join("\n")
}

/// At rest, every line of the App is there, unless somebody removed it or it made room; and all
/// that others wrote.
pub fn at_rest(world: &World<'_>) {
    let Some(notes) = world.org.inner().notes.clone() else {
        return;
    };
    let state = world.state();
    for record in app_records(state) {
        if let Some(wrong) = differs(world, &notes, &record) {
            world.org.inner().breaks("I39", wrong);
        }
    }
    let org = world.org.inner();
    let lost = notes.others.iter().find(|(id, line)| {
        let record = org.lead(id).unwrap_or_default();
        let text = record[THERE].as_str().unwrap_or_default();
        record["IsDeleted"] == false && !text.lines().any(|is| is == line)
    });
    let lost = lost.map(|(id, line)| format!("{id} lost {line:?} of others"));
    drop(org);
    if let Some(lost) = lost {
        world.org.inner().breaks("I39", lost);
    }
}

fn differs(world: &World<'_>, notes: &Notes, record: &AppRecord) -> Option<String> {
    let name = PairName::new("leads");
    let state = world.state();
    let link = state.link(&name, &record.id).unwrap()?;
    let asked = !state.open_conflicts(&name, &record.id).unwrap().is_empty();
    let aside = state.quarantined(&name, &record.id).unwrap().is_some();
    let id = link.crm_id.filter(|_| link.state == LinkState::Active)?;
    let crm = world.org.inner().lead(&id.to_string()).ok()?;
    let live = crm["IsDeleted"] == false && crm["IsConverted"] == false;
    if asked || aside || !live || record.presence != Presence::Live {
        return None;
    }
    let here = record.fields.get(HERE).map(Value::to_string);
    let here = here.unwrap_or_default();
    let there = crm[THERE].as_str().unwrap_or_default();
    if notes.flow == Flow::AppendBoth {
        let same = here.lines().eq(there.lines());
        let what = || format!("{} {} there {}", record.id, told(&here), told(there));
        return (!same).then(what);
    }
    if notes.survivors.contains(&id.to_string()) || there.contains(OLDER) {
        return None;
    }
    let missing = here.lines().map(says).find(|line| {
        let there = there.lines().any(|is| says(is).contains(line));
        !line.is_empty() && !there && !notes.struck.contains(*line)
    });
    missing.map(|line| format!("{} says {line:?}, {id} {}", record.id, told(there)))
}

#[test]
fn marks_are_told_apart() {
    let text = "theirs\n[2026-01-01T00:00:00Z] a \u{27e8}sd:abc\u{27e9}\n\u{2026} 3 older lines in syncdeck";
    assert_eq!(others(text), ["theirs"]);
    let own = text.lines().nth(1).unwrap();
    assert_eq!((token(own), says(own)), (Some("abc"), "a"));
    assert!(!told(text).contains("abc"));
}
