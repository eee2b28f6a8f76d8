//! What a terminal makes of the bytes of a frame (terminal-ux 9).

use std::io::{self, Write};

use proptest::prelude::*;
use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::{Rect, Size};
use ratatui::style::{Color, Modifier, Style};
use ratatui::{Terminal, TerminalOptions, Viewport};

use syncdeck::tui::wide;
use syncdeck::tui::wire::{self, Wire};

const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";
const CLEAR: &str = "\x1b[m\x1b[2J";

const COLUMNS: u16 = 24;
const ROWS: u16 = 5;

/// Keeps what is sent.
#[derive(Debug, Default, Clone)]
struct Sent(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl wire::Line for Sent {
    fn size(&self) -> io::Result<Size> {
        Ok(Size::new(COLUMNS, ROWS))
    }
}

/// A program, its line, and the terminal at the other end.
struct Ends {
    sent: Sent,
    terminal: Terminal<Wire<Sent>>,
    seen: vt100::Parser,
}

impl Ends {
    fn new() -> Self {
        let sent = Sent::default();
        let viewport = Viewport::Fixed(Rect::new(0, 0, COLUMNS, ROWS));
        let wire = Wire::new(sent.clone()).unwrap();
        Self {
            sent,
            terminal: Terminal::with_options(wire, TerminalOptions { viewport }).unwrap(),
            seen: vt100::Parser::new(ROWS.try_into().unwrap(), COLUMNS.try_into().unwrap(), 0),
        }
    }

    /// Draws a frame; gives what went over the line.
    fn frame(&mut self, draw: impl Fn(&mut Buffer), cursor: (u16, u16)) -> String {
        self.terminal
            .draw(|frame| {
                draw(frame.buffer_mut());
                frame.set_cursor_position(cursor);
            })
            .unwrap();
        let bytes = std::mem::take(&mut *self.sent.0.borrow_mut());
        self.seen.process(&bytes);
        String::from_utf8(bytes).unwrap()
    }

    /// What the terminal shows, and what it should.
    fn compare(&self, draw: impl Fn(&mut Buffer), cursor: (u16, u16)) {
        let mut wanted = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
        draw(&mut wanted);
        let screen = self.seen.screen();
        for y in 0..ROWS {
            let mut covered = 0;
            for x in 0..COLUMNS {
                if covered > 0 {
                    covered -= 1;
                    continue;
                }
                let (cell, seen) = (&wanted[(x, y)], screen.cell(y, x).unwrap());
                covered = cell.cell_width().saturating_sub(1);
                let shown = match seen.contents() {
                    "" => " ",
                    text => text,
                };
                assert_eq!(shown, cell.symbol(), "{x},{y}");
                let with = |a: Modifier| cell.modifier.contains(a);
                assert_eq!(seen.inverse(), with(Modifier::REVERSED), "{x},{y}");
                if cell.symbol() != " " || with(Modifier::REVERSED) {
                    // This terminal knows one weight at a time.
                    let weight = (with(Modifier::BOLD), with(Modifier::DIM));
                    if weight != (true, true) {
                        assert_eq!((seen.bold(), seen.dim()), weight, "{x},{y}");
                    }
                    let fg = match cell.fg {
                        Color::Cyan => vt100::Color::Idx(6),
                        Color::Indexed(n) => vt100::Color::Idx(n),
                        _ => vt100::Color::Default,
                    };
                    assert_eq!(seen.fgcolor(), fg, "{x},{y}");
                }
            }
        }
        assert_eq!(screen.cursor_position(), (cursor.1, cursor.0));
    }
}

#[derive(Debug, Clone)]
struct Piece {
    at: (u16, u16),
    text: String,
    style: Style,
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let text = prop_oneof![
        4 => "[ a-d]{1,24}",
        1 => "[-]{1,24}",
        1 => Just("Zürich 東京 x".to_owned()),
        1 => Just("東京東京東京".to_owned()),
        1 => Just("👩 e\u{301}a".to_owned()),
    ];
    let style = prop_oneof![
        Just(Style::new()),
        Just(Style::new().add_modifier(Modifier::REVERSED)),
        Just(Style::new().add_modifier(Modifier::BOLD).fg(Color::Cyan)),
        Just(Style::new().add_modifier(Modifier::DIM)),
        Just(Style::new().fg(Color::Indexed(117))),
    ];
    let piece = ((0..COLUMNS, 0..ROWS), text, style);
    let piece = piece.prop_map(|(at, text, style)| Piece { at, text, style });
    proptest::collection::vec(piece, 0..8)
}

fn paint(pieces: &[Piece]) -> impl Fn(&mut Buffer) {
    move |buffer: &mut Buffer| {
        for Piece { at, text, style } in pieces {
            let room = usize::from(COLUMNS - at.0);
            buffer.set_stringn(at.0, at.1, text, room, *style);
        }
        wide::end_covered(buffer);
    }
}

proptest! {
    #[test]
    fn the_terminal_shows_what_was_drawn(
        frames in proptest::collection::vec((pieces(), (0..COLUMNS, 0..ROWS)), 1..8),
    ) {
        let mut ends = Ends::new();
        for (pieces, cursor) in &frames {
            ends.frame(paint(pieces), *cursor);
            ends.compare(paint(pieces), *cursor);
            // The same again costs nothing.
            prop_assert_eq!(ends.frame(paint(pieces), *cursor), "");
        }
    }
}

fn put(lines: [&'static str; 2]) -> impl Fn(&mut Buffer) {
    move |buffer| {
        for (y, line) in (0..).zip(lines) {
            buffer.set_string(0, y, line, Style::new());
        }
    }
}

/// A random case that once left half of a character behind.
#[test]
fn what_is_drawn_over_half_of_a_wide_character_is_gone_with_the_next_frame() {
    let piece = |x, style| Piece {
        at: (x, 4),
        text: "東京東京東京".to_owned(),
        style,
    };
    let blue = Style::new().fg(Color::Indexed(117));
    let bold = Style::new().add_modifier(Modifier::BOLD).fg(Color::Cyan);
    let mut ends = Ends::new();
    for pieces in [vec![piece(4, bold), piece(15, blue)], vec![piece(7, blue)]] {
        ends.frame(paint(&pieces), (0, 0));
        ends.compare(paint(&pieces), (0, 0));
    }
}

/// A random case, too: the blank was the same in both frames, and covered in the first.
#[test]
fn a_blank_that_a_wide_character_covered_is_drawn_once_it_is_bare() {
    let piece = |x, text: &str, style| Piece {
        at: (x, 2),
        text: text.to_owned(),
        style,
    };
    let reversed = Style::new().add_modifier(Modifier::REVERSED);
    let mut ends = Ends::new();
    for pieces in [
        vec![
            piece(8, "東京東京東京", Style::new()),
            piece(19, " ", reversed),
        ],
        vec![piece(5, " aaaa a  aaa   ", reversed)],
    ] {
        ends.frame(paint(&pieces), (0, 0));
        ends.compare(paint(&pieces), (0, 0));
    }
}

#[test]
fn rows_begin_with_a_line_feed_and_blanks_are_erased() {
    let mut ends = Ends::new();
    ends.frame(put(["abcdefgh", "abcdefgh"]), (0, 0));
    let sent = ends.frame(put(["ab", "xbcdefgx"]), (0, 0));
    let body = sent.strip_prefix(BEGIN).unwrap().strip_suffix(END).unwrap();
    assert_eq!(body, "\x1b[1;3H\x1b[K\r\nx\x1b[6Cx\x1b[H");
}

#[test]
fn a_wide_gap_is_erased_and_what_stands_behind_it_sent_again() {
    let mut ends = Ends::new();
    let frames = [
        ["abcdefghijklmnopqrstuvwx", ""],
        ["abc                  |wx", ""],
    ];
    ends.frame(put(frames[0]), (0, 0));
    let sent = ends.frame(put(frames[1]), (0, 0));
    let body = sent.strip_prefix(BEGIN).unwrap().strip_suffix(END).unwrap();
    assert_eq!(body, "\x1b[1;4H\x1b[K\x1b[18C|wx\x1b[H");
    ends.compare(put(frames[1]), (0, 0));
}

#[test]
fn no_step_follows_a_character_of_doubtful_width() {
    let mut ends = Ends::new();
    ends.frame(put(["ä.......", ""]), (0, 0));
    let sent = ends.frame(put(["ö.x.....", "y"]), (3, 1));
    let body = sent.strip_prefix(BEGIN).unwrap().strip_suffix(END).unwrap();
    assert_eq!(body, "\x1b[Hö\x1b[1;3Hx\r\ny\x1b[2C");
}

#[test]
fn a_clear_draws_everything_again() {
    let mut ends = Ends::new();
    ends.frame(put(["abc", "abc"]), (0, 0));
    ends.terminal
        .resize(Rect::new(0, 0, COLUMNS, ROWS))
        .unwrap();
    let sent = ends.frame(put(["abc", "abc"]), (0, 0));
    assert!(
        sent.contains(CLEAR) && sent.matches("abc").count() == 2,
        "{sent:?}"
    );
    ends.compare(put(["abc", "abc"]), (0, 0));
}
