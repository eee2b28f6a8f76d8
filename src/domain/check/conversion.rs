//! Checks of what is done with converted leads: they can be followed, and somebody takes in what
//! they became (rule R15, sync-semantics 14.4).

use super::Checker;
use crate::domain::mapping::{Converts, Creates, Pair};

impl Checker<'_> {
    pub(super) fn conversions(&mut self) {
        if self.pair.on_convert == Converts::Freeze {
            return;
        }
        let leave = "leave on_convert out, or write \"freeze\"";
        if let Some(object) = self.object {
            let shown = |(name, _): &(&str, &str)| object.field(name).is_some();
            if !Converts::BECAME.iter().any(shown) {
                let text = format!(
                    "on_convert is \"follow\", and {} shows no field that says what it became: only \
                     leads are converted",
                    object.name
                );
                return self.fail(None, text, leave);
            }
        }
        let became = |pair: &&Pair| {
            let mut objects = Converts::BECAME.iter();
            objects.any(|(_, object)| pair.object.as_str() == *object)
        };
        let takers: Vec<&Pair> = self.rivals().filter(became).collect();
        if takers.is_empty() {
            return self.fail(
                None,
                "on_convert is \"follow\", and no pair takes in Account, Contact or Opportunity",
                "map one of them first, or leave on_convert out",
            );
        }
        let deaf = |pair: &&&Pair| pair.create_in_app == Creates::Off && pair.match_on.is_empty();
        if let Some(pair) = takers.iter().find(deaf) {
            let text = format!(
                "what a lead is converted into is not taken in by {}: it makes no App records, and \
                 matches none",
                pair.name
            );
            self.warn(
                None,
                text,
                "let it make App records, or match them by a row (match_on)",
            );
        }
    }
}
