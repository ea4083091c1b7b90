//! The nearest known word to a misspelt one.

/// The word with the fewest edits to `typed`, if it is near enough to be meant (a third of its letters, at least one edit).
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    // Of two equally near words the one that begins alike is meant.
    let alike = |w: &str| typed.bytes().zip(w.bytes()).take_while(|(a, b)| a == b).count();
    let scored = words.into_iter().map(|w| (edits(&typed, w), w));
    let best = scored.min_by_key(|(d, w)| (*d, std::cmp::Reverse(alike(w))))?;
    (best.0 <= 1.max(best.1.chars().count() / 3)).then_some(best.1)
}

/// Levenshtein distance with neighbours swapped counting as one edit.
fn edits(a: &str, b: &str) -> usize {
    // Nobody's typo is longer; this bounds the work on hostile arguments.
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let at = |r: &[usize], k: usize| r.get(k).copied().unwrap_or(usize::MAX / 2);
            let above = rows.get(i).map(Vec::as_slice).unwrap_or_default();
            let mut best = (at(above, j) + usize::from(ca != cb))
                .min(at(above, j + 1) + 1)
                .min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(cb) && b.get(j - 1) == Some(ca);
            if swapped && let Some(before) = rows.get(i - 1) {
                best = best.min(at(before, j - 1) + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows.last().and_then(|r| r.last()).copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let words = ["close_wait", "closing", "listen"];
        assert_eq!(nearest("clsoe_wait", words), Some("close_wait"));
        assert_eq!(nearest("listne", words), Some("listen"));
        assert_eq!(nearest("qwertyuiop", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest("proces", ["probes", "process"]), Some("process"));
        assert_eq!(edits("abc", "acb"), 1);
    }
}
