//! What is tried in each place, for questions that depend on the same ones.

use std::collections::{HashMap, HashSet};

use crate::analyze::input::example_texts;
use crate::analyze::solver::ranges::Ranges;
use crate::analyze::solver::samples::{Family, Pool, alike, ends, fresh, near, uuid};
use crate::analyze::solver::space::{Key, Space};
use crate::collections::id_set::IdSet;
use crate::graph::{Domain, Question, Variable};
use crate::model::operator::Operator;
use crate::model::value::{Known, Value};
use crate::typed::schemas::InputType;
use crate::typed::{Expr, Read, Scope, Type};

/// What is tried.
pub(crate) struct Candidates<'p> {
    pool: Pool<'p>,
    /// Sets of scopes, of which the caller has one each, or none at all.
    scopes: Vec<(IdSet<Scope>, bool)>,
    /// Whether something is compared with what is read, and how often in a way that asks for an element of its own.
    has_conditions: bool,
    elements: usize,
    /// Whether what isn't found isn't there.
    pub(crate) complete: bool,
}

/// Lists of up to so many elements are tried in every combination.
const COMBINED: usize = 6;

impl<'p> Candidates<'p> {
    /// For these questions and their places.
    pub(crate) fn of(space: &Space<'p>, cells: &[usize], asked: &[(Key, Ranges)]) -> Self {
        let mut made =
            Self { pool: Pool::default(), scopes: Vec::new(), has_conditions: false, elements: 1, complete: true };
        let mut counts: HashMap<Family, usize> = HashMap::new();
        for cell in cells {
            let Some((_, cell)) = space.cells.get_index(*cell) else { continue };
            if let Some(rules) = cell.room.rules {
                made.bounds(rules);
            }
            match &cell.room.ty {
                Some(Type::Enum(values)) => values.iter().for_each(|value| made.pool.add(Value::String(value.clone()))),
                Some(Type::List(item)) => drop(Family::of(item).map(|family| *counts.entry(family).or_default() += 1)),
                Some(ty) => drop(Family::of(ty).map(|family| *counts.entry(family).or_default() += 1)),
                None => {}
            }
        }
        made.has_conditions =
            asked.iter().any(|((_, variable), _)| matches!(space.question(*variable), Some(Question::Opaque(_))));
        let mut conditions = Vec::new();
        for ((thing, variable), allowed) in asked {
            made.of_names(space, *variable, cells);
            match space.question(*variable) {
                Some(Question::Class(_, domain)) => made.sample(domain, allowed),
                Some(Question::Scopes(set)) => made.scopes.push((set, allowed.has(1))),
                Some(Question::Opaque(expr)) => {
                    made.complete &= space.is_simple(*thing, expr);
                    conditions.push(expr);
                }
                _ => {}
            }
        }
        made.of_conditions(space, &conditions, &counts);
        made.beginnings(space, cells, &conditions, counts.get(&Family::Text).copied().unwrap_or(0));
        for (family, count) in counts {
            made.pool.add_fresh(family, if conditions.is_empty() { 1 } else { count + made.elements });
        }
        made.complete &= !made.pool.cut;
        made
    }

    /// Texts that begin as is asked for, or as they must, and are like no other.
    fn beginnings(&mut self, space: &Space<'_>, cells: &[usize], conditions: &[&Expr], texts: usize) {
        let mut prefixes = Vec::new();
        conditions.iter().for_each(|condition| starts(space, condition, &mut prefixes));
        let rooms = || cells.iter().filter_map(|cell| space.cells.get_index(*cell)).map(|(_, cell)| &cell.room);
        prefixes.extend(rooms().filter_map(|room| room.prefix.clone()));
        prefixes.sort();
        prefixes.dedup();
        let count = if conditions.is_empty() { 1 } else { texts + self.elements };
        for prefix in &prefixes {
            self.pool.add(Value::String(prefix.clone()));
            self.pool.add_beginning(prefix, &prefixes, count);
        }
        if rooms().any(|room| room.uuids) {
            self.pool.add_unnamed(count, |number| Some(uuid(number)));
        }
    }

