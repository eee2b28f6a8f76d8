//! Whatever the screen can ask of the engine, a command can ask in plain text (terminal-ux 1, rule
//! 12, and 11). The list is compared with the engine's own, so that a new request without a command
//! is noticed.

use clap::Parser as _;
use syncdeck::cli::Cli;

/// A request of the engine and the command line that makes it.
const LINES: &[(&str, &str)] = &[
    ("Runs", "runs list --filter state:fail"),
    ("Run", "runs show 7"),
    ("Conflicts", "conflicts list"),
    ("Conflict", "conflicts show leads/1"),
    ("Decide", "conflicts take leads/1 app"),
    ("Overrule", "conflicts take leads/1 crm --field phone"),
    ("Preview", "conflicts write --preview"),
    ("Write", "conflicts write --yes"),
    ("Sync", "sync leads"),
    ("SyncRecords", "records sync leads/1"),
    ("Sweep", "sync --full"),
    ("TestFilter", "filter test leads --filter status:new"),
    ("DryRun", "sync --dry-run"),
    ("Plans", "plan list"),
    ("Plan", "plan show 7"),
    ("ApplyPlan", "plan apply 7"),
    ("Allow", "sync leads --allow deletes=3"),
    ("Pause", "schedule pause"),
    ("Resume", "schedule resume"),
    ("Cancel", "runs cancel"),
    ("Retry", "runs retry 7"),
    ("PreviewUndo", "runs undo 7 --dry-run"),
    ("Undo", "runs undo 7 --yes"),
    ("HeldFields", "held list"),
    ("EndHold", "held let-go --run 7"),
    ("Mapping", "mapping export leads"),
    ("Mapping", "mapping check leads --json"),
    ("MappingVersion", "mapping restore leads 2 --preview"),
    ("PreviewMapping", "mapping import - --preview"),
    ("SaveMapping", "mapping import - --yes"),
    ("Records", "records list leads"),
    ("WholeRecords", "records export leads"),
    ("Views", "records views list leads"),
    ("ViewCounts", "records views list leads"),
    ("SaveView", "records views save leads mine --filter a"),
    ("RemoveView", "records views remove leads mine"),
    ("Search", "search ada"),
    ("SearchTexts", "search --texts ada"),
    ("SearchCrm", "search --crm ada"),
    ("CountCrm", "setup --plain"),
    ("Business", "business"),
    ("Record", "records show leads/1"),
    ("RecordForm", "records set leads/1 a=b"),
    ("EditRecord", "records set leads/1 a=b"),
    ("CreateRecord", "records create leads a=b"),
    ("DeleteRecord", "records delete leads/1"),
    (
        "RecordKeys",
        "records delete-many leads --filter a --expect 3",
    ),
    (
        "PreviewDelete",
        "records delete-many leads --filter a --dry-run",
    ),
    (
        "PinRecords",
        "records set-many leads --filter a status=b --expect 3",
    ),
    (
        "EditRecords",
        "records set-many leads --filter a status=b --expect 3",
    ),
    (
        "DeleteRecords",
        "records delete-many leads --filter a --expect 3",
    ),
    ("RestoreRecords", "records restore leads/1 4"),
    ("Candidates", "records unlinked leads"),
    ("LinkRecord", "records link leads/1 003000000000001AAA"),
    ("UnlinkRecord", "records unlink leads/1"),
    ("SetSchedule", "schedule set leads manual"),
    ("StageEdit", "records set leads/1 status=b"),
    (
        "StageFields",
        "records set-many leads --filter a status=b --expect 3",
    ),
    ("StageSchedule", "schedule unstage leads"),
    ("Edits", "records staged leads"),
    ("StageEdits", "records unstage leads/1"),
    ("Drift", "drift list"),
    ("Repair", "drift repair leads"),
    ("GoOn", "go-on"),
    ("PreviewRelink", "relink"),
    ("Relink", "relink --by-key --links 3"),
    ("Quarantine", "quarantine list"),
    ("Release", "quarantine release --all"),
    ("Audit", "audit list"),
    ("AuditLines", "audit export"),
    ("VerifyAudit", "audit verify"),
    ("Schedules", "schedule list"),
    ("Settings", "settings limits --json"),
    ("BeginSignIn", "connect"),
    ("FinishSignIn", "connect"),
    ("LeaveSignIn", "connect"),
    ("Disconnect", "disconnect"),
    ("CheckConnection", "status --check"),
];

/// What is typed on the screen and not finished is kept for the screen; a command finishes what it
/// begins.
const UNFINISHED: [&str; 2] = ["KeepDraft", "KeepForm"];

/// Names of the requests, from the source that declares them.
fn requests() -> Vec<String> {
    let source = include_str!("../../src/engine/command.rs");
    let (_, body) = source.split_once("pub enum Command {\n").unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let variants = body.lines().filter_map(|line| line.strip_prefix("    "));
    let variants = variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let is_end = |c: char| matches!(c, ' ' | '{' | ',' | '(');
    let name = |line: &str| line.split(is_end).next().unwrap_or_default().to_owned();
    variants.map(name).collect()
}

#[test]
fn every_request_of_the_screen_has_a_plain_command() {
    let requests = requests();
    assert!(requests.len() > 60, "{requests:?}");
    let listed: Vec<&str> = LINES.iter().map(|(name, _)| *name).collect();
    for request in &requests {
        let known = |list: &[&str]| list.contains(&request.as_str());
        assert!(
            known(&listed) || known(&UNFINISHED),
            "no plain command for {request}"
        );
    }
    for name in listed.iter().chain(&UNFINISHED) {
        assert!(requests.iter().any(|r| r == name), "{name} is no request");
    }
}

#[test]
fn the_plain_commands_are_there() {
    let mut wrong = Vec::new();
    for (request, line) in LINES {
        let words = ["syncdeck"].into_iter().chain(line.split(' '));
        if let Err(error) = Cli::try_parse_from(words) {
            wrong.push(format!("{request}: {line}\n{error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
