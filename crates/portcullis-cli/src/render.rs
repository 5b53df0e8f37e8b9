//! Diagnostics as text, in the manner of rustc, and as JSON.

use std::borrow::Cow;
use std::io::Write;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use portcullis::Source;
use portcullis::diagnostic::{Diagnostic, Label, Severity, Span};
use serde::Serialize;

use crate::error::printable;
use crate::load::Files;

/// The most that a person is shown of one policy: whoever has more to mend starts with the first.
const SHOWN: usize = 50;

/// Prints diagnostics on stderr, coloured where that is a terminal that wants it.
pub(crate) fn human(files: &Files, diagnostics: &[Diagnostic]) {
    // That stderr can't be written to is no reason to stop.
    let _ = anstream::stderr().lock().write_all(rendered(&Renderer::styled(), files, diagnostics).as_bytes());
}

fn rendered(renderer: &Renderer, files: &Files, diagnostics: &[Diagnostic]) -> String {
    let masked = masked(files, diagnostics);
    let shown = diagnostics.iter().take(SHOWN);
    let mut text: String = shown.map(|found| renderer.render(&report(files, &masked, found)) + "\n\n").collect();
    let left_out = diagnostics.len().saturating_sub(SHOWN);
    if left_out > 0 {
        text += &format!("{}: {left_out} more not shown\n\n", files.name);
    }
    text
}

/// The files' texts with every secret that somebody wrote into a policy starred out: what is rendered ends up in logs.
/// Offsets stay what they were.
fn masked<'a>(files: &'a Files, diagnostics: &[Diagnostic]) -> Vec<Cow<'a, str>> {
    let mut texts: Vec<Cow<'a, str>> = files.sources.iter().map(|source| Cow::Borrowed(source.text())).collect();
    for found in diagnostics.iter().filter(|found| found.code == "literal_secret") {
        let span = found.primary.span;
        let file = usize::try_from(span.file).ok().and_then(|file| files.sources.get(file).zip(texts.get_mut(file)));
        if let Some((source, text)) = file {
            let range = range(source, span);
            let stars = "*".repeat(range.len());
            text.to_mut().replace_range(range, &stars);
        }
    }
    texts
}

fn report<'a>(files: &'a Files, texts: &'a [Cow<'a, str>], diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.code));
    let primary = diagnostic.primary.span.file;
    let mut order = vec![primary];
    for label in &diagnostic.others {
        if !order.contains(&label.span.file) {
            order.push(label.span.file);
        }
    }
    for file in order {
        let Some((path, source)) = file_of(files, file) else { continue };
        let text = usize::try_from(file).ok().and_then(|file| texts.get(file));
        let mut snippet = Snippet::source(text.map_or("", Cow::as_ref)).path(path);
        if file == primary {
            snippet = snippet.annotation(annotation(AnnotationKind::Primary, source, &diagnostic.primary));
        }
        for label in diagnostic.others.iter().filter(|label| label.span.file == file) {
            snippet = snippet.annotation(annotation(AnnotationKind::Context, source, label));
        }
        group = group.element(snippet);
    }
    if let Some(note) = &diagnostic.note {
        group = group.element(Level::NOTE.message(printable(note)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(printable(help)));
    }
    vec![group]
}

fn annotation<'a>(kind: AnnotationKind, source: &Source, label: &'a Label) -> Annotation<'a> {
    let annotation = kind.span(range(source, label.span));
    if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) }
}

/// A span as a range of the source's text, whatever the span says: the renderer relies on it.
fn range(source: &Source, span: Span) -> Range<usize> {
    let text = source.text();
    let place = |offset: u32| text.floor_char_boundary(usize::try_from(offset).unwrap_or(usize::MAX));
    let start = place(span.start);
    start..place(span.end).max(start)
}

fn file_of(files: &Files, file: u32) -> Option<(String, &Source)> {
    let index = usize::try_from(file).ok()?;
    Some((files.paths.get(index)?.display().to_string(), files.sources.get(index)?))
}

/// A diagnostic for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    code: &'static str,
    severity: &'static str,
    message: String,
    #[serde(flatten)]
    place: Place,
    labels: Vec<Labelled>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    help: Option<String>,
}

/// A place, in lines and columns from 1; columns count characters, and the end is the first one beyond.
#[derive(Debug, Serialize)]
struct Place {
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Debug, Serialize)]
struct Labelled {
    text: String,
    #[serde(flatten)]
    place: Place,
}

