//! Checks of a row by values: there and back on samples and picklists, and lists of values.

use super::Checker;
use super::fields::way;
use crate::domain::mapping::{Flow, Row};
use crate::domain::reconcile::{cell_of, is_blank, same_cell};
use crate::domain::schema::FieldInfo;
use crate::domain::transform::{Chain, NoLookup, Side, Step};
use crate::domain::value::{Cell, FieldKind, Value};

impl Checker<'_> {
    pub(super) fn row_values(&mut self, row: &Row) {
        self.lossy_steps(row);
        let crm: Option<Vec<FieldInfo>> = self.object.and_then(|object| {
            let fields = row.crm.iter().map(|f| object.field(f.as_str()).cloned());
            fields.collect()
        });
        let Some(crm) = crm else { return };
        if let [field] = crm.as_slice() {
            self.listed_values(row, field);
        }
        // What other records say cannot be tried here.
        let asks = |chain: &Chain| {
            let steps = &chain.0;
            steps
                .iter()
                .any(|s| matches!(s, Step::Link(_) | Step::User | Step::UserOr(_)))
        };
        if asks(&row.to_crm) || asks(&row.to_app) {
            return;
        }
        let trial = Trial {
            row,
            app: row.app.iter().map(|f| self.pair.app_kind(f)).collect(),
            crm: crm.iter().map(|f| f.kind).collect(),
        };
        if let [field] = crm.as_slice()
            && field.kind == FieldKind::Picklist
        {
            self.picklist(&trial, field);
        }
        self.samples(&trial);
    }

    /// Steps that cannot be meant in both directions.
    fn lossy_steps(&mut self, row: &Row) {
        if !two_way(row) {
            return;
        }
        for step in &row.to_app.0 {
            if let Step::Cut(_) = step {
                self.fail(
                    Some(row),
                    format!(
                        "{step} also runs toward the App, so a longer value of Salesforce would \
                         come back cut and be lost with the next edit"
                    ),
                    "set the direction to -->, or leave the way to the App empty",
                );
            }
        }
        for toward in [Side::Crm, Side::App] {
            for step in &row.chain(toward).0 {
                if let Step::Constant(_) = step {
                    self.fail(
                        Some(row),
                        format!(
                            "{step} on the way {} replaces every value, so the two sides never \
                             agree",
                            way(toward)
                        ),
                        "set the direction one-way, or remove the step",
                    );
                }
            }
        }
    }

    /// What a chain can give, against the list of values of the field.
    fn listed_values(&mut self, row: &Row, field: &FieldInfo) {
        if field.picklist.is_empty() || field.kind != FieldKind::Picklist {
            return;
        }
        if row.flow.writes(Side::Crm) {
            let outputs = outputs(&row.to_crm);
            let name = &field.name;
            for value in outputs.iter().flatten() {
                if field.picklist.iter().any(|p| p == value) {
                    continue;
                }
                let text = format!("{name} has no value {value:?} in its list");
                let fix = format!("use one of: {}", some(&field.picklist));
                if field.restricted {
                    self.fail(Some(row), text, fix);
                } else {
                    self.warn(Some(row), format!("{text}; it would become a new one"), fix);
                }
            }
            if outputs.is_none() && field.restricted {
                self.warn(
                    Some(row),
                    format!(
                        "{name} takes only the values of its list; any other App value is refused"
                    ),
                    "add a map(...) on the way to Salesforce, with * for everything else",
                );
            }
        }
        if row.flow.writes(Side::App)
            && let Some(Step::Map { pairs, .. }) = row.to_app.0.first()
        {
            for (from, _) in pairs {
                if !field.picklist.contains(from) {
                    self.warn(
                        Some(row),
                        format!("{} has no value {from:?} in its list", field.name),
                        format!("use one of: {}", some(&field.picklist)),
                    );
                }
            }
        }
    }

    /// Every value of the list goes to the App and comes back.
    fn picklist(&mut self, trial: &Trial<'_>, field: &FieldInfo) {
        if !trial.row.flow.writes(Side::App) {
            return;
        }
        let mut lossy = Vec::new();
        let mut broken: Vec<(String, Broken)> = Vec::new();
        for value in &field.picklist {
            let cell = vec![Value::text(value.clone())];
            match trial.there_and_back(Side::App, &cell) {
                Ok(Rest::Same) => {}
                Ok(Rest::Other(back)) => lossy.push((value.clone(), show(&back))),
                Ok(Rest::Never(back)) => {
                    self.restless(trial.row, &cell, &back);
                    return;
                }
                Err(error) => broken.push((value.clone(), error)),
            }
        }
        if let Some((_, Broken { toward, why })) = broken.first() {
            let values: Vec<String> = broken.iter().map(|(value, _)| value.clone()).collect();
            self.fail(
                Some(trial.row),
                format!("{} can hold {}: {why}", field.name, some(&values)),
                format!(
                    "add them to the map on the way {}, or * for everything else",
                    way(*toward)
                ),
            );
        }
        if let Some((value, back)) = lossy.first() {
            self.warn(
                Some(trial.row),
                format!(
                    "{} of {} values of {} come back as another one, such as {value:?} as {back}; \
                     an App edit of this field would replace them",
                    lossy.len(),
                    field.picklist.len(),
                    field.name
                ),
                "give each value its own counterpart, or leave it so: nothing is written \
                 until the App's value changes",
            );
        }
    }

    /// Every sample goes to the other side and comes back.
    fn samples(&mut self, trial: &Trial<'_>) {
        let row = trial.row;
        for from in [Side::Crm, Side::App] {
            let toward = from.other();
            if !row.flow.writes(toward) {
                continue;
            }
            let cells: Vec<Cell> = self
                .samples
                .iter()
                .filter_map(|(app, crm)| match from {
                    Side::App => cell_of(from, &row.app, app.as_ref()?),
                    Side::Crm => cell_of(from, &row.crm, crm.as_ref()?),
                })
                .filter(|cell| !is_blank(cell))
                .collect();
            let mut lossy = Vec::new();
            let mut broken = Vec::new();
            for cell in &cells {
                match trial.there_and_back(toward, cell) {
                    Ok(Rest::Same) => {}
                    Ok(Rest::Other(back)) => lossy.push((cell, back)),
                    Ok(Rest::Never(back)) => {
                        self.restless(row, cell, &back);
                        return;
                    }
                    Err(error) => broken.push(error),
                }
            }
            if let Some((cell, back)) = lossy.first() {
                self.warn(
                    Some(row),
                    format!(
                        "there and back does not give the same value for {} of {} samples, such \
                         as {}, which comes back as {}",
                        lossy.len(),
                        cells.len(),
                        show(cell),
                        show(back)
                    ),
                    "nothing is written until the other side's value changes; set the direction \
                     one-way if that is not wanted",
                );
            }
            if let Some(Broken { toward, why }) = broken.first() {
                self.warn(
                    Some(row),
                    format!(
                        "{} of {} samples cannot go {}: {why}",
                        broken.len(),
                        cells.len(),
                        way(*toward)
                    ),
                    "change the steps so that they take every value; these records would fail",
                );
            }
        }
    }

    fn restless(&mut self, row: &Row, cell: &[Value], back: &[Value]) {
        self.fail(
            Some(row),
            format!(
                "{} comes back as {} and changes again each time it goes round",
                show(cell),
                show(back)
            ),
            "undo on one way what the other does, such as strip_prefix for prefix",
        );
    }
}

