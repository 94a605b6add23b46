//! Password hashes: slow on purpose, so neither on the threads that serve requests nor all at once.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Hashes at a time. Each takes 19 MiB and one core for some tens of milliseconds, so that a flood of
/// sign-ins can fill neither the memory nor every blocking thread.
const AT_ONCE: usize = 4;

/// How long somebody waits for their turn before they are told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

/// Checked when nobody has the given address, so that the answer takes as long as for somebody who has.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash("nobody has this password"));

/// Hashes and checks passwords with Argon2id at OWASP's parameters, the crate's default.
#[derive(Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

/// Too many passwords are waiting to be hashed; try again.
#[derive(Debug)]
pub(crate) struct Busy;

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// A salted hash of the password, in PHC string format.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Busy> {
        // Without randomness for the salt there is no hash; it is as temporary as being busy.
        self.in_turn(move || hash(&password)).await?.ok_or(Busy)
    }

    /// Whether this is the password of that hash; without a hash it is no one's, after the same work.
    pub(crate) async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, Busy> {
        self.in_turn(move || {
            let known = hash.is_some();
            let hash = hash.as_ref().or(NOBODY.as_ref());
            let right = hash.and_then(|hash| PasswordHash::new(hash).ok()).is_some_and(|hash| {
                Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
            });
            known && right
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| Busy)?
            .map_err(|_| Busy)?;
        tokio::task::spawn_blocking(move || {
            // Kept until the work is done, not until the request is: a visitor who leaves does not stop it.
            let _turn = turn;
            work()
        })
        .await
        .map_err(|_| Busy)
    }
}

fn hash(password: &str) -> Option<String> {
    let hash = Argon2::default().hash_password(password.as_bytes()).ok()?;
    Some(hash.to_string())
}
