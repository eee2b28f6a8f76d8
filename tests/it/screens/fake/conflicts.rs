//! The list of records in conflict, and one of them.

use super::*;

impl Fake {
    fn rules(&self, app: &str) -> Vec<RowRules> {
        let mut rules = data::row_rules(app);
        if self.unheard {
            rules.iter_mut().for_each(|rules| rules.by_time = None);
        }
        rules
    }

    pub(super) fn rows(&self) -> Vec<ConflictRow> {
        data::conflict_names()
            .into_iter()
            .filter(|(app, _)| !self.written.iter().any(|w| w == app))
            .map(|(app, name)| {
                let fields = self.fields(app);
                let mine: Vec<_> = fields.iter().filter(|f| f.conflict.is_some()).collect();
                let decided = mine
                    .iter()
                    .filter(|f| f.standing != FieldStanding::Open)
                    .count();
                let word = match decided {
                    0 => Word::Conf,
                    n if n == mine.len() => Word::Ready,
                    _ => Word::Part,
                };
                ConflictRow {
                    key: data::key("people", app),
                    word,
                    name: name.into(),
                    object: "Contact".into(),
                    open: mine.len() as u32,
                    decided: decided as u32,
                    waits_for: match word {
                        Word::Ready => "w to write".into(),
                        _ => "you".into(),
                    },
                    since: data::at("11:20:00"),
                    conflicts: mine
                        .iter()
                        .filter_map(|f| Some(self.in_list(f.conflict?, f.fp)))
                        .collect(),
                }
            })
            .chain((0..self.crowd).map(|n| self.one_of_many(n)))
            .collect()
    }

    fn in_list(&self, id: ConflictId, fp: Fingerprint) -> OpenConflict {
        let choice = self.choices.get(&id).cloned();
        OpenConflict { id, fp, choice }
    }

    fn one_of_many(&self, n: u64) -> ConflictRow {
        let conflicts = vec![self.in_list(ConflictId(1_000 + n), Fingerprint(n))];
        let decided = conflicts.iter().filter(|c| c.choice.is_some()).count();
        ConflictRow {
            key: data::key("people", &format!("many-{n:04}")),
            word: [Word::Conf, Word::Ready][decided],
            name: format!("Many {n:04}"),
            object: "Contact".into(),
            open: 1,
            decided: decided as u32,
            waits_for: "you".into(),
            since: data::at("11:20:00"),
            conflicts,
        }
    }

    pub(super) fn detail(&self, app: &str) -> Option<Box<ConflictDetail>> {
        let row = self
            .rows()
            .into_iter()
            .find(|r| r.key.app_id.as_str() == app)?;
        Some(Box::new(ConflictDetail {
            key: row.key,
            name: row.name,
            object: row.object,
            table: "people".into(),
            crm_id: Some(data::crm_id_of(app)),
            url: Some(data::url_of(app)),
            word: row.word,
            record: self.whole_record.clone(),
            fields: match self.whole_record {
                Some(_) => Vec::new(),
                None => self.fields(app),
            },
            rules: self.rules(app),
            same: vec![
                ("external_id".into(), data::cell("8812")),
                ("city".into(), data::cell("London")),
            ],
            writes: self.preview(&[app.to_owned()]),
            history: vec![LogLine {
                at: data::at("14:30:21"),
                word: Word::Conf,
                run: Some(RunId(8841)),
                text: "run 8841 found fields that both sides changed".into(),
            }],
        }))
    }
}
