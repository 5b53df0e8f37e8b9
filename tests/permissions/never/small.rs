//! Small policies, and all requests that they can distinguish: a second implementation of their meaning.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use super::condition::{Cond, Datum, VARS, Var, condition};

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

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A whole request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The caller's roles; `None` for an anonymous caller.
    pub(crate) roles: Option<Vec<usize>>,
    /// The scopes, out of two; `None` without scopes.
    pub(crate) scopes: Option<Vec<usize>>,
    pub(crate) values: Vec<Datum>,
}

/// A small policy.
#[derive(Debug)]
pub(crate) struct Small {
    /// The roles that each extends.
    extends: Vec<Vec<usize>>,
    scoped: bool,
    /// The route, if the policy has one, and its condition.
    door: Option<Option<Cond>>,
    grants: Vec<(To, Option<Cond>)>,
    forbids: Vec<Cond>,
    /// The invariants. The flag is true for one with `unless`.
    pub(crate) nevers: Vec<(Cond, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Anyone,
    Callers,
    Role(usize),
    Scope(usize),
}

pub(crate) const ROLES: usize = 4;
const SCOPES: usize = 2;
/// The number of invariants in a policy.
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

    /// The first request that violates each invariant; `None` if there are too many requests to try.
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

    /// True if a request violates an invariant.
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

    pub(crate) fn holds_role(&self, request: &Request, role: usize) -> bool {
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
