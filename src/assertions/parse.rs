//! Text to an assertion. Everything that can be wrong in it is found here, before anything is measured.

use std::time::Duration;

use super::listening::Door;
use super::scan;
use super::wish::{LEVELS, Unit, Wish};
use super::{Aggregate, Assertion, Measure, Target};
use crate::fields::{Field, Kind, all, lookup};
use crate::filter::expr::{Expr, Operator, Predicate};
use crate::filter::parse::{Mistake, Names};
use crate::filter::{endpoint, parse as filter, quantity};
use crate::model::endpoint::Family;
use crate::model::text::Text;
use crate::nearest::nearest;
use crate::rules::finding::Severity;
use crate::rules::selection::Selection;

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

/// What can be measured.
const MEASURES: [&str; 16] = [
    "count",
    "new",
    "min",
    "max",
    "sum",
    "avg",
    "p50",
    "p90",
    "p95",
    "p99",
    "headroom",
    "rate",
    "delta",
    "counter",
    "listening",
    "only_listening",
];

const FORM: &str = "write it as: count(state close-wait) == 0";

type Result<T> = std::result::Result<T, Mistake>;

fn fail<T>(at: usize, what: impl Into<String>, hint: impl Into<String>) -> Result<T> {
    Err(Mistake { at, what: what.into(), hint: hint.into() })
}

/// Text that comes back in a message.
fn shown(text: &str) -> Text {
    let short: String = text.chars().take(60).collect();
    Text::new(short.as_bytes())
}

/// Reads one assertion.
///
/// # Errors
/// The first mistake.
pub fn parse(text: &str, names: &Names<'_>) -> Result<Assertion> {
    let (name, begin) = match text.split_once(':') {
        Some((name, _)) if !name.contains(['(', '#', '\'', '"']) => (name.trim(), name.len() + 1),
        _ => ("", 0),
    };
    if begin > 0 && name.is_empty() {
        return fail(
            0,
            "a name is expected before ':'",
            "as in: no-leak: count(state close-wait) == 0",
        );
    }
    let rest = text.get(begin..).unwrap_or_default();
    let mut at = begin + (rest.len() - rest.trim_start().len());
    let start = at;
    let contrary = text.get(at..).and_then(|t| t.strip_prefix("not ")).is_some();
    if contrary {
        at += 4 + leading_blanks(text.get(at + 4..).unwrap_or_default());
    }
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'));
    let word = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
    let open = at + word.len() + leading_blanks(rest.get(word.len()..).unwrap_or_default());
    let measure = word.to_lowercase().replace('-', "_");
    if percentile(&measure).is_none()
        && measure != "finding"
        && !MEASURES.contains(&measure.as_str())
    {
        let known = MEASURES.into_iter().chain(["finding"]);
        let near = nearest(&measure, known.clone()).filter(|_| !word.is_empty());
        let hint = match near {
            Some(near) => format!("did you mean {near}?"),
            None => format!("measures are: {}", known.collect::<Vec<_>>().join(" ")),
        };
        let what = match word {
            "" => "a measure is expected here".to_string(),
            word => format!("'{}' is not a measure", shown(word)),
        };
        return fail(at, what, hint);
    }
    if !text.get(open..).unwrap_or_default().starts_with('(') {
        return fail(open, "'(' is missing", FORM);
    }
    let Some(close) = scan::close(text, open + 1) else {
        return fail(text.len(), "')' is missing", "close the parenthesis");
    };
    let inside = Inside { text, from: open + 1, until: close, names };
    let measure = inside.measure(&measure, at)?;
    let tail = Tail::read(text, close + 1, &measure, contrary)?;
    // A backslash of a pattern stays what it is; a tab is a blank.
    let safe = |text: &str| Text::plain(text.replace('\t', " ").as_bytes()).to_string();
    let expression = safe(text.get(start..tail.end).unwrap_or_default().trim());
    Ok(Assertion {
        name: if name.is_empty() { expression.clone() } else { safe(name) },
        expression,
        comment: tail.comment,
        level: tail.level,
        within: tail.within,
        measure,
        wish: tail.wish,
    })
}

