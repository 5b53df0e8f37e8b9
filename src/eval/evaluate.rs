//! Expressions against what is known. Total: what can't be said is *unknown*; what waits for the body is *pending*.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use foldhash::fast::FixedState;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::collections::table::Id;
use crate::eval::attributes::Attributes;
use crate::eval::identity::Identity;
use crate::eval::operators::{add, compare, subtract};
use crate::eval::reads::{name_of, read};
use crate::eval::value_ref::ValueRef;
use crate::model::truth::Truths;
use crate::model::value::{Known, Value};
use crate::protocol::facts::Record;
use crate::protocol::params::Params;
use crate::typed::schemas::Shape;
use crate::typed::{Attribute, Condition, Expr, Read, Resource, Route, TypedPolicy};

/// What is known around an expression.
#[derive(Clone, Copy)]
pub(crate) struct EvalContext<'a> {
    pub(crate) policy: &'a TypedPolicy,
    /// A token's declared claims.
    pub(crate) claims: &'a [Known<Value>],
    /// The caller, if there is one.
    pub(crate) user: Option<&'a Identity<'a>>,
    /// The client's address, if it is known.
    pub(crate) client: Option<IpAddr>,
    pub(crate) now: Option<Timestamp>,
    pub(crate) context: Option<Attributes<'a>>,
    /// The account that a token is issued for.
    pub(crate) account: Option<Attributes<'a>>,
    pub(crate) call: Option<RequestRef<'a>>,
    pub(crate) query: InputState<'a>,
    pub(crate) body: InputState<'a>,
    /// The fields beside a schema's `check`, as declared and as given.
    pub(crate) siblings: Option<(&'a [Attribute], &'a Record)>,
    /// Lists and records that were read before.
    pub(crate) cache: Option<&'a Cache>,
    /// Takes note of facts that expressions read and nobody supplied.
    pub(crate) missing: Option<&'a dyn MissingFacts>,
}

/// Takes note of facts that are read and that nobody supplied, so that the host can be asked for them.
pub(crate) trait MissingFacts {
    /// The attributes of `context` are missing.
    fn context(&self);
    /// The attributes of a resource are missing.
    fn resource(&self, kind: &str, id: &str);
}

/// Lists and records, which take time to make of JSON, and which a thousand rules may read.
#[derive(Default)]
pub(crate) struct Cache {
    /// By what is read, and of which resource.
    values: RefCell<HashMap<Place, Known<Value>, FixedState>>,
}

type Place = (Option<Id<Resource>>, Read);

impl Cache {
    /// What was made before, or is made now, of what a rule reads of a resource or of something else.
    pub(crate) fn or_make(
        &self,
        resource: Option<Id<Resource>>,
        read: &Read,
        make: impl FnOnce() -> Known<Value>,
    ) -> Known<Value> {
        let key = (resource, read.clone());
        if let Some(known) = self.values.borrow().get(&key) {
            return known.clone();
        }
        let made = make();
        self.values.borrow_mut().insert(key, made.clone());
        made
    }
}

/// What an expression can read.
pub(crate) struct Environment<'a> {
    pub(crate) context: &'a EvalContext<'a>,
    pub(crate) thing: ResourceRef<'a>,
    /// The outcomes of conditions that name conditions, each of which may be asked for many times.
    outcomes: RefCell<HashMap<Id<Condition>, Truths, FixedState>>,
}

/// What is asked about.
#[derive(Clone, Copy)]
pub(crate) enum ResourceRef<'a> {
    /// Nothing: a door without a permission.
    None,
    /// A thing of a kind. `None` where nobody said which one, or nothing is known of it.
    Of { resource: Id<Resource>, id: Option<&'a str>, attributes: Option<Attributes<'a>> },
}

/// The request itself.
#[derive(Clone, Copy)]
pub(crate) struct RequestRef<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) authority: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) route: &'a Route,
    pub(crate) params: &'a Params<'a, 'a>,
}

/// Input that a schema describes.
#[derive(Clone, Copy)]
pub(crate) enum InputState<'a> {
    /// There is none, or it was never read.
    Unknown,
    /// It will be looked at later.
    Pending,
    /// Validated.
    Json(Id<Shape>, &'a Json),
}

/// Something that is known only when the input is.
pub(crate) struct Pending;

pub(crate) type Evaluated<'a> = Result<Known<ValueRef<'a>>, Pending>;

impl<'a> EvalContext<'a> {
    /// Where nothing can be read but what is set afterwards.
    pub(crate) fn empty(policy: &'a TypedPolicy) -> Self {
        Self {
            policy,
            claims: &[],
            user: None,
            client: None,
            now: None,
            context: None,
            account: None,
            call: None,
            query: InputState::Unknown,
            body: InputState::Unknown,
            siblings: None,
            cache: None,
            missing: None,
        }
    }

