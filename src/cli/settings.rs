//! `syncdeck settings`: what stands on the settings of the console, page by page.
//!
//! Shows only; the file is changed by a person. Invariant: the words are those of the screen.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value as Json, json};

use super::Outcome;
use super::out::{Out, many_lines, shown};
use super::say;
use super::session::{Session, ask};
use crate::domain::budget::Space;
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::view::{LimitsView, PairSettings, SettingsView};
use crate::error::Result;
use crate::tui::update::filter_text;
use crate::tui::view::{AT_THE_LINES, limits_text};

/// Arguments of `settings`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck settings
  syncdeck settings limits --check
  syncdeck settings connections --json

Schedules are `syncdeck schedule`, keys `syncdeck keys`; `syncdeck config check` looks at the file.

Exit codes: 0 fine, 2 it could not be said.")]
pub struct SettingsArgs {
    /// Only this page
    pub page: Option<Page>,
    /// Ask Salesforce first how many calls and how much storage is left
    #[arg(long)]
    pub check: bool,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Pages of the settings that have no command of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Page {
    /// Sign-in: host, way, client id, callback, scopes
    Connections,
    /// Which records take part in each pair
    Filters,
    /// API calls and storage: what is left, and what happens at the lines
    Limits,
    /// Who decides conflicts
    Rules,
    /// How the data is locked, and what if the key is lost
    Vault,
    /// Version, folders and files
    About,
}

/// Shows them.
///
/// # Errors
/// When the engine ended or the output cannot be written.
pub async fn run<W: Write>(
    session: &mut Session,
    args: SettingsArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    if args.check {
        ask!(session, Command::CheckConnection, Reply::Done => ());
    }
    let view = ask!(session, Command::Settings, Reply::Settings(view) => view);
    let pages = match args.page {
        Some(page) => vec![page],
        None => Page::value_variants().to_vec(),
    };
    if args.json {
        let pages = pages
            .into_iter()
            .map(|page| (page.name(), page.json(&view)));
        let all: Map<String, Json> = pages.map(|(name, page)| (name.to_owned(), page)).collect();
        out.json(&all)?;
        return Ok(Outcome::Fine);
    }
    for (at, page) in pages.into_iter().enumerate() {
        if at > 0 {
            out.line("")?;
        }
        out.line(page.name())?;
        page.text(&view, out)?;
    }
    Ok(Outcome::Fine)
}

impl Page {
    fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Filters => "filters",
            Self::Limits => "limits",
            Self::Rules => "rules",
            Self::Vault => "vault",
            Self::About => "about",
        }
    }

    fn text<W: Write>(self, view: &SettingsView, out: &mut Out<W>) -> Result<()> {
        match self {
            Self::Connections => facts(
                &[
                    ("Login host", &view.login_url),
                    ("Way", &view.sign_in),
                    ("Client id", &view.client_id),
                    ("Callback", &view.redirect_uri),
                    ("Scopes", &view.scopes.join(", ")),
                ],
                out,
            ),
            Self::Filters => {
                let row = |pair: &PairSettings| {
                    vec![
                        pair.name.to_string(),
                        filter_text(&pair.filter).to_owned(),
                        pair.on_leave.words().to_owned(),
                        pair.bad_fields.words().to_owned(),
                    ]
                };
                let rows: Vec<_> = view.pairs.iter().map(row).collect();
                out.table(&["PAIR", "FILTER", "WHO LEAVES", "REFUSED FIELDS"], &rows)
            }
            Self::Rules => {
                let rows = view.rules().map(|(pair, rule)| {
                    vec![
                        pair.name.to_string(),
                        rule.text.clone(),
                        rule.rule.name().to_owned(),
                        say::number(rule.open),
                    ]
                });
                let rows: Vec<_> = rows.collect();
                out.table(&["PAIR", "ROW", "WHO DECIDES", "CONFLICTS"], &rows)
            }
            Self::Limits => limits(&view.limits, out),
            Self::Vault => {
                facts(&[("Locked by", &view.vault)], out)?;
                out.line("  If it is lost")?;
                out.line(&many_lines(&view.recovery))
            }
            Self::About => facts(
                &[
                    ("Version", env!("CARGO_PKG_VERSION")),
                    ("Data", &view.data_dir),
                    ("Config file", &view.config_file),
                    ("", view.config_state()),
                    ("Mappings", &view.mapping_versions()),
                    ("Logs", &view.log_dir),
                    (
                        "Store",
                        &format!("{} kB on disk", say::number(view.store_bytes / 1024)),
                    ),
                ],
                out,
            ),
        }
    }

    fn json(self, view: &SettingsView) -> Json {
        match self {
            Self::Connections => json!({
                "login_host": view.login_url, "way": view.sign_in, "client_id": view.client_id,
                "callback": view.redirect_uri, "scopes": view.scopes,
            }),
            Self::Filters => view
                .pairs
                .iter()
                .map(|pair| {
                    json!({
                        "pair": pair.name, "filter": pair.filter, "on_leave": pair.on_leave,
                        "drop_bad_fields": pair.bad_fields,
                    })
                })
                .collect(),
            Self::Rules => view
                .rules()
                .map(|(pair, rule)| {
                    json!({
                        "pair": pair.name, "row": rule.row, "fields": rule.text,
                        "rule": rule.rule.name(), "open_conflicts": rule.open,
                    })
                })
                .collect(),
            Self::Limits => view.limits.iter().map(limits_json).collect(),
            Self::Vault => json!({ "locked_by": view.vault, "recovery": view.recovery }),
            Self::About => json!({
                "version": env!("CARGO_PKG_VERSION"), "data": view.data_dir,
                "config_file": view.config_file, "config_state": view.config_state(),
                "mappings": view.mapping_versions(), "logs": view.log_dir,
                "store_bytes": view.store_bytes,
            }),
        }
    }
}

