//! The language, from outside: trees, diagnostics, recovery and hostile input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
#[test]
fn both_policies_parse() {
    for (name, text) in [
        ("article.gate", include_str!("../policies/article.gate")),
        ("blog.gate", include_str!("../policies/blog.gate")),
    ] {
        let source = portcullis::Source::new(name, text);
        let file = portcullis::syntax::parse(0, &source).unwrap();
        println!("{file:#?}");
    }
}
