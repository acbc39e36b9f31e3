//! Tables of text: columns as wide as what is in them, two spaces apart.
//!
//! A column spans lines that follow each other and have it; a line without columns, an empty one
//! for instance, ends them all. What stands last in a line belongs to no column, and is not
//! padded.

use super::colour::{Colour, RESET};

/// How many spaces stand between columns.
const PADDING: usize = 2;

/// A table that is being written, left to right and line by line.
#[derive(Debug, Default)]
pub struct Table {
    is_coloured: bool,
    is_all_aligned_right: bool,
    /// Lines that are laid out already.
    text: String,
    lines: Vec<Vec<String>>,
    cell: String,
    cells: Vec<String>,
    columns_aligned_right: Vec<usize>,
}

impl Table {
    /// Returns an empty table; colours asked for are left out unless `is_coloured`.
    pub fn new(is_coloured: bool) -> Self {
        Self { is_coloured, ..Self::default() }
    }

    /// Whether colours are written.
    pub fn is_coloured(&self) -> bool {
        self.is_coloured
    }

    /// Lays out what was written, and aligns all columns to the right from here on.
    pub fn align_all_right(&mut self) {
        self.flush();
        self.is_all_aligned_right = true;
    }

    /// Aligns a column to the right until the next line without columns.
    pub fn align_right(&mut self, column: usize) {
        self.columns_aligned_right.push(column);
    }

    /// Writes text that goes on where the last ended. A tab in it ends a cell, a line end a line.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for piece in text.split_inclusive(['\t', '\n']) {
            if let Some(rest) = piece.strip_suffix('\t') {
                self.cell.push_str(rest);
                self.cells.push(std::mem::take(&mut self.cell));
            } else if let Some(rest) = piece.strip_suffix('\n') {
                self.cell.push_str(rest);
                self.end_line();
            } else {
                self.cell.push_str(piece);
            }
        }
        self
    }

    /// Writes coloured text that goes on where the last ended.
    pub fn text_in(&mut self, colour: Colour, text: &str) -> &mut Self {
        if !self.is_coloured {
            return self.text(text);
        }
        self.cell.push_str(colour.sequence());
        self.text(text);
        self.cell.push_str(RESET);
        self
    }

    /// Writes a cell.
    pub fn cell(&mut self, text: &str) -> &mut Self {
        self.text(text).text("\t")
    }

    /// Writes a coloured cell.
    pub fn cell_in(&mut self, colour: Colour, text: &str) -> &mut Self {
        self.text_in(colour, &format!("{text}\t"))
    }

    /// Writes a cell with a status, in its colour if it has one.
    pub fn status(&mut self, status: &str) -> &mut Self {
        match Colour::of_status(status) {
            Some(colour) => self.cell_in(colour, status),
            None => self.cell(status),
        }
    }

    /// Writes cells, and ends the line behind the last.
    pub fn line(&mut self, cells: &[&str]) -> &mut Self {
        self.text(&cells.join("\t"));
        self.text("\n")
    }

    /// Writes a line of headers.
    pub fn headers(&mut self, headers: &[&str]) -> &mut Self {
        for (index, header) in headers.iter().enumerate() {
            if index + 1 < headers.len() {
                self.cell_in(Colour::Bold, header);
            } else {
                self.text_in(Colour::Bold, header);
            }
        }
        self.text("\n")
    }

    /// Returns the table as text.
    pub fn finish(mut self) -> String {
        self.flush();
        self.text
    }

    fn end_line(&mut self) {
        let mut line = std::mem::take(&mut self.cells);
        line.push(std::mem::take(&mut self.cell));
        let ends_columns = line.len() == 1;
        self.lines.push(line);
        if ends_columns {
            self.flush();
        }
    }

    /// Lays out the lines written so far; alignments hold no longer.
    pub fn flush(&mut self) {
        // What has no line end yet is laid out with the lines before it.
        let has_open_line = !self.cell.is_empty() || !self.cells.is_empty();
        if has_open_line {
            let mut line = std::mem::take(&mut self.cells);
            line.push(std::mem::take(&mut self.cell));
            self.lines.push(line);
        }
        let lines = std::mem::take(&mut self.lines);
        let widths = widths(&lines);
        for (index, line) in lines.iter().enumerate() {
            for (column, cell) in line.iter().enumerate() {
                if column + 1 == line.len() {
                    self.text.push_str(cell);
                } else {
                    let spaces = widths[index][column] - width(cell);
                    self.put(cell, column, spaces);
                }
            }
            if !(has_open_line && index + 1 == lines.len()) {
                self.text.push('\n');
            }
        }
        self.columns_aligned_right.clear();
    }

    fn put(&mut self, cell: &str, column: usize, spaces: usize) {
        let (before, after) = if self.columns_aligned_right.contains(&column) {
            (spaces - PADDING, PADDING)
        } else if self.is_all_aligned_right {
            (spaces, 0)
        } else {
            (0, spaces)
        };
        self.text.push_str(&" ".repeat(before));
        self.text.push_str(cell);
        self.text.push_str(&" ".repeat(after));
    }
}

