//! The classes of an attribute's values: what the constants that a policy compares it with tell apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use crate::graph::diagram::Outcome;
use crate::graph::logic::atom::{Is, Kind, Test};
use crate::model::value::{Key, Value};

/// The classes of one attribute's values, numbered from 0; then one each for `null`, absent and unknown.
#[derive(Debug)]
pub(crate) struct Domain {
    values: Values,
    /// How many classes its values have.
    count: u32,
}

#[derive(Debug)]
enum Values {
    /// Nothing is asked but whether there is one.
    Any,
    Bool,
    /// The class of each text that matters; any other text is of the last class.
    Texts(HashMap<Box<str>, Outcome, FixedState>),
    /// Points on a line, in rising order, each a class of its own between those of the values around it.
    Line(Kind, Box<[i128]>),
}

/// What a question comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    No,
    Yes,
    Unknown,
    /// It isn't known yet, and may be either.
    Open,
}

impl Domain {
    /// What `tests` of one attribute, all of one kind, tell apart.
    pub(crate) fn of<'t>(kind: Option<Kind>, tests: impl Iterator<Item = &'t Test> + Clone) -> Self {
        let constants = tests.clone().flat_map(|test| test.is.constants().iter().chain(&test.default));
        let values = match kind {
            None => Values::Any,
            Some(Kind::Bool) => Values::Bool,
            Some(Kind::Text) => texts(tests),
            Some(kind) => {
                let ranges = constants.flat_map(ranges);
                let mut points: Vec<i128> = ranges.flat_map(|(first, past)| [Some(first), past]).flatten().collect();
                points.sort_unstable();
                points.dedup();
                Values::Line(kind, points.into())
            }
        };
        let count = match &values {
            Values::Any => 1,
            Values::Bool => 2,
            Values::Texts(classes) => classes.values().max().map_or(1, |last| last + 2),
            Values::Line(_, points) => u32::try_from(2 * points.len() + 1).unwrap_or(u32::MAX - 3),
        };
        Self { values, count }
    }

    /// All classes, those for `null`, absent and unknown among them.
    pub(crate) fn len(&self) -> u32 {
        self.count + 3
    }

    pub(crate) fn null(&self) -> Outcome {
        self.count
    }

    pub(crate) fn absent(&self) -> Outcome {
        self.count + 1
    }

    pub(crate) fn unknown(&self) -> Outcome {
        self.count + 2
    }

    /// The class of a list or a record, of which nothing is asked but whether it is there.
    pub(crate) fn of_parts(&self) -> Outcome {
        if matches!(self.values, Values::Any) { 0 } else { self.unknown() }
    }

    /// The class of a value.
    pub(crate) fn class(&self, key: &Key<'_>) -> Outcome {
        match (&self.values, key) {
            (_, Key::Null) => self.null(),
            (Values::Any, _) => 0,
            (Values::Bool, Key::Bool(value)) => Outcome::from(*value),
            (Values::Texts(classes), Key::String(text)) => classes.get(*text).copied().unwrap_or(self.count - 1),
            (Values::Line(kind, points), key) => match place(*kind, key) {
                Some(place) => class_on(points, place),
                None => self.unknown(),
            },
            _ => self.unknown(),
        }
    }

    /// Whether some question names a text.
    pub(crate) fn names(&self, text: &str) -> bool {
        matches!(&self.values, Values::Texts(classes) if classes.contains_key(text))
    }

    /// The values that it tells apart from those around them, in order; of texts that are treated alike one, or `every` one.
    pub(crate) fn points(&self, every: bool) -> Vec<Value> {
        match &self.values {
            Values::Any => Vec::new(),
            Values::Bool => vec![Value::Bool(false), Value::Bool(true)],
            Values::Texts(classes) => {
                let mut texts: Vec<(Outcome, &str)> = classes.iter().map(|(text, class)| (*class, &**text)).collect();
                texts.sort_unstable();
                texts.dedup_by(|(class, _), (before, _)| !every && class == before);
                texts.into_iter().map(|(_, text)| Value::String(text.to_owned())).collect()
            }
            Values::Line(kind, points) => points.iter().filter_map(|point| at_place(*kind, *point)).collect(),
        }
    }

    /// What a question comes to, class by class: from which class on it is what.
    pub(crate) fn truths(&self, test: &Test) -> Vec<(Outcome, Truth)> {
        let mut truths = vec![Truth::No; self.count as usize];
        let mut set = |from: Outcome, to: Outcome| {
            truths.iter_mut().take(to as usize).skip(from as usize).for_each(|truth| *truth = Truth::Yes);
        };
        let one = |value: &Value| self.class(&value.key());
        match &test.is {
            Is::Present => set(0, self.count),
            Is::Null => {}
            Is::True => set(1, self.count),
            Is::OneOf(values) => values.iter().for_each(|value| self.spans(value).for_each(|(from, to)| set(from, to))),
            Is::In(value) => self.spans(value).for_each(|(from, to)| set(from, to)),
            Is::Below(value) => set(0, one(value)),
            Is::Above(value) => set(one(value) + 1, self.count),
        }
        let default = test.default.as_ref().and_then(|value| truths.get(one(value) as usize).copied());
        let (null, absent) = match &test.is {
            Is::Present => (Truth::Yes, Truth::No),
            Is::Null => (Truth::Yes, Truth::Yes),
            // `null` equals nothing but itself, and has no place in any order.
            Is::OneOf(_) => (Truth::No, default.unwrap_or(Truth::Unknown)),
            Is::True | Is::In(_) | Is::Below(_) | Is::Above(_) => (Truth::Unknown, default.unwrap_or(Truth::Unknown)),
        };
        truths.extend([null, absent, Truth::Unknown]);
        let mut runs: Vec<(Outcome, Truth)> = Vec::new();
        for (class, truth) in (0..).zip(truths) {
            if runs.last().is_none_or(|(_, last)| *last != truth) {
                runs.push((class, truth));
            }
        }
        runs
    }

    /// The classes of a constant's values, from and up to which.
    fn spans(&self, value: &Value) -> impl Iterator<Item = (Outcome, Outcome)> {
        let on_line = match &self.values {
            Values::Line(_, points) => ranges(value)
                .map(|(first, past)| {
                    let from = class_on(points, first);
                    (from, past.map_or(self.count, |past| class_on(points, past)).max(from + 1))
                })
                .collect(),
            Values::Any | Values::Bool | Values::Texts(_) => {
                let class = self.class(&value.key());
                vec![(class, class + 1)]
            }
        };
        on_line.into_iter()
    }
}

