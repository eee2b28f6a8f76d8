//! The settings page: pairs with their schedule, filter and rules, and the limits.
//!
//! Reads only. Invariant: an open conflict is counted once, for the row it is about.

use std::collections::BTreeMap;

use super::core::Shared;
use super::state::State;
use super::tables::OPEN_CONFLICTS;
use super::view::{PairSettings, RuleRow, SettingsView};
use crate::domain::id::{PairName, RowId};
use crate::domain::mapping::{Pair, Switch};
use crate::domain::transform::Side;
use crate::error::Result;

/// Open conflicts of a pair by mapping row; those about whole records have none.
type Open = BTreeMap<(PairName, Option<RowId>), u64>;

/// The settings as they are.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn view(shared: &Shared) -> Result<SettingsView> {
    let mut open = open(&shared.state)?;
    let pairs = shared.state.pairs()?;
    Ok(SettingsView {
        store_bytes: shared.state.store().size_on_disk()?,
        pairs: pairs
            .into_iter()
            .map(|it| settings(it, &mut open))
            .collect(),
        limits: vec![shared.connector.limits()],
        ..shared.options.about.clone()
    })
}

fn open(state: &State) -> Result<Open> {
    let mut open = Open::new();
    for row in state.store().scan(&OPEN_CONFLICTS, &[]) {
        for id in row?.1 {
            if let Some(conflict) = state.conflict(id)? {
                *open.entry((conflict.pair, conflict.row)).or_default() += 1;
            }
        }
    }
    Ok(open)
}

fn settings(pair: Pair, open: &mut Open) -> PairSettings {
    let mut count = |row| open.remove(&(pair.name.clone(), row)).unwrap_or_default();
    let whole = RuleRow {
        row: None,
        text: "the whole record".to_owned(),
        rule: pair.strategy,
        open: count(None),
    };
    let rows = pair.rows.iter().filter_map(|row| {
        let rule = RuleRow {
            row: Some(row.id),
            text: format!(
                "{} {} {}",
                row.label(Side::App),
                row.flow.arrow(),
                row.label(Side::Crm)
            ),
            rule: row.strategy,
            open: count(Some(row.id)),
        };
        let both = row.flow.writes(Side::App) && row.flow.writes(Side::Crm);
        (rule.open > 0 || (both && row.switch == Switch::On)).then_some(rule)
    });
    let rules = rows.chain([whole]).collect();
    PairSettings {
        title: pair.title_line(),
        rules,
        name: pair.name,
        schedule: pair.schedule,
        filter: pair.filter,
        on_leave: pair.on_leave,
    }
}