/// The width of each column in each line, the space behind it included.
fn widths(lines: &[Vec<String>]) -> Vec<Vec<usize>> {
    let mut widths: Vec<Vec<usize>> =
        lines.iter().map(|line| vec![0; line.len().saturating_sub(1)]).collect();
    let columns = widths.iter().map(Vec::len).max().unwrap_or_default();
    for column in 0..columns {
        let mut begin = 0;
        while begin < lines.len() {
            let end = begin + widths[begin..].iter().take_while(|columns| columns.len() > column).count();
            let widest = lines[begin..end].iter().map(|line| width(&line[column])).max();
            for line in &mut widths[begin..end] {
                line[column] = widest.unwrap_or_default() + PADDING;
            }
            begin = end.max(begin + 1);
        }
    }
    widths
}

/// How many characters people see: colours are none.
fn width(cell: &str) -> usize {
    let mut count = 0;
    let mut rest = cell;
    while let Some(character) = rest.chars().next() {
        if let Some(sequence) = rest.strip_prefix("\u{1b}[") {
            rest = sequence.split_once('m').map_or("", |(_, behind)| behind);
        } else {
            count += 1;
            rest = &rest[character.len_utf8()..];
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(false);
        table.headers(&["App", "Scale", "Message"]);
        table.align_right(1);
        table.line(&["tinyproxy", "1", "ready"]).line(&["a", "10", ""]).line(&[]);
        table.headers(&["Unit", "Message"]).line(&["a/0", "größer"]);
        assert_eq!(
            table.finish(),
            "App        Scale  Message\ntinyproxy      1  ready\na             10  \n\n\
             Unit  Message\na/0   größer\n"
        );
    }

    #[test]
    fn colours_take_no_room() {
        let mut table = Table::new(true);
        table.cell_in(Colour::Green, "a").text("b\n").cell("ccc").text("d\n");
        assert_eq!(table.finish(), "\u{1b}[32ma    \u{1b}[0mb\nccc  d\n");
    }

    #[test]
    fn a_column_ends_where_a_line_lacks_it() {
        let mut table = Table::new(false);
        table.line(&["wide column", "x", "y"]).line(&["a", "b"]).line(&["c", "wider", "d"]);
        assert_eq!(table.finish(), "wide column  x  y\na            b\nc            wider  d\n");
    }

    #[test]
    fn all_columns_can_be_aligned_right() {
        let mut table = Table::new(false);
        table.align_all_right();
        table.text("# Units:\t(4)\t\n").text("active:\t 3 \t\n");
        assert_eq!(table.finish(), "  # Units:  (4)\n   active:   3 \n");
    }

    proptest! {
        #[test]
        fn no_text_is_lost(cells in prop::collection::vec(prop::collection::vec("[a-z]{0,6}", 1..5), 0..8)) {
            let mut table = Table::new(false);
            for line in &cells {
                table.line(&line.iter().map(String::as_str).collect::<Vec<_>>());
            }
            let squeezed = table.finish().replace(' ', "");
            let expected: String = cells.iter().map(|line| line.concat() + "\n").collect();
            prop_assert_eq!(squeezed, expected);
        }
    }
}
