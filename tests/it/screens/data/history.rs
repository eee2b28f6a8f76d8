//! Runs and their log.

use super::*;

pub fn log() -> Vec<LogLine> {
    let line = |time: &str, word, run, text: &str| LogLine {
        at: at(time),
        word,
        run: Some(RunId(run)),
        text: text.into(),
    };
    vec![
        line("14:31:59", Word::Run, 8842, "read 1,240 Accounts"),
        line(
            "14:30:21",
            Word::Conf,
            8841,
            "Ada Lovelace-Byron: 2 fields changed on both sides",
        ),
        line(
            "14:15:02",
            Word::Fail,
            8840,
            "Salesforce 400 INVALID_FIELD, request 7f3c-19",
        ),
    ]
}

fn run(id: u64, pair: &str, time: &str, state: RunState, counts: Counts) -> Run {
    Run {
        id: RunId(id),
        pair: PairName::new(pair),
        cause: Cause::Schedule,
        state,
        started_at: at(time),
        ended_at: (state != RunState::Running)
            .then(|| at(time) + jiff::SignedDuration::from_secs(19)),
        mapping_version: 14,
        counts,
        calls: 2,
        failure: None,
    }
}

pub fn runs() -> Vec<RunRow> {
    use RunState::{Running, Succeeded, SucceededWithErrors};
    let rows = [
        (
            8842,
            "companies",
            "Account <-> companies",
            "14:31:27",
            Running,
            counts(1_240, 41, 0, 0),
        ),
        (
            8841,
            "people",
            "Contact <-> people",
            "14:30:04",
            Succeeded,
            counts(88, 12, 0, 3),
        ),
        (
            8840,
            "tickets",
            "Case --> tickets",
            "14:15:00",
            SucceededWithErrors,
            counts(0, 0, 37, 0),
        ),
        (
            8829,
            "people",
            "Contact <-> people",
            "12:15:02",
            Succeeded,
            counts(402, 61, 0, 0),
        ),
    ];
    rows.into_iter()
        .map(|(id, pair, title, time, state, counts)| RunRow {
            run: run(id, pair, time, state, counts),
            title: title.into(),
            taken_back: None,
        })
        .collect()
}

pub fn run_detail(id: RunId) -> RunDetail {
    let row = runs().into_iter().find(|r| r.run.id == id).unwrap();
    let failed = row.run.counts.failed > 0;
    let failure = Failure {
        code: "INVALID_FIELD".into(),
        what: "Salesforce has no field Priority__x on Case".into(),
        why: "renamed or deleted in Salesforce after 13:30 (last good run 8832)".into(),
        fix: "Enter opens the mapping row.".into(),
        fields: vec!["Priority__x".into()],
        request: "7f3c-19".into(),
    };
    let result = |n: u32, name: &str| RecordResult {
        run: id,
        app_id: AppId::new(format!("ticket-{n}")),
        crm_id: Some(crm(&format!("5005g00000AAAA{n}"))),
        name: name.into(),
        kind: match n {
            _ if failed => ResultKind::Quarantined,
            4 if row.run.pair.as_str() == "people" => ResultKind::Deferred,
            _ => ResultKind::Applied,
        },
        did: "phone, title -> Salesforce".into(),
        failure: failed.then(|| failure.clone()),
        tries: 1,
    };
    let names = [
        "Printer on 4th floor",
        "VPN drops at noon",
        "No sound in room 7",
        "Badge not read",
    ];
    let rows: Vec<RecordResult> = (1..).zip(names).map(|(n, name)| result(n, name)).collect();
    let held = rows.iter().filter(|r| r.failure.is_some());
    RunDetail {
        held: held.map(|r| r.app_id.clone()).collect(),
        title: row.title,
        taken_back: row.taken_back,
        holds: Vec::new(),
        groups: if failed {
            vec![ErrorGroup {
                code: failure.code.clone(),
                records: 37,
                what: failure.what.clone(),
                why: failure.why.clone(),
                fix: failure.fix.clone(),
                request: failure.request.clone(),
                target: Some(Target::Mapping(PairName::new("tickets"), Some(RowId(3)))),
                retry: true,
            }]
        } else {
            Vec::new()
        },
        records: crate::screens::fake::part(rows),
        steps: log(),
        run: row.run,
    }
}
