//! The values that the solver tries in each slot, for constraints that share slots.

use std::collections::{HashMap, HashSet};

use crate::analyze::input::example_texts;
use crate::analyze::solver::class_set::ClassSet;
use crate::analyze::solver::conditions::{constants, list_comparisons, matching_texts, prefixes};
use crate::analyze::solver::domain::Domain;
use crate::analyze::solver::samples::{Family, Samples, fresh, limits, near, near_of_other_type, uuid};
use crate::analyze::solver::space::{InstanceVariable, Space};
use crate::collections::id_set::IdSet;
use crate::graph::{Partition, Variable, VariableId};
use crate::model::path::is_uuid;
use crate::model::value::{Known, Value};
use crate::typed::schemas::InputType;
use crate::typed::{Expr, Read, Scope, Type};

pub(crate) struct Candidates<'p> {
    samples: Samples<'p>,
    /// Sets of scopes. The caller has one of each set with true, and none of each set with false.
    scopes: Vec<(IdSet<Scope>, bool)>,
    /// True if a constraint is about an opaque condition.
    has_conditions: bool,
    /// The number of elements that conditions may need in a list, plus one.
    elements: usize,
    /// True if the constraints are impossible where none of the candidates satisfies them.
    pub(crate) complete: bool,
}

/// The most elements of which all combinations are tried as lists.
const COMBINED: usize = 6;

impl<'p> Candidates<'p> {
    /// The candidates for these slots and constraints.
    pub(crate) fn of(space: &Space<'p>, slots: &[usize], constraints: &[(InstanceVariable, ClassSet)]) -> Self {
        let mut made = Self {
            samples: Samples::default(),
            scopes: Vec::new(),
            has_conditions: false,
            elements: 1,
            complete: true,
        };
        let mut counts: HashMap<Family, usize> = HashMap::new();
        for slot in slots {
            let Some((_, info)) = space.slots.get_index(*slot) else { continue };
            if let Some(rules) = info.domain.rules {
                made.add_bounds(rules);
            }
            match &info.domain.ty {
                Some(Type::Enum(values)) => {
                    values.iter().for_each(|value| made.samples.add(Value::String(value.clone())));
                }
                Some(Type::List(item)) => drop(Family::of(item).map(|family| *counts.entry(family).or_default() += 1)),
                Some(ty) => drop(Family::of(ty).map(|family| *counts.entry(family).or_default() += 1)),
                None => {}
            }
        }
        let is_opaque = |variable| matches!(space.variable(variable), Some(Variable::Opaque(_)));
        made.has_conditions = constraints.iter().any(|((_, variable), _)| is_opaque(*variable));
        let mut conditions = Vec::new();
        for ((instance, variable), allowed) in constraints {
            made.add_parts_of_paths(space, *variable, slots);
            match space.variable(*variable) {
                Some(Variable::Attribute(_, partition)) => made.add_points(partition, allowed),
                Some(Variable::Scopes(set)) => made.scopes.push((set, allowed.has(1))),
                Some(Variable::Opaque(expr)) => {
                    made.complete &= space.is_simple(*instance, expr);
                    conditions.push(expr);
                }
                _ => {}
            }
        }
        made.add_constants(space, &conditions, &counts);
        made.add_prefixed(space, slots, &conditions, counts.get(&Family::Text).copied().unwrap_or(0));
        for (family, count) in counts {
            made.samples.add_fresh(family, if conditions.is_empty() { 1 } else { count + made.elements });
        }
        made.complete &= !made.samples.cut;
        made
    }