    /// Parameters that are read as part of a path, or as text though they are numbers, can't all be gone through.
    fn of_names(&mut self, space: &Space<'_>, variable: Variable, cells: &[usize]) {
        let mut paths = Vec::new();
        let mut texts = Vec::new();
        match space.question(variable) {
            Some(Question::Class(path, domain)) => {
                paths.push(path.clone());
                texts = domain.points(true);
            }
            Some(Question::Opaque(expr)) => {
                space.paths(expr, &mut paths);
                let mut constants = HashSet::new();
                gather(space, expr, &mut constants, &mut false);
                texts.extend(constants);
            }
            _ => return,
        }
        let by_path = paths.contains(&Expr::Read(Read::Path));
        // All cookies stand in one header.
        self.complete &= !paths.contains(&Expr::Read(Read::Header(http::header::COOKIE)));
        let is_number = |cell: &usize| {
            let of = space.cells.get_index(*cell);
            of.is_some_and(|(place, cell)| {
                matches!(place.path, Expr::Read(Read::Param(_))) && cell.room.ty == Some(Type::Int)
            })
        };
        let by_text = paths.contains(&Expr::Read(Read::ResourceId)) && cells.iter().any(is_number);
        if !by_path && !by_text {
            return;
        }
        self.complete = false;
        for text in texts.iter().filter_map(|value| if let Value::String(text) = value { Some(text) } else { None }) {
            text.parse().into_iter().for_each(|number| self.pool.add(Value::Int(number)));
            let tails = text.match_indices('/').filter_map(|(at, _)| text.get(at + 1..));
            for tail in tails {
                self.pool.add(Value::String(tail.to_owned()));
                tail.split('/').for_each(|part| self.pool.add(Value::String(part.to_owned())));
            }
        }
    }

    /// The values that constants set apart, and those around them, as far as their classes are allowed.
    fn sample(&mut self, domain: &'p Domain, allowed: &Ranges) {
        self.pool.avoid(domain);
        let fits = |value: &Value| allowed.has(domain.class(&value.key()));
        for point in domain.points(self.has_conditions) {
            let around = near(&point);
            let alike = alike(&point);
            for value in std::iter::once(point).chain(around).chain(alike) {
                if fits(&value) {
                    self.pool.add(value);
                }
            }
        }
    }

    fn of_conditions(&mut self, space: &Space<'_>, conditions: &[&Expr], counts: &HashMap<Family, usize>) {
        let mut constants = HashSet::new();
        let mut sums = false;
        for condition in conditions {
            gather(space, condition, &mut constants, &mut sums);
            self.elements += of_lists(space, condition);
        }
        let mut constants: Vec<Value> = constants.into_iter().collect();
        constants.sort_by(|one, other| one.key().cmp(&other.key()));
        constants.iter().for_each(|value| self.pool.add(value.clone()));
        if !self.complete {
            self.patterns(space, conditions, &constants);
        }
        for (family, count) in counts {
            let distances: Vec<Value> = constants
                .iter()
                .filter(|value| match value {
                    Value::Int(_) => sums && *family == Family::Int,
                    Value::Duration(_) => matches!(family, Family::Time | Family::Duration),
                    _ => false,
                })
                .cloned()
                .collect();
            if matches!(family, Family::Int | Family::Float | Family::Time | Family::Duration) && !conditions.is_empty()
            {
                fresh(*family, 1).into_iter().for_each(|value| self.pool.add(value));
                self.pool.spread(*family, &distances, (*count).max(2) - 1);
                if sums {
                    ends(*family).into_iter().for_each(|end| self.pool.add(end));
                }
            }
        }
    }

