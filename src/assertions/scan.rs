//! Where the parts of an assertion end: parentheses may be nested, and quotes keep anything together.

/// The place of the `)` that closes what was opened just before `from`; `None` if there is none.
pub(super) fn close(text: &str, from: usize) -> Option<usize> {
    outside_quotes(text, from, |depth, c| c == ')' && depth == 0)
}

/// The place of the first comma from `from` on that stands in no parentheses and no quotes, before `until`.
pub(super) fn comma(text: &str, from: usize, until: usize) -> Option<usize> {
    outside_quotes(text.get(..until)?, from, |depth, c| c == ',' && depth == 0)
}

/// The place of the `#` that begins the reason: the first behind the measure that stands in no quotes.
pub(super) fn reason(text: &str, from: usize) -> Option<usize> {
    outside_quotes(text, from, |_, c| c == '#')
}

fn outside_quotes(text: &str, from: usize, is_it: impl Fn(i32, char) -> bool) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    let mut chars = text.get(from..)?.char_indices();
    while let Some((at, c)) = chars.next() {
        match quote {
            Some(_) if c == '\\' => {
                chars.next();
            }
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if is_it(depth, c) => return Some(from + at),
            None => match c {
                '\'' | '"' => quote = Some(c),
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            },
        }
    }
    None
}
