//! Validates input against its shape, and normalises it. All violations are found in one pass, up to a maximum.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json};

use crate::collections::table::Table;
use crate::model::keywords::UnknownFields;
use crate::model::mask::{Mask, Part};
use crate::schemas::scalar::canonical;
use crate::schemas::violation::{PathStep, UNKNOWN_FIELD, Violations};
use crate::typed::schemas::{Check, Field, InputType, ListRules, MapRules, Shape, TaggedUnion};

/// Evaluates checks for an object with validated fields. Returns one result for each check.
pub(crate) type CheckEvaluator<'a> = dyn Fn(&[&Check], &Map<String, Json>) -> Vec<bool> + 'a;

/// The encoding of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    /// A query or a form: values are texts, and lists of texts if a name occurs several times.
    Text,
}

/// Valid input, normalised.
#[derive(Debug)]
pub(crate) struct Validated {
    pub(crate) value: Json,
    pub(crate) secrets: Mask,
}

/// Validates and normalises input.
pub(crate) fn validate(
    shapes: &Table<Shape>,
    shape: &Shape,
    input: &Json,
    encoding: Encoding,
    evaluator: &CheckEvaluator<'_>,
) -> Result<Validated, Violations> {
    let mut validator = Validator::over(shapes, encoding, evaluator);
    let value = validator.object(shape, input, None);
    validator.end(value)
}

/// Validates and normalises a default. It doesn't validate defaults inside it, which may refer to each other endlessly, and
/// doesn't evaluate checks, which may read the time: they are evaluated whenever the default is used.
pub(crate) fn validate_default(shapes: &Table<Shape>, ty: &InputType, value: &Json) -> Result<Validated, Violations> {
    let mut validator = Validator {
        checking_a_default: true,
        ..Validator::over(shapes, Encoding::Json, &|checks, _| vec![true; checks.len()])
    };
    let value = validator.value(ty, value);
    validator.end(value)
}

/// Validates one input. The recursion is as deep as the input, whose depth the parser bounds.
pub(crate) struct Validator<'a> {
    shapes: &'a Table<Shape>,
    evaluator: &'a CheckEvaluator<'a>,
    pub(crate) encoding: Encoding,
    checking_a_default: bool,
    path: Vec<PathStep<'a>>,
    /// The secret parts of each value on the path, the outermost first.
    masks: Vec<Mask>,
    violations: Violations,
    /// The number of violations, also of those that aren't listed.
    failures: usize,
    /// While a member of a union is tried: the value of `failures` before. The first violation ends the attempt.
    attempt: Option<usize>,
    /// The member that accepted a value, by the addresses of the union and the value. Without it, nested unions would be tried
    /// anew in each attempt, and the time would double with every level.
    accepted: HashMap<(usize, usize), Option<usize>>,
}

impl<'a> Validator<'a> {
    fn over(shapes: &'a Table<Shape>, encoding: Encoding, evaluator: &'a CheckEvaluator<'a>) -> Self {
        Self {
            shapes,
            evaluator,
            encoding,
            checking_a_default: false,
            path: Vec::new(),
            masks: vec![Mask::default()],
            violations: Violations::default(),
            failures: 0,
            attempt: None,
            accepted: HashMap::new(),
        }
    }

    fn end(mut self, value: Json) -> Result<Validated, Violations> {
        if self.failures > 0 {
            return Err(self.violations);
        }
        Ok(Validated { value, secrets: self.masks.pop().unwrap_or_default() })
    }

    pub(crate) fn fail(&mut self, code: &'static str, message: impl Into<String>) {
        self.failures += 1;
        if self.attempt.is_none() {
            self.violations.push(&self.path, code, message.into());
        }
    }

    /// True if no further violation matters.
    fn done(&self) -> bool {
        self.violations.truncated || self.attempt.is_some_and(|before| self.failures > before)
    }

    /// Calls `look` for a part of the value, with the path and the mask of the part.
    fn at<T>(&mut self, step: PathStep<'a>, look: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        self.masks.push(Mask::default());
        let found = look(self);
        self.path.pop();
        let below = self.masks.pop().unwrap_or_default();
        if let (false, Some(mask)) = (below.is_empty(), self.masks.last_mut()) {
            let part = match step {
                PathStep::Declared(name) | PathStep::Undeclared(name) => Part::Member(name.to_owned()),
                PathStep::Element(at) => Part::Element(at),
            };
            mask.parts.push((part, below));
        }
        found
    }

