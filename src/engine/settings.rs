//! The settings page: pairs with their schedule, filter and rules, and the limits.
//!
//! Reads only. Invariant: an open conflict is counted once, for the row it is about.

use std::collections::BTreeMap;

use jiff::Timestamp;

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
        config_changed: changed_since_read(&shared.options.about),
        ..shared.options.about.clone()
    })
}

/// When the config file was changed after it was read; none, too, where that cannot be seen.
fn changed_since_read(about: &SettingsView) -> Option<Timestamp> {
    let read = about.config_read?;
    let changed = std::fs::metadata(&about.config_file)
        .ok()?
        .modified()
        .ok()?;
    Timestamp::try_from(changed).ok().filter(|at| *at > read)
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
        version: pair.version,
        schedule: pair.schedule,
        filter: pair.filter,
        on_leave: pair.on_leave,
        bad_fields: pair.bad_fields,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_config_file_that_was_changed_after_it_was_read_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let file = std::fs::File::create(&path).unwrap();
        let read = Timestamp::try_from(file.metadata().unwrap().modified().unwrap()).unwrap();
        let mut about = SettingsView {
            config_file: path.display().to_string(),
            ..SettingsView::default()
        };
        assert!(about.config_state().starts_with("not there"));
        about.config_read = Some(read);
        about.config_changed = changed_since_read(&about);
        assert_eq!(about.config_state(), "valid, in force as it is");
        let later = std::time::SystemTime::from(read) + Duration::from_secs(60);
        file.set_modified(later).unwrap();
        about.config_changed = changed_since_read(&about);
        assert!(about.config_state().starts_with("changed since"));
    }
}
