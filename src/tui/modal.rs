//! The dialogs, one at a time, and what each of them may release.

use std::time::Duration;

use super::action::Action;
use super::ask::Ask;
use super::bulk::Work;
use super::save::File;
use super::state::{Loaded, TakesPart};
use super::widget::confirm::Confirm;
use super::widget::editor::Editor;
use super::widget::form::Form;
use super::widget::list::ListState;
use super::widget::picker::Picker;
use super::widget::prompt::Prompt;
use super::widget::sheet::Sheet;
use crate::domain::auto_map::Offer;
use crate::domain::form::Choice;
use crate::domain::id::{FieldName, PairName, RowId};
use crate::domain::mapping::Pair;
use crate::domain::transform::Side;
use crate::engine::command::{Command, RecordKey};
use crate::engine::view::{
    CrmSearchView, Pinned, RecordFormView, RecordHit, Relink, RelinkView, SearchView, SignInView,
};

/// What a confirmed question does. Only a dialog makes one happen.
#[derive(Debug)]
pub enum Release {
    /// Sends a command.
    Send(Ask, Box<Command>),
    /// Writes a file over the one that is there.
    Save(Box<File>),
    /// Leaves.
    Quit,
    /// Removes a mapping row from the draft.
    RemoveRow(RowId),
    /// Puts an older version of a mapping into its draft.
    StageVersion(u32, Box<Pair>),
    /// Puts which records take part into the draft of a mapping, the filter as it was understood.
    StagePart(PairName, TakesPart),
    /// Changes many records.
    Bulk(Box<Work>),
    /// Forgets a saved view.
    RemoveView(String),
    /// Leaves the org of the profile.
    LeaveOrg(Relink),
    /// Forgets what was typed in the form of a record.
    DropForm(Box<RecordForm>),
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
    /// An App record.
    Record(Box<RecordForm>),
    /// Links an App record.
    Link(RecordKey),
    /// Keeps a view of the records of a pair.
    View(PairName),
    /// When a pair runs.
    Schedule(PairName),
    /// A filter to try on a pair.
    Filter(PairName),
    /// How records are found again in another org.
    Relink(Box<RelinkView>),
}

/// What the form of a record does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordAct {
    /// Makes an App record.
    Create,
    /// Changes an App record.
    Edit,
    /// Changes its status and owner.
    HandOver,
}

/// Whether what was taken is on its way to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// It is; the form waits for the answer.
    Yes,
    /// It is not.
    No,
}

/// What the form of a record knows beside what is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordForm {
    /// What it does.
    pub act: RecordAct,
    /// The record and what its fields take.
    pub view: RecordFormView,
    /// The marked records it is for; none for the one of the view.
    pub marked: Option<Pinned>,
    /// Which fields are shown, as places in the view.
    pub shown: Vec<usize>,
    /// Whether the engine has it.
    pub sending: Sending,
}

/// A list of what a field takes, over the form that has the field.
#[derive(Debug)]
pub struct Chooser {
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// What is typed, and the cursor in the hits.
    pub picker: Picker,
    /// The field.
    pub at: usize,
    /// The form.
    pub form: Form,
    /// What it is for.
    pub purpose: FormPurpose,
}

/// A line of the offers for a new row of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferLine {
    /// Two fields.
    One(Offer),
    /// All that have so many points that they are hardly wrong; how many those are.
    All(usize),
    /// A field that nothing like it was found for.
    Half(Side, FieldName),
    /// A row without fields.
    Empty,
}

/// What is offered for a new row of a mapping.
#[derive(Debug)]
pub struct Offers {
    /// What can be taken.
    pub lines: Vec<OfferLine>,
    /// What is typed, and the cursor in the hits.
    pub picker: Picker,
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

/// A search in texts, part by part.
#[derive(Debug, Default)]
pub struct Texts {
    /// Records that were found.
    pub rows: Vec<RecordHit>,
    /// Records that were looked at, and all of them.
    pub so_far: (u64, u64),
    /// How it stands.
    pub stage: TextStage,
}

/// How a search in texts stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextStage {
    /// A further part is on its way.
    #[default]
    Working,
    /// A person stopped it, or enough was found.
    Stopped,
    /// Everything was looked at.
    Whole,
}

/// The search over everything local.
#[derive(Debug, Default)]
pub struct SearchBox {
    /// What is typed, and the cursor in the hits.
    pub picker: Picker,
    /// What the engine found.
    pub view: Loaded<Box<SearchView>>,
    /// What the search in texts found so far, once it was begun for what is typed.
    pub texts: Option<Texts>,
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

/// Whether a dialog that an answer opened may have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seen {
    /// Whoever types knows of it.
    #[default]
    Yes,
    /// It was not drawn yet.
    No,
    /// It was drawn then, since the start.
    Since(Duration),
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
        /// What is looked for in it, while something is.
        find: Option<Picker>,
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
    /// What a field of the form takes.
    Choose(Box<Chooser>),
    /// Rows that are offered for a mapping.
    Offers(Box<Offers>),
    /// Sign-in by a browser elsewhere.
    SignIn(Box<SignIn>),
    /// Text to read or copy, without a frame.
    Text(Sheet),
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
            Self::Choose(_) => "Choose",
            Self::Offers(_) => "New row",
            Self::SignIn(_) => "Sign-in",
            Self::Text(_) => "Text",
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
