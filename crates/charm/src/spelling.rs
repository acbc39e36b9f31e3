//! Which known word somebody meant who wrote an unknown one.

/// Returns the candidate most like `word`, if any is near enough to suggest.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (word.chars().count().max(candidate.chars().count()) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the edit distance with swaps of neighbours, ignoring case.
pub fn distance(left: &str, right: &str) -> usize {
    // Longer words are never a typing mistake of each other.
    let left: Vec<char> = left.to_lowercase().chars().take(80).collect();
    let right: Vec<char> = right.to_lowercase().chars().take(80).collect();
    let mut before_last = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &a) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &b) in right.iter().enumerate() {
            let mut best =
                (last[column] + usize::from(a != b)).min(last[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && a == right[column - 1] && left[row - 1] == b;
            if swapped {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_near_words_only() {
        assert_eq!(nearest("brnach", ["branch", "path"]), Some("branch"));
        assert_eq!(nearest("zebra", ["branch", "path"]), None);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
