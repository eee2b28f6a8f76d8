//! Reads where the lines of a pair go that find no room (sync-semantics 20.4).

use super::{Place, Reader};
use crate::domain::id::RowId;
use crate::domain::mapping::Overflow;

impl Reader<'_> {
    /// None where the pair does not say it, or not well.
    pub(super) fn overflow(&mut self, place: &Place<'_, '_>) -> Option<Overflow> {
        let value = place.get("overflow")?;
        let what = "a pair and two of its rows, like { pair = \"tasks\", parent = 2, text = 1 }";
        let table = self.or_wrong(value.get_ref().as_table(), value, what)?;
        let place = Place {
            table,
            at: value.span().start,
        };
        self.keys(&place, &["pair", "parent", "text"]);
        let pair = self.needed(&place, "pair");
        let parent = self.row_of_overflow(&place, "parent");
        let text = self.row_of_overflow(&place, "text");
        Some(Overflow {
            pair: pair?.as_str().into(),
            parent: parent?,
            text: text?,
        })
    }

    fn row_of_overflow(&mut self, place: &Place<'_, '_>, key: &str) -> Option<RowId> {
        match place.get(key) {
            Some(value) => self.number(value, "a row id from 0 to 65535", 0).map(RowId),
            None => {
                self.wrong(place.at, format!("expected `{key} = ROW` here"));
                None
            }
        }
    }
}
