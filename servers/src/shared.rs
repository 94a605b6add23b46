//! Servers that a whole test process shares.

use std::io;
use std::sync::OnceLock;

/// A server that is started once, or one that runs already.
pub(crate) type Served<T> = OnceLock<Option<(String, Option<T>)>>;

/// The URL of a server that this process shares: of the one that the variable names, or of one that is started.
pub(crate) fn shared<T>(
    served: &'static Served<T>,
    variable: &str,
    package: &str,
    start: impl FnOnce() -> io::Result<Option<T>>,
    url: impl FnOnce(&T) -> String,
) -> Option<&'static str> {
    let served = served.get_or_init(|| {
        if let Ok(url) = std::env::var(variable) {
            return Some((url, None));
        }
        let server = crate::required(package, start())?;
        Some((url(&server), Some(server)))
    });
    served.as_ref().map(|(url, _)| url.as_str())
}
