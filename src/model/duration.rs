//! Durations as the language writes them: `15m`, `1h30m`, `250ms`.

/// The units, the largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration, in milliseconds: numbers with units, one after the other, and nothing else.
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    let is_number = |c: char| c.is_ascii_digit() || c == '_';
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (number, after) = rest.split_at_checked(rest.find(|c| !is_number(c))?)?;
        let (unit, after) = after.split_at_checked(after.find(is_number).unwrap_or(after.len()))?;
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        total = total.checked_add(number.replace('_', "").parse::<u64>().ok()?.checked_mul(*size)?)?;
        rest = after;
    }
    // So that it can be added to a timestamp, which is signed.
    (!text.is_empty() && i64::try_from(total).is_ok()).then_some(total)
}

/// The one way to write a duration: `90m` is `1h30m`, and nothing is `0s`.
pub(crate) fn text(milliseconds: u64) -> String {
    let mut rest = milliseconds;
    let mut text = String::new();
    for (unit, size) in UNITS {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_again() {
        for written in ["15m", "1h30m", "250ms", "7d", "1d2h3m4s5ms", "0s"] {
            assert_eq!(milliseconds(written).map(text).as_deref(), Some(written));
        }
        assert_eq!(milliseconds("30m1_0m1h").map(text).as_deref(), Some("1h40m"));
        assert_eq!(milliseconds("90m").map(text).as_deref(), Some("1h30m"));
        let wrong = ["", "15", "m", "15 m", "-5m", "1.5h", "15min", "_1m", "1_", "99999999999999999999d"];
        for wrong in wrong.into_iter().chain(["9223372036854775807d"]) {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }
}
