//! Makes one diagnostic from the place where the grammar stopped and the rules it expected there. A diagnostic never
//! repeats the text of a string, which may be a secret.

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::errors::expected::{declarations, is_declaration, keywords, label};
use crate::syntax::errors::found::Found;
use crate::syntax::errors::misplaced::misplaced;
use crate::syntax::errors::recover::first_word;
use crate::syntax::parse::{Rule, Stop};

/// The most expectations that an error lists.
const LISTED: usize = 6;

/// Returns the error for a stop in `text`, which begins at `base` in its file.
pub(crate) fn diagnose(file: u32, text: &str, base: usize, stop: &Stop) -> Diagnostic {
    let Some((before, rest)) = text.split_at_checked(stop.offset) else {
        return Diagnostic::error("syntax", span(file, base, 0), "the text can't be read");
    };
    let stop = &after_allowance(stop);
    let found = Found::at(rest);
    let before = trim_trivia(before);
    let start = if found == Found::End { before.len() } else { stop.offset };
    let place = span(file, base + start, found.len());
    let failure = Failure { before, rest, found, expected: &stop.expected };

    if failure.expects(Rule::secret_name) && matches!(found, Found::String(_) | Found::Number(_) | Found::Quote) {
        return Diagnostic::error("literal_secret", place, "a policy names its secrets, and never holds them")
            .label("a literal where the name of a secret belongs")
            .help(
                "declare a name with `secret NAME`, write that name here, and give the bytes to the host's key ring",
            );
    }
    if let Found::Word(word) = found
        && stop.expected.iter().all(|rule| is_declaration(*rule))
    {
        return Diagnostic::error("unknown_declaration", place, format!("`{word}` begins no declaration")).help(
            other_language(word)
                .or_else(|| meant(word, declarations()))
                .unwrap_or_else(|| format!("declarations begin with {}", list(declarations()))),
        );
    }
    if let Some(problem) = misplaced(file, text, base, stop) {
        return problem;
    }
    let message = match stop.expected.is_empty() {
        true => "the text can't be read".to_owned(),
        false => format!("expected {}, found {}", wording(&stop.expected), found.label()),
    };
    let help = failure
        .habit()
        .or_else(|| failure.misspelling())
        .or_else(|| failure.missing_comma())
        .or_else(|| failure.example());
    let problem = Diagnostic::error("syntax", place, message);
    problem.help(help.unwrap_or_else(|| failure.general()))
}

/// Joins the keywords that may follow an allowance into one expectation, a declaration.
fn after_allowance(stop: &Stop) -> Stop {
    let mut expected = stop.expected.clone();
    if expected.contains(&Rule::allowance_word) {
        let begins_one =
            |rule: &Rule| is_declaration(*rule) || keywords(*rule).iter().any(|word| declarations().contains(word));
        expected.retain(|rule| !begins_one(rule));
        expected.push(Rule::declaration);
    }
    Stop { offset: stop.offset, expected }
}

/// Returns the error for a file that doesn't begin with `policy NAME`.
pub(crate) fn missing_header(file: u32, base: usize, text: &str) -> Diagnostic {
    let word = first_word(text);
    let place = span(file, base, Found::at(text).len());
    Diagnostic::error("missing_policy", place, "a policy file begins with `policy NAME`")
        .help(meant(word, &["policy"]).unwrap_or_else(|| "write `policy NAME` above everything else".to_owned()))
}

/// Returns the error for a `policy NAME` that isn't the first.
pub(crate) fn second_header(file: u32, base: usize, text: &str) -> Diagnostic {
    let place = span(file, base, first_word(text).len());
    Diagnostic::error("second_policy", place, "`policy NAME` stands once in a file, at its start")
        .help("take this line away; the files of one folder with the same name are one policy")
}

/// Returns the candidate that `word` is a misspelling of.
pub(crate) fn closest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes quadratic time; no keyword is longer than this.
    if word.len() > 24 {
        return None;
    }
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance > 0 && *distance <= candidate.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn meant(word: &str, candidates: &[&str]) -> Option<String> {
    closest(word, candidates.iter().copied()).map(|keyword| format!("did you mean `{keyword}`?"))
}

pub(crate) fn span(file: u32, start: usize, len: usize) -> Span {
    let place = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
    Span { file, start: place(start), end: place(start + len) }
}

/// A stop with the text around it.
struct Failure<'a> {
    before: &'a str,
    rest: &'a str,
    found: Found<'a>,
    expected: &'a [Rule],
}

/// Returns help for the keywords of other policy languages.
fn other_language(word: &str) -> Option<String> {
    let help = match word {
        "deny" => "write `forbid PERMS when …`",
        "permit" | "grant" => "write `allow PERMS when …`",
        "route" | "path" | "endpoint" => "routes stand in a block: `routes /posts { GET /{id} public }`",
        "entity" | "type" | "object" => "write `resource NAME { actions … }`",
        "let" | "const" | "define" => "write `condition NAME = …`",
        _ => return None,
    };
    Some(help.to_owned())
}

