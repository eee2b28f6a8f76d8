//! Keys that are held down: questions come faster than they are answered.

use std::collections::BTreeMap;

use syncdeck::domain::listing::Shape;
use syncdeck::engine::command::{Command, Page, Request, RequestId, Values};
use syncdeck::engine::notice::Reply;
use syncdeck::error::Kind;

use super::*;

/// More than the engine answers at once, and than the link holds.
const ASKED: u64 = 300;

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_replaced_is_not_worked_on_and_every_one_is_answered_once() {
    let mut world = World::imported().await;
    let question = |id: u64| Request {
        id: RequestId(id),
        replaces: (id > 0).then(|| RequestId(id - 1)),
        command: Command::Records {
            pair: "leads".into(),
            // The index does not know it: every record is opened.
            filter: format!("notes:nobody{id} or status:new"),
            shape: Shape::default(),
            values: Values::Shown,
            page: Page {
                offset: 0,
                limit: 10,
            },
        },
    };
    let answers = world.hurried((0..ASKED).map(question).collect()).await;

    let mut seen: BTreeMap<RequestId, usize> = BTreeMap::new();
    let (mut dropped, mut last) = (0, None);
    for (id, answer) in answers {
        *seen.entry(id).or_default() += 1;
        match answer {
            Ok(Reply::Records(page)) if id == RequestId(ASKED - 1) => last = Some(page),
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), Kind::Cancelled, "{error}");
                dropped += 1;
            }
        }
    }
    assert_eq!(seen.len() as u64, ASKED);
    assert!(seen.values().all(|times| *times == 1));
    assert!(
        last.is_some_and(|page| page.part.total > 0),
        "the newest wins"
    );
    assert!(dropped > ASKED / 2, "only {dropped} were not worked on");
}
