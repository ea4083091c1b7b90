//! The verdict for cron and eyes: a line for each assertion, and the verdict in the last one.

use crate::assertions::reading::Verdict;
use crate::render::document::assertion::AssertionDocument;
use crate::render::document::check::Check;

/// The whole text.
pub fn render(check: &Check) -> String {
    let mut out = assertions(&check.assertions);
    out.push_str(&format!("{}: {}\n", check.status.word().to_uppercase(), check.summary));
    out
}

/// Every assertion: what was wished, what was measured, and who is to be named.
pub fn assertions(all: &[AssertionDocument]) -> String {
    all.iter().map(assertion).collect()
}

fn assertion(a: &AssertionDocument) -> String {
    let label = match a.outcome {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Unknown => "UNKNOWN",
    };
    if a.is_range {
        return format!("{label} {}: {}\n", a.expression, a.sentence());
    }
    let name = if a.name == a.expression { String::new() } else { format!("{}: ", a.name) };
    let waited = match a.within_ms {
        Some(_) if a.outcome == Verdict::Pass && a.took_ms > 0 => {
            format!(" (after {})", crate::assertions::wish::Unit::Ms.show(a.took_ms as f64))
        }
        Some(_) if a.outcome == Verdict::Pass => String::new(),
        Some(_) if a.took_ms == 0 => String::new(),
        Some(_) => {
            format!(" (waited {})", crate::assertions::wish::Unit::Ms.show(a.took_ms as f64))
        }
        None => String::new(),
    };
    let mut out = format!("{label} {name}{}: {}{waited}\n", a.expression, a.sentence());
    let wrong = a.outcome != Verdict::Pass;
    out.extend(a.comment.iter().filter(|_| wrong).map(|c| format!("  wished because: {c}\n")));
    out.extend(a.offenders.iter().map(|o| format!("  {}\n", o.line())));
    let shown = a.offenders.len() as u64;
    if let Some(more @ 1..) = a.selected.and_then(|n| n.checked_sub(shown))
        && shown > 0
    {
        out.push_str(&format!("  and {more} more\n"));
    }
    out
}
