//! `syncdeck relink`: from the org that the profile belongs to over to another one.
//!
//! Signs in to none. Invariant: nothing is done unless the number of links that end is given.

use std::io::Write;

use clap::Args;
use serde_json::{Value as Json, json};

use super::Outcome;
use super::out::{Out, shown};
use super::say;
use super::session::{Session, ask};
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::view::{Anew, Relink, RelinkPair, RelinkView};
use crate::error::Result;

/// Arguments of `relink`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck relink
  syncdeck relink --by-key --links 1204
  syncdeck relink --by-rules --links 1204 --json

By itself it says what would happen. A refreshed sandbox, or a copy, is another org: no sign-in to it is
accepted before the one of this profile was left. That signs out and ends all links; `syncdeck connect`
then signs in, and the first sync of each pair reads everything and links it anew. Where values differ a
person is asked. Records that are not there are not made: `syncdeck status` names them, and
`syncdeck sync PAIR --allow not-there=N` makes them. Earlier runs cannot be taken back any more.

Exit codes: 0 done or told, 2 it could not be done.")]
pub struct RelinkArgs {
    /// Leave the org; records are found again by our keys
    #[arg(long, conflicts_with = "by_rules", requires = "links")]
    pub by_key: bool,
    /// Leave the org; records are found again by rules only
    #[arg(long, requires = "links")]
    pub by_rules: bool,
    /// How many links end, as `relink` says
    #[arg(long, value_name = "N")]
    pub links: Option<u64>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Does it, or says what it would do.
///
/// # Errors
/// It is another number of links, a run is at work, or the store cannot be written.
pub async fn run<W: Write>(
    session: &mut Session,
    args: RelinkArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let how = match (args.by_key, args.by_rules) {
        (true, _) => Some(Anew::ByKey),
        (_, true) => Some(Anew::ByRules),
        _ => None,
    };
    let view = ask!(session, Command::PreviewRelink, Reply::Relinking(view) => view);
    let Some((how, links)) = how.zip(args.links) else {
        return tell(&view, args.json, out);
    };
    let relink = Relink { how, links };
    ask!(session, Command::Relink(relink), Reply::Done => ());
    match args.json {
        true => out.json(&json!({ "left": org_json(&view), "links": links }))?,
        false => out.line(&format!(
            "{} ended; `syncdeck connect` signs in to the other org",
            say::some(links, "link", "links")
        ))?,
    }
    Ok(Outcome::Fine)
}

fn tell<W: Write>(view: &RelinkView, json: bool, out: &mut Out<W>) -> Result<Outcome> {
    if json {
        let pairs: Vec<Json> = view.pairs.iter().map(pair_json).collect();
        let all = json!({ "org": org_json(view), "links": view.links(), "pairs": pairs });
        out.json(&all)?;
        return Ok(Outcome::Fine);
    }
    match &view.org {
        Some((id, name)) => out.line(&format!(
            "this profile belongs to {} ({})",
            shown(name),
            shown(id)
        ))?,
        None => out.line("this profile belongs to no org yet: the next sign-in chooses it")?,
    }
    for pair in &view.pairs {
        out.line(&format!(
            "  {}  {}: {}",
            shown(pair.name.as_str()),
            say::some(pair.links, "link", "links"),
            pair.found(Anew::ByKey)
        ))?;
    }
    if let Some(too) = view.ends_too() {
        out.line(&format!("with the links end {too}"))?;
    }
    out.line(&format!(
        "to leave the org: syncdeck relink --by-key --links {0} (a copy), or --by-rules --links {0}",
        view.links()
    ))?;
    Ok(Outcome::Fine)
}

fn org_json(view: &RelinkView) -> Json {
    match &view.org {
        Some((id, name)) => json!({ "id": id, "name": name }),
        None => Json::Null,
    }
}

fn pair_json(pair: &RelinkPair) -> Json {
    json!({
        "pair": pair.name, "links": pair.links, "with_key": pair.keyed, "rules": pair.rules,
        "open_conflicts": pair.conflicts, "decisions": pair.decisions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pair: RelinkPair, json: bool) -> String {
        let view = RelinkView {
            org: None,
            pairs: vec![pair],
        };
        let mut out = Out::to(Vec::new());
        tell(&view, json, &mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn what_a_person_has_before_them_and_ends_is_told_if_there_is_any() {
        let pair = |conflicts, decisions| RelinkPair {
            name: "leads".into(),
            links: 1_204,
            keyed: 1_200,
            rules: 2,
            conflicts,
            decisions,
        };
        let ends = "with the links end conflicts of 3 records and 1 unwritten decision\n";
        assert!(told(pair(3, 1), false).contains(ends));
        assert!(!told(pair(0, 0), false).contains("with the links end"));
        let all: Json = serde_json::from_str(&told(pair(3, 1), true)).unwrap();
        let of = &all["pairs"][0];
        assert_eq!(
            (&of["open_conflicts"], &of["decisions"]),
            (&json!(3), &json!(1))
        );
    }
}
