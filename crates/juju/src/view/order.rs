//! The orders that Juju lists names in.

use std::cmp::Ordering;

/// How tables are sorted: numbers in names by their value, so `a/2` is before `a/10`.
pub fn natural(one: &str, other: &str) -> Ordering {
    by_numbers(one, other).then_with(|| one.cmp(other))
}

fn by_numbers(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        if one.is_empty() || other.is_empty() {
            return one.len().cmp(&other.len());
        }
        let (left, right) = (split_at_number(one), split_at_number(other));
        let ordering = left.0.cmp(right.0).then_with(|| compare_digits(left.1, right.1));
        if ordering != Ordering::Equal {
            return ordering;
        }
        (one, other) = (left.2, right.2);
    }
}

/// Sorts names as tables do.
pub fn naturally<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut names: Vec<T> = names.into_iter().collect();
    names.sort_by(|one, other| natural(one.as_ref(), other.as_ref()));
    names
}

/// What stands before the first number, the number, and the rest.
fn split_at_number(text: &str) -> (&str, &str, &str) {
    let begin = text.find(|character: char| character.is_ascii_digit()).unwrap_or(text.len());
    let rest = &text[begin..];
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    (&text[..begin], &rest[..end], &rest[end..])
}

/// Compares numbers of any length by their value. No number is before any.
fn compare_digits(one: &str, other: &str) -> Ordering {
    if one.is_empty() || other.is_empty() {
        return one.len().cmp(&other.len());
    }
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// How yaml.v2 sorts the keys of maps: where two differ, letters come after all else, and
/// numbers go by their value.
pub fn yaml_keys(one: &str, other: &str) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(a, b)| a != b) else {
        return left.len().cmp(&right.len());
    };
    let (a, b) = (left[at], right[at]);
    match (a.is_alphabetic(), b.is_alphabetic()) {
        (true, true) => return a.cmp(&b),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero counts if digits that are no zeros stand before it: `101` is after `11`.
    let is_in_number = (a == '0' || b == '0')
        && left[..at].iter().rev().take_while(|digit| digit.is_ascii_digit()).any(|digit| *digit != '0');
    let number = |characters: &[char]| {
        let digits: String =
            characters[at..].iter().take_while(|character| character.is_ascii_digit()).collect();
        let lead = if is_in_number { "1" } else { "" };
        format!("{lead}{digits}")
    };
    let (a_number, b_number) = (number(&left), number(&right));
    let value = |digits: &str| if digits.is_empty() { "0".to_owned() } else { digits.to_owned() };
    compare_digits(&value(&a_number), &value(&b_number))
        .then_with(|| a_number.len().cmp(&b_number.len()))
        .then_with(|| a.cmp(&b))
}

/// How `juju storage` sorts what has a name and a number: `data/2` before `data/10`, and what
/// is empty last.
pub fn name_and_number(one: &str, other: &str) -> Ordering {
    match (one.is_empty(), other.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let parts = |id: &str| {
        let (name, number) = id.split_once('/').unwrap_or((id, ""));
        (name.to_owned(), number.to_owned())
    };
    let (left, right) = (parts(one), parts(other));
    left.0.cmp(&right.0).then_with(|| match (left.1.parse::<u64>(), right.1.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_) | Err(_), Err(_)) | (Err(_), Ok(_)) => left.1.cmp(&right.1),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_in_names_go_by_their_value() {
        let check = |names: &[&str], expected: &[&str]| assert_eq!(naturally(names.to_vec()), expected);
        check(&["a/10", "a/2", "a/1"], &["a/1", "a/2", "a/10"]);
        check(&["b", "a10", "a9", "a"], &["a", "a9", "a10", "b"]);
        check(&["0/lxd/1", "10", "2", "0"], &["0", "0/lxd/1", "2", "10"]);
    }

    #[test]
    fn keys_of_yaml_have_letters_last() {
        let check = |keys: &[&str], expected: &[&str]| {
            let mut keys = keys.to_vec();
            keys.sort_by(|one, other| yaml_keys(one, other));
            assert_eq!(keys, expected);
        };
        check(&["unit/10", "unit/2", "unit-a"], &["unit-a", "unit/2", "unit/10"]);
        check(&["b", "a", "", "1", "10", "2", "-"], &["", "-", "1", "2", "10", "a", "b"]);
        check(&["a101", "a11", "a1"], &["a1", "a11", "a101"]);
        check(&["ab", "a-b", "a"], &["a", "a-b", "ab"]);
    }

    #[test]
    fn storage_goes_by_name_and_number() {
        let mut ids = ["data/10", "", "data/2", "cache/7"];
        ids.sort_by(|one, other| name_and_number(one, other));
        assert_eq!(ids, ["cache/7", "data/2", "data/10", ""]);
    }

    proptest! {
        #[test]
        fn orders_do_not_depend_on_where_one_begins(names in prop::collection::vec("[a-b0-2/-]{0,4}", 0..12)) {
            let mut backwards = names.clone();
            backwards.reverse();
            prop_assert_eq!(naturally(names), naturally(backwards));
        }
    }
}
