//! Date functions of a value: `CALENDAR_YEAR(CreatedDate)` and its kin, in UTC.

use std::sync::LazyLock;

use jiff::civil::Date;

use crate::sandbox::{
    schema::{Field, Kind},
    time::{DAY, civil_of},
    value::Ref,
};

/// A function of a date or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateFunction {
    CalendarYear,
    CalendarQuarter,
    CalendarMonth,
    WeekInYear,
    WeekInMonth,
    DayInYear,
    DayInMonth,
    /// Sunday is 1.
    DayInWeek,
    HourInDay,
    DayOnly,
}

static NUMBER: LazyLock<Field> = LazyLock::new(|| Field::computed("expr", Kind::Double));
static DAY_FIELD: LazyLock<Field> = LazyLock::new(|| Field::computed("expr", Kind::Date));

impl DateFunction {
    /// The function of a name; the fiscal year is the calendar's.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "CALENDAR_YEAR" | "FISCAL_YEAR" => Self::CalendarYear,
            "CALENDAR_QUARTER" | "FISCAL_QUARTER" => Self::CalendarQuarter,
            "CALENDAR_MONTH" | "FISCAL_MONTH" => Self::CalendarMonth,
            "WEEK_IN_YEAR" => Self::WeekInYear,
            "WEEK_IN_MONTH" => Self::WeekInMonth,
            "DAY_IN_YEAR" => Self::DayInYear,
            "DAY_IN_MONTH" => Self::DayInMonth,
            "DAY_IN_WEEK" => Self::DayInWeek,
            "HOUR_IN_DAY" => Self::HourInDay,
            "DAY_ONLY" => Self::DayOnly,
            _ => return None,
        })
    }

    /// A field of the kind the function gives.
    pub fn field(self) -> &'static Field {
        match self {
            Self::DayOnly => &DAY_FIELD,
            _ => &NUMBER,
        }
    }

    /// The function's value; null for what is no date.
    pub fn of(self, value: Ref<'_>) -> Ref<'static> {
        let (days, seconds) = match value {
            Ref::Date(days) => (i64::from(days), 0),
            Ref::Stamp(at) => (at.div_euclid(DAY), at.rem_euclid(DAY)),
            _ => return Ref::Null,
        };
        let (year, month, day) = civil_of(days);
        let Ok(date) = Date::new(year as i16, month as i8, day as i8) else {
            return Ref::Null;
        };
        Ref::Int(match self {
            Self::CalendarYear => year,
            Self::CalendarQuarter => i64::from((month - 1) / 3 + 1),
            Self::CalendarMonth => i64::from(month),
            Self::WeekInYear => i64::from((date.day_of_year() - 1) / 7 + 1),
            Self::WeekInMonth => i64::from((day - 1) / 7 + 1),
            Self::DayInYear => i64::from(date.day_of_year()),
            Self::DayInMonth => i64::from(day),
            Self::DayInWeek => i64::from(date.weekday().to_sunday_one_offset()),
            Self::HourInDay => seconds / 3600,
            Self::DayOnly => return Ref::Date(days as i32),
        })
    }
}

/// A field for numbers that no field holds: counts, sums, averages.
pub fn number_field() -> &'static Field {
    &NUMBER
}
