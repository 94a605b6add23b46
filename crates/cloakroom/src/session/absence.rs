//! Why a request has no session.

use crate::store::Ended;

/// Why there is no session, for the application to act on or to log.
///
/// A client is told nothing of it: all of these look the same from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absence {
    /// The request has no cookie of our name.
    NoCookie,
    /// It has one, but no text that could be an ID.
    Malformed,
    /// No live session has this ID.
    Unknown,
    /// Cookies of our name select several live sessions, or there are more than four.
    Ambiguous,
    /// The session has outlived one of its deadlines.
    Expired,
    /// Another device, an operator or a limit ended the session.
    Revoked,
    /// An old secret was presented after its grace, and the session was ended for it.
    Reused,
    /// The path or the route has no sessions.
    Excluded,
}

impl Absence {
    /// How many reasons there are.
    pub(crate) const COUNT: usize = Self::Excluded as usize + 1;

    /// The reason in kebab-case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoCookie => "no-cookie",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Ambiguous => "ambiguous",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Reused => "reused",
            Self::Excluded => "excluded",
        }
    }
}

impl From<Option<Ended>> for Absence {
    fn from(why: Option<Ended>) -> Self {
        match why {
            Some(Ended::Expired) => Self::Expired,
            Some(Ended::Revoked) => Self::Revoked,
            Some(Ended::Reused) => Self::Reused,
            Some(Ended::Destroyed) | None => Self::Unknown,
        }
    }
}