    /// Texts that may meet tests of parts of texts.
    fn patterns(&mut self, space: &Space<'_>, conditions: &[&Expr], constants: &[Value]) {
        let texts: Vec<&str> = constants
            .iter()
            .filter_map(|value| if let Value::String(text) = value { Some(&**text) } else { None })
            .collect();
        const MOST: usize = 12;
        for one in texts.iter().take(MOST) {
            for text in [format!("{one}x"), format!("x{one}"), format!("x{one}x")] {
                self.pool.add(Value::String(text));
            }
            for other in texts.iter().take(MOST) {
                self.pool.add(Value::String(format!("{one}{other}")));
                self.pool.add(Value::String(format!("{one}x{other}")));
            }
        }
        for condition in conditions {
            samples_of(space, condition, &mut |text| self.pool.add(Value::String(text)));
        }
    }

    /// What a schema's rules set apart.
    fn bounds(&mut self, rules: &InputType) {
        match rules {
            InputType::Nullable(inner) => self.bounds(inner),
            InputType::Int(rules) => {
                for bound in [rules.min, rules.max].into_iter().flatten().map(Value::Int) {
                    near(&bound).into_iter().for_each(|value| self.pool.add(value));
                    self.pool.add(bound);
                }
                self.complete &= rules.multiple_of.is_none();
            }
            InputType::String(rules) => {
                self.complete &= rules.transforms.is_empty() && rules.checks.is_empty();
                example_texts(rules).into_iter().for_each(|text| self.pool.add(Value::String(text)));
            }
            InputType::Bool | InputType::Enum(_) => {}
            _ => self.complete = false,
        }
    }

    /// What is tried in a place, and whether that is less than it should be.
    pub(crate) fn values(&self, space: &Space<'_>, cell: usize, listed: &[Value]) -> (Vec<Known<Value>>, bool) {
        let Some((place, cell)) = space.cells.get_index(cell) else { return (Vec::new(), true) };
        let room = &cell.room;
        if let Some(only) = &room.only {
            return (only.clone(), false);
        }
        let mut cut = false;
        let mut values: Vec<Value> = Vec::new();
        if let Some(ty) = &room.ty {
            let (bare, nullable) = if let Type::Nullable(inner) = ty { (&**inner, true) } else { (ty, false) };
            match bare {
                Type::Bool => values.extend([true, false].map(Value::Bool)),
                Type::Enum(names) => values.extend(names.iter().map(|name| Value::String(name.clone()))),
                Type::List(item) => {
                    if place.path == Expr::Read(Read::UserScopes) {
                        (values, cut) = self.scopes(space, listed);
                    } else {
                        (values, cut) = self.lists(item, listed);
                    }
                }
                Type::Record(_) | Type::Shape(_) => values.extend(default(space, bare, 0)),
                Type::Opaque | Type::Null | Type::Never => values.push(Value::Null),
                scalar => {
                    let family = Family::of(scalar);
                    let of_pool = family.into_iter().flat_map(|family| self.pool.of(family));
                    let of_sums =
                        listed.iter().filter(|value| Family::of_value(value) == family && family == Some(Family::Text));
                    values.extend(of_sums.chain(of_pool).cloned());
                }
            }
            if nullable {
                values.push(Value::Null);
            }
        }
        values.retain(|value| fits(space, place.path == Expr::Read(Read::UserId), room, value));
        let mut tried: Vec<Known<Value>> = values.into_iter().map(Known::Value).collect();
        if room.absent {
            tried.push(Known::Absent);
        }
        if room.unknown {
            tried.push(Known::Unknown);
        }
        (tried, cut)
    }

