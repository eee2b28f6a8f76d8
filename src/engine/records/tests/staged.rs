//! Staged edits over a real store: kept, previewed and written only over what the person saw.

use super::{PAGE, desk_of, detail, list, some_leads};
use crate::domain::id::AppId;
use crate::domain::value::{Fields, Value};
use crate::engine::command::{RecordKey, Values, WriteScope};
use crate::engine::cx::Settings;
use crate::engine::decisions;
use crate::engine::mappings::fixture::{Desk, at, fields, name};
use crate::engine::records::staged::{self, of, stage};
use crate::engine::records::{delete, edit as write_at_once, pin, records};
use crate::engine::view::{Base, Edit, EditStaged, Staging, WritePreview};
use crate::error::{Kind, Result};

const TITLE: &str = "contactTitle";

fn title(text: &str) -> Fields {
    fields(&[(TITLE, text)])
}

fn over(saw: &str, becomes: &str) -> Option<Edit> {
    let base = Base::Values(title(saw));
    let fields = title(becomes);
    Some(Edit { base, fields })
}

fn put(desk: &Desk, key: &RecordKey, edit: Option<Edit>) -> Result<EditStaged> {
    stage(
        &desk.state,
        &key.pair,
        Some(&key.app_id),
        edit,
        "jo",
        at(50),
    )
}

fn new(desk: &Desk, fields: Fields) -> RecordKey {
    let edit = Some(Edit {
        base: Base::New,
        fields,
    });
    let done = stage(&desk.state, &name(), None, edit, "jo", at(50));
    done.unwrap().key
}

fn preview(desk: &Desk) -> WritePreview {
    let settings = Settings::default();
    decisions::preview(&desk.state, &settings, &WriteScope::All, at(60)).unwrap()
}

fn write(desk: &Desk, preview: &WritePreview) -> Result<()> {
    let (settings, scope) = (Settings::default(), WriteScope::All);
    let confirmed = decisions::confirm(&desk.state, &settings, &scope, preview.hash, at(61))?;
    staged::write(&desk.state, &confirmed.edits, "jo", at(61))
}

fn stored(desk: &Desk, key: &RecordKey) -> Option<Value> {
    let app = detail(desk, key).app?;
    app.fields.get(TITLE).cloned()
}

#[test]
fn an_edit_is_kept_beside_the_record_until_it_is_written() {
    let (desk, key) = desk_of("Ms");
    let done = put(&desk, &key, over("Ms", "Dr")).unwrap();
    assert_eq!((done.before, done.after), (None, over("Ms", "Dr")));
    assert_eq!(stored(&desk, &key), Some(Value::text("Ms")));
    assert_eq!(list(&desk, "", PAGE).part.rows[0].staged, Staging::Edit);
    let shown = detail(&desk, &key);
    let field = shown.fields.iter().find(|f| f.app_label == TITLE);
    assert_eq!(field.unwrap().staged, Some(vec![Value::text("Dr")]));
    let all = preview(&desk);
    assert_eq!((all.edits, all.app_records, all.lines.len()), (1, 1, 1));
    assert_eq!(all.lines[0].now, [Value::text("Ms")]);
    write(&desk, &all).unwrap();
    assert_eq!(stored(&desk, &key), Some(Value::text("Dr")));
    assert_eq!(of(&desk.state, &key).unwrap(), None);
    // Once is all: the same preview is of nothing now.
    assert_eq!(write(&desk, &all).unwrap_err().kind(), Kind::Changed);
}

