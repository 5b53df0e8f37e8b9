//! The types of attributes: how they are written, literals of them, and JSON that fits and that doesn't.

use serde_json::{Value as Json, json};

use crate::choices::Choices;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ty {
    Text,
    Int,
    Bool,
    Status,
    Time,
    Duration,
    Ip,
    Float,
    Texts,
    Ints,
    Network,
    Networks,
    Point,
    /// `string | null`
    Nullable,
    /// `user.tier` alone
    Tier,
}

/// One that a policy declares.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) ty: Ty,
    pub(crate) optional: bool,
}

impl Attribute {
    pub(crate) fn declaration(&self) -> String {
        format!("{}{}: {}", self.name, if self.optional { "?" } else { "" }, self.ty.written())
    }
}

const TEXTS: [&str; 6] = ["u1", "u2", "red", "reddish", "", "Straße \\\"7\\\""];
const INTS: [&str; 7] = ["1", "0", "-1", "90", "5", "9223372036854775807", "-9223372036854775808"];
const STATUSES: [&str; 3] = ["draft", "published", "gone"];
const TIMES: [&str; 6] = [
    "2026-11-23T10:00:00Z",
    "2026-11-23T09:45:00Z",
    "2026-11-23T10:00:00.5Z",
    "2026-11-24T10:00:00Z",
    "1970-01-01T00:00:00Z",
    "9999-12-30T12:00:00Z",
];
const DURATIONS: [&str; 6] = ["15m", "1h30m", "1d", "0s", "250ms", "3_000_000d"];
const IPS: [&str; 6] = ["10.0.0.1", "192.168.1.7", "203.0.113.9", "2001:db8::1", "::ffff:10.0.0.1", "::1"];
const FLOATS: [&str; 4] = ["0.5", "0.0", "-1.5", "100.25"];
const NETWORKS: [&str; 6] = ["10.0.0.0/8", "192.168.0.0/16", "2001:db8::/32", "0.0.0.0/0", "203.0.113.9/32", "::/0"];

impl Ty {
    pub(crate) const ALL: [Self; 14] = [
        Self::Text,
        Self::Int,
        Self::Bool,
        Self::Status,
        Self::Time,
        Self::Duration,
        Self::Ip,
        Self::Float,
        Self::Texts,
        Self::Ints,
        Self::Network,
        Self::Networks,
        Self::Point,
        Self::Nullable,
    ];

    pub(crate) fn written(self) -> &'static str {
        match self {
            Self::Text | Self::Tier => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Status => "\"draft\" | \"published\" | \"gone\"",
            Self::Time => "timestamp",
            Self::Duration => "duration",
            Self::Ip => "ip",
            Self::Float => "float",
            Self::Texts => "[string]",
            Self::Ints => "[int]",
            Self::Network => "cidr",
            Self::Networks => "[cidr]",
            Self::Point => "{ x: int, tag: string }",
            Self::Nullable => "string | null",
        }
    }

    /// A constant, as a policy writes it.
    pub(crate) fn literal(self, choices: &mut Choices<'_>) -> String {
        match self {
            Self::Tier => format!("\"{}\"", choices.one(&["free", "pro"])),
            Self::Text | Self::Nullable => format!("\"{}\"", choices.one(&TEXTS)),
            Self::Int => (*choices.one(&INTS)).to_owned(),
            Self::Bool => (*choices.one(&["true", "false"])).to_owned(),
            Self::Status => format!("\"{}\"", choices.one(&STATUSES)),
            Self::Time => (*choices.one(&TIMES)).to_owned(),
            Self::Duration => (*choices.one(&DURATIONS)).to_owned(),
            Self::Ip => (*choices.one(&IPS)).to_owned(),
            Self::Float => (*choices.one(&FLOATS)).to_owned(),
            Self::Texts => list(Self::Text, choices),
            Self::Ints => list(Self::Int, choices),
            Self::Network => (*choices.one(&NETWORKS)).to_owned(),
            Self::Networks => list(Self::Network, choices),
            Self::Point => format!("{{ x: {}, tag: {} }}", Self::Int.literal(choices), Self::Text.literal(choices)),
        }
    }

    /// A value that a host gives for an attribute, mostly of the right type.
    pub(crate) fn said(self, choices: &mut Choices<'_>) -> Option<Json> {
        match choices.below(20) {
            16 => None,
            17 => Some(Json::Null),
            18 => Some(self.wrong(choices)),
            _ => Some(self.json(choices)),
        }
    }

    pub(crate) fn json(self, choices: &mut Choices<'_>) -> Json {
        match self {
            Self::Text | Self::Tier => json!(choices.one(&TEXTS).replace('\\', "")),
            Self::Int => json!(choices.one(&INTS).parse::<i64>().unwrap()),
            Self::Bool => json!(choices.below(2) == 0),
            Self::Status => json!(choices.one(&STATUSES)),
            Self::Time => json!(choices.one(&TIMES)),
            Self::Duration => json!(choices.one(&DURATIONS).replace('_', "")),
            Self::Ip => json!(choices.one(&IPS)),
            Self::Float => json!(choices.one(&FLOATS).parse::<f64>().unwrap()),
            Self::Texts => items(Self::Text, choices),
            Self::Ints => items(Self::Int, choices),
            Self::Network => json!(choices.one(&NETWORKS)),
            Self::Networks => items(Self::Network, choices),
            Self::Point => json!({ "x": Self::Int.json(choices), "tag": Self::Text.json(choices) }),
            Self::Nullable if choices.below(3) == 2 => Json::Null,
            Self::Nullable => Self::Text.json(choices),
        }
    }

    fn wrong(self, choices: &mut Choices<'_>) -> Json {
        let specially = match self {
            Self::Text | Self::Nullable | Self::Tier => vec![json!(5), json!(["u1"])],
            Self::Int => vec![json!("1"), json!(1.5), json!(u64::MAX)],
            Self::Bool => vec![json!("true"), json!(1)],
            Self::Status => vec![json!("Draft"), json!("")],
            Self::Time => vec![
                json!("2026-11-23"),
                json!(1_795_428_000),
                json!("2026-11-23T10:00:00"),
                json!("2026-02-30T10:00:00Z"),
            ],
            Self::Duration => vec![json!(900), json!("15"), json!("15 m"), json!("-15m"), json!("")],
            Self::Ip => vec![json!("10.0.0.256"), json!("10.0.0.0/8"), json!("10.0.0.1:80")],
            Self::Float => vec![json!("0.5")],
            Self::Texts => vec![json!(["u1", 5]), json!("u1"), json!(["u1", null])],
            Self::Ints => vec![json!([1, "1"]), json!(1)],
            Self::Network => vec![json!("10.0.0.0/33"), json!("ten"), json!(10)],
            Self::Networks => vec![json!(["10.0.0.0/8", "ten"]), json!("10.0.0.0/8")],
            Self::Point => vec![json!({ "x": "1", "tag": "u1" }), json!([1, "u1"])],
        };
        choices.one(&specially).clone()
    }
}

fn list(item: Ty, choices: &mut Choices<'_>) -> String {
    let length = 1 + choices.below(3);
    let items: Vec<String> = (0..length).map(|_| item.literal(choices)).collect();
    format!("[{}]", items.join(", "))
}

fn items(item: Ty, choices: &mut Choices<'_>) -> Json {
    let length = choices.below(4);
    (0..length).map(|_| item.json(choices)).collect()
}
