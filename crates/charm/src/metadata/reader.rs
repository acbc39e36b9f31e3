//! The pen of the readers: it writes the notes, each with its place, its line
//! and a hint, and it reads the values that all sections have.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use super::scalar;
use super::{CharmFile, Origin};
use crate::spelling::{distance, nearest};
use crate::yaml::{Entry, Node, Value};
use crate::{Note, Place, Severity};

/// How many notes one charm is worth.
pub(super) const NOTES: usize = 100;
/// The longest piece of a file that a note quotes, in characters.
const QUOTED_CHARS: usize = 60;
/// The longest text of a note, in characters: what lies deep is named by all
/// that it lies in.
const TEXT_CHARS: usize = 400;
/// The shortest word that may be a misspelling of another.
const MISSPELT_BYTES: usize = 4;
/// How many typing mistakes one word may have.
const MISSPELT_EDITS: usize = 2;

/// Reads values and takes notes.
pub(super) struct Reader<'a> {
    /// The file that is being read.
    pub(super) file: CharmFile,
    texts: BTreeMap<CharmFile, (Utf8PathBuf, &'a str)>,
    notes: Vec<Note>,
    left_out: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new() -> Self {
        Self { file: CharmFile::Charmcraft, texts: BTreeMap::new(), notes: Vec::new(), left_out: 0 }
    }

    /// Turns to a file.
    pub(super) fn open(&mut self, file: CharmFile, path: Utf8PathBuf, text: &'a str) {
        self.file = file;
        self.texts.insert(file, (path, text));
    }

    /// The path of a file, as notes name it.
    pub(super) fn path(&self, file: CharmFile) -> Utf8PathBuf {
        self.texts.get(&file).map_or_else(|| Utf8PathBuf::from(file.name()), |(path, _)| path.clone())
    }

    /// All the notes that were taken.
    pub(super) fn finish(mut self) -> Vec<Note> {
        if self.left_out > 0 {
            let text = format!("{} more notes were left out", self.left_out);
            self.notes.push(Note::general(text));
        }
        self.notes
    }

    pub(super) fn origin(&self, place: Place) -> Origin {
        Origin::Declared { file: self.file, place }
    }

    /// Something that Juju or charmcraft refuses. The hint may be empty.
    pub(super) fn error(&mut self, place: Place, text: impl Into<String>, hint: impl Into<String>) {
        self.note(Severity::Error, self.file, place, &text.into(), hint.into());
    }

    /// Something odd. The hint may be empty.
    pub(super) fn remark(&mut self, place: Place, text: impl Into<String>, hint: impl Into<String>) {
        self.note(Severity::Remark, self.file, place, &text.into(), hint.into());
    }

    /// An error about a declaration of any of the files.
    pub(super) fn error_at(&mut self, origin: Origin, text: impl Into<String>, hint: impl Into<String>) {
        match origin {
            Origin::Declared { file, place } => {
                self.note(Severity::Error, file, place, &text.into(), hint.into());
            }
            // An extension does not contradict itself; should it do so, the
            // charm's author cannot help it.
            Origin::Extension(_) => {}
        }
    }

    /// A note that is about no place in a file.
    pub(super) fn add(&mut self, note: Note) {
        if self.notes.len() < NOTES {
            self.notes.push(note);
        } else {
            self.left_out += 1;
        }
    }

    fn note(&mut self, severity: Severity, file: CharmFile, place: Place, text: &str, hint: String) {
        if self.notes.len() >= NOTES {
            self.left_out += 1;
            return;
        }
        self.notes.push(Note {
            severity,
            snippet: self.texts.get(&file).map(|(_, source)| place.snippet(source)),
            hint: (!hint.is_empty()).then_some(hint),
            ..Note::at(self.path(file), place, cut(text, TEXT_CHARS))
        });
    }

    /// The entries of a section. Juju takes none that is empty
    /// (`expected map, got nothing`); charmcraft leaves empty ones away.
    pub(super) fn section<'n>(&mut self, root: &'n Node, key: &str) -> &'n [Entry] {
        let Some(entry) = root.entry(key) else {
            return &[];
        };
        if self.is_left_away(entry) {
            return &[];
        }
        self.mapping(entry, &format!("`{key}`")).map_or(&[], Node::entries)
    }

    /// Whether this is an empty section that charmcraft leaves away.
    pub(super) fn is_left_away(&self, section: &Entry) -> bool {
        self.file == CharmFile::Charmcraft && scalar::is_null(&section.value)
    }

    /// A value that has to be a mapping.
    pub(super) fn mapping<'n>(&mut self, entry: &'n Entry, what: &str) -> Option<&'n Node> {
        if matches!(entry.value.value, Value::Mapping(_)) {
            return Some(&entry.value);
        }
        self.wrong(entry, what, "a mapping");
        None
    }

    /// The items of a list.
    pub(super) fn list<'n>(&mut self, owner: &'n Node, key: &str, of: &str) -> &'n [Node] {
        let Some(entry) = owner.entry(key) else {
            return &[];
        };
        if !matches!(entry.value.value, Value::Sequence(_)) {
            self.wrong(entry, &format!("`{key}` of {of}"), "a list");
        }
        entry.value.items()
    }

    /// A text. What is something else is an error, and read as nothing.
    pub(super) fn text(&mut self, owner: &Node, key: &str, of: &str) -> Option<String> {
        self.value(owner, key, of, "text", |node| scalar::as_text(node).map(str::to_owned))
    }

    /// A boolean; false if there is none.
    pub(super) fn boolean(&mut self, owner: &Node, key: &str, of: &str) -> bool {
        self.value(owner, key, of, "true or false", scalar::as_bool).unwrap_or_default()
    }

    /// A whole number.
    pub(super) fn whole(&mut self, owner: &Node, key: &str, of: &str) -> Option<i64> {
        self.value(owner, key, of, "a whole number", scalar::as_int)
    }

    /// Says that a value is not what it has to be.
    pub(super) fn wrong(&mut self, entry: &Entry, what: &str, wanted: &str) {
        let value = &entry.value;
        if scalar::is_null(value) {
            self.error(
                entry.place,
                format!("{what} is empty, and should be {wanted}"),
                format!("Give `{}` a value, or remove the key.", shortened(&entry.key)),
            );
        } else {
            let found = scalar::in_words(value);
            let hint = match (wanted, value.text()) {
                ("text", Some(text)) => format!("Quote it: \"{}\".", shortened(text)),
                _ => String::new(),
            };
            self.error(value.place, format!("{what} should be {wanted}, not {found}"), hint);
        }
    }

    /// Says which keys look like misspellings of those that Juju knows. What
    /// looks like none of them is left alone, as Juju does.
    pub(super) fn misspelt(&mut self, owner: &Node, known: &[&str], of: &str) {
        for entry in owner.entries() {
            if let Some(meant) = misspelling_of(&entry.key, known) {
                let key = &entry.key;
                self.remark(
                    entry.place,
                    format!("`{key}` of {of} means nothing to Juju"),
                    format!("Did you mean `{meant}`?"),
                );
            }
        }
    }

    fn value<T>(
        &mut self,
        owner: &Node,
        key: &str,
        of: &str,
        wanted: &str,
        read: impl FnOnce(&Node) -> Option<T>,
    ) -> Option<T> {
        let entry = owner.entry(key)?;
        let value = read(&entry.value);
        if value.is_none() {
            self.wrong(entry, &format!("`{key}` of {of}"), wanted);
        }
        value
    }
}

/// The known word that this unknown one is probably meant to be.
pub(super) fn misspelling_of<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    if word.len() < MISSPELT_BYTES || word.len() > QUOTED_CHARS || known.contains(&word) {
        return None;
    }
    let nearest = nearest(word, known.iter().copied())?;
    (distance(word, nearest) <= MISSPELT_EDITS).then_some(nearest)
}

/// A name in backticks, without control characters and not too long.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", shortened(name))
}

/// A piece of a file, without control characters and not too long.
pub(super) fn shortened(text: &str) -> String {
    cut(text, QUOTED_CHARS)
}

fn cut(text: &str, most_chars: usize) -> String {
    let mut short: String = text
        .chars()
        .take(most_chars)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if text.chars().nth(most_chars).is_some() {
        short.push('…');
    }
    short
}

/// Joins words: `a`, `b` and `c`.
pub(super) fn listed<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.into_iter().map(quoted).collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