    pub(crate) fn on(&'a self, thing: ResourceRef<'a>) -> Environment<'a> {
        Environment { context: self, thing, outcomes: RefCell::default() }
    }
}

/// The value of an expression; what is pending is unknown so far.
pub(crate) fn evaluate<'a>(expr: &'a Expr, environment: &Environment<'a>) -> Known<ValueRef<'a>> {
    value(expr, environment).unwrap_or(Known::Unknown)
}

/// The first operand that isn't absent, and which one it was.
pub(crate) fn coalesce<'a>(operands: &'a [Expr], environment: &Environment<'a>) -> (usize, Known<ValueRef<'a>>) {
    first(operands, environment).unwrap_or((operands.len(), Known::Unknown))
}

fn first<'a>(operands: &'a [Expr], environment: &Environment<'a>) -> Result<(usize, Known<ValueRef<'a>>), Pending> {
    for (branch, operand) in operands.iter().enumerate() {
        match value(operand, environment)? {
            Known::Absent => {}
            known => return Ok((branch, known)),
        }
    }
    Ok((operands.len(), Known::Absent))
}

/// What a condition comes to. One outcome, unless something is pending.
pub(crate) fn truth<'a>(expr: &'a Expr, environment: &Environment<'a>) -> Truths {
    match expr {
        Expr::Not(inner) => truth(inner, environment).not(),
        Expr::All(parts) => {
            let mut all = Truths::TRUE;
            for part in parts {
                all = all.and(truth(part, environment));
                if all == Truths::FALSE {
                    break;
                }
            }
            all
        }
        Expr::Any(parts) => {
            let mut any = Truths::FALSE;
            for part in parts {
                any = any.or(truth(part, environment));
                if any == Truths::TRUE {
                    break;
                }
            }
            any
        }
        Expr::Condition(id) => condition(*id, environment),
        Expr::HasUser => Truths::of(environment.context.user.is_some()),
        Expr::Is(role) => {
            let policy = environment.context.policy;
            Truths::of(environment.context.user.is_some_and(|user| policy.in_role(&user.roles, *role)))
        }
        Expr::Has(of) => test(value(of, environment), |known| match known {
            Known::Value(_) => Some(true),
            Known::Absent => Some(false),
            Known::Unknown => None,
        }),
        Expr::IsNull(of) => test(value(of, environment), |known| match known {
            Known::Value(value) => Some(matches!(value, ValueRef::Null)),
            Known::Absent => Some(true),
            Known::Unknown => None,
        }),
        Expr::Compare(comparison, left, right) => match (value(left, environment), value(right, environment)) {
            (Ok(Known::Value(left)), Ok(Known::Value(right))) => {
                compare(*comparison, &left, &right).map_or(Truths::UNKNOWN, Truths::of)
            }
            // Whatever is known of one side, the other makes it unknown.
            (Ok(_), Ok(_)) => Truths::UNKNOWN,
            (Ok(Known::Absent | Known::Unknown), Err(Pending)) | (Err(Pending), Ok(Known::Absent | Known::Unknown)) => {
                Truths::UNKNOWN
            }
            _ => Truths::ANY,
        },
        Expr::Matches(of, regex) => test(value(of, environment), |known| match known {
            Known::Value(ValueRef::Text(text)) => Some(regex.0.is_match(&text)),
            _ => None,
        }),
        Expr::Constant(_)
        | Expr::Read(_)
        | Expr::Field(..)
        | Expr::List(_)
        | Expr::Record(_)
        | Expr::Coalesce(_)
        | Expr::Add(..)
        | Expr::Subtract(..) => test(value(expr, environment), |known| match known {
            Known::Value(ValueRef::Bool(value)) => Some(value),
            _ => None,
        }),
    }
}

fn test<'a>(seen: Evaluated<'a>, test: impl FnOnce(Known<ValueRef<'a>>) -> Option<bool>) -> Truths {
    match seen {
        Ok(known) => test(known).map_or(Truths::UNKNOWN, Truths::of),
        Err(Pending) => Truths::ANY,
    }
}

fn condition<'a>(id: Id<Condition>, environment: &Environment<'a>) -> Truths {
    let condition = &environment.context.policy.conditions[id];
    if !condition.compound {
        return truth(&condition.expr, environment);
    }
    if let Some(known) = environment.outcomes.borrow().get(&id) {
        return *known;
    }
    let outcome = truth(&condition.expr, environment);
    environment.outcomes.borrow_mut().insert(id, outcome);
    outcome
}

