//! `DISTANCE(Address, GEOLOCATION(37.8, -122.4), 'mi')`: how far a place is from a point.
//!
//! On a sphere, as the platform reckons. Knows nothing of fields: a place is a latitude and a
//! longitude. Invariant: a distance is never negative and never more than half round the earth.

use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive as _, ToPrimitive as _},
};

use super::ast::Op;

/// What a distance is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Miles,
    Kilometres,
}

impl Unit {
    /// `mi` or `km`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "mi" => Some(Self::Miles),
            "km" => Some(Self::Kilometres),
            _ => None,
        }
    }
    /// The radius of the earth.
    fn radius(self) -> f64 {
        match self {
            Self::Miles => 3958.761,
            Self::Kilometres => 6371.009,
        }
    }
}

/// A point, and the unit of distances to it. Degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    pub latitude: Decimal,
    pub longitude: Decimal,
    pub unit: Unit,
}

impl Point {
    /// How far a place is; none where a number is beyond reckoning.
    pub fn distance(self, latitude: Decimal, longitude: Decimal) -> Option<Decimal> {
        let radians = |degrees: Decimal| degrees.to_f64().map(f64::to_radians);
        let (a, b) = (radians(self.latitude)?, radians(latitude)?);
        let turned = radians(longitude)? - radians(self.longitude)?;
        let half = ((b - a) / 2.0).sin().powi(2) + a.cos() * b.cos() * (turned / 2.0).sin().powi(2);
        let angle = 2.0 * half.clamp(0.0, 1.0).sqrt().asin();
        Decimal::from_f64(angle * self.unit.radius())
    }
}

/// Whether a distance may be compared in this way.
pub fn compares(op: Op) -> bool {
    matches!(op, Op::Lt | Op::Le | Op::Gt | Op::Ge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(latitude: &str, longitude: &str, unit: Unit) -> Point {
        Point {
            latitude: latitude.parse().unwrap(),
            longitude: longitude.parse().unwrap(),
            unit,
        }
    }

    #[test]
    fn known_distances() {
        let berlin = point("52.5200", "13.4050", Unit::Kilometres);
        let paris = ("48.8566".parse().unwrap(), "2.3522".parse().unwrap());
        let km = berlin.distance(paris.0, paris.1).unwrap();
        assert!(
            (Decimal::from(875)..Decimal::from(880)).contains(&km),
            "{km}"
        );
        let miles = Point {
            unit: Unit::Miles,
            ..berlin
        };
        let mi = miles.distance(paris.0, paris.1).unwrap();
        assert!(
            (Decimal::from(543)..Decimal::from(547)).contains(&mi),
            "{mi}"
        );
        let itself = berlin.distance(berlin.latitude, berlin.longitude);
        assert_eq!(itself, Some(Decimal::ZERO));
        let far = berlin.distance(Decimal::MAX, Decimal::MIN);
        assert!(far.is_none_or(|d| d >= Decimal::ZERO && d < Decimal::from(20_100)));
    }
}
