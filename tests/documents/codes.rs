//! The page of reason codes.

use portcullis::reason::Code;

#[test]
fn every_code_is_on_the_page() {
    let page = include_str!("../../docs/codes.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = Code::ALL
        .iter()
        .map(|code| format!("| `{}` | {} | {} |", code.as_str(), code.status().as_u16(), code.detail()))
        .collect();
    assert_eq!(rows, expected, "docs/codes.md should hold these rows:\n{}", expected.join("\n"));
}
