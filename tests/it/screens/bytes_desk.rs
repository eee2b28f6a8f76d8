//! What the panes of a working day cost on the line, action by action (terminal-ux 9): forms,
//! lists, questions, the sections of the settings, and the rule between two panes.

use super::bytes::Counted;

/// A move of the cursor.
const MOVE: [usize; 2] = [250, 400];
/// A typed letter.
const LETTER: [usize; 2] = [100, 100];
/// A dialog.
const DIALOG: [usize; 2] = [1_000, 1_000];
/// A page, or another pane.
const PAGE: [usize; 2] = [2_500, 8_500];

/// What is done: the keys that lead to it, the keys that are counted, and what each may cost.
const ACTIONS: &[(&str, &str, &str, [usize; 2])] = &[
    ("a letter of a filter", "5 /", "a d a", LETTER),
    ("a letter in a form", "5 j e", "a b c", LETTER),
    (
        "a letter of a long text",
        "3 Enter j j j e",
        "a b c",
        LETTER,
    ),
    (
        "a letter in the row of a mapping",
        "4 j Enter",
        "a b",
        LETTER,
    ),
    ("a letter that says a size", "4 j Tab k", "j k", MOVE),
    ("a letter of a schedule", "6 j Tab Enter", "a b c", LETTER),
    ("a letter of a link", "5 j L", "a b c", LETTER),
    ("the next field", "5 j e", "Tab Tab S-Tab", MOVE),
    ("a row of a mapping", "4", "j j k", MOVE),
    ("a section", "6", "j j j k", PAGE),
    ("a pair of the schedule", "6 j Tab", "j j k", MOVE),
    ("a pair of the filters", "6 j j Tab", "j j k", MOVE),
    ("a rule", "6 j j j j Tab", "j j k", MOVE),
    ("a theme", "6 j j j j j j Tab", "j j k", MOVE),
    ("a key", "6 j j j j j j j Tab", "j j k", MOVE),
    ("a page of keys", "6 j j j j j j j Tab", "PgDn PgUp", PAGE),
    (
        "what happens at the lines",
        "6 j j j Tab",
        "Enter Esc",
        PAGE,
    ),
    ("the form of a record", "5 j", "e", DIALOG),
    ("the form of many", "5 *", "H", DIALOG),
    ("a list of users", "5 j H", "Enter", DIALOG),
    ("a user in the list", "5 j H Enter", "j Down Up", MOVE),
    ("the question before deleting many", "5 *", "d", DIALOG),
    ("the question before a write", "3 Enter a", "w", DIALOG),
    ("the button of a question", "3 Enter a w", "Tab Tab", MOVE),
    ("an action in the list of them", "3 Enter m", "j j k", MOVE),
    ("all actions", "3 Enter", "m", PAGE),
    ("an action in the help", "3 Enter ?", "j j k", MOVE),
    ("a mark", "5", "Space Space", MOVE),
    ("the views", "5", "Tab", PAGE),
    ("a view", "5 Tab", "j j k", MOVE),
    ("a new row", "4", "i", PAGE),
    ("the versions of a mapping", "4", "Tab", PAGE),
    ("a version", "4 Tab", "j k", MOVE),
    ("the rule between two panes", "2", "< > >", PAGE),
    ("the rule beside the conflicts", "3", "< > >", PAGE),
    ("the pane in full and back", "4", "z z", PAGE),
];

#[test]
fn every_action_of_the_desk_keeps_to_its_budget() {
    let mut dear = Vec::new();
    for (at, (columns, rows)) in [(80, 24), (160, 48)].into_iter().enumerate() {
        for (what, way, keys, budget) in ACTIONS {
            let mut counted = Counted::new(columns, rows);
            counted.sent(way);
            let over = counted.sent(keys).over(budget[at]);
            dear.extend(over.map(|over| format!("{what} at {columns}x{rows}: {over}")));
        }
    }
    assert!(dear.is_empty(), "{}", dear.join("\n"));
}
