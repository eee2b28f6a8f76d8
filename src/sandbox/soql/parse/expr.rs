//! Functions of a field: of dates, of places, of groups.

use rust_decimal::Decimal;

use super::{Parser, aggregate_named};
use crate::sandbox::{
    fail::Fail,
    soql::{
        ast::{Function, Path, Taken},
        distance::{Point, Unit},
        functions::DateFunction,
        lex::Tok,
    },
};

impl Parser<'_> {
    /// A path, or a date function of one: `DAY_ONLY(convertTimezone(CreatedDate))`.
    pub(super) fn expression(&mut self) -> Result<Path, Fail> {
        let path = self.path()?;
        if path.text().eq_ignore_ascii_case("DISTANCE") && self.sign("(") {
            return self.distance(path.at);
        }
        match DateFunction::named(&path.text()) {
            Some(function) if self.sign("(") => self.date_call(function, path.at),
            _ => Ok(path),
        }
    }
    /// What stands behind the bracket of `DISTANCE`.
    fn distance(&mut self, at: usize) -> Result<Path, Fail> {
        let place = self.path()?;
        self.need(",")?;
        self.need_word("GEOLOCATION")?;
        self.need("(")?;
        let latitude = self.number(90)?;
        self.need(",")?;
        let longitude = self.number(180)?;
        self.need(")")?;
        self.need(",")?;
        let unit = match &self.peek().tok {
            Tok::Text(name) => Unit::named(name),
            _ => None,
        };
        let unit = unit.ok_or_else(|| {
            self.refused("Invalid unit type provided. Valid units are 'mi' and 'km'.")
        })?;
        self.bump();
        self.need(")")?;
        let point = Point {
            latitude,
            longitude,
            unit,
        };
        Ok(Path {
            at,
            taken: Taken::Distance(point),
            ..place
        })
    }
    /// A number of degrees, either way from nought.
    fn number(&mut self, most: i64) -> Result<Decimal, Fail> {
        let Tok::Number(degrees) = self.peek().tok else {
            return Err(self.unexpected());
        };
        if degrees.abs() > Decimal::from(most) {
            return Err(self.refused("Invalid value for GEOLOCATION: a latitude is from -90 to 90, a longitude from -180 to 180"));
        }
        self.next += 1;
        Ok(degrees)
    }
    /// What stands behind the bracket of a date function.
    fn date_call(&mut self, function: DateFunction, at: usize) -> Result<Path, Fail> {
        let mut inner = self.path()?;
        // Users live in UTC here, so nothing is converted.
        if inner.last().eq_ignore_ascii_case("convertTimezone") && self.sign("(") {
            inner = self.path()?;
            self.need(")")?;
        }
        self.need(")")?;
        Ok(Path {
            at,
            taken: Taken::Date(function),
            ..inner
        })
    }
    /// A path, a date function, or an aggregate: what HAVING and ORDER BY take.
    pub(super) fn grouped(&mut self) -> Result<Path, Fail> {
        let path = self.expression()?;
        // Labels are the values themselves in this org, and there is one currency.
        let kept = ["toLabel", "convertCurrency"];
        if kept.iter().any(|f| path.text().eq_ignore_ascii_case(f)) && self.sign("(") {
            let inner = self.path()?;
            self.need(")")?;
            return Ok(inner);
        }
        let function = aggregate_named(&path.text()).filter(|_| path.taken == Taken::Itself);
        let Some(function) = function.filter(|_| self.sign("(")) else {
            return Ok(path);
        };
        if function == Function::Count && self.sign(")") {
            return Ok(Path {
                parts: Vec::new(),
                at: path.at,
                taken: Taken::Aggregate(function),
            });
        }
        let inner = self.path()?;
        self.need(")")?;
        Ok(Path {
            at: path.at,
            taken: Taken::Aggregate(function),
            ..inner
        })
    }
}
