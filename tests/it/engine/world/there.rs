//! What colleagues do in the org, and what it has.

use super::*;

impl World {
    /// Ids of a query.
    pub fn ids(&self, soql: &str) -> Vec<String> {
        let answer = self.org().query(soql).unwrap();
        let records = answer["records"].as_array().unwrap();
        let id = |r: &Json| r["Id"].as_str().unwrap().to_owned();
        records.iter().map(id).collect()
    }

    /// Id of the `n`th account.
    pub fn account(&self, n: usize) -> String {
        self.ids("SELECT Id FROM Account ORDER BY Id").remove(n)
    }

    /// A colleague changes a record.
    pub fn change(&self, id: &str, fields: Json) {
        let fields: Map<String, Json> = fields.as_object().unwrap().clone();
        self.org().update(By::Colleague, id, &fields).unwrap();
    }

    /// A colleague makes a record.
    pub fn make(&self, object: &str, fields: Json) -> String {
        let fields: Map<String, Json> = fields.as_object().unwrap().clone();
        self.org().create(By::Colleague, object, &fields).unwrap()
    }

    /// A value of a CRM record as text.
    pub fn there(&self, id: &str, field: &str) -> String {
        let record = self.org().get(id).unwrap();
        match &record[field] {
            Json::String(text) => text.clone(),
            Json::Null => String::new(),
            other => other.to_string(),
        }
    }

    /// The CRM record of an App record.
    pub fn crm_id(&self, key: &RecordKey) -> Option<String> {
        let link = self.state().link(&key.pair, &key.app_id).unwrap()?;
        Some(link.crm_id?.to_string())
    }

    /// Ids of this pair that our user created since the last `forget`.
    pub fn created(&self) -> usize {
        let written = self.org().written();
        written.values().map(|w| w.created as usize).sum()
    }
}