#[test]
fn a_value_that_nobody_saw_is_never_replaced() {
    let (desk, key) = desk_of("Ms");
    put(&desk, &key, over("Ms", "Dr")).unwrap();
    let before = preview(&desk);
    write_at_once(&desk.state, &key, 1, title("Prof"), "ana", at(55)).unwrap();
    assert_eq!(write(&desk, &before).unwrap_err().kind(), Kind::Changed);
    let keys = [key.clone()];
    let raced = staged::write(&desk.state, &keys, "jo", at(61));
    assert_eq!(raced.unwrap_err().kind(), Kind::Changed);
    assert_eq!(stored(&desk, &key), Some(Value::text("Prof")));
    let now = preview(&desk);
    assert_eq!((now.edits, now.refused.len()), (0, 1));
    assert!(now.refused[0].1.contains("ana changed it"), "{now:?}");
    // What was typed is kept, and counts again once it was looked at.
    assert_eq!(
        of(&desk.state, &key).unwrap().unwrap().edit,
        over("Ms", "Dr").unwrap()
    );
    assert_eq!(
        put(&desk, &key, over("Ms", "Dr")).unwrap_err().kind(),
        Kind::Changed
    );
    put(&desk, &key, over("Prof", "Dr")).unwrap();
    write(&desk, &preview(&desk)).unwrap();
    assert_eq!(stored(&desk, &key), Some(Value::text("Dr")));
}

#[test]
fn a_change_of_another_field_does_not_disturb_an_edit() {
    let (desk, key) = desk_of("Ms");
    put(&desk, &key, over("Ms", "Dr")).unwrap();
    let phone = fields(&[("contactPhone", "4711")]);
    write_at_once(&desk.state, &key, 1, phone, "ana", at(55)).unwrap();
    write(&desk, &preview(&desk)).unwrap();
    assert_eq!(stored(&desk, &key), Some(Value::text("Dr")));
}

#[test]
fn an_edit_of_nothing_is_none_and_one_of_a_deleted_record_is_refused() {
    let (desk, key) = desk_of("Ms");
    put(&desk, &key, over("Ms", "Dr")).unwrap();
    assert_eq!(put(&desk, &key, over("Ms", "Ms")).unwrap().after, None);
    assert_eq!(staged::count(&desk.state).unwrap(), 0);
    put(&desk, &key, over("Ms", "Dr")).unwrap();
    delete(&desk.state, &key, 1, "ana", at(55)).unwrap();
    let now = preview(&desk);
    assert_eq!((now.edits, now.refused.len()), (0, 1));
    put(&desk, &key, None).unwrap();
    assert_eq!(preview(&desk).refused, []);
}

#[test]
fn a_new_record_is_listed_first_and_made_once() {
    let (desk, _) = desk_of("Ms");
    let name = fields(&[("contactName", "Zoe"), ("companyName", "Acme")]);
    let key = new(&desk, name);
    let page = list(&desk, "", PAGE);
    assert_eq!((page.all, page.part.total), (1, 2));
    assert_eq!(page.part.rows[0].key, key);
    assert_eq!(page.part.rows[0].staged, Staging::New);
    for (offset, wanted) in [(0, Some(&key)), (1, None)] {
        let part = list(&desk, "", crate::engine::command::Page { offset, limit: 1 }).part;
        assert_eq!((part.rows.len(), part.offset), (1, offset));
        assert_eq!(Some(&part.rows[0].key) == wanted, offset == 0);
    }
    assert_eq!(list(&desk, "companyName:nobody", PAGE).part.total, 0);
    assert_eq!(detail(&desk, &key).app, None);
    let all = preview(&desk);
    assert_eq!(all.acts, ["make in the App: Zoe"]);
    write(&desk, &all).unwrap();
    assert!(detail(&desk, &key).app.is_some());
    assert_eq!(list(&desk, "", PAGE).part.total, 2);
}

