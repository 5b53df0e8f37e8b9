//! Expressions that the checker accepts: of a type that is asked for, with every optional behind a guard.

use super::types::Ty;
use crate::choices::Choices;

/// A name that an expression may read.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) path: String,
    pub(crate) ty: Ty,
    pub(crate) optional: bool,
    /// True if it is optional only because the caller may be anonymous.
    pub(crate) callers: bool,
}

/// A condition by name, and where it may be used.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// True if it reads the caller for anonymous callers, false if for others; `None` if it doesn't read the caller.
    pub(crate) anonymous: Option<bool>,
    /// The resource that it reads.
    pub(crate) resource: Option<String>,
    /// The optional that a guard around it must have seen.
    pub(crate) guard: Option<String>,
}

/// The place of an expression, with the attributes that it may read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) variables: Vec<Variable>,
    pub(crate) roles: Vec<String>,
    /// True if the caller may be anonymous.
    pub(crate) anonymous: bool,
    pub(crate) conditions: Vec<Named>,
}

impl Place {
    fn present(&self) -> Vec<&Variable> {
        self.variables.iter().filter(|variable| !variable.optional).collect()
    }

    fn of_type(&self, ty: Ty) -> Vec<&Variable> {
        self.variables.iter().filter(|variable| variable.ty == ty).collect()
    }

    fn knowing(&self, path: &str) -> Self {
        let mut place = self.clone();
        for variable in &mut place.variables {
            variable.optional &= variable.path != path;
        }
        place
    }

    /// Behind `has(user)`.
    fn with_caller(&self) -> Self {
        let mut place = self.clone();
        for variable in &mut place.variables {
            variable.optional &= !variable.callers;
        }
        place
    }
}

/// A condition.
pub(crate) fn boolean(choices: &mut Choices<'_>, place: &Place, depth: usize) -> String {
    let deeper = if depth == 0 { 0 } else { 6 };
    match choices.below(8 + deeper) {
        0..=3 => comparison(choices, place),
        4 => guarded(choices, place, depth),
        5 => presence(choices, place),
        6 => role(choices, place),
        7 => condition(choices, place),
        8 => format!("not {}", bracketed(&boolean(choices, place, depth - 1))),
        9 | 10 => joined(choices, place, depth, "and"),
        11 | 12 => joined(choices, place, depth, "or"),
        _ => guarded(choices, place, depth),
    }
}

fn joined(choices: &mut Choices<'_>, place: &Place, depth: usize, operator: &str) -> String {
    let operands = 2 + choices.below(2);
    let operands: Vec<String> = (0..operands).map(|_| bracketed(&boolean(choices, place, depth - 1))).collect();
    operands.join(&format!(" {operator} "))
}

fn bracketed(expression: &str) -> String {
    if expression.contains(' ') { format!("({expression})") } else { expression.to_owned() }
}

/// An optional behind each kind of guard, on either side.
fn guarded(choices: &mut Choices<'_>, place: &Place, depth: usize) -> String {
    let callers: Vec<Variable> =
        place.with_caller().variables.into_iter().filter(|it| it.callers && !it.optional).collect();
    if place.anonymous && !callers.is_empty() && choices.chance(30) {
        let place = place.with_caller();
        let variable = choices.one(&callers);
        let test = bracketed(&test(choices, &place, variable));
        return (*choices.one(&[
            format!("has(user) and {test}"),
            format!("{test} and has(user)"),
            format!("not has(user) or {test}"),
        ]))
        .clone();
    }
    let optional: Vec<&Variable> =
        place.variables.iter().filter(|variable| variable.optional && variable.ty != Ty::Nullable).collect();
    if optional.is_empty() {
        return comparison(choices, place);
    }
    let variable = *choices.one(&optional);
    let inner = place.knowing(&variable.path);
    let present = Variable { optional: false, ..variable.clone() };
    let inside = match choices.below(3) {
        0 | 1 => test(choices, &inner, &present),
        _ => {
            let test = test(choices, &inner, &present);
            format!("{} and {}", bracketed(&boolean(choices, &inner, depth.saturating_sub(1))), bracketed(&test))
        }
    };
    let path = &variable.path;
    let (guard, operator) = match choices.below(4) {
        0 => (format!("has({path})"), "and"),
        1 => (format!("{path} != null"), "and"),
        2 => (format!("not has({path})"), "or"),
        _ => (format!("{path} == null"), "or"),
    };
    let inside = bracketed(&inside);
    if choices.chance(30) { format!("{inside} {operator} {guard}") } else { format!("{guard} {operator} {inside}") }
}

fn presence(choices: &mut Choices<'_>, place: &Place) -> String {
    if place.anonymous && choices.chance(30) {
        return "has(user)".to_owned();
    }
    let optional: Vec<&Variable> =
        place.variables.iter().filter(|variable| variable.optional && variable.ty != Ty::Nullable).collect();
    if optional.is_empty() {
        return comparison(choices, place);
    }
    let path = &choices.one(&optional).path;
    match choices.below(3) {
        0 => format!("has({path})"),
        1 => format!("{path} == null"),
        _ => format!("null != {path}"),
    }
}

fn role(choices: &mut Choices<'_>, place: &Place) -> String {
    match place.roles.is_empty() {
        true => comparison(choices, place),
        false => format!("user is {}", choices.one(&place.roles)),
    }
}

