//! The surface views draw on: text with roles, and the one visible cursor.
//!
//! It is the only code that puts text into cells, and everything passes [`Safe`] on the way.
//! It knows no screens. Invariant: nothing is drawn outside the area it was made for.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::look::Look;
use super::text::{self, Safe};
use super::theme::{DiffMarks, Role, Theme};

/// One line of text in several roles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    text: Safe,
    role: Role,
    over: Option<Role>,
}

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of one piece.
    pub fn of(role: Role, text: impl Into<Safe>) -> Self {
        Self::new().add(role, text)
    }

    /// A line of ordinary text.
    pub fn text(text: impl Into<Safe>) -> Self {
        Self::of(Role::Text, text)
    }

    /// Adds a piece.
    #[must_use]
    pub fn add(mut self, role: Role, text: impl Into<Safe>) -> Self {
        self.pieces.push(Piece {
            text: text.into(),
            role,
            over: None,
        });
        self
    }

    /// Adds a piece in one role with the attributes of a second on top.
    #[must_use]
    pub fn add_over(mut self, role: Role, over: Role, text: impl Into<Safe>) -> Self {
        self.pieces.push(Piece {
            text: text.into(),
            role,
            over: Some(over),
        });
        self
    }

    /// Adds blanks until the line is `columns` wide, cutting it if it is wider.
    #[must_use]
    pub fn to_column(mut self, columns: usize) -> Self {
        let width = self.width();
        if width < columns {
            return self.add(Role::Text, " ".repeat(columns - width));
        }
        let mut over = width - columns;
        while over > 0 {
            let Some(last) = self.pieces.last_mut() else {
                break;
            };
            let wide = last.text.width();
            if wide > over {
                last.text = text::fit(last.text.clone(), wide - over);
                over = 0;
            } else {
                over -= wide;
                self.pieces.pop();
            }
        }
        let short = columns.saturating_sub(self.width());
        if short > 0 {
            return self.add(Role::Text, " ".repeat(short));
        }
        self
    }

    /// Adds all pieces of another line.
    #[must_use]
    pub fn join(mut self, other: Line) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// Width in columns.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|p| p.text.width()).sum()
    }

    /// Columns that are not blank.
    pub fn ink(&self) -> usize {
        let bare = |piece: &Piece| piece.text.as_str().matches(' ').count();
        self.pieces.iter().map(|p| p.text.width() - bare(p)).sum()
    }

    /// The line broken into lines of at most `columns`, at blanks where there are some. There is
    /// always at least one.
    pub fn wrapped(&self, columns: usize) -> Vec<Line> {
        let columns = columns.max(1);
        let mut out = Vec::new();
        let mut line = Line::new();
        let mut used = 0;
        for piece in &self.pieces {
            for word in piece.text.as_str().split_inclusive(' ') {
                let bare = text::width(word.trim_end_matches(' '));
                if used > 0 && used + bare > columns {
                    out.push(std::mem::take(&mut line));
                    used = 0;
                }
                let parts = if bare > columns {
                    text::wrap(word, columns)
                } else {
                    vec![Safe::from(word)]
                };
                for (at, part) in parts.into_iter().enumerate() {
                    if at > 0 {
                        out.push(std::mem::take(&mut line));
                        used = 0;
                    }
                    used += part.width();
                    line.pieces.push(Piece {
                        text: part,
                        role: piece.role,
                        over: piece.over,
                    });
                }
            }
        }
        out.push(line);
        out
    }

    /// The text without roles.
    pub fn plain(&self) -> String {
        self.pieces.iter().map(|p| p.text.as_str()).collect()
    }

    /// True when it shows nothing.
    pub fn is_empty(&self) -> bool {
        self.pieces.iter().all(|p| p.text.is_empty())
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Safe> for Line {
    fn from(text: Safe) -> Self {
        Self::text(text)
    }
}

/// What a view draws on.
#[derive(Debug)]
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    cursor: Option<Position>,
    pinned: Option<Position>,
}