/// A row with the kinds of its fields.
struct Trial<'a> {
    row: &'a Row,
    app: Vec<FieldKind>,
    crm: Vec<FieldKind>,
}

/// Where a value ends that goes to the other side and back.
enum Rest {
    /// Where it was, or the row is one-way.
    Same,
    /// At another value, which stays.
    Other(Cell),
    /// Nowhere: it changes with each round.
    Never(Cell),
}

/// A value that cannot go on.
struct Broken {
    toward: Side,
    why: String,
}

impl Trial<'_> {
    fn there_and_back(&self, toward: Side, cell: &[Value]) -> Result<Rest, Broken> {
        let other = self.go(toward, cell)?;
        if !two_way(self.row) {
            return Ok(Rest::Same);
        }
        let home = toward.other();
        let kinds = match home {
            Side::App => &self.app,
            Side::Crm => &self.crm,
        };
        let back = self.go(home, &other)?;
        if same_cell(kinds, &back, cell) {
            return Ok(Rest::Same);
        }
        let again = self.go(home, &self.go(toward, &back)?)?;
        Ok(if same_cell(kinds, &again, &back) {
            Rest::Other(back)
        } else {
            Rest::Never(back)
        })
    }

    fn go(&self, toward: Side, cell: &[Value]) -> Result<Cell, Broken> {
        let gone = self.row.chain(toward).apply(toward, cell, &NoLookup);
        gone.map_err(|error| Broken {
            toward,
            why: error.to_string(),
        })
    }
}

/// Whether values go round. Appended text does not: it only grows.
fn two_way(row: &Row) -> bool {
    row.flow.writes(Side::Crm) && row.flow.writes(Side::App) && row.flow != Flow::AppendBoth
}

/// Everything a chain can give, when its last step that matters names it.
fn outputs(chain: &Chain) -> Option<Vec<String>> {
    match chain.0.last()? {
        Step::Map { pairs, other } => {
            let named = pairs.iter().map(|(_, to)| to).chain(other);
            Some(named.filter(|to| !to.is_empty()).cloned().collect())
        }
        Step::Constant(text) => Some(vec![text.clone()]),
        _ => None,
    }
}

fn show(cell: &[Value]) -> String {
    let shown = cell.iter().map(|value| match value {
        Value::Null => "(null)".to_owned(),
        value => format!(
            "{:?}",
            value.to_string().chars().take(40).collect::<String>()
        ),
    });
    shown.collect::<Vec<_>>().join(" + ")
}

fn some(values: &[String]) -> String {
    const SHOWN: usize = 6;
    let mut text = values
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if values.len() > SHOWN {
        text.push_str(&format!(" and {} more", values.len() - SHOWN));
    }
    text
}