    /// Adds texts with each prefix that a condition or a domain has, and with no longer one.
    fn add_prefixed(&mut self, space: &Space<'_>, slots: &[usize], conditions: &[&Expr], texts: usize) {
        let mut known = Vec::new();
        conditions.iter().for_each(|condition| prefixes(space.scenario.policy, condition, &mut known));
        let domains = || slots.iter().filter_map(|slot| space.slots.get_index(*slot)).map(|(_, info)| &info.domain);
        known.extend(domains().filter_map(|domain| domain.prefix.clone()));
        known.sort();
        known.dedup();
        let count = if conditions.is_empty() { 1 } else { texts + self.elements };
        for prefix in &known {
            self.samples.add(Value::String(prefix.clone()));
            self.samples.add_prefixed(prefix, &known, count);
        }
        if domains().any(|domain| domain.uuids) {
            self.samples.add_unnamed(count, |number| Some(uuid(number)));
        }
    }

    /// Adds the parts of texts that are compared with a path, or with the text of a number. Not all of these can be tried.
    fn add_parts_of_paths(&mut self, space: &Space<'_>, variable: VariableId, slots: &[usize]) {
        let mut paths = Vec::new();
        let mut texts = Vec::new();
        match space.variable(variable) {
            Some(Variable::Attribute(path, partition)) => {
                paths.push(path.clone());
                texts = partition.points(true);
            }
            Some(Variable::Opaque(expr)) => {
                space.paths(expr, &mut paths);
                let mut found = HashSet::new();
                constants(space.scenario.policy, expr, &mut found);
                texts.extend(found);
            }
            _ => return,
        }
        let by_path = paths.contains(&Expr::Read(Read::Path));
        // All cookies are in one header.
        self.complete &= !paths.contains(&Expr::Read(Read::Header(http::header::COOKIE)));
        let is_number = |slot: &usize| {
            space.slots.get_index(*slot).is_some_and(|(slot, info)| {
                matches!(slot.path, Expr::Read(Read::Param(_))) && info.domain.ty == Some(Type::Int)
            })
        };
        let by_text = paths.contains(&Expr::Read(Read::ResourceId)) && slots.iter().any(is_number);
        if !by_path && !by_text {
            return;
        }
        self.complete = false;
        for text in texts.iter().filter_map(|value| if let Value::String(text) = value { Some(text) } else { None }) {
            text.parse().into_iter().for_each(|number| self.samples.add(Value::Int(number)));
            let tails = text.match_indices('/').filter_map(|(at, _)| text.get(at + 1..));
            for tail in tails {
                self.samples.add(Value::String(tail.to_owned()));
                tail.split('/').for_each(|part| self.samples.add(Value::String(part.to_owned())));
            }
        }
    }

    /// Adds the points of a partition and the values near them, of the allowed classes.
    fn add_points(&mut self, partition: &'p Partition, allowed: &ClassSet) {
        self.samples.avoid(partition);
        for point in partition.points(self.has_conditions) {
            let (around, of_other_type) = (near(&point), near_of_other_type(&point));
            for value in std::iter::once(point).chain(around).chain(of_other_type) {
                if allowed.has(partition.class(&value.key())) {
                    self.samples.add(value);
                }
            }
        }
    }

    /// Adds the constants of conditions, and values at the distances that they name.
    fn add_constants(&mut self, space: &Space<'_>, conditions: &[&Expr], counts: &HashMap<Family, usize>) {
        let policy = space.scenario.policy;
        let mut found = HashSet::new();
        let mut has_sums = false;
        for condition in conditions {
            has_sums |= constants(policy, condition, &mut found);
            self.elements += list_comparisons(policy, condition);
        }
        let mut found: Vec<Value> = found.into_iter().collect();
        found.sort_by(|one, other| one.key().cmp(&other.key()));
        found.iter().for_each(|value| self.samples.add(value.clone()));
        if !self.complete {
            self.add_texts(space, conditions, &found);
        }
        for (family, count) in counts {
            let is_distance = |value: &&Value| match value {
                Value::Int(_) => has_sums && *family == Family::Int,
                Value::Duration(_) => matches!(family, Family::Time | Family::Duration),
                _ => false,
            };
            let distances: Vec<Value> = found.iter().filter(is_distance).cloned().collect();
            if matches!(family, Family::Int | Family::Float | Family::Time | Family::Duration) && !conditions.is_empty()
            {
                fresh(*family, 1).into_iter().for_each(|value| self.samples.add(value));
                self.samples.spread(*family, &distances, (*count).max(2) - 1);
                if has_sums {
                    limits(*family).into_iter().for_each(|limit| self.samples.add(limit));
                }
            }
        }
    }

