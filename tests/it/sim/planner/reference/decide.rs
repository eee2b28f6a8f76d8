//! What one row comes to, in the naive engine.

use super::*;

/// The tables of sync-semantics 5.2 and 5.3, one line after the other.
pub(super) fn decide(case: &Case, row: &RowCase, s: &RowState, hidden: bool, c_at: i64) -> Do {
    let class = |m: u8| row.kind.class(m);
    let (no_a, no_c) = (row.kind.blank(s.a), row.kind.blank(s.c));
    let equal = class(s.a) == class(s.c) && row.kind.crosses(s.a) && row.kind.crosses(s.c);
    let push = || match () {
        () if !row.kind.crosses(s.a) => Do::Leave,
        () if class(s.a) == class(s.c) => Do::Agree,
        () if no_a && row.blanks == Blanks::Keep && !no_c => Do::Leave,
        () => Do::Push,
    };
    let pull = || match () {
        () if !row.kind.crosses(s.c) => Do::Leave,
        () if class(s.a) == class(s.c) => Do::Agree,
        () if no_c && row.blanks == Blanks::Keep && !no_a => Do::Leave,
        () => Do::Pull,
    };
    let by = |strategy: Strategy| match strategy {
        Strategy::Ask => Do::Ask,
        Strategy::Crm => pull(),
        Strategy::App => push(),
        Strategy::Filled if no_a && !no_c => pull(),
        Strategy::Filled if !no_a && no_c => push(),
        Strategy::Filled => Do::Ask,
        Strategy::Newest if (s.a_at - c_at).abs() <= MARGIN => Do::Ask,
        Strategy::Newest if s.a_at > c_at => push(),
        Strategy::Newest => pull(),
    };
    if hidden {
        return Do::Leave;
    }
    let Some((ba, bc)) = s.base else {
        return match (no_a, no_c) {
            _ if equal => Do::Agree,
            (true, false) if row.flow.writes(Side::App) => pull(),
            (false, true) if row.flow.writes(Side::Crm) => push(),
            (true, _) | (_, true) => Do::Agree,
            _ => match row.flow {
                Flow::Both => by(match case.first_link {
                    FirstLink::Review => Strategy::Ask,
                    FirstLink::Crm => Strategy::Crm,
                    FirstLink::App => Strategy::App,
                }),
                Flow::ToCrm(_) | Flow::PreferApp => push(),
                Flow::ToApp(_) | Flow::Computed(_) | Flow::PreferCrm => pull(),
                _ => Do::Agree,
            },
        };
    };
    // A side that was emptied, and that the other one is not to follow, did not move.
    let keeps = |toward: Side| row.blanks == Blanks::Keep && row.flow.writes(toward);
    let a_moved = class(s.a) != class(ba) && !(keeps(Side::Crm) && no_a && !no_c);
    let c_moved = class(s.c) != class(bc) && !(keeps(Side::App) && no_c && !no_a);
    match (a_moved, c_moved, row.flow) {
        (false, false, _) => Do::Leave,
        (true, false, Flow::Both | Flow::ToCrm(_) | Flow::PreferApp) => push(),
        (true, false, Flow::PreferCrm) if no_c && row.kind.blank(bc) => push(),
        (true, false, Flow::SetOnce(Side::Crm)) if no_c => push(),
        (true, false, Flow::ToApp(Foreign::Enforce)) => pull(),
        (true, false, _) => Do::Agree,
        (false, true, Flow::Both | Flow::ToApp(_) | Flow::Computed(_) | Flow::PreferCrm) => pull(),
        (false, true, Flow::PreferApp) if no_a => pull(),
        (false, true, Flow::SetOnce(Side::App)) if no_a => pull(),
        (false, true, Flow::ToCrm(Foreign::Enforce)) => push(),
        (false, true, _) => Do::Agree,
        (true, true, _) if equal => Do::Agree,
        (true, true, Flow::Both) => by(row.strategy),
        (true, true, Flow::ToCrm(_) | Flow::PreferApp) => push(),
        (true, true, Flow::ToApp(_) | Flow::Computed(_) | Flow::PreferCrm) => pull(),
        (true, true, Flow::SetOnce(Side::Crm)) if no_c => push(),
        (true, true, Flow::SetOnce(Side::App)) if no_a => pull(),
        (true, true, _) => Do::Agree,
    }
}
