//! Text to tokens, each with its place.

use rust_decimal::Decimal;
use winnow::{
    ModalResult, Parser,
    ascii::multispace0,
    combinator::{alt, delimited, opt, preceded, repeat},
    error::{ContextError, ErrMode},
    token::{any, none_of, one_of, take_while},
};

use super::malformed;
use crate::sandbox::{fail::Fail, time};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Tok {
    Word(String),
    /// Between the quotes, escapes untouched.
    Text(String),
    Number(Decimal),
    Date(i32),
    Stamp(i64),
    Sign(&'static str),
    End,
}

/// A token and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct At {
    pub tok: Tok,
    pub at: usize,
    pub text: String,
}

/// Cuts a text into tokens; the last is [`Tok::End`].
pub fn tokens(text: &str) -> Result<Vec<At>, Fail> {
    let mut input = text;
    let mut out = Vec::new();
    loop {
        // Blanks always match, so this cannot fail.
        let _: ModalResult<&str> = multispace0.parse_next(&mut input);
        let at = text.len() - input.len();
        if input.is_empty() {
            out.push(At {
                tok: Tok::End,
                at,
                text: "<EOF>".to_owned(),
            });
            return Ok(out);
        }
        match token.with_taken().parse_next(&mut input) {
            Ok((tok, taken)) => out.push(At {
                tok,
                at,
                text: taken.to_owned(),
            }),
            Err(_) => {
                let shown: String = match text[at..].chars().next() {
                    Some(c) if c.is_ascii_digit() => {
                        let ends = |c: &char| c.is_whitespace() || matches!(c, ',' | ')');
                        text[at..].chars().take_while(|c| !ends(c)).collect()
                    }
                    first => first.into_iter().collect(),
                };
                return Err(match shown.as_str() {
                    "'" => malformed(text, at, &bad_string(&text[at..])),
                    _ => malformed(text, at, &format!("unexpected token: '{shown}'")),
                });
            }
        }
    }
}

/// Why a text that begins with a quote is no string.
fn bad_string(text: &str) -> String {
    let mut inside = text.chars().skip(1);
    while let Some(c) = inside.next() {
        match c {
            '\'' => break,
            '\\' => {
                let next = inside.next().unwrap_or(' ');
                if !KNOWN.contains(&next) && !matches!(next, '_' | '%') {
                    let literal: String = text.chars().take(100).collect();
                    return format!(
                        "Invalid string literal {literal}. Illegal character sequence '\\{next}' in string literal."
                    );
                }
            }
            _ => {}
        }
    }
    "unexpected end of string: the quote is not closed".to_owned()
}

/// What may follow a backslash, besides four hexadecimal digits.
const KNOWN: [char; 14] = [
    'n', 'N', 'r', 'R', 't', 'T', 'b', 'B', 'f', 'F', '"', '\'', '\\', 'u',
];

fn token(input: &mut &str) -> ModalResult<Tok> {
    alt((word, text, number_or_date, sign)).parse_next(input)
}

fn word(input: &mut &str) -> ModalResult<Tok> {
    (
        one_of(|c: char| c.is_ascii_alphabetic()),
        take_while(0.., |c: char| c.is_ascii_alphanumeric() || c == '_'),
    )
        .take()
        .map(|w: &str| Tok::Word(w.to_owned()))
        .parse_next(input)
}

fn text(input: &mut &str) -> ModalResult<Tok> {
    let piece = alt((
        none_of(['\'', '\\']).void(),
        (
            '\\',
            alt((
                one_of([
                    'n', 'N', 'r', 'R', 't', 'T', 'b', 'B', 'f', 'F', '"', '\'', '\\', '_', '%',
                ])
                .void(),
                ('u', take_while(4..=4, |c: char| c.is_ascii_hexdigit())).void(),
            )),
        )
            .void(),
    ));
    let inside = repeat::<_, _, (), _, _>(0.., piece).take();
    delimited('\'', inside, '\'')
        .map(|t: &str| Tok::Text(t.to_owned()))
        .parse_next(input)
}

fn number_or_date(input: &mut &str) -> ModalResult<Tok> {
    let body = (
        opt(one_of(['-', '+'])),
        opt('.'),
        one_of(|c: char| c.is_ascii_digit()),
        take_while(0.., |c: char| {
            c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | '+' | 'T' | 'Z' | 'E' | 'e')
        }),
    )
        .take()
        .parse_next(input)?;
    let number = || match body.contains(['e', 'E']) {
        true => Decimal::from_scientific(body).ok(),
        false => body.trim_start_matches('+').parse().ok(),
    };
    time::parse_stamp(body)
        .map(Tok::Stamp)
        .or_else(|| time::parse_date(body).map(Tok::Date))
        .or_else(|| number().map(Tok::Number))
        .ok_or_else(|| ErrMode::Backtrack(ContextError::new()))
}

fn sign(input: &mut &str) -> ModalResult<Tok> {
    alt((
        "<=".value("<="),
        ">=".value(">="),
        "!=".value("!="),
        "<>".value("!="),
        "=".value("="),
        "<".value("<"),
        ">".value(">"),
        "(".value("("),
        ")".value(")"),
        ",".value(","),
        ".".value("."),
        ":".value(":"),
    ))
    .map(Tok::Sign)
    .parse_next(input)
}

/// A piece of text after its escapes were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    Char(char),
    /// `\_` or `\%`: the character itself in LIKE.
    Literal(char),
}

/// Reads the escapes of a text token. A lone surrogate becomes the replacement character.
pub fn pieces(raw: &str) -> Vec<Piece> {
    let piece = |input: &mut &str| -> ModalResult<Piece> {
        alt((preceded('\\', escape), any.map(Piece::Char))).parse_next(input)
    };
    let mut input = raw;
    repeat(0.., piece)
        .parse_next(&mut input)
        .unwrap_or_default()
}

fn escape(input: &mut &str) -> ModalResult<Piece> {
    let c = any.parse_next(input)?;
    Ok(match c {
        'n' | 'N' => Piece::Char('\n'),
        'r' | 'R' => Piece::Char('\r'),
        't' | 'T' => Piece::Char('\t'),
        'b' | 'B' => Piece::Char('\u{8}'),
        'f' | 'F' => Piece::Char('\u{c}'),
        '_' | '%' => Piece::Literal(c),
        'u' => {
            let first = hex(input)?;
            let pair = match first {
                0xD800..=0xDBFF => opt(preceded("\\u", hex)).parse_next(input)?,
                _ => None,
            };
            let units = [Some(first), pair];
            let read = char::decode_utf16(units.into_iter().flatten()).next();
            Piece::Char(
                read.and_then(Result::ok)
                    .unwrap_or(char::REPLACEMENT_CHARACTER),
            )
        }
        other => Piece::Char(other),
    })
}

fn hex(input: &mut &str) -> ModalResult<u16> {
    take_while(4..=4, |c: char| c.is_ascii_hexdigit())
        .try_map(|t: &str| u16::from_str_radix(t, 16))
        .parse_next(input)
}

/// The text a text token stands for.
pub fn unescape(raw: &str) -> String {
    pieces(raw)
        .into_iter()
        .map(|p| match p {
            Piece::Char(c) | Piece::Literal(c) => c,
        })
        .collect()
}
