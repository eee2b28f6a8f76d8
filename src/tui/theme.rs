//! From roles to what a terminal can draw: colour depth and the looks for it.
//!
//! It asks the terminal nothing; the environment and the options decide. Invariant: with
//! [`Depth::Mono`] no style holds a colour, only attributes, so that `NO_COLOR` never costs the
//! cursor row (crossterm's own handling resets bold and reverse).

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};

use crate::config::resolved::{Band, BandColour};
pub use crate::config::theme::Role;
use crate::config::theme::{Attr, Colour, Hue, Look, ThemeFile};

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// None: attributes only.
    Mono,
    /// The terminal's own sixteen.
    Ansi16,
    /// The 256-colour cube.
    Ansi256,
    /// 24 bits.
    True,
}

/// What decides the depth, read from the environment by the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColourHints {
    /// `NO_COLOR`.
    pub no_color: Option<String>,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `TERM`.
    pub term: Option<String>,
}

impl ColourHints {
    /// Reads the three variables of this process.
    pub fn from_env() -> Self {
        let var = |name| std::env::var(name).ok();
        Self {
            no_color: var("NO_COLOR"),
            colorterm: var("COLORTERM"),
            term: var("TERM"),
        }
    }
}

impl Depth {
    /// The depth when nobody chose one (terminal-ux 6, "Which depth").
    pub fn detect(hints: &ColourHints) -> Self {
        if hints.no_color.as_deref().is_some_and(|v| !v.is_empty()) {
            return Self::Mono;
        }
        if matches!(hints.colorterm.as_deref(), Some("truecolor" | "24bit")) {
            return Self::True;
        }
        match hints.term.as_deref() {
            Some("dumb") => Self::Mono,
            Some(term) if term.ends_with("256color") => Self::Ansi256,
            _ => Self::Ansi16,
        }
    }
}

/// How words that came and went are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiffMarks {
    /// New words in bold and underlined; only gone words keep their brackets.
    Attributes,
    /// Both in brackets.
    Brackets,
}

/// A theme ready for drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    styles: BTreeMap<Role, Style>,
    marks: DiffMarks,
    depth: Depth,
    name: String,
}

impl Theme {
    /// Works a theme file out for a depth.
    pub fn new(file: &ThemeFile, depth: Depth) -> Self {
        let depth = match file.colour {
            Colour::None => Depth::Mono,
            Colour::Drawn => depth,
        };
        let style = |role: Role| {
            // Two things are never left to a theme: where a write goes, and where the cursor is.
            let always = match role {
                Role::Production => Modifier::REVERSED | Modifier::BOLD,
                Role::Cursor => Modifier::REVERSED,
                _ => Modifier::empty(),
            };
            style_of(look(file, role), role, depth).add_modifier(always)
        };
        let styles = Role::ALL.iter().map(|role| (*role, style(*role)));
        Self {
            styles: styles.collect(),
            marks: match depth {
                Depth::Mono => DiffMarks::Brackets,
                _ => DiffMarks::Attributes,
            },
            depth,
            name: file.name.clone(),
        }
    }

    /// The same with the colour of a band.
    pub fn banded(mut self, band: Option<&Band>) -> Self {
        let Some(band) = band else { return self };
        let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
        let colour = match band.colour {
            BandColour::Text => None,
            BandColour::Red => Some(Color::Red),
            BandColour::Green => Some(Color::Green),
            BandColour::Yellow => Some(Color::Yellow),
            BandColour::Blue => Some(Color::Blue),
            BandColour::Magenta => Some(Color::Magenta),
            BandColour::Cyan => Some(Color::Cyan),
        };
        let colour = colour.filter(|_| self.depth != Depth::Mono);
        let style = colour.map_or(style, |colour| style.fg(colour));
        self.styles.insert(Role::Band, style);
        self
    }

    /// Style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// How to show changed words.
    pub fn diff_marks(&self) -> DiffMarks {
        self.marks
    }