impl Failure<'_> {
    fn expects(&self, rule: Rule) -> bool {
        self.expected.contains(&rule)
    }

    fn expects_any(&self, rules: &[Rule]) -> bool {
        rules.iter().any(|rule| self.expects(*rule))
    }

    /// Returns help for habits from other languages.
    fn habit(&self) -> Option<String> {
        let help = match self.found {
            Found::Symbol("&&") => "write `and`",
            Found::Symbol("||") => "write `or`",
            Found::Symbol("!") => "write `not`",
            Found::Symbol("#") => "comments begin with `//`",
            Found::Word("or" | "and") if self.expects(Rule::comma) && !self.expects(Rule::infix) => {
                "separate what must all hold by commas; for one of several, write `requires any of A, B`"
            }
            Found::Symbol(";") => "take the `;` away: white space separates entries and declarations",
            Found::OddSpace(_) => "write a plain blank in its place",
            Found::Quote => "strings stand in double quotes: `\"…\"`",
            Found::Symbol("=") if self.expects(Rule::infix) => "to compare, write `==`",
            Found::Symbol("==") if self.expects(Rule::equals) => "write a single `=` here",
            Found::Symbol(":" | "=") if !self.expects_any(&[Rule::colon, Rule::equals]) => {
                "take it away: a setting is a name and a value with a space between"
            }
            Found::Symbol("/") if self.expects_any(&[Rule::operand, Rule::expression]) => {
                "a regex stands only after `matches`"
            }
            Found::Symbol("/") if self.expects(Rule::infix) => "there is no division",
            Found::Symbol(".") if self.expects(Rule::colon) => "a permission is written with a colon: `posts:read`",
            Found::Symbol("?") if self.expects(Rule::pipe) => {
                "`?` stands after the name: `email?: string`; a value that may be null is `TYPE | null`"
            }
            Found::Word("not") if self.expects(Rule::infix) => "put `not` before the whole comparison: `not a in b`",
            Found::Word(_) if self.ends_with_words("is", "not") => "write `not user is ROLE`",
            Found::Word("forbid" | "never") if self.expects_any(&[Rule::allow, Rule::k_allow]) => {
                "roles and scopes only allow; write this line outside of the block"
            }
            Found::Word(_) | Found::String(_) if self.expects(Rule::k_reason) => {
                "say why, for whoever reads it next: `allow(LINT) reason \"…\"`"
            }
            Found::Word("unless") if self.expects_any(&[Rule::when, Rule::k_when]) => "write `when not …`",
            Found::Word("if" | "where") if self.expects_any(&[Rule::when, Rule::k_when]) => "write `when …`",
            Found::Word("because") if self.expects_any(&[Rule::when, Rule::k_when]) => {
                "only a `forbid` and a `never` have a `because`"
            }
            Found::Word("no") if self.expects(Rule::clause) => "write what is switched off: `no body`, `no limit`",
            _ => return None,
        };
        Some(help.to_owned())
    }

    fn ends_with_words(&self, first: &str, second: &str) -> bool {
        let mut words = self.before.split_whitespace().rev();
        words.next() == Some(second) && words.next() == Some(first)
    }

    /// Returns help for a misspelt keyword.
    fn misspelling(&self) -> Option<String> {
        let Found::Word(word) = self.found else { return None };
        if self.expects_any(&[Rule::clause, Rule::route])
            && self.rest.strip_prefix(word).is_some_and(|rest| rest.trim_start().starts_with('/'))
        {
            return Some(format!("methods are written in capitals: `{}`", word.to_ascii_uppercase()));
        }
        let candidates: Vec<_> = self.expected.iter().flat_map(|rule| keywords(*rule)).collect();
        meant(word, &candidates)
    }

    /// Returns help for two items of a list without a comma between them.
    fn missing_comma(&self) -> Option<String> {
        let last = self.before.chars().next_back()?;
        let after_item = match self.found {
            Found::Word(_) => last.is_ascii_alphanumeric() || last == '_' || last == '*',
            Found::String(_) => last == '"',
            Found::Number(_) => last.is_ascii_alphanumeric(),
            _ => false,
        };
        let item = match self.found {
            Found::Word(_) | Found::Number(_) => {
                let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | '*');
                let end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
                format!("`, {}`", self.rest.get(..end)?)
            }
            _ => "`\"…\", \"…\"`".to_owned(),
        };
        (after_item && self.expects(Rule::comma)).then(|| format!("separate the items of a list by commas: {item}"))
    }

    /// Returns an example of what was expected.
    fn example(&self) -> Option<String> {
        if let Found::Number(text) = self.found
            && text.contains(|c: char| c.is_ascii_alphabetic())
        {
            return Some(format!(
                "`{text}` has no known unit: durations end in `ms`, `s`, `m`, `h` or `d`, sizes in `B`, `KiB`, `MiB` or `GiB`"
            ));
        }
        if let Found::Word(text) = self.found
            && !self.expects(Rule::facet)
        {
            let entry = [Rule::attribute, Rule::claim, Rule::field, Rule::schema_entry, Rule::resource_entry];
            if self.expects_any(&entry) {
                return Some(format!("write a name and a type: `{text}: string`"));
            }
            if self.expects_any(&[Rule::mapping_entry, Rule::mapping_name]) {
                return Some(format!("write a name and a value: `{text} = claims.{text}`"));
            }
            if self.expects(Rule::record_entry) {
                return Some(format!("write a name and a value: `{text}: x`"));
            }
            if self.expected == [Rule::clause_name] {
                let keyword = self.before.split_whitespace().next_back().unwrap_or_default();
                return Some(format!("`{keyword}` needs a name after it: `{keyword} NAME`"));
            }
        }
        match self.found {
            Found::Word(text) if self.expected == [Rule::string] => {
                return Some(format!("put it in double quotes: `\"{text}\"`"));
            }
            Found::String(_) if self.expects_any(&[Rule::name, Rule::clause_name]) => {
                return Some("write a name without quotes".to_owned());
            }
            _ => {}
        }
        let help = match self.expected.first()? {
            Rule::duration => "write a number and a unit: `250ms`, `30s`, `15m`, `1h`, `7d`",
            Rule::size => "write a number and a unit: `512B`, `64KiB`, `2MiB`",
            Rule::path | Rule::slash => "a path begins with a slash: `/posts/{id}`",
            Rule::literal_segment | Rule::parameter | Rule::rest => {
                "a segment of a path is a word, `{id}`, `{id: int}` or, at the end, `{*rest}`"
            }
            Rule::regex => "write a regex between slashes: `matches /^[a-z]+$/`",
            Rule::range | Rule::number => "write numbers: `min 1`, `1..100`",
            Rule::name | Rule::role_name | Rule::clause_name => "write a name of letters, digits and `_`",
            Rule::type_name | Rule::schema_type | Rule::schema_alternative | Rule::value_type => {
                "write a type: `string`, `int`, `[string]`, `\"a\" | \"b\"`, or the name of a schema"
            }
            Rule::operand | Rule::expression => "write a value: `user.id`, `\"draft\"`, `15m`, `[a, b]`",
            Rule::rate | Rule::k_per => "write a rate: `100 per 1m`, `1_000 per 1h burst 2_000`",
            Rule::network | Rule::proxy => "write a network: `10.0.0.0/8`, `2001:db8::/32`",
            Rule::k_when | Rule::when if self.expects_any(&[Rule::k_unless, Rule::unless]) => {
                "an invariant says when it must not happen: `never posts:delete when EXPR` or `… unless EXPR`"
            }
            Rule::string => "write a string in double quotes: `\"…\"`",
            Rule::pattern => "write permissions: `posts:read`, `posts:[read, write]`, `posts:*`, `*`",
            _ => return None,
        };
        Some(help.to_owned())
    }

    /// Lists what can be written here.
    fn general(&self) -> String {
        if self.found == Found::End {
            return match self.expects(Rule::brace_close) {
                true => "close the block with `}`".to_owned(),
                false => format!("go on with {}", wording(self.expected)),
            };
        }
        let candidates: Vec<_> = self.expected.iter().filter(|rule| !is_incidental(**rule)).collect();
        let words: Vec<_> = candidates.iter().flat_map(|rule| keywords(**rule)).collect();
        if words.len() > 1 && !self.expects(Rule::declaration) {
            return format!("what can stand here begins with {}", list(&words));
        }
        match self.found {
            Found::Symbol(_) if self.expects(Rule::declaration) => {
                "take it away, or begin the next declaration here".to_owned()
            }
            _ => format!("write {} here", wording(self.expected)),
        }
    }
}

