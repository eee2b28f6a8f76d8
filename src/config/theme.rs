//! Theme files: which look each role has, as written. No terminal types here.
//!
//! A theme is a TOML file of roles; a role that is missing takes its parent's look. Views name
//! roles, never colours (terminal-ux 6). Invariant: a parsed theme names only known roles.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::place::Place;
use crate::domain::text::nearest;
use crate::error::{Error, Kind, Result};

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident $name:literal < $parent:ident),* $(,)?) => {
        /// What a piece of the screen means; its look comes from the theme.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role { $($(#[$doc])* $variant),* }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Role] = &[$(Role::$variant),*];

            /// Name in theme files.
            pub fn name(self) -> &'static str {
                match self { $(Role::$variant => $name),* }
            }

            /// Where a missing look is taken from. `Text` is its own parent.
            pub fn parent(self) -> Role {
                match self { $(Role::$variant => Role::$parent),* }
            }
        }
    };
}

roles! {
    /// Ordinary text.
    Text "text" < Text,
    /// Text of less weight.
    Dim "text.dim" < Text,
    /// Titles of panes and dialogs.
    Title "title" < Text,
    /// Rules between panes.
    Rule "rule" < Dim,
    /// The rule of the pane in focus.
    RuleFocus "rule.focus" < Title,
    /// The cursor row of the pane in focus.
    Cursor "cursor" < Text,
    /// The cursor row of another pane.
    CursorOther "cursor.other" < Title,
    /// Marked and staged signs.
    Mark "mark" < Title,
    /// The App side.
    App "side.app" < Text,
    /// The CRM side.
    Crm "side.crm" < Text,
    /// The last agreed value.
    Base "side.base" < Dim,
    /// Words that came.
    DiffNew "diff.new" < Title,
    /// Words that went.
    DiffGone "diff.gone" < Dim,
    /// Good, quiet states.
    Ok "state.ok" < Text,
    /// Working now.
    Run "state.run" < Title,
    /// Paused.
    Hold "state.hold" < Title,
    /// Works, but look.
    Warn "state.warn" < Title,
    /// Refused or broken.
    Fail "state.fail" < Title,
    /// A person decides.
    Conf "state.conf" < Title,
    /// The word PRODUCTION.
    Production "env.production" < Title,
    /// The word SANDBOX.
    Sandbox "env.sandbox" < Text,
    /// The word that a profile's first line begins with; its colour is in the settings.
    Band "env.band" < Title,
    /// Keys in hints.
    Key "key" < Title,
    /// A field being edited.
    Field "field" < Text,
    /// A field with a mistake.
    FieldError "field.error" < Fail,
    /// What could be typed.
    Placeholder "placeholder" < Dim,
    /// The stand-in for a secret.
    Secret "secret" < Dim,
}

impl Role {
    /// The role of that name.
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.name() == name)
    }
}

/// A colour as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hue {
    /// `"#rrggbb"`.
    Rgb(u8, u8, u8),
    /// A name of the terminal's own eight colours, 0 black to 7 white.
    Ansi(u8),
}

/// An attribute as written in `with = ["bold"]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attr {
    /// Bold.
    Bold,
    /// Dim.
    Dim,
    /// Underlined.
    Underline,
    /// Foreground and background exchanged.
    Reverse,
}

/// The look of one role as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// Colour, `fg = "#56b4e9"` or `fg = "cyan"`.
    pub fg: Option<Hue>,
    /// Colour for 256-colour terminals, `fg256 = 74`; worked out from `fg` when absent.
    pub fg256: Option<u8>,
    /// Attributes, `with = ["bold"]`.
    pub with: Vec<Attr>,
}

/// A theme file, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeFile {
    /// Name for messages.
    pub name: String,
    /// The background its colours were chosen for, if it was made for one.
    pub background: Option<(u8, u8, u8)>,
    /// Whether colours are drawn at all; `colour = false` makes an attributes-only theme.
    pub colour: Colour,
    /// Looks by role.
    pub looks: BTreeMap<Role, Look>,
}

/// Whether a theme uses colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Colours and attributes.
    Drawn,
    /// Attributes only.
    None,
}

const ANSI: [&str; 8] = [
    "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
];

/// Reads a theme file. `source` names it in messages.
///
/// # Errors
/// [`Kind::Config`] with line and column: not TOML, unknown key, unknown role (with the nearest
/// one), a colour or attribute that is none.
pub fn parse(source: &str, text: &str) -> Result<ThemeFile> {
    let place = Place::new(source, text);
    let table = DeTable::parse(text).map_err(|e| place.toml(&e))?;
    let mut theme = ThemeFile {
        name: source.to_owned(),
        background: None,
        colour: Colour::Drawn,
        looks: BTreeMap::new(),
    };
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "name" => theme.name = text_of(&place, value)?.to_owned(),
            "background" => match hue(&place, value)? {
                Hue::Rgb(r, g, b) => theme.background = Some((r, g, b)),
                Hue::Ansi(_) => {
                    return Err(place.error(value.span(), "`background` must be \"#rrggbb\""));
                }
            },
            "colour" => {
                theme.colour = match value.get_ref().as_bool() {
                    Some(true) => Colour::Drawn,
                    Some(false) => Colour::None,
                    None => return Err(place.error(value.span(), "`colour` must be true or false")),
                }
            }
            "roles" => {
                let Some(roles) = value.get_ref().as_table() else {
                    return Err(place.error(value.span(), "`roles` must be a table"));
                };
                for (name, look) in roles {
                    let Some(role) = Role::named(name.get_ref()) else {
                        return Err(unknown_role(&place, name));
                    };
                    theme.looks.insert(role, look_of(&place, look)?);
                }
            }
            other => {
                return Err(place.error(
                    key.span(),
                    format!("unknown key `{other}`; known: name, background, colour, roles"),
                ));
            }
        }
    }
    Ok(theme)
}

