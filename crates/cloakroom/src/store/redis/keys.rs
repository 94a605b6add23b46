//! The names of keys.
//!
//! Each is `cloakroom[/namespace]…:kind:{32 hex digits}`. What follows the namespace has one length and shape,
//! and a namespace is escaped, so that no two namespaces share a name and nothing from a visitor is in one. The
//! braces are the hash tag of Redis Cluster, and no other brace can come before them.

use std::fmt::Write as _;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::id::SessionHandle;

/// What stands before the handle in the key of a session.
pub(super) const SESSION: &str = ":s:{";
/// What stands before the subject's tag in the key of an index.
pub(super) const INDEX: &str = ":u:{";

/// The keys of one namespace.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    namespace: Arc<str>,
}

/// What an index calls a subject: half of a SHA-256, so that no name of a person is in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SubjectTag(pub(super) [u8; 16]);

impl SubjectTag {
    pub(super) fn of(subject: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(subject.as_bytes()).into();
        let mut tag = [0; 16];
        tag.copy_from_slice(&digest[..16]);
        Self(tag)
    }
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { namespace: "cloakroom".into() }
    }

    pub(super) fn in_namespace(&self, name: &str) -> Self {
        let mut namespace = format!("{}/", self.namespace);
        for byte in name.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    namespace.push(char::from(byte));
                }
                _ => {
                    let _ = write!(namespace, "%{byte:02X}");
                }
            }
        }
        Self { namespace: namespace.into() }
    }

    pub(super) fn session(&self, handle: SessionHandle) -> Vec<u8> {
        self.key(SESSION, handle.as_bytes())
    }

    pub(super) fn index(&self, subject: SubjectTag) -> Vec<u8> {
        self.key(INDEX, &subject.0)
    }

    /// The pattern that `SCAN` finds sessions with; escaped names have no character that it would interpret.
    pub(super) fn sessions(&self) -> String {
        format!("{}{SESSION}*", self.namespace)
    }

    /// The handle in a key that a scan found; `None` if it only looks like ours.
    pub(super) fn handle(&self, key: &[u8]) -> Option<SessionHandle> {
        let digits = key
            .strip_prefix(self.namespace.as_bytes())?
            .strip_prefix(SESSION.as_bytes())?
            .strip_suffix(b"}")?;
        let bytes = HEXLOWER.decode(digits).ok()?;
        Some(SessionHandle::from_bytes(bytes.try_into().ok()?))
    }

    fn key(&self, kind: &str, name: &[u8; 16]) -> Vec<u8> {
        let mut key = String::with_capacity(self.namespace.len() + kind.len() + 33);
        key.push_str(&self.namespace);
        key.push_str(kind);
        HEXLOWER.encode_append(name, &mut key);
        key.push('}');
        key.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(keys: &Keys) -> String {
        String::from_utf8(keys.session(SessionHandle::from_bytes([0xab; 16]))).unwrap()
    }

    #[test]
    fn a_key_has_one_shape() {
        let hex = "ab".repeat(16);
        assert_eq!(session(&Keys::new()), format!("cloakroom:s:{{{hex}}}"));
        let shop = Keys::new().in_namespace("shop");
        assert_eq!(session(&shop), format!("cloakroom/shop:s:{{{hex}}}"));
        assert_eq!(shop.sessions(), "cloakroom/shop:s:{*");
        let index = shop.index(SubjectTag([0xab; 16]));
        assert_eq!(String::from_utf8(index).unwrap(), format!("cloakroom/shop:u:{{{hex}}}"));
    }

    #[test]
    fn s_084_namespaces_do_not_collide() {
        let keys = Keys::new();
        let names = ["", "a", "b", "a/b", "a:b", "a%2Fb", "{a}", "*", "ä", ":s:{"];
        let mut found: Vec<_> = names.map(|name| session(&keys.in_namespace(name))).into();
        for first in ["ab", "a"] {
            for second in ["c", "bc"] {
                found.push(session(&keys.in_namespace(first).in_namespace(second)));
            }
        }
        found.push(session(&keys));
        let all = found.len();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), all);
        assert!(found.iter().all(|key| key.matches('{').count() == 1));
    }

    #[test]
    fn s_097_a_subject_is_in_a_key_only_as_a_hash() {
        let index = Keys::new().index(SubjectTag::of("ada@example.org"));
        assert!(!String::from_utf8(index).unwrap().contains("ada"));
        assert_ne!(SubjectTag::of("ada"), SubjectTag::of("bob"));
    }

    #[test]
    fn a_handle_is_read_back_from_its_own_key_alone() {
        let (keys, handle) = (Keys::new(), SessionHandle::from_bytes([7; 16]));
        assert_eq!(keys.handle(&keys.session(handle)), Some(handle));
        assert_eq!(keys.handle(&keys.in_namespace("a").session(handle)), None);
        assert_eq!(keys.handle(b"cloakroom:s:{}"), None);
        assert_eq!(keys.handle(b"cloakroom:s:{07}"), None);
        assert_eq!(keys.handle(&keys.index(SubjectTag([7; 16]))), None);
    }
}