    /// Lists of what may have to be in them.
    fn lists(&self, item: &Type, listed: &[Value]) -> (Vec<Value>, bool) {
        let mut elements: Vec<Value> = Vec::new();
        let family = Family::of(item);
        for value in listed {
            let value = match (value, family) {
                (Value::Ip(address), Some(Family::Network)) => {
                    Value::Network(ipnet::IpNet::from(address.to_canonical()))
                }
                _ => value.clone(),
            };
            let is_one = match item {
                Type::Enum(names) => matches!(&value, Value::String(text) if names.contains(text)),
                Type::Bool => matches!(value, Value::Bool(_)),
                _ => family.is_some() && Family::of_value(&value) == family,
            };
            if is_one && !elements.contains(&value) {
                elements.push(value);
            }
        }
        let mut cut = false;
        if self.has_conditions {
            let mut others: Vec<Value> = match item {
                Type::Enum(names) => names.iter().map(|name| Value::String(name.clone())).collect(),
                Type::Bool => [true, false].map(Value::Bool).into(),
                _ => family.into_iter().flat_map(|family| self.pool.of(family)).cloned().collect(),
            };
            others.retain(|value| !elements.contains(value));
            cut = others.len() < self.elements && !matches!(item, Type::Enum(_) | Type::Bool);
            elements.extend(others.into_iter().take(self.elements));
        }
        let (lists, short) = combined(&elements);
        (lists, cut || short)
    }

    /// Scopes that the caller may come with.
    fn scopes(&self, space: &Space<'_>, listed: &[Value]) -> (Vec<Value>, bool) {
        let policy = space.scenario.policy;
        let lacking: Vec<IdSet<Scope>> = self.scopes.iter().filter(|(_, held)| !held).map(|(set, _)| *set).collect();
        let mut elements: Vec<Value> = Vec::new();
        for (set, _) in self.scopes.iter().filter(|(_, held)| *held) {
            let free = policy
                .scope_sets
                .ids(*set)
                .filter(|scope| !lacking.iter().any(|lacking| policy.scope_sets.has_any(*lacking, &[*scope])));
            let names = free.map(|scope| Value::String(policy.scope_names.get(scope).to_owned()));
            // Without a condition that reads them by name, any of a set is as good as another.
            let names: Vec<Value> = names.take(if self.has_conditions { COMBINED } else { 1 }).collect();
            for name in names {
                if !elements.contains(&name) {
                    elements.push(name);
                }
            }
        }
        if !self.has_conditions {
            return (vec![Value::List(elements.into_iter().collect())], false);
        }
        elements.extend(listed.iter().cloned());
        let (lists, cut) = self.lists(&Type::String, &elements);
        (
            lists,
            cut || self.scopes.iter().any(|(set, held)| *held && policy.scope_sets.ids(*set).nth(COMBINED).is_some()),
        )
    }
}

/// Lists of some of these, shorter ones first; and whether not all were made.
fn combined(elements: &[Value]) -> (Vec<Value>, bool) {
    let list = |values: &mut dyn Iterator<Item = Value>| Value::List(values.collect());
    if elements.len() <= COMBINED {
        let mut sets: Vec<u32> = (0..1 << elements.len()).collect();
        sets.sort_by_key(|set| set.count_ones());
        let one = |set: u32| {
            let mut chosen = (0..).zip(elements).filter(|(at, _)| set >> at & 1 == 1).map(|(_, value)| value.clone());
            list(&mut chosen)
        };
        return (sets.into_iter().map(one).collect(), false);
    }
    let mut lists = vec![list(&mut std::iter::empty()), list(&mut elements.iter().cloned())];
    for value in elements {
        lists.push(list(&mut std::iter::once(value.clone())));
        lists.push(list(&mut elements.iter().filter(|other| *other != value).cloned()));
    }
    (lists, true)
}

