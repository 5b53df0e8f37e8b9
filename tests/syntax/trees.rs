//! Trees of texts.

use super::dump::{dump, places};
use super::tree;
use crate::support::{ARTICLE, BLOG};
use portcullis::syntax::tree::{
    Allowance, Declaration, DeclarationKind, Expression, ExpressionKind, FacetKind, File, Literal, SchemaEntry,
    SchemaTypeKind,
};

fn whole(file: &File) -> String {
    let declarations = file.declarations.iter().map(|declaration| {
        let doc = declaration.doc.as_deref().map_or(String::new(), |doc| format!("/// {doc}\n"));
        format!("{doc}{}\n", dump(&declaration.kind))
    });
    format!("/// {:?}\npolicy {}\n\n{}", file.doc, file.policy.node, declarations.collect::<Vec<_>>().join("\n"))
}

#[test]
fn the_articles_policy() {
    insta::assert_snapshot!(whole(&tree(ARTICLE)));
}

#[test]
fn the_blogs_policy() {
    insta::assert_snapshot!(whole(&tree(BLOG)));
}

/// The only declaration of a policy.
#[track_caller]
fn declaration(text: &str) -> Declaration {
    let mut file = tree(&format!("policy p\n{text}\n"));
    assert_eq!(file.declarations.len(), 1, "{text}");
    file.declarations.remove(0)
}

#[track_caller]
fn expression(text: &str) -> Expression {
    match declaration(&format!("condition c = {text}")).kind {
        DeclarationKind::Condition(condition) => condition.expression,
        other => panic!("{other:?}"),
    }
}

#[test]
fn spans_hold_what_they_say() {
    for text in [ARTICLE, BLOG] {
        let file = tree(text);
        let places = places(&file);
        assert!(places.len() > 100);
        for (said, place) in places {
            let written = &text[place];
            let regex = written.strip_prefix('/').and_then(|regex| regex.strip_suffix('/'));
            let name = regex.unwrap_or(written);
            assert!(said == written || said == format!("{name:?}"), "{said} isn't {written}");
        }
        for declaration in &file.declarations {
            let written = &text[declaration.span.start as usize..declaration.span.end as usize];
            assert_eq!(written, written.trim(), "a span begins and ends with what it is about");
            assert_eq!(dump(&self::declaration(written).kind), dump(&declaration.kind));
            match &declaration.kind {
                DeclarationKind::Condition(condition) => {
                    let span = condition.expression.span;
                    let written = &text[span.start as usize..span.end as usize];
                    assert_eq!(dump(&expression(written)), dump(&condition.expression));
                }
                DeclarationKind::Routes(routes) => {
                    for route in &routes.routes {
                        let written = &text[route.span.start as usize..route.span.end as usize];
                        let again = self::declaration(&format!("routes / {{ {written} }}"));
                        assert!(dump(&again.kind).contains(&dump(route)), "{written}");
                        assert_eq!(written, written.trim());
                    }
                }
                _ => {}
            }
        }
        for comment in &file.comments {
            let written = &text[comment.span.start as usize..comment.span.end as usize];
            assert!(written.starts_with("//") && !written.contains('\n'));
            assert_eq!(written.starts_with("///"), comment.doc);
        }
    }
}