    fn object(&mut self, shape: &'a Shape, value: &'a Json, tag: Option<&'a str>) -> Json {
        let Json::Object(given) = value else {
            self.fail("type", "must be an object");
            return Json::Null;
        };
        let mut taken = Map::new();
        // The tag of a union is known even if the shape doesn't declare it.
        let tag = tag.filter(|tag| shape.fields.iter().all(|field| field.name != *tag));
        if let Some((tag, value)) = tag.and_then(|tag| given.get_key_value(tag)) {
            taken.insert(tag.clone(), value.clone());
        }
        let mut invalid: Vec<&str> = Vec::new();
        for field in &shape.fields {
            if self.done() {
                return Json::Null;
            }
            let before = self.failures;
            let value =
                self.at(PathStep::Declared(&field.name), |validator| validator.field(field, given.get(&field.name)));
            if self.failures > before {
                invalid.push(&field.name);
            }
            if let Some(value) = value {
                taken.insert(field.name.clone(), value);
            }
        }
        if shape.unknown_fields != UnknownFields::Strip {
            self.unknown(shape, given, tag, &mut taken);
        }
        self.checks(shape, &taken, &invalid);
        Json::Object(taken)
    }

    fn unknown(
        &mut self,
        shape: &'a Shape,
        given: &'a Map<String, Json>,
        tag: Option<&str>,
        taken: &mut Map<String, Json>,
    ) {
        let declared: HashSet<&str> = shape.fields.iter().map(|field| field.name.as_str()).chain(tag).collect();
        for (name, value) in given.iter().filter(|(name, _)| !declared.contains(name.as_str())) {
            if shape.unknown_fields == UnknownFields::Open {
                taken.insert(name.clone(), value.clone());
            } else if self.done() {
                break;
            } else {
                self.at(PathStep::Undeclared(name), |validator| validator.fail("unknown_field", UNKNOWN_FIELD));
            }
        }
    }

    /// Evaluates the checks whose fields are all valid.
    fn checks(&mut self, shape: &'a Shape, taken: &Map<String, Json>, invalid: &[&str]) {
        if shape.checks.is_empty() || self.done() {
            return;
        }
        let is_ready = |check: &&Check| check.reads.iter().all(|read| !invalid.contains(&read.name.as_str()));
        let checks: Vec<&Check> = shape.checks.iter().filter(is_ready).collect();
        for (check, holds) in checks.iter().zip((self.evaluator)(&checks, taken)) {
            if !holds {
                let message = check.message.as_deref().unwrap_or("doesn't satisfy a rule of the schema");
                self.fail("check", message);
            }
        }
    }

    fn field(&mut self, field: &'a Field, given: Option<&'a Json>) -> Option<Json> {
        let value = match (given, &field.default) {
            (Some(value), _) => self.value(&field.ty, value),
            (None, Some(default)) if self.checking_a_default => return Some(default.clone()),
            (None, Some(default)) => {
                // The default is valid and complete. This finds its secrets, and evaluates its checks.
                let encoding = std::mem::replace(&mut self.encoding, Encoding::Json);
                let value = self.value(&field.ty, default);
                self.encoding = encoding;
                value
            }
            (None, None) if field.optional => return None,
            (None, None) => {
                self.fail("required", "is required");
                return None;
            }
        };
        if let (true, Some(mask)) = (field.secret, self.masks.last_mut()) {
            mask.whole = true;
        }
        Some(value)
    }

    fn value(&mut self, ty: &'a InputType, value: &'a Json) -> Json {
        if self.encoding == Encoding::Text && value.is_array() && !ty.is_list() {
            self.fail("duplicate", "stands there more than once");
            return Json::Null;
        }
        match ty {
            InputType::List(rules) => self.list(rules, value),
            InputType::Map(rules) => self.map(rules, value),
            InputType::Record(shape) => self.object(shape, value, None),
            InputType::Shape(shape) => {
                let shapes = self.shapes;
                self.object(&shapes[*shape], value, None)
            }
            InputType::Nullable(_) if value.is_null() => Json::Null,
            InputType::Nullable(ty) => self.value(ty, value),
            InputType::Union(members) => self.union(members, value),
            InputType::Tagged(union) => self.tagged(union, value),
            InputType::String(_)
            | InputType::Int(_)
            | InputType::Float(_)
            | InputType::Bool
            | InputType::Timestamp
            | InputType::Duration
            | InputType::Ip
            | InputType::Cidr
            | InputType::Any
            | InputType::Enum(_) => self.scalar(ty, value),
        }
    }

