//! Input against its shape: transforms, then checks, and every problem at once, up to a cap. Values are never
//! echoed.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json};

use crate::collections::table::Table;
use crate::model::keywords::UnknownFields;
use crate::model::mask::{Mask, Part};
use crate::schemas::scalar::canonical;
use crate::schemas::violation::{Step, UNKNOWN_FIELD, Violations};
use crate::typed::schemas::{Check, Field, InputType, ListRules, MapRules, Shape, TaggedUnion};

/// Which checks hold for an object whose fields have been validated.
pub(crate) type Holds<'a> = dyn Fn(&[&Check], &Map<String, Json>) -> Vec<bool> + 'a;

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As JSON.
    Json,
    /// As texts, and lists of texts where a name stands several times: a query or a form.
    Text,
}

/// Input that conforms.
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
    holds: &Holds<'_>,
) -> Result<Validated, Violations> {
    let mut walk = Walk::over(shapes, encoding, holds);
    let value = walk.object(shape, input, None);
    walk.end(value)
}

/// Validates and normalises a default. Defaults inside it aren't looked into: they may refer to each other without end.
/// Neither are checks, which may ask for the time: they are asked whenever the default is used.
pub(crate) fn validate_default(shapes: &Table<Shape>, ty: &InputType, value: &Json) -> Result<Validated, Violations> {
    let mut walk =
        Walk { checking_a_default: true, ..Walk::over(shapes, Encoding::Json, &|checks, _| vec![true; checks.len()]) };
    let value = walk.value(ty, value);
    walk.end(value)
}

/// A walk over input. It is as deep as the input, whose depth the parser bounds.
pub(crate) struct Walk<'a> {
    shapes: &'a Table<Shape>,
    holds: &'a Holds<'a>,
    pub(crate) encoding: Encoding,
    checking_a_default: bool,
    path: Vec<Step<'a>>,
    /// What is secret in each value on the path, the outermost first.
    masks: Vec<Mask>,
    violations: Violations,
    /// How many problems were found, told or not.
    wrong: usize,
    /// While a member of a union is tried: `wrong` as it was before. The first problem ends the trial.
    trial: Option<usize>,
    /// By union and value, which member took it. What is tried inside another trial would otherwise be tried anew in each,
    /// and the work double with every level.
    tried: HashMap<(usize, usize), Option<usize>>,
}

impl<'a> Walk<'a> {
    fn over(shapes: &'a Table<Shape>, encoding: Encoding, holds: &'a Holds<'a>) -> Self {
        Self {
            shapes,
            holds,
            encoding,
            checking_a_default: false,
            path: Vec::new(),
            masks: vec![Mask::default()],
            violations: Violations::default(),
            wrong: 0,
            trial: None,
            tried: HashMap::new(),
        }
    }

    fn end(mut self, value: Json) -> Result<Validated, Violations> {
        if self.wrong > 0 {
            return Err(self.violations);
        }
        Ok(Validated { value, secrets: self.masks.pop().unwrap_or_default() })
    }

    pub(crate) fn wrong(&mut self, code: &'static str, message: impl Into<String>) {
        self.wrong += 1;
        if self.trial.is_none() {
            self.violations.push(&self.path, code, message.into());
        }
    }

    /// Once no more can be told, nothing more is looked for.
    fn done(&self) -> bool {
        self.violations.truncated || self.trial.is_some_and(|before| self.wrong > before)
    }

    /// Does something at a part of the value.
    fn at<T>(&mut self, step: Step<'a>, look: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        self.masks.push(Mask::default());
        let found = look(self);
        self.path.pop();
        let below = self.masks.pop().unwrap_or_default();
        if let (false, Some(mask)) = (below.is_empty(), self.masks.last_mut()) {
            let part = match step {
                Step::Field(name) | Step::Foreign(name) => Part::Member(name.to_owned()),
                Step::Element(at) => Part::Element(at),
            };
            mask.parts.push((part, below));
        }
        found
    }