fn condition(choices: &mut Choices<'_>, place: &Place) -> String {
    let usable = |named: &&Named| match &named.guard {
        // Where the optional isn't in scope, or nothing needs to guard it, the guard would be an error of its own.
        Some(guard) => place.variables.iter().any(|variable| variable.path == *guard && variable.optional),
        None => true,
    };
    let usable: Vec<&Named> = place.conditions.iter().filter(usable).collect();
    if usable.is_empty() {
        return comparison(choices, place);
    }
    let named = *choices.one(&usable);
    match &named.guard {
        Some(guard) => format!("has({guard}) and {}", named.name),
        None => named.name.clone(),
    }
}

/// A comparison that reads something.
pub(crate) fn comparison(choices: &mut Choices<'_>, place: &Place) -> String {
    let present = place.present();
    let variable = (*choices.one(&present)).clone();
    test(choices, place, &variable)
}

/// A test of a variable that is there.
pub(crate) fn test(choices: &mut Choices<'_>, place: &Place, variable: &Variable) -> String {
    let path = variable.path.as_str();
    let ty = variable.ty;
    match ty {
        Ty::Bool => match choices.below(3) {
            0 => path.to_owned(),
            1 => format!("not {path}"),
            _ => format!("{path} == {}", value(choices, place, ty)),
        },
        Ty::Text => match choices.below(8) {
            0..=2 => format!("{path} {} {}", choices.one(&["==", "!="]), value(choices, place, ty)),
            3 => format!("{path} in {}", value(choices, place, Ty::Texts)),
            4 => format!("{path} matches /{}/", choices.one(&["^u[0-9]$", "red", "[/]", "^$"])),
            5 => format!("({path} + {}) == {}", value(choices, place, ty), value(choices, place, ty)),
            _ => {
                let operator = *choices.one(&["starts_with", "ends_with", "contains"]);
                format!("{path} {operator} {}", value(choices, place, ty))
            }
        },
        Ty::Status | Ty::Tier => match choices.below(2) {
            0 => format!("{path} {} {}", choices.one(&["==", "!="]), value(choices, place, ty)),
            _ => format!("{path} in [{}, {}]", ty.literal(choices), ty.literal(choices)),
        },
        Ty::Int | Ty::Float | Ty::Time | Ty::Duration => {
            let operator = *choices.one(&["==", "!=", "<", "<=", ">", ">="]);
            let left = match (ty, choices.below(4)) {
                (Ty::Int, 3) => format!("{path} {} {}", choices.one(&["+", "-"]), value(choices, place, Ty::Int)),
                (Ty::Time | Ty::Duration, 3) => {
                    format!("{path} {} {}", choices.one(&["+", "-"]), value(choices, place, Ty::Duration))
                }
                (Ty::Time, 2) => {
                    let since = value(choices, place, Ty::Time);
                    return format!("{path} - {since} {operator} {}", value(choices, place, Ty::Duration));
                }
                _ => path.to_owned(),
            };
            format!("{left} {operator} {}", value(choices, place, ty))
        }
        Ty::Ip => match choices.below(3) {
            0 => format!("{path} in {}", value(choices, place, Ty::Network)),
            1 => format!("{path} in {}", value(choices, place, Ty::Networks)),
            _ => format!("{path} {} {}", choices.one(&["==", "!="]), value(choices, place, ty)),
        },
        Ty::Network => match choices.below(2) {
            0 => format!("{} in {path}", value(choices, place, Ty::Ip)),
            _ => format!("{path} == {}", value(choices, place, ty)),
        },
        Ty::Networks => format!("{} in {path}", value(choices, place, Ty::Ip)),
        Ty::Texts | Ty::Ints => match choices.below(4) {
            0 | 1 => format!("{path} contains {}", value(choices, place, item(ty))),
            2 => format!("{path} {} {}", choices.one(&["contains_all", "intersects"]), value(choices, place, ty)),
            _ => format!("{} in {path}", value(choices, place, item(ty))),
        },
        Ty::Point => match choices.below(3) {
            0 => format!("{path}.x {} {}", choices.one(&["<", "==", ">="]), value(choices, place, Ty::Int)),
            1 => format!("{path}.tag != {}", value(choices, place, Ty::Text)),
            _ => format!("{path} == {}", value(choices, place, ty)),
        },
        Ty::Nullable => match choices.below(4) {
            0 => format!("{path} == null"),
            1 => format!("{path} != null"),
            2 => format!("{path} != null and {path} == {}", value(choices, place, Ty::Text)),
            _ => format!("{path} == null or {path} starts_with {}", value(choices, place, Ty::Text)),
        },
    }
}

fn item(list: Ty) -> Ty {
    if list == Ty::Ints { Ty::Int } else { Ty::Text }
}

/// An expression of a type: a literal, a variable, an optional with a default, or a list or record of them.
fn value(choices: &mut Choices<'_>, place: &Place, ty: Ty) -> String {
    let variables = place.of_type(ty);
    match choices.below(6) {
        2 | 3 if !variables.is_empty() => {
            let variable = (*choices.one(&variables)).clone();
            match variable.optional {
                true => format!("({} ?? {})", variable.path, ty.literal(choices)),
                false => variable.path,
            }
        }
        4 if ty == Ty::Texts => format!("[{}, {}]", value(choices, place, Ty::Text), Ty::Text.literal(choices)),
        4 if ty == Ty::Point => {
            format!("{{ x: {}, tag: {} }}", value(choices, place, Ty::Int), value(choices, place, Ty::Text))
        }
        5 if ty == Ty::Int => format!("({} + {})", value(choices, place, ty), value(choices, place, ty)),
        _ => ty.literal(choices),
    }
}
