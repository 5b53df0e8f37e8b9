//! Hostile policies: as large as they may be, or with as many relations. Each compiles, or its errors say why not.

use std::fmt::Write as _;

use portcullis::{Policy, Source};

use crate::support::try_compile;

/// The largest policy that is read.
const LARGEST: usize = 1024 * 1024;

/// `beginning`, lines until the policy has the largest size, and `end`; and the number of lines.
fn filled(beginning: &str, line: impl Fn(usize) -> String, end: impl Fn(usize) -> String) -> (String, usize) {
    let mut text = format!("policy hostile\n{beginning}\n");
    let mut count = 0;
    loop {
        let line = line(count);
        let end = end(count);
        if text.len() + line.len() + end.len() > LARGEST {
            text.push_str(&end);
            return (text, count);
        }
        text.push_str(&line);
        count += 1;
    }
}

fn nothing(_: usize) -> String {
    String::new()
}

/// The codes of a policy's errors, each with its count.
fn codes(text: &str) -> Vec<(&'static str, usize)> {
    let mut codes: Vec<(&'static str, usize)> = Vec::new();
    for found in try_compile(text).unwrap_err() {
        match codes.iter_mut().find(|(code, _)| *code == found.code) {
            Some((_, count)) => *count += 1,
            None => codes.push((found.code, 1)),
        }
    }
    codes
}

const USERS: &str = "secret K
token t { algorithm HS256  key K  claims { sub: string  role: string } }
user from t { id = claims.sub  roles = [claims.role] }
resource posts { actions read, write }";

#[test]
fn more_than_the_largest() {
    let (text, _) = filled(USERS, |number| format!("role r{number} {{ }}\n"), nothing);
    assert!(try_compile(&text).is_ok());
    let too_large = format!("{text}{}", " ".repeat(LARGEST + 1 - text.len()));
    assert_eq!(codes(&too_large), [("policy_too_large", 1)]);
}

#[test]
fn a_chain_of_roles() {
    let line = |number| match number {
        0 => "role r0 { allow posts:read }\n".to_owned(),
        _ => format!("role r{number} extends r{} {{ }}\n", number - 1),
    };
    let (text, count) = filled(USERS, line, |_| "routes / { GET / requires posts:read }".to_owned());
    assert!(count > 20_000);
    // All of them are in the role of the first, which has the permission.
    let drawn = try_compile(&text).unwrap().graph_text();
    assert!(drawn.contains("user is r0 "));
}

#[test]
fn a_chain_of_roles_from_its_end() {
    let line = |number| format!("role r{number} extends r{} {{ }}\n", number + 1);
    let (text, count) = filled(USERS, line, |count| format!("role r{count} {{ }}\n"));
    assert!(count > 20_000);
    assert!(try_compile(&text).is_ok());
    let (text, _) = filled(USERS, line, nothing);
    assert_eq!(codes(&text), [("unknown_role", 1)]);
}

#[test]
fn roles_with_every_permission() {
    let actions: Vec<String> = (0..1_000).map(|number| format!("a{number}")).collect();
    let resource = format!("resource things {{ actions {} }}", actions.join(", "));
    let (text, count) = filled(&resource, |number| format!("role r{number} {{ allow * }}\n"), nothing);
    assert!(count > 30_000);
    assert!(try_compile(&text).is_ok());
}

#[test]
fn a_great_many_routes() {
    let line = |number| format!("GET /r{number}/{{id}} public\n");
    let (text, count) = filled("routes /api {", line, |_| "}".to_owned());
    assert!(count > 25_000);
    assert!(try_compile(&text).is_ok());
    let (text, count) = filled("routes /api {", |_| "GET /r public\n".to_owned(), |_| "}".to_owned());
    assert!(count > 60_000);
    assert_eq!(codes(&text), [("duplicate_route", 1_000), ("too_many_errors", 1)]);
}

#[test]
fn schemas_that_name_each_other() {
    let line = |number| format!("schema S{number} {{ a: S{} }}\n", number + 1);
    let (text, count) = filled("", line, |count| format!("schema S{count} {{ }}\n"));
    assert!(count > 25_000);
    assert!(try_compile(&text).is_ok());
}

#[test]
fn schemas_without_an_end() {
    let line = |number| format!("schema S{number} {{ a: S, b: S{} }}\n", number + 1);
    let (text, count) = filled("schema S { a: S0 }", line, |count| format!("schema S{count} {{ }}\n"));
    assert!(count > 20_000);
    assert_eq!(codes(&text), [("infinite_schema", 1_000), ("too_many_errors", 1)]);
}

#[test]
fn unknown_names() {
    let line = |number| format!("role r{number} {{ allow nothing{number}:read }}\n");
    let (text, count) = filled(USERS, line, nothing);
    let found = try_compile(&text).unwrap_err();
    let last = found.last().unwrap();
    assert_eq!((found.len(), last.code), (1_001, "too_many_errors"));
    assert_eq!(last.message, format!("{} more findings are left out", count - 1_000));
    assert!(found[..1_000].iter().all(|found| found.code == "unknown_resource"));
}

#[test]
fn unknown_names_among_known_ones() {
    let line = |number| format!("role role{number} extends rule{number} {{ }}\n");
    let (text, count) = filled(USERS, line, nothing);
    assert!(count > 20_000);
    let found = try_compile(&text).unwrap_err();
    assert_eq!(found.len(), 1_001);
    assert_eq!(found[0].help.as_deref(), Some("did you mean `role0`?"));
    assert_eq!(found[999].code, "unknown_role");
}

#[test]
fn cycles_of_roles() {
    for length in [1, 2, 3, 5_000] {
        let mut text = format!("policy hostile\n{USERS}\n");
        for number in 0..length {
            writeln!(text, "role r{number} extends r{} {{ allow posts:read }}", (number + 1) % length).unwrap();
        }
        let found = try_compile(&text).unwrap_err();
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["cyclic_role"], "{length}");
        assert!(found[0].message.contains("`r0` → ") && found[0].message.ends_with("→ `r0`"), "{}", found[0].message);
        assert!(found[0].message.len() < 200);
    }
}

