//! Makes the story of a failing seed small: leaves out faults, acts of people and rounds as long
//! as the same invariant breaks.
//!
//! Events are numbered as they come. What is left out changes what comes after it, so a smaller
//! story is one that is looked for, not one that is cut out. Invariant: what is given back ends as
//! the whole story does, and is the same every time.

use std::collections::BTreeSet;

use super::faults::{Known, Switch};
use super::place::Place;
use super::{Told, tell_without};

/// Names the events that do not happen: `3,7,12-40`.
pub const SPARED: &str = "SYNCDECK_SPARED";
/// Stories that are tried at most; each takes about a tenth of a second.
const TRIES: usize = 200;

/// The events to leave out that somebody asked for.
pub fn asked() -> BTreeSet<u32> {
    let Ok(text) = std::env::var(SPARED) else {
        return BTreeSet::new();
    };
    let number = |text: &str| text.parse::<u32>().expect("SYNCDECK_SPARED is N,N-M");
    let parts = text.split(',').filter(|part| !part.is_empty());
    let range = |part: &str| match part.split_once('-') {
        Some((first, last)) => number(first)..=number(last),
        None => number(part)..=number(part),
    };
    parts.flat_map(range).collect()
}

/// As [`asked`] reads it.
pub fn text(spared: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for event in spared {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *event => *last = *event,
            _ => ranges.push((*event, *event)),
        }
    }
    let part = |(first, last): (u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    ranges.into_iter().map(part).collect::<Vec<_>>().join(",")
}

/// The smallest story found that breaks what the whole one breaks: what it leaves out, and how it
/// goes. None where the whole one does not fail.
pub fn shrunk(
    place: &Place,
    seed: u64,
    switch: Switch,
    known: Known,
) -> (BTreeSet<u32>, Option<Told>) {
    let mut spared = asked();
    let whole = tell_without(place, seed, switch, known, &spared);
    let Err(broken) = &whole.end else {
        return (spared, None);
    };
    let invariant = broken.invariant;
    let mut best = whole;
    let mut tries = 0;
    // Halves first, then ever smaller pieces; the last ones first, as they change the least.
    let mut size = best.events.div_ceil(2).max(1);
    loop {
        let mut end = best.events;
        while end > 0 && tries < TRIES {
            let piece = end.saturating_sub(size)..end;
            end = piece.start;
            let mut more = spared.clone();
            more.extend(piece);
            if more.len() == spared.len() {
                continue;
            }
            tries += 1;
            let told = tell_without(place, seed, switch, known, &more);
            let same = matches!(&told.end, Err(broken) if broken.invariant == invariant);
            if same {
                // Those past the end are of no story.
                more.retain(|event| *event < told.events);
                (spared, best) = (more, told);
                end = end.min(best.events);
            }
        }
        if size == 1 || tries >= TRIES {
            return (spared, Some(best));
        }
        size = size.div_ceil(2);
    }
}

#[test]
fn a_failing_history_shrinks() {
    let place = Place::new();
    let switch = Switch::NoSweep;
    let whole = |seed| tell_without(&place, seed, switch, Known::Third, &BTreeSet::new());
    let (seed, whole) = (0..1_000)
        .map(|seed| (seed, whole(seed)))
        .find(|(_, told)| told.end.is_err())
        .unwrap();
    let (spared, small) = shrunk(&place, seed, switch, Known::Third);
    let small = small.unwrap();
    let left = small.events as usize - spared.len();
    assert!(
        left * 3 < whole.events as usize,
        "{left} events: {}",
        small.trace.join("\n")
    );
    let [one, two] = [&small.end, &whole.end].map(|end| end.as_ref().unwrap_err().invariant);
    assert_eq!(one, two);
    let again = tell_without(&place, seed, switch, Known::Third, &spared);
    assert_eq!(again.trace, small.trace);
}

#[test]
fn what_is_left_out_is_written_as_ranges() {
    assert_eq!(text(&[0, 1, 2, 7, 9, 10].into()), "0-2,7,9-10");
    assert_eq!(text(&BTreeSet::new()), "");
}