fn leading_blanks(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// `p95`, `p99.9`.
fn percentile(word: &str) -> Option<Aggregate> {
    let number = word.strip_prefix('p')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits =
        |text: &str| (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let below = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let part = whole.parse::<u64>().ok()? * below + fraction.parse::<u64>().ok()?;
    let of = 100 * below;
    (1..=of).contains(&part).then_some(Aggregate::Percentile { part, of })
}

/// What stands in the parentheses of the measure.
struct Inside<'a> {
    text: &'a str,
    from: usize,
    until: usize,
    names: &'a Names<'a>,
}

impl Inside<'_> {
    fn part(&self, from: usize, until: usize) -> (&str, usize) {
        let part = self.text.get(from..until).unwrap_or_default();
        (part.trim(), from + leading_blanks(part))
    }

    fn measure(&self, word: &str, at: usize) -> Result<Measure> {
        let (argument, place) = self.part(self.from, self.until);
        Ok(match word {
            "count" => Measure::Count(self.filter(self.from)?),
            "new" => Measure::New(self.filter(self.from)?),
            "headroom" => Measure::Headroom(target(argument, place)?),
            "rate" => Measure::Rate(counter(argument, place)?),
            "delta" => Measure::Delta(counter(argument, place)?),
            "counter" => Measure::Counter(counter(argument, place)?),
            "listening" => Measure::Listening(door(argument, place)?),
            "only_listening" => Measure::OnlyListening(ports(argument, place)?),
            "finding" => Measure::Finding(rule(argument, place)?),
            "min" => self.over(Aggregate::Min)?,
            "max" => self.over(Aggregate::Max)?,
            "sum" => self.over(Aggregate::Sum)?,
            "avg" => self.over(Aggregate::Avg)?,
            other => match percentile(other) {
                Some(percentile) => self.over(percentile)?,
                None => return fail(at, "a measure is expected here", FORM),
            },
        })
    }

    /// The filter from a place to the closing parenthesis.
    fn filter(&self, from: usize) -> Result<Expr> {
        let text = self.text.get(from..self.until).unwrap_or_default();
        let expr = filter::parse(text, self.names).map_err(|m| Mistake { at: from + m.at, ..m })?;
        let mut other = false;
        expr.predicates(&mut |p| {
            if let Predicate::Compare(field, ..) | Predicate::Known(field) = p {
                other |= field.name == "protocol";
            }
        });
        if other {
            return fail(from, "assertions look at TCP sockets only", "leave protocol out");
        }
        Ok(expr)
    }

    /// `FIELD` or `FIELD, FILTER`.
    fn over(&self, aggregate: Aggregate) -> Result<Measure> {
        let comma = scan::comma(self.text, self.from, self.until);
        let (name, at) = self.part(self.from, comma.unwrap_or(self.until));
        let numeric = |f: &&'static Field| {
            matches!(
                f.kind,
                Kind::Number | Kind::Bytes | Kind::Rate | Kind::Ms | Kind::Us | Kind::Ratio
            )
        };
        let Some(field) = lookup(&name.replace('-', "_")) else {
            let near = nearest(&name.replace('-', "_"), all().filter(numeric).map(|f| f.name));
            let hint = near.filter(|_| !name.is_empty()).map(|n| format!("did you mean {n}?"));
            let hint = hint.unwrap_or_else(|| "as in: max(rtt, dport = 5432) < 50ms".into());
            return fail(at, format!("'{}' is not a field", shown(name)), hint);
        };
        if !numeric(&field) || matches!(field.name, "pid" | "fd" | "uid" | "inode") {
            return fail(
                at,
                format!("{} is no quantity", field.name),
                "take a field that is a number of bytes, a time, a rate or a count",
            );
        }
        let filter = match comma {
            Some(comma) => self.filter(comma + 1)?,
            None => Expr::TRUE,
        };
        Ok(Measure::Over(aggregate, field, filter))
    }
}

/// `to ADDR[:PORT] [from ADDR]`; nothing is the worst destination.
fn target(text: &str, at: usize) -> Result<Option<Target>> {
    const HINT: &str =
        "write it as headroom(to 10.0.0.5:5432), or headroom() for the worst destination";
    let words: Vec<&str> = text.split_whitespace().collect();
    let (to, from) = match words.as_slice() {
        [] => return Ok(None),
        ["to", to] => (*to, None),
        ["to", to, "from", from] => (*to, Some(*from)),
        _ => return fail(at, "'to ADDR:PORT' is expected here", HINT),
    };
    let read = |word: &str| match endpoint(word) {
        Some(found) => Ok(found),
        None => fail(at, format!("'{}' is not ADDR or ADDR:PORT", shown(word)), HINT),
    };
    let (addr, _, port) = read(to)?;
    let from = match from.map(read).transpose()? {
        Some((_, _, Some(_))) => {
            return fail(
                at,
                "connect() chooses the port on our side",
                "leave it out behind 'from'",
            );
        }
        Some((from, ..)) if from.as_v4().is_some() != addr.as_v4().is_some() => {
            return fail(at, "both ends must be of one family", HINT);
        }
        other => other.map(|(from, ..)| from),
    };
    Ok(Some(Target { addr, port, from }))
}