#[test]
fn cycles_of_permission_sets() {
    for length in [1, 2, 3] {
        let mut text = format!("policy hostile\n{USERS}\nrole a {{ allow s0 }}\n");
        for number in 0..length {
            writeln!(text, "permissions s{number} = posts:read, s{}", (number + 1) % length).unwrap();
        }
        assert_eq!(codes(&text)[0].0, "cyclic_permissions", "{length}");
    }
}

#[test]
fn permission_sets_that_grow_tenfold() {
    let mut text = format!("policy hostile\n{USERS}\npermissions s0 = posts:read\n");
    for number in 1..30 {
        let tenfold = vec![format!("s{}", number - 1); 10].join(", ");
        writeln!(text, "permissions s{number} = {tenfold}").unwrap();
    }
    text.push_str("role a { allow s29 }\nroutes / { GET / requires posts:read }\n");
    let policy = try_compile(&text).unwrap();
    assert!(policy.graph_text().contains("user is a"), "{}", policy.graph_text());
}

#[test]
fn a_chain_of_permission_sets() {
    let line = |number| format!("permissions s{number} = s{}\n", number + 1);
    let (text, count) = filled(USERS, line, |count| format!("permissions s{count} = *\n"));
    assert!(count > 20_000);
    assert!(try_compile(&text).is_ok());
    let (text, _) = filled(USERS, line, nothing);
    assert_eq!(codes(&text), [("unknown_permission", 1)]);
}

#[test]
fn claims_without_end() {
    let beginning = "secret K\ntoken t {\nalgorithm HS256\nkey K\nclaims {";
    let (text, count) = filled(beginning, |number| format!("claim_{number}: string\n"), |_| "}\n}".to_owned());
    assert!(count > 30_000);
    assert!(try_compile(&text).is_ok());
}

#[test]
fn headers_without_end() {
    let (text, count) = filled("headers {", |number| format!("x-{number} \"a\"\n"), |_| "}".to_owned());
    assert!(count > 60_000);
    assert!(try_compile(&text).is_ok());
}

#[test]
fn regexes_without_end() {
    let mut text = "policy hostile\nschema S {\n".to_owned();
    for number in 0..2_000 {
        writeln!(text, "f{number}: string matches /[a-z]x{number}/").unwrap();
    }
    text.push('}');
    assert_eq!(codes(&text), [("too_many_regexes", 1)]);
}

#[test]
fn a_regex_that_explodes() {
    let text = "policy hostile\nschema S { a: string matches /(a{1000}){1000}/ }";
    let found = try_compile(text).unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code, found[0].message.as_str()), ("invalid_regex", "the regex is too large once compiled"));
}

