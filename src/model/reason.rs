//! The reasons for a decision: stable codes, and the stages that gave them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use http::StatusCode;

use crate::model::source::Span;

/// The stages of a decision, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Sizes, the syntax of the target and the headers, the host, and https.
    Transport,
    /// The routes that have the path.
    Path,
    /// Requests from pages of other origins.
    Cors,
    /// The route that has the method.
    Method,
    /// Limits that don't depend on the caller.
    Guard,
    /// The identity of the caller.
    Authenticate,
    /// Limits that depend on the caller.
    Limit,
    /// Cross-site request forgery.
    Csrf,
    /// The caller's permissions.
    Authorize,
    /// The schemas of the input.
    Validate,
    /// Logins, callbacks, and the exchange and revocation of tokens.
    Login,
    /// Issued tokens.
    Issue,
    /// The request is allowed.
    Allow,
}

impl Stage {
    /// Returns the name in decision documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Path => "path",
            Self::Cors => "cors",
            Self::Method => "method",
            Self::Guard => "guard",
            Self::Authenticate => "authenticate",
            Self::Limit => "limit",
            Self::Csrf => "csrf",
            Self::Authorize => "authorize",
            Self::Validate => "validate",
            Self::Login => "login",
            Self::Issue => "issue",
            Self::Allow => "allow",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:ident, $detail:literal;)*) => {
        /// The code of a reason. Codes are stable: audit logs and clients can rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name in decision documents and problem bodies.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The `type` of its problem (RFC 9457 §3.1.1).
            pub(crate) fn problem_type(self) -> &'static str {
                match self { $(Self::$variant => concat!("urn:problem-type:portcullis:", $name),)* }
            }

            /// Returns the status of its answer.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// Returns the code in the problem body, which the client sees. It differs from this code only for `token_reused`: the
            /// client isn't told that a token was stolen.
            pub fn public_code(self) -> Self {
                match self {
                    Self::TokenReused => Self::InvalidToken,
                    code => code,
                }
            }

            /// Returns the text for the client. It has nothing that helps an attacker, and nothing that the client sent.
            pub fn detail(self) -> &'static str {
                match self { $(Self::$variant => $detail,)* }
            }
        }
    };
}

