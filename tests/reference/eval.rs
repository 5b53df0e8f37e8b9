//! Values of expressions, in Kleene's logic.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use portcullis::facts::Record;
use portcullis::syntax::tree::{Attribute, Expression, ExpressionKind, Literal, Operator, Text};

use crate::caller::Caller;
use crate::operators::{apply, equal};
use crate::policy::Reference;
use crate::scene::Scene;
use crate::value::{Declared, Fact, Truths, Value, read_attribute};

/// All that an expression may read.
#[derive(Clone, Copy)]
pub(crate) struct View<'v> {
    pub(crate) policy: &'v Reference,
    pub(crate) user: Option<&'v Caller>,
    /// The claims, in a mapping.
    pub(crate) claims: Option<&'v BTreeMap<String, Fact>>,
    pub(crate) context: Option<&'v Record>,
    pub(crate) thing: Option<Thing<'v>>,
    pub(crate) client: Option<IpAddr>,
    pub(crate) now: Timestamp,
    /// Method and path, at a door.
    pub(crate) request: Option<(&'v str, &'v str)>,
    pub(crate) params: Option<&'v BTreeMap<String, Value>>,
    pub(crate) query: Input<'v>,
    pub(crate) body: Input<'v>,
}

/// A query or a body.
#[derive(Clone, Copy)]
pub(crate) enum Input<'v> {
    /// The route takes none.
    None,
    /// It hasn't been read yet.
    ToCome,
    /// Validated. A field that isn't there is an optional one.
    Read(&'v BTreeMap<String, Value>),
}

/// The resource of the permission that a rule is asked about.
#[derive(Clone, Copy)]
pub(crate) struct Thing<'v> {
    pub(crate) attributes: &'v [Attribute],
    pub(crate) id: Option<&'v str>,
    /// The host's record of it, if it exists.
    pub(crate) record: Option<&'v Record>,
}

impl<'v> View<'v> {
    /// A view without a caller and without a resource.
    pub(crate) fn of_nothing(policy: &'v Reference, scene: &'v Scene) -> Self {
        Self {
            policy,
            user: None,
            claims: None,
            context: scene.context.as_ref(),
            thing: None,
            client: scene.ip,
            now: scene.now(),
            request: None,
            params: None,
            query: Input::None,
            body: Input::None,
        }
    }

    /// A condition: true, false or unknown, and several of them while there is input to come.
    pub(crate) fn truths(&self, expression: &Expression) -> Truths {
        self.fact(expression).as_truths()
    }

    pub(crate) fn fact(&self, expression: &Expression) -> Fact {
        match &expression.kind {
            ExpressionKind::Literal(literal) => Fact::Is(constant(literal)),
            ExpressionKind::Path(names) => self.path(names),
            ExpressionKind::Call(names, arguments) => self.call(names, arguments),
            ExpressionKind::List(items) => {
                let facts = items.iter().map(|item| self.fact(item)).collect();
                all_there(facts, Value::List)
            }
            ExpressionKind::Record(fields) => {
                let names = fields.iter().map(|(name, _)| name.node.clone());
                let facts = fields.iter().map(|(_, field)| self.fact(field)).collect();
                all_there(facts, |values| Value::Record(names.zip(values).collect()))
            }
            ExpressionKind::Not(inner) => {
                Fact::truths(self.truths(inner).into_iter().map(|truth| truth.map(|truth| !truth)).collect())
            }
            ExpressionKind::All(operands) => self.chain(operands, false),
            ExpressionKind::Any(operands) => self.chain(operands, true),
            ExpressionKind::Coalesce(operands) => {
                let mut facts = operands.iter().map(|operand| self.fact(operand));
                facts.find(|fact| !matches!(fact, Fact::Absent)).unwrap_or(Fact::Absent)
            }
            ExpressionKind::Binary(left, operator, right) => self.binary(left, *operator, right),
            ExpressionKind::Is(_, role) => Fact::truth(Some(self.policy.is(self.user, &role.node))),
            ExpressionKind::Matches(text, regex) => match self.fact(text) {
                Fact::Is(Value::Text(text)) => {
                    Fact::truth(Some(regex::Regex::new(&regex.node).unwrap().is_match(&text)))
                }
                Fact::Pending(_) => Fact::pending(),
                _ => Fact::Unknown,
            },
        }
    }

