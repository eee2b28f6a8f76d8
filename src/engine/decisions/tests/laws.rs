//! Whatever people and both sides do in whatever order, no value that nobody saw is replaced.

use proptest::prelude::*;

use super::world::{crm_id, fields};
use crate::domain::conflict::{Choice, State};
use crate::domain::id::RowId;
use crate::domain::transform::Side;
use crate::domain::value::Value;
use crate::engine::decisions::Prepared;

#[derive(Debug, Clone)]
enum Move {
    App(u8),
    Crm(u8),
    Poll,
    Compare,
    Decide(Choice),
    Write,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        any::<u8>().prop_map(Move::App),
        any::<u8>().prop_map(Move::Crm),
        Just(Move::Poll),
        Just(Move::Compare),
        choices().prop_map(Move::Decide),
        Just(Move::Write),
    ]
}

fn choices() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Take(Side::App)),
        Just(Choice::Take(Side::Crm)),
        Just(Choice::Base),
        Just(Choice::Typed {
            side: Side::App,
            cell: vec![Value::text("typed")],
        }),
        Just(Choice::Ignore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn only_seen_values_are_replaced(history in prop::collection::vec(moves(), 1..14)) {
        let (mut world, key) = super::in_conflict();
        let title = |n: u8| format!("title {n}");
        let mut decided = None;
        for step in history {
            match step {
                Move::App(n) => world.edit_app(&key, fields([("title", title(n).as_str())])),
                Move::Crm(n) => world.edit_crm(1, fields([("Title", title(n).as_str())])),
                Move::Poll => world.poll(crm_id(1)),
                Move::Compare => {
                    world.reconcile(&key);
                }
                Move::Decide(choice) => {
                    let open = world.open(&key).into_iter().find(|c| c.row == Some(RowId(2)));
                    if let Some(conflict) = open {
                        let ignore = choice == Choice::Ignore;
                        let done = world.decide(&conflict, Some(choice));
                        if done.staged == 1 {
                            decided = (!ignore).then_some((conflict.app, conflict.crm));
                        }
                    }
                }
                Move::Write => {
                    let app = world.app_value(&key, "title");
                    let crm = world.crm_value(1, "Title");
                    let guard = world.crm[&crm_id(1)].modified;
                    let prepared = world.prepare(&key);
                    if let Prepared::Send(intent) = &prepared {
                        if intent.unmodified_since.unwrap().as_second() == guard {
                            world.send(intent);
                        } else {
                            // The CRM refuses it.
                            let mut tx = world.state.begin();
                            crate::engine::journal::not_sent(&mut tx, intent, world.now()).unwrap();
                            tx.commit(crate::engine::tx::Durability::Now).unwrap();
                        }
                    }
                    let seen = |now: &str, was: &Option<Vec<Value>>| {
                        was.as_ref().is_some_and(|w| w[0].to_string() == now)
                    };
                    if world.app_value(&key, "title") != app {
                        let saw = decided.as_ref().is_some_and(|(a, _)| seen(&app, a));
                        prop_assert!(saw, "App value {} was replaced unseen", app);
                    }
                    if world.crm_value(1, "Title") != crm {
                        let saw = decided.as_ref().is_some_and(|(_, c)| seen(&crm, c));
                        prop_assert!(saw, "CRM value {} was replaced unseen", crm);
                    }
                    if !matches!(prepared, Prepared::Nothing) {
                        world.poll(crm_id(1));
                    }
                }
            }
            // The counters follow the conflicts through all of it.
            let open = world.open(&key);
            let staged = open.iter().filter(|c| c.staged.is_some()).count();
            prop_assert_eq!(world.state.counters(&key.pair).staged, staged as i64);
            let writing = open.iter().filter(|c| c.state == State::Resolving).count();
            prop_assert_eq!(writing, 0);
        }
    }
}
