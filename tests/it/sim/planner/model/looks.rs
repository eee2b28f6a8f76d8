//! What a case looks like from outside when it is at rest.

use super::*;

impl Model<'_> {
    /// Observes everything once more in other words: nothing may come of it.
    pub fn echoes_are_silent(&mut self) -> Result<(), Broken> {
        for index in 0..self.slots.len() {
            self.echo(index);
            let mut before = self.slots[index].asked.clone();
            let plan = self.plan(index);
            // Where nothing is to be written, because a field is not shown or a blank is kept, the
            // question stays open and is not asked again.
            let silent = [Action::Unknown, Action::BlankKept];
            let silent = plan.rows.iter().filter(|o| silent.contains(&o.action));
            for outcome in silent {
                before.remove(&outcome.row);
            }
            let quiet = match &plan.act {
                Act::Fields { push, pull } => push.is_empty() && pull.is_empty(),
                Act::Freeze { pull } | Act::Follow { pull } => pull.is_empty(),
                Act::Link { .. } | Act::CreateInCrm(_) | Act::CreateInApp(_) => false,
                Act::DeleteInCrm(_) | Act::DeleteInApp(_) | Act::MoveLink(_) => false,
                _ => true,
            };
            must!(quiet, "I9", "record {index}: an echo makes {:?}", plan.act);
            let asks = plan.rows.iter().filter(|o| o.action == Action::Conflict);
            let asks: BTreeSet<RowId> = asks.map(|o| o.row).collect();
            if matches!(plan.act, Act::Fields { .. }) && self.switch != Switch::ConflictIsDropped {
                must!(
                    asks == before,
                    "I9",
                    "record {index}: an echo asks {asks:?}, not {before:?}"
                );
            }
        }
        Ok(())
    }

    /// What is shown of texts is remembered, as the engine does.
    pub(super) fn looks_at_texts(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let Some(seen) = slot.crm.as_ref().filter(|_| slot.readable) else {
            return;
        };
        let appends = self.pair.rows.iter().filter(|r| r.row.flow.appends());
        for name in appends.flat_map(|row| &row.row.crm) {
            if !slot.hidden.contains(name) {
                let text = seen.fields[name].to_string();
                slot.appended.entry(name.clone()).or_default().note(&text);
            }
        }
    }

    /// Meanings of a row on both sides; none for a value that nobody ever wrote.
    pub fn meaning(&self, index: usize, row: usize, side: Side) -> Option<u8> {
        let (slot, row) = (&self.slots[index], &self.pair.rows[row]);
        let (names, fields) = match side {
            Side::App => (&row.row.app, &slot.app.as_ref()?.fields),
            Side::Crm => (&row.row.crm, &slot.crm.as_ref()?.fields),
        };
        let cell = cell_of(side, names, fields)?;
        written(self.row_case(row).kind, side, &cell).map(|(m, _)| m)
    }

    /// The lines of a text, without what the product puts around them.
    pub fn lines(&self, index: usize, row: usize, side: Side) -> Vec<String> {
        let (slot, row) = (&self.slots[index], &self.pair.rows[row]);
        let value = match side {
            Side::App => slot
                .app
                .as_ref()
                .and_then(|a| a.fields.get(&row.row.app[0])),
            Side::Crm => slot
                .crm
                .as_ref()
                .and_then(|c| c.fields.get(&row.row.crm[0])),
        };
        plain_lines(&value.map(ToString::to_string).unwrap_or_default())
    }

    /// Appended texts: every line once.
    pub fn lines_are_there_once(&self) -> Result<(), Broken> {
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(crm) = &slot.crm else { continue };
            for row in self.pair.rows.iter().filter(|r| r.row.flow.appends()) {
                let text = crm.fields[&row.row.crm[0]].to_string();
                let mut tokens: Vec<&str> = text.split(MARK).skip(1).collect();
                let all = tokens.len();
                tokens
                    .iter_mut()
                    .for_each(|t| *t = t.split('\u{27e9}').next().unwrap_or(t));
                tokens.sort_unstable();
                tokens.dedup();
                must!(
                    tokens.len() == all,
                    "I39",
                    "record {index}: a line twice in {text:?}"
                );
            }
        }
        Ok(())
    }

    /// What must be the same whatever the order.
    pub fn end(&self) -> Vec<End> {
        // Which token a line has follows from when it was agreed.
        let plain = |mut fields: Fields| {
            for value in fields.values_mut() {
                if value.to_string().contains(MARK) {
                    *value = Value::text(plain_lines(&value.to_string()).join("\n"));
                }
            }
            fields
        };
        let each = self.slots.iter().map(|slot| {
            let app = slot.app.clone().map(|app| AppRecord {
                fields: plain(app.fields),
                ..app
            });
            (
                app,
                slot.crm.as_ref().map(|c| plain(c.fields.clone())),
                slot.link.as_ref().map(|l| l.state.clone()),
                slot.open,
            )
        });
        each.collect()
    }
}

/// The lines of a text, without what the product puts around them.
fn plain_lines(text: &str) -> Vec<String> {
    let plain = |line: &str| match line.split_once(MARK) {
        Some((line, _)) => {
            let text = line.split_once("] ").map_or(line, |(_, text)| text);
            text.trim().to_owned()
        }
        None => line.trim().to_owned(),
    };
    raw_lines(text).map(plain).collect()
}
