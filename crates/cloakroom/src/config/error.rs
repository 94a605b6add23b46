use std::fmt;

/// A configuration that cannot work, or would not be safe.
///
/// It names the field, what is wrong with it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    field: String,
    problem: String,
    fix: String,
}

impl ConfigError {
    pub(crate) fn new(
        field: impl Into<String>,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), problem: problem.into(), fix: fix.into() }
    }

    /// The field at fault.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What to do about it.
    pub fn fix(&self) -> &str {
        &self.fix
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session setting `{}` {}; {}", self.field, self.problem, self.fix)
    }
}

impl std::error::Error for ConfigError {}
