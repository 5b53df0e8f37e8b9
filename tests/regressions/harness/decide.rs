//! Checks of any request to the gate of `policies/article.gate`.
//!
//! An input is written much like a request: a line with method and target, then lines until an empty one, then the
//! body. A line `name: value` is a header; a line that begins with `@` is a directive:
//!
//! ```text
//! POST https://api.example.com/api/posts
//! @peer 203.0.113.9
//! @bearer JWT_SECRET HS256 {"role":"user"}
//! @flip 3 1
//! @csrf s1 60
//! cookie: session-id=s1
//! content-type: application/json
//!
//! {"title":"Hello","text":"World"}
//! ```
//!
//! Unreadable lines are skipped. Tokens are signed here: no change to an input makes a token that verifies, so that an
//! allowed request without one is a finding.

use std::collections::HashMap;
use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use portcullis::decision::Effect;
use portcullis::limit::BucketState;
use portcullis::request::Scheme;
use portcullis::{Decision, Gate, Keys, Policy, Source, User, Verdict};
use serde_json::{Map, Value, json};

use super::exchange::{self, Call, ENTROPY, body_input, caller, effects, now, put_bucket, status, verdict};

const POLICY: &str = include_str!("../../../policies/article.gate");
const SECRETS: [(&str, &str); 3] = [
    ("JWT_SECRET", "jwt:4fK0wZr8mVq2Ls7Yc9Tn1Xb6Hd3Gp5Je"),
    ("REFRESH_SECRET", "ref:Qa8Uv2Rk6Wm0Sx4Zi7Bo1Fy5Ct9Nl3Dh"),
    ("CSRF_SECRET", "csr:Eg7Pj3Mz9Kt5Vd1Lw6Ya2Hq8Ub4Xc0Rn"),
];

/// The roles that each route requires, written a second time. `None` requires any caller.
const GUARDED: &[(&str, &str, Option<&[&str]>)] = &[
    ("GET", "/api/users", Some(&["moderator", "admin"])),
    ("POST", "/api/users", Some(&["admin"])),
    ("DELETE", "/api/users/", Some(&["admin"])),
    ("GET", "/api/posts", Some(&["user", "moderator", "admin"])),
    ("POST", "/api/posts", Some(&["user", "moderator", "admin"])),
    ("PUT", "/api/posts/", Some(&["user", "moderator", "admin"])),
    ("DELETE", "/api/posts/", Some(&["moderator", "admin"])),
    ("GET", "/api/admin", Some(&["admin"])),
    ("GET", "/api/me", None),
];

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let policy = Policy::compile(&[Source::new("article.gate", POLICY)]).expect("the policy compiles");
    let keys = SECRETS.iter().fold(Keys::new(), |keys, (name, secret)| keys.with_secret(*name, *secret));
    policy.bind(&keys).expect("the ring is full")
});

/// The secrets in every encoding in which they could leak.
static LEAKS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let writings = |(_, secret): &(&str, &str)| {
        let bytes = secret.as_bytes();
        let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let numbers: Vec<String> = bytes.iter().map(ToString::to_string).collect();
        [(*secret).to_owned(), hex, numbers.join(", "), numbers.join(","), URL_SAFE_NO_PAD.encode(secret)]
    };
    SECRETS.iter().flat_map(writings).collect()
});

/// Panics if a check fails.
pub(crate) fn check(bytes: &[u8]) {
    let gate = &*GATE;
    let input = Input::read(gate, bytes);
    let request = input.call.request();
    let decision = gate.decide(&request);
    let again = gate.decide(&request);
    assert_eq!(decision, again, "decided twice, it came out differently");
    let document = exchange::document(&decision, gate.policy()).to_string();
    assert_eq!(document, exchange::document(&again, gate.policy()).to_string());

    // An input that contains a secret may get it back.
    let printed = format!("{decision:?}");
    for leak in LEAKS.iter().filter(|leak| !contains(bytes, leak.as_bytes())) {
        assert!(!contains(document.as_bytes(), leak.as_bytes()), "the decision document holds a secret");
        assert!(!contains(printed.as_bytes(), leak.as_bytes()), "the printed decision holds a secret");
    }

    assert!(exchange::header(&decision, "x-frame-options").is_some());
    let hsts = exchange::header(&decision, "strict-transport-security").is_some();
    assert!(
        hsts || input.call.scheme == Scheme::Http
            || input.call.target.get(..5).is_some_and(|s| s.eq_ignore_ascii_case("http:"))
    );
    for span in exchange::spans(&decision) {
        assert!(POLICY.get(span.start as usize..span.end as usize).is_some(), "{span:?}");
    }
    match verdict(&decision) {
        Verdict::Deny => {
            assert!(status(&decision) >= 400, "denied with {}", status(&decision));
            assert_eq!(decision.problem().map(|problem| problem.status.as_u16()), Some(status(&decision)));
            assert!(body_input(&decision).is_none(), "what wasn't validated is handed on");
        }
        Verdict::Answer => assert!((200..300).contains(&status(&decision))),
        Verdict::Allow => allowed(&input, &decision, &document),
    }
    if let Some(caller) = caller(&decision) {
        let vouched = input.call.user.is_some() && caller.token().is_none();
        let signed = input.authentic && caller.token() == Some("access");
        assert!(vouched || signed, "a caller out of nothing: {caller:?}");
    }
    forwards_to_itself(gate, &input, &decision);
}