/// The name of a counter, as nstat writes it (`TcpExtListenOverflows`) or with a dot.
fn counter(text: &str, at: usize) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    if text.is_empty() || !text.chars().all(plain) {
        return fail(
            at,
            "the name of a counter is expected here",
            "as in: rate(TcpExtListenOverflows) == 0; 'nstat -az' lists them",
        );
    }
    Ok(text.to_string())
}

/// `PORT`, `ADDR:PORT`, `PORT via ipv4`.
fn door(text: &str, at: usize) -> Result<Door> {
    const HINT: &str =
        "write it as listening(80), listening(80 via ipv4) or listening(10.0.0.5:80)";
    let words: Vec<&str> = text.split_whitespace().collect();
    let (place, via) = match words.as_slice() {
        [place] => (*place, None),
        [place, "via", family] => match *family {
            "ipv4" | "v4" | "inet" => (*place, Some(Family::Ipv4)),
            "ipv6" | "v6" | "inet6" => (*place, Some(Family::Ipv6)),
            other => return fail(at, format!("'{}' is not ipv4 or ipv6", shown(other)), HINT),
        },
        _ => return fail(at, "a port is expected here", HINT),
    };
    let wrong = || fail(at, format!("'{}' is not a port or ADDR:PORT", shown(place)), HINT);
    let place = place.strip_prefix("*:").unwrap_or(place);
    if let Ok(port) = place.parse::<u16>() {
        return if port == 0 { wrong() } else { Ok(Door { addr: None, port, via }) };
    }
    let Some((addr, family, Some(port))) = endpoint(place) else { return wrong() };
    // What is mapped into IPv6 is reached by IPv4.
    let family = if addr.as_v4().is_some() { Family::Ipv4 } else { family };
    if via.is_some_and(|via| via != family) {
        return fail(at, "the address is of the other family", HINT);
    }
    Ok(Door { addr: Some((addr, family)), port, via })
}

/// `22, 80, 8000-8100`; nothing is no port at all.
fn ports(text: &str, at: usize) -> Result<Vec<(u16, u16)>> {
    let mut ranges = Vec::new();
    for word in text.split(',').map(str::trim) {
        if word.is_empty() && text.is_empty() {
            continue;
        }
        let (low, high) = word.split_once('-').unwrap_or((word, word));
        match (low.trim().parse::<u16>(), high.trim().parse::<u16>()) {
            (Ok(low), Ok(high)) if low > 0 && low <= high => ranges.push((low, high)),
            _ => {
                return fail(
                    at,
                    format!("'{}' is not a port or a range of ports", shown(word)),
                    "write it as only_listening(22,80,8000-8100)",
                );
            }
        }
    }
    Ok(ranges)
}

/// A rule or a family of rules.
fn rule(text: &str, at: usize) -> Result<String> {
    let read = Selection::all().select([text]);
    match read {
        Ok(()) => Ok(text.to_string()),
        Err((what, hint)) => fail(at, what, hint),
    }
}

/// What stands behind the measure.
struct Tail {
    wish: Wish,
    within: Option<Duration>,
    level: Severity,
    comment: Option<String>,
    /// First byte behind all but the reason.
    end: usize,
}

