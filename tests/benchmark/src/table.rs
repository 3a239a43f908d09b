//! The table that is printed.

use std::fmt;

/// What a figure that could not be had begins with.
const UNMEASURED: &str = "cannot be measured: ";

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was measured.
    pub figure: String,
    /// What came of it.
    pub measured: String,
    /// What it should be; empty where there is no target.
    pub target: String,
    /// Whether it is that; `None` where there is no target.
    pub met: Option<bool>,
}

impl Row {
    /// A figure with a target.
    pub fn new(
        figure: impl Into<String>,
        measured: impl Into<String>,
        target: impl Into<String>,
        met: bool,
    ) -> Self {
        Self { figure: figure.into(), measured: measured.into(), target: target.into(), met: Some(met) }
    }

    /// A figure that could not be had.
    pub fn unmeasured(figure: impl Into<String>, error: &std::io::Error) -> Self {
        Self { measured: format!("{UNMEASURED}{error}"), met: Some(false), ..Self::note(figure, "") }
    }

    /// Whether it could not be had.
    pub fn is_unmeasured(&self) -> bool {
        self.measured.starts_with(UNMEASURED)
    }

    /// What is worth knowing and has no target.
    pub fn note(figure: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { figure: figure.into(), measured: measured.into(), target: String::new(), met: None }
    }
}

/// All of them, as Markdown with aligned columns.
#[derive(Debug, Default)]
pub struct Table(pub Vec<Row>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<[&str; 4]> = self
            .0
            .iter()
            .map(|row| {
                let met = row.met.map_or("", |met| if met { "yes" } else { "NO" });
                [row.figure.as_str(), row.measured.as_str(), row.target.as_str(), met]
            })
            .collect();
        let head = ["figure", "measured", "target", "met"];
        let mut widths = head.map(str::len);
        for row in &cells {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut line = |row: &[&str; 4]| {
            write!(f, "|")?;
            for (cell, &width) in row.iter().zip(&widths) {
                write!(f, " {cell:width$} |")?;
            }
            writeln!(f)
        };
        line(&head)?;
        let rules = widths.map(|width| "-".repeat(width));
        line(&[&rules[0], &rules[1], &rules[2], &rules[3]])?;
        cells.iter().try_for_each(line)
    }
}