    /// `or` where one `decisive` operand is `true`, `and` where it is `false`.
    fn chain(&self, operands: &[Expression], decisive: bool) -> Fact {
        let mut all = BTreeSet::from([Some(!decisive)]);
        for operand in operands {
            let next = self.truths(operand);
            let pairs = all.iter().flat_map(|a| next.iter().map(move |b| [*a, *b]));
            all = pairs
                .map(|pair| match pair {
                    pair if pair.contains(&Some(decisive)) => Some(decisive),
                    pair if pair.contains(&None) => None,
                    _ => Some(!decisive),
                })
                .collect();
        }
        Fact::truths(all)
    }

    fn binary(&self, left: &Expression, operator: Operator, right: &Expression) -> Fact {
        let with_null = is_null(left) || is_null(right);
        match (self.fact(left), self.fact(right)) {
            (Fact::Unknown, _) | (_, Fact::Unknown) => Fact::Unknown,
            (Fact::Pending(_), _) | (_, Fact::Pending(_)) => Fact::pending(),
            (Fact::Absent, _) | (_, Fact::Absent) if with_null => match operator {
                Operator::Equal => Fact::truth(Some(true)),
                Operator::NotEqual => Fact::truth(Some(false)),
                _ => Fact::Unknown,
            },
            (Fact::Is(left), Fact::Is(right)) if with_null => match operator {
                Operator::Equal => Fact::truth(equal(&left, &right)),
                Operator::NotEqual => Fact::truth(equal(&left, &right).map(|same| !same)),
                _ => Fact::Unknown,
            },
            (Fact::Is(left), Fact::Is(right)) => apply(&left, operator, &right).map_or(Fact::Unknown, Fact::Is),
            // Behind a guard that doesn't hold: whatever this is, it doesn't count.
            (Fact::Absent, _) | (_, Fact::Absent) => Fact::Unknown,
        }
    }

    fn call(&self, names: &[Text], arguments: &[Expression]) -> Fact {
        let name: Vec<&str> = names.iter().map(|name| name.node.as_str()).collect();
        match (name.as_slice(), &arguments[0].kind) {
            (["has"], ExpressionKind::Path(path)) if path.len() == 1 && path[0].node == "user" => {
                Fact::truth(Some(self.user.is_some()))
            }
            (["has"], _) => match self.fact(&arguments[0]) {
                Fact::Is(_) => Fact::truth(Some(true)),
                Fact::Absent => Fact::truth(Some(false)),
                Fact::Unknown => Fact::Unknown,
                Fact::Pending(_) => Fact::pending(),
            },
            _ => panic!("the reference doesn't know the function {name:?}"),
        }
    }

    fn path(&self, names: &[Text]) -> Fact {
        let names: Vec<&str> = names.iter().map(|name| name.node.as_str()).collect();
        match names.as_slice() {
            ["now"] => Fact::Is(Value::Time(self.now)),
            ["client", "ip"] => self.client.map_or(Fact::Unknown, |address| Fact::Is(Value::Ip(address))),
            ["user", name, fields @ ..] => inside(self.user_attribute(name), fields),
            ["context", name, fields @ ..] => {
                let fact = match self.context {
                    Some(record) => read_attribute(record, name, &self.policy.context[*name]),
                    None => Fact::Unknown,
                };
                inside(fact, fields)
            }
            ["resource", name, fields @ ..] => inside(self.resource_attribute(name), fields),
            ["params", name] => match self.params.and_then(|params| params.get(*name)) {
                Some(value) => Fact::Is(value.clone()),
                None => Fact::Unknown,
            },
            ["claims", name] => self.claims.unwrap()[*name].clone(),
            ["query", name] => input(self.query, name),
            ["body", name] => input(self.body, name),
            ["request", part] => match (self.request, *part) {
                (Some((method, _)), "method") => Fact::text(method),
                (Some((_, path)), "path") => Fact::text(path),
                _ => Fact::Unknown,
            },
            [condition] => match self.policy.condition(condition) {
                Some(expression) => self.fact(expression),
                None => panic!("there is no condition {condition}"),
            },
            _ => panic!("the reference doesn't know the name {names:?}"),
        }
    }