impl Finding {
    pub(crate) fn new(files: &Files, diagnostic: &Diagnostic) -> Self {
        let labels = std::iter::once(&diagnostic.primary).filter(|label| !label.text.is_empty());
        Self {
            code: diagnostic.code,
            severity: diagnostic.severity.as_str(),
            message: diagnostic.message.clone(),
            place: Place::new(files, diagnostic.primary.span),
            labels: labels
                .chain(&diagnostic.others)
                .map(|label| Labelled { text: label.text.clone(), place: Place::new(files, label.span) })
                .collect(),
            note: diagnostic.note.clone(),
            help: diagnostic.help.clone(),
        }
    }
}

impl Place {
    fn new(files: &Files, span: Span) -> Self {
        let Some((file, source)) = file_of(files, span.file) else {
            return Self { file: files.name.clone(), line: 1, column: 1, end_line: 1, end_column: 1 };
        };
        let range = range(source, span);
        let (line, column) = source.line_and_column(range.start);
        let (end_line, end_column) = source.line_and_column(range.end);
        Self { file, line, column, end_line, end_column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(texts: &[(&str, &[u8])]) -> Files {
        Files {
            name: "shop".to_owned(),
            paths: texts.iter().map(|(name, _)| format!("policies/{name}").into()).collect(),
            sources: texts.iter().map(|(name, text)| Source::new(*name, text)).collect(),
        }
    }

    fn span(file: u32, start: u32, end: u32) -> Span {
        Span { file, start, end }
    }

    fn check(name: &str, files: &Files, diagnostics: &[Diagnostic]) {
        let text = rendered(&Renderer::plain(), files, diagnostics);
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, text);
        });
    }

    #[test]
    fn all_places_are_shown() {
        let files = files(&[
            ("a.gate", b"policy shop\n\nrole user { allow posts:read }\n"),
            ("b.gate", "policy shop\nrole é { allow posts:raed } role user {}\n".as_bytes()),
        ]);
        let twice = Diagnostic::error("duplicate_role", span(1, 46, 50), "the role `user` is declared twice")
            .label("again")
            .also(span(0, 18, 22), "first declared here")
            .help("give one of them another name");
        let typo = Diagnostic::warning("unknown_permission", span(1, 28, 38), "there is no permission `posts:raed`")
            .also(span(1, 17, 19), "");
        check("places", &files, &[twice, typo]);
    }

    #[test]
    fn odd_places_are_survived() {
        let files = files(&[
            ("empty.gate", b""),
            ("bytes.gate", b"policy \xff\xfe"),
            ("lines.gate", "policy x\r\n\té\r\n".as_bytes()),
        ]);
        let places = [
            (0, 0, 0),
            (0, 5, 9),
            (1, 8, 9),
            (1, 99, 3),
            (2, 4, 14),
            (2, 12, 13),
            (2, 15, 15),
            (2, 0, u32::MAX),
            (9, 0, 1),
        ];
        let found: Vec<_> = places
            .iter()
            .map(|&(file, start, end)| {
                Diagnostic::error("odd", span(file, start, end), format!("{file} {start}..{end}"))
                    .label("h\u{1b}[31mere")
            })
            .collect();
        check("odd_places", &files, &found);
        for found in &found {
            let finding = Finding::new(&files, found);
            assert!(finding.place.line >= 1 && finding.place.column >= 1);
        }
    }

    #[test]
    fn literal_secrets_are_starred_out() {
        let files = files(&[("a.gate", "policy shop\ntoken t { key \"hüsh hush\" }\n".as_bytes())]);
        let on_the_same_line = Diagnostic::error("odd", span(0, 12, 17), "again");
        let literal = Diagnostic::error("literal_secret", span(0, 26, 38), "a policy never holds secrets");
        let text = rendered(&Renderer::plain(), &files, &[on_the_same_line, literal]);
        assert_eq!(text.matches("token t { key ************ }").count(), 2, "{text}");
        assert!(!text.contains("hush"), "{text}");
    }

    #[test]
    fn the_first_fifty_are_shown() {
        let files = files(&[("a.gate", b"policy shop\n")]);
        let found = vec![Diagnostic::error("odd", span(0, 0, 6), "again"); 53];
        let text = rendered(&Renderer::plain(), &files, &found);
        assert_eq!(text.matches("error[odd]").count(), 50);
        assert!(text.ends_with("shop: 3 more not shown\n\n"), "{text}");
    }
}
