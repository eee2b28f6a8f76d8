//! Bars of ASCII, for the wide layout only.

use crate::tui::canvas::Line;
use crate::tui::theme::Role;

/// A bar such as `[######......]`, `columns` wide with its brackets.
pub fn bar(done: u64, total: u64, columns: usize) -> Line {
    let room = columns.saturating_sub(2);
    let full = filled(done, total, room);
    Line::text("[")
        .add(Role::Run, "#".repeat(full))
        .add(Role::Dim, ".".repeat(room - full))
        .add(Role::Text, "]")
}

/// How much of `room` the share of the total takes.
pub fn filled(done: u64, total: u64, room: usize) -> usize {
    if total == 0 {
        return 0;
    }
    let room_wide = u128::try_from(room).unwrap_or(0);
    let full = u128::from(done.min(total)) * room_wide / u128::from(total);
    usize::try_from(full).unwrap_or(room)
}

/// Whole per cent, for texts; 0 of 0 is 0.
pub fn percent(done: u64, total: u64) -> u64 {
    if total == 0 {
        return 0;
    }
    let percent = u128::from(done) * 100 / u128::from(total);
    u64::try_from(percent).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_wide_as_asked_and_never_overfull() {
        assert_eq!(bar(1, 4, 10).plain(), "[##......]");
        assert_eq!(bar(9, 4, 10).plain(), "[########]");
        assert_eq!(bar(0, 0, 10).plain(), "[........]");
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
    }
}