codes! {
    /// The request may go on to the handler.
    Allowed = "allowed", OK, "The request is allowed.";
    /// The policy itself answered with a CSRF token.
    CsrfIssued = "csrf_issued", OK, "A CSRF token was issued.";
    /// The policy itself answered which methods the path takes.
    Options = "options", NO_CONTENT, "The path takes the methods in `Allow`.";

    /// The policy itself answered what a page of another origin may ask for.
    CorsPreflight = "cors_preflight", NO_CONTENT, "The request may be sent.";
    /// The policy itself answered where the same is to be had over https.
    HttpsRedirect = "https_redirect", PERMANENT_REDIRECT, "This is to be had over https.";

    /// The request target isn't a URL that a server should accept.
    TargetMalformed = "target_malformed", BAD_REQUEST, "The request target is malformed.";
    /// The request target is longer than `max_target`.
    TargetTooLong = "target_too_long", URI_TOO_LONG, "The request target is too long.";
    /// The headers are larger than `max_header`, or too many.
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The request headers are too large.";
    /// A header that may stand once stands twice, or says something that it can't say.
    HeaderMalformed = "header_malformed", BAD_REQUEST, "A request header is malformed.";
    /// The body is larger than `max_body`.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The request body is too large.";

    /// The policy doesn't speak for the host.
    HostForeign = "host_foreign", MISDIRECTED_REQUEST, "This server doesn't answer for that host.";
    /// The request came in the clear, and isn't one to send to https unseen.
    HttpsRequired = "https_required", FORBIDDEN, "This needs https.";

    /// No route has this path.
    NotFound = "not_found", NOT_FOUND, "There is nothing here.";
    /// The path is known, the method isn't.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method isn't allowed here.";

    /// A preflight from an origin that the policy doesn't name.
    CorsOrigin = "cors_origin", FORBIDDEN, "This origin may not send the request.";
    /// A preflight for a method that pages of other origins may not use here.
    CorsMethod = "cors_method", FORBIDDEN, "This method may not be used from another origin.";
    /// A preflight for a header that pages of other origins may not send here.
    CorsHeader = "cors_header", FORBIDDEN, "A header of the request may not be sent from another origin.";

    /// The `Authorization` header can't be read, or there are two (RFC 6750 §3.1).
    InvalidRequest = "invalid_request", BAD_REQUEST, "The credentials are malformed.";
    /// No credential where one is needed.
    CredentialMissing = "credential_missing", UNAUTHORIZED, "Authentication is required.";
    /// A credential that doesn't hold (RFC 6750 §3.1).
    InvalidToken = "invalid_token", UNAUTHORIZED, "The token is invalid or has expired.";

    /// The limit is used up.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests.";
    /// A limit can't be decided, and fails closed.
    LimitUndecided = "limit_undecided", SERVICE_UNAVAILABLE, "The request can't be counted right now.";

    /// The request comes from a foreign origin.
    CsrfOrigin = "csrf_origin", FORBIDDEN, "The request comes from a foreign origin.";
    /// No session cookie that a token could be bound to, or several.
    CsrfSession = "csrf_session", FORBIDDEN, "The request needs a session with its CSRF token.";
    /// No CSRF token.
    CsrfMissing = "csrf_missing", FORBIDDEN, "The request needs a CSRF token.";
    /// A CSRF token that wasn't issued for the session that came.
    CsrfInvalid = "csrf_invalid", FORBIDDEN, "The CSRF token is invalid.";
    /// A CSRF token that is too old.
    CsrfExpired = "csrf_expired", FORBIDDEN, "The CSRF token has expired.";

    /// The caller lacks a permission.
    PermissionDenied = "permission_denied", FORBIDDEN, "You don't have permission to do this.";

    /// A rule forbids it.
    Forbidden = "forbidden", FORBIDDEN, "This is forbidden.";
    /// The condition of the route doesn't hold.
    ConditionFailed = "condition_failed", FORBIDDEN, "This isn't allowed right now.";
    /// The caller's scopes don't let it through (RFC 6750 §3.1).
    InsufficientScope = "insufficient_scope", FORBIDDEN, "The token's scopes don't allow this.";

    /// The host didn't hand over the body.
    BodyUnknown = "body_unknown", SERVICE_UNAVAILABLE, "The request body wasn't read.";
    /// A body where the route takes none.
    BodyUnexpected = "body_unexpected", BAD_REQUEST, "This request takes no body.";
    /// No body where the route needs one.
    BodyMissing = "body_missing", BAD_REQUEST, "This request needs a body.";
    /// The body's media type isn't one that the route takes.
    MediaTypeUnsupported = "media_type_unsupported", UNSUPPORTED_MEDIA_TYPE, "The media type isn't supported here.";
    /// The query has bad escapes, or isn't UTF-8.
    QueryMalformed = "query_malformed", BAD_REQUEST, "The query string is malformed.";
    /// The query violates its schema.
    QueryInvalid = "query_invalid", UNPROCESSABLE_ENTITY, "The query string violates its schema.";
    /// The body isn't of the form that its media type says; for JSON, it may also have a key twice or nest too deeply.
    BodyMalformed = "body_malformed", BAD_REQUEST, "The request body isn't well-formed.";
    /// The body violates its schema.
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, "The request body violates its schema.";

    /// Nobody said which keys verify the token.
    KeysUnknown = "keys_unknown", SERVICE_UNAVAILABLE, "The token can't be verified right now.";
    /// Nobody said what the token stands for, or how its family stands.
    TokenUnknown = "token_unknown", SERVICE_UNAVAILABLE, "The token can't be verified right now.";
    /// A refresh token that was exchanged before: whoever has a token of its family must log in again (RFC 9700 §4.14).
    TokenReused = "token_reused", UNAUTHORIZED, "The token is invalid or has expired.";
    /// No such account, or another password.
    LoginFailed = "login_failed", UNAUTHORIZED, "The login failed.";
    /// Nobody said what is known of the account, or whether the password holds.
    AccountUnknown = "account_unknown", SERVICE_UNAVAILABLE, "Nobody can log in right now.";
    /// The account lacks what the issued tokens say.
    AccountIncomplete = "account_incomplete", SERVICE_UNAVAILABLE, "Nothing can be issued right now.";
    /// The policy itself answered with tokens.
    TokensIssued = "tokens_issued", OK, "Tokens were issued.";
    /// The policy itself took a token out of use.
    TokenRevoked = "token_revoked", NO_CONTENT, "The token was revoked.";

    /// Everything before held, but this version doesn't log in with providers.
    NotAvailable = "not_available", NOT_IMPLEMENTED, "This isn't available.";
    /// Something should be issued, and the host supplied no entropy.
    EntropyMissing = "entropy_missing", SERVICE_UNAVAILABLE, "Nothing can be issued right now.";
}

/// One reason for a decision, or a note beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason<'g> {
    /// The code.
    pub code: Code,
    /// The stage that gave it.
    pub stage: Stage,
    /// A text for logs and reviewers, without secrets.
    pub message: Cow<'g, str>,
    /// The span of the rule or the route.
    pub span: Option<Span>,
}

/// The reasons for a decision. An allowed request and a 404 allocate none.
#[derive(Clone)]
pub(crate) struct Reasons<'g>(Storage<'g>);

#[derive(Clone)]
enum Storage<'g> {
    Prebuilt(&'g [Reason<'static>]),
    One([Reason<'g>; 1]),
    Several(Vec<Reason<'g>>),
}

impl<'g> Reasons<'g> {
    /// Reasons that are stored with the policy.
    pub(crate) fn prebuilt(reasons: &'g [Reason<'static>]) -> Self {
        Self(Storage::Prebuilt(reasons))
    }

    pub(crate) fn one(reason: Reason<'g>) -> Self {
        Self(Storage::One([reason]))
    }
}

impl<'g> FromIterator<Reason<'g>> for Reasons<'g> {
    fn from_iter<I: IntoIterator<Item = Reason<'g>>>(reasons: I) -> Self {
        Self(Storage::Several(reasons.into_iter().collect()))
    }
}

impl<'g> Deref for Reasons<'g> {
    type Target = [Reason<'g>];

    fn deref(&self) -> &[Reason<'g>] {
        match &self.0 {
            Storage::Prebuilt(reasons) => reasons,
            Storage::One(reason) => reason,
            Storage::Several(reasons) => reasons,
        }
    }
}

impl PartialEq for Reasons<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