fn value<'a>(expr: &'a Expr, environment: &Environment<'a>) -> Evaluated<'a> {
    let both = |left: &'a Expr, right: &'a Expr, operate: fn(&ValueRef<'a>, &ValueRef<'a>) -> Option<ValueRef<'a>>| {
        match (value(left, environment), value(right, environment)) {
            (Ok(Known::Value(left)), Ok(Known::Value(right))) => {
                Ok(operate(&left, &right).map_or(Known::Unknown, Known::Value))
            }
            // What is unknown on one side makes a sum unknown, whatever the other will be.
            (Ok(Known::Absent | Known::Unknown), _) | (_, Ok(Known::Absent | Known::Unknown)) => Ok(Known::Unknown),
            _ => Err(Pending),
        }
    };
    match expr {
        Expr::Constant(value) => Ok(Known::Value(ValueRef::of(value))),
        Expr::Read(what) => read(what, environment),
        Expr::Field(of, name) => Ok(match value(of, environment)? {
            Known::Value(ValueRef::Record(Cow::Borrowed(fields))) => {
                let field = fields.iter().find(|(known, _)| known == name);
                field.map_or(Known::Absent, |(_, value)| Known::Value(ValueRef::of(value)))
            }
            Known::Value(ValueRef::Record(Cow::Owned(fields))) => {
                let field = fields.into_iter().find(|(known, _)| known == name);
                field.map_or(Known::Absent, |(_, value)| Known::Value(ValueRef::owned(value)))
            }
            Known::Absent => Known::Absent,
            Known::Value(_) | Known::Unknown => Known::Unknown,
        }),
        Expr::List(items) => {
            let items = all(items.iter(), environment)?;
            Ok(items.map_or(Known::Unknown, |items| {
                Known::Value(ValueRef::owned(Value::List(items.into_iter().map(ValueRef::into_value).collect())))
            }))
        }
        Expr::Record(fields) => {
            let values = all(fields.iter().map(|(_, value)| value), environment)?;
            let names = fields.iter().map(|(name, _)| name.clone());
            Ok(values.map_or(Known::Unknown, |values| {
                let values = values.into_iter().map(ValueRef::into_value);
                Known::Value(ValueRef::owned(Value::record(names.zip(values).collect())))
            }))
        }
        Expr::Coalesce(operands) => Ok(first(operands, environment)?.1),
        Expr::Add(left, right) => both(left, right, add),
        Expr::Subtract(left, right) => both(left, right, subtract),
        Expr::HasUser
        | Expr::Has(_)
        | Expr::IsNull(_)
        | Expr::Is(_)
        | Expr::Compare(..)
        | Expr::Matches(..)
        | Expr::Not(_)
        | Expr::All(_)
        | Expr::Any(_)
        | Expr::Condition(_) => match truth(expr, environment) {
            Truths::TRUE => Ok(Known::Value(ValueRef::Bool(true))),
            Truths::FALSE => Ok(Known::Value(ValueRef::Bool(false))),
            Truths::UNKNOWN => Ok(Known::Unknown),
            _ => Err(Pending),
        },
    }
}

/// Values that must all be there.
fn all<'a>(
    exprs: impl Iterator<Item = &'a Expr>,
    environment: &Environment<'a>,
) -> Result<Option<Vec<ValueRef<'a>>>, Pending> {
    let mut values = Vec::new();
    let (mut sound, mut pending) = (true, false);
    for expr in exprs {
        match value(expr, environment) {
            Ok(Known::Value(value)) => values.push(value),
            Ok(Known::Absent | Known::Unknown) => sound = false,
            Err(Pending) => pending = true,
        }
    }
    match (sound, pending) {
        (false, _) => Ok(None),
        (true, true) => Err(Pending),
        (true, false) => Ok(Some(values)),
    }
}

/// The names of what a condition reads and nobody knows, so that whoever looks up facts sees what is missing.
#[derive(Default)]
pub(crate) struct Unknowns {
    pub(crate) names: Vec<String>,
    seen: HashSet<Id<Condition>>,
}

impl Unknowns {
    pub(crate) fn collect<'a>(&mut self, expr: &'a Expr, environment: &Environment<'a>) {
        const MOST: usize = 5;
        expr.any(&mut |part| {
            match part {
                Expr::Read(what) if matches!(read(what, environment), Ok(Known::Unknown)) => {
                    let name = name_of(what, environment.context.policy);
                    if !self.names.contains(&name) {
                        self.names.push(name);
                    }
                }
                Expr::Condition(id) if self.seen.insert(*id) => {
                    self.collect(&environment.context.policy.conditions[*id].expr, environment);
                }
                _ => {}
            }
            self.names.len() >= MOST
        });
    }
}
