//! Partitions of an attribute's values into classes: values of one class pass the same tests.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use crate::graph::diagram::Class;
use crate::graph::logic::atom::{AttributeTest, Predicate, ValueKind};
use crate::model::value::{Key, Value};

/// The classes of one attribute's values, numbered from 0, followed by one class each for `null`, absent and unknown.
#[derive(Debug)]
pub(crate) struct Partition {
    values: Values,
    /// The number of classes of values.
    count: u32,
}

#[derive(Debug)]
enum Values {
    /// Tests only ask if there is a value.
    Any,
    Bool,
    /// The class of each text that a test names. All other texts are of the last class.
    Texts(HashMap<Box<str>, Class, FixedState>),
    /// Points in rising order. Each point is a class, and so is each interval between, before and behind them.
    Line(ValueKind, Box<[i128]>),
}

/// The outcome of a test for the values of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    No,
    Yes,
    Unknown,
    /// The input will decide it.
    Open,
}

impl Partition {
    /// The classes that `tests` of one attribute distinguish. All tests have one kind of constants.
    pub(crate) fn of<'t>(kind: Option<ValueKind>, tests: impl Iterator<Item = &'t AttributeTest> + Clone) -> Self {
        let constants = tests.clone().flat_map(|test| test.predicate.constants().iter().chain(&test.default));
        let values = match kind {
            None => Values::Any,
            Some(ValueKind::Bool) => Values::Bool,
            Some(ValueKind::Text) => texts(tests),
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

    /// The number of all classes, those for `null`, absent and unknown included.
    pub(crate) fn len(&self) -> u32 {
        self.count + 3
    }

    pub(crate) fn null(&self) -> Class {
        self.count
    }

    pub(crate) fn absent(&self) -> Class {
        self.count + 1
    }

    pub(crate) fn unknown(&self) -> Class {
        self.count + 2
    }

    /// The class of a list or a record. Tests can only ask if it is there.
    pub(crate) fn composite(&self) -> Class {
        if matches!(self.values, Values::Any) { 0 } else { self.unknown() }
    }

    pub(crate) fn class(&self, key: &Key<'_>) -> Class {
        match (&self.values, key) {
            (_, Key::Null) => self.null(),
            (Values::Any, _) => 0,
            (Values::Bool, Key::Bool(value)) => Class::from(*value),
            (Values::Texts(classes), Key::String(text)) => classes.get(*text).copied().unwrap_or(self.count - 1),
            (Values::Line(kind, points), key) => match position(*kind, key) {
                Some(position) => class_on(points, position),
                None => self.unknown(),
            },
            _ => self.unknown(),
        }
    }

    /// True if a test names the text.
    pub(crate) fn names(&self, text: &str) -> bool {
        matches!(&self.values, Values::Texts(classes) if classes.contains_key(text))
    }

    /// The values that are points, in order. Of the texts of one class, it returns one, or `every` one.
    pub(crate) fn points(&self, every: bool) -> Vec<Value> {
        match &self.values {
            Values::Any => Vec::new(),
            Values::Bool => vec![Value::Bool(false), Value::Bool(true)],
            Values::Texts(classes) => {
                let mut texts: Vec<(Class, &str)> = classes.iter().map(|(text, class)| (*class, &**text)).collect();
                texts.sort_unstable();
                texts.dedup_by(|(class, _), (before, _)| !every && class == before);
                texts.into_iter().map(|(_, text)| Value::String(text.to_owned())).collect()
            }
            Values::Line(kind, points) => points.iter().filter_map(|point| value_at(*kind, *point)).collect(),
        }
    }

    /// The outcomes of a test: each with the first class from which on it applies.
    pub(crate) fn truths(&self, test: &AttributeTest) -> Vec<(Class, Truth)> {
        let mut truths = vec![Truth::No; self.count as usize];
        let mut set = |from: Class, to: Class| {
            truths.iter_mut().take(to as usize).skip(from as usize).for_each(|truth| *truth = Truth::Yes);
        };
        let one = |value: &Value| self.class(&value.key());
        match &test.predicate {
            Predicate::Present => set(0, self.count),
            Predicate::Null => {}
            Predicate::True => set(1, self.count),
            Predicate::OneOf(values) => {
                values.iter().for_each(|value| self.spans(value).for_each(|(from, to)| set(from, to)))
            }
            Predicate::In(value) => self.spans(value).for_each(|(from, to)| set(from, to)),
            Predicate::Below(value) => set(0, one(value)),
            Predicate::Above(value) => set(one(value) + 1, self.count),
        }
        let default = test.default.as_ref().and_then(|value| truths.get(one(value) as usize).copied());
        let (null, absent) = match &test.predicate {
            Predicate::Present => (Truth::Yes, Truth::No),
            Predicate::Null => (Truth::Yes, Truth::Yes),
            // `null` equals only itself, and has no position in any order.
            Predicate::OneOf(_) => (Truth::No, default.unwrap_or(Truth::Unknown)),
            Predicate::True | Predicate::In(_) | Predicate::Below(_) | Predicate::Above(_) => {
                (Truth::Unknown, default.unwrap_or(Truth::Unknown))
            }
        };
        truths.extend([null, absent, Truth::Unknown]);
        let mut runs: Vec<(Class, Truth)> = Vec::new();
        for (class, truth) in (0..).zip(truths) {
            if runs.last().is_none_or(|(_, last)| *last != truth) {
                runs.push((class, truth));
            }
        }
        runs
    }

    /// The ranges of classes that a constant covers: the first class, and the one behind the last.
    fn spans(&self, value: &Value) -> impl Iterator<Item = (Class, Class)> {
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

fn class_on(points: &[i128], position: i128) -> Class {
    let class = match points.binary_search(&position) {
        Ok(at) => 2 * at + 1,
        Err(before) => 2 * before,
    };
    u32::try_from(class).unwrap_or(u32::MAX)
}

/// Texts that pass the same tests share a class.
fn texts<'t>(tests: impl Iterator<Item = &'t AttributeTest>) -> Values {
    let mut asked: HashMap<&str, Vec<usize>, FixedState> = HashMap::default();
    for (row, test) in tests.enumerate() {
        for value in test.predicate.constants() {
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
    let mut classes: HashMap<Vec<usize>, Class, FixedState> = HashMap::default();
    let mut of_text = HashMap::with_capacity_and_hasher(texts.len(), FixedState::default());
    for (text, rows) in texts {
        let next = u32::try_from(classes.len()).unwrap_or(u32::MAX);
        let class = *classes.entry(rows).or_insert(next);
        of_text.insert(text.into(), class);
    }
    Values::Texts(of_text)
}

/// The positions that a constant covers: a first one, and the one behind the last. `None` is the end of the line. Where both
/// are equal, the range is that one position.
fn ranges(value: &Value) -> impl Iterator<Item = (i128, Option<i128>)> + use<> {
    let ranges = match value {
        Value::Network(network) => of_network(network),
        other => {
            let position = ValueKind::of(other).and_then(|kind| position(kind, &other.key()));
            position.map(|position| (position, Some(position))).into_iter().collect()
        }
    };
    ranges.into_iter()
}

/// The position of a value on the line of its kind.
fn position(kind: ValueKind, key: &Key<'_>) -> Option<i128> {
    match (kind, key) {
        (ValueKind::Number, Key::Int(value)) => Some(i128::from(*value) << 64),
        (ValueKind::Number, Key::Float(bits)) => Some(of_float(f64::from_bits(*bits))),
        (ValueKind::Timestamp, Key::Timestamp(time)) => Some(time.as_nanosecond()),
        (ValueKind::Duration, Key::Duration(duration)) => Some(duration.as_nanos()),
        (ValueKind::Address, Key::Network(network)) if network.prefix_len() == network.max_prefix_len() => {
            Some(of_address(network.addr()))
        }
        _ => None,
    }
}

/// The value at a position.
#[expect(clippy::cast_precision_loss, reason = "the position of a float gives the float again")]
fn value_at(kind: ValueKind, position: i128) -> Option<Value> {
    match kind {
        ValueKind::Number if position % (1 << 64) == 0 => i64::try_from(position >> 64).ok().map(Value::Int),
        ValueKind::Number => Some(Value::Float(position as f64 / (1_i128 << 64) as f64)),
        ValueKind::Timestamp => Timestamp::from_nanosecond(position).ok().map(Value::Timestamp),
        ValueKind::Duration => {
            let seconds = i64::try_from(position.div_euclid(1_000_000_000)).ok()?;
            let rest = i32::try_from(position.rem_euclid(1_000_000_000)).ok()?;
            Some(Value::Duration(SignedDuration::new(seconds, rest)))
        }
        ValueKind::Address => {
            let bits = position.cast_unsigned() ^ (1 << 127);
            Some(Value::Ip(IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical()))
        }
        ValueKind::Bool | ValueKind::Text => None,
    }
}

/// Integers are 2^64 positions apart, so every constant has a position of its own.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "larger floats are at the end of the line"
)]
fn of_float(value: f64) -> i128 {
    let position = (value * (1_i128 << 64) as f64) as i128;
    if position == 0 && value != 0.0 { value.signum() as i128 } else { position }
}

/// An IPv4 address has the position of the IPv6 address that it is mapped to (RFC 4291 §2.5.5.2).
fn of_address(address: IpAddr) -> i128 {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    (bits ^ (1 << 127)).cast_signed()
}

/// An IPv6 network contains no IPv4 address, and mapped IPv6 addresses are looked up as IPv4: their range is left out.
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
