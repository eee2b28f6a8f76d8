//! `syncdeck schedule`: when pairs run by themselves.

use std::io::Write;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::out::{Out, shown};
use super::session::{Session, ask};
use super::{Outcome, say};
use crate::domain::id::PairName;
use crate::domain::schedule::{FORMS, Schedule};
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::view::{GivenBy, ScheduleList, ScheduleRow};
use crate::error::{Error, Kind, Result};

/// What to do with schedules.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// List the pairs, when they run, the next time, and what was missed
    #[command(after_help = "\
Examples:
  syncdeck schedule list
  syncdeck schedule list --json | jq '.schedules[].next[0]'

Exit codes: 0 fine, 1 scheduled runs were missed, 2 it could not be done.")]
    List(ListArgs),
    /// Set when a pair runs
    #[command(after_help = "\
Examples:
  syncdeck schedule set leads every 15 minutes
  syncdeck schedule set leads hourly at :05
  syncdeck schedule set leads daily at 06:30 Europe/Berlin
  syncdeck schedule set leads 'cron 0 6 * * mon-fri Europe/Berlin'
  syncdeck schedule set leads manual

Without a zone times are UTC. When clocks go forward, a time that does not exist starts once, right
after the gap; when they go back, a time that comes twice starts at the first. Cron hours with `*`
or a step follow elapsed time instead. Quote a pattern, so that the shell leaves `*` alone.

Exit codes: 0 set, 2 not a schedule, or given by the settings.")]
    Set(SetArgs),
    /// Take back a schedule that is staged on the screen and not set
    #[command(after_help = "\
Example:
  syncdeck schedule unstage leads

`schedule list` names what is staged; `conflicts write` sets it.

Exit codes: 0 taken back, 1 nothing was staged, 2 it could not be done.")]
    Unstage(UnstageArgs),
    /// Start nothing by schedule until `resume`, also after a restart; a running sync pauses
    #[command(after_help = "\
Example:
  syncdeck schedule pause

Scheduled times that pass meanwhile are counted as missed, and not made up for.

Exit codes: 0 paused, 2 it could not be done.")]
    Pause,
    /// Go on after `pause`
    #[command(after_help = "\
Example:
  syncdeck schedule resume

Exit codes: 0 it goes on, 2 it could not be done.")]
    Resume,
    /// Show the next times of a pair, or of a text that is tried out
    #[command(after_help = "\
Examples:
  syncdeck schedule next leads
  syncdeck schedule next --try 'cron 30 2 * * * Europe/Berlin' --count 10

Exit codes: 0 fine, 2 not a schedule, or no such pair.")]
    Next(NextArgs),
}

/// `schedule` with or without what to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ScheduleArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<ScheduleCommand>,
    /// Without it, the list.
    #[command(flatten)]
    pub list: ListArgs,
}

impl From<ScheduleArgs> for ScheduleCommand {
    fn from(args: ScheduleArgs) -> Self {
        args.command.unwrap_or(Self::List(args.list))
    }
}

/// Arguments of `schedule list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `schedule set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The pair
    pub pair: String,
    /// When it runs
    #[arg(required = true, value_name = "TEXT")]
    pub text: Vec<String>,
}

/// Arguments of `schedule next`.
#[derive(Debug, Args)]
pub struct NextArgs {
    /// The pair
    #[arg(required_unless_present = "text")]
    pub pair: Option<String>,
    /// A schedule that is only tried out
    #[arg(long = "try", value_name = "TEXT", conflicts_with = "pair")]
    pub text: Option<String>,
    /// How many times
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub count: u16,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `schedule unstage`.
#[derive(Debug, Args)]
pub struct UnstageArgs {
    /// Pair
    pub pair: String,
}

/// Does it.
///
/// # Errors
/// What is no schedule; what the engine refuses.
pub async fn run<W: Write>(
    session: &mut Session,
    command: ScheduleCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        ScheduleCommand::List(args) => list(session, args, out).await,
        ScheduleCommand::Set(args) => set(session, args, out).await,
        ScheduleCommand::Unstage(args) => unstage(session, args, out).await,
        ScheduleCommand::Pause => {
            ask!(session, Command::Pause, Reply::Done => ());
            out.line("paused: nothing starts by schedule until `syncdeck schedule resume`")?;
            Ok(Outcome::Fine)
        }
        ScheduleCommand::Resume => {
            ask!(session, Command::Resume, Reply::Done => ());
            out.line("pairs start by their schedules again")?;
            Ok(Outcome::Fine)
        }
        ScheduleCommand::Next(args) => next(session, args, out).await,
    }
}

fn read(text: &str) -> Result<Schedule> {
    text.parse().map_err(|error| {
        Error::new(Kind::Usage, format!("`{text}`: {error}")).hint(format!("expected {FORMS}"))
    })
}

async fn schedules(session: &mut Session, times: usize) -> Result<ScheduleList> {
    Ok(ask!(session, Command::Schedules { times }, Reply::Schedules(list) => list))
}

