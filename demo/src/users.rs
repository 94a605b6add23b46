//! The accounts, in this process's memory: after a restart a session may name one that is no more, which is then
//! nobody's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::SessionId;

use crate::passwords::{Busy, Passwords};

/// Somebody with an account.
#[derive(Debug)]
pub(crate) struct User {
    /// What sessions call them: never changes, unlike an e-mail address.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    password_hash: String,
}

/// Everybody with an account.
#[derive(Debug)]
pub(crate) struct Users {
    passwords: Passwords,
    // A std mutex: it is held for a look-up or an insert, never across an await.
    accounts: Mutex<Accounts>,
}

#[derive(Debug, Default)]
struct Accounts {
    by_id: HashMap<String, Arc<User>>,
    id_by_email: HashMap<String, String>,
}

/// Why somebody could not sign up.
#[derive(Debug)]
pub(crate) enum SignUpError {
    EmailTaken,
    Busy,
}

impl Users {
    pub(crate) fn new() -> Self {
        Self { passwords: Passwords::new(), accounts: Mutex::default() }
    }

    /// The account of this ID.
    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<User>> {
        self.accounts().by_id.get(id).cloned()
    }

    /// Opens an account. The address is compared without regard to case.
    pub(crate) async fn sign_up(
        &self,
        name: &str,
        email: &str,
        password: String,
    ) -> Result<Arc<User>, SignUpError> {
        let password_hash =
            self.passwords.hash(password).await.map_err(|Busy| SignUpError::Busy)?;
        // Drawn and not counted: sessions outlive this process, and the first account of the next is somebody else.
        let id = SessionId::generate(32).map_err(|_| SignUpError::Busy)?.handle().to_string();
        let mut accounts = self.accounts();
        let key = email.to_lowercase();
        if accounts.id_by_email.contains_key(&key) {
            return Err(SignUpError::EmailTaken);
        }
        let user =
            Arc::new(User { id, name: name.to_owned(), email: email.to_owned(), password_hash });
        accounts.id_by_email.insert(key, user.id.clone());
        accounts.by_id.insert(user.id.clone(), Arc::clone(&user));
        Ok(user)
    }

    /// The account of this address, if the password is its password.
    pub(crate) async fn check(
        &self,
        email: &str,
        password: String,
    ) -> Result<Option<Arc<User>>, Busy> {
        let user = {
            let accounts = self.accounts();
            accounts
                .id_by_email
                .get(&email.to_lowercase())
                .and_then(|id| accounts.by_id.get(id).cloned())
        };
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let right = self.passwords.verify(password, hash).await?;
        Ok(user.filter(|_| right))
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        // No code that can panic runs under the lock, so what it guards is whole.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
