//! `Set-Cookie`.

use cookie::Cookie as Builder;
use http::HeaderValue;

use crate::typed::Cookie;

/// The value of a `Set-Cookie` header.
pub(crate) fn set(cookie: &Cookie, value: &str) -> Option<HeaderValue> {
    let mut built = Builder::build((cookie.name.as_str(), value)).build();
    if cookie.http_only {
        built.set_http_only(true);
    }
    if cookie.secure {
        built.set_secure(true);
    }
    if cookie.partitioned {
        built.set_partitioned(true);
    }
    built.set_same_site(cookie.same_site);
    if let Some(path) = &cookie.path {
        built.set_path(path.as_str());
    }
    if let Some(domain) = &cookie.domain {
        built.set_domain(domain.as_str());
    }
    built.set_max_age(cookie.max_age.map(cookie::time::Duration::seconds));
    HeaderValue::from_str(&built.to_string()).ok()
}