async fn list<W: Write>(
    session: &mut Session,
    args: ListArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let list = schedules(session, 3).await?;
    let troubled = |row: &ScheduleRow| row.missed.is_some() || row.stuck.is_some();
    let missed = list.rows.iter().any(troubled);
    let outcome = if missed {
        Outcome::NeedsPerson
    } else {
        Outcome::Fine
    };
    if args.json {
        let rows: Vec<Json> = list.rows.iter().map(row_json).collect();
        out.json(&json!({ "paused": list.paused, "schedules": rows }))?;
        return Ok(outcome);
    }
    if list.paused {
        out.line("paused: nothing starts by schedule until `syncdeck schedule resume`")?;
    }
    let rows: Vec<_> = list
        .rows
        .iter()
        .map(|row| {
            vec![
                row.pair.to_string(),
                row.schedule.words(),
                match row.given_by {
                    GivenBy::Settings => "settings".to_owned(),
                    GivenBy::Person => "-".to_owned(),
                },
                say::time_or_dash(row.next.first().copied()),
                match &row.missed {
                    Some((fires, since, why)) => {
                        format!("{fires} since {} ({why})", say::time(*since))
                    }
                    None => "-".to_owned(),
                },
            ]
        })
        .collect();
    if rows.is_empty() {
        out.line("no pairs")?;
    } else {
        out.table(&["PAIR", "RUNS", "GIVEN BY", "NEXT (UTC)", "MISSED"], &rows)?;
    }
    for row in &list.rows {
        if let Some(staged) = &row.staged {
            let when = staged.schedule.words();
            out.line(&format!(
                "{}: staged: {when}; `syncdeck conflicts write` sets it",
                row.pair
            ))?;
        }
        if let Some(why) = &row.stuck {
            out.line(&format!("{}: {}", row.pair, shown(why)))?;
        }
    }
    Ok(outcome)
}

fn row_json(row: &ScheduleRow) -> Json {
    json!({
        "pair": row.pair,
        "title": row.title,
        "schedule": row.schedule.to_string(),
        "given_by": match row.given_by {
            GivenBy::Settings => "settings",
            GivenBy::Person => "person",
        },
        "next": row.next,
        "staged": row.staged.as_ref().map(|staged| staged.schedule.to_string()),
        "stuck": row.stuck,
        "missed": row.missed.as_ref().map(|(fires, since, why)| {
            json!({ "fires": fires, "since": since, "why": why })
        }),
    })
}

async fn set<W: Write>(session: &mut Session, args: SetArgs, out: &mut Out<W>) -> Result<Outcome> {
    let schedule = read(&args.text.join(" "))?;
    let pair = PairName::new(args.pair);
    let command = Command::SetSchedule {
        pair: pair.clone(),
        schedule: schedule.clone(),
    };
    ask!(session, command, Reply::Done => ());
    out.line(&format!("{pair} runs {}", schedule.words()))?;
    let list = schedules(session, 3).await?;
    let row = list.rows.iter().find(|row| row.pair == pair);
    for at in row.map(|row| row.next.as_slice()).unwrap_or_default() {
        out.line(&format!("  {} UTC", say::time(*at)))?;
    }
    Ok(Outcome::Fine)
}

async fn unstage<W: Write>(
    session: &mut Session,
    args: UnstageArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let pair = PairName::new(args.pair);
    let command = Command::StageSchedule {
        pair: pair.clone(),
        schedule: None,
    };
    let done = *ask!(session, command, Reply::ScheduleStaged(done) => done);
    if done.before.is_none() {
        out.line(&format!("{pair}: nothing is staged of when it runs"))?;
        return Ok(Outcome::NeedsPerson);
    }
    out.line(&format!("{pair}: taken back; it runs as before"))?;
    Ok(Outcome::Fine)
}

async fn next<W: Write>(
    session: &mut Session,
    args: NextArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let count = usize::from(args.count);
    let (schedule, times) = match (args.text, args.pair) {
        (Some(text), _) => {
            let (schedule, now) = (read(&text)?, Timestamp::now());
            let times = schedule.upcoming(now, now, count);
            (schedule, times)
        }
        (None, pair) => {
            let name = PairName::new(pair.unwrap_or_default());
            let list = schedules(session, count).await?;
            let row = list.rows.into_iter().find(|row| row.pair == name);
            let Some(row) = row else {
                // The engine knows which one may be meant.
                session.pair(&name).await?;
                return Err(Session::wrong_answer());
            };
            (row.schedule, row.next)
        }
    };
    if args.json {
        out.json(&json!({ "schedule": schedule.to_string(), "next": times }))?;
        return Ok(Outcome::Fine);
    }
    out.line(&schedule.words())?;
    for at in times {
        out.line(&format!("  {} UTC", say::time(at)))?;
    }
    Ok(Outcome::Fine)
}
