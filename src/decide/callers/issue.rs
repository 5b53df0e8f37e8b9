//! The tokens that a route issues, and the way that each of them travels.

use http::{HeaderValue, header};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use crate::decide::browser::cookie;
use crate::decide::callers::entropy::Entropy;
use crate::decide::callers::family;
use crate::decide::callers::family::{Exchange, RefreshPolicy, RefreshStatus};
use crate::decide::callers::issuer::{Issued, Issuer, no_entropy};
use crate::decide::callers::refresh::{PresentedToken, no_family, refused, reused};
use crate::decide::denial::Denial;
use crate::decide::journey::Journey;
use crate::decide::respond::Response;
use crate::model::headers::Header;
use crate::model::reason::{Code, Stage};
use crate::model::value::Known;
use crate::protocol::decision::Effect;
use crate::protocol::family::FamilyState;
use crate::typed::{Cookie, Token, TokenCarrier, TypedPolicy};

impl<'g> Journey<'g, '_> {
    /// The issuer of tokens for the account that was looked up.
    pub(crate) fn issuer(&self) -> Issuer<'_> {
        let account = match self.progress.lookup.known_account() {
            Known::Value(account) => Some(account),
            Known::Absent | Known::Unknown => None,
        };
        Issuer { policy: self.policy, keys: self.keys, account, now: self.request.now }
    }

    /// Issues the route's tokens. Effects are recorded only if nothing fails.
    pub(crate) fn issue(&mut self) -> Response<'g> {
        let answer = self.issued().and_then(|(tokens, effects)| {
            let response = token_response(self.policy, &tokens, self.request.now)?;
            Ok((response, effects))
        });
        match answer {
            Ok((response, effects)) => {
                self.progress.effects.extend(effects);
                response
            }
            Err(denial) => Response::Denied(denial),
        }
    }

    fn issued(&self) -> Result<(Vec<Issued>, Vec<Effect>), Denial> {
        let entropy = self.request.entropy.map(Entropy::new).ok_or_else(no_entropy)?;
        let mut effects = Vec::new();
        let mut tokens = Vec::new();
        for kind in &self.route.issues {
            tokens.push(match self.progress.presented.as_ref().filter(|presented| presented.kind == *kind) {
                Some(presented) => self.successor(presented, &entropy, &mut effects)?,
                None => {
                    let (issued, family) = self.issuer().first(*kind, &entropy)?;
                    effects.extend(family.map(|(id, state)| family_effect(&id, 0, state)));
                    issued
                }
            });
        }
        // A token that is exchanged for tokens of other kinds is spent as well.
        if let Some(presented) =
            self.progress.presented.as_ref().filter(|spent| !self.route.issues.contains(&spent.kind))
        {
            effects.extend(self.revocation(presented));
        }
        Ok((tokens, effects))
    }

    /// The successor of the presented token: a new token, or that of the exchange which is repeated.
    fn successor(
        &self,
        presented: &PresentedToken,
        entropy: &Entropy<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<Issued, Denial> {
        let (kind, token) = (presented.kind, &self.policy.tokens[presented.kind]);
        let state = self.stored(presented)?.ok_or_else(|| no_family(token))?;
        let (policy, now) = (RefreshPolicy::of(token), self.request.now);
        let client = self.client_name();
        match family::status(&presented.text, state, &policy, now, client.as_deref()) {
            RefreshStatus::Live => {}
            RefreshStatus::Repeated => {
                let unread = || refused(token, "the exchange can't be repeated");
                let text = family::successor(&presented.text, state).ok_or_else(unread)?;
                return Ok(Issued { kind, text, expires: state.expires });
            }
            RefreshStatus::Reused => return Err(reused(token)),
            RefreshStatus::Refused(why) => return Err(refused(token, why)),
        }
        let id = family::new_id(entropy, &token.name, Some(&presented.family)).ok_or_else(no_entropy)?;
        let issued = self.issuer().signed(kind, policy.expires(now, state.ends), &id)?;
        let exchange = Exchange { presented: &presented.text, successor: &issued.text, now, client };
        let next = family::rotate(state, &policy, exchange, entropy).ok_or_else(no_entropy)?;
        effects.push(family_effect(&presented.family, state.version, next));
        Ok(issued)
    }
}

/// RFC 6749 §5.1: the tokens are in the body, unless they travel in cookies.
fn token_response(policy: &TypedPolicy, tokens: &[Issued], now: Timestamp) -> Result<Response<'static>, Denial> {
    let mut body = Map::new();
    let mut headers: Vec<Header> = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    for Issued { kind, text, expires } in tokens {
        let token = &policy.tokens[*kind];
        let seconds = expires.as_second().saturating_sub(now.as_second()).max(0);
        match (&token.carrier, &token.cookie) {
            (TokenCarrier::Bearer, _) => {
                body.insert("access_token".to_owned(), text.as_str().into());
                body.insert("token_type".to_owned(), "Bearer".into());
                body.insert("expires_in".to_owned(), seconds.into());
            }
            (TokenCarrier::Cookie(_), Some(declared)) => {
                let Some(cookie) = token_cookie(declared, text, seconds) else {
                    return Err(too_long(token));
                };
                headers.push((header::SET_COOKIE, cookie));
            }
            (TokenCarrier::Body(_), _) if !body.contains_key("refresh_token") => {
                body.insert("refresh_token".to_owned(), text.as_str().into());
            }
            (TokenCarrier::Body(_) | TokenCarrier::Header(_) | TokenCarrier::Cookie(_), _) => {
                body.insert(token.name.clone(), text.as_str().into());
            }
        }
    }
    Ok(Response::Tokens { body: Json::Object(body), headers })
}

/// The longest name and value of a cookie together, in bytes (RFC 6265bis §5.7).
const MAX_COOKIE: usize = 4096;

fn too_long(token: &Token) -> Denial {
    let message = format!("what the account says makes `{}` longer than a cookie may be", token.name);
    Denial::new(Code::AccountIncomplete, Stage::Issue, message).at(token.span)
}

/// The cookie of a token, which ends with it; `None` if it is too long for browsers.
fn token_cookie(declared: &Cookie, text: &str, seconds: i64) -> Option<HeaderValue> {
    if declared.name.len() + text.len() > MAX_COOKIE {
        return None;
    }
    let max_age = declared.max_age.map_or(seconds, |most| most.min(seconds));
    let mut value = cookie::set(&Cookie { max_age: Some(max_age), ..declared.clone() }, text)?;
    value.set_sensitive(true);
    Some(value)
}

/// The header that removes a token's cookie from the browser.
pub(crate) fn expired_cookie(token: &Token) -> Option<Header> {
    let expired = Cookie { max_age: Some(0), ..token.cookie.clone()? };
    Some((header::SET_COOKIE, cookie::set(&expired, "")?))
}

pub(crate) fn family_effect(id: &str, read: u64, state: FamilyState) -> Effect {
    Effect::Family { id: id.to_owned(), read, expires: state.ends, state }
}