impl Tail {
    fn read(text: &str, from: usize, measure: &Measure, contrary: bool) -> Result<Tail> {
        let reason = scan::reason(text, from);
        let end = reason.unwrap_or(text.len());
        let comment = reason.and_then(|at| text.get(at + 1..)).map(str::trim);
        let comment = comment.filter(|c| !c.is_empty());
        let comment = comment.map(|c| Text::plain(c.replace('\t', " ").as_bytes()).to_string());
        let mut words = words(text, from, end).into_iter().peekable();
        let flag = measure.unit() == Unit::Flag;
        if contrary && !flag {
            return fail(
                0,
                "only listening and only_listening can be negated",
                "turn the comparison round",
            );
        }
        let mut wish =
            flag.then_some(Wish::Compare(Operator::Equal, f64::from(u8::from(!contrary))));
        if let Some((word, at)) = words.peek().copied()
            && let Some((sign, op)) = OPERATORS.iter().find(|(sign, _)| word.starts_with(sign))
        {
            words.next();
            let glued = word.get(sign.len()..).unwrap_or_default();
            let (value, place) = match glued {
                "" => words.next().unwrap_or(("", end)),
                glued => (glued, at + sign.len()),
            };
            let number = value_of(measure, value, place)?;
            if flag && !matches!(op, Operator::Equal | Operator::NotEqual) {
                return fail(
                    at,
                    "yes and no have no order",
                    "compare with == or !=, or leave it out",
                );
            }
            if flag && contrary {
                return fail(at, "it is negated already", "leave out 'not' or the comparison");
            }
            wish = Some(Wish::Compare(*op, number));
        }
        let Some(wish) = wish else {
            let at = words.peek().map_or(end, |(_, at)| *at);
            return fail(at, "a comparison is expected here", "operators are: == != < <= > >=");
        };
        let mut tail = Tail { wish, within: None, level: Severity::Critical, comment, end };
        let mut seen = Vec::new();
        while let Some((word, at)) = words.next() {
            let (value, place) = words.next().unwrap_or(("", end));
            if seen.contains(&word) {
                return fail(at, format!("{} is said twice", shown(word)), "leave one of them out");
            }
            seen.push(word);
            match word {
                "within" => tail.within = Some(within(value, place)?),
                "level" => {
                    tail.level = match value {
                        "warning" => Severity::Warning,
                        "critical" => Severity::Critical,
                        other => {
                            return fail(
                                place,
                                format!("'{}' is not a level", shown(other)),
                                "levels are: warning critical",
                            );
                        }
                    };
                }
                other => {
                    let near = nearest(other, ["within", "level"]);
                    let hint = near.map(|n| format!("did you mean {n}?"));
                    return fail(
                        at,
                        format!("'{}' is not expected here", shown(other)),
                        hint.unwrap_or_else(|| {
                            "what may follow: within 30s, level warning, # reason".into()
                        }),
                    );
                }
            }
        }
        Ok(tail)
    }
}

/// Words with their places.
fn words(text: &str, from: usize, end: usize) -> Vec<(&str, usize)> {
    let part = text.get(from..end).unwrap_or_default();
    let place = |word: &str| from + (word.as_ptr() as usize - part.as_ptr() as usize);
    part.split_whitespace().map(|word| (word, place(word))).collect()
}

fn within(text: &str, at: usize) -> Result<Duration> {
    const DAY: Duration = Duration::from_secs(86_400);
    let one = quantity(Kind::Us, text).filter(|us| *us < 1e12);
    let read = one.map(|us| Duration::from_micros(us.round() as u64));
    match read.or_else(|| humantime::parse_duration(text).ok()) {
        Some(time) if !time.is_zero() && time <= DAY => Ok(time),
        _ => fail(at, "a time with its unit, at most a day, is expected here", "as in: within 30s"),
    }
}

/// What a measure is compared with.
fn value_of(measure: &Measure, text: &str, at: usize) -> Result<f64> {
    let unit = measure.unit();
    let wrong = |what: &str, hint: String| fail(at, what, hint);
    match unit {
        Unit::Flag => match text {
            "yes" | "true" | "1" => Ok(1.0),
            "no" | "false" | "0" => Ok(0.0),
            _ => wrong("yes or no is expected here", "or leave the comparison out".into()),
        },
        Unit::Level => match LEVELS.iter().position(|w| *w == text) {
            Some(level) => Ok(level as f64),
            None => {
                wrong("a severity is expected here", format!("severities: {}", LEVELS.join(" ")))
            }
        },
        Unit::PerSecond | Unit::Percent => match text.trim_end_matches("/s").parse::<f64>() {
            Ok(n) if n.is_finite() && n >= 0.0 => Ok(n),
            _ => wrong("a number is expected here", "as in: rate(TcpOutRsts) < 0.5".into()),
        },
        // Some that the kernel tells are below 0, and mean that there is no limit.
        _ if matches!(measure, Measure::Counter(_)) && text.starts_with('-') => {
            match text.parse::<i64>() {
                Ok(n) => Ok(n as f64),
                Err(_) => wrong("a number is expected here", "as in: == -1".into()),
            }
        }
        _ => {
            let kind = match measure {
                Measure::Over(_, field, _) => field.kind,
                _ => Kind::Number,
            };
            match quantity(kind, text) {
                Some(n) => Ok(n),
                None => {
                    let (what, hint) = match kind {
                        Kind::Number => ("a number is expected here", "as in: == 0"),
                        Kind::Bytes => ("a number of bytes is expected here", "as in: < 64k"),
                        Kind::Rate => ("a rate with its unit is expected here", "as in: > 10Mbps"),
                        Kind::Ratio => ("a factor is expected here", "as in: < 1.5"),
                        _ => ("a time with its unit is expected here", "as in: < 50ms"),
                    };
                    wrong(what, hint.into())
                }
            }
        }
    }
}