/// Whether a value can stand in a place.
fn fits(space: &Space<'_>, is_id: bool, room: &crate::analyze::solver::domain::Room<'_>, value: &Value) -> bool {
    let text = if let Value::String(text) = value { Some(text.as_str()) } else { None };
    let whole_milliseconds = match value {
        Value::Duration(duration) => !duration.is_negative() && duration.subsec_nanos() % 1_000_000 == 0,
        _ => true,
    };
    whole_milliseconds
        && room.prefix.as_ref().is_none_or(|prefix| text.is_some_and(|text| text.starts_with(prefix.as_str())))
        && (!room.uuids || text.is_some_and(crate::model::path::is_uuid))
        && (!is_id || text.is_some_and(|text| !text.is_empty()))
        && room.rules.is_none_or(|rules| space.scenario.is_valid(rules, value))
}

/// Values of records begin as this: with what must be there, and nothing else.
fn default(space: &Space<'_>, ty: &Type, depth: usize) -> Option<Value> {
    const DEEPEST: usize = 8;
    match ty {
        Type::Bool => Some(Value::Bool(false)),
        Type::Enum(names) => names.first().map(|name| Value::String(name.clone())),
        Type::List(_) => Some(Value::List(std::iter::empty().collect())),
        Type::Nullable(_) | Type::Null | Type::Opaque | Type::Never => Some(Value::Null),
        Type::Record(_) | Type::Shape(_) if depth < DEEPEST => {
            let fields = ty.fields(&space.scenario.policy.shapes).into_iter().filter(|field| !field.optional);
            let values = fields.map(|field| Some((field.name.clone(), default(space, &field.ty, depth + 1)?)));
            values.collect::<Option<_>>().map(Value::record)
        }
        scalar => Family::of(scalar).and_then(|family| fresh(family, 1)),
    }
}

/// The constants of a condition, and whether it adds or takes away.
fn gather(space: &Space<'_>, expr: &Expr, out: &mut HashSet<Value>, sums: &mut bool) {
    expr.any(&mut |part| {
        match part {
            Expr::Constant(Value::List(items)) => out.extend(items.iter().cloned()),
            Expr::Constant(value) if Family::of_value(value).is_some() => drop(out.insert(value.clone())),
            Expr::Binary(Operator::Add | Operator::Subtract, ..) => *sums = true,
            Expr::Condition(id) => gather(space, &space.scenario.policy.conditions[*id].expr, out, sums),
            _ => {}
        }
        false
    });
}

/// What texts are asked to begin with.
fn starts(space: &Space<'_>, expr: &Expr, out: &mut Vec<String>) {
    expr.any(&mut |part| {
        match part {
            Expr::Binary(Operator::StartsWith, _, with) => {
                out.extend(if let Expr::Constant(Value::String(text)) = &**with { Some(text.clone()) } else { None });
            }
            Expr::Condition(id) => starts(space, &space.scenario.policy.conditions[*id].expr, out),
            _ => {}
        }
        false
    });
}

/// How many comparisons ask for an element of lists that tells them apart, or that they share.
fn of_lists(space: &Space<'_>, expr: &Expr) -> usize {
    let mut count = 0;
    expr.any(&mut |part| {
        match part {
            Expr::Binary(Operator::ContainsAll | Operator::Intersects | Operator::Equal | Operator::NotEqual, ..) => {
                count += 1
            }
            Expr::Condition(id) => count += of_lists(space, &space.scenario.policy.conditions[*id].expr),
            _ => {}
        }
        false
    });
    count
}

/// Texts that match the patterns of a condition.
fn samples_of(space: &Space<'_>, expr: &Expr, found: &mut dyn FnMut(String)) {
    let mut conditions = Vec::new();
    let mut patterns: Vec<String> = Vec::new();
    expr.any(&mut |part| {
        match part {
            Expr::Matches(_, pattern) => patterns.push(pattern.0.as_str().to_owned()),
            Expr::Condition(id) => conditions.push(*id),
            _ => {}
        }
        false
    });
    patterns.iter().filter_map(|pattern| crate::analyze::solver::regex::sample(pattern)).for_each(&mut *found);
    for id in conditions {
        samples_of(space, &space.scenario.policy.conditions[id].expr, found);
    }
}
