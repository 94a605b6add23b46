//! What may stand in a cookie, checked when the configuration is built.
//!
//! `http::HeaderValue` refuses control characters, but takes `a;b; Domain=elsewhere` for a name, so that these
//! checks are ours.

/// Bytes of one attribute that browsers keep (RFC 6265bis, section 5.6).
const MAX_ATTRIBUTE: usize = 1024;

/// A token (RFC 9110, section 5.6.2).
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match name {
        "" => Err("is empty"),
        _ if name.len() > MAX_ATTRIBUTE => Err("has more than 1024 bytes"),
        _ if !name.bytes().all(token) => Err("has characters that no cookie name has"),
        _ => Ok(()),
    }
}

/// What may stand between `Path=` and `;`, and is what a browser compares with the path of a URL.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    match path {
        _ if !path.starts_with('/') => Err("does not begin with `/`"),
        _ if path.len() > MAX_ATTRIBUTE => Err("has more than 1024 bytes"),
        _ if !path.bytes().all(|byte| byte.is_ascii_graphic() && !b";,".contains(&byte)) => {
            Err("has blanks, `;`, `,`, control or non-ASCII characters; percent-encode them")
        }
        _ => Ok(()),
    }
}

/// A host name of at most 253 bytes (RFC 1035, section 2.3.4), which is less than browsers keep.
///
/// A leading dot is legal, and ignored by browsers (RFC 6265bis, section 5.6.3).
pub(crate) fn check_domain(domain: &str) -> Result<(), &'static str> {
    let host = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    match domain {
        "" | "." => Err("is empty"),
        _ if domain.len() > 253 => Err("has more than 253 bytes"),
        _ if domain.strip_prefix('.').unwrap_or(domain).split('.').any(str::is_empty) => {
            Err("has an empty part between dots")
        }
        _ if !domain.bytes().all(host) => Err("is no host name; write it in its ASCII form"),
        _ => Ok(()),
    }
}
