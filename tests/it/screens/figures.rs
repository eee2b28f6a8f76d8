//! The figures of the business and the search over everything: what is shown, and where keys go.

use syncdeck::domain::id::{ObjectName, PairName, RowId, RunId};
use syncdeck::domain::run::Word;
use syncdeck::engine::view::{
    Breakdown, BusinessView, ConflictHit, Counted, CrmHit, CrmSearchView, DayRow, Hits, MappingHit,
    ObjectRow, Pipeline, Rest, RunHit, SearchView, Slice,
};

use super::data;
use super::desk::Desk;

/// Two objects, a pipeline, three breakdowns and four weeks of runs.
pub fn business() -> BusinessView {
    let object = |pair: &str, object: &str, records, made: [u64; 12]| ObjectRow {
        pair: PairName::new(pair),
        object: ObjectName::new(object),
        records,
        waiting: 3,
        conflicts: 2,
        refused: 0,
        made: made.to_vec(),
        as_of: Some(data::at("14:30:23")),
    };
    let slices = |all: &[(&str, u64, Option<i64>)]| {
        let one = |(label, count, worth): &(&str, u64, Option<i64>)| Slice {
            label: (*label).into(),
            count: *count,
            worth: *worth,
        };
        all.iter().map(one).collect()
    };
    let breakdown = |object: &str, by: &str, slices| Breakdown {
        object: ObjectName::new(object),
        by: by.into(),
        slices,
    };
    BusinessView {
        at: data::now(),
        counted: Counted::Whole,
        objects: vec![
            object(
                "people",
                "Contact",
                4_118,
                [0, 0, 1, 3, 9, 20, 18, 25, 31, 40, 22, 7],
            ),
            object(
                "deals",
                "Opportunity",
                912,
                [4, 4, 5, 6, 4, 3, 8, 9, 2, 0, 1, 12],
            ),
        ],
        pipeline: Some(Pipeline {
            open: (412, 4_123_400_050),
            won: (301, 2_900_000_000),
            lost: (199, 800_000_000),
        }),
        breakdowns: vec![
            breakdown(
                "Opportunity",
                "stage",
                slices(&[
                    ("Closed Won", 301, Some(2_900_000_000)),
                    ("Prospecting", 240, Some(2_000_000_000)),
                    ("Closed Lost", 199, Some(800_000_000)),
                    ("Negotiation/Review", 172, Some(2_123_400_050)),
                ]),
            ),
            breakdown(
                "Lead",
                "status",
                slices(&[
                    ("Open - Not Contacted", 6_000, None),
                    ("Working - Contacted", 2_500, None),
                    ("Closed - Converted", 1_100, None),
                    ("Closed - Not Converted", 400, None),
                ]),
            ),
            breakdown(
                "Lead",
                "source",
                slices(&[
                    ("Web", 7_100, None),
                    ("Phone", 2_000, None),
                    ("\u{202e}evil", 900, None),
                ]),
            ),
        ],
        days: (0..28)
            .map(|day| DayRow {
                runs: 288,
                broken: u64::from(day == 20) * 3,
                moved: day * day * 4 % 700,
                refused: if day > 24 { 37 } else { 0 },
                conflicts: day % 5,
            })
            .collect(),
    }
}

/// Hits beside the records.
pub fn found(text: String) -> SearchView {
    SearchView {
        text,
        searched: Counted::Whole,
        records: Hits::default(),
        conflicts: Hits {
            rows: vec![ConflictHit {
                key: data::key("people", "ada"),
                name: "Ada Lovelace-Byron".into(),
                field: "title".into(),
                word: Word::Conf,
                found: "Countess of Lovelace".into(),
            }],
            total: 4,
        },
        runs: Hits {
            rows: vec![RunHit {
                id: RunId(8840),
                title: "Case --> tickets".into(),
                word: Word::Fail,
                at: data::at("14:15:00"),
                found: "Salesforce has no field Priority__x".into(),
            }],
            total: 1,
        },
        mappings: Hits {
            rows: vec![MappingHit {
                pair: PairName::new("people"),
                row: Some(RowId(4)),
                title: "Contact <-> people".into(),
                found: "title <-> Title".into(),
            }],
            total: 1,
        },
    }
}

