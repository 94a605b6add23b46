//! Which keys are Litestar's, and which are ours.

use crate::id::SessionHandle;

/// What our keys begin with. None of them may begin with Litestar's namespace: its `delete_all` removes
/// whatever begins so and has a colon.
const OURS: [&str; 2] = ["cloakroom-litestar", "~cloakroom-litestar"];

/// The keys of one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keys {
    namespace: Option<String>,
}

impl Keys {
    pub(super) fn new(namespace: Option<&str>) -> Self {
        Self { namespace: namespace.filter(|name| !name.is_empty()).map(str::to_owned) }
    }

    /// As Litestar nests namespaces.
    pub(super) fn in_namespace(&self, name: &str) -> Self {
        Self::new(Some(&match &self.namespace {
            Some(outer) => format!("{outer}_{name}"),
            None => name.to_owned(),
        }))
    }

    /// What Litestar puts before an ID.
    pub(super) fn theirs(&self) -> Vec<u8> {
        self.namespace.as_ref().map_or(Vec::new(), |name| format!("{name}:").into_bytes())
    }

    /// The pattern that `SCAN` finds sessions with; none without a namespace, where any key could be one.
    pub(super) fn pattern(&self) -> Option<String> {
        let mut pattern = String::new();
        for letter in self.namespace.as_ref()?.chars() {
            if matches!(letter, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        Some(pattern + ":*")
    }

    /// Where we note what Litestar has no room for.
    pub(super) fn known(&self, handle: SessionHandle) -> Vec<u8> {
        format!("{}:s:{handle}", self.ours()).into_bytes()
    }

    /// Where the sessions of a subject are noted.
    pub(super) fn index(&self, tag: &[u8]) -> Vec<u8> {
        [format!("{}:u:", self.ours()).as_bytes(), tag].concat()
    }

    /// What stands before the hash of an ID that has ended.
    pub(super) fn marks(&self) -> Vec<u8> {
        format!("{}:o:", self.ours()).into_bytes()
    }

    fn ours(&self) -> String {
        let Some(name) = &self.namespace else { return OURS[0].to_owned() };
        let escaped = name.replace('%', "%25").replace(':', "%3A").replace('/', "%2F");
        let [usual, other] = OURS.map(|ours| format!("{ours}/{escaped}"));
        if usual.starts_with(name.as_str()) { other } else { usual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_where_litestar_looks_and_ours_are_elsewhere() {
        let handle = SessionHandle::from_bytes([0xab; 16]);
        let of = |keys: &Keys| {
            [keys.theirs(), keys.known(handle)].map(|key| String::from_utf8(key).unwrap())
        };
        let known = |prefix: &str| format!("{prefix}:s:{}", "ab".repeat(16));
        let usual = Keys::new(Some("LITESTAR"));
        assert_eq!(of(&usual), ["LITESTAR:".to_owned(), known("cloakroom-litestar/LITESTAR")]);
        let factory = usual.in_namespace("sessions");
        assert_eq!(of(&factory)[0], "LITESTAR_sessions:");
        let bare = Keys::new(None);
        assert_eq!(of(&bare), [String::new(), known("cloakroom-litestar")]);
        assert_eq!(of(&bare.in_namespace("sessions"))[0], "sessions:");
        for name in ["c", "cloakroom", "~", "cloakroom-litestar/c"] {
            assert!(!of(&Keys::new(Some(name)))[1].starts_with(name), "{name}");
        }
    }
}
