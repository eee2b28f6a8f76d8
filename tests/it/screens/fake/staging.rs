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

    /// When a pair runs.
    pub(super) fn schedule_of(&self, pair: &PairName) -> Schedule {
        let every_five = Schedule::Every { minutes: 5 };
        self.schedules.get(pair).cloned().unwrap_or(every_five)
    }

    /// When pairs run, and shall run.
    pub(super) fn schedule_list(&self) -> ScheduleList {
        let next = ["14:35:00", "14:40:00", "14:45:00"].map(data::at).to_vec();
        let pairs = [
            ("people", "Contact <-> people"),
            ("companies", "Account <-> companies"),
            ("tickets", "Case --> tickets"),
        ];
        let rows = pairs.map(|(name, title)| {
            let pair = PairName::new(name);
            let staged = self.new_schedules.get(&pair).cloned();
            ScheduleRow {
                title: title.into(),
                schedule: self.schedule_of(&pair),
                given_by: GivenBy::Person,
                staged: staged.map(|schedule| StagedTimes {
                    schedule,
                    next: vec![data::at("15:07:00")],
                }),
                next: next.clone(),
                missed: None,
                stuck: None,
                pair,
            }
        });
        ScheduleList {
            paused: false,
            rows: rows.to_vec(),
        }
    }

    /// What of it is staged.
    pub(super) fn schedule_lines(&self, apps: &[String]) -> Vec<ScheduleLine> {
        let all = self.new_schedules.iter().filter(|_| apps.is_empty());
        all.map(|(pair, after)| ScheduleLine {
            pair: pair.clone(),
            now: self.schedule_of(pair),
            after: after.clone(),
        })
        .collect()
    }

    /// Stages when a pair runs, or takes it back.
    pub(super) fn stage_schedule(&mut self, pair: PairName, wanted: Option<Schedule>) -> Reply {
        let after = wanted.filter(|wanted| *wanted != self.schedule_of(&pair));
        let before = match after.clone() {
            Some(schedule) => self.new_schedules.insert(pair.clone(), schedule),
            None => self.new_schedules.remove(&pair),
        };
        Reply::ScheduleStaged(Box::new(ScheduleStaged {
            pair,
            before,
            after,
        }))
    }
}