/// Two records in the CRM; one of them is here, too.
pub fn found_there(text: String) -> CrmSearchView {
    let hit = |id: &str, name: &str, key| CrmHit {
        object: ObjectName::new("Contact"),
        id: id.parse().unwrap(),
        name: name.into(),
        key,
        address: format!("https://acme.example/{id}"),
    };
    CrmSearchView {
        text,
        rows: vec![
            hit(
                "003000000000001AAA",
                "Ada Lovelace-Byron",
                Some(data::key("people", "ada")),
            ),
            hit("003000000000002AAA", "Lovis \u{202e}Ek", None),
        ],
    }
}

fn desk() -> Desk {
    Desk::new(80, 24)
}

#[test]
fn the_figures_are_gone_to_and_left_by_keys() {
    let mut desk = desk();
    desk.press("3 g b");
    assert!(desk.shows("[1 Overview]"), "{}", desk.screen());
    assert!(desk.shows("Pipeline, by worth"), "{}", desk.screen());
    assert!(desk.shows("41.2M"), "{}", desk.screen());
    desk.press("j Enter");
    assert!(desk.shows("Records deals"), "{}", desk.screen());
    desk.press("- Esc");
    assert!(desk.shows("Needs attention"), "{}", desk.screen());
    desk.press("0 1");
    assert!(desk.shows("Needs attention"), "{}", desk.screen());
    desk.press("0 q");
    assert_eq!(desk.left, None, "q goes back before it leaves");
}

#[test]
fn tab_turns_to_figures_that_had_no_room() {
    let mut desk = desk();
    desk.press("0");
    assert!(desk.shows("2 more"), "{}", desk.screen());
    assert!(!desk.shows("evil"), "{}", desk.screen());
    desk.press("Tab Tab Tab");
    // Text from outside cannot turn the line around.
    assert!(desk.shows("<U+202E>evil"), "{}", desk.screen());
    desk.press("S-Tab S-Tab S-Tab");
    assert!(desk.shows("Pipeline"), "{}", desk.screen());
}

#[test]
fn figures_that_are_not_whole_say_so() {
    let mut desk = desk();
    desk.fake.business.counted = Counted::Part {
        done: 1_200,
        all: 5_030,
        rest: Rest::Coming,
    };
    desk.press("0");
    assert!(
        desk.shows("1,200 of 5,030 counted, being read"),
        "{}",
        desk.screen()
    );
    desk.fake.business.objects.clear();
    desk.press("R");
    assert!(desk.shows("No pair is set up yet"), "{}", desk.screen());
}

#[test]
fn a_search_goes_to_every_kind_of_thing() {
    for (keys, lands) in [
        ("Enter", "Record people"),
        ("Tab Enter", "Conflict 1 of"),
        ("Tab Tab Enter", "Run 8840"),
        ("Tab Tab Tab Enter", "Mapping Contact"),
    ] {
        let mut desk = desk();
        desk.press("g /").type_text("love").press(keys);
        assert!(desk.shows(lands), "{keys}: {}", desk.screen());
    }
    let mut desk = self::desk();
    desk.press("g /").type_text("theme");
    desk.press("S-Tab Enter");
    assert!(desk.shows("for this session"), "{}", desk.screen());
}