    fn user_attribute(&self, name: &str) -> Fact {
        let Some(user) = self.user else { return Fact::Absent };
        let list =
            |texts: &Vec<String>| Fact::Is(Value::List(texts.iter().map(|text| Value::Text(text.clone())).collect()));
        match name {
            "id" => Fact::text(&user.id),
            "tier" => user.tier.as_ref().map_or(Fact::Absent, |tier| Fact::text(tier)),
            "scopes" => user.scopes.as_ref().map_or(Fact::Absent, list),
            // No token made whoever the host vouches for.
            "token" => user.token.as_ref().map_or(Fact::Unknown, |token| Fact::text(token)),
            _ => user.attributes[name].clone(),
        }
    }

    /// An attribute that this kind of thing doesn't declare is absent; a record that wasn't supplied is unknown.
    fn resource_attribute(&self, name: &str) -> Fact {
        let Some(thing) = self.thing else { return Fact::Absent };
        if name == "id" {
            return thing.id.map_or(Fact::Unknown, Fact::text);
        }
        let Some(attribute) = thing.attributes.iter().find(|attribute| attribute.name.node == name) else {
            return Fact::Absent;
        };
        let declared = Declared { ty: attribute.ty.kind.clone(), optional: attribute.optional };
        thing.record.map_or(Fact::Unknown, |record| read_attribute(record, name, &declared))
    }
}

fn input(input: Input<'_>, name: &str) -> Fact {
    match input {
        Input::None => Fact::Unknown,
        Input::ToCome => Fact::pending(),
        Input::Read(fields) => fields.get(name).map_or(Fact::Absent, |value| Fact::Is(value.clone())),
    }
}

/// Several values as one, where all are there.
fn all_there(facts: Vec<Fact>, make: impl FnOnce(Vec<Value>) -> Value) -> Fact {
    let mut values = Vec::new();
    let mut pending = false;
    for fact in facts {
        match fact {
            Fact::Is(value) => values.push(value),
            Fact::Absent | Fact::Unknown => return Fact::Unknown,
            Fact::Pending(_) => pending = true,
        }
    }
    if pending { Fact::pending() } else { Fact::Is(make(values)) }
}

/// The field of a field of a record. Whether it may be absent, its type says; the checker has seen to it.
fn inside(fact: Fact, fields: &[&str]) -> Fact {
    match (fields, fact) {
        ([], fact) => fact,
        ([name, rest @ ..], Fact::Is(Value::Record(record))) => {
            inside(record.get(*name).map_or(Fact::Absent, |value| Fact::Is(value.clone())), rest)
        }
        (_, Fact::Absent) => Fact::Absent,
        _ => Fact::Unknown,
    }
}

fn is_null(expression: &Expression) -> bool {
    matches!(expression.kind, ExpressionKind::Literal(Literal::Null))
}

fn constant(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Float(value) => Value::Float(*value),
        Literal::String(text) => Value::Text(text.clone()),
        Literal::Duration(milliseconds) => Value::Duration(i128::from(*milliseconds) * 1_000_000),
        Literal::Size(bytes) => Value::Int(i64::try_from(*bytes).unwrap()),
        Literal::Timestamp(time) => Value::Time(*time),
        Literal::Ip(address) => Value::Ip(*address),
        Literal::Network(network) => Value::Network(*network),
    }
}
