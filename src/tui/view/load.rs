//! The load of today on the wide Overview: records carried, hour by hour (terminal-ux 5.1).
//!
//! Pure. Invariant: the longest bar is the busiest of the hours that are shown.

use crate::domain::text;
use crate::tui::canvas::Line;

use crate::tui::theme::Role;
use crate::tui::widget::bar;

/// Over the lines.
pub const TITLE: &str = "Records per hour, today (UTC)";

/// Hours that are shown at most: the last ones.
const SHOWN: usize = 8;
/// Columns of the hour before a bar, and of the number behind it.
const AROUND: [usize; 2] = [6, 10];

/// A line for each of the last hours, from the first one on in which anything was carried; none
/// where nothing was.
pub fn lines(hours: &[u64], width: u16) -> Vec<Line> {
    let Some(first) = hours.iter().position(|records| *records > 0) else {
        return Vec::new();
    };
    let first = first.max(hours.len().saturating_sub(SHOWN));
    let shown = hours.get(first..).unwrap_or_default();
    let most = shown.iter().copied().max().unwrap_or_default();
    let room = usize::from(width).saturating_sub(AROUND[0] + AROUND[1]);
    let line = |(hour, records): (usize, &u64)| {
        let full = bar::filled(*records, most, room);
        Line::of(Role::Dim, format!("  {hour:02}  "))
            .add(Role::Run, "#".repeat(full))
            .add(Role::Text, " ".repeat(room - full))
            .add(Role::Text, format!("{:>10}", text::grouped(*records)))
    };
    (first..).zip(shown).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(hours: &[u64]) -> Vec<String> {
        lines(hours, 26).iter().map(Line::plain).collect()
    }

    #[test]
    fn the_busiest_hour_has_the_longest_bar_and_only_the_last_ones_are_shown() {
        assert_eq!(plain(&[]), [""; 0]);
        assert_eq!(plain(&[0, 0, 0]), [""; 0]);
        let shown = plain(&[0, 5, 1_000]);
        assert_eq!(
            shown,
            ["  01                     5", "  02  ##########     1,000"]
        );
        let many = plain(&[1; 24]);
        assert_eq!(many.len(), SHOWN);
        assert!(many[0].starts_with("  16  ##########"), "{many:?}");
    }
}
