//! Columns that line up.

use crate::report::terminal::style::Style;
use crate::report::text::{columns, shorten_middle};
use crate::report::words::Meaning;

/// A table whose last column may take what is left of the line.
pub(super) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// One cell: its text, and what it means.
pub(super) struct Cell {
    text: String,
    meaning: Meaning,
    numeric: bool,
}

impl Cell {
    /// Plain text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::meaning(text, Meaning::Quiet)
    }

    /// Text in the colour of its meaning.
    pub(super) fn meaning(text: impl Into<String>, meaning: Meaning) -> Self {
        Self { text: text.into(), meaning, numeric: false }
    }

    /// A figure, set flush right.
    pub(super) fn figure(text: impl Into<String>) -> Self {
        Self { text: text.into(), meaning: Meaning::Quiet, numeric: true }
    }
}

impl Table {
    /// An empty table.
    pub(super) fn new(header: impl Into<Vec<&'static str>>) -> Self {
        Self { header: header.into(), rows: Vec::new() }
    }

    /// Adds a row; it has as many cells as the header.
    pub(super) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    /// Returns the lines, each at most `width` columns wide and indented by two.
    /// The column `give` is cut in its middle where the line would be too wide.
    pub(super) fn lines(&self, style: Style, width: usize, give: usize) -> Vec<String> {
        let mut widths: Vec<usize> = self.header.iter().map(|name| columns(name)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(columns(&cell.text));
            }
        }
        let needed: usize = widths.iter().map(|width| width + 2).sum();
        let excess = needed.saturating_sub(width);
        if let Some(column) = widths.get_mut(give) {
            *column = column.saturating_sub(excess).max(12);
        }
        let mut lines = vec![style.faint(&self.line(&widths, |column, width| {
            let name = self.header[column];
            let numeric = self.rows.first().is_some_and(|row| row[column].numeric);
            let pad = " ".repeat(width.saturating_sub(columns(name)));
            if numeric { format!("{pad}{name}") } else { format!("{name}{pad}") }
        }))];
        for row in &self.rows {
            lines.push(self.line(&widths, |column, width| {
                let cell = &row[column];
                let text = shorten_middle(&cell.text, width);
                let pad = " ".repeat(width.saturating_sub(columns(&text)));
                let shown = style.meaning(cell.meaning, &text);
                if cell.numeric { format!("{pad}{shown}") } else { format!("{shown}{pad}") }
            }));
        }
        lines
    }

    fn line(&self, widths: &[usize], cell: impl Fn(usize, usize) -> String) -> String {
        let mut line = String::new();
        for (column, &width) in widths.iter().enumerate().take(self.header.len()) {
            line.push_str("  ");
            line.push_str(&cell(column, width));
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_given_column_is_cut_and_the_rest_lines_up() {
        let mut table = Table::new(["charm", "verdict", "ms"]);
        table.row([
            Cell::text("canonical/kfp-operators/charms/kfp-ui"),
            Cell::text("regressed"),
            Cell::figure("7"),
        ]);
        table.row([Cell::text("a"), Cell::text("fixed"), Cell::figure("1200")]);
        assert_eq!(
            table.lines(Style::Plain, 40, 0),
            [
                "  charm                  verdict      ms",
                "  canoni…/charms/kfp-ui  regressed     7",
                "  a                      fixed      1200",
            ]
        );
    }
}
