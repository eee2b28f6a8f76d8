//! A clock that is wrong is said before it makes a sign-in fail.

use syncdeck::engine::command::Command;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_warned_about_until_it_is_right() {
    let mut world = World::signed_in("whole-crm", 10).await;
    let warned = |s: &syncdeck::engine::summary::Summary| {
        let mut texts = s.attention.iter().map(|a| a.text.as_str());
        texts.any(|text| text.contains("10 minutes behind that of Salesforce"))
    };
    world.org().advance(605);
    world.ask(Command::CheckConnection).await.unwrap();
    world.summary("a warning of the clock", warned).await;
    // Ours is put right.
    world.set_our_clock(605);
    world.ask(Command::CheckConnection).await.unwrap();
    world.summary("no warning any more", |s| !warned(s)).await;
}
