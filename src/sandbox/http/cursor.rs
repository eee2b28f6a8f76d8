//! Query cursors: the rows a query found, read page by page (salesforce-api 2.4).

use std::{collections::VecDeque, sync::Arc};

use crate::sandbox::{ids::SfId, org::Row, schema::ObjIx, soql::Columns, soql::Scope};

/// How long a cursor lives, in seconds.
const LIFE: i64 = 2 * 86_400;
/// How many are kept for all users; the oldest goes first.
const KEPT: usize = 200;

/// A result being read.
#[derive(Debug)]
pub struct Cursor {
    pub object: ObjIx,
    pub scope: Scope,
    pub columns: Columns,
    pub rows: Vec<Row>,
    pub user: SfId,
    pub page: usize,
    made: i64,
}

impl Cursor {
    /// A cursor made at a time.
    pub fn new(
        object: ObjIx,
        scope: Scope,
        columns: Columns,
        rows: Vec<Row>,
        user: SfId,
        page: usize,
        made: i64,
    ) -> Self {
        Self {
            object,
            scope,
            columns,
            rows,
            user,
            page,
            made,
        }
    }
}

/// The open cursors.
#[derive(Debug, Default)]
pub struct Cursors {
    open: VecDeque<(SfId, Arc<Cursor>)>,
    serial: u64,
}

impl Cursors {
    /// Keeps a cursor and gives its id.
    pub fn add(&mut self, cursor: Arc<Cursor>) -> SfId {
        self.serial += 1;
        let id = SfId::new(*b"01g", self.serial);
        if self.open.len() == KEPT {
            self.open.pop_front();
        }
        self.open.push_back((id, cursor));
        id
    }
    /// Finds a cursor that still lives.
    pub fn find(&self, id: SfId, now: i64) -> Option<Arc<Cursor>> {
        let (_, cursor) = self.open.iter().find(|(known, _)| *known == id)?;
        (now - cursor.made <= LIFE).then(|| Arc::clone(cursor))
    }
    /// Forgets all.
    pub fn clear(&mut self) {
        self.open.clear();
    }
}
