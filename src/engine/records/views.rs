//! Saved views of the records of a pair, kept in the profile's store.
//!
//! Blocking. Invariant: a view is kept only if its filter, order and columns are understood.

use crate::domain::id::PairName;
use crate::domain::listing::SavedView;
use crate::engine::mappings;
use crate::engine::state::State;
use crate::engine::tables::VIEWS;
use crate::engine::tx::Durability;
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

/// Views of one pair that people save.
const MOST: usize = 200;

/// The views of a pair: those that are always there, then the saved ones by name.
///
/// # Errors
/// When there is no such pair.
pub fn views(state: &State, name: &PairName) -> Result<Vec<SavedView>> {
    mappings::pair(state, name)?;
    let mut out = SavedView::built_in().to_vec();
    for row in state.store().scan(&VIEWS, &Key::new().text(name.as_str())) {
        out.push(row?.1);
    }
    // Those of the store come by the digests of their names.
    out[SavedView::built_in().len()..].sort_by(|a, b| a.name.cmp(&b.name));
    Ok(out)
}

/// Keeps a view; one of the same name is replaced.
///
/// # Errors
/// When its name, filter, order or columns cannot be.
pub fn save_view(state: &State, name: &PairName, view: &SavedView) -> Result<()> {
    let pair = mappings::pair(state, name)?;
    let refused = |why: String| Error::new(Kind::Usage, why).hint("the view was not saved");
    view.check_name().map_err(refused)?;
    view.shape.check(&pair).map_err(refused)?;
    super::list::understood(&pair, &view.filter)
        .map_err(|why| refused(format!("the filter was not understood: {why}")))?;
    let mut tx = state.begin();
    let saved = state.store().scan(&VIEWS, &Key::new().text(name.as_str()));
    if saved.count() >= MOST && !state.store().contains(&VIEWS, &key(name, &view.name))? {
        return Err(refused(format!("a pair has {MOST} saved views at most")));
    }
    tx.put(&VIEWS, &key(name, &view.name), view);
    Ok(tx.commit(Durability::Now)?)
}

/// Forgets a view.
///
/// # Errors
/// When no saved view has this name.
pub fn remove_view(state: &State, name: &PairName, view: &str) -> Result<()> {
    mappings::pair(state, name)?;
    let mut tx = state.begin();
    if !state.store().contains(&VIEWS, &key(name, view))? {
        return Err(Error::new(
            Kind::Usage,
            format!("there is no saved view {view:?}"),
        ));
    }
    tx.delete(&VIEWS, &key(name, view));
    Ok(tx.commit(Durability::Now)?)
}

/// Keys are not sealed, and the name of a view may say something about records: its digest is the
/// key.
fn key(name: &PairName, view: &str) -> Key {
    let digest = crate::store::digest::sha256(&[view.as_bytes()]);
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Key::new().text(name.as_str()).id(id)
}
