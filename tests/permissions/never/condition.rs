//! The attributes and conditions of small policies: as text, and as values by Kleene's tables.

use std::collections::BTreeSet;

use super::small::{Dice, ROLES, Request, Small};

/// An attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Var {
    UserId,
    UserFlag,
    UserKind,
    UserLevel,
    Owner,
    Status,
    Deputy,
    Editors,
    Readers,
    Level,
    Rank,
    Mfa,
    Risk,
}

pub(crate) const VARS: [Var; 13] = [
    Var::UserId,
    Var::UserFlag,
    Var::UserKind,
    Var::UserLevel,
    Var::Owner,
    Var::Status,
    Var::Deputy,
    Var::Editors,
    Var::Readers,
    Var::Level,
    Var::Rank,
    Var::Mfa,
    Var::Risk,
];

/// An attribute's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Datum {
    Absent,
    Null,
    Bool(bool),
    Int(i64),
    Text(&'static str),
    Texts(Vec<&'static str>),
}

impl Var {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::UserId => "user.id",
            Self::UserFlag => "user.flag",
            Self::UserKind => "user.kind",
            Self::UserLevel => "user.level",
            Self::Owner => "resource.owner",
            Self::Status => "resource.status",
            Self::Deputy => "resource.deputy",
            Self::Editors => "resource.editors",
            Self::Readers => "resource.readers",
            Self::Level => "resource.level",
            Self::Rank => "resource.rank",
            Self::Mfa => "context.mfa",
            Self::Risk => "context.risk",
        }
    }

    pub(crate) fn of_user(self) -> bool {
        self <= Self::UserLevel
    }

    /// One value at least of each kind that constants and other values tell apart: of texts, the constant and one more for
    /// each place before.
    pub(crate) fn values(self) -> Vec<Datum> {
        let texts = |count: usize| ["k", "k2", "f1", "f2", "f3"][..count].iter().map(|text| Datum::Text(text));
        let kinds = ["a", "b", "c"].map(Datum::Text);
        // At the ends, sums overflow.
        let numbers = (-4..=7).chain([i64::MAX, i64::MIN]).map(Datum::Int);
        let lists = || {
            (0..32).map(|set| {
                let held = ["k", "k2", "f1", "f2", "f3"].into_iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
                Datum::Texts(held.map(|(_, text)| text).collect())
            })
        };
        match self {
            Self::UserId => texts(3).collect(),
            Self::Owner => texts(4).collect(),
            Self::Deputy => texts(5).chain([Datum::Absent]).collect(),
            Self::Status => kinds.into(),
            Self::UserKind => kinds.into_iter().chain([Datum::Absent]).collect(),
            Self::UserFlag | Self::Mfa => vec![Datum::Bool(false), Datum::Bool(true)],
            Self::UserLevel | Self::Level => numbers.collect(),
            Self::Rank => [2, 3, 4].map(Datum::Int).into_iter().chain([Datum::Null]).collect(),
            Self::Risk => [-1, 0, 2, 3, 4].map(Datum::Int).into_iter().chain([Datum::Absent]).collect(),
            Self::Editors | Self::Readers => lists().collect(),
        }
    }
}