/// Checks of an allowed request.
fn allowed(input: &Input, decision: &Decision<'_, '_>, document: &str) {
    assert_eq!(status(decision), 200);
    assert_eq!(decision.problem(), None);
    let target = exchange::target(decision).expect("what is handed on has a target");
    let path = target.split('?').next().unwrap_or_default();
    let method = if input.call.method == Method::HEAD { "GET" } else { input.call.method.as_str() };
    let guarded = GUARDED.iter().find(|(guarded, prefix, _)| {
        // One segment, which may be empty nowhere.
        let below = |rest: &str| prefix.ends_with('/') && !rest.is_empty() && !rest.contains('/');
        *guarded == method
            && (path == *prefix && !prefix.ends_with('/') || path.strip_prefix(prefix).is_some_and(below))
    });
    match guarded {
        Some((_, _, roles)) => {
            let caller = caller(decision).expect("a guarded door let nobody in");
            let grants = roles.is_none_or(|roles| caller.roles().iter().any(|role| roles.contains(&role.as_str())));
            assert!(grants, "{method} {path} let {:?} in", caller.roles());
        }
        None => assert_eq!((method, path), ("GET", "/api/health"), "a door that nobody has declared"),
    }
    let safe = matches!(input.call.method, Method::GET | Method::HEAD | Method::OPTIONS);
    assert!(safe || input.csrf, "an unsafe request without a CSRF token was handed on");

    let document: Value = serde_json::from_str(document).expect("a decision document is JSON");
    if let Some(password) = document.pointer("/input/body/password") {
        assert_eq!(password, "[secret]");
    }
    let limited = path != "/api/health";
    assert_eq!(effects(decision).len(), usize::from(limited), "{path} and its limit");
}

/// The canonical target is a fixed point: a request with it gets the same decision.
fn forwards_to_itself(gate: &Gate, input: &Input, decision: &Decision<'_, '_>) {
    // Escapes grow, so that the canonical target may be longer than the limit.
    let Some(target) = exchange::target(decision).filter(|target| target.len() < 8 * 1024) else { return };
    // Origins compare with the scheme and the authority of an absolute target.
    if !input.call.target.starts_with('/') {
        return;
    }
    let again = Call { target: target.to_owned(), ..input.call.clone() };
    let again = gate.decide(&again.request());
    assert_eq!(&again, decision, "{target} isn't what was decided");
}

/// Compares byte by byte: a fuzzer observes comparisons of slices, and would learn the secrets from them.
fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window.iter().eq(part))
}

/// A request, and its valid tokens.
struct Input {
    call: Call,
    /// True if a token was signed with the key of access tokens.
    authentic: bool,
    /// True if it has a CSRF token of the gate.
    csrf: bool,
}

impl Input {
    fn read(gate: &Gate, bytes: &[u8]) -> Self {
        let call = Call { peer: None, entropy: None, ..Call::new("GET /") };
        let mut input = Self { call, authentic: false, csrf: false };
        let mut rest = bytes;
        let mut token = None;
        if let Some(line) = take_line(&mut rest) {
            let line = String::from_utf8_lossy(line);
            let (method, target) = line.split_once(' ').unwrap_or(("GET", &line));
            input.call.method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
            input.call.target = target.to_owned();
        }
        while let Some(line) = take_line(&mut rest).filter(|line| !line.is_empty()) {
            match line.strip_prefix(b"@") {
                Some(line) => input.directive(gate, &String::from_utf8_lossy(line), &mut token),
                None => input.header(line),
            }
        }
        if !rest.is_empty()
            && let Some(body) = &mut input.call.body
        {
            body.extend(rest);
        }
        input.carry(token);
        input
    }