    fn list(&mut self, rules: &'a ListRules, value: &'a Json) -> Json {
        let items = match value {
            Json::Array(items) => items.as_slice(),
            // A name that occurs once in a query is a list of one element.
            Json::String(_) if self.encoding == Encoding::Text => std::slice::from_ref(value),
            _ => {
                self.fail("type", "must be a list");
                return Json::Null;
            }
        };
        if !self.count(items.len(), rules.min, rules.max, "elements") {
            return Json::Null;
        }
        let mut taken = Vec::with_capacity(items.len());
        let mut seen = HashSet::new();
        for (at, item) in items.iter().enumerate() {
            if self.done() {
                break;
            }
            let item = self.at(PathStep::Element(at), |validator| {
                let before = validator.failures;
                let item = validator.value(&rules.item, item);
                if rules.unique && validator.failures == before && !seen.insert(canonical(&item)) {
                    validator.fail("duplicate", "stands in the list twice");
                }
                item
            });
            taken.push(item);
        }
        Json::Array(taken)
    }

    fn map(&mut self, rules: &'a MapRules, value: &'a Json) -> Json {
        let Json::Object(given) = value else {
            self.fail("type", "must be an object");
            return Json::Null;
        };
        if !self.count(given.len(), rules.min, rules.max, "members") {
            return Json::Null;
        }
        let mut taken = Map::new();
        for (name, value) in given {
            if self.done() {
                break;
            }
            let value = self.at(PathStep::Undeclared(name), |validator| validator.value(&rules.item, value));
            taken.insert(name.clone(), value);
        }
        Json::Object(taken)
    }

    /// Checks the bounds of a count. Returns false if there are too many elements to validate each.
    fn count(&mut self, count: usize, min: Option<u64>, max: Option<u64>, what: &str) -> bool {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if let Some(least) = min.filter(|least| count < *least) {
            self.fail("too_few", format!("must have at least {least} {what}"));
        }
        if let Some(most) = max.filter(|most| count > *most) {
            self.fail("too_many", format!("must have at most {most} {what}"));
            return false;
        }
        true
    }

    fn union(&mut self, members: &'a [InputType], value: &'a Json) -> Json {
        // Types and values don't move during the validation.
        let key = (members.as_ptr().addr(), std::ptr::from_ref(value).addr());
        // A value without parts is tried as fast as it is looked up.
        let remembered = self.attempt.is_some() && (value.is_array() || value.is_object());
        let known = if remembered { self.accepted.get(&key).copied() } else { None };
        let candidates = match known {
            Some(None) => &[],
            Some(Some(member)) => members.get(member..=member).unwrap_or_default(),
            None => members,
        };
        let before = self.failures;
        let secrets = self.masks.last().map_or(0, |mask| mask.parts.len());
        for (at, member) in candidates.iter().enumerate() {
            let around = self.attempt.replace(before);
            let taken = self.value(member, value);
            self.attempt = around;
            if self.failures == before {
                if remembered && known.is_none() {
                    self.accepted.insert(key, Some(at));
                }
                return taken;
            }
            self.failures = before;
            if let Some(mask) = self.masks.last_mut() {
                mask.parts.truncate(secrets);
            }
        }
        if remembered {
            self.accepted.insert(key, None);
        }
        self.fail("union", "fits none of the types that it may have");
        Json::Null
    }

    fn tagged(&mut self, union: &'a TaggedUnion, value: &'a Json) -> Json {
        let Json::Object(given) = value else {
            self.fail("type", "must be an object");
            return Json::Null;
        };
        let tag = given.get(&union.tag);
        let case = tag.and_then(Json::as_str).and_then(|tag| union.cases.iter().find(|case| case.name == tag));
        let shapes = self.shapes;
        match (tag, case.map(|case| &case.ty)) {
            (Some(_), Some(InputType::Record(shape))) => self.object(shape, value, Some(&union.tag)),
            (Some(_), Some(InputType::Shape(shape))) => self.object(&shapes[*shape], value, Some(&union.tag)),
            (None, _) => {
                self.at(PathStep::Declared(&union.tag), |validator| validator.fail("required", "is required"));
                Json::Null
            }
            (Some(_), _) => {
                let names: Vec<&str> = union.cases.iter().map(|case| case.name.as_str()).collect();
                let message = format!("must be one of {}", names.join(", "));
                self.at(PathStep::Declared(&union.tag), |validator| validator.fail("one_of", message));
                Json::Null
            }
        }
    }
}
