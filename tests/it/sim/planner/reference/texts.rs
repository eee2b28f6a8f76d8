//! Rows that append, in the naive engine (sync-semantics 20): texts are lists of lines, and a line is
//! there or it is not.

use super::*;

/// A line of a text: what it says, and which one it is once it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub says: String,
    nth: Option<u32>,
}

impl Line {
    pub(super) fn typed(says: &str) -> Self {
        let says = says.to_owned();
        Self { says, nth: None }
    }
}

/// A row that appends: the App's text, and both texts when they were agreed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    pub app: Vec<Line>,
    pub(super) base: Option<(Vec<Line>, Vec<Line>)>,
}

impl Notes {
    pub(super) fn moved(&self, side: Side, text: &[Line]) -> bool {
        match (side, &self.base) {
            (Side::App, Some((was, _))) => self.app != *was,
            (Side::Crm, Some((_, was))) => text != was,
            (Side::App, None) => !self.app.is_empty(),
            (Side::Crm, None) => !text.is_empty(),
        }
    }

    pub(super) fn pull(&mut self, text: &[Line]) {
        self.app = text.to_vec();
        self.base = Some((text.to_vec(), text.to_vec()));
    }
}

impl Record {
    /// Rows that append, all at once: what is new in the App goes to the end of the CRM's text,
    /// and the whole text comes back where it is to.
    pub(super) fn texts(&mut self, case: &Case, now: i64, frozen: bool) {
        let text = self.text.clone();
        let mut new = Vec::new();
        let mut agreed = Vec::new();
        for (i, row) in case.rows.iter().enumerate().filter(|(_, r)| r.appends()) {
            let notes = &mut self.notes[i];
            let both = row.flow == Flow::AppendBoth;
            let agree = Some((notes.app.clone(), text.clone()));
            let known = notes.base.is_some();
            let here = notes.moved(Side::App, &text);
            let there = notes.moved(Side::Crm, &text);
            if self.hidden[i] || (known && !here && !there) {
                continue;
            }
            if known && !here {
                match both {
                    true => notes.pull(&text),
                    false => notes.base = agree,
                }
                continue;
            }
            let was = notes.base.as_ref().map_or(&text, |(was, _)| was);
            let lines = match notes.app == text {
                true => Vec::new(),
                false => without(&notes.app, was),
            };
            match (lines.is_empty(), both) {
                (false, _) if frozen => {}
                (false, _) => {
                    new.extend(lines);
                    notes.base = agree;
                    agreed.extend((!both).then_some(i));
                }
                (true, true) => notes.pull(&text),
                (true, false) => notes.base = agree,
            }
        }
        for says in new {
            self.lines += 1;
            let nth = Some(self.lines);
            self.text.push(Line { says, nth });
            self.c_at = now;
        }
        for i in agreed {
            let text = self.text.clone();
            self.notes[i].base = self.notes[i].base.take().map(|(app, _)| (app, text));
        }
    }
}

pub(super) fn pen(value: Number, lines: &mut Vec<Line>) {
    let correct = |line: &mut Line| line.says.insert(0, 'x');
    value.pen().write(lines, Line::typed, correct);
}

/// What the lines say that are not among the others.
fn without(lines: &[Line], others: &[Line]) -> Vec<String> {
    let mut left: Vec<&str> = others.iter().map(|l| l.says.as_str()).collect();
    let mut out = Vec::new();
    for line in lines {
        match left.iter().position(|says| *says == line.says) {
            Some(at) => drop(left.remove(at)),
            None => out.push(line.says.clone()),
        }
    }
    out
}
