//! Puts the token of a case into its request: where the policy carries it, and what the host would know of it into the facts.

use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use portcullis::Gate;
use portcullis::document::RequestDocument;
use portcullis::facts::TokenFact;
use portcullis::token::{Carrier, TokenInfo, opaque_token_id};
use portcullis::value::Known;
use serde_json::json;

use crate::family;
use crate::fields::is_name;
use crate::keys::Ring;
use crate::sign::Token;

/// Adds a token that the case asks for.
pub(crate) fn add_token(
    document: &mut RequestDocument,
    token: &Token,
    gate: &Gate,
    ring: &Ring,
    now: Timestamp,
) -> Result<(), String> {
    let mut tokens = gate.policy().tokens();
    let declared = tokens.find(|declared| declared.name == token.kind).ok_or_else(|| match is_name(&token.kind) {
        true => format!("`token.kind`: the policy declares no token `{}`", token.kind),
        false => "`token.kind` must be the name of a token that the policy declares".to_owned(),
    })?;
    if token.family.is_some() && !declared.is_single_use {
        return Err(format!("`token.family`: a token `{}` isn't `single_use`, and has no family", declared.name));
    }
    let text = match declared.algorithms.is_empty() {
        true => opaque(document, token, &declared)?,
        false => signed(document, token, &declared, ring, now).map_err(|problem| format!("`token`: {problem}"))?,
    };
    place(document, &declared, &text)
}

/// An opaque token says nothing itself: what it claims is in the facts, unless they say something of it already.
fn opaque(document: &mut RequestDocument, token: &Token, declared: &TokenInfo<'_>) -> Result<String, String> {
    if token.is_signed_otherwise() {
        return Err(format!(
            "`token`: a token `{}` is opaque, and isn't signed: only `kind` and `claims` mean something",
            declared.name
        ));
    }
    let text = format!("{}-of-the-cases", declared.name);
    let id = opaque_token_id(&text);
    if document.facts.token(&id) == Known::Unknown {
        let facts = std::mem::take(&mut document.facts);
        document.facts = facts.with_token(id, Some(TokenFact::Claims(token.claims.clone())));
    }
    Ok(text)
}

fn signed(
    document: &mut RequestDocument,
    token: &Token,
    declared: &TokenInfo<'_>,
    ring: &Ring,
    now: Timestamp,
) -> Result<String, String> {
    let id = declared.is_single_use.then_some(family::OF_CASES);
    let signed = token.sign(declared, ring, now, id)?;
    if declared.is_single_use
        && let Some(family) = signed.id().and_then(family::of)
    {
        family::add(&mut document.facts, family, &signed.text, token.family, (declared, now));
    }
    Ok(signed.text)
}

fn place(document: &mut RequestDocument, declared: &TokenInfo<'_>, text: &str) -> Result<(), String> {
    match declared.carrier {
        Carrier::Bearer => append(&mut document.headers, AUTHORIZATION, &format!("Bearer {text}")),
        Carrier::Body(field) => {
            let mut body = match document.body.as_slice() {
                [] => json!({}),
                body => serde_json::from_slice(body).unwrap_or_default(),
            };
            let fields = body
                .as_object_mut()
                .ok_or_else(|| format!("`token`: the body must be a map to carry it as `{field}`"))?;
            fields.insert(field.to_owned(), text.into());
            document.body = body.to_string().into_bytes();
            match document.headers.contains_key(CONTENT_TYPE) {
                true => Ok(()),
                false => append(&mut document.headers, CONTENT_TYPE, "application/json"),
            }
        }
        Carrier::Cookie(name) => add_cookie(&mut document.headers, &format!("{name}={text}")),
        Carrier::Header(name) => {
            let name = HeaderName::try_from(name).map_err(|_| "`token`: its header can't be written".to_owned())?;
            append(&mut document.headers, name, text)
        }
        _ => Err(format!("`token`: this version can't place `{}` in a request", declared.name)),
    }
}

/// Adds a cookie to the ones that the request has (RFC 6265 §5.4: one header).
pub(crate) fn add_cookie(headers: &mut HeaderMap, cookie: &str) -> Result<(), String> {
    match headers.get_mut(COOKIE) {
        Some(cookies) => {
            let joined = [cookies.as_bytes(), b"; ", cookie.as_bytes()].concat();
            *cookies = HeaderValue::from_bytes(&joined).map_err(|_| "`csrf`: the session can't be in a cookie")?;
            Ok(())
        }
        None => append(headers, COOKIE, cookie),
    }
}

pub(crate) fn append(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), String> {
    let value = HeaderValue::from_str(value).map_err(|_| format!("header `{name}`: can't hold what it should"))?;
    headers.try_append(name, value).map_err(|_| "too many headers".to_owned())?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_joined() {
        let mut headers = HeaderMap::new();
        add_cookie(&mut headers, "a=1").unwrap();
        add_cookie(&mut headers, "b=2").unwrap();
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
        assert!(add_cookie(&mut headers, "c=\n").is_err());
    }
}
