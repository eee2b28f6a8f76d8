//! How a cell looks, and the fewest bytes that lead a terminal from one look to another (ECMA-48
//! "select graphic rendition").
//!
//! It knows no positions and no themes. Colours of underlines are not sent: no theme has one.
//! Invariant: after [`Look::after`] the terminal draws in exactly this look.

use std::fmt::Write as _;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier, Style};

/// Colours and attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    fg: Color,
    bg: Color,
    with: Modifier,
}

/// What is seen on a blank, too.
const ON_BLANK: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::CROSSED_OUT)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::RAPID_BLINK);

/// One code ends both.
const WEIGHT: Modifier = Modifier::BOLD.union(Modifier::DIM);

/// Attribute, the code that begins it, the code that ends it.
const CODES: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

impl Look {
    /// The terminal's own colours and no attribute.
    pub const PLAIN: Self = Self {
        fg: Color::Reset,
        bg: Color::Reset,
        with: Modifier::empty(),
    };

    /// The look of a cell. A blank has only what is seen on it.
    pub fn of(cell: &Cell) -> Self {
        let look = Self {
            fg: cell.fg,
            bg: cell.bg,
            with: cell.modifier,
        };
        if cell.symbol() == " " && !look.with.intersects(ON_BLANK) {
            return Self {
                bg: cell.bg,
                ..Self::PLAIN
            };
        }
        look
    }

    /// The look of text in a style.
    pub fn in_style(style: Style) -> Self {
        Self {
            fg: style.fg.unwrap_or(Color::Reset),
            bg: style.bg.unwrap_or(Color::Reset),
            with: style.add_modifier,
        }
    }

    /// Whether a blank of this look may be drawn in another one: nobody sees the difference.
    pub fn blank_in(self, other: Self) -> bool {
        self == other
            || (self.bg == other.bg
                && !self.with.intersects(ON_BLANK)
                && !other.with.intersects(ON_BLANK))
    }

    /// What is sent to a terminal that draws in another look, so that it draws in this one.
    pub fn after(self, other: Self) -> String {
        if self == other {
            return String::new();
        }
        if self == Self::PLAIN {
            return "\x1b[m".to_owned();
        }
        let (anew, changed) = (self.anew(), self.changed(other));
        if changed.len() <= anew.len() {
            changed
        } else {
            anew
        }
    }

    fn anew(self) -> String {
        let mut codes = Codes::default();
        codes.add(0);
        self.begin(self.with, &mut codes);
        self.colours(Self::PLAIN, &mut codes);
        codes.end()
    }

    fn changed(self, other: Self) -> String {
        let mut codes = Codes::default();
        let gone = other.with - self.with;
        let mut new = self.with - other.with;
        let mut last = 0;
        for (attribute, _, off) in CODES {
            if gone.intersects(attribute) && off != last {
                codes.add(off);
                last = off;
            }
        }
        if gone.intersects(WEIGHT) {
            new |= self.with & WEIGHT;
        }
        self.begin(new, &mut codes);
        self.colours(other, &mut codes);
        codes.end()
    }

    fn begin(self, new: Modifier, codes: &mut Codes) {
        for (attribute, on, _) in CODES {
            if new.intersects(attribute) {
                codes.add(on);
            }
        }
    }

    fn colours(self, other: Self, codes: &mut Codes) {
        if self.fg != other.fg {
            codes.colour(self.fg, 30);
        }
        if self.bg != other.bg {
            codes.colour(self.bg, 40);
        }
    }
}

/// Codes of one sequence.
#[derive(Debug, Default)]
struct Codes(String);

impl Codes {
    fn add(&mut self, code: u8) {
        self.0
            .push_str(if self.0.is_empty() { "\x1b[" } else { ";" });
        // A string takes everything.
        let _ = write!(self.0, "{code}");
    }

    /// `base` is 30 for text and 40 for what is behind it.
    fn colour(&mut self, colour: Color, base: u8) {
        let own = |index: u8| base + index;
        let bright = |index: u8| base + 60 + index;
        self.add(match colour {
            Color::Reset => base + 9,
            Color::Black => own(0),
            Color::Red => own(1),
            Color::Green => own(2),
            Color::Yellow => own(3),
            Color::Blue => own(4),
            Color::Magenta => own(5),
            Color::Cyan => own(6),
            Color::Gray => own(7),
            Color::DarkGray => bright(0),
            Color::LightRed => bright(1),
            Color::LightGreen => bright(2),
            Color::LightYellow => bright(3),
            Color::LightBlue => bright(4),
            Color::LightMagenta => bright(5),
            Color::LightCyan => bright(6),
            Color::White => bright(7),
            Color::Indexed(index) => return self.all(&[base + 8, 5, index]),
            Color::Rgb(r, g, b) => return self.all(&[base + 8, 2, r, g, b]),
        });
    }

    fn all(&mut self, codes: &[u8]) {
        for code in codes {
            self.add(*code);
        }
    }

    fn end(mut self) -> String {
        self.0.push('m');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(fg: Color, with: Modifier) -> Look {
        Look {
            fg,
            with,
            ..Look::PLAIN
        }
    }

    #[test]
    fn the_shorter_way_is_taken() {
        let cyan = look(Color::Cyan, Modifier::empty());
        let turned = look(Color::Cyan, Modifier::REVERSED);
        let bold = look(Color::Reset, Modifier::BOLD);
        let dim = look(Color::Reset, Modifier::DIM);
        assert_eq!(cyan.after(Look::PLAIN), "\x1b[36m");
        assert_eq!(turned.after(cyan), "\x1b[7m");
        assert_eq!(cyan.after(turned), "\x1b[27m");
        assert_eq!(Look::PLAIN.after(turned), "\x1b[m");
        assert_eq!(dim.after(bold), "\x1b[0;2m");
        assert_eq!(bold.after(bold), "");
    }

    #[test]
    fn one_code_ends_bold_and_dim_and_what_stays_begins_again() {
        let rgb = Color::Rgb(250, 200, 190);
        let both = look(rgb, Modifier::BOLD | Modifier::DIM);
        let bold = look(rgb, Modifier::BOLD);
        assert_eq!(bold.after(both), "\x1b[22;1m");
        assert_eq!(look(rgb, Modifier::empty()).after(both), "\x1b[22m");
    }
}
