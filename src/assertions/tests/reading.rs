//! Three outcomes: what may lie on either side of the wish is unknown.

use super::read;
use crate::assertions::reading::{Reading, Verdict::*};

#[test]
fn each_operator_at_its_border_and_with_bounds() {
    // Below, at and above 5; 4 to 5; 5 to 6; 4 to 6; 6 and more.
    for (op, want) in [
        ("==", [Fail, Pass, Fail, Unknown, Unknown, Unknown, Fail]),
        ("!=", [Pass, Fail, Pass, Unknown, Unknown, Unknown, Pass]),
        ("<", [Pass, Fail, Fail, Unknown, Fail, Unknown, Fail]),
        ("<=", [Pass, Pass, Fail, Pass, Unknown, Unknown, Fail]),
        (">", [Fail, Fail, Pass, Fail, Unknown, Unknown, Pass]),
        (">=", [Fail, Pass, Pass, Unknown, Pass, Unknown, Pass]),
    ] {
        let wish = read(&format!("count() {op} 5")).unwrap().wish;
        let readings = [
            (4.0, 4.0),
            (5.0, 5.0),
            (6.0, 6.0),
            (4.0, 5.0),
            (5.0, 6.0),
            (4.0, 6.0),
            (6.0, f64::INFINITY),
        ];
        let got = readings.map(|(low, high)| Reading::between(low, high, "why").judge(&wish));
        assert_eq!(got, want, "{op}");
        assert_eq!(Reading::unknown("why").judge(&wish), Unknown);
    }
}

#[test]
fn wishes_are_told_in_their_unit() {
    let told = |text: &str| {
        let a = read(text).unwrap();
        a.wish.text(a.measure.unit())
    };
    assert_eq!(told("max(rtt) < 50ms"), "< 50ms");
    assert_eq!(told("count() = 3"), "== 3");
    assert_eq!(told("listening(80)"), "yes");
    assert_eq!(told("not listening(80)"), "no");
    assert_eq!(told("finding(closing) < warning"), "< warning");
    assert_eq!(told("rate(TcpOutRsts) < 0.5"), "< 0.5/s");
    assert_eq!(told("min(delivery_rate) > 8Mbps"), "> 8.0Mbps");
}
