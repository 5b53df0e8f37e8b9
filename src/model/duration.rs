//! Durations as the language writes them: `15m`, `1h30m`, `250ms`.

use jiff::SignedDuration;

const UNITS: [(&str, i128); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration: numbers with units, one after the other, and nothing else.
pub(crate) fn parse(text: &str) -> Option<SignedDuration> {
    let mut rest = text;
    let mut milliseconds = 0_i128;
    while !rest.is_empty() {
        let (number, after) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
        let (unit, after) = after.split_at_checked(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()))?;
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        milliseconds = i128::from(number.parse::<u64>().ok()?).checked_mul(*size)?.checked_add(milliseconds)?;
        rest = after;
    }
    let milliseconds = i64::try_from(milliseconds).ok().filter(|_| !text.is_empty())?;
    Some(SignedDuration::from_millis(milliseconds))
}

/// Writes a duration so that it can be read again; what is finer than a millisecond is left out.
pub(crate) fn text(duration: SignedDuration) -> String {
    let mut rest = duration.as_millis();
    let mut text = String::from(if rest < 0 { "-" } else { "" });
    rest = rest.abs();
    if rest == 0 {
        return "0s".to_owned();
    }
    for (unit, size) in UNITS {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_again() {
        for written in ["15m", "1h30m", "250ms", "7d", "1d2h3m4s5ms", "0s"] {
            assert_eq!(parse(written).map(text).as_deref(), Some(written));
        }
        assert_eq!(parse("90m").map(text).as_deref(), Some("1h30m"));
        for wrong in ["", "15", "m", "15 m", "-5m", "1.5h", "15min", "99999999999999999999d", "9223372036854775807d"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
