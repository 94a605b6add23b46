//! Writes that count once replicas have them.
//!
//! `WAIT` follows the scripts of a pipeline, on the same connection: it answers when so many replicas have all that the
//! connection wrote, or when its time is over. It takes nothing back. Meanwhile the server reads no further command
//! of that connection, so reads have another.

use std::time::Duration;

use redis::{Pipeline, Value};

use super::failure::{Failure, number};

/// What a script answers that found done what it was to do, and wrote for the sake of replicas alone.
pub(super) const AGAIN: i64 = 4;

/// What a connection is used by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// How long an answer may take.
    pub(super) patience: Duration,
    /// Who has to have what its scripts wrote, beside the server.
    pub(super) replicas: Option<Replicas>,
}

impl Terms {
    /// For calls that are answered by the server alone.
    pub(super) fn of_server(patience: Duration) -> Self {
        Self { patience, replicas: None }
    }
}

/// How many replicas have to have a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Replicas {
    count: u32,
    within: Duration,
}

impl Replicas {
    /// So many within this time; none if the number is zero.
    pub(super) fn new(count: u32, within: Duration) -> Option<Self> {
        // To `WAIT`, zero is for ever.
        (count > 0).then(|| Self { count, within: within.max(Duration::from_millis(1)) })
    }

    /// The same, but within a time that leaves some for the write itself.
    pub(super) fn at_most_half_of(self, patience: Duration) -> Self {
        let half = (patience / 2).max(Duration::from_millis(1));
        Self { within: self.within.min(half), ..self }
    }

    /// Asks for them behind what a pipeline writes: one answer more.
    pub(super) fn add_to(self, pipeline: &mut Pipeline) {
        let within = u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX);
        pipeline.cmd("WAIT").arg(self.count).arg(within);
    }

    /// Turns the answers of what was written into failures if too few replicas `confirmed` it. An answer other than 1 and
    /// [`AGAIN`] says that nothing was written.
    pub(super) fn judge(
        self,
        confirmed: Result<Value, Failure>,
        answers: &mut [Result<Value, Failure>],
    ) {
        let failure = match confirmed.and_then(number) {
            Ok(confirmed) if confirmed >= i64::from(self.count) => return,
            Ok(_) => Failure::FewReplicas,
            Err(failure) => failure,
        };
        for answer in answers {
            if matches!(answer, Ok(Value::Int(1 | AGAIN))) {
                *answer = Err(failure.clone());
            }
        }
    }
}
