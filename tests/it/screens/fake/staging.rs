//! Staging of many edits at once by the scripted engine.

use super::*;

impl Fake {
    /// The same values for each, but for those that somebody changes meanwhile.
    pub(super) fn stage_fields(
        &mut self,
        pair: &PairName,
        records: &[(AppId, u64)],
        fields: &Fields,
    ) -> Reply {
        let mut edits = Vec::new();
        let mut refused = Vec::new();
        for (app_id, _) in records {
            let id = app_id.as_str();
            if self.moving.iter().any(|m| m == id) {
                let why = "the record changed meanwhile: jo changed it".into();
                let app_id = app_id.clone();
                refused.push(Refused { app_id, why });
                continue;
            }
            let has = self.people.iter().find(|(known, _)| known == id);
            let has = has.map_or(Fields::new(), |(_, has)| has.clone());
            let seen = |name: &FieldName| has.get(name).cloned().unwrap_or_default();
            let saw = fields.keys().map(|name| (name.clone(), seen(name)));
            let fresh = Edit {
                base: Base::Values(Fields::new()),
                fields: Fields::new(),
            };
            let mut edit = self.edits.get(id).cloned().unwrap_or(fresh);
            if let Base::Values(known) = &mut edit.base {
                known.extend(saw);
            }
            edit.fields.extend(fields.clone());
            edits.push((app_id.clone(), Some(edit)));
        }
        match self.stage_edits(pair, edits) {
            Reply::EditsStaged(mut staged) => {
                staged.refused = refused;
                Reply::EditsStaged(staged)
            }
            other => other,
        }
    }

    /// An edit of each.
    pub(super) fn stage_edits(
        &mut self,
        pair: &PairName,
        edits: Vec<(AppId, Option<Edit>)>,
    ) -> Reply {
        let mut staged = EditsStaged::default();
        for (app_id, after) in edits {
            let id = app_id.as_str().to_owned();
            let before = match after.clone() {
                Some(edit) => self.edits.insert(id, edit),
                None => self.edits.remove(&id),
            };
            let key = data::key(pair.as_str(), app_id.as_str());
            staged.done.push(EditStaged { key, before, after });
        }
        Reply::EditsStaged(Box::new(staged))
    }
}