    /// Name of the theme.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The look of a role: its own, else its parent's.
fn look(file: &ThemeFile, role: Role) -> Option<&Look> {
    let mut at = role;
    loop {
        match file.looks.get(&at) {
            Some(look) => return Some(look),
            None if at == at.parent() => return None,
            None => at = at.parent(),
        }
    }
}

fn style_of(look: Option<&Look>, role: Role, depth: Depth) -> Style {
    let Some(look) = look else {
        return Style::new();
    };
    let mut style = Style::new();
    for attr in &look.with {
        style = style.add_modifier(match attr {
            Attr::Bold => Modifier::BOLD,
            Attr::Dim => Modifier::DIM,
            Attr::Underline => Modifier::UNDERLINED,
            Attr::Reverse => Modifier::REVERSED,
        });
    }
    match (depth, look.fg) {
        (_, None) => style,
        (Depth::Mono, Some(_)) if matches!(role, Role::Fail | Role::FieldError) => {
            style.add_modifier(Modifier::REVERSED)
        }
        (Depth::Mono, Some(hue)) if is_grey(hue) => style.add_modifier(Modifier::DIM),
        (Depth::Mono, Some(_)) => style,
        (_, Some(Hue::Ansi(index))) => style.fg(ansi(index)),
        (Depth::True, Some(Hue::Rgb(r, g, b))) => {
            style.fg(exact(r, g, b).map_or(Color::Rgb(r, g, b), Color::Indexed))
        }
        (Depth::Ansi256, Some(Hue::Rgb(r, g, b))) => {
            style.fg(Color::Indexed(look.fg256.unwrap_or_else(|| cube(r, g, b))))
        }
        // Colour 8 (bright black) is the background on some schemes: greys become dim.
        (Depth::Ansi16, Some(hue)) if is_grey(hue) => style.add_modifier(Modifier::DIM),
        (Depth::Ansi16, Some(Hue::Rgb(r, g, b))) => style.fg(ansi(nearest_hue(r, g, b))),
    }
}

fn ansi(index: u8) -> Color {
    match index {
        0 => Color::Black,
        1 => Color::Red,
        2 => Color::Green,
        3 => Color::Yellow,
        4 => Color::Blue,
        5 => Color::Magenta,
        6 => Color::Cyan,
        _ => Color::Gray,
    }
}

fn is_grey(hue: Hue) -> bool {
    match hue {
        Hue::Ansi(_) => false,
        Hue::Rgb(r, g, b) => r.max(g).max(b) - r.min(g).min(b) < 24,
    }
}

/// Nearest entry of the 6x6x6 cube.
fn cube(r: u8, g: u8, b: u8) -> u8 {
    let step = |v: u8| match v {
        0..48 => 0,
        48..115 => 1,
        _ => (v - 35) / 40,
    };
    16 + 36 * step(r) + 6 * step(g) + step(b)
}

/// The entry that is this very colour, which takes half the bytes: most greys are one. Those before
/// the first that counts are given other colours by some who choose their own sixteen.
fn exact(r: u8, g: u8, b: u8) -> Option<u8> {
    let near = match (r == g && g == b, r) {
        (true, 8..=238) if (r - 8).is_multiple_of(10) => 232 + (r - 8) / 10,
        _ => cube(r, g, b),
    };
    (near >= 22 && rgb(near) == (r, g, b)).then_some(near)
}

/// The colour of an entry of the cube, or of the greys behind it.
fn rgb(index: u8) -> (u8, u8, u8) {
    let level = |v: u8| if v == 0 { 0 } else { 55 + 40 * v };
    match index {
        232..=255 => {
            let v = 8 + 10 * (index - 232);
            (v, v, v)
        }
        _ => {
            let i = index.saturating_sub(16);
            (level(i / 36), level(i / 6 % 6), level(i % 6))
        }
    }
}

/// The one of the six coloured entries whose hue is nearest.
fn nearest_hue(r: u8, g: u8, b: u8) -> u8 {
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    let span = (max - min).max(1);
    let degrees = if max == r {
        (60 * (g - b) / span).rem_euclid(360)
    } else if max == g {
        60 * (b - r) / span + 120
    } else {
        60 * (r - g) / span + 240
    };
    let far = |hue: i32| {
        let d = (degrees - hue).abs();
        d.min(360 - d)
    };
    // Cyan before blue: on a tie it is the one that can be read on black.
    [(0, 1), (60, 3), (120, 2), (180, 6), (240, 4), (300, 5)]
        .into_iter()
        .min_by_key(|(hue, _)| far(*hue))
        .map_or(7, |(_, index)| index)
}

/// Text in a theme that is too near to the background it was made for: role and contrast, which is
/// at least 4.5 for text that can be read (terminal-ux 6). Rules are no text.
pub fn faint(file: &ThemeFile) -> Vec<(Role, f64)> {
    let Some(background) = file.background else {
        return Vec::new();
    };
    Role::ALL
        .iter()
        .filter(|role| **role != Role::Rule)
        .filter_map(|role| match look(file, *role)?.fg? {
            Hue::Rgb(r, g, b) => Some((*role, contrast((r, g, b), background))),
            Hue::Ansi(_) => None,
        })
        .filter(|(_, contrast)| *contrast < LEAST_CONTRAST)
        .collect()
}

/// Least contrast of text with its background.
const LEAST_CONTRAST: f64 = 4.5;

fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let part = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.03928 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
}

fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::theme::{BUILT_IN, built_in};

    #[test]
    fn a_colour_that_has_a_number_is_sent_by_it_and_is_the_same() {
        assert_eq!(exact(0x9e, 0x9e, 0x9e), Some(247));
        assert_eq!(exact(0x5f, 0x5f, 0x5f), Some(59));
        assert_eq!(exact(0x56, 0xb4, 0xe9), None);
        for index in 22..=255 {
            let (r, g, b) = rgb(index);
            let found = exact(r, g, b).map(rgb);
            assert_eq!(found, Some((r, g, b)), "{index}");
        }
    }

    #[test]
    fn text_of_built_in_themes_can_be_read() {
        for (name, _) in BUILT_IN {
            let file = built_in(name).unwrap();
            let Some(background) = file.background else {
                continue;
            };
            for role in Role::ALL.iter().filter(|r| **r != Role::Rule) {
                for depth in [Depth::True, Depth::Ansi256] {
                    let rgb = match Theme::new(&file, depth).style(*role).fg {
                        Some(Color::Rgb(r, g, b)) => (r, g, b),
                        Some(Color::Indexed(i)) => rgb(i),
                        _ => continue,
                    };
                    let ratio = contrast(rgb, background);
                    assert!(ratio >= 4.5, "{name} {role:?} {depth:?}: {ratio:.2}");
                }
            }
        }
    }

    #[test]
    fn a_theme_that_cannot_be_read_is_found_out() {
        let text = "background = \"#ffffff\"\n[roles]\n\"side.app\" = { fg = \"#ffff00\" }\n";
        let file = crate::config::theme::parse("t", text).unwrap();
        let found: Vec<Role> = faint(&file).into_iter().map(|(role, _)| role).collect();
        assert_eq!(found, [Role::App]);
        assert!(
            BUILT_IN
                .iter()
                .all(|(name, _)| faint(&built_in(name).unwrap()).is_empty())
        );
    }

    #[test]
    fn mono_has_attributes_and_no_colour() {
        for (name, _) in BUILT_IN {
            let theme = Theme::new(&built_in(name).unwrap(), Depth::Mono);
            for role in Role::ALL {
                let style = theme.style(*role);
                assert_eq!((style.fg, style.bg), (None, None), "{name} {role:?}");
            }
            assert!(theme.style(Role::Cursor).has_modifier(Modifier::REVERSED));
        }
    }

    #[test]
    fn no_theme_paints_a_background_and_production_is_always_reversed() {
        for (name, _) in BUILT_IN {
            for depth in [Depth::Mono, Depth::Ansi16, Depth::Ansi256, Depth::True] {
                let theme = Theme::new(&built_in(name).unwrap(), depth);
                assert!(Role::ALL.iter().all(|r| theme.style(*r).bg.is_none()));
                let production = theme.style(Role::Production);
                assert!(production.has_modifier(Modifier::REVERSED | Modifier::BOLD));
            }
        }
    }

    #[test]
    fn no_theme_of_a_person_hides_production_or_the_cursor() {
        for text in [
            "",
            "[roles]\ntext = { fg = \"#101010\" }\n",
            "[roles]\n\"env.production\" = { with = [\"dim\"] }\ncursor = { with = [\"bold\"] }\n",
        ] {
            let file = crate::config::theme::parse("mine", text).unwrap();
            for depth in [Depth::Mono, Depth::Ansi16, Depth::Ansi256, Depth::True] {
                let theme = Theme::new(&file, depth);
                let production = theme.style(Role::Production);
                assert!(production.has_modifier(Modifier::REVERSED | Modifier::BOLD));
                assert!(theme.style(Role::Cursor).has_modifier(Modifier::REVERSED));
            }
        }
    }

    #[test]
    fn sixteen_colours_follow_from_the_theme() {
        for name in ["dark", "light"] {
            let theme = Theme::new(&built_in(name).unwrap(), Depth::Ansi16);
            assert_eq!(theme.style(Role::App).fg, Some(Color::Cyan), "{name}");
            assert_eq!(theme.style(Role::Crm).fg, Some(Color::Yellow), "{name}");
            assert_eq!(theme.style(Role::Fail).fg, Some(Color::Red), "{name}");
            assert_eq!(theme.style(Role::Dim).fg, None, "{name}");
        }
    }

    #[test]
    fn the_environment_decides_the_depth() {
        let hints = |no: &str, ct: &str, term: &str| ColourHints {
            no_color: Some(no.into()),
            colorterm: Some(ct.into()),
            term: Some(term.into()),
        };
        assert_eq!(
            Depth::detect(&hints("1", "truecolor", "xterm")),
            Depth::Mono
        );
        assert_eq!(Depth::detect(&hints("", "truecolor", "xterm")), Depth::True);
        assert_eq!(
            Depth::detect(&hints("", "", "tmux-256color")),
            Depth::Ansi256
        );
        assert_eq!(Depth::detect(&hints("", "", "linux")), Depth::Ansi16);
        assert_eq!(Depth::detect(&hints("", "", "dumb")), Depth::Mono);
    }
}
