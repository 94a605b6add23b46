//! README.md and `docs/litestar.md`, "Moving an application", followed from start to end with one browser.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;

use cloakroom::testkit::client::{PATIENCE, ask};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// What the program ends with where another is not installed.
const UNAVAILABLE: i32 = 69;

/// The program, and whoever presses Enter.
struct Shop {
    program: Child,
    keys: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Shop {
    /// `None` if a program that it starts is missing.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    async fn open(arguments: &[&str]) -> Option<Self> {
        let mut program = Command::new(env!("CARGO_BIN_EXE_litestar-migration"))
            .args(["--port", "0"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let keys = program.stdin.take().expect("it is piped");
        let mut lines = BufReader::new(program.stdout.take().expect("it is piped")).lines();
        let Some(line) = lines.next_line().await.expect("readable") else {
            let mut why = String::new();
            let mut stderr = program.stderr.take().expect("it is piped");
            stderr.read_to_string(&mut why).await.expect("readable");
            let code = program.wait().await.expect("it ends").code();
            assert_eq!(code, Some(UNAVAILABLE), "{why}");
            assert!(std::env::var_os("CLOAKROOM_TEST_REQUIRE").is_none(), "{why}");
            eprintln!("skipped: {why}");
            return None;
        };
        let address = line.strip_prefix("The shop is open: http://").expect("an address");
        let address = address.split(' ').next().and_then(|address| address.parse().ok());
        Some(Self { program, keys, lines, address: address.expect("an address") })
    }

    /// Reads lines until one says this.
    async fn says(&mut self, what: &str) {
        let found = async {
            while let Some(line) = self.lines.next_line().await.expect("readable") {
                if line.contains(what) {
                    return;
                }
            }
            panic!("it ended without `{what}`");
        };
        timeout(3 * PATIENCE, found).await.unwrap_or_else(|_| panic!("it never said `{what}`"));
    }

    async fn goes_on(&mut self, now: &str) {
        self.keys.write_all(b"\n").await.expect("it reads");
        self.says(now).await;
    }

    /// Stops it as Ctrl-C does.
    async fn close(mut self) {
        let id = self.program.id().expect("it runs").to_string();
        let kill = Command::new("kill").args(["-INT", &id]).status().await;
        assert!(kill.expect("kill").success());
        self.says("The shop is closed.").await;
        let status = timeout(PATIENCE, self.program.wait()).await.expect("in time");
        assert!(status.expect("it ends").success());
        assert!(TcpStream::connect(self.address).await.is_err(), "nginx still listens");
    }
}

/// Stops it as a failed test does: killed, it would leave what it started.
impl Drop for Shop {
    fn drop(&mut self) {
        if let Some(id) = self.program.id() {
            let _ = std::process::Command::new("kill").args(["-TERM", &id.to_string()]).status();
        }
    }
}

/// A browser: keeps cookies by name, sends forms, follows redirects.
#[derive(Clone)]
struct Browser {
    at: SocketAddr,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn at(at: SocketAddr) -> Self {
        Self { at, cookies: BTreeMap::new() }
    }

    /// The page of a path.
    async fn get(&mut self, path: &str) -> String {
        let (status, page, _) = self.send(&format!("GET {path}"), "").await;
        assert_eq!(status, 200, "GET {path}: {page}");
        page
    }

    /// Sends a form, and returns the page to which it leads.
    async fn submit(&mut self, path: &str, form: &str) -> String {
        let (status, page, location) = self.send(&format!("POST {path}"), form).await;
        assert_eq!(status, 303, "POST {path}: {page}");
        self.get(&location.expect("a place to go to")).await
    }

    async fn send(&mut self, start: &str, form: &str) -> (u16, String, Option<String>) {
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut lines = vec![b"Content-Type: application/x-www-form-urlencoded".to_vec()];
        if !pairs.is_empty() {
            lines.push(format!("Cookie: {}", pairs.join("; ")).into_bytes());
        }
        let lines: Vec<_> = lines.iter().map(Vec::as_slice).collect();
        let answer = ask(self.at, start, &lines, form).await;
        for line in answer.all("set-cookie") {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("a name and a value");
            if attributes.split(';').any(|attribute| attribute.trim() == "Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = answer.header("location").map(str::to_owned);
        (answer.status, answer.body, location)
    }
}

/// Checks that a page says all of these.
fn check(page: &str, says: &[&str]) {
    for what in says {
        assert!(page.contains(what), "no `{what}` in {page}");
    }
}

#[tokio::test]
async fn the_guide_is_followed_from_start_to_end() {
    let Some(mut shop) = Shop::open(&[]).await else { return };
    shop.says("Now every route is Litestar's.").await;
    let mut ada = Browser::at(shop.address);
    check(&ada.get("/").await, &["Visits: 1.", "Signed in: nobody.", "from Litestar."]);
    check(&ada.submit("/cart", "coat=Parka").await, &["1 × Parka", "from Litestar."]);
    let mut bob = Browser::at(shop.address);
    check(&bob.submit("/account/sign-in", "name=Bob").await, &["You are Bob.", "from Litestar."]);

    // As browsers do, for a request that may come.
    let _open = TcpStream::connect(shop.address).await.unwrap();
    shop.goes_on("Now /account is Rust's, the rest is Litestar's.").await;
    // What Litestar made, Rust reads.
    check(&ada.get("/account").await, &["Visits: 1.", "Cart (1)", "nobody.", "from Rust."]);
    check(&bob.get("/account").await, &["You are Bob.", "from Rust."]);
    // What Rust changes, Litestar reads; a sign-in is a new ID.
    let before = ada.clone();
    check(&ada.submit("/account/sign-in", "name=Ada").await, &["You are Ada.", "from Rust."]);
    assert_ne!(before.cookies, ada.cookies);
    check(&ada.get("/").await, &["Visits: 2.", "Signed in: Ada.", "from Litestar."]);
    check(&before.clone().get("/account").await, &["Visits: 0.", "Signed in: nobody."]);
    check(&before.clone().get("/").await, &["Signed in: nobody.", "from Litestar."]);
    // What Litestar changes, Rust reads.
    check(&ada.submit("/cart", "coat=Parka").await, &["2 × Parka", "from Litestar."]);
    check(&ada.get("/account").await, &["Visits: 2.", "Cart (2)", "You are Ada.", "from Rust."]);
    // What Rust made, Litestar reads; what Rust ends has ended there.
    let mut eve = Browser::at(shop.address);
    check(&eve.submit("/account/sign-in", "name=Eve").await, &["You are Eve.", "from Rust."]);
    let signed_in = eve.clone();
    check(&eve.get("/cart").await, &["Signed in: Eve.", "from Litestar."]);
    check(&eve.submit("/account/sign-out", "").await, &["Signed in: nobody.", "from Rust."]);
    assert!(eve.cookies.is_empty());
    check(&signed_in.clone().get("/cart").await, &["Signed in: nobody.", "from Litestar."]);

    let cookies = ada.cookies.clone();
    shop.goes_on("Now every route is Rust's, in Litestar's sessions.").await;
    check(&ada.get("/").await, &["Visits: 3.", "Signed in: Ada.", "from Rust."]);
    check(&ada.submit("/cart", "coat=Duffle coat").await, &["1 × Duffle coat", "2 × Parka"]);
    assert_eq!(ada.cookies, cookies);

    shop.goes_on("Now every route is Rust's, in sessions of its own").await;
    let page = ada.get("/cart").await;
    check(&page, &["1 × Duffle coat", "2 × Parka", "Visits: 3.", "Signed in: Ada.", "from Rust."]);
    assert_eq!(ada.cookies.keys().collect::<Vec<_>>(), ["shop"]);
    // Who was brought along and signs out stays out.
    check(&ada.submit("/account/sign-out", "").await, &["Signed in: nobody.", "Cart (0)"]);
    assert!(ada.cookies.is_empty());
    // Two requests of one page, both with the old cookie.
    let mut tab = bob.clone();
    let (one, other) = tokio::join!(bob.get("/account"), tab.get("/cart"));
    check(&one, &["You are Bob.", "from Rust."]);
    check(&other, &["Signed in: Bob.", "from Rust."]);
    shop.close().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let program = Command::new(env!("CARGO_BIN_EXE_litestar-migration"))
        .args(["--port", &port])
        .stdin(Stdio::null())
        .output();
    let output = timeout(PATIENCE, program).await.unwrap().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("choose another with --port"), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_the_guide_tells_nginx_is_what_the_example_does() {
    let guide = include_str!("../../../docs/litestar.md");
    let told: Vec<_> = guide.split("```nginx\n").skip(1).collect();
    let files = [
        include_str!("../nginx/routes-litestar.conf"),
        include_str!("../nginx/routes-account.conf"),
        include_str!("../nginx/routes-all.conf"),
    ];
    assert_eq!(told.len(), files.len());
    for (told, file) in told.into_iter().zip(files) {
        let told = told.split("```").next().unwrap_or_default();
        assert!(file.ends_with(told), "{told} is not the end of {file}");
    }
}
