//! Tokens to the syntax tree, by recursive descent: the clauses of a query and its select list.
//! Conditions are read in [`cond`], functions of fields in [`expr`].

mod cond;
mod expr;

use super::{
    ast::{Alias, FieldSet, Function, Item, Order, Path, Purpose, Query, Taken, Using},
    lex::{At, Tok, tokens},
    malformed,
};
use crate::sandbox::fail::Fail;

/// How deep conditions may nest, so that no text exhausts the stack.
const DEPTH: usize = 60;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<At>,
    next: usize,
    depth: usize,
}

/// Reads a query.
pub fn parse(text: &str) -> Result<Query, Fail> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
    };
    let query = parser.query()?;
    match parser.peek().tok {
        Tok::End => Ok(query),
        _ => Err(parser.unexpected()),
    }
}

fn aggregate_named(name: &str) -> Option<Function> {
    Some(match name.to_ascii_uppercase().as_str() {
        "COUNT" => Function::Count,
        "COUNT_DISTINCT" => Function::CountDistinct,
        "SUM" => Function::Sum,
        "AVG" => Function::Avg,
        "MIN" => Function::Min,
        "MAX" => Function::Max,
        _ => return None,
    })
}

const CLAUSES: [&str; 11] = [
    "WHERE", "GROUP", "ORDER", "LIMIT", "OFFSET", "FOR", "WITH", "USING", "HAVING", "UPDATE", "ALL",
];

/// Words that name nothing.
const RESERVED: [&str; 9] = [
    "AND", "OR", "IN", "LIKE", "WHERE", "FROM", "SELECT", "LIMIT", "HAVING",
];

