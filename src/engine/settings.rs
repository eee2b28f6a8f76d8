//! The settings page: pairs with their schedule, filter and rules, and the limits.
//!
//! Reads only. Invariant: an open conflict is counted once, for the row it is about.

use std::collections::BTreeMap;

use super::by_row;
use super::core::Shared;
use super::view::{PairSettings, RuleRow, SettingsView};
use crate::domain::mapping::{Pair, Strategy, Switch};
use crate::domain::transform::Side;
use crate::error::Result;

/// The settings as they are.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn view(shared: &Shared) -> Result<SettingsView> {
    let mut open = by_row::read(shared.state.store())?;
    let pairs = shared.state.pairs()?;
    let usual = shared.options.settings.strategy;
    Ok(SettingsView {
        store_bytes: shared.state.store().size_on_disk()?,
        pairs: pairs
            .into_iter()
            .map(|it| settings(it, usual, &mut open))
            .collect(),
        limits: vec![shared.connector.limits()],
        ..shared.options.about.clone()
    })
}

fn settings(pair: Pair, usual: Strategy, open: &mut BTreeMap<by_row::Place, u64>) -> PairSettings {
    let above = pair.strategy.under(usual);
    let mut count = |row| open.remove(&(pair.name.clone(), row)).unwrap_or_default();
    let whole = RuleRow {
        row: None,
        text: "the whole record".to_owned(),
        rule: above,
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
            rule: row.strategy.under(above),
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
        bad_fields: pair.bad_fields,
    }
}