#[test]
fn typing_asks_again_and_says_what_was_not_searched() {
    let mut desk = desk();
    desk.press("g /");
    assert!(desk.shows("Type a name"), "{}", desk.screen());
    desk.type_text("lov");
    assert!(desk.shows("Ada Lovelace-Byron"), "{}", desk.screen());
    assert!(
        desk.shows("1 of 4") || desk.shows("Conflicts"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("Not searched: long texts"), "{}", desk.screen());
    let asked = desk.fake.asked.iter().filter(|a| *a == "Search").count();
    assert_eq!(asked, 3);
    desk.press("Ctrl-u Esc");
    assert!(desk.shows("Needs attention"), "{}", desk.screen());
    // A paste is text to search for.
    desk.press("g /").paste("babbage");
    assert!(desk.shows("Charles Babbage"), "{}", desk.screen());
}

#[test]
fn salesforce_is_asked_with_a_key_of_its_own() {
    let mut desk = desk();
    desk.press("g /").type_text("l").press("Ctrl-o");
    assert!(desk.shows("needs two letters"), "{}", desk.screen());
    let asked = |desk: &Desk| desk.fake.asked.iter().filter(|a| *a == "SearchCrm").count();
    assert_eq!(asked(&desk), 0);
    let mut desk = self::desk();
    desk.press("g /").type_text("lovi");
    assert!(
        desk.shows("Salesforce (Ctrl-o, 1 API call)"),
        "{}",
        desk.screen()
    );
    assert_eq!(asked(&desk), 0, "typing costs no call");
    desk.press("Ctrl-o");
    assert_eq!(asked(&desk), 1);
    assert!(desk.shows("Lovis <U+202E>Ek"), "{}", desk.screen());
    assert!(desk.shows("1 not here"), "{}", desk.screen());
    // What is here opens; what is not shows its address.
    desk.press("Tab Tab Tab Down Enter");
    assert!(
        desk.shows("https://acme.example/003000000000002AAA"),
        "{}",
        desk.screen()
    );
    desk.press("Esc g /")
        .type_text("lovi")
        .press("Ctrl-o Tab Tab Tab Enter");
    assert!(desk.shows("Record people"), "{}", desk.screen());
    // What was found is for what was typed then.
    desk.press("g /")
        .type_text("lovi")
        .press("Ctrl-o")
        .type_text("s");
    assert!(!desk.shows("Lovis"), "{}", desk.screen());
    desk.press("Ctrl-u")
        .type_text("nobody answers")
        .press("Ctrl-o")
        .wait();
    assert!(
        desk.shows("Salesforce did not answer; try again"),
        "{}",
        desk.screen()
    );
}

#[test]
fn a_theme_of_ones_own_is_offered_and_a_bad_one_is_told_about() {
    let text = "[roles]\ntitle = { with = [\"underline\"] }\n";
    let mine = syncdeck::config::theme::parse("mine", text).unwrap();
    let options = syncdeck::tui::Options {
        themes: vec![mine],
        remarks: vec!["A theme is left out. worse.toml:2:1: unknown role `titel`.".into()],
        ..super::desk::options()
    };
    let mut desk = Desk::with(options, 80, 24);
    assert!(
        desk.shows("worse.toml:2:1: unknown role"),
        "{}",
        desk.screen()
    );
    desk.press(":").type_text("theme mine").press("Enter");
    assert_eq!(desk.model.theme.name(), "mine");
    desk.press("6 j j j j j j Tab");
    assert!(desk.shows("mine"), "{}", desk.screen());
    assert!(desk.shows("high-contrast"), "{}", desk.screen());
}

#[test]
fn the_palette_begins_with_what_was_done_lately() {
    let mut desk = desk();
    desk.press(":").type_text("times").press("Enter :");
    let screen = desk.screen();
    let chosen = screen.lines().find(|line| line.contains("| > ")).unwrap();
    assert!(chosen.contains("times"), "{screen}");
}

#[test]
fn a_small_window_keeps_the_number_of_today_and_says_what_had_no_room() {
    let mut desk = Desk::new(60, 20);
    desk.press("0");
    let screen = desk.screen();
    let today = |line: &&str| line.trim_start().starts_with("Records moved");
    let line = screen.lines().find(today).unwrap();
    let number = line.rsplit_once("today ").unwrap().1;
    assert!(number.parse::<u64>().is_ok(), "{line}");
    assert!(screen.contains("API 41%"), "{screen}");
    assert!(screen.contains("more figures, Tab"), "{screen}");
    // And that is so: every figure comes with the key.
    let titles = [
        "Pipeline, by worth",
        "Opportunity by stage",
        "Lead by status",
        "Lead by source",
    ];
    let mut missing = titles.to_vec();
    for _ in 0..6 {
        missing.retain(|title| !desk.shows(title));
        desk.press("Tab");
    }
    assert!(missing.is_empty(), "{missing:?}");
    // A pipeline is whole or not there.
    let mut desk = Desk::new(60, 15);
    desk.press("0");
    let screen = desk.screen();
    let whole = ["Open ", "Won ", "Lost "]
        .iter()
        .all(|row| screen.contains(row));
    assert!(whole || !screen.contains("Pipeline"), "{screen}");
}
