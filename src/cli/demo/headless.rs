//! The demo without a console.

use std::io::Write;

use super::super::out::Out;
use super::place::Place;
use super::steps::Steps;
use crate::error::Result;

/// Does everything and checks it.
pub async fn run<W: Write>(place: &mut Place, out: &mut Out<W>) -> Result<()> {
    let mut steps = Steps::new();
    let who = place.sign_in().await?;
    steps.done(place, out, &format!("signed in as {} at {}", who.username, who.org_name))?;
    let ends = place.sync().await?;
    for end in &ends {
        steps.done(place, out, &format!("{:?}", end.run))?;
    }
    let ends = place.sync().await?;
    for end in &ends {
        steps.done(place, out, &format!("{:?}", end.run))?;
    }
    Ok(())
}
