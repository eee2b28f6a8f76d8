//! The records of the App, and what people decide about them.

use syncdeck::domain::record::Presence;

use super::*;

impl World {
    /// The App's record of a CRM record.
    pub fn key(&self, pair: &str, crm: &str) -> RecordKey {
        let pair = PairName::new(pair);
        let id: CrmId = crm.parse().unwrap();
        let app_id = self.state().by_crm(&pair, &id).unwrap();
        RecordKey {
            app_id: app_id.unwrap_or_else(|| panic!("{crm} is not in {pair}")),
            pair,
        }
    }

    /// The App record of a key.
    pub fn app(&self, key: &RecordKey) -> AppRecord {
        let table = self.state().pair(&key.pair).unwrap().unwrap().table;
        let found = self.state().app_record(&table, &key.app_id).unwrap();
        found.unwrap_or_else(|| panic!("no App record {}", key.app_id))
    }

    /// A value of an App record as text.
    pub fn value(&self, key: &RecordKey, field: &str) -> String {
        let app = self.app(key);
        app.fields
            .get(field)
            .map(Value::to_string)
            .unwrap_or_default()
    }

    /// Changes an App record as a person does.
    pub async fn edit(&mut self, key: &RecordKey, field: &str, text: &str) {
        self.try_edit(key, field, text).await.unwrap();
    }

    /// The same, when the record may be gone.
    pub async fn try_edit(&mut self, key: &RecordKey, field: &str, text: &str) -> Result<Reply> {
        let rev = self.app(key).rev;
        let fields: Fields = [(field.into(), Value::text(text))].into();
        let key = key.clone();
        self.ask(Command::EditRecord { key, rev, fields }).await
    }

    /// Makes an App record.
    pub async fn create(&mut self, pair: &str, fields: &[(&str, &str)]) -> RecordKey {
        let pair = PairName::new(pair);
        let fields = fields
            .iter()
            .map(|(name, text)| ((*name).into(), Value::text(*text)))
            .collect();
        let command = Command::CreateRecord {
            pair: pair.clone(),
            fields,
        };
        match self.ask(command).await.unwrap() {
            Reply::Created(made) => RecordKey {
                pair,
                app_id: made.app_id,
            },
            other => panic!("{other:?}"),
        }
    }

    /// Deletes an App record.
    pub async fn delete(&mut self, key: &RecordKey) {
        let rev = self.app(key).rev;
        let key = key.clone();
        self.tell(Command::DeleteRecord { key, rev }).await;
    }

    /// Records with open conflicts.
    pub async fn conflicts(&mut self) -> Vec<ConflictRow> {
        let page = Page {
            offset: 0,
            limit: 500,
        };
        match self
            .ask(Command::Conflicts {
                filter: String::new(),
                page,
            })
            .await
            .unwrap()
        {
            Reply::Conflicts(list) => list.rows,
            other => panic!("{other:?}"),
        }
    }

    /// Decides all conflicts of a record, and says what was refused.
    pub async fn decide(&mut self, row: &ConflictRow, choice: Choice) -> Vec<String> {
        let decisions = row
            .conflicts
            .iter()
            .map(|open| Decide {
                conflict: open.id,
                fp: open.fp,
                choice: Some(choice.clone()),
            })
            .collect();
        match self.ask(Command::Decide { decisions }).await.unwrap() {
            Reply::Decided(done) => done.refused.into_iter().map(|(_, why)| why).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Writes what was decided.
    pub async fn write(&mut self) -> Vec<RunDetail> {
        self.try_write().await.unwrap()
    }

    /// The same, when perhaps nothing can be written now.
    pub async fn try_write(&mut self) -> Result<Vec<RunDetail>> {
        self.advance(BETWEEN);
        let scope = WriteScope::All;
        let preview = Command::Preview {
            scope: scope.clone(),
        };
        let Reply::Preview(preview) = self.ask(preview).await? else {
            panic!("no preview");
        };
        let hash = preview.hash;
        let Reply::Started(runs) = self.ask(Command::Write { scope, hash }).await? else {
            panic!("nothing was started");
        };
        let mut ends = Vec::new();
        for run in runs {
            ends.push(self.end(run).await);
        }
        Ok(ends)
    }

    /// App ids of a pair.
    pub fn app_ids(&self, pair: &str) -> Vec<AppId> {
        crate::engine::agree::app_records(self, &PairName::new(pair))
            .into_iter()
            .map(|record| record.id)
            .collect()
    }
    /// App records of a last name that are there.
    pub fn here(&self, pair: &str, last_name: &str) -> Vec<RecordKey> {
        let keys = self.app_ids(pair).into_iter().map(|app_id| RecordKey {
            pair: PairName::new(pair),
            app_id,
        });
        keys.filter(|key| {
            self.app(key).presence == Presence::Live && self.value(key, "last_name") == last_name
        })
        .collect()
    }
}