/// An expression with all its brackets.
fn brackets(expression: &Expression) -> String {
    let all = |parts: &[Expression]| parts.iter().map(brackets).collect::<Vec<_>>();
    match &expression.kind {
        ExpressionKind::Path(names) => names.iter().map(|name| name.node.clone()).collect::<Vec<_>>().join("."),
        ExpressionKind::Literal(literal) => format!("{literal:?}"),
        ExpressionKind::Not(inner) => format!("(not {})", brackets(inner)),
        ExpressionKind::All(parts) => format!("({})", all(parts).join(" and ")),
        ExpressionKind::Any(parts) => format!("({})", all(parts).join(" or ")),
        ExpressionKind::Coalesce(parts) => format!("({})", all(parts).join(" ?? ")),
        ExpressionKind::Binary(left, operator, right) => {
            format!("({} {operator:?} {})", brackets(left), brackets(right))
        }
        ExpressionKind::Is(left, role) => format!("({} is {})", brackets(left), role.node),
        ExpressionKind::Matches(left, regex) => format!("({} matches {})", brackets(left), regex.node),
        ExpressionKind::Call(names, parts) => {
            let names: Vec<_> = names.iter().map(|name| name.node.as_str()).collect();
            format!("{}({})", names.join("."), all(parts).join(", "))
        }
        ExpressionKind::List(parts) => format!("[{}]", all(parts).join(", ")),
        ExpressionKind::Record(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{}: {}", name.node, brackets(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

#[track_caller]
fn binds(text: &str, wanted: &str) {
    assert_eq!(brackets(&expression(text)), wanted, "{text}");
}

#[test]
fn precedence() {
    binds("a or b and c", "(a or (b and c))");
    binds("a and b or c and d", "((a and b) or (c and d))");
    binds("a or b or c", "(a or b or c)");
    binds("not a and b", "((not a) and b)");
    binds("not a == b", "(not (a Equal b))");
    binds("not not a", "(not (not a))");
    binds("a == b + c", "(a Equal (b Add c))");
    binds("a + b - c", "((a Add b) Subtract c)");
    binds("a + b ?? c", "(a Add (b ?? c))");
    binds("a ?? b ?? c == d", "((a ?? b ?? c) Equal d)");
    binds("(a or b) and c", "((a or b) and c)");
    binds("user is admin and not user is root", "((user is admin) and (not (user is root)))");
    binds("a matches /[/x]\\/[^]/]/ or b", "((a matches [/x]\\/[^]/]) or b)");
    binds("a contains_all b", "(a ContainsAll b)");
    binds(
        "has(user.email) and request.header(\"x\") in [a, b,]",
        "(has(user.email) and (request.header(String(\"x\")) In [a, b]))",
    );
    binds("{ a: x, b: y } == {}", "({a: x, b: y} Equal {})");
    binds("{ a: x  in: y }", "{a: x, in: y}");
    binds("a-5", "(a Subtract Int(5))");
    binds("a - -5", "(a Subtract Int(-5))");
    binds("not(a)", "(not a)");
    binds("not.a == nothing", "(not.a Equal nothing)");
    binds("true.a or nullable", "(true.a or nullable)");
}

#[track_caller]
fn means(text: &str, wanted: &Literal) {
    assert_eq!(expression(text).kind, ExpressionKind::Literal(wanted.clone()), "{text}");
}

#[test]
fn literals() {
    means("null", &Literal::Null);
    means("true", &Literal::Bool(true));
    means("1_000", &Literal::Int(1000));
    means("-5", &Literal::Int(-5));
    means("-9223372036854775808", &Literal::Int(i64::MIN));
    means("-0.5", &Literal::Float(-0.5));
    means("250ms", &Literal::Duration(250));
    means("1h30m", &Literal::Duration(5_400_000));
    means("7d", &Literal::Duration(604_800_000));
    means("64KiB", &Literal::Size(65_536));
    means("12B", &Literal::Size(12));
    means("203.0.113.9", &Literal::Ip("203.0.113.9".parse().unwrap()));
    means("::1", &Literal::Ip("::1".parse().unwrap()));
    means("cafe::1", &Literal::Ip("cafe::1".parse().unwrap()));
    means("::ffff:1.2.3.4", &Literal::Ip("::ffff:1.2.3.4".parse().unwrap()));
    means("10.1.0.0/8", &Literal::Network("10.1.0.0/8".parse().unwrap()));
    means("2001:db8::/32", &Literal::Network("2001:db8::/32".parse().unwrap()));
    means("::/0", &Literal::Network("::/0".parse().unwrap()));
    means("2026-11-23T10:00:00Z", &Literal::Timestamp("2026-11-23T10:00:00Z".parse().unwrap()));
    means("2026-11-23T10:00:00.5+01:00", &Literal::Timestamp("2026-11-23T09:00:00.5Z".parse().unwrap()));
    means(r#""a\n\t\"\\\u{e9}\u{1F600}""#, &Literal::String("a\n\t\"\\é😀".to_owned()));
}

#[test]
fn a_map_is_one_entry_called_string() {
    let DeclarationKind::Schema(schema) =
        declaration("schema A { a: { string: int }  b: { string: int, c: int }  d: { string?: int } }").kind
    else {
        panic!("no schema")
    };
    let kinds: Vec<_> = schema
        .entries
        .iter()
        .map(|entry| match entry {
            SchemaEntry::Field(field) => matches!(field.ty.kind, SchemaTypeKind::Map(_)),
            _ => panic!("no field"),
        })
        .collect();
    assert_eq!(kinds, [true, false, false]);
}

#[test]
fn a_tagged_union() {
    let text = r#"schema A { pay: union on "kind" { "card": Card, "bank": Bank min 1 } unique = {} check a < b  accepts "x/y" }"#;
    insta::assert_snapshot!(dump(&declaration(text).kind));
}

#[test]
fn the_rest_of_the_language() {
    let text = r#"
permissions editing = posts:[read, write,], *:list, *, more
allow anyone except posts:read when a
role "org:admin" extends a, "b c" { allow editing except x }
limit l { key a, b  cost body.n when c  skip when d  rate 1 per 1s burst 2, 3 per 4h  dry_run  concurrency 1  lease 2  ipv6_prefix 48  headers both }
token t { opaque  carried header "x"  single_use  claims { a: "x" | "y" | null, b: { c?: [int] } = account.d, in: string } }
headers { preset "x"  Preset-Foo "y"  preset api  remove A-B, c }
routes / {
  GET /f/{id: int}/{*rest} requires any of a:b, c  no requires  when x  body raw
  PATCH /@{x} public
}"#;
    let text = text.replace("  PATCH /@{x} public\n", "");
    let file = tree(&format!("policy p{text}"));
    insta::assert_snapshot!(whole(&file));
}

#[test]
fn facets_and_defaults() {
    let DeclarationKind::Schema(schema) =
        declaration(r#"schema A { a: string min 3 else "short" one_of "x", "y" else "z" = "x", email: string email?: string email }"#).kind
    else {
        panic!("no schema")
    };
    let facets: Vec<_> = schema
        .entries
        .iter()
        .map(|entry| match entry {
            SchemaEntry::Field(field) => (field.name.node.as_str(), field.ty.facets.len(), field.default.is_some()),
            _ => panic!("no field"),
        })
        .collect();
    assert_eq!(facets, [("a", 2, true), ("email", 0, false), ("email", 1, false)]);
    let SchemaEntry::Field(first) = &schema.entries[0] else { panic!("no field") };
    assert_eq!(first.ty.facets[0].message.as_ref().map(|message| message.node.as_str()), Some("short"));
    assert!(matches!(&first.ty.facets[1].kind, FacetKind::OneOf(texts) if texts.len() == 2));
}

#[test]
fn doc_comments_attach_to_what_is_right_below() {
    let file = tree(
        "/// The policy\npolicy p\n\n/// one\n///   two\nsecret A\n/// far\n\nsecret B\nsecret C /// beside\nsecret D // d\n// plain\nsecret E\n",
    );
    assert_eq!(file.doc.as_deref(), Some("The policy"));
    let docs: Vec<_> = file.declarations.iter().map(|declaration| declaration.doc.as_deref()).collect();
    assert_eq!(docs, [Some("one\n  two"), None, None, None, None]);
    assert_eq!(file.comments.len(), 7);
}

#[test]
fn every_operator_of_two_operands() {
    use portcullis::syntax::tree::Operator::*;
    let operators = [
        ("==", Equal),
        ("!=", NotEqual),
        ("<", Less),
        ("<=", LessOrEqual),
        (">", Greater),
        (">=", GreaterOrEqual),
        ("in", In),
        ("contains", Contains),
        ("contains_all", ContainsAll),
        ("intersects", Intersects),
        ("starts_with", StartsWith),
        ("ends_with", EndsWith),
        ("+", Add),
        ("-", Subtract),
    ];
    for (written, operator) in operators {
        let ExpressionKind::Binary(_, read, _) = expression(&format!("a {written} b")).kind else {
            panic!("{written}")
        };
        assert_eq!(read, operator, "{written}");
    }
}

#[test]
fn allowances_stand_between_doc_and_declaration() {
    let text = "policy p\n/// doc\nallow(a, b,) reason \"x\" // why\nallow(c) reason \"y\"\nsecret A\nallow allow\nallow(d) reason \"z\"\n/// late\nsecret B";
    let file = tree(text);
    let told: Vec<_> = file
        .declarations
        .iter()
        .map(|declaration| {
            let names = |allowance: &Allowance| {
                let lints: Vec<&str> = allowance.lints.iter().map(|lint| lint.node.as_str()).collect();
                format!("{} because {}", lints.join(" "), allowance.reason.node)
            };
            let span = declaration.span.start as usize..declaration.span.end as usize;
            (declaration.doc.as_deref(), declaration.allowances.iter().map(names).collect::<Vec<_>>(), &text[span])
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some("doc"), vec!["a b because x".to_owned(), "c because y".to_owned()], "secret A"),
            (None, vec![], "allow allow"),
            (Some("late"), vec!["d because z".to_owned()], "secret B"),
        ]
    );
    let span = file.declarations[0].allowances[0].span;
    assert_eq!(&text[span.start as usize..span.end as usize], "allow(a, b,) reason \"x\"");
}
