//! The rows as JSON for machines and as a table for people.

use std::fmt::Write;

use serde::Serialize;

use crate::{measure::Summary, rows::RowName};

/// One measured row.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Which.
    pub(crate) row: RowName,
    /// Of `value` and `baseline`.
    pub(crate) unit: &'static str,
    /// The platform's figure: the median over the rounds.
    pub(crate) value: f64,
    /// The native twin's.
    pub(crate) baseline: f64,
    /// `value / baseline`.
    pub(crate) ratio: f64,
    /// Requests that failed, over all rounds, where the row makes requests under load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<u64>,
    /// The quartiles of the rounds' ratios.
    #[serde(skip)]
    pub(crate) spread: (f64, f64),
    /// More that the row found, for people.
    #[serde(skip)]
    pub(crate) notes: Vec<String>,
}

impl Row {
    pub(crate) fn new(row: RowName, unit: &'static str, summary: Summary) -> Self {
        let Summary { value, baseline, ratio, spread } = summary;
        Self { row, unit, value, baseline, ratio, failed: None, spread, notes: Vec::new() }
    }

    pub(crate) fn failed(mut self, failed: u64) -> Self {
        self.failed = Some(failed);
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Whether the row is where it has to be.
    pub(crate) fn reaches_target(&self) -> bool {
        self.failed.unwrap_or_default() == 0 && self.row.target().is_none_or(|target| target.reached(self))
    }
}

/// Where a row has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// Its ratio, at least.
    RatioAtLeast(f64),
    /// Its ratio, at most.
    RatioAtMost(f64),
    /// Its value, at most.
    ValueAtMost(f64),
}

impl Target {
    fn reached(self, row: &Row) -> bool {
        match self {
            Self::RatioAtLeast(least) => row.ratio >= least,
            Self::RatioAtMost(most) => row.ratio <= most,
            Self::ValueAtMost(most) => row.value <= most,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RatioAtLeast(least) => write!(f, "ratio ≥ {least}"),
            Self::RatioAtMost(most) => write!(f, "ratio ≤ {most}"),
            Self::ValueAtMost(most) => write!(f, "value ≤ {most}"),
        }
    }
}

/// The rows as a table, with what each found beneath it.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines =
        vec![["row", "value", "baseline", "unit", "ratio", "quartiles", "failed", "target", ""].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        [
            row.row.to_string(),
            figure(row.value),
            figure(row.baseline),
            row.unit.to_owned(),
            figure(row.ratio),
            format!("{} – {}", figure(row.spread.0), figure(row.spread.1)),
            row.failed.map(|failed| failed.to_string()).unwrap_or_default(),
            row.row.target().map(|target| target.to_string()).unwrap_or_default(),
            if row.reaches_target() { "ok" } else { "MISSED" }.to_owned(),
        ]
    }));
    let widths: [usize; 9] = std::array::from_fn(|column| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
    });
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let mut out = String::new();
        for (cell, (column, width)) in line.iter().zip(widths.iter().enumerate()) {
            // Numbers to the right, words to the left.
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            let number = matches!(column, 1 | 2 | 4 | 6);
            out.push_str(&if number { format!("{padding}{cell}  ") } else { format!("{cell}{padding}  ") });
        }
        text.push_str(out.trim_end());
        text.push('\n');
        let row = index.checked_sub(1).and_then(|index| rows.get(index));
        for note in row.into_iter().flat_map(|row| &row.notes) {
            // Writing to a String can't fail.
            let _ = writeln!(text, "    {note}");
        }
    }
    text
}

/// A number with three significant digits or more.
pub(crate) fn figure(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(row: RowName, value: f64, baseline: f64) -> Row {
        Row::new(row, "requests/s", Summary { value, baseline, ratio: value / baseline, spread: (0.7, 0.9) })
    }

    #[test]
    fn json_has_the_documented_names() {
        let rows = [row(RowName::HttpNoop, 80.0, 100.0), row(RowName::Swap, 1.5, 1.0).failed(0).note("x")];
        assert_eq!(
            serde_json::to_string(&rows).unwrap(),
            r#"[{"row":"http-noop","unit":"requests/s","value":80.0,"baseline":100.0,"ratio":0.8},{"row":"swap","unit":"requests/s","value":1.5,"baseline":1.0,"ratio":1.5,"failed":0}]"#
        );
    }

    #[test]
    fn a_target_is_missed_by_the_ratio_the_value_or_a_failure() {
        assert!(row(RowName::HttpNoop, 65.0, 100.0).reaches_target());
        assert!(!row(RowName::HttpNoop, 64.0, 100.0).reaches_target());
        assert!(!row(RowName::HttpNoop, 99.0, 100.0).failed(1).reaches_target());
        assert!(row(RowName::Swap, 2.0, 1.0).failed(0).reaches_target());
        assert!(!row(RowName::Swap, 2.1, 1.0).failed(0).reaches_target());
        assert!(row(RowName::ServiceCall, 15.0, 1.0).reaches_target());
        assert!(!row(RowName::ServiceCall, 15.1, 100.0).reaches_target());
    }

    #[test]
    fn the_table_lines_up() {
        let rows = [row(RowName::HttpNoop, 80_000.0, 100_000.0).note("more"), row(RowName::Edge, 0.5, 12.25)];
        let table = table(&rows);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "row        value  baseline  unit        ratio  quartiles      failed  target");
        assert_eq!(lines[1], "http-noop  80000    100000  requests/s  0.800  0.700 – 0.900          ratio ≥ 0.65  ok");
        assert_eq!(lines[2], "    more");
        assert_eq!(
            lines[3],
            "edge       0.500      12.2  requests/s  0.041  0.700 – 0.900          ratio ≥ 0.75  MISSED"
        );
    }
}
