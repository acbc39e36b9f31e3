//! The lists of names that tox writes with braces: `py{310,311}-{unit,lint}`.

/// How many names one list may come to.
const NAMES: usize = 4_000;
/// How many fixed and alternative parts a name may have. What has more is
/// taken as it is written.
const PARTS: usize = 64;

/// Expands a list: names between commas, spaces and line breaks, with
/// alternatives and ranges (`py3{10-12}`) in braces.
pub fn expand(list: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut tried = 0;
    for item in split_outside_braces(list) {
        let axes: Vec<Vec<String>> = axes_of(item);
        for parts in product(&axes) {
            if tried >= NAMES {
                return names;
            }
            tried += 1;
            let name = parts.concat();
            if !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

/// All combinations of one value from each list, at most [`NAMES`] of them.
pub(super) fn product(axes: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut combinations: Vec<Vec<String>> = vec![Vec::new()];
    for axis in axes {
        let mut longer = Vec::new();
        'full: for combination in &combinations {
            for value in axis {
                if longer.len() >= NAMES {
                    break 'full;
                }
                let mut next = combination.clone();
                next.push(value.clone());
                longer.push(next);
            }
        }
        combinations = longer;
    }
    combinations
}

fn split_outside_braces(list: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '\n' => depth = 0,
            _ => {}
        }
        if depth == 0 && (character == ',' || character.is_whitespace()) {
            items.push(&list[start..at]);
            start = at + character.len_utf8();
        }
    }
    items.push(&list[start..]);
    items.into_iter().map(str::trim).filter(|item| !item.is_empty()).collect()
}

/// Splits `py{310,311}-unit` into its fixed and alternative parts.
fn axes_of(item: &str) -> Vec<Vec<String>> {
    let mut axes = Vec::new();
    let mut rest = item;
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else {
            break;
        };
        axes.push(vec![rest[..open].to_owned()]);
        let inside = &rest[open + 1..open + length];
        axes.push(inside.split(',').flat_map(|part| range_of(part.trim())).collect());
        rest = &rest[open + length + 1..];
    }
    axes.push(vec![rest.to_owned()]);
    if axes.len() > PARTS {
        return vec![vec![item.to_owned()]];
    }
    axes
}

fn range_of(part: &str) -> Vec<String> {
    let number = |text: &str| {
        let fine = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
        if fine { text.parse::<u16>().ok() } else { None }
    };
    let bounds = part.split_once('-').and_then(|(from, to)| Some((number(from)?, number(to)?)));
    match bounds {
        Some((from, to)) if from <= to && to - from < 100 => (from..=to).map(|at| at.to_string()).collect(),
        _ => vec![part.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(list: &str, expected: &[&str]) {
        assert_eq!(expand(list), expected, "{list}");
    }

    #[test]
    fn lists_of_names() {
        check("fmt, lint,unit", &["fmt", "lint", "unit"]);
        check("\n  lint\n  unit\n", &["lint", "unit"]);
        check("py{38,39}", &["py38", "py39"]);
        check("py{38, 39}-{a,b}", &["py38-a", "py38-b", "py39-a", "py39-b"]);
        check("py3{10-12}", &["py310", "py311", "py312"]);
        check("unit{,-slow}", &["unit", "unit-slow"]);
        check("{unit", &["{unit"]);
        check("", &[]);
    }

    #[test]
    fn a_huge_product_is_bounded() {
        assert_eq!(expand(&"{a,b,c,d,e,f,g,h}".repeat(30)).len(), NAMES);
    }

    proptest! {
        #[test]
        fn any_text_expands(text in any::<String>(), close in "[{},a0-9\n -]{0,30}") {
            let _ = expand(&text);
            let _ = expand(&close);
        }

        #[test]
        fn a_product_has_as_many_names_as_its_factors_multiply_to(
            axes in prop::collection::vec(prop::collection::vec("[a-z]{1,4}", 1..4), 1..5),
        ) {
            let parts: Vec<String> = axes.iter().map(|axis| format!("x{{{}}}", axis.join(","))).collect();
            let item = parts.concat();
            let count: usize = axes.iter().map(Vec::len).product();
            prop_assert_eq!(expand(&item).len(), count);
        }
    }
}