/// The class of a place among points.
fn class_on(points: &[i128], place: i128) -> Outcome {
    let class = match points.binary_search(&place) {
        Ok(at) => 2 * at + 1,
        Err(before) => 2 * before,
    };
    u32::try_from(class).unwrap_or(u32::MAX)
}

/// Texts that every question treats alike share a class.
fn texts<'t>(tests: impl Iterator<Item = &'t Test>) -> Values {
    let mut asked: HashMap<&str, Vec<usize>, FixedState> = HashMap::default();
    for (row, test) in tests.enumerate() {
        for value in test.is.constants() {
            if let Value::String(text) = value {
                let rows = asked.entry(text).or_default();
                if rows.last() != Some(&row) {
                    rows.push(row);
                }
            }
        }
    }
    let mut texts: Vec<(&str, Vec<usize>)> = asked.into_iter().collect();
    texts.sort_unstable();
    let mut classes: HashMap<Vec<usize>, Outcome, FixedState> = HashMap::default();
    let mut of_text = HashMap::with_capacity_and_hasher(texts.len(), FixedState::default());
    for (text, rows) in texts {
        let next = u32::try_from(classes.len()).unwrap_or(u32::MAX);
        let class = *classes.entry(rows).or_insert(next);
        of_text.insert(text.into(), class);
    }
    Values::Texts(of_text)
}