    fn object(&mut self, shape: &'a Shape, value: &'a Json, tag: Option<&'a str>) -> Json {
        let Json::Object(given) = value else {
            self.wrong("type", "must be an object");
            return Json::Null;
        };
        let mut taken = Map::new();
        // A tag that the shape doesn't declare is known all the same.
        let tag = tag.filter(|tag| shape.fields.iter().all(|field| field.name != *tag));
        if let Some((tag, value)) = tag.and_then(|tag| given.get_key_value(tag)) {
            taken.insert(tag.clone(), value.clone());
        }
        let mut unsound: Vec<&str> = Vec::new();
        for field in &shape.fields {
            if self.done() {
                return Json::Null;
            }
            let before = self.wrong;
            let value = self.at(Step::Field(&field.name), |walk| walk.field(field, given.get(&field.name)));
            if self.wrong > before {
                unsound.push(&field.name);
            }
            if let Some(value) = value {
                taken.insert(field.name.clone(), value);
            }
        }
        if shape.unknown_fields != UnknownFields::Strip {
            self.unknown(shape, given, tag, &mut taken);
        }
        self.checks(shape, &taken, &unsound);
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
                self.at(Step::Foreign(name), |walk| walk.wrong("unknown_field", UNKNOWN_FIELD));
            }
        }
    }

    /// A rule is asked as soon as the fields that it reads are valid, whatever the others are.
    fn checks(&mut self, shape: &'a Shape, taken: &Map<String, Json>, unsound: &[&str]) {
        if shape.checks.is_empty() || self.done() {
            return;
        }
        let sound = |check: &&Check| check.reads.iter().all(|read| !unsound.contains(&read.name.as_str()));
        let asked: Vec<&Check> = shape.checks.iter().filter(sound).collect();
        for (check, holds) in asked.iter().zip((self.holds)(&asked, taken)) {
            if !holds {
                let message = check.message.as_deref().unwrap_or("doesn't satisfy a rule of the schema");
                self.wrong("check", message);
            }
        }
    }

    fn field(&mut self, field: &'a Field, given: Option<&'a Json>) -> Option<Json> {
        let value = match (given, &field.default) {
            (Some(value), _) => self.value(&field.ty, value),
            (None, Some(default)) if self.checking_a_default => return Some(default.clone()),
            (None, Some(default)) => {
                // It is valid and written out in full: this finds the secrets in it, and asks its checks.
                let encoding = std::mem::replace(&mut self.encoding, Encoding::Json);
                let value = self.value(&field.ty, default);
                self.encoding = encoding;
                value
            }
            (None, None) if field.optional => return None,
            (None, None) => {
                self.wrong("required", "is required");
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
            self.wrong("duplicate", "stands there more than once");
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
            // A name that stands once in a query makes a list of one.
            Json::String(_) if self.encoding == Encoding::Text => std::slice::from_ref(value),
            _ => {
                self.wrong("type", "must be a list");
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
            let item = self.at(Step::Element(at), |walk| {
                let before = walk.wrong;
                let item = walk.value(&rules.item, item);
                if rules.unique && walk.wrong == before && !seen.insert(canonical(&item)) {
                    walk.wrong("duplicate", "stands in the list twice");
                }
                item
            });
            taken.push(item);
        }
        Json::Array(taken)
    }

    fn map(&mut self, rules: &'a MapRules, value: &'a Json) -> Json {
        let Json::Object(given) = value else {
            self.wrong("type", "must be an object");
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
            let value = self.at(Step::Foreign(name), |walk| walk.value(&rules.item, value));
            taken.insert(name.clone(), value);
        }
        Json::Object(taken)
    }

    /// Whether there are few enough to look at each.
    fn count(&mut self, count: usize, min: Option<u64>, max: Option<u64>, what: &str) -> bool {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if let Some(least) = min.filter(|least| count < *least) {
            self.wrong("too_few", format!("must have at least {least} {what}"));
        }
        if let Some(most) = max.filter(|most| count > *most) {
            self.wrong("too_many", format!("must have at most {most} {what}"));
            return false;
        }
        true
    }

    fn union(&mut self, members: &'a [InputType], value: &'a Json) -> Json {
        // Types and values stay where they are while the walk lasts.
        let key = (members.as_ptr().addr(), std::ptr::from_ref(value).addr());
        // A value that nothing stands in is tried again as fast as it is looked up.
        let remembered = self.trial.is_some() && (value.is_array() || value.is_object());
        let tried = if remembered { self.tried.get(&key).copied() } else { None };
        let candidates = match tried {
            Some(None) => &[],
            Some(Some(member)) => members.get(member..=member).unwrap_or_default(),
            None => members,
        };
        let before = self.wrong;
        let secrets = self.masks.last().map_or(0, |mask| mask.parts.len());
        for (at, member) in candidates.iter().enumerate() {
            let around = self.trial.replace(before);
            let taken = self.value(member, value);
            self.trial = around;
            if self.wrong == before {
                if remembered && tried.is_none() {
                    self.tried.insert(key, Some(at));
                }
                return taken;
            }
            self.wrong = before;
            if let Some(mask) = self.masks.last_mut() {
                mask.parts.truncate(secrets);
            }
        }
        if remembered {
            self.tried.insert(key, None);
        }
        self.wrong("union", "fits none of the types that it may have");
        Json::Null
    }

    fn tagged(&mut self, union: &'a TaggedUnion, value: &'a Json) -> Json {
        let Json::Object(given) = value else {
            self.wrong("type", "must be an object");
            return Json::Null;
        };
        let tag = given.get(&union.tag);
        let case = tag.and_then(Json::as_str).and_then(|tag| union.cases.iter().find(|case| case.name == tag));
        let shapes = self.shapes;
        match (tag, case.map(|case| &case.ty)) {
            (Some(_), Some(InputType::Record(shape))) => self.object(shape, value, Some(&union.tag)),
            (Some(_), Some(InputType::Shape(shape))) => self.object(&shapes[*shape], value, Some(&union.tag)),
            (None, _) => {
                self.at(Step::Field(&union.tag), |walk| walk.wrong("required", "is required"));
                Json::Null
            }
            (Some(_), _) => {
                let names: Vec<&str> = union.cases.iter().map(|case| case.name.as_str()).collect();
                let message = format!("must be one of {}", names.join(", "));
                self.at(Step::Field(&union.tag), |walk| walk.wrong("one_of", message));
                Json::Null
            }
        }
    }
}
