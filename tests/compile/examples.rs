//! The examples on the language's pages. Each compiles, or has the findings that it announces: a line with a finding ends with
//! `// error[CODE]` or `// warning[CODE]`. An example without a `policy` line is a file of the policy `example`: by itself,
//! or, with the fence ```` ```gate,examples ````, together with the files in `docs/language/examples`.

use std::fs;
use std::path::{Path, PathBuf};

use portcullis::diagnostic::{Diagnostic, Severity};
use portcullis::{Policy, Source};

/// An example, and its place.
struct Example {
    place: String,
    beside_others: bool,
    text: String,
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// The files of a folder with an extension, sorted.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = all.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files
}

fn pages() -> Vec<PathBuf> {
    let mut pages = files(&docs().join("language"), "md");
    pages.push(docs().join("language.md"));
    pages
}

fn examples(page: &Path) -> Vec<Example> {
    let text = fs::read_to_string(page).unwrap();
    let name = page.file_name().unwrap().to_str().unwrap();
    let mut examples: Vec<Example> = Vec::new();
    let mut open: Option<Example> = None;
    for (number, line) in (1..).zip(text.lines()) {
        open = match (open, line.strip_prefix("```")) {
            (Some(example), Some("")) => {
                examples.push(example);
                None
            }
            (Some(mut example), _) => {
                example.text.push_str(line);
                example.text.push('\n');
                Some(example)
            }
            (None, Some(info)) => {
                let beside_others = info == "gate,examples";
                assert!(beside_others || !info.starts_with("gate,"), "{name}:{number}: there is no `{info}`");
                let place = format!("{name}:{number}");
                (info == "gate" || beside_others).then(|| Example { place, beside_others, text: String::new() })
            }
            (None, None) => None,
        };
    }
    assert!(open.is_none(), "{name}: the last example has no end");
    examples
}

fn findings(example: &Example) -> (String, Vec<Diagnostic>) {
    let whole = example.text.lines().any(|line| line.starts_with("policy "));
    let text = if whole { example.text.clone() } else { format!("policy example\n{}", example.text) };
    let mut sources = vec![Source::new(&example.place, &text)];
    if example.beside_others {
        assert!(!whole, "{}: a whole policy stands beside nothing", example.place);
        let others = files(&docs().join("language/examples"), "gate");
        sources.extend(
            others.iter().map(|path| Source::new(path.display().to_string(), fs::read_to_string(path).unwrap())),
        );
    }
    let found = match Policy::compile(&sources) {
        Ok(policy) => policy.warnings().to_vec(),
        Err(error) => error.into_diagnostics(),
    };
    (text, found)
}

/// The findings that an example announces: lines from 1, and codes.
fn announced(text: &str, word: &str) -> Vec<(usize, String)> {
    let mark = format!("// {word}[");
    let found = (1..).zip(text.lines()).filter_map(|(number, line)| {
        let (_, code) = line.split_once(&mark)?;
        Some((number, code.strip_suffix(']').expect("the mark ends its line").to_owned()))
    });
    found.collect()
}

fn told(text: &str, found: &[Diagnostic], severity: Severity) -> Vec<(usize, String)> {
    let mut told: Vec<(usize, String)> = found
        .iter()
        .filter(|finding| finding.severity == severity)
        .map(|finding| {
            let line = match finding.primary.span.file {
                0 => {
                    text.as_bytes()[..finding.primary.span.start as usize].iter().filter(|byte| **byte == b'\n').count()
                        + 1
                }
                // In the file beside it.
                _ => 0,
            };
            (line, finding.code.to_owned())
        })
        .collect();
    told.sort();
    told
}

#[test]
fn every_example_is_as_it_says() {
    let mut wrong = Vec::new();
    for example in pages().iter().flat_map(|page| examples(page)) {
        let (text, found) = findings(&example);
        let (errors, warnings) = (told(&text, &found, Severity::Error), told(&text, &found, Severity::Warning));
        let expected = announced(&text, "error");
        if errors != expected {
            let messages: Vec<String> =
                found.iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect();
            wrong.push(format!(
                "{}: errors {errors:?}, announced {expected:?}\n  {}",
                example.place,
                messages.join("\n  ")
            ));
        }
        let missing: Vec<_> = announced(&text, "warning").into_iter().filter(|line| !warnings.contains(line)).collect();
        if !missing.is_empty() {
            wrong.push(format!("{}: warnings {warnings:?}, announced and missing {missing:?}", example.place));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_has_examples_and_is_in_the_index() {
    let index = fs::read_to_string(docs().join("language.md")).unwrap();
    for page in pages() {
        let name = page.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(!examples(&page).is_empty(), "{name} shows nothing");
        assert!(name == "language.md" || index.contains(&format!("(language/{name})")), "{name} isn't in the index");
    }
}
