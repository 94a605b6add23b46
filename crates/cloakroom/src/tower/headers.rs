//! The session's headers in a response.

use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use crate::session::state::Shared;

/// Headers that some shared caches obey before `Cache-Control`: RFC 9213 and what was there before it, Cloudflare's own, and
/// nginx's, which also undoes a `private` or `no-store` (ngx_http_proxy_module, `proxy_cache_valid`).
const SHARED_CACHE_HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("surrogate-control"),
    HeaderName::from_static("cloudflare-cdn-cache-control"),
    HeaderName::from_static("x-accel-expires"),
];

pub(super) fn apply<B>(response: &mut Response<B>, shared: &Shared) {
    let message = shared.backend.headers_for(shared);
    if !message.used {
        return;
    }
    let headers = response.headers_mut();
    // Looked up and taken away first: a map that is empty is quick to ask, and one that we filled is not.
    for name in SHARED_CACHE_HEADERS {
        headers.remove(name);
    }
    let varies = varies_by_cookie(headers);
    match message.set_cookie {
        // Never to be stored: whoever got the response from a cache would get the session.
        Some(line) => {
            // Made of checked parts at build time and of an ID's alphabet, so it is always a legal value.
            if let Ok(mut value) = HeaderValue::try_from(line) {
                value.set_sensitive(true);
                replace_cookie(headers, shared.backend.cookie_name(), value);
            }
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        None => keep_private(headers),
    }
    if !varies {
        headers.append(VARY, HeaderValue::from_static("cookie"));
    }
}

/// A response has at most one `Set-Cookie` of a name (RFC 6265bis, section 4.1.1); others stay, in order.
fn replace_cookie(headers: &mut HeaderMap, name: &str, value: HeaderValue) {
    let ours = |line: &HeaderValue| {
        line.as_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
    };
    if headers.get_all(SET_COOKIE).iter().any(ours) {
        let others: Vec<_> =
            headers.get_all(SET_COOKIE).iter().filter(|line| !ours(line)).cloned().collect();
        headers.remove(SET_COOKIE);
        for line in others {
            headers.append(SET_COOKIE, line);
        }
    }
    headers.append(SET_COOKIE, value);
}

fn varies_by_cookie(headers: &HeaderMap) -> bool {
    headers.get_all(VARY).iter().any(|line| {
        line.as_bytes().split(|&byte| byte == b',').any(|name| {
            let name = name.trim_ascii();
            name == b"*" || name.eq_ignore_ascii_case(b"cookie")
        })
    })
}

/// Says that shared caches must not keep the response, and takes back what would allow it.
fn keep_private(headers: &mut HeaderMap) {
    let mut directives: Vec<String> = Vec::new();
    for line in headers.get_all(CACHE_CONTROL) {
        for directive in String::from_utf8_lossy(line.as_bytes()).split(',') {
            let directive = directive.trim();
            let name = directive.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
            match name.as_str() {
                "" | "public" | "s-maxage" => {}
                "no-store" => return,
                // With names of fields it is about those alone.
                "private" if !directive.contains('=') => return,
                _ => directives.push(directive.to_owned()),
            }
        }
    }
    if directives.is_empty() {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
        return;
    }
    directives.insert(0, "private".to_owned());
    if let Ok(value) = HeaderValue::try_from(directives.join(", ")) {
        headers.insert(CACHE_CONTROL, value);
    }
}
