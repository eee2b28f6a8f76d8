//! Many numbers at a glance, in ASCII: a line of levels, columns, a bar beside a number.
//!
//! No colour carries meaning here. Invariant: nothing is drawn for nought, and something for
//! whatever is more.

use super::bar::filled;
use crate::tui::canvas::Line;
use crate::tui::theme::Role;

/// From the least to the most.
const LEVELS: [char; 6] = ['_', '-', '=', '+', '*', '#'];
/// Nought.
const NONE: char = '.';

/// One character per number, by its share of the most.
pub fn spark(values: &[u64]) -> String {
    let most = values.iter().copied().max().unwrap_or(0);
    values.iter().map(|value| level(*value, most)).collect()
}

fn level(value: u64, most: u64) -> char {
    if value == 0 {
        return NONE;
    }
    let at = filled(value, most, LEVELS.len()).clamp(1, LEVELS.len());
    LEVELS.get(at - 1).copied().unwrap_or(NONE)
}

/// Columns of `height` rows, the top one first; the lowest row shows nought as a dot.
pub fn columns(values: &[u64], height: usize) -> Vec<String> {
    let most = values.iter().copied().max().unwrap_or(0);
    let tall = |value: u64| match value {
        0 => 0,
        value => filled(value, most, height).max(1),
    };
    (0..height)
        .map(|row| {
            let from_below = height - row;
            let cell = |value: &u64| match (tall(*value) >= from_below, from_below) {
                (true, _) => "# ",
                (false, 1) => ". ",
                (false, _) => "  ",
            };
            values.iter().map(cell).collect()
        })
        .collect()
}

/// A bar without brackets, as long as its share of the most, and blanks up to `room`.
pub fn measure(value: u64, most: u64, room: usize) -> Line {
    let full = match value {
        0 => 0,
        value => filled(value, most, room).max(1),
    };
    Line::of(Role::Run, "#".repeat(full)).to_column(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nought_and_little_can_be_told_apart() {
        assert_eq!(spark(&[0, 1, 50, 100]), "._=#");
        assert_eq!(spark(&[]), "");
        assert_eq!(spark(&[0, 0]), "..");
        assert_eq!(spark(&[u64::MAX, 1]), "#_");
        assert_eq!(measure(1, 1_000, 10).plain().trim_end(), "#");
        assert_eq!(measure(0, 0, 10).plain().trim_end(), "");
        assert_eq!(columns(&[0, 1, 4], 2), ["    # ", ". # # "]);
    }
}