fn unknown_role(place: &Place<'_>, name: &Spanned<std::borrow::Cow<'_, str>>) -> Error {
    let error = place.error(name.span(), format!("unknown role `{}`", name.get_ref()));
    match nearest(name.get_ref(), Role::ALL.iter().map(|r| r.name())) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("the roles are listed in themes/dark.toml"),
    }
}

fn text_of<'v>(place: &Place<'_>, value: &'v Spanned<DeValue<'_>>) -> Result<&'v str> {
    value
        .get_ref()
        .as_str()
        .ok_or_else(|| place.error(value.span(), "expected text in quotes"))
}

fn hue(place: &Place<'_>, value: &Spanned<DeValue<'_>>) -> Result<Hue> {
    let text = text_of(place, value)?;
    if let Some(at) = ANSI.iter().position(|name| *name == text) {
        return Ok(Hue::Ansi(u8::try_from(at).unwrap_or(7)));
    }
    parse_rgb(text)
        .ok_or_else(|| place.error(value.span(), format!("`{text}` is no colour")))
        .map_err(|e: Error| {
            e.hint(
                "write \"#rrggbb\" or one of black, red, green, yellow, blue, magenta, cyan, white",
            )
        })
}

fn parse_rgb(text: &str) -> Option<Hue> {
    let hex = text.strip_prefix('#')?;
    if hex.len() != 6 || !hex.is_ascii() {
        return None;
    }
    let part = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    Some(Hue::Rgb(part(0)?, part(2)?, part(4)?))
}

fn look_of(place: &Place<'_>, value: &Spanned<DeValue<'_>>) -> Result<Look> {
    let Some(table) = value.get_ref().as_table() else {
        return Err(place.error(value.span(), "expected a table such as { fg = \"cyan\" }"));
    };
    let mut look = Look::default();
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "fg" => look.fg = Some(hue(place, value)?),
            "fg256" => {
                let index = value
                    .get_ref()
                    .as_integer()
                    .and_then(|i| i.as_str().parse().ok());
                look.fg256 = Some(index.ok_or_else(|| {
                    place.error(value.span(), "`fg256` must be a number from 0 to 255")
                })?);
            }
            "with" => {
                let Some(list) = value.get_ref().as_array() else {
                    return Err(place.error(value.span(), "`with` must be a list"));
                };
                for item in list {
                    look.with.push(match item.get_ref().as_str() {
                        Some("bold") => Attr::Bold,
                        Some("dim") => Attr::Dim,
                        Some("underline") => Attr::Underline,
                        Some("reverse") => Attr::Reverse,
                        _ => {
                            return Err(place.error(
                                item.span(),
                                "expected \"bold\", \"dim\", \"underline\" or \"reverse\"",
                            ));
                        }
                    });
                }
            }
            other => {
                return Err(place.error(
                    key.span(),
                    format!("unknown key `{other}`; known: fg, fg256, with"),
                ));
            }
        }
    }
    Ok(look)
}

/// The built-in themes by name.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("terminal", include_str!("../../themes/terminal.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../themes/high-contrast.toml"),
    ),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// A built-in theme.
///
/// # Errors
/// [`Kind::Config`] when there is none of that name.
pub fn built_in(name: &str) -> Result<ThemeFile> {
    match BUILT_IN.iter().find(|(known, _)| *known == name) {
        Some((known, text)) => parse(known, text),
        None => Err(
            Error::new(Kind::Config, format!("there is no theme `{name}`")).hint(
                "themes: terminal, dark, light, high-contrast, mono, or the name of a file in the \
                     profile's folder `themes`",
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_themes_parse() {
        for (name, _) in BUILT_IN {
            assert_eq!(built_in(name).unwrap().name, name);
        }
    }

    #[test]
    fn a_mistyped_role_is_shown_with_its_place() {
        let error = parse("my.toml", "[roles]\n\"side.ap\" = { fg = \"cyan\" }\n").unwrap_err();
        assert_eq!(error.message(), "my.toml:2:1: unknown role `side.ap`");
        assert_eq!(error.remedy(), Some("did you mean `side.app`?"));
    }

    #[test]
    fn a_wrong_colour_is_refused() {
        let error = parse("my.toml", "[roles]\ntitle = { fg = \"#12\" }\n").unwrap_err();
        assert_eq!(error.message(), "my.toml:2:16: `#12` is no colour");
    }
}
