//! The dialogs, one at a time, and what each of them may release.

use super::action::Action;
use super::ask::Ask;
use super::state::Loaded;
use super::widget::confirm::Confirm;
use super::widget::editor::Editor;
use super::widget::form::Form;
use super::widget::list::ListState;
use super::widget::picker::Picker;
use super::widget::prompt::Prompt;
use crate::domain::id::{PairName, RowId};
use crate::engine::command::{Command, RecordKey};
use crate::engine::view::{CrmSearchView, SearchView, SignInView};

/// What a confirmed question does. Only a dialog makes one happen.
#[derive(Debug)]
pub enum Release {
    /// Sends a command.
    Send(Ask, Box<Command>),
    /// Leaves.
    Quit,
    /// Removes a mapping row from the draft.
    RemoveRow(RowId),
}

/// Where an edited text goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditTarget {
    /// The field of the open conflict with this index.
    Conflict(usize),
    /// The field of the form behind the editor.
    FormField(Box<FormPurpose>, usize),
}

/// What a form is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormPurpose {
    /// Typed value of a conflict field.
    Conflict(usize),
    /// A mapping row.
    MappingRow(RowId),
    /// Changes an App record.
    EditRecord(RecordKey, u64),
    /// Makes an App record.
    CreateRecord(PairName),
    /// When a pair runs.
    Schedule(PairName),
}

/// The sign-in dialog.
#[derive(Debug)]
pub struct SignIn {
    /// Address and callback, once the engine has them.
    pub view: Option<SignInView>,
    /// What is pasted.
    pub prompt: Prompt,
    /// Why the last answer was refused.
    pub error: Option<String>,
}

/// The search over everything local.
#[derive(Debug, Default)]
pub struct SearchBox {
    /// What is typed, and the cursor in the hits.
    pub picker: Picker,
    /// What the engine found.
    pub view: Loaded<Box<SearchView>>,
    /// What the CRM found, once it was asked for what is typed.
    pub crm: Option<Loaded<Box<CrmSearchView>>>,
}

impl SignIn {
    /// Whether the address that the browser ended at may be pasted.
    pub fn takes_an_address(&self) -> bool {
        match &self.view {
            Some(SignInView::Browser(_)) | None => true,
            Some(SignInView::Code { .. } | SignInView::ByItself { .. }) => false,
        }
    }
}

/// The dialog in front.
#[derive(Debug)]
pub enum Modal {
    /// A question.
    Confirm(Box<Confirm<Release>>),
    /// Keys of this screen.
    Help {
        /// Scroll and cursor.
        list: ListState,
    },
    /// Find an action.
    Palette(Picker),
    /// Search everything.
    Search(Box<SearchBox>),
    /// Actions here, with reasons.
    Actions(ListState),
    /// Everything that was said.
    Messages(ListState),
    /// A form; with the rest of a form put aside while its long field is edited.
    Form(Box<Form>, FormPurpose),
    /// Text of several lines.
    Editor {
        /// Title.
        title: String,
        /// The editor.
        editor: Box<Editor>,
        /// Where the text goes.
        target: EditTarget,
        /// The form behind it.
        behind: Option<Box<Form>>,
    },
    /// Sign-in by a browser elsewhere.
    SignIn(Box<SignIn>),
    /// Text to read or copy, without a frame.
    Text {
        /// Title.
        title: String,
        /// The text.
        text: String,
    },
}

impl Modal {
    /// Name of the dialog for the status row.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Confirm(_) => "Question",
            Self::Help { .. } => "Keys",
            Self::Palette(_) => "Palette",
            Self::Search(_) => "Search all",
            Self::Actions(_) => "Actions",
            Self::Messages(_) => "Messages",
            Self::Form(..) => "Form",
            Self::Editor { .. } => "Editor",
            Self::SignIn(_) => "Sign-in",
            Self::Text { .. } => "Text",
        }
    }
}

/// A line of help or palette: an action, or a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelpLine {
    /// A heading.
    Head(&'static str),
    /// An action.
    Act(Action),
    /// Nothing.
    Blank,
}