    /// Adds texts that may meet conditions on parts of texts.
    fn add_texts(&mut self, space: &Space<'_>, conditions: &[&Expr], constants: &[Value]) {
        const MOST: usize = 12;
        let texts: Vec<&str> = constants
            .iter()
            .filter_map(|value| if let Value::String(text) = value { Some(&**text) } else { None })
            .take(MOST)
            .collect();
        for one in &texts {
            for text in [format!("{one}x"), format!("x{one}"), format!("x{one}x")] {
                self.samples.add(Value::String(text));
            }
            for other in &texts {
                self.samples.add(Value::String(format!("{one}{other}")));
                self.samples.add(Value::String(format!("{one}x{other}")));
            }
        }
        for condition in conditions {
            let policy = space.scenario.policy;
            matching_texts(policy, condition, &mut |text| self.samples.add(Value::String(text)));
        }
    }

    /// Adds the bounds of a schema's rules, and the values near them.
    fn add_bounds(&mut self, rules: &InputType) {
        match rules {
            InputType::Nullable(inner) => self.add_bounds(inner),
            InputType::Int(rules) => {
                for bound in [rules.min, rules.max].into_iter().flatten().map(Value::Int) {
                    near(&bound).into_iter().for_each(|value| self.samples.add(value));
                    self.samples.add(bound);
                }
                self.complete &= rules.multiple_of.is_none();
            }
            InputType::String(rules) => {
                self.complete &= rules.transforms.is_empty() && rules.checks.is_empty();
                example_texts(rules).into_iter().for_each(|text| self.samples.add(Value::String(text)));
            }
            InputType::Bool | InputType::Enum(_) => {}
            _ => self.complete = false,
        }
    }

    /// The values to try in a slot. Returns true beside them if some were left out. `compared` are the values that the
    /// conditions compare at present.
    pub(crate) fn values(&self, space: &Space<'_>, slot: usize, compared: &[Value]) -> (Vec<Known<Value>>, bool) {
        let Some((slot, info)) = space.slots.get_index(slot) else { return (Vec::new(), true) };
        let domain = &info.domain;
        if let Some(only) = &domain.only {
            return (only.clone(), false);
        }
        let mut cut = false;
        let mut values: Vec<Value> = Vec::new();
        if let Some(ty) = &domain.ty {
            match ty.not_null() {
                Type::Bool => values.extend([true, false].map(Value::Bool)),
                Type::Enum(names) => values.extend(names.iter().map(|name| Value::String(name.clone()))),
                Type::List(_) if slot.path == Expr::Read(Read::UserScopes) => {
                    (values, cut) = self.scopes(space, compared);
                }
                Type::List(item) => (values, cut) = self.lists(item, compared),
                record @ (Type::Record(_) | Type::Shape(_)) => values.extend(smallest(space, record, 0)),
                Type::Opaque | Type::Null | Type::Never => values.push(Value::Null),
                scalar => {
                    let family = Family::of(scalar);
                    let sampled = family.into_iter().flat_map(|family| self.samples.of(family));
                    let texts = compared.iter().filter(|value| Family::of_value(value) == Some(Family::Text));
                    values.extend(texts.filter(|_| family == Some(Family::Text)).chain(sampled).cloned());
                }
            }
            if matches!(ty, Type::Nullable(_)) {
                values.push(Value::Null);
            }
        }
        let is_user_id = slot.path == Expr::Read(Read::UserId);
        values.retain(|value| fits(space, is_user_id, domain, value));
        let mut tried: Vec<Known<Value>> = values.into_iter().map(Known::Value).collect();
        tried.extend(domain.absent.then_some(Known::Absent));
        tried.extend(domain.unknown.then_some(Known::Unknown));
        (tried, cut)
    }

