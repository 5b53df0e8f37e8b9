//! Many rules on one permission, and many constants on one attribute.

use serde_json::json;

use super::{Dice, Facts, compiled, verdict};

const HEAD: &str = "policy p
secret FIRST_KEY
token t { algorithm HS256  key FIRST_KEY  claims { sub: string  roles: [string] } }
user from t { id = claims.sub  roles = claims.roles }
";

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|row| line(row) + "\n").collect()
}

/// Each role is granted the same under a condition of its own, of an attribute of its own.
#[test]
fn five_hundred_roles() {
    const ROLES: usize = 500;
    let attributes = lines(ROLES, |row| format!("  c{row}: int"));
    let roles = lines(ROLES, |row| match row % 5 {
        0 => format!("role r{row} {{ allow docs:read when context.c{row} > 3 and resource.owner == user.id }}"),
        _ => format!("role r{row} extends r{} {{ allow docs:read when context.c{row} == {row} }}", row - 1),
    });
    let text = format!("{HEAD}context {{\n{attributes}}}\nresource docs {{ actions read  owner: string }}\n{roles}");
    let engine = compiled("500 roles", &text);
    let dice = &mut Dice(11);
    let mut allowed = 0;
    for _ in 0..300 {
        let held = usize::try_from(dice.below(ROLES as u64)).unwrap();
        let mine = dice.below(2) == 0;
        let values: Vec<Option<usize>> = (0..ROLES)
            .map(|row| Some(if dice.below(4) == 0 { row } else { 2 }).filter(|_| dice.below(6) != 0))
            .collect();
        let mut facts =
            Facts { user: Some(json!({ "id": "mia", "roles": [format!("r{held}"), "nobody"] })), ..Facts::default() };
        facts.set("resource.owner", json!(if mine { "mia" } else { "tom" }));
        for (row, value) in values.iter().enumerate() {
            if let Some(value) = value {
                facts.set(&format!("context.c{row}"), json!(value));
            }
        }
        // A role holds what those that it extends hold, down to the next one that extends none.
        let expected = (held - held % 5..=held).any(|row| match (row % 5, values[row]) {
            (_, None) => false,
            (0, Some(value)) => value > 3 && mine,
            (_, Some(value)) => value == row,
        });
        allowed += usize::from(expected);
        assert_eq!(engine.answer(&facts.scene("docs:read")), verdict(expected), "r{held}");
    }
    assert!((20..280).contains(&allowed), "{allowed}");
}

/// Comparisons of one attribute with many strings, each together with a comparison of another attribute.
#[test]
fn five_thousand_constants() {
    const CONSTANTS: usize = 5_000;
    let rules = lines(CONSTANTS, |row| {
        format!("allow docs:read when context.code == \"c{row}\" and resource.shelf == \"s{row}\"")
    });
    let shut = lines(CONSTANTS, |row| format!("  \"c{row}\","));
    let text = format!(
        "{HEAD}context {{ code: string  open: bool }}\nresource docs {{ actions read, write  shelf: string }}\n{rules}\
         allow docs:write when context.open\nforbid docs:write when context.code in [\n{shut}  \"none\"\n]\n"
    );
    let engine = compiled("5,000 constants", &text);
    for row in [0, 1, 17, 2_500, 4_998, CONSTANTS - 1, CONSTANTS] {
        for shelf in [row, row + 1, 0] {
            let mut facts = Facts::default();
            facts.set("context.code", json!(format!("c{row}")));
            facts.set("context.open", json!(true));
            facts.set("resource.shelf", json!(format!("s{shelf}")));
            let read = row < CONSTANTS && shelf == row;
            assert_eq!(engine.answer(&facts.scene("docs:read")), verdict(read), "c{row} on s{shelf}");
            assert_eq!(engine.answer(&facts.scene("docs:write")), verdict(row >= CONSTANTS), "c{row}");
        }
    }
    let mut unknown = Facts::default();
    unknown.set("context.open", json!(true));
    for ask in ["docs:read", "docs:write"] {
        assert_eq!(engine.answer(&unknown.scene(ask)), verdict(false), "{ask}");
    }
}

/// Comparisons of one attribute with many numbers, each together with a comparison of another attribute.
#[test]
fn two_thousand_places_in_an_order() {
    const PLACES: i64 = 2_000;
    let rules = lines(2_000, |row| {
        let (low, high) = (2 * row, 2 * row + 3);
        format!(
            "allow docs:read when context.risk < {high} and resource.rank >= {high}\n\
                 forbid docs:read when context.risk == {low} and not (resource.level > {low}.5)"
        )
    });
    let text =
        format!("{HEAD}context {{ risk: int }}\nresource docs {{ actions read  rank: int  level: float }}\n{rules}");
    let engine = compiled("2,000 places", &text);
    let dice = &mut Dice(5);
    let mut allowed = 0;
    for round in 0..400 {
        let mut about = |around: i64| around + i64::try_from(dice.below(7)).unwrap() - 3;
        let around = [0, 1_000, 2 * PLACES, 1 << 60][round % 4];
        let (risk, rank, level) = (about(around), about(around), about(around));
        let mut facts = Facts::default();
        facts.set("context.risk", json!(risk));
        facts.set("resource.rank", json!(rank));
        #[expect(clippy::cast_precision_loss, reason = "halves beyond 2^53 aren't asked for")]
        facts.set("resource.level", json!(level as f64 + 0.25));
        let granted = (0..PLACES).map(|row| 2 * row + 3).any(|high| risk < high && rank >= high);
        let forbidden = (0..PLACES).any(|row| risk == 2 * row && level <= 2 * row);
        allowed += usize::from(granted && !forbidden);
        let expected = verdict(granted && !forbidden);
        assert_eq!(engine.answer(&facts.scene("docs:read")), expected, "{risk} {rank} {level}");
    }
    assert!((20..380).contains(&allowed), "{allowed}");
}