/// The places of a constant's values: from one up to another or to the end, or one alone where both are the same.
fn ranges(value: &Value) -> impl Iterator<Item = (i128, Option<i128>)> + use<> {
    let ranges = match value {
        Value::Network(network) => of_network(network),
        other => {
            let place = Kind::of(other).and_then(|kind| place(kind, &other.key()));
            place.map(|place| (place, Some(place))).into_iter().collect()
        }
    };
    ranges.into_iter()
}

/// Where a value stands on the line of its kind.
fn place(kind: Kind, key: &Key<'_>) -> Option<i128> {
    match (kind, key) {
        (Kind::Number, Key::Int(value)) => Some(i128::from(*value) << 64),
        (Kind::Number, Key::Float(bits)) => Some(of_float(f64::from_bits(*bits))),
        (Kind::Timestamp, Key::Timestamp(time)) => Some(time.as_nanosecond()),
        (Kind::Duration, Key::Duration(duration)) => Some(duration.as_nanos()),
        (Kind::Address, Key::Network(network)) if network.prefix_len() == network.max_prefix_len() => {
            Some(of_address(network.addr()))
        }
        _ => None,
    }
}

/// The value that stands at a place, if there is one.
#[expect(clippy::cast_precision_loss, reason = "a place that a float has is found again")]
fn at_place(kind: Kind, place: i128) -> Option<Value> {
    match kind {
        Kind::Number if place % (1 << 64) == 0 => i64::try_from(place >> 64).ok().map(Value::Int),
        Kind::Number => Some(Value::Float(place as f64 / (1_i128 << 64) as f64)),
        Kind::Timestamp => Timestamp::from_nanosecond(place).ok().map(Value::Timestamp),
        Kind::Duration => {
            let seconds = i64::try_from(place.div_euclid(1_000_000_000)).ok()?;
            let rest = i32::try_from(place.rem_euclid(1_000_000_000)).ok()?;
            Some(Value::Duration(SignedDuration::new(seconds, rest)))
        }
        Kind::Address => {
            let bits = place.cast_unsigned() ^ (1 << 127);
            Some(Value::Ip(IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical()))
        }
        Kind::Bool | Kind::Text => None,
    }
}

/// Integers stand 2^64 places apart, so every constant has a place, and no other value has the same one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "what is too far out stands at the end"
)]
fn of_float(value: f64) -> i128 {
    let place = (value * (1_i128 << 64) as f64) as i128;
    if place == 0 && value != 0.0 { value.signum() as i128 } else { place }
}

/// IPv4 addresses stand among the IPv6 ones where they would be mapped to (RFC 4291 §2.5.5.2).
fn of_address(address: IpAddr) -> i128 {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    (bits ^ (1 << 127)).cast_signed()
}

/// No IPv4 address is in an IPv6 network, and none of the IPv6 addresses that stand for one is looked up as such.
fn of_network(network: &IpNet) -> Vec<(i128, Option<i128>)> {
    let (first, last) = (of_address(network.network()), of_address(network.broadcast()));
    let mapped = (of_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), of_address(IpAddr::V4(Ipv4Addr::BROADCAST)));
    let past = last.checked_add(1);
    match network {
        IpNet::V6(_) if first <= mapped.0 && mapped.1 <= last => {
            let before = (first < mapped.0).then_some((first, Some(mapped.0)));
            let after = (mapped.1 < last).then_some((mapped.1 + 1, past));
            before.into_iter().chain(after).collect()
        }
        IpNet::V6(_) if mapped.0 <= first && last <= mapped.1 => Vec::new(),
        IpNet::V4(_) | IpNet::V6(_) => vec![(first, past)],
    }
}
