//! The words that a policy chooses from a closed set, one table for each set. The grammar, the tree, the checks and the
//! typed policy share these types; words become types when the tree is built.

/// A closed set of words.
pub trait Keyword: Copy + 'static {
    /// All members in the order in which diagnostics list them.
    const KEYWORDS: &'static [Self];

    /// The word in a policy.
    fn word(self) -> &'static str;

    /// The member with this word.
    fn find(word: &str) -> Option<Self> {
        Self::KEYWORDS.iter().copied().find(|keyword| keyword.word() == word)
    }

    /// The words of all members.
    fn words() -> impl Iterator<Item = &'static str> {
        Self::KEYWORDS.iter().map(|keyword| keyword.word())
    }
}

macro_rules! keywords {
    ($($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal),+ $(,)? })+) => { $(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`\n")] $(#[$of])* $variant,)+
        }

        impl Keyword for $name {
            const KEYWORDS: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    )+ };
}

keywords! {
    /// The algorithms that hash passwords and resist guessing: `algorithm` and `accept` of `password`.
    PasswordAlgorithm { Argon2id = "argon2id", Scrypt = "scrypt", Bcrypt = "bcrypt" }

    /// The settings of a provider that are one string.
    ProviderSetting {
        AuthorizeUrl = "authorize_url", TokenUrl = "token_url", RedirectUrl = "redirect_url",
        UserinfoUrl = "userinfo_url", ClientId = "client_id", Issuer = "issuer",
    }

    /// The effect of a limit that can't be decided: `on_failure` of a limit.
    OnFailure { Deny = "deny", Allow = "allow" }

    /// The headers that tell clients about a limit: `headers` of a limit.
    Dialects {
        /// Sends `RateLimit` and `RateLimit-Policy`.
        Standard = "standard",
        /// Sends `X-RateLimit-*`.
        Legacy = "legacy",
        Both = "both",
    }

    /// The requests that `transport` takes: `https` of `transport`.
    HttpsRule { Required = "required", Optional = "optional" }

    /// The header in which trusted proxies name the client: `forwarded` of `transport`. There is one, because a proxy
    /// that writes one of them passes the other on as the client sent it.
    Forwarded {
        /// Reads `X-Forwarded-For` and `X-Forwarded-Proto`.
        XForwardedFor = "x_forwarded_for",
        /// Reads `Forwarded` (RFC 7239).
        Rfc7239 = "forwarded",
    }

    /// The settings of `transport` that bound a request.
    Maximum {
        Target = "max_target", Header = "max_header", Body = "max_body", Depth = "max_depth",
        HeaderLines = "max_header_lines",
    }

    /// The requests for which CSRF is checked: `applies` of `csrf`.
    CsrfApplies {
        /// Checks requests with a cookie that the policy names, and requests that nothing authenticates.
        Ambient = "ambient",
        Always = "always",
    }

    /// The values of `same_site` of a cookie.
    SameSiteRule { Strict = "strict", Lax = "lax", None = "none" }

    /// The defaults of a block of routes that `no` switches off. `no body` is a clause of its own.
    Switch { Csrf = "csrf", Cors = "cors", Headers = "headers", Limit = "limit" }

    /// The types of path parameters.
    ParameterType {
        Int = "int",
        Uuid = "uuid",
        /// Takes every segment.
        Any = "string",
    }

    /// The treatment of fields that a schema doesn't declare.
    #[derive(Default)]
    UnknownFields {
        /// Reports them. This is the default.
        #[default]
        Strict = "strict",
        /// Removes them.
        Strip = "strip",
        /// Passes them on.
        Open = "open",
    }

    /// The built-in types of fields. `null` is no type of its own.
    ScalarType {
        String = "string", Int = "int", Float = "float", Bool = "bool", Timestamp = "timestamp",
        Duration = "duration", Ip = "ip", Cidr = "cidr", Any = "any",
    }

    /// The facets that test the format of a string.
    Format {
        Email = "email", Url = "url", Uuid = "uuid", Date = "date", DateTime = "datetime", Ip = "ip",
        Hostname = "hostname",
    }

    /// The facets that normalise a string, in the order in which they run.
    Transform {
        Trim = "trim",
        Lowercase = "lowercase",
        Uppercase = "uppercase",
        /// Unicode's normalisation form C (UAX #15). It runs last, as a change of case can leave the form.
        Nfc = "nfc",
    }
}

/// The algorithms that count requests. Stores match them exhaustively, as each algorithm has a state of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Counts what was admitted since the clock last passed a multiple of the period.
    FixedWindow,
    /// Counts as `FixedWindow` does, and adds the share of the window before that overlaps with the last period.
    SlidingWindow,
    /// Counts exactly what the last period admitted.
    SlidingLog,
    /// Takes tokens that come back evenly, up to `burst` of them (GCRA).
    TokenBucket,
    /// Counts what runs at once. The count of a rate is the number of slots; a slot that wasn't given back is free again
    /// after the period. No policy names it: `concurrency` is an entry of its own.
    Concurrency,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 5] =
        [Self::FixedWindow, Self::SlidingWindow, Self::SlidingLog, Self::TokenBucket, Self::Concurrency];

    /// The name in policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::FixedWindow => "fixed_window",
            Self::SlidingWindow => "sliding_window",
            Self::SlidingLog => "sliding_log",
            Self::TokenBucket => "token_bucket",
            Self::Concurrency => "concurrency",
        }
    }
}

impl Keyword for Algorithm {
    const KEYWORDS: &'static [Self] = &[Self::FixedWindow, Self::SlidingWindow, Self::SlidingLog, Self::TokenBucket];

    fn word(self) -> &'static str {
        self.name()
    }
}