impl<'a> Canvas<'a> {
    /// A canvas over a buffer.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self {
            buffer,
            theme,
            cursor: None,
            pinned: None,
        }
    }

    /// The whole area.
    pub fn area(&self) -> Rect {
        self.buffer.area
    }

    /// How changed words are shown.
    pub fn diff_marks(&self) -> DiffMarks {
        self.theme.diff_marks()
    }

    /// Where the terminal's cursor goes at the end of the frame.
    pub fn cursor(&self) -> Option<Position> {
        self.cursor
    }

    /// Remembers where the cursor is: a field that is typed in, above a list with a row of its own.
    pub fn pin_cursor(&mut self) {
        self.pinned = self.cursor;
    }

    /// Puts the cursor back to where it was pinned, if it was.
    pub fn unpin_cursor(&mut self) {
        self.cursor = self.pinned.take().or(self.cursor);
    }

    /// Bytes of a line on the wire besides its text: how its pieces look.
    pub fn dye(&self, line: &Line) -> usize {
        let mut last = Look::PLAIN;
        let mut sent = 0;
        let seen = line.pieces.iter().filter(|p| p.text.as_str().trim() != "");
        for piece in seen {
            let look = Look::in_style(self.style(piece));
            sent += look.after(last).len();
            last = look;
        }
        sent + Look::PLAIN.after(last).len()
    }

    fn style(&self, piece: &Piece) -> Style {
        let style = self.theme.style(piece.role);
        match piece.over {
            Some(over) => style.patch(self.theme.style(over)),
            None => style,
        }
    }

    /// Puts the terminal's cursor on a cell. The last call wins: dialogs come last.
    pub fn place_cursor(&mut self, x: u16, y: u16) {
        let area = self.area();
        if area.width > 0 && area.height > 0 {
            self.cursor = Some(Position::new(
                x.min(area.right() - 1),
                y.min(area.bottom() - 1),
            ));
        }
    }

    /// Draws a line at the top left of `area`, cut to its width. Returns the columns used.
    pub fn line(&mut self, area: Rect, line: &Line) -> u16 {
        let area = area.intersection(self.area());
        if area.is_empty() {
            return 0;
        }
        let mut room = usize::from(area.width);
        let mut x = area.x;
        let last = line.pieces.len().saturating_sub(1);
        for (at, piece) in line.pieces.iter().enumerate() {
            if room == 0 {
                break;
            }
            let style = self.style(piece);
            // Only text that is really cut gets the dots: the sum of the rest decides.
            let text = if piece.text.width() > room
                || (at < last && piece.text.width() == room && !rest_is_empty(line, at))
            {
                text::fit(&piece.text, room)
            } else {
                piece.text.clone()
            };
            let (next, _) = self
                .buffer
                .set_stringn(x, area.y, text.as_str(), room, style);
            room -= usize::from(next - x).min(room);
            x = next;
        }
        x - area.x
    }

    /// Draws text in one role.
    pub fn put(&mut self, area: Rect, role: Role, text: impl Into<Safe>) -> u16 {
        self.line(area, &Line::of(role, text))
    }

    /// Draws a line at the right end of `area`.
    pub fn right(&mut self, area: Rect, line: &Line) {
        let width = u16::try_from(line.width())
            .unwrap_or(u16::MAX)
            .min(area.width);
        let x = area.right() - width;
        self.line(Rect { x, width, ..area }, line);
    }

    /// Patches a role's look onto cells that are drawn already, in each row as far as there is
    /// text: cells that show nothing would only cost bytes with each move of the cursor.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let area = area.intersection(self.area());
        for y in area.top()..area.bottom() {
            let shows = |x: &u16| self.buffer.cell((*x, y)).is_some_and(|c| c.symbol() != " ");
            let end = (area.left()..area.right()).rev().find(shows);
            let width = end.map_or(1, |x| x + 1 - area.left()).min(area.width);
            let shown = Rect {
                y,
                width,
                height: 1,
                ..area
            };
            self.buffer.set_style(shown, self.theme.style(role));
        }
    }

    /// Empties an area, for a dialog above other content.
    pub fn blank(&mut self, area: Rect) {
        let area = area.intersection(self.area());
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
            // A wide character that began just left of the area would spill into it.
            if let Some(cell) = area
                .left()
                .checked_sub(1)
                .and_then(|x| self.buffer.cell_mut((x, y)))
                && text::width(cell.symbol()) > 1
            {
                cell.set_symbol(" ");
            }
        }
    }

    /// A rule over the full width of one row.
    pub fn rule(&mut self, area: Rect, role: Role) {
        let style = self.theme.style(role);
        self.fill(area, "-", style);
    }

    /// A vertical rule.
    pub fn vertical(&mut self, area: Rect) {
        let style = self.theme.style(Role::Rule);
        self.fill(Rect { width: 1, ..area }, "|", style);
    }

    fn fill(&mut self, area: Rect, symbol: &str, style: Style) {
        let area = area.intersection(self.area());
        for position in area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.set_symbol(symbol).set_style(style);
            }
        }
    }
}

fn rest_is_empty(line: &Line, at: usize) -> bool {
    line.pieces
        .iter()
        .skip(at + 1)
        .all(|p| p.text.as_str().trim().is_empty())
}

/// The row at `offset` of an area; empty when it is below its end.
pub fn row(area: Rect, offset: u16) -> Rect {
    if offset >= area.height {
        return Rect { height: 0, ..area };
    }
    Rect {
        y: area.y + offset,
        height: 1,
        ..area
    }
}

/// The area without its first `offset` rows.
pub fn below(area: Rect, offset: u16) -> Rect {
    let offset = offset.min(area.height);
    Rect {
        y: area.y + offset,
        height: area.height - offset,
        ..area
    }
}

/// The area moved in from the left.
pub fn inset(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect {
        x: area.x + columns,
        width: area.width - columns,
        ..area
    }
}
