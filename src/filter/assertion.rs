//! Assertions: `[NAME:] count(state S) OP N`, read before anything is measured.

use super::Filter;
use super::expr::Operator;
use crate::model::state::StateSet;
use crate::model::text::Text;

/// Comparisons as they are written here, in the order in which they are looked for: the longer first.
const OPERATORS: [(&str, Operator); 7] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("=", Operator::Equal),
];

/// One assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The name given before a colon, else the expression.
    pub name: String,
    /// The expression as it was typed.
    pub expression: String,
    /// What is counted.
    pub filter: Filter,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub wanted: u64,
}

impl Assertion {
    /// The comparison as it is written.
    pub fn sign(&self) -> &'static str {
        OPERATORS.iter().find(|(_, o)| *o == self.operator).map_or("", |(w, _)| w)
    }

    /// Whether the wish is fulfilled by this count.
    pub fn holds(&self, measured: u64) -> bool {
        self.operator.holds(measured.cmp(&self.wanted))
    }

    /// Reads one assertion.
    ///
    /// # Errors
    /// A message that shows the place by a caret, and a hint.
    pub fn parse(text: &str) -> Result<Assertion, (String, String)> {
        let (name, expression, offset) = match text.split_once(':') {
            Some((name, rest)) if !name.contains('(') => (name.trim(), rest, name.len() + 1),
            _ => ("", text, 0),
        };
        let fail = |at: usize, what: &str, hint: String| Err((super::caret(text, at, what), hint));
        let form = || "write it as: count(state close-wait) == 0".to_string();
        let start = offset + (expression.len() - expression.trim_start().len());
        let Some(rest) = expression.trim_start().strip_prefix("count") else {
            return fail(start, "an assertion begins with count(...)", form());
        };
        let Some(inner) = rest.trim_start().strip_prefix('(') else {
            return fail(text.len() - rest.len(), "'(' is missing", form());
        };
        let Some((inside, tail)) = inner.split_once(')') else {
            return fail(text.len(), "')' is missing", form());
        };
        let at_inside = text.len() - inner.len();
        let words: Vec<&str> = inside.split_whitespace().collect();
        let states = match words.as_slice() {
            [] | ["all"] => StateSet::ALL,
            ["state", rest @ ..] if !rest.is_empty() => match super::states(&rest.join(" ")) {
                Ok(states) => states,
                Err((what, hint)) => {
                    let at = inside.find("state").unwrap_or_default() + "state ".len();
                    return fail(at_inside + at, &what, hint);
                }
            },
            _ => return fail(at_inside, "'state S' is expected here", form()),
        };
        let tail_start = text.len() - tail.trim_start().len();
        let tail = tail.trim();
        let Some((word, operator)) = OPERATORS.iter().find(|(w, _)| tail.starts_with(w)) else {
            let hint = "operators are: == != < <= > >=".to_string();
            return fail(tail_start, "a comparison is expected here", hint);
        };
        let number = tail.get(word.len()..).unwrap_or_default().trim();
        let Ok(wanted) = number.parse::<u64>() else {
            return fail(tail_start + word.len(), "a whole number is expected here", form());
        };
        let safe = |text: &str| Text::new(text.as_bytes()).to_string();
        let expression = safe(expression.trim());
        Ok(Assertion {
            name: if name.is_empty() { expression.clone() } else { safe(name) },
            expression,
            filter: Filter { states, family: None },
            operator: *operator,
            wanted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_part_is_read_with_and_without_blanks() {
        let a = Assertion::parse("no-leak: count(state close-wait, last_ack)<=3").unwrap();
        assert_eq!((a.name.as_str(), a.wanted, a.operator), ("no-leak", 3, Operator::LessOrEqual));
        assert_eq!(a.filter.states, StateSet(1 << 8 | 1 << 9));
        assert!(a.holds(3) && !a.holds(4));
        let b = Assertion::parse("count() = 0").unwrap();
        assert_eq!((b.name.as_str(), b.filter.states), ("count() = 0", StateSet::ALL));
        assert!(b.holds(0) && !b.holds(1));
    }

    #[test]
    fn each_operator_at_its_border() {
        for (op, below, at, above) in [
            ("==", false, true, false),
            ("!=", true, false, true),
            ("<", true, false, false),
            ("<=", true, true, false),
            (">", false, false, true),
            (">=", false, true, true),
        ] {
            let a = Assertion::parse(&format!("count(state listen) {op} 5")).unwrap();
            assert_eq!((a.holds(4), a.holds(5), a.holds(6)), (below, at, above), "{op}");
            assert_eq!(a.sign(), op);
        }
    }

    #[test]
    fn mistakes_are_shown_by_a_caret() {
        let (what, hint) = Assertion::parse("x: count(state clsoe-wait) == 0").unwrap_err();
        assert_eq!(
            what,
            "'clsoe-wait' is not a TCP state\n  x: count(state clsoe-wait) == 0\n                 ^"
        );
        assert_eq!(hint, "did you mean close_wait?");
        for bad in [
            "",
            "sum(x) == 0",
            "count(state)",
            "count(state listen) ~ 5",
            "count(state listen) == -1",
            "count(state listen) == ",
            "count",
            "count(",
            "count(pid 5) == 0",
            "count(state listen) == 5 x",
        ] {
            assert!(Assertion::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_long_or_hostile_assertion_gets_a_short_and_safe_answer() {
        let long = format!("count(state listen{}x", " ".repeat(70_000));
        assert!(Assertion::parse(&long).unwrap_err().0.len() < 500);
        let hostile = Assertion::parse("\u{1b}[31mx: count() == 0").unwrap();
        assert_eq!(hostile.name, "\\x1b[31mx");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}") {
            let _ = Assertion::parse(&text);
        }

        #[test]
        fn nor_on_what_looks_right(text in "[a-z]{0,3}:? ?count ?[(](state )?[a-z,-]{0,12}[)]? ?[<>=!]{0,3} ?[0-9]{0,22}") {
            let _ = Assertion::parse(&text);
        }
    }
}