#[test]
fn the_same_values_are_staged_for_many_over_what_is_staged_of_each() {
    let desk = Desk::new();
    let keys = desk.take_in(0, &some_leads(3));
    put(&desk, &keys[0], over("Ms", "Dr")).unwrap_err();
    let edit = Edit {
        base: Base::Values([(TITLE.into(), Value::Null)].into()),
        fields: title("Dr"),
    };
    put(&desk, &keys[0], Some(edit.clone())).unwrap();
    let zoe = new(&desk, fields(&[("contactName", "Zoe")]));
    let ids: Vec<AppId> = keys
        .iter()
        .chain([&zoe])
        .map(|k| k.app_id.clone())
        .collect();
    let pinned = pin(&desk.state, &name(), &ids).unwrap();
    assert_eq!((pinned.records.len(), pinned.refused.len()), (4, 0));
    let moved = fields(&[("companyName", "Moved")]);
    write_at_once(&desk.state, &keys[1], 1, moved, "ana", at(55)).unwrap();
    let values = fields(&[("status", "contacted")]);
    let done = staged::fields(&desk.state, &name(), &pinned.records, values, "jo", at(56));
    let done = done.unwrap();
    assert_eq!((done.done.len(), done.refused.len()), (3, 1));
    assert_eq!(done.refused[0].app_id, ids[1]);
    assert!(done.refused[0].why.contains("ana changed it"), "{done:?}");
    let all = preview(&desk);
    assert_eq!((all.edits, all.lines.len()), (3, 5), "{all:?}");
    // All of it is one change, forth and back.
    let back = done.done.into_iter().map(|e| (e.key.app_id, e.before));
    staged::edits(&desk.state, &name(), back.collect(), "jo", at(57)).unwrap();
    assert_eq!(of(&desk.state, &keys[0]).unwrap().unwrap().edit, edit);
    assert_eq!(of(&desk.state, &keys[2]).unwrap(), None);
    assert_eq!(preview(&desk).lines.len(), 2);
}

#[test]
fn what_does_not_fit_is_staged_for_none() {
    let desk = Desk::new();
    let keys = desk.take_in(0, &some_leads(2));
    let records: Vec<(AppId, u64)> = keys.iter().map(|k| (k.app_id.clone(), 1)).collect();
    let wrong = fields(&[("companySize", "many")]);
    let error = staged::fields(&desk.state, &name(), &records, wrong, "jo", at(56));
    assert_eq!(error.unwrap_err().kind(), Kind::Usage);
    assert_eq!(staged::count(&desk.state).unwrap(), 0);
}

#[test]
fn what_is_staged_is_listed_with_what_is_in_its_way() {
    let (desk, key) = desk_of("Ms");
    put(&desk, &key, over("Ms", "Dr")).unwrap();
    new(&desk, fields(&[("contactName", "Zoe")]));
    let all = |page| staged::list(&desk.state, None, page).unwrap();
    let stale = || all(PAGE).rows.iter().filter(|r| r.stale.is_some()).count();
    assert_eq!((all(PAGE).total, stale()), (2, 0));
    let one = all(crate::engine::command::Page {
        offset: 1,
        limit: 1,
    });
    assert_eq!((one.rows.len(), one.total), (1, 2));
    write_at_once(&desk.state, &key, 1, title("Prof"), "ana", at(55)).unwrap();
    assert_eq!(stale(), 1);
    let other = crate::domain::id::PairName::new("nobody");
    let none = staged::list(&desk.state, Some(&other), PAGE).unwrap();
    assert_eq!(none.total, 0);
}

#[test]
fn a_file_has_whole_values_where_a_screen_has_the_beginning() {
    let long = "x".repeat(1_000);
    let (desk, _) = desk_of(&long);
    let shape = crate::domain::listing::Shape {
        sort: None,
        columns: vec![TITLE.into()],
    };
    let wanted = crate::engine::wanted::Wanted::default();
    let read = |values| {
        let shape = (&shape, values);
        let page = records(&desk.state, &name(), "", shape, PAGE, at(9), &wanted).unwrap();
        page.part.rows[0].values[0].clone().unwrap()
    };
    assert_eq!(read(Values::Shown).len(), 200);
    assert_eq!(read(Values::Whole), long);
}