    fn header(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let Some((name, value)) = line.split_at_checked(colon) else { return };
        let value = value.strip_prefix(b":").unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            self.call.headers.append(name, value);
        }
    }

    fn directive(&mut self, gate: &Gate, line: &str, token: &mut Option<Token>) {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        match name {
            "peer" => self.call.peer = value.parse().ok(),
            "now" => self.call.now = after(now(), value.parse().unwrap_or(0)),
            "http" => self.call.scheme = Scheme::Http,
            "host" => self.call.host = Some(value.to_owned()),
            "unread" => self.call.body = None,
            "entropy" => self.call.entropy = Some(ENTROPY),
            "user" => {
                let named = || User { id: value.to_owned(), ..User::default() };
                self.call.user = Some(serde_json::from_str(value).unwrap_or_else(|_| named()));
            }
            "buckets" => {
                let buckets: HashMap<String, BucketState> = serde_json::from_str(value).unwrap_or_default();
                buckets.into_iter().for_each(|(id, state)| put_bucket(&mut self.call.facts, &id, state));
            }
            // Repeats the request, and stores its buckets each time.
            "earlier" => self.earlier(gate, value.parse().unwrap_or(0)),
            "bearer" | "refresh" => {
                self.carry(token.take());
                *token = Token::read(name == "refresh", value);
            }
            "flip" => {
                let mut numbers = value.split(' ').map(|number| number.parse().unwrap_or(0_usize));
                if let (Some(token), at, mask) = (token, numbers.next().unwrap_or(0), numbers.next().unwrap_or(1)) {
                    token.flip(at, u8::try_from(mask & 0x7f).unwrap_or(1));
                }
            }
            "csrf" => {
                let (session, age) = value.split_once(' ').unwrap_or((value, "0"));
                let issued =
                    after(self.call.now, age.parse::<i64>().unwrap_or(0).saturating_neg().saturating_mul(1_000_000));
                if let Some(made) = gate.csrf_token(session, issued, &ENTROPY)
                    && let Ok(value) = HeaderValue::from_str(&made.token)
                {
                    self.call.headers.append(HeaderName::from_static("x-csrf-token"), value);
                    self.csrf = true;
                }
            }
            _ => {}
        }
    }

    /// Puts a token into its carrier.
    fn carry(&mut self, token: Option<Token>) {
        let Some(token) = token else { return };
        if token.refresh {
            self.call.body =
                Some(json!({ "refreshToken": String::from_utf8_lossy(&token.text) }).to_string().into_bytes());
        } else if let Ok(value) = HeaderValue::from_bytes(&[b"Bearer ", token.text.as_slice()].concat()) {
            self.call.headers.append(header::AUTHORIZATION, value);
            self.authentic |= token.access && token.text == token.signed;
        }
    }

    /// Decides the request a number of times, and stores its buckets.
    fn earlier(&mut self, gate: &Gate, times: usize) {
        for _ in 0..times.min(16) {
            let decision = gate.decide(&self.call.request());
            let written: Vec<_> = effects(&decision)
                .iter()
                .filter_map(|effect| match effect {
                    Effect::Bucket { id, state, .. } => Some((id.clone(), state.clone())),
                    _ => None,
                })
                .collect();
            drop(decision);
            written.into_iter().for_each(|(id, state)| put_bucket(&mut self.call.facts, &id, state));
        }
    }
}

/// A signed token.
struct Token {
    refresh: bool,
    text: Vec<u8>,
    /// The text before any change.
    signed: Vec<u8>,
    /// True if it was signed with the key and the algorithm of access tokens.
    access: bool,
}

impl Token {
    /// Reads `KEY ALG CLAIMS`. Claims that are an object replace those of a valid token. Other text, and text after `=`, is
    /// signed unchanged.
    fn read(refresh: bool, line: &str) -> Option<Self> {
        let mut words = line.splitn(3, ' ');
        let (key, alg, claims) = (words.next()?, words.next()?, words.next().unwrap_or("{}"));
        let key = SECRETS.iter().find(|(name, _)| *name == key).map(|(_, secret)| *secret)?;
        let algorithm = match alg {
            "HS384" => hmac::HMAC_SHA384,
            "HS512" => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        let claims = match serde_json::from_str::<Map<String, Value>>(claims) {
            Ok(own) => {
                let mut claims = valid_claims();
                claims.extend(own);
                Value::Object(claims).to_string()
            }
            Err(_) => claims.strip_prefix('=').unwrap_or(claims).to_owned(),
        };
        let header = json!({ "alg": alg, "typ": "JWT" }).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let tag = hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), signed.as_bytes());
        let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)).into_bytes();
        let access = key == SECRETS[0].1 && alg == "HS256";
        Some(Self { refresh, signed: text.clone(), text, access })
    }

    /// Flips bits of a byte, counted from the end.
    fn flip(&mut self, at: usize, mask: u8) {
        let at = at % self.text.len().max(1);
        if let Some(byte) = self.text.iter_mut().rev().nth(at).filter(|_| mask != 0) {
            *byte ^= mask;
        }
    }
}

fn valid_claims() -> Map<String, Value> {
    let now = now().as_second();
    let claims = json!({
        "iss": "your-app-name", "aud": "your-app-api", "iat": now, "exp": now + 900,
        "userId": "u1", "email": "u1@example.com", "role": "user",
    });
    match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}

fn after(time: Timestamp, microseconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_micros(microseconds)).unwrap_or(Timestamp::MAX)
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (line, after) = rest.split_at(end);
    *rest = after.strip_prefix(b"\n").unwrap_or(after);
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}