/// Labels and texts below each other.
fn facts<W: Write>(rows: &[(&str, &str)], out: &mut Out<W>) -> Result<()> {
    for (label, text) in rows {
        out.line(&format!("  {label:<13}  {}", shown(text)))?;
    }
    Ok(())
}

fn limits<W: Write>(all: &[LimitsView], out: &mut Out<W>) -> Result<()> {
    if all.is_empty() {
        return out.line("  Nothing here counts calls.");
    }
    for view in all {
        let as_of = match &view.limits.lines {
            Some(lines) => format!(", as of {}", say::time(lines.figure.at)),
            None => String::new(),
        };
        let system = shown(&view.system);
        out.line(&format!("  {system}, rolling 24 hours{as_of}"))?;
        let rows = limits_text(view);
        let rows: Vec<(&str, &str)> = rows.iter().map(|(l, text)| (*l, text.as_str())).collect();
        facts(&rows, out)?;
    }
    out.line("")?;
    out.line(AT_THE_LINES)
}

fn limits_json(view: &LimitsView) -> Json {
    let (under_way, most) = view.at_once;
    let space = |space: Option<Space>| {
        space.map(|s| json!({ "used_mb": s.used, "max_mb": s.max, "percent": s.percent() }))
    };
    let shares = &view.limits.shares;
    json!({
        "system": view.system, "calls_of_ours": view.limits.ours,
        "max_share_percent": shares.max_share,
        "stop_at_org_used_percent": shares.stop_at_org_used,
        "per_run_share_percent": shares.per_run_share,
        "lines": view.limits.lines.map(|lines| json!({
            "used": lines.figure.used, "allowed": lines.figure.max, "as_of": lines.figure.at,
            "left_to_syncs": lines.room.left, "ours_at_most": lines.share, "stop_line": lines.stop,
            "one_run": lines.run, "for_people": lines.reserve,
            "forecast": {
                "needs": lines.again.needs, "left": lines.again.left,
                "fits": lines.again.fits(), "until": lines.again.until,
            },
        })),
        "resumes": view.resumes, "under_way": under_way, "at_once": most,
        "storage": view.storage.as_ref().map(|storage| json!({
            "records": space(storage.data), "files": space(storage.files), "as_of": storage.at,
        })),
    })
}
