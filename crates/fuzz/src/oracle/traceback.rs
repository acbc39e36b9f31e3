//! Python's tracebacks, as they stand in logs.

/// A frame of a traceback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The file, as Python wrote it.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The function.
    pub function: String,
    /// What stands on the line, if Python shows it.
    pub statement: String,
}

/// A traceback: the last one of a chain, which is the one that ended the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceback {
    /// From the outermost frame to the innermost.
    pub frames: Vec<Frame>,
    /// The exception's type, with its module.
    pub exception: String,
    /// What it says.
    pub message: String,
    /// All of the text, with what it was caused by.
    pub text: String,
}

const BEGINNING: &str = "Traceback (most recent call last):";

/// Reads the last traceback of a text.
pub fn read(text: &str) -> Option<Traceback> {
    let chain_start = text.find(BEGINNING)?;
    let start = text.rfind(BEGINNING)?;
    let mut frames: Vec<Frame> = Vec::new();
    let mut lines = text[start..].lines().skip(1);
    let mut end = None;
    for line in lines.by_ref() {
        if let Some(frame) = frame(line) {
            frames.push(frame);
        } else if let Some(last) =
            frames.last_mut().filter(|last| last.statement.is_empty() && line.starts_with("    "))
        {
            last.statement.push_str(line.trim());
        } else if !line.starts_with([' ', '\t']) && !line.is_empty() {
            end = Some(line);
            break;
        }
    }
    let end = end?;
    let (exception, first) = end.split_once(": ").unwrap_or((end.trim_end_matches(':'), ""));
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|character| character.is_alphanumeric() || "._<>".contains(character))
    };
    if !is_name(exception) {
        return None;
    }
    // Notes of the exception follow, and lines of its message.
    let rest: Vec<&str> = lines.take(20).collect();
    let message = [&[first], rest.as_slice()].concat().join("\n").trim().to_owned();
    Some(Traceback {
        frames,
        exception: exception.to_owned(),
        message,
        text: text[chain_start..].trim_end().to_owned(),
    })
}

fn frame(line: &str) -> Option<Frame> {
    let (file, rest) = line.trim_start().strip_prefix("File \"")?.split_once("\", line ")?;
    let (number, function) = rest.split_once(", in ").unwrap_or((rest, "<module>"));
    Some(Frame {
        file: file.to_owned(),
        line: number.trim().parse().ok()?,
        function: function.trim().to_owned(),
        statement: String::new(),
    })
}

impl Traceback {
    /// Returns the innermost frame of the charm's own code, or else of its libraries.
    pub fn charm_frame(&self) -> Option<&Frame> {
        let is_in = |part: &str, frame: &&Frame| frame.file.contains(part) && frame.file.contains("/charm/");
        // Only a charm that is started anew has a frame that calls `main`: it says nothing.
        let after_main = self.frames.iter().position(|frame| frame.file.contains("site-packages/ops/"));
        let frames = &self.frames[after_main.unwrap_or(0)..];
        let own = frames.iter().rfind(|frame| is_in("/src/", frame));
        own.or_else(|| {
            frames.iter().rfind(|frame| is_in("/lib/", frame) && !frame.file.contains("site-packages"))
        })
    }
}

impl Frame {
    /// Returns the file, relative to the charm.
    pub fn short_file(&self) -> &str {
        ["/charm/src/", "/charm/lib/"]
            .iter()
            .find_map(|part| self.file.find(part).map(|place| &self.file[place + "/charm/".len()..]))
            .unwrap_or(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_chain_counts() {
        let text = "Uncaught exception while in charm code:\nTraceback (most recent call last):\n  File \"/x/charm/src/charm.py\", line 3, in _on_install\n    f()\n    ~^^\nKeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/x/charm/src/charm.py\", line 9, in <module>\n    main(C)\n  File \"/v/site-packages/ops/model.py\", line 70, in run\n    raise\nops.model.ModelError: ERROR no\nmore\n";
        let read = read(text).unwrap();
        assert_eq!(read.exception, "ops.model.ModelError");
        assert_eq!(read.message, "ERROR no\nmore");
        assert_eq!(read.frames.len(), 2);
        let statements: Vec<&str> = read.frames.iter().map(|frame| frame.statement.as_str()).collect();
        assert_eq!(statements, ["main(C)", "raise"]);
        assert_eq!(read.charm_frame(), None);
    }

    #[test]
    fn the_call_of_main_is_no_place_of_the_charm() {
        let check = |frames: &[(&str, &str)], expected: Option<&str>| {
            let frames =
                frames.iter().map(|(file, function)| format!("  File \"{file}\", line 1, in {function}\n"));
            let text = format!("{BEGINNING}\n{}ValueError: no\n", frames.collect::<String>());
            let read = read(&text).unwrap();
            assert_eq!(read.charm_frame().map(|frame| frame.function.as_str()), expected, "{text}");
        };
        let main = ("/x/charm/src/charm.py", "<module>");
        let ops = ("/v/site-packages/ops/main.py", "main");
        let package = ("/v/site-packages/cryptography/x509/name.py", "__init__");
        check(&[main, ops, package], None);
        check(&[ops, package], None);
        check(&[main, ops, ("/x/charm/src/charm.py", "_configure"), package], Some("_configure"));
        check(&[main, ops, ("/x/charm/lib/charms/a/v0/a.py", "_get"), ops], Some("_get"));
        check(&[main, ("/x/charm/src/workload.py", "<module>")], Some("<module>"));
    }

    #[test]
    fn what_is_none_is_none() {
        let check = |text: &str| assert_eq!(read(text), None, "{text}");
        check("");
        check("Traceback (most recent call last):\n");
        check("Traceback (most recent call last):\n  File \"a\", line x\n");
    }
}