/// A condition is checked once for each kind of place where it is used. The product of both is limited.
#[test]
fn a_large_condition_in_many_places() {
    let tests: Vec<String> = (0..20_000).map(|number| format!("resource.b == {number}")).collect();
    let condition = format!("condition c = {}", tests.join(" or "));
    let line = |number| format!("resource r{number} {{ actions x  b: int }}\nallow anyone r{number}:x when c\n");
    let (text, count) = filled(&condition, line, nothing);
    assert!(count > 5_000);
    assert_eq!(codes(&text), [("too_complex", 1)]);
}

/// Names that double at each step are one condition each.
#[test]
fn conditions_that_double_at_each_step() {
    let chain = |length: usize| {
        let steps: Vec<String> =
            (0..length).map(|step| format!("condition c{} = c{step} and c{step}", step + 1)).collect();
        format!(
            "policy p\nresource r {{ actions x  b: int }}\ncondition c0 = resource.b == 1\n{}\nallow anyone r:x when c{length}",
            steps.join("\n")
        )
    };
    assert!(try_compile(&chain(90)).is_ok());
    assert_eq!(codes(&chain(200)), [("nested_too_deeply", 1)]);
}

#[test]
fn a_long_list_beside_a_large_enum() {
    let values: Vec<String> = (0..40_000).map(|number| format!("\"v{number}\"")).collect();
    let resource = format!("resource r {{ actions x  s: {} }}", values.join(" | "));
    let rule = |from: usize| {
        let written: Vec<String> = (from..from + 40_000).map(|number| format!("\"v{number}\"")).collect();
        format!("policy p\n{resource}\nallow anyone r:x when resource.s in [{}]", written.join(", "))
    };
    assert!(try_compile(&rule(0)).is_ok());
    assert_eq!(codes(&rule(20_000)), [("unknown_value", 1_000), ("too_many_errors", 1)]);
}

/// Every route of a block has the conditions of the block.
#[test]
fn a_block_with_many_conditions() {
    let whens = "when context.m\n".repeat(30_000);
    let line = |number| format!("GET /p{number} public\n");
    let (text, count) = filled(&format!("context {{ m: bool }}\nroutes / {{\n{whens}"), line, |_| "}".to_owned());
    assert!(count > 20_000);
    assert_eq!(codes(&text), [("too_many_requirements", 1)]);
}

#[test]
fn rules_that_name_everything() {
    let resources: String = (0..10_000).map(|number| format!("resource r{number} {{ actions x  b: int }}\n")).collect();
    let (text, count) = filled(&resources, |_| "forbid * when resource.b > 5\n".to_owned(), nothing);
    assert!(count > 20_000);
    assert_eq!(codes(&text), [("too_complex", 1)]);
}

#[test]
fn roles_that_extend_each_other_every_which_way() {
    // Numbers that look random (Knuth's multiplier).
    let random = |seed: usize, below: usize| {
        let mixed = (seed as u64 + 1).wrapping_mul(6_364_136_223_846_793_005);
        ((mixed ^ (mixed >> 29)).wrapping_mul(6_364_136_223_846_793_005) >> 33) as usize % below
    };
    const ROLES: usize = 30_000;
    const HUBS: usize = 100;
    // A hundred roles extend hundreds each, and each is extended by hundreds: no order keeps them together.
    let mut lower = String::from("policy hostile\n");
    let mut extended = vec![Vec::new(); HUBS];
    for row in 0..ROLES {
        writeln!(lower, "role a{row}{{}}").unwrap();
        (0..2).for_each(|at| extended[random(4 * row + at, HUBS)].push(row));
    }
    let mut upper = String::from("policy hostile\n");
    for (hub, mut rows) in extended.into_iter().enumerate() {
        rows.dedup();
        let names: Vec<String> = rows.iter().map(|row| format!("a{row}")).collect();
        writeln!(lower, "role h{hub} extends {}{{}}", names.join(",")).unwrap();
    }
    for row in 0..ROLES {
        let first = random(4 * row + 2, HUBS);
        let second = (first + 1 + random(4 * row + 3, HUBS - 1)) % HUBS;
        writeln!(upper, "role c{row} extends h{first},h{second}{{}}").unwrap();
    }
    let errors = Policy::compile(&[Source::new("lower.gate", lower), Source::new("upper.gate", upper)]).unwrap_err();
    let found: Vec<_> = errors.diagnostics().iter().map(|error| error.code).collect();
    assert_eq!(found, ["too_complex"]);
}
