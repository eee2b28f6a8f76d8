//! Runs, as the scripted engine tells of them.

use super::*;

impl Fake {
    pub(super) fn runs(&self, filter: &str) -> Reply {
        let mut rows = data::runs();
        for row in rows
            .iter_mut()
            .filter(|row| self.undone.contains(&row.run.id))
        {
            row.taken_back = Some(RunId(9_900));
        }
        for n in 0..self.new_runs {
            let mut new = rows[0].clone();
            new.run.id = RunId(9_000 + n);
            rows.insert(0, new);
        }
        let filter = run_rows().read(filter).unwrap();
        rows.retain(|row| {
            filter.matches(&Subject {
                field: &|name| row.run.field(name, &row.title),
                state: row.run.word(),
                columns: &[&row.title],
                changed: Some(row.run.started_at),
                marked: false,
                now: data::now(),
            })
        });
        Reply::Runs(part(rows))
    }

    pub(super) fn run(&self, id: RunId) -> Reply {
        // One that came since did the same as the newest before.
        let known = data::runs().iter().any(|r| r.run.id == id);
        let id = if known { id } else { data::runs()[0].run.id };
        let mut detail = data::run_detail(id);
        detail.taken_back = self.undone.contains(&id).then_some(RunId(9_900));
        if let (Some((app, field)), Some(row)) = (&self.failing, detail.records.rows.first_mut()) {
            detail.run.pair = PairName::new("people");
            row.app_id = AppId::new(app.as_str());
            row.failure = Some(Failure {
                code: "STRING_TOO_LONG".into(),
                what: "the value is too long".into(),
                why: String::new(),
                fix: "shorten it".into(),
                fields: vec![field.clone()],
                request: String::new(),
            });
        }
        if let Some(failure) = &self.whole {
            detail.run.failure = Some(failure.clone());
            detail.run.state = RunState::Failed;
            // With something that helps, records failed as well.
            if self.fix.is_none() {
                detail.groups.clear();
                detail.records = part(Vec::new());
            }
        }
        if self.imported > 0 {
            detail.run.counts.created = self.imported;
            detail.groups.clear();
            detail.records = part(Vec::new());
        }
        detail.holds.extend(self.held.clone());
        if let (Some(fix), Some(group)) = (&self.fix, detail.groups.first_mut()) {
            group.fix.clone_from(fix);
        }
        Reply::Run(Box::new(detail))
    }
}