impl Parser<'_> {
    fn peek(&self) -> &At {
        // The list ends with `End`, which is never passed.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }
    fn bump(&mut self) -> At {
        let at = self.peek().clone();
        if at.tok != Tok::End {
            self.next += 1;
        }
        at
    }
    /// A refusal of what stands here.
    fn refused(&self, why: &str) -> Fail {
        malformed(self.text, self.peek().at, why)
    }
    fn unexpected(&self) -> Fail {
        let at = self.peek();
        match at.tok {
            Tok::End => self.refused("unexpected token: '<EOF>'"),
            _ => self.refused(&format!("unexpected token: '{}'", at.text)),
        }
    }
    fn is_word(&self, word: &str) -> bool {
        matches!(&self.peek().tok, Tok::Word(w) if w.eq_ignore_ascii_case(word))
    }
    /// Whether a word stands here that can be no field.
    fn is_reserved(&self) -> bool {
        let dotted = self.tokens.get(self.next + 1).map(|at| &at.tok) == Some(&Tok::Sign("."));
        !dotted && RESERVED.iter().any(|word| self.is_word(word))
    }
    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.next += 1;
        }
        found
    }
    fn need_word(&mut self, word: &str) -> Result<(), Fail> {
        match self.word(word) {
            true => Ok(()),
            false => Err(self.unexpected()),
        }
    }
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek().tok, Tok::Sign(s) if s == sign);
        if found {
            self.next += 1;
        }
        found
    }
    fn need(&mut self, sign: &str) -> Result<(), Fail> {
        match self.sign(sign) {
            true => Ok(()),
            false => Err(self.unexpected()),
        }
    }
    fn name(&mut self) -> Result<(String, usize), Fail> {
        let at = self.peek().clone();
        match at.tok {
            Tok::Word(word) => {
                self.next += 1;
                Ok((word, at.at))
            }
            _ => Err(self.unexpected()),
        }
    }
    fn path(&mut self) -> Result<Path, Fail> {
        let (first, at) = self.name()?;
        let mut parts = vec![first];
        while self.sign(".") {
            parts.push(self.name()?.0);
        }
        Ok(Path {
            parts,
            at,
            taken: Taken::Itself,
        })
    }
    fn count(&mut self) -> Result<u64, Fail> {
        let found = match &self.peek().tok {
            Tok::Number(n) => u64::try_from(*n).ok().filter(|_| n.is_integer()),
            _ => None,
        };
        let n = found.ok_or_else(|| self.unexpected())?;
        self.next += 1;
        Ok(n)
    }
    fn deeper(&mut self) -> Result<(), Fail> {
        self.depth += 1;
        match self.depth > DEPTH {
            true => Err(Fail::new(
                "QUERY_TOO_COMPLICATED",
                "Query is either selecting too many fields or the filter conditions are too complicated.",
            )),
            false => Ok(()),
        }
    }

    fn query(&mut self) -> Result<Query, Fail> {
        self.need_word("SELECT")?;
        let mut select = vec![self.item()?];
        while self.sign(",") {
            select.push(self.item()?);
        }
        self.need_word("FROM")?;
        let source = self.path()?;
        let (from, from_at) = (source.last().to_owned(), source.at);
        let of = source
            .parts
            .split_last()
            .map(|(_, before)| before.join("."));
        let of = of.filter(|before| !before.is_empty());
        let alias = match &self.peek().tok {
            Tok::Word(word) if !CLAUSES.iter().any(|c| word.eq_ignore_ascii_case(c)) => {
                Some(self.name()?.0)
            }
            _ => None,
        };
        let mut aliases = Vec::new();
        while self.sign(",") {
            let path = self.path()?;
            let name = self.name()?.0;
            aliases.push(Alias { name, path });
        }
        let using = match self.word("USING") {
            true => {
                self.need_word("SCOPE")?;
                let (scope, at) = self.name()?;
                Some(Using { scope, at })
            }
            false => None,
        };
        let cond = match self.word("WHERE") {
            true => Some(self.cond()?),
            false => None,
        };
        // Everything is visible to everybody, so the mode changes nothing.
        let modes = ["SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"];
        if self.word("WITH") && !modes.iter().any(|mode| self.word(mode)) {
            return Err(self.unexpected());
        }
        let mut group = Vec::new();
        if self.word("GROUP") {
            self.need_word("BY")?;
            if let Some(word) = ["ROLLUP", "CUBE"].iter().find(|w| self.is_word(w)) {
                let text = format!("GROUP BY {word} is not supported by this org");
                return Err(self.refused(&text));
            }
            group.push(self.expression()?);
            while self.sign(",") {
                group.push(self.expression()?);
            }
        }
        let having = match self.word("HAVING") {
            true => Some(self.cond()?),
            false => None,
        };
        let mut order = Vec::new();
        if self.word("ORDER") {
            self.need_word("BY")?;
            order.push(self.order()?);
            while self.sign(",") {
                order.push(self.order()?);
            }
        }
        let limit = if self.word("LIMIT") {
            Some(self.count()?)
        } else {
            None
        };
        let offset = if self.word("OFFSET") {
            Some(self.count()?)
        } else {
            None
        };
        let mut purpose = Purpose::Read;
        while self.word("FOR") {
            purpose = match () {
                () if self.word("VIEW") || self.word("REFERENCE") => Purpose::Look,
                () if self.word("UPDATE") => Purpose::Update,
                () => return Err(self.unexpected()),
            };
        }
        if self.word("UPDATE") && !(self.word("TRACKING") || self.word("VIEWSTAT")) {
            return Err(self.unexpected());
        }
        if self.is_word("ALL") {
            return Err(self.refused("ALL ROWS not allowed in this context"));
        }
        Ok(Query {
            select,
            from,
            of,
            from_at,
            alias,
            aliases,
            using,
            cond,
            group,
            having,
            order,
            limit,
            offset,
            purpose,
        })
    }

    fn item(&mut self) -> Result<Item, Fail> {
        if self.sign("(") {
            self.deeper()?;
            let query = self.query()?;
            self.depth -= 1;
            self.need(")")?;
            return Ok(Item::Children(Box::new(query)));
        }
        if self.is_word("TYPEOF") && !self.list_goes_on() {
            return Err(self.refused("TYPEOF is not supported by this org"));
        }
        let path = self.expression()?;
        if path.taken != Taken::Itself || !self.sign("(") {
            return Ok(Item::Field {
                path,
                alias: self.alias(),
            });
        }
        let at = path.at;
        // Labels are the values themselves in this org, and there is one currency and locale.
        if ["toLabel", "FORMAT", "convertCurrency"]
            .iter()
            .any(|f| path.last().eq_ignore_ascii_case(f))
        {
            let path = self.path()?;
            self.need(")")?;
            return Ok(Item::Shown {
                path,
                alias: self.alias(),
            });
        }
        if path.last().eq_ignore_ascii_case("FIELDS") {
            let (set, _) = self.name()?;
            self.need(")")?;
            let set = match set.to_ascii_uppercase().as_str() {
                "ALL" => FieldSet::All,
                "STANDARD" => FieldSet::Standard,
                "CUSTOM" => FieldSet::Custom,
                _ => {
                    return Err(malformed(
                        self.text,
                        at,
                        &format!("unexpected token: '{set}'"),
                    ));
                }
            };
            return Ok(Item::Fields { set, at });
        }
        let Some(function) = aggregate_named(&path.text()) else {
            return Err(malformed(
                self.text,
                at,
                &format!("unexpected token: '{}'", path.text()),
            ));
        };
        let arg = match self.sign(")") {
            true => None,
            false => {
                let path = self.path()?;
                self.need(")")?;
                Some(path)
            }
        };
        if arg.is_none() && function != Function::Count {
            return Err(malformed(self.text, at, "unexpected token: ')'"));
        }
        Ok(Item::Call {
            function,
            path: arg,
            alias: self.alias(),
            at,
        })
    }

    fn alias(&mut self) -> Option<String> {
        match self.peek().tok.clone() {
            // Only when the list goes on behind it; else it is a misspelt FROM.
            Tok::Word(word) if !word.eq_ignore_ascii_case("FROM") && self.list_goes_on() => {
                self.next += 1;
                Some(word)
            }
            _ => None,
        }
    }

    fn list_goes_on(&self) -> bool {
        match self.tokens.get(self.next + 1).map(|at| &at.tok) {
            Some(Tok::Sign(",")) => true,
            Some(Tok::Word(word)) => word.eq_ignore_ascii_case("FROM"),
            _ => false,
        }
    }

    fn order(&mut self) -> Result<Order, Fail> {
        let path = self.grouped()?;
        let descending = !self.word("ASC") && self.word("DESC");
        // First in both directions, unless it is said.
        let mut nulls_last = false;
        if self.word("NULLS") {
            nulls_last = !self.word("FIRST");
            if nulls_last {
                self.need_word("LAST")?;
            }
        }
        Ok(Order {
            path,
            descending,
            nulls_last,
        })
    }
}
