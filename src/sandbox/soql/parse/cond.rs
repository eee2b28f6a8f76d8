//! Conditions of WHERE and HAVING, and the literals in them.

use super::Parser;
use crate::sandbox::{
    fail::Fail,
    soql::{
        ast::{Cond, Literal, Op, Sense, Set},
        lex::Tok,
    },
};

impl Parser<'_> {
    /// One level: terms joined by one of AND and OR; both in one level are refused.
    pub(super) fn cond(&mut self) -> Result<Cond, Fail> {
        self.deeper()?;
        let mut terms = vec![self.term()?];
        let joins = ["AND", "OR"].into_iter().find(|word| self.is_word(word));
        if let Some(join) = joins {
            while self.word(join) {
                terms.push(self.term()?);
            }
            if self.is_word("AND") || self.is_word("OR") {
                return Err(self.unexpected());
            }
        }
        self.depth -= 1;
        Ok(match (joins, terms.len()) {
            (Some("OR"), _) => Cond::Or(terms),
            (_, 1) => terms.remove(0),
            _ => Cond::And(terms),
        })
    }

    fn term(&mut self) -> Result<Cond, Fail> {
        if self.word("NOT") {
            self.deeper()?;
            let inner = self.term()?;
            self.depth -= 1;
            return Ok(Cond::Not(Box::new(inner)));
        }
        if self.sign("(") {
            let inner = self.cond()?;
            self.need(")")?;
            return Ok(inner);
        }
        if self.is_reserved() {
            return Err(self.unexpected());
        }
        let path = self.grouped()?;
        let sense = match self.word("NOT") {
            true => Sense::IsNot,
            false => Sense::Is,
        };
        if self.word("IN") {
            self.need("(")?;
            let set = match self.is_word("SELECT") {
                true => {
                    self.deeper()?;
                    let inner = self.query()?;
                    self.depth -= 1;
                    Set::Select(Box::new(inner))
                }
                false => Set::List(self.list()?),
            };
            self.need(")")?;
            return Ok(Cond::In { path, sense, set });
        }
        if sense == Sense::IsNot {
            return Err(self.unexpected());
        }
        for (word, sense) in [("INCLUDES", Sense::Is), ("EXCLUDES", Sense::IsNot)] {
            if self.word(word) {
                self.need("(")?;
                let sets = self.list()?;
                self.need(")")?;
                return Ok(Cond::Includes { path, sense, sets });
            }
        }
        let op = match &self.peek().tok {
            Tok::Sign("=") => Op::Eq,
            Tok::Sign("!=") => Op::Ne,
            Tok::Sign("<") => Op::Lt,
            Tok::Sign("<=") => Op::Le,
            Tok::Sign(">") => Op::Gt,
            Tok::Sign(">=") => Op::Ge,
            Tok::Word(w) if w.eq_ignore_ascii_case("LIKE") => Op::Like,
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(Cond::Compare {
            path,
            op,
            value: self.literal()?,
        })
    }

    fn list(&mut self) -> Result<Vec<Literal>, Fail> {
        let mut out = vec![self.literal()?];
        while self.sign(",") {
            out.push(self.literal()?);
        }
        Ok(out)
    }

    fn literal(&mut self) -> Result<Literal, Fail> {
        let value = match self.peek().tok.clone() {
            Tok::Text(raw) => Literal::Text(raw),
            Tok::Number(n) => Literal::Number(n),
            Tok::Date(d) => Literal::Date(d),
            Tok::Stamp(s) => Literal::Stamp(s),
            Tok::Word(word) => {
                self.bump();
                return Ok(match word.to_ascii_uppercase().as_str() {
                    "NULL" => Literal::Null,
                    "TRUE" => Literal::Bool(true),
                    "FALSE" => Literal::Bool(false),
                    upper => {
                        let n = match self.sign(":") {
                            true => {
                                Some(i64::try_from(self.count()?).map_err(|_| self.unexpected())?)
                            }
                            false => None,
                        };
                        Literal::Word(upper.to_owned(), n)
                    }
                });
            }
            _ => return Err(self.unexpected()),
        };
        self.bump();
        Ok(value)
    }
}
