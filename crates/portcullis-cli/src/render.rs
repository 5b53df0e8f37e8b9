//! Diagnostics as text, in the manner of rustc, and as JSON.

use std::io::Write;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use portcullis::{Diagnostic, Label, Severity, Source, Span};
use serde::Serialize;

use crate::load::Files;

/// The most that a person is shown of one policy: whoever has more to mend starts with the first.
const SHOWN: usize = 50;

/// Prints diagnostics on stderr, coloured where that is a terminal that wants it.
pub(crate) fn human(files: &Files, diagnostics: &[Diagnostic]) {
    let renderer = Renderer::styled();
    let mut stderr = anstream::stderr().lock();
    for diagnostic in diagnostics.iter().take(SHOWN) {
        let _ = writeln!(stderr, "{}\n", renderer.render(&report(files, diagnostic)));
    }
    let left_out = diagnostics.len().saturating_sub(SHOWN);
    if left_out > 0 {
        let _ = writeln!(stderr, "{}: {left_out} more not shown\n", files.name);
    }
}

fn report<'a>(files: &'a Files, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
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
        let mut snippet = Snippet::source(source.text()).path(path);
        if file == primary {
            snippet = snippet.annotation(annotation(AnnotationKind::Primary, source, &diagnostic.primary));
        }
        for label in diagnostic.others.iter().filter(|label| label.span.file == file) {
            snippet = snippet.annotation(annotation(AnnotationKind::Context, source, label));
        }
        group = group.element(snippet);
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
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
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: diagnostic.message.clone(),
            place: Place::new(files, diagnostic.primary.span),
            labels: labels
                .chain(&diagnostic.others)
                .map(|label| Labelled { text: label.text.clone(), place: Place::new(files, label.span) })
                .collect(),
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
