//! The presets of response headers. docs/headers.md shows the same tables, and a test compares.

/// Headers that are set together, in their order, and headers that are taken out of the handler's answer.
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) removed: &'static [&'static str],
}

pub(crate) const PRESETS: [Preset; 3] = [API, WEB, STRICT];

/// For answers that no browser shows as a page: OWASP's REST security cheat sheet.
const API: Preset = Preset {
    name: "api",
    headers: &[
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ],
    removed: &["Server", "X-Powered-By"],
};

/// For pages: the defaults of helmet 8.3.
const WEB: Preset = Preset {
    name: "web",
    headers: &[
        (
            "Content-Security-Policy",
            "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; \
             frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; \
             script-src-attr 'none'; style-src 'self' https: 'unsafe-inline'; upgrade-insecure-requests",
        ),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Origin-Agent-Cluster", "?1"),
        ("Referrer-Policy", "no-referrer"),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-DNS-Prefetch-Control", "off"),
        ("X-Download-Options", "noopen"),
        ("X-Frame-Options", "SAMEORIGIN"),
        ("X-Permitted-Cross-Domain-Policies", "none"),
        ("X-XSS-Protection", "0"),
    ],
    removed: &["X-Powered-By"],
};

/// For pages that load nothing from elsewhere: `web` and the additions of OWASP's secure headers project.
const STRICT: Preset = Preset {
    name: "strict",
    headers: &[
        ("Cache-Control", "no-store"),
        (
            "Content-Security-Policy",
            "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; \
             frame-ancestors 'none'; img-src 'self'; script-src 'self'; style-src 'self'; upgrade-insecure-requests",
        ),
        ("Cross-Origin-Embedder-Policy", "require-corp"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Origin-Agent-Cluster", "?1"),
        (
            "Permissions-Policy",
            "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), \
             geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), \
             publickey-credentials-get=(), screen-wake-lock=(), usb=(), xr-spatial-tracking=()",
        ),
        ("Referrer-Policy", "no-referrer"),
        ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-DNS-Prefetch-Control", "off"),
        ("X-Download-Options", "noopen"),
        ("X-Frame-Options", "DENY"),
        ("X-Permitted-Cross-Domain-Policies", "none"),
        ("X-XSS-Protection", "0"),
    ],
    removed: &["Server", "X-Powered-By"],
};