/// True for rules that are expected after every value and say little about what the author meant.
fn is_incidental(rule: Rule) -> bool {
    matches!(rule, Rule::infix | Rule::k_is | Rule::k_matches)
}

/// Joins labels: "a name, `{` or `extends`".
fn wording(expected: &[Rule]) -> String {
    let mut words: Vec<&str> = Vec::new();
    // After a whole value, the rules that only continue it are dropped.
    let after_value = expected.contains(&Rule::infix);
    for rule in expected {
        let drop = match rule {
            Rule::paren_open | Rule::arguments => after_value,
            Rule::EOI | Rule::declaration => after_value || expected.contains(&Rule::comma),
            Rule::question => expected.contains(&Rule::colon),
            _ => false,
        };
        let word = label(*rule);
        if !drop && !words.contains(&word) {
            words.push(word);
        }
    }
    words.truncate(LISTED);
    join(&words)
}

fn list(words: &[&str]) -> String {
    join(&words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>())
}

fn join(words: &[impl AsRef<str>]) -> String {
    match words {
        [] => "something else".to_owned(),
        [only] => only.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} or {}", first.join(", "), last.as_ref())
        }
    }
}

/// Returns `text` without the white space and the comments at its end.
fn trim_trivia(text: &str) -> &str {
    let mut rest = text.trim_end();
    while let Some((above, line)) = rest.rsplit_once('\n').or(Some(("", rest))) {
        if !line.trim_start().starts_with("//") {
            break;
        }
        rest = above.trim_end();
    }
    rest
}