    /// Lists of elements that conditions compare, and of other samples.
    fn lists(&self, item: &Type, compared: &[Value]) -> (Vec<Value>, bool) {
        let mut elements: Vec<Value> = Vec::new();
        let family = Family::of(item);
        for value in compared {
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
                _ => family.into_iter().flat_map(|family| self.samples.of(family)).cloned().collect(),
            };
            others.retain(|value| !elements.contains(value));
            cut = others.len() < self.elements && !matches!(item, Type::Enum(_) | Type::Bool);
            elements.extend(others.into_iter().take(self.elements));
        }
        let (lists, short) = combined(&elements);
        (lists, cut || short)
    }

    /// Lists of scopes that satisfy the constraints on scopes.
    fn scopes(&self, space: &Space<'_>, compared: &[Value]) -> (Vec<Value>, bool) {
        let policy = space.scenario.policy;
        let lacking: Vec<IdSet<Scope>> = self.scopes.iter().filter(|(_, held)| !held).map(|(set, _)| *set).collect();
        let mut elements: Vec<Value> = Vec::new();
        for (set, _) in self.scopes.iter().filter(|(_, held)| *held) {
            let free = policy
                .scope_sets
                .ids(*set)
                .filter(|scope| !lacking.iter().any(|lacking| policy.scope_sets.has_any(*lacking, &[*scope])));
            let names = free.map(|scope| Value::String(policy.scope_names.get(scope).to_owned()));
            // Without a condition that names scopes, one scope of a set stands for all.
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
        elements.extend(compared.iter().cloned());
        let (lists, cut) = self.lists(&Type::String, &elements);
        (
            lists,
            cut || self.scopes.iter().any(|(set, held)| *held && policy.scope_sets.ids(*set).nth(COMBINED).is_some()),
        )
    }
}

/// Lists of some of these elements, shorter ones first. Returns true beside them if not all were made.
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

/// True if a slot with this domain can have the value.
fn fits(space: &Space<'_>, is_user_id: bool, domain: &Domain<'_>, value: &Value) -> bool {
    let text = if let Value::String(text) = value { Some(text.as_str()) } else { None };
    let whole_milliseconds = match value {
        Value::Duration(duration) => !duration.is_negative() && duration.subsec_nanos() % 1_000_000 == 0,
        _ => true,
    };
    whole_milliseconds
        && domain.prefix.as_ref().is_none_or(|prefix| text.is_some_and(|text| text.starts_with(prefix.as_str())))
        && (!domain.uuids || text.is_some_and(is_uuid))
        && (!is_user_id || text.is_some_and(|text| !text.is_empty()))
        && domain.rules.is_none_or(|rules| space.scenario.is_valid(rules, value))
}

/// A value with the required fields only. Records begin as it.
fn smallest(space: &Space<'_>, ty: &Type, depth: usize) -> Option<Value> {
    const DEEPEST: usize = 8;
    match ty {
        Type::Bool => Some(Value::Bool(false)),
        Type::Enum(names) => names.first().map(|name| Value::String(name.clone())),
        Type::List(_) => Some(Value::List(std::iter::empty().collect())),
        Type::Nullable(_) | Type::Null | Type::Opaque | Type::Never => Some(Value::Null),
        Type::Record(_) | Type::Shape(_) if depth < DEEPEST => {
            let fields = ty.fields(&space.scenario.policy.shapes).into_iter().filter(|field| !field.optional);
            let values = fields.map(|field| Some((field.name.clone(), smallest(space, &field.ty, depth + 1)?)));
            values.collect::<Option<_>>().map(Value::record)
        }
        scalar => Family::of(scalar).and_then(|family| fresh(family, 1)),
    }
}
