//! Every action of the console and the one table about them.
//!
//! Keys, hint bar, help, palette, the key file and the generated documents all read [`TABLE`].
//! It says nothing about whether an action is possible now; that is the update's knowledge.
//! Invariant: each action has exactly one row, and no key means two things in one context.

use std::fmt;
use std::str::FromStr;

use crate::domain::text::nearest;

/// Where keys are looked up: the screen in front, when no dialog and no field has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Connections and syncs.
    Overview,
    /// The business behind the sync.
    Business,
    /// List of runs.
    Log,
    /// One run.
    Run,
    /// List of conflicts.
    Conflicts,
    /// One conflict, field by field.
    Conflict,
    /// Rows of a mapping.
    Mapping,
    /// List of records.
    Records,
    /// One record.
    Record,
    /// Settings.
    Settings,
    /// The first run.
    Setup,
}

impl Context {
    /// Every context.
    pub const ALL: &'static [Context] = &[
        Self::Overview,
        Self::Business,
        Self::Log,
        Self::Run,
        Self::Conflicts,
        Self::Conflict,
        Self::Mapping,
        Self::Records,
        Self::Record,
        Self::Settings,
        Self::Setup,
    ];

    /// Name in titles and in the documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Business => "Business",
            Self::Log => "Log",
            Self::Run => "Run",
            Self::Conflicts => "Conflicts",
            Self::Conflict => "Conflict",
            Self::Mapping => "Mapping",
            Self::Records => "Records",
            Self::Record => "Record",
            Self::Settings => "Settings",
            Self::Setup => "Set-up",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// The action.
    pub action: Action,
    /// Name in `keys.toml` and the palette.
    pub name: &'static str,
    /// Two or three words for the hint bar.
    pub label: &'static str,
    /// One sentence for help, `m` and the documents.
    pub help: &'static str,
    /// Default keys, read by [`super::key::Key::parse_chord`].
    pub keys: &'static [&'static str],
    /// Where it exists; empty means everywhere.
    pub contexts: &'static [Context],
}

use Context as C;

/// Contexts with a list.
const LISTS: &[Context] = &[C::Run, C::Conflicts, C::Records];
/// Contexts in which `/` begins a text: everywhere, so that what is typed after it is never taken
/// for keys. Only the first run has nothing to look through.
const FILTERS: &[Context] = &[
    C::Overview,
    C::Business,
    C::Log,
    C::Run,
    C::Conflicts,
    C::Conflict,
    C::Mapping,
    C::Records,
    C::Record,
    C::Settings,
];
/// Contexts in which a text is found.
const FINDS: &[Context] = &[C::Overview, C::Run, C::Mapping, C::Settings];
/// Contexts with rows to copy.
const ROWS: &[Context] = &[
    C::Overview,
    C::Business,
    C::Log,
    C::Run,
    C::Conflicts,
    C::Conflict,
    C::Mapping,
    C::Records,
    C::Record,
    C::Settings,
];
/// Contexts with something before and after.
const NEIGHBOURS: &[Context] = &[C::Run, C::Conflict, C::Mapping, C::Records, C::Record];
/// No contexts named: everywhere.
const ANYWHERE: &[Context] = &[];

macro_rules! actions {
    ($($action:ident $name:literal $label:literal $help:literal [$($key:literal),*] $contexts:expr;)*) => {
        /// What a key or a palette line does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $help] $action),*
        }

        /// The one table.
        pub const TABLE: &[Info] = &[
            $(Info {
                action: Action::$action,
                name: $name,
                label: $label,
                help: $help,
                keys: &[$($key),*],
                contexts: $contexts,
            }),*
        ];
    };
}

