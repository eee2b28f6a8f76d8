//! Amounts and their currency, in an org that has several (sync-semantics 5.3, 22).
//!
//! Says which rows cannot be trusted with an amount; changes no mapping. Invariant: an amount is
//! written together with its currency or not at all, so that no side ever holds the number of one
//! version and the currency of another.

use super::id::FieldName;
use super::mapping::{Pair, Row};
use super::reconcile::same_cell;
use super::schema::ObjectInfo;
use super::transform::Side;
use super::value::{FieldKind, Value};

/// Holds the currency of all amounts of a record; there is one only where the org has several
/// (salesforce-api 2.3).
pub const CURRENCY: &str = "CurrencyIsoCode";

fn carries(row: &Row) -> bool {
    row.crm.iter().any(|field| field.as_str() == CURRENCY)
}

/// The amount of a row that is kept apart from its currency. One that is only read may have its
/// currency in another row that is read as well.
pub fn apart<'r>(pair: &Pair, row: &'r Row, object: &ObjectInfo) -> Option<&'r FieldName> {
    object.field(CURRENCY)?;
    let is_amount = |field: &&FieldName| {
        let field = object.field(field.as_str());
        field.is_some_and(|field| field.money)
    };
    let amount = row.crm.iter().find(is_amount)?;
    let read_too = || {
        let mut rows = pair.active();
        rows.any(|other| carries(other) && other.flow.writes(Side::App))
    };
    let together = carries(row) || (!row.flow.writes(Side::Crm) && read_too());
    (!together).then_some(amount)
}

/// What helps where an amount is apart.
pub fn fix(amount: &FieldName) -> String {
    format!(
        "Put both into one row: {amount} + {CURRENCY}, and two fields of the App; an amount that is \
         only read needs a row that reads {CURRENCY}"
    )
}

/// Whether the App has the amounts of a row and not yet their currency: it is no difference between
/// the sides that it gets it. `came` is what the CRM's values are for the App.
pub fn is_all_that_lacks(row: &Row, kinds: &[FieldKind], app: &[Value], came: &[Value]) -> bool {
    if row.app.len() != row.crm.len() || app.len() != came.len() || app.len() != kinds.len() {
        return false;
    }
    let mut fields = row.crm.iter().zip(kinds).zip(app.iter().zip(came));
    carries(row)
        && fields.all(|((field, kind), (is, came))| {
            let kind = std::slice::from_ref(kind);
            let [is, came] = [is, came].map(std::slice::from_ref);
            match field.as_str() == CURRENCY {
                true => is.iter().all(Value::is_null),
                false => same_cell(kind, is, came),
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mapping::{Flow, Foreign};
    use crate::domain::preset::preset;
    use crate::domain::schema::FieldInfo;

    fn deals(currencies: &[&str]) -> ObjectInfo {
        let money = |name: &str| FieldInfo {
            money: true,
            ..FieldInfo::new(name, FieldKind::Number { scale: 2 }, 0)
        };
        let codes = currencies.iter();
        let codes = codes.map(|name| FieldInfo::new(*name, FieldKind::Picklist, 3));
        let name = FieldInfo::new("Name", FieldKind::Text, 80);
        let fields = [money("Amount"), money("ExpectedRevenue"), name];
        let fields = fields.into_iter().chain(codes);
        ObjectInfo {
            name: "Opportunity".into(),
            label: "Opportunity".into(),
            createable: true,
            updateable: true,
            deletable: true,
            triggerable: true,
            fields: fields.map(|f| (f.name.clone(), f)).collect(),
        }
    }

    /// A pair with these rows, by their fields in the CRM.
    fn pair(rows: &[(&[&str], Flow)]) -> Pair {
        let mut pair = preset("whole-crm").unwrap().remove(0);
        let template = pair.rows[0].clone();
        let rows = rows.iter().enumerate();
        pair.rows = rows
            .map(|(n, (fields, flow))| Row {
                id: crate::domain::id::RowId(n as u16 + 1),
                app: fields
                    .iter()
                    .map(|f| FieldName::new(f.to_lowercase()))
                    .collect(),
                crm: fields.iter().copied().map(FieldName::new).collect(),
                flow: *flow,
                ..template.clone()
            })
            .collect();
        pair
    }

    #[test]
    fn an_amount_needs_its_currency_where_there_are_several() {
        let read = Flow::ToApp(Foreign::Keep);
        for (rows, want) in [
            (vec![(&["Amount"][..], Flow::Both)], Some("Amount")),
            (vec![(&["Amount"], read)], Some("Amount")),
            (vec![(&["Name"], Flow::Both)], None),
            (vec![(&["Amount", CURRENCY], Flow::Both)], None),
            (
                vec![(&["Amount"], Flow::Both), (&[CURRENCY], Flow::Both)],
                Some("Amount"),
            ),
            (vec![(&["Amount"], read), (&[CURRENCY], Flow::Both)], None),
            (
                vec![
                    (&["ExpectedRevenue"], read),
                    (&["Amount", CURRENCY], Flow::Both),
                ],
                None,
            ),
            (
                vec![
                    (&["Amount"], read),
                    (&[CURRENCY], Flow::ToCrm(Foreign::Keep)),
                ],
                Some("Amount"),
            ),
        ] {
            let pair = pair(&rows);
            let one = |object: &ObjectInfo| {
                apart(&pair, &pair.rows[0], object).map(|f| f.as_str().to_owned())
            };
            let (several, one_currency) = (deals(&[CURRENCY]), deals(&[]));
            assert_eq!(one(&several).as_deref(), want, "{rows:?}");
            assert_eq!(one(&one_currency), None, "{rows:?}");
        }
    }

    #[test]
    fn a_currency_that_lacks_is_no_difference_and_another_amount_is() {
        let pair = pair(&[(&["Amount", CURRENCY], Flow::Both)]);
        let kinds = [FieldKind::Number { scale: 2 }, FieldKind::Text];
        let number = |n: i64| Value::Number(n.into());
        let came = [number(100), Value::text("EUR")];
        let lacks = |app: [Value; 2]| is_all_that_lacks(&pair.rows[0], &kinds, &app, &came);
        assert!(lacks([number(100), Value::Null]));
        assert!(!lacks([number(101), Value::Null]));
        assert!(!lacks([number(100), Value::text("USD")]));
        assert!(!lacks([Value::Null, Value::Null]));
    }
}
