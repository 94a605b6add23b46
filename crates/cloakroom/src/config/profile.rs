use std::time::Duration;

use super::ServerSideSessionConfig;

/// Named pairs of timeouts.
///
/// Source: NIST SP 800-63B-4, sections 2.1.3, 2.2.3 and 2.3.3; OWASP Session Management Cheat Sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// 30 days at most, idle as long (AAL1).
    Relaxed,
    /// 12 hours at most, 30 minutes idle (AAL2).
    Standard,
    /// 12 hours at most, 15 minutes idle, cookie until the browser closes (AAL3).
    High,
    /// 8 hours at most, 5 minutes idle, cookie until the browser closes.
    Critical,
}

impl Profile {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "relaxed" => Some(Self::Relaxed),
            "standard" => Some(Self::Standard),
            "high" => Some(Self::High),
            "critical" => Some(Self::Critical),
            _ => None,
        }
    }

    /// Minutes: at most, idle; and whether the cookie ends with the browser.
    const fn figures(self) -> (u64, u64, bool) {
        match self {
            Self::Relaxed => (30 * 24 * 60, 30 * 24 * 60, false),
            Self::Standard => (12 * 60, 30, false),
            Self::High => (12 * 60, 15, true),
            Self::Critical => (8 * 60, 5, true),
        }
    }
}

impl ServerSideSessionConfig {
    /// Takes both timeouts from a profile, and renews on access, without which an idle timeout of minutes
    /// would end sessions that are read all the time.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        let (absolute, idle, browser_session) = profile.figures();
        self.with_absolute_timeout(Duration::from_secs(absolute * 60))
            .with_max_age(Duration::from_secs(idle * 60))
            .with_renew_on_access(true)
            .with_browser_session(browser_session)
    }
}