actions! {
    Overview "screen.overview" "overview" "Go to connections and syncs." ["1"] ANYWHERE;
    Log "screen.log" "log" "Go to the runs and what happened in them." ["2"] ANYWHERE;
    Conflicts "screen.conflicts" "conflicts" "Go to the conflicts that wait for a person." ["3"] ANYWHERE;
    Mapping "screen.mapping" "mapping" "Go to the field mappings." ["4"] ANYWHERE;
    Records "screen.records" "records" "Go to the records." ["5"] ANYWHERE;
    Settings "screen.settings" "settings" "Go to the settings." ["6"] ANYWHERE;
    Schedule "screen.schedule" "schedule" "Go to when the pairs run, to change it." [] ANYWHERE;
    Business "screen.business" "business" "Go to the business: totals, pipeline, trends." ["0", "gb"] ANYWHERE;
    ScreenBefore "screen.before" "screen before" "Go to the screen you came from." ["-"] ANYWHERE;

    Open "open" "open" "Open what the cursor is on." ["Enter"] ANYWHERE;
    Close "close" "close" "Close, leave the field, or clear the filter." ["Esc"] ANYWHERE;
    Back "back" "back" "Go back to where you came from; where you began, quit." ["q"] ANYWHERE;
    NextPane "pane.next" "next pane" "Go to the next pane." ["Tab"] ANYWHERE;
    PreviousPane "pane.previous" "pane before" "Go to the pane before." ["S-Tab"] ANYWHERE;
    Zoom "pane.zoom" "zoom" "Give the pane in focus the whole body; again: back." ["z"] ANYWHERE;
    SplitLeft "pane.split_left" "split left" "Move the rule between two panes to the left." ["<"] ANYWHERE;
    SplitRight "pane.split_right" "split right" "Move the rule between two panes to the right." [">"] ANYWHERE;

    Down "move.down" "down" "Go one row down." ["j", "Down"] ANYWHERE;
    Up "move.up" "up" "Go one row up." ["k", "Up"] ANYWHERE;
    Left "move.left" "left" "Choose the side or column to the left." ["h", "Left"] ANYWHERE;
    Right "move.right" "right" "Choose the side or column to the right." ["l", "Right"] ANYWHERE;
    First "move.first" "first" "Go to the first row." ["gg", "Home"] ANYWHERE;
    Last "move.last" "last" "Go to the last row." ["G", "End"] ANYWHERE;
    HalfDown "move.half_down" "half a page down" "Go half a page down." ["Ctrl-d"] ANYWHERE;
    HalfUp "move.half_up" "half a page up" "Go half a page up." ["Ctrl-u"] ANYWHERE;
    PageDown "move.page_down" "page down" "Go a page down." ["PgDn"] ANYWHERE;
    PageUp "move.page_up" "page up" "Go a page up." ["PgUp"] ANYWHERE;
    ItemBefore "item.before" "record before" "Go to the record, sample, run or view before this one." ["["] NEIGHBOURS;
    ItemAfter "item.after" "record after" "Go to the record, sample, run or view after this one." ["]"] NEIGHBOURS;

    TakeSide "conflict.take_side" "take side" "Take the side in focus for this field." ["Space"] &[C::Conflict];
    TakeApp "conflict.take_app" "App" "Take the App's value for this field." ["a"] &[C::Conflict];
    TakeCrm "conflict.take_crm" "CRM" "Take the CRM's value for this field." ["c"] &[C::Conflict];
    TakeBase "conflict.take_base" "base" "Take the last agreed value for this field." ["b"] &[C::Conflict];
    TakeBoth "conflict.take_both" "both" "Join the values of App and CRM: lists and long text." [] &[C::Conflict];
    AllApp "conflict.all_app" "take App" "Take the App's side of this or the marked records." ["A"] &[C::Conflict, C::Conflicts];
    AllCrm "conflict.all_crm" "take CRM" "Take the CRM's side of this or the marked records." ["C"] &[C::Conflict, C::Conflicts];
    Ignore "conflict.ignore" "ignore" "Set the conflict aside until one of its values changes." [] &[C::Conflict, C::Conflicts];
    RuleApp "conflict.rule_app" "always App" "Stage a rule: the App always wins this field." [] &[C::Conflict];
    RuleCrm "conflict.rule_crm" "always CRM" "Stage a rule: the CRM always wins this field." [] &[C::Conflict];
    Clear "clear" "clear" "Take back what is staged; in a form, set null." ["x"] &[C::Conflict, C::Conflicts, C::Mapping, C::Records, C::Record, C::Settings];
    Edit "edit" "edit" "Edit what the cursor is on." ["e"] &[C::Overview, C::Conflict, C::Mapping, C::Records, C::Record, C::Settings];
    Write "write" "write" "Preview what is staged, then write it." ["w"] ANYWHERE;
    Undo "undo" "undo" "Take back the last staged step." ["u"] ANYWHERE;
    Redo "redo" "redo" "Do the step again that was taken back." ["Ctrl-r"] ANYWHERE;

    Mark "mark" "mark" "Mark or unmark the row." ["Space"] LISTS;
    MarkRange "mark.range" "mark range" "Begin to mark a range; move; press again to end it." ["v"] LISTS;
    MarkAll "mark.all" "all" "Mark all that the list shows; again: none." ["*"] LISTS;
    Switch "switch" "on/off" "Switch the row on or off." ["Space"] &[C::Mapping, C::Settings, C::Setup];
    New "new" "new" "Make a new one; a connection: sign in." ["i"] &[C::Overview, C::Mapping, C::Records, C::Settings];
    Remove "remove" "remove" "Remove or disconnect it; always asks." ["d"] &[C::Overview, C::Mapping, C::Records, C::Record, C::Settings];
    Link "record.link" "link" "Link the record with one of Salesforce that you choose." ["L"] &[C::Records, C::Record];
    Unlink "record.unlink" "unlink" "End the link; both sides stay as they are; asks first." ["U"] &[C::Records, C::Record];
    Propagate "record.propagate" "propagate" "Carry held fields to the other side at the next sync." ["P"] &[C::Records, C::Record];
    LetGo "record.let_go" "let go" "End a hold; the next sync brings the other side's value." [] &[C::Records, C::Record];
    HandOver "record.hand_over" "hand over" "Change owner and status of this or the marked records." ["H"] &[C::Records, C::Record];

    SyncNow "sync.run_now" "sync now" "Sync this pair now, or the marked records." ["s"] &[C::Overview, C::Business, C::Records, C::Record, C::Setup];
    SyncAll "sync.run_all" "sync all" "Sync every pair now." ["S"] &[C::Overview];
    DryRun "sync.dry_run" "dry run" "Say what a sync would do, and offer to do just that." [] &[C::Overview];
    Pause "sync.pause" "pause/resume" "Pause or resume this sync at the next record." ["p"] &[C::Overview];
    CancelRun "sync.cancel" "cancel" "Cancel the run after the batch it writes; asks first." ["X"] &[C::Overview, C::Run];
    Retry "retry" "retry" "Try the failed or the marked records again." ["r"] &[C::Log, C::Run, C::Records, C::Record];
    Revert "run.revert" "revert run" "Show what taking back this run would do, then do it." [] &[C::Log, C::Run];
    Repair "drift.repair" "put right" "Show what differs though nothing changed; put it right." [] &[C::Overview];
    GoOn "budget.go_on" "go on to 95 %" "Let syncs use 95 % of the org's calls for a day; asks." [] &[C::Overview, C::Settings];
    Relink "connection.relink" "other org" "Leave this org for another one; shows what ends; typed." [] &[C::Overview, C::Settings];
    Refresh "refresh" "refresh" "Ask the engine for this screen again." ["R"] ANYWHERE;
    Follow "log.follow" "follow" "Follow the newest run." ["f"] &[C::Log];
    Times "view.times" "times" "Change between UTC, local and how long ago." ["t"] ANYWHERE;
    Theme "view.theme" "theme" "Change to the next theme for this session." [] ANYWHERE;

    GoRecord "goto.record" "record" "Go to the record of this." ["gr"] &[C::Conflict, C::Conflicts, C::Run];
    GoConflicts "goto.conflicts" "its conflict" "Go to the conflict of this record." ["gc"] &[C::Run, C::Records, C::Record];
    GoLog "goto.log" "its log" "Go to the log of this." ["gl"] ANYWHERE;
    GoMapping "goto.mapping" "its mapping" "Go to the mapping of this." ["gm"] ANYWHERE;
    GoSettings "goto.settings" "its settings" "Go to the settings of this." ["gs"] ANYWHERE;

    Search "search" "search all" "Search records, conflicts, runs, mappings and actions." ["g/"] ANYWHERE;
    ViewChoose "view.choose" "views" "Choose a view of the records by its name." ["gv"] &[C::Records, C::Record];
    ViewSave "view.save" "keep view" "Keep filter, order and columns of the list under a name." ["V"] &[C::Records];
    Filter "filter" "filter" "Filter the list; where it has no filter, find a text." ["/"] FILTERS;
    MatchAfter "match.after" "next match" "Go to the next line with the text that was found." ["n"] FINDS;
    MatchBefore "match.before" "match before" "Go to the line before with the text that was found." ["N"] FINDS;

    Copy "copy" "copy" "Copy the value or row to your terminal's clipboard." ["y"] ANYWHERE;
    CopyJson "copy.json" "copy JSON" "Copy the value or row as JSON." ["Y"] ROWS;
    CopyRaw "copy.raw" "copy raw" "Copy it raw, with line breaks and control characters." [] &[C::Conflict, C::Records, C::Record];
    ShowAddress "address.show" "address only" "Show nothing but the address to open in a browser." ["o"] &[C::Setup];
    Address "address" "CRM address" "Show and copy its address in the CRM." ["o"] &[C::Conflicts, C::Conflict, C::Records, C::Record];

    Actions "actions" "actions" "List all actions here, and why some are off." ["m"] ANYWHERE;
    Palette "palette" "palette" "Find an action by typing." [":", "Ctrl-p"] ANYWHERE;
    Help "help" "help" "Show the keys of this screen." ["?", "F1"] ANYWHERE;
    Messages "messages" "messages" "Show everything that was said in toasts." [] ANYWHERE;
    Redraw "redraw" "redraw" "Draw the whole screen again." ["Ctrl-l"] ANYWHERE;
    Stop "stop" "stop" "Stop what is waited for; twice in two seconds: quit." ["Ctrl-c"] ANYWHERE;
    Suspend "suspend" "suspend" "Go to the shell; fg comes back." ["Ctrl-z"] ANYWHERE;
    Quit "quit" "quit" "Leave the console." [] ANYWHERE;
}