/// A condition.
#[derive(Debug, Clone)]
pub(crate) enum Cond {
    Flag(Var),
    Is(usize),
    HasUser,
    Has(Var),
    IsNull(Var),
    SameText(Var, &'static str),
    /// `x in ["k", "k2"]`
    Among(Var),
    Same(Var, Var),
    /// `x < c`, `x == c`
    Below(Var, i64),
    Equal(Var, i64),
    /// `x ?? d < c`
    BelowOr(Var, i64, i64),
    /// `x + c < y`, `x + c == y`
    Apart(Var, i64, Var),
    Exactly(Var, i64, Var),
    Holds(Var, Var),
    HoldsText(Var, &'static str),
    Meets(Var, Var),
    HoldsAll(Var, Var),
    Not(Box<Cond>),
    All(Vec<Cond>),
    Any(Vec<Cond>),
}

/// A condition over few of these.
pub(crate) fn condition(dice: &mut Dice, vars: &[Var], anyone: bool, depth: usize) -> Cond {
    if depth > 0 && dice.chance(55) {
        let parts = (0..2 + dice.below(2)).map(|_| condition(dice, vars, anyone, depth - 1)).collect();
        let joined = if dice.chance(50) { Cond::All(parts) } else { Cond::Any(parts) };
        return if dice.chance(15) { Cond::Not(Box::new(joined)) } else { joined };
    }
    let test = test(dice, vars);
    let mut read = BTreeSet::new();
    test.read(&mut read);
    let guarded = match read.iter().find(|var| matches!(var, Var::UserKind | Var::Deputy)) {
        Some(var) if !matches!(test, Cond::Has(_)) => Cond::All(vec![Cond::Has(*var), test]),
        _ => test,
    };
    let guarded = if read.contains(&Var::Risk) && matches!(guarded, Cond::Below(..) | Cond::Equal(..)) {
        Cond::All(vec![Cond::Has(Var::Risk), guarded])
    } else {
        guarded
    };
    let guarded = if read.contains(&Var::Rank) && !matches!(guarded, Cond::IsNull(_)) {
        Cond::All(vec![Cond::Not(Box::new(Cond::IsNull(Var::Rank))), guarded])
    } else {
        guarded
    };
    let by_user = read.iter().any(|var| var.of_user());
    let guarded = if by_user && anyone { Cond::All(vec![Cond::HasUser, guarded]) } else { guarded };
    if dice.chance(25) { Cond::Not(Box::new(guarded)) } else { guarded }
}

fn test(dice: &mut Dice, vars: &[Var]) -> Cond {
    if dice.chance(12) {
        return Cond::Is(dice.below(ROLES));
    }
    let var = dice.one(vars);
    let other = dice.one(vars);
    let number = [0, 3][dice.below(2)];
    match var {
        Var::UserFlag | Var::Mfa => Cond::Flag(var),
        Var::UserKind if dice.chance(30) => Cond::Has(var),
        Var::UserKind if other == Var::Status => Cond::Same(var, other),
        Var::UserKind | Var::Status => Cond::SameText(var, dice.one(&["a", "b"])),
        Var::Deputy if dice.chance(30) => Cond::Has(var),
        Var::UserId | Var::Owner | Var::Deputy => match other {
            Var::Editors | Var::Readers => Cond::Holds(other, var),
            Var::UserId | Var::Owner | Var::Deputy if other != var => Cond::Same(var, other),
            _ if dice.chance(40) => Cond::Among(var),
            _ => Cond::SameText(var, dice.one(&["k", "k2"])),
        },
        Var::Editors | Var::Readers => match other {
            Var::UserId | Var::Owner | Var::Deputy => Cond::Holds(var, other),
            Var::Editors | Var::Readers if other != var => {
                if dice.chance(50) {
                    Cond::Meets(var, other)
                } else {
                    Cond::HoldsAll(var, other)
                }
            }
            _ => Cond::HoldsText(var, "k"),
        },
        Var::UserLevel | Var::Level => match other {
            Var::UserLevel | Var::Level if other != var => {
                let by = i64::try_from(dice.below(3)).unwrap() - 1;
                if dice.chance(60) { Cond::Apart(var, by, other) } else { Cond::Exactly(var, by, other) }
            }
            _ if dice.chance(60) => Cond::Below(var, number),
            _ => Cond::Equal(var, number),
        },
        Var::Rank if dice.chance(30) => Cond::IsNull(var),
        Var::Rank => {
            if dice.chance(50) {
                Cond::Below(var, 3)
            } else {
                Cond::Equal(var, 3)
            }
        }
        Var::Risk if dice.chance(20) => Cond::Has(var),
        Var::Risk if dice.chance(50) => Cond::BelowOr(var, [0, 3][dice.below(2)], number),
        Var::Risk => {
            if dice.chance(50) {
                Cond::Below(var, number)
            } else {
                Cond::Equal(var, number)
            }
        }
    }
}

impl Cond {
    pub(crate) fn read(&self, out: &mut BTreeSet<Var>) {
        match self {
            Self::Is(_) | Self::HasUser => {}
            Self::Flag(var)
            | Self::Has(var)
            | Self::IsNull(var)
            | Self::SameText(var, _)
            | Self::Among(var)
            | Self::Below(var, _)
            | Self::Equal(var, _)
            | Self::BelowOr(var, ..)
            | Self::HoldsText(var, _) => drop(out.insert(*var)),
            Self::Same(one, other)
            | Self::Apart(one, _, other)
            | Self::Exactly(one, _, other)
            | Self::Holds(one, other)
            | Self::Meets(one, other)
            | Self::HoldsAll(one, other) => out.extend([*one, *other]),
            Self::Not(inner) => inner.read(out),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.read(out)),
        }
    }

    pub(crate) fn text(&self) -> String {
        let joined = |parts: &[Self], by: &str| {
            parts.iter().map(|part| format!("({})", part.text())).collect::<Vec<_>>().join(by)
        };
        let plus =
            |by: i64| if by == 0 { String::new() } else { format!(" {} {}", if by < 0 { "-" } else { "+" }, by.abs()) };
        match self {
            Self::Flag(var) => var.path().to_owned(),
            Self::Is(role) => format!("user is r{role}"),
            Self::HasUser => "has(user)".to_owned(),
            Self::Has(var) => format!("has({})", var.path()),
            Self::IsNull(var) => format!("{} == null", var.path()),
            Self::SameText(var, text) => format!("{} == \"{text}\"", var.path()),
            Self::Among(var) => format!("{} in [\"k\", \"k2\"]", var.path()),
            Self::Same(one, other) => format!("{} == {}", one.path(), other.path()),
            Self::Below(var, number) => format!("{} < {number}", var.path()),
            Self::Equal(var, number) => format!("{} == {number}", var.path()),
            Self::BelowOr(var, default, number) => format!("({} ?? {default}) < {number}", var.path()),
            Self::Apart(one, by, other) => format!("{}{} < {}", one.path(), plus(*by), other.path()),
            Self::Exactly(one, by, other) => format!("{}{} == {}", one.path(), plus(*by), other.path()),
            Self::Holds(list, var) => format!("{} contains {}", list.path(), var.path()),
            Self::HoldsText(list, text) => format!("{} contains \"{text}\"", list.path()),
            Self::Meets(one, other) => format!("{} intersects {}", one.path(), other.path()),
            Self::HoldsAll(one, other) => format!("{} contains_all {}", one.path(), other.path()),
            Self::Not(inner) => format!("not ({})", inner.text()),
            Self::All(parts) => joined(parts, " and "),
            Self::Any(parts) => joined(parts, " or "),
        }
    }

    /// The value by Kleene's tables.
    pub(crate) fn truth(&self, policy: &Small, request: &Request) -> Option<bool> {
        let of = |var: &Var| &request.values[*var as usize];
        let int = |var: &Var| if let Datum::Int(value) = of(var) { Some(*value) } else { None };
        let text = |var: &Var| if let Datum::Text(value) = of(var) { Some(*value) } else { None };
        let list = |var: &Var| if let Datum::Texts(values) = of(var) { Some(values) } else { None };
        match self {
            Self::Flag(var) => {
                if let Datum::Bool(value) = of(var) {
                    Some(*value)
                } else {
                    None
                }
            }
            Self::Is(role) => Some(request.roles.is_some() && policy.holds_role(request, *role)),
            Self::HasUser => Some(request.roles.is_some()),
            Self::Has(var) => Some(*of(var) != Datum::Absent),
            Self::IsNull(var) => Some(matches!(of(var), Datum::Null | Datum::Absent)),
            Self::SameText(var, with) => Some(text(var)? == *with),
            Self::Among(var) => Some(["k", "k2"].contains(&text(var)?)),
            Self::Same(one, other) => Some(text(one)? == text(other)?),
            Self::Below(var, number) => Some(int(var)? < *number),
            Self::Equal(var, number) => {
                if *of(var) == Datum::Null {
                    Some(false)
                } else {
                    Some(int(var)? == *number)
                }
            }
            Self::BelowOr(var, default, number) => Some(int(var).unwrap_or(*default) < *number),
            Self::Apart(one, by, other) => Some(int(one)?.checked_add(*by)? < int(other)?),
            Self::Exactly(one, by, other) => Some(int(one)?.checked_add(*by)? == int(other)?),
            Self::Holds(whole, var) => Some(list(whole)?.contains(&text(var)?)),
            Self::HoldsText(whole, part) => Some(list(whole)?.contains(part)),
            Self::Meets(one, other) => {
                let other = list(other)?;
                Some(list(one)?.iter().any(|text| other.contains(text)))
            }
            Self::HoldsAll(one, other) => {
                let one = list(one)?;
                Some(list(other)?.iter().all(|text| one.contains(text)))
            }
            Self::Not(inner) => inner.truth(policy, request).map(|truth| !truth),
            Self::All(parts) => joined(parts, false, |part| part.truth(policy, request)),
            Self::Any(parts) => joined(parts, true, |part| part.truth(policy, request)),
        }
    }
}

/// The deciding value if a part has it; else unknown if a part is unknown.
fn joined(parts: &[Cond], decisive: bool, truth: impl Fn(&Cond) -> Option<bool>) -> Option<bool> {
    let mut joined = Some(!decisive);
    for part in parts {
        match truth(part) {
            Some(truth) if truth == decisive => return Some(decisive),
            Some(_) => {}
            None => joined = None,
        }
    }
    joined
}
