//! Servers that a whole test process shares, and whoever cleans up behind them.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::process::Process;

/// A server that is started once, or one that runs already.
pub(crate) type Served<T> = OnceLock<Option<(String, Option<(T, Janitor)>)>>;

/// The URL of a server that this process shares: of the one that the variable names, or of one that is started.
pub(crate) fn shared<T>(
    served: &'static Served<T>,
    variable: &str,
    package: &str,
    start: impl FnOnce() -> io::Result<Option<T>>,
    of: impl FnOnce(&T) -> (String, &Process),
) -> Option<&'static str> {
    let served = served.get_or_init(|| {
        if let Ok(url) = std::env::var(variable) {
            return Some((url, None));
        }
        let server = crate::required(package, start())?;
        let (url, process) = of(&server);
        let janitor = Janitor::of(process.id(), process.folder()).expect("a shell starts");
        Some((url, Some((server, janitor))))
    });
    served.as_ref().map(|(url, _)| url.as_str())
}

/// A shell that waits for the end of this process, then ends a server and removes its folder.
///
/// What a `static` holds is never dropped, so nothing in this process could do it.
#[derive(Debug)]
pub(crate) struct Janitor {
    _shell: Child,
}

impl Janitor {
    pub(crate) fn of(server: u32, folder: &Path) -> io::Result<Self> {
        // The end of its standard input is the end of the process that holds the other half. QUIT is what PostgreSQL ends
        // its children by; a server that has no use for it ignores it where the tests run in a shell's background.
        let script = r#"cat; kill -QUIT "$1"; for _ in 1 2 3 4 5; do kill -0 "$1" && sleep 1; done; kill -KILL "$1"; rm -rf "$2""#;
        let shell = Command::new("sh")
            .args(["-c", script, "sh", &server.to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { _shell: shell })
    }
}