impl Action {
    /// The row of this action.
    pub fn info(self) -> &'static Info {
        // The macro makes one row per variant in the order of the variants.
        TABLE.get(self as usize).unwrap_or(&TABLE[0])
    }

    /// Whether the action exists in a context.
    pub fn is_in(self, context: Context) -> bool {
        let contexts = self.info().contexts;
        contexts.is_empty() || contexts.contains(&context)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().name)
    }
}

/// There is no action of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAction {
    /// The nearest name, if one is near.
    pub nearest: Option<&'static str>,
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(name: &str) -> Result<Self, UnknownAction> {
        TABLE
            .iter()
            .find(|info| info.name == name)
            .map(|info| info.action)
            .ok_or_else(|| UnknownAction {
                nearest: nearest(name, TABLE.iter().map(|info| info.name)),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn rows_and_actions_belong_together() {
        for info in TABLE {
            assert_eq!(info.action.info().name, info.name);
            assert_eq!(info.name.parse::<Action>(), Ok(info.action));
            assert!(info.help.ends_with('.'), "{}", info.name);
            // What a list of actions has room for at 80 columns.
            assert!(info.help.len() <= 56, "{}: {}", info.name, info.help);
        }
        let names: HashSet<_> = TABLE.iter().map(|i| i.name).collect();
        assert_eq!(names.len(), TABLE.len());
    }

    #[test]
    fn a_slip_is_answered_with_the_right_name() {
        let error = "conflict.take_cmr".parse::<Action>().unwrap_err();
        assert_eq!(error.nearest, Some("conflict.take_crm"));
    }
}
