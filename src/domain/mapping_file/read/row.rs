//! Rows of a pair, from TOML.
//!
//! Whether they are sound is `check`'s. Invariant: what cannot be represented is an error with its
//! place, and never becomes something else.

use std::collections::BTreeSet;

use super::{Place, ROW_KEYS, Reader};
use crate::domain::id::RowId;
use crate::domain::mapping::{Blanks, Flow, OnFull, Row, Strategy, Switch};
use crate::domain::mapping_file::flow_names;

impl Reader<'_> {
    pub(super) fn rows(&mut self, place: &Place<'_, '_>) -> Vec<Row> {
        let mut seen = BTreeSet::new();
        let mut rows = Vec::new();
        for place in self.tables(place, "row", "[[pair.row]] tables") {
            let Some(row) = self.row(&place) else {
                continue;
            };
            if !seen.insert(row.id) {
                self.wrong(
                    place.at,
                    format!("another row has the id {} already", row.id),
                );
            }
            rows.push(row);
        }
        rows
    }

    fn row(&mut self, place: &Place<'_, '_>) -> Option<Row> {
        self.keys(place, &ROW_KEYS);
        let id = match place.get("id") {
            None => {
                self.wrong(place.at, "expected `id = NUMBER` in this row");
                None
            }
            Some(value) => self.number::<u16>(value, "a row id from 0 to 65535", 0),
        };
        let app = self.names(place, "app");
        let crm = self.names(place, "crm");
        let flow = self.flow(place).and_then(|flow| self.on_full(place, flow));
        let to_crm = self.chain(place, "to_crm");
        let to_app = self.chain(place, "to_app");
        let strategy = self.strategy(place);
        let blanks = self.named(place, "blanks", Blanks::default());
        let switch = self.named(place, "switch", Switch::default());
        Some(Row {
            id: RowId(id?),
            app: app?,
            crm: crm?,
            flow: flow?,
            to_crm,
            to_app,
            strategy,
            blanks,
            switch,
        })
    }

    fn flow(&mut self, place: &Place<'_, '_>) -> Option<Flow> {
        let text = self.needed(place, "flow")?;
        let flow = Flow::named(&text);
        if flow.is_none() {
            let at = place.get("flow").map_or(place.at, |v| v.span().start);
            let names = flow_names();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.unknown(at, "flow", &text, &names);
        }
        flow
    }

    /// What a flow does when the text that it appends to is full.
    fn on_full(&mut self, place: &Place<'_, '_>, flow: Flow) -> Option<Flow> {
        if place.get("on_full").is_none() {
            return Some(flow);
        }
        let at = place.get("on_full").map_or(place.at, |v| v.span().start);
        let on_full: OnFull = self.named(place, "on_full", OnFull::default());
        let found = flow.on_full().and_then(|_| flow.with_on_full(on_full));
        if found.is_none() {
            let message = match flow.appends() {
                true => format!(
                    "with flow {:?} the App's text would lose the lines that make room in \
                     Salesforce's, or are not in it; expected flow \"append\", or on_full = \"reject\"",
                    flow.name()
                ),
                false => format!(
                    "flow {:?} appends nothing; expected flow \"append\", or no on_full",
                    flow.name()
                ),
            };
            self.wrong(at, message);
        }
        found
    }

    pub(super) fn strategy(&mut self, place: &Place<'_, '_>) -> Strategy {
        let Some(text) = self.optional(place, "strategy") else {
            return Strategy::Inherit;
        };
        Strategy::named(&text).unwrap_or_else(|| {
            let at = place.get("strategy").map_or(place.at, |v| v.span().start);
            self.unknown(at, "strategy", &text, &Strategy::ALL.map(Strategy::name));
            Strategy::default()
        })
    }
}
