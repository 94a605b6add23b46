//! Why a task ended early.

use std::process::{ExitCode, ExitStatus};

/// What a step came to.
pub(crate) type Outcome = Result<(), Failure>;

/// What to tell, and the exit code to end with.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// A failure of our own, with exit code 1.
    pub(crate) fn new(message: String) -> Self {
        Self { message, code: 1 }
    }

    /// A step that ran and failed: its exit code becomes ours, or 1 if a signal ended it.
    pub(crate) fn of_step(line: &str, status: ExitStatus) -> Self {
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        Self { message: format!("{line} failed"), code }
    }

    /// Prints the message.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("xtask: {}", self.message);
        ExitCode::from(self.code)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::Failure;

    fn check(script: &str, expected: u8) {
        let status = Command::new("sh").args(["-c", script]).status().unwrap();
        assert_eq!(Failure::of_step(script, status).code, expected, "{script}");
    }

    #[test]
    fn a_step_decides_the_exit_code() {
        check("exit 101", 101);
        check("exit 2", 2);
        check("kill -KILL $$", 1);
    }
}
