//! Small policies, and every request that they can tell apart: a second reading of what they mean, over trees of their own.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

/// Numbers that decide what is made.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.roll() % count as u64).unwrap()
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// What can be read.
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

/// What stands there.
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

    fn of_user(self) -> bool {
        self <= Self::UserLevel
    }

    /// One value at least of each kind that constants and other values tell apart: of texts, the constant and one more for
    /// each place before.
    pub(crate) fn values(self) -> Vec<Datum> {
        let texts = |count: usize| ["k", "f1", "f2", "f3"][..count].iter().map(|text| Datum::Text(text));
        let kinds = ["a", "b", "c"].map(Datum::Text);
        // At the ends, sums overflow.
        let numbers = (-4..=7).chain([i64::MAX, i64::MIN]).map(Datum::Int);
        let lists = || {
            (0..16).map(|set| {
                let held = ["k", "f1", "f2", "f3"].into_iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
                Datum::Texts(held.map(|(_, text)| text).collect())
            })
        };
        match self {
            Self::UserId => texts(2).collect(),
            Self::Owner => texts(3).collect(),
            Self::Deputy => texts(4).chain([Datum::Absent]).collect(),
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

/// A whole request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The roles that they came with; `None` for nobody.
    pub(crate) roles: Option<Vec<usize>>,
    /// Of the two scopes, where there are some.
    pub(crate) scopes: Option<Vec<usize>>,
    pub(crate) values: Vec<Datum>,
}

/// A small policy.
#[derive(Debug)]
pub(crate) struct Small {
    /// The roles that each extends.
    extends: Vec<Vec<usize>>,
    scoped: bool,
    /// Whether it speaks of a door, and under which condition that opens.
    door: Option<Option<Cond>>,
    grants: Vec<(To, Option<Cond>)>,
    forbids: Vec<Cond>,
    /// Invariants, and whether they are written with `unless`.
    pub(crate) nevers: Vec<(Cond, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Anyone,
    Callers,
    Role(usize),
    Scope(usize),
}

const ROLES: usize = 4;
const SCOPES: usize = 2;
/// So many invariants a policy.
pub(crate) const NEVERS: usize = 5;

impl Small {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let extends = (0..ROLES).map(|role| (0..role).filter(|_| dice.chance(35)).collect()).collect();
        let anyone = dice.chance(25);
        let scoped = dice.chance(25);
        // Few of them, so that they meet.
        let count = 2 + dice.below(3);
        let vars: Vec<Var> = (0..count).map(|_| dice.one(&VARS)).collect();
        let condition = |dice: &mut Dice, depth| condition(dice, &vars, anyone, depth);
        let mut grants = Vec::new();
        for _ in 0..=dice.below(3) {
            let to = match dice.below(10) {
                0 | 1 if anyone => To::Anyone,
                2 | 3 => To::Callers,
                _ => To::Role(dice.below(ROLES)),
            };
            let when = dice.chance(75).then(|| condition(dice, 1));
            grants.push((to, when));
        }
        if scoped {
            for scope in 0..SCOPES {
                if dice.chance(70) {
                    let when = dice.chance(40).then(|| condition(dice, 0));
                    grants.push((To::Scope(scope), when));
                }
            }
        }
        if anyone && !grants.iter().any(|(to, _)| *to == To::Anyone) {
            let when = condition(dice, 1);
            grants.push((To::Anyone, Some(when)));
        }
        let mut forbids: Vec<Cond> = (0..dice.below(3)).map(|_| condition(dice, 1)).collect();
        let nevers: Vec<(Cond, bool)> = (0..NEVERS).map(|_| (condition(dice, 2), dice.chance(30))).collect();
        // Guard rails that were meant to keep them, some of them with a gap.
        for (never, unless) in &nevers {
            let never = if *unless { Cond::Not(Box::new(never.clone())) } else { never.clone() };
            match dice.below(18) {
                0 | 1 => forbids.push(never),
                2 => forbids.push(Cond::Any(vec![condition(dice, 0), never])),
                3 => forbids.push(Cond::All(vec![condition(dice, 0), never])),
                4 => grants.iter_mut().for_each(|(_, when)| {
                    let parts = when.take().into_iter().chain([Cond::Not(Box::new(never.clone()))]);
                    *when = Some(Cond::All(parts.collect()));
                }),
                _ => {}
            }
        }
        let door = dice.chance(35).then(|| dice.chance(50).then(|| condition(dice, 1)));
        Self { extends, scoped, door, grants, forbids, nevers }
    }

    /// The policy, and where its invariants begin.
    pub(crate) fn text(&self) -> (String, Vec<usize>) {
        let read = self.read_vars();
        let declared = |vars: &[(Var, &str)]| {
            let vars = vars.iter().filter(|(var, _)| read.contains(var));
            vars.map(|(_, text)| *text).collect::<Vec<_>>().join("  ")
        };
        let claims = [
            (Var::UserFlag, "flag: bool"),
            (Var::UserKind, "kind?: \"a\" | \"b\" | \"c\""),
            (Var::UserLevel, "level: int"),
        ];
        let mapped = [
            (Var::UserFlag, "flag = claims.flag"),
            (Var::UserKind, "kind = claims.kind"),
            (Var::UserLevel, "level = claims.level"),
        ];
        let attributes = [
            (Var::Owner, "owner: string"),
            (Var::Status, "status: \"a\" | \"b\" | \"c\""),
            (Var::Deputy, "deputy?: string"),
            (Var::Editors, "editors: [string]"),
            (Var::Readers, "readers: [string]"),
            (Var::Level, "level: int"),
            (Var::Rank, "rank: int | null"),
        ];
        let context = [(Var::Mfa, "mfa: bool"), (Var::Risk, "risk?: int")];
        let mut out = format!(
            "policy p\nsecret KEY\ntoken t {{ algorithm HS256  key KEY  claims {{ sub: string  {} }} }}\n\
             user from t {{ id = claims.sub  {} }}\nresource things {{ actions act  closed: bool  {} }}\n",
            declared(&claims),
            declared(&mapped),
            declared(&attributes),
        );
        if context.iter().any(|(var, _)| read.contains(var)) {
            writeln!(out, "context {{ {} }}", declared(&context)).unwrap();
        }
        let when =
            |when: &Option<Cond>| when.as_ref().map_or_else(String::new, |cond| format!(" when {}", cond.text()));
        for (role, extends) in self.extends.iter().enumerate() {
            let names: Vec<String> = extends.iter().map(|role| format!("r{role}")).collect();
            let extends = if names.is_empty() { String::new() } else { format!("extends {} ", names.join(", ")) };
            writeln!(out, "role r{role} {extends}{{").unwrap();
            for (_, condition) in self.grants.iter().filter(|(to, _)| *to == To::Role(role)) {
                writeln!(out, "  allow things:act{}", when(condition)).unwrap();
            }
            out.push_str("}\n");
        }
        for scope in 0..if self.scoped { SCOPES } else { 0 } {
            writeln!(out, "scope \"s{scope}\" {{").unwrap();
            for (_, condition) in self.grants.iter().filter(|(to, _)| *to == To::Scope(scope)) {
                writeln!(out, "  allow things:act{}", when(condition)).unwrap();
            }
            out.push_str("}\n");
        }
        for (to, condition) in &self.grants {
            match to {
                To::Anyone => writeln!(out, "allow anyone things:act{}", when(condition)).unwrap(),
                To::Callers => writeln!(out, "allow things:act{}", when(condition)).unwrap(),
                To::Role(_) | To::Scope(_) => {}
            }
        }
        for condition in &self.forbids {
            writeln!(out, "forbid things:act when {}", condition.text()).unwrap();
        }
        if let Some(condition) = &self.door {
            writeln!(out, "routes / {{ GET /things/{{id}} requires things:act on things(id){} }}", when(condition))
                .unwrap();
        }
        let subject = if self.door.is_some() { "GET /things/{id}" } else { "things:act" };
        // Some rule has to read the thing that a route names; this one is in nobody's way.
        out.push_str("forbid things:act when resource.closed\n");
        let mut starts = Vec::new();
        for (never, unless) in &self.nevers {
            starts.push(out.len());
            let word = if *unless { "unless" } else { "when" };
            writeln!(out, "never {subject} {word} {}", never.text()).unwrap();
        }
        (out, starts)
    }

    fn conditions(&self) -> impl Iterator<Item = &Cond> {
        self.grants
            .iter()
            .filter_map(|(_, when)| when.as_ref())
            .chain(&self.forbids)
            .chain(self.nevers.iter().map(|(never, _)| never))
            .chain(self.door.iter().flatten())
    }

    fn read_vars(&self) -> BTreeSet<Var> {
        let mut read = BTreeSet::new();
        self.conditions().for_each(|condition| condition.read(&mut read));
        read
    }

    /// Of each invariant the first of all requests that break it, as far as the policy can tell requests apart; `None`
    /// where they are too many to look.
    pub(crate) fn broken(&self) -> Option<Vec<Option<Request>>> {
        const MOST: usize = 1_000;
        let read = self.read_vars();
        let values = VARS.map(|var| if read.contains(&var) { var.values() } else { var.values()[..1].to_vec() });
        if values.iter().map(Vec::len).product::<usize>() > MOST {
            return None;
        }
        // What a caller comes with is closed; the ways to write that down aren't told apart.
        let is_closed =
            |held: &Vec<usize>| held.iter().all(|role| self.extends[*role].iter().all(|parent| held.contains(parent)));
        let sets = (0..1 << ROLES).map(|set| (0..ROLES).filter(|role| set >> role & 1 == 1).collect());
        let roles: Vec<Option<Vec<usize>>> = [None].into_iter().chain(sets.filter(is_closed).map(Some)).collect();
        let scopes: &[Option<Vec<usize>>] = match self.scoped {
            false => &[None],
            true => &[None, Some(vec![]), Some(vec![0]), Some(vec![1]), Some(vec![0, 1])],
        };
        let mut broken = vec![None; self.nevers.len()];
        let mut request = Request { roles: None, scopes: None, values: vec![Datum::Absent; VARS.len()] };
        for roles in &roles {
            for scopes in scopes.iter().filter(|scopes| roles.is_some() || scopes.is_none()) {
                request.roles.clone_from(roles);
                request.scopes.clone_from(scopes);
                self.look(&mut request, &values, 0, &mut broken);
            }
        }
        Some(broken)
    }

    fn look(
        &self,
        request: &mut Request,
        values: &[Vec<Datum>; VARS.len()],
        from: usize,
        broken: &mut [Option<Request>],
    ) {
        let Some(var) = VARS.get(from) else {
            let unbroken = |(row, broken): (usize, &Option<Request>)| broken.is_none().then_some(row);
            let open: Vec<usize> = broken.iter().enumerate().filter_map(unbroken).collect();
            for row in open.into_iter().filter(|row| self.is_broken_by(*row, request)) {
                broken[row] = Some(request.clone());
            }
            return;
        };
        if request.roles.is_none() && var.of_user() {
            request.values[from] = Datum::Absent;
            return self.look(request, values, from + 1, broken);
        }
        for value in &values[from] {
            request.values[from].clone_from(value);
            self.look(request, values, from + 1, broken);
        }
    }

    /// Whether the request is granted what an invariant says it never should be.
    pub(crate) fn is_broken_by(&self, row: usize, request: &Request) -> bool {
        let (never, unless) = &self.nevers[row];
        never.truth(self, request) == Some(!unless) && self.grants(request)
    }

    fn grants(&self, request: &Request) -> bool {
        let holds = |test: &dyn Fn(To) -> bool| {
            self.grants
                .iter()
                .any(|(to, when)| test(*to) && when.as_ref().is_none_or(|when| when.truth(self, request) == Some(true)))
        };
        let by_caller = request.roles.is_some()
            && holds(&|to| match to {
                To::Callers => true,
                To::Role(role) => self.holds_role(request, role),
                To::Anyone | To::Scope(_) => false,
            })
            && request.scopes.as_ref().is_none_or(|scopes| {
                holds(&|to| if let To::Scope(scope) = to { scopes.contains(&scope) } else { false })
            });
        let forbidden = self.forbids.iter().any(|forbid| forbid.truth(self, request) != Some(false));
        let open = self.door.iter().flatten().all(|when| when.truth(self, request) == Some(true));
        (by_caller || holds(&|to| to == To::Anyone)) && !forbidden && open
    }

    fn holds_role(&self, request: &Request, role: usize) -> bool {
        let mut open = request.roles.clone().unwrap_or_default();
        while let Some(held) = open.pop() {
            if held == role {
                return true;
            }
            open.extend(&self.extends[held]);
        }
        false
    }

    /// The request of a document, as far as it says one; panics where it is none that can be.
    pub(crate) fn read(&self, document: &Value) -> Request {
        let user = document.get("user").map(|user| user.as_object().unwrap());
        let numbers = |value: &Value, prefix: &str| -> Vec<usize> {
            let names =
                value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().strip_prefix(prefix).unwrap());
            names.map(|number| number.parse().unwrap()).collect()
        };
        let roles = user.map(|user| user.get("roles").map_or_else(Vec::new, |roles| numbers(roles, "r")));
        let scopes = user.and_then(|user| user.get("scopes")).map(|scopes| numbers(scopes, "s"));
        let value = |var: Var| {
            let (part, name) = var.path().split_once('.').unwrap();
            if part == "user" && user.is_none() {
                return Datum::Absent;
            }
            let part = match part {
                "context" if self.door.is_some() => document.pointer("/facts/context"),
                "resource" if self.door.is_some() => document.pointer("/facts/resources/things~1x1"),
                part => document.get(part),
            };
            let text = |text: &str| -> &'static str { String::leak(text.to_owned()) };
            match part.and_then(|part| part.get(name)) {
                None if matches!(var, Var::UserKind | Var::Deputy | Var::Risk) => Datum::Absent,
                // Whatever it is, it is granted.
                None => var.values().pop().unwrap(),
                Some(Value::Null) => {
                    assert_eq!(var, Var::Rank);
                    Datum::Null
                }
                Some(Value::Bool(value)) => Datum::Bool(*value),
                Some(Value::Number(number)) => Datum::Int(number.as_i64().unwrap()),
                Some(Value::String(value)) => {
                    let is_kind = matches!(var, Var::UserKind | Var::Status);
                    assert!(!is_kind || ["a", "b", "c"].contains(&value.as_str()), "{var:?} can't be {value}");
                    Datum::Text(text(value))
                }
                Some(Value::Array(items)) => {
                    Datum::Texts(items.iter().map(|item| text(item.as_str().unwrap())).collect())
                }
                Some(other) => panic!("{var:?} can't be {other}"),
            }
        };
        Request { roles, scopes, values: VARS.map(value).to_vec() }
    }
}

/// A condition over few of these.
fn condition(dice: &mut Dice, vars: &[Var], anyone: bool, depth: usize) -> Cond {
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
            _ => Cond::SameText(var, "k"),
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
    fn read(&self, out: &mut BTreeSet<Var>) {
        match self {
            Self::Is(_) | Self::HasUser => {}
            Self::Flag(var)
            | Self::Has(var)
            | Self::IsNull(var)
            | Self::SameText(var, _)
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

    fn text(&self) -> String {
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

    /// By Kleene's tables.
    fn truth(&self, policy: &Small, request: &Request) -> Option<bool> {
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
            Self::All(parts) => parts.iter().fold(Some(true), |all, part| {
                if all == Some(false) {
                    return all;
                }
                match (all, part.truth(policy, request)) {
                    (_, Some(false)) => Some(false),
                    (Some(true), truth) => truth,
                    _ => None,
                }
            }),
            Self::Any(parts) => parts.iter().fold(Some(false), |any, part| {
                if any == Some(true) {
                    return any;
                }
                match (any, part.truth(policy, request)) {
                    (_, Some(true)) => Some(true),
                    (Some(false), truth) => truth,
                    _ => None,
                }
            }),
        }
    }
}
