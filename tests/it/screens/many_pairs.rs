//! More pairs than the Overview has rows for: those in trouble are seen, and the cursor stays on its
//! pair.

use syncdeck::domain::id::PairName;
use syncdeck::domain::run::Word;
use syncdeck::engine::summary::Summary;

use super::desk::Desk;
use super::quiet_summary;

/// Twelve pairs that are well but for some.
fn pairs(troubles: &[(usize, Word)]) -> Summary {
    let mut summary = Summary::clone(&quiet_summary());
    let first = summary.pairs[0].clone();
    let one = |at| {
        let mut pair = first.clone();
        let word = troubles.iter().find(|(of, _)| *of == at);
        pair.name = PairName::new(format!("pair-{at}"));
        pair.title = format!("Title{at:02}");
        pair.word = word.map_or(Word::Ok, |(_, word)| *word);
        pair.open_conflicts = 0;
        pair.failing = 0;
        pair
    };
    summary.pairs = (0..12).map(one).collect();
    summary
}

fn told(desk: &mut Desk, troubles: &[(usize, Word)]) {
    desk.told(std::sync::Arc::new(pairs(troubles)));
}

/// The pairs on the screen, from the top down.
fn seen(desk: &Desk) -> Vec<usize> {
    let screen = desk.screen();
    let of = |line: &str| line.split_once("Title")?.1.get(..2)?.parse().ok();
    screen.lines().filter_map(of).collect()
}

/// The pair under the cursor.
fn here(desk: &Desk) -> usize {
    let screen = desk.screen();
    let line = screen
        .lines()
        .find(|line| line.starts_with("> ") && line.contains("Title"));
    let line = line.unwrap_or_else(|| panic!("{screen}"));
    line.split_once("Title").unwrap().1[..2].parse().unwrap()
}

#[test]
fn where_not_all_pairs_fit_those_in_trouble_are_seen_the_failed_ones_first() {
    for (columns, rows) in [(60, 15), (80, 24)] {
        let mut desk = Desk::new(columns, rows);
        told(
            &mut desk,
            &[(4, Word::Conf), (10, Word::Fail), (7, Word::Warn)],
        );
        let seen = seen(&desk);
        let first = [10, 4, 7, 0, 1, 2, 3, 5, 6];
        assert!(seen.len() < 12 && !seen.is_empty(), "{}", desk.screen());
        assert_eq!(seen, first[..seen.len()], "{}", desk.screen());
    }
}

#[test]
fn where_all_fit_they_stand_as_they_are_configured() {
    let mut desk = Desk::new(160, 48);
    told(&mut desk, &[(4, Word::Conf), (10, Word::Fail)]);
    assert_eq!(
        seen(&desk),
        (0..12).collect::<Vec<_>>(),
        "{}",
        desk.screen()
    );
    desk.resize(80, 24);
    assert_eq!(seen(&desk)[..2], [10, 4], "{}", desk.screen());
}

#[test]
fn the_cursor_stays_on_its_pair_when_another_one_fails() {
    let mut desk = Desk::new(80, 24);
    told(&mut desk, &[(10, Word::Fail)]);
    assert_eq!(here(&desk), 10, "{}", desk.screen());
    desk.press("j j");
    assert_eq!(here(&desk), 1, "{}", desk.screen());
    told(&mut desk, &[(8, Word::Fail), (9, Word::Conf)]);
    assert_eq!(here(&desk), 1, "{}", desk.screen());
    desk.press("s");
    assert!(desk.shows("Sync of Title01 asked for"), "{}", desk.screen());
    told(&mut desk, &[(8, Word::Fail), (9, Word::Conf)]);
    desk.press("k");
    assert_eq!(here(&desk), 0, "{}", desk.screen());
    desk.press("k k k");
    assert_eq!(here(&desk), 8, "{}", desk.screen());
    // From row to row each pair comes once.
    for wanted in [9, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11] {
        desk.press("j");
        assert_eq!(here(&desk), wanted, "{}", desk.screen());
    }
    desk.press("/").type_text("title08").press("Enter");
    assert_eq!(here(&desk), 8, "{}", desk.screen());
}

#[test]
fn the_line_above_the_pairs_says_how_many_are_out_of_sight_wherever_the_cursor_is() {
    for rows in 15..=30 {
        let mut desk = Desk::new(80, rows);
        told(&mut desk, &[(4, Word::Conf), (10, Word::Fail)]);
        for _ in 0..12 {
            let left = 12 - seen(&desk).len();
            let says = match left {
                0 => "- 12".to_owned(),
                left => format!("- 12, {left} more"),
            };
            assert!(desk.shows(&says), "{says}: {}", desk.screen());
            desk.press("j");
        }
    }
}
