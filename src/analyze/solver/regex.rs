//! Texts that match a regex.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A text that matches the pattern: the first alternatives, and the fewest repetitions. `None` if that is no match.
pub(crate) fn sample(pattern: &str) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut out = Vec::new();
    write(&hir, &mut out)?;
    let text = String::from_utf8(out).ok()?;
    regex::Regex::new(pattern).ok()?.is_match(&text).then_some(text)
}

/// The most bytes of a text.
const LONGEST: usize = 4_096;

fn write(hir: &Hir, out: &mut Vec<u8>) -> Option<()> {
    if out.len() > LONGEST {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(()),
        HirKind::Literal(literal) => {
            out.extend_from_slice(&literal.0);
            Some(())
        }
        HirKind::Class(Class::Unicode(class)) => {
            let plain = class.ranges().iter().find(|range| range.end() >= 'a' && range.start() <= 'z');
            let range = plain.or_else(|| class.ranges().first())?;
            let one = if plain.is_some() { range.start().max('a') } else { range.start() };
            out.extend_from_slice(one.encode_utf8(&mut [0; 4]).as_bytes());
            Some(())
        }
        HirKind::Class(Class::Bytes(class)) => {
            out.push(class.ranges().first()?.start());
            Some(())
        }
        HirKind::Repetition(repetition) => (0..repetition.min).try_for_each(|_| write(&repetition.sub, out)),
        HirKind::Capture(capture) => write(&capture.sub, out),
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, out)),
        HirKind::Alternation(parts) => write(parts.first()?, out),
    }
}
