use super::parse::Stop;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
pub(super) fn diagnose(file: u32, _text: &str, base: usize, stop: &Stop) -> Diagnostic {
    let at = (base + stop.offset) as u32;
    Diagnostic::error("syntax", Span { file, start: at, end: at }, format!("expected {:?}", stop.expected))
}
pub(super) fn second_header(file: u32, base: usize, _t: &str) -> Diagnostic {
    Diagnostic::error("second_policy", Span { file, start: base as u32, end: base as u32 }, "a file")
}
pub(super) fn missing_header(file: u32, base: usize, _t: &str) -> Diagnostic {
    Diagnostic::error("missing_policy", Span { file, start: base as u32, end: base as u32 }, "a file")
}
pub(super) fn closest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for c in candidates {
        let d = strsim::damerau_levenshtein(word, c);
        if best.is_none_or(|(b, _)| d < b) {
            best = Some((d, c));
        }
    }
    best.filter(|(d, c)| *d > 0 && *d <= c.len() / 3).map(|(_, c)| c)
}
