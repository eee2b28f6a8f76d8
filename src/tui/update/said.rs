//! Everything that was said, as lines of the dialog that shows it.

use crate::tui::model::Model;
use crate::tui::text::{Safe, wrap};
use crate::tui::widget::toast::Message;

/// Widest the dialog gets, in columns.
pub const WIDEST: u16 = 120;
/// Columns of its frame, the cursor, the time and the word.
const BESIDE: u16 = 4 + 2 + 19;

/// Its lines, newest message first; the first line of each comes with the message.
pub fn message_lines(model: &Model) -> Vec<(Option<&Message>, Safe)> {
    let columns = model.size.0.min(WIDEST).saturating_sub(BESIDE);
    let columns = usize::from(columns);
    let all = model.toasts.all();
    all.flat_map(|message| lines(message, columns)).collect()
}

fn lines(message: &Message, columns: usize) -> impl Iterator<Item = (Option<&Message>, Safe)> {
    let text = match message.times {
        1 => message.text.clone(),
        n => format!("{} (x{n})", message.text),
    };
    let wrapped = wrap(&text, columns).into_iter().enumerate();
    wrapped.map(move |(at, line)| ((at == 0).then_some(message), line))
}
