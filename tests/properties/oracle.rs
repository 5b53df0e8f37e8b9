//! A second implementation of article.gate: slow, and made of tables. It doesn't use the library.

/// The access of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Public,
    Authenticated,
    Requires(&'static str),
}

/// The body of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    User,
    Post,
    RefreshToken,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) takes: Takes,
    pub(crate) limited: bool,
    pub(crate) csrf: bool,
}

const fn route(method: &'static str, path: &'static str, access: Access, takes: Takes) -> Route {
    Route { method, path, access, takes, limited: true, csrf: true }
}

pub(crate) const ROUTES: [Route; 12] = [
    route("GET", "/api/users", Access::Requires("users:read"), Takes::Nothing),
    route("POST", "/api/users", Access::Requires("users:write"), Takes::User),
    route("DELETE", "/api/users/7", Access::Requires("users:delete"), Takes::Nothing),
    route("GET", "/api/posts", Access::Requires("posts:read"), Takes::Nothing),
    route("POST", "/api/posts", Access::Requires("posts:write"), Takes::Post),
    route("PUT", "/api/posts/42", Access::Requires("posts:write"), Takes::Post),
    route("DELETE", "/api/posts/42", Access::Requires("posts:delete"), Takes::Nothing),
    route("GET", "/api/admin", Access::Requires("admin:access"), Takes::Nothing),
    route("GET", "/api/me", Access::Authenticated, Takes::Nothing),
    Route { limited: false, ..route("GET", "/api/health", Access::Public, Takes::Nothing) },
    route("GET", "/api/csrf", Access::Public, Takes::Nothing),
    Route { csrf: false, ..route("POST", "/api/auth/refresh", Access::Public, Takes::RefreshToken) },
];

pub(crate) const ROLES: [&str; 5] = ["user", "moderator", "admin", "wizard", ""];

fn grants(role: &str) -> &'static [&'static str] {
    match role {
        "user" => &["posts:read", "posts:write"],
        "moderator" => &["posts:read", "posts:write", "posts:delete", "users:read"],
        "admin" => {
            &["users:read", "users:write", "users:delete", "posts:read", "posts:write", "posts:delete", "admin:access"]
        }
        _ => &[],
    }
}

pub(crate) fn rate(tier: Option<&str>) -> u64 {
    match tier {
        Some("pro") => 1_000,
        Some("enterprise") => 10_000,
        _ => 100,
    }
}

/// The credential of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential {
    None,
    OtherScheme,
    Good,
    VouchedFor,
    Expired,
    NotYet,
    TooLongLived,
    WrongKey,
    WrongIssuer,
    WrongAudience,
    LacksClaim,
    Nonsense,
    NoToken,
    Twice,
}

impl Credential {
    pub(crate) const ALL: [Self; 14] = [
        Self::None,
        Self::OtherScheme,
        Self::Good,
        Self::VouchedFor,
        Self::Expired,
        Self::NotYet,
        Self::TooLongLived,
        Self::WrongKey,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::LacksClaim,
        Self::Nonsense,
        Self::NoToken,
        Self::Twice,
    ];

    pub(crate) fn holds(self) -> bool {
        matches!(self, Self::Good | Self::VouchedFor)
    }

    pub(crate) fn is_malformed(self) -> bool {
        matches!(self, Self::NoToken | Self::Twice)
    }
}

/// A request's tokens and headers for CSRF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Csrf {
    None,
    SessionAlone,
    TokenAlone,
    Good,
    GoodFromHere,
    GoodFromElsewhere,
    GoodOfForeignOrigin,
    OtherSession,
    Old,
    TwoSessions,
}

impl Csrf {
    pub(crate) const ALL: [Self; 10] = [
        Self::None,
        Self::SessionAlone,
        Self::TokenAlone,
        Self::Good,
        Self::GoodFromHere,
        Self::GoodFromElsewhere,
        Self::GoodOfForeignOrigin,
        Self::OtherSession,
        Self::Old,
        Self::TwoSessions,
    ];
}

/// The body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    None,
    User,
    WeakPassword,
    Post,
    UntypedPost,
    NotJson,
    KeyTwice,
    RefreshToken,
    OldRefreshToken,
    AccessToken,
    Empty,
}

impl Body {
    pub(crate) const ALL: [Self; 11] = [
        Self::None,
        Self::User,
        Self::WeakPassword,
        Self::Post,
        Self::UntypedPost,
        Self::NotJson,
        Self::KeyTwice,
        Self::RefreshToken,
        Self::OldRefreshToken,
        Self::AccessToken,
        Self::Empty,
    ];
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) route: Route,
    /// True if a `HEAD` is sent to a `GET` route.
    pub(crate) head: bool,
    pub(crate) role: &'static str,
    pub(crate) tier: Option<&'static str>,
    pub(crate) credential: Credential,
    pub(crate) csrf: Csrf,
    pub(crate) body: Body,
    /// The number of requests that were admitted in the last minute.
    pub(crate) used: u64,
    pub(crate) peer_known: bool,
}

/// The status that the policy gives.
pub(crate) fn status(sent: &Sent) -> u16 {
    let Sent { route, credential, .. } = *sent;
    let protected = route.access != Access::Public;
    let caller = credential.holds() && !credential.is_malformed();
    if route.limited {
        if !caller && !sent.peer_known {
            return 503;
        }
        let tier = if caller { sent.tier } else { None };
        if sent.used >= rate(tier) {
            return 429;
        }
    }
    if credential.is_malformed() {
        return 400;
    }
    if protected && !caller {
        return 401;
    }
    if route.csrf && route.method != "GET" && !matches!(sent.csrf, Csrf::Good | Csrf::GoodFromHere) {
        return 403;
    }
    if let Access::Requires(permission) = route.access
        && !grants(sent.role).contains(&permission)
    {
        return 403;
    }
    let body = body_status(route.takes, sent.body);
    // The door that issues tokens needs one session or none.
    if body == 200 && route.path == "/api/csrf" && sent.csrf == Csrf::TwoSessions {
        return 403;
    }
    body
}

fn body_status(takes: Takes, body: Body) -> u16 {
    match (takes, body) {
        (Takes::Nothing, Body::None) => 200,
        (Takes::Nothing, _) => 400,
        (_, Body::None | Body::KeyTwice) => 400,
        (_, Body::NotJson) => 415,
        (Takes::User, Body::User) | (Takes::Post, Body::Post) => 200,
        // Genuine, but there is no such family.
        (Takes::RefreshToken, Body::RefreshToken | Body::OldRefreshToken | Body::AccessToken | Body::Empty) => 401,
        (Takes::User | Takes::Post | Takes::RefreshToken, _) => 422,
    }
}
