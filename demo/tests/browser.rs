//! The site in Chromium, driven through chromedriver.
//!
//! Needs the programs `chromedriver` and `chromium` (Debian: `chromium-driver`, `chromium`). Without them it
//! says so and passes, except where `CI=true`. Screenshots go to `target/screenshots/`.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::Shop;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A chromedriver of this test's own; it ends with the value.
struct Driver {
    url: String,
    _process: Child,
}

impl Driver {
    /// Starts chromedriver on a port of its choice; `None` if it is not installed.
    async fn start() -> Option<Self> {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            let Some((_, port)) = line.split_once("started successfully on port ") else {
                continue;
            };
            let url = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
            // Whatever else it writes must have somewhere to go.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some(Self { url, _process: process });
        }
        panic!("chromedriver ended before it listened");
    }

    /// A browser nobody has used before, with a window like `device`.
    async fn browser(&self, device: Device) -> Client {
        static PROFILES: AtomicU32 = AtomicU32::new(0);
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let profile = profiles().join(number.to_string());
        let user_data = format!("--user-data-dir={}", profile.display());
        let mut arguments = vec![
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &user_data,
        ];
        let mut options = json!({});
        match device {
            Device::Laptop => arguments.push("--window-size=1200,900"),
            Device::DarkPhone => {
                arguments.push("--blink-settings=preferredColorScheme=0");
                options["mobileEmulation"] = json!({
                    "deviceMetrics": { "width": 390, "height": 844, "pixelRatio": 2.0 },
                    "userAgent": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 \
                        (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36",
                });
            }
        }
        options["args"] = json!(arguments);
        let capabilities = [("goog:chromeOptions".to_owned(), options)].into_iter().collect();
        ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&self.url)
            .await
            .unwrap()
    }
}

#[derive(Clone, Copy)]
enum Device {
    Laptop,
    DarkPhone,
}

/// Where this test's browsers keep what they keep.
fn profiles() -> PathBuf {
    scratch(&format!("profiles-{}", std::process::id()))
}

/// A folder under `target/`, made if need be.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Keeps what the browser shows, and checks what must hold for every page.
async fn look(browser: &Client, name: &str) {
    let png = browser.screenshot().await.unwrap();
    std::fs::write(scratch("screenshots").join(format!("{name}.png")), png).unwrap();
    let wide = "return document.documentElement.scrollWidth - innerWidth";
    let overhang = browser.execute(wide, vec![]).await.unwrap().as_f64().unwrap();
    assert!(overhang <= 0.0, "{name} is {overhang} pixels wider than the screen");
    // A style sheet or a drawing that the content security policy refuses leaves no other trace.
    let styled = "return document.styleSheets[0].cssRules.length > 0";
    assert_eq!(browser.execute(styled, vec![]).await.unwrap(), true, "{name} has no style sheet");
    let drawn = "return [...document.querySelectorAll('use')].map(use => use.getBBox().width)";
    let drawn = browser.execute(drawn, vec![]).await.unwrap();
    let undrawn = drawn.as_array().unwrap().iter().any(|width| width.as_f64() == Some(0.0));
    assert!(!undrawn, "{name} lacks a drawing: {drawn}");
}

/// Presses the button of `form`, a selector, and waits for the page it leads to.
async fn press(browser: &Client, form: &str) {
    let button = browser.find(Locator::Css(&format!("{form} button"))).await.unwrap();
    let mark = "window.stale = true";
    browser.execute(mark, vec![]).await.unwrap();
    button.click().await.unwrap();
    for _ in 0..500 {
        let loaded = "return !window.stale && document.readyState === 'complete'";
        if browser.execute(loaded, vec![]).await.is_ok_and(|loaded| loaded == true) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("pressing {form} led nowhere");
}

async fn fill(browser: &Client, field: &str, text: &str) {
    let field = browser.find(Locator::Id(field)).await.unwrap();
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

async fn text(browser: &Client, selector: &str) -> String {
    browser.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_shops_signs_up_and_signs_a_phone_out() {
    let Some(driver) = Driver::start().await else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "chromedriver is not installed");
        println!("skipped: chromedriver is not installed");
        return;
    };
    let site = format!("http://{}", Shop::open().serve().await);
    let laptop = driver.browser(Device::Laptop).await;
    let phone = driver.browser(Device::DarkPhone).await;
    let outcome = tokio::spawn(story(site, laptop.clone(), phone.clone())).await;
    // Whatever came of it, no browser is left running and no profile lying about.
    let _ = tokio::join!(laptop.close(), phone.close());
    let _ = std::fs::remove_dir_all(profiles());
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure.into_panic());
    }
}

async fn story(site: String, laptop: Client, phone: Client) {
    // Shopping, before there is an account.
    laptop.goto(&site).await.unwrap();
    look(&laptop, "shop").await;
    press(&laptop, "#umbrella form").await;
    press(&laptop, "#hat form").await;
    assert_eq!(text(&laptop, ".flash").await, "In your cart: Ribbed wool hat.");
    look(&laptop, "added").await;
    laptop.goto(&format!("{site}/cart")).await.unwrap();
    let quantity = laptop.find(Locator::Css("[name=quantity]")).await.unwrap();
    quantity.clear().await.unwrap();
    quantity.send_keys("3").await.unwrap();
    press(&laptop, "form.quantity").await;
    assert_eq!(text(&laptop, ".total strong").await, "€164.00");
    look(&laptop, "cart").await;

    // An account; a form with a mistake first.
    laptop.goto(&format!("{site}/sign-up")).await.unwrap();
    fill(&laptop, "name", "Ada").await;
    fill(&laptop, "email", "ada@example.org").await;
    fill(&laptop, "password", "short").await;
    press(&laptop, "form.fields").await;
    assert_eq!(text(&laptop, "#password-problem").await, "That is shorter than 8 characters.");
    look(&laptop, "sign-up").await;
    fill(&laptop, "password", "correct horse").await;
    press(&laptop, "form.fields").await;
    assert_eq!(text(&laptop, "h1").await, "Good to see you, Ada");

    // The same person on a phone.
    phone.goto(&format!("{site}/devices")).await.unwrap();
    look(&phone, "phone-sign-in").await;
    fill(&phone, "email", "ada@example.org").await;
    fill(&phone, "password", "correct horse").await;
    press(&phone, "form.fields").await;
    look(&phone, "phone-devices").await;
    phone.goto(&site).await.unwrap();
    press(&phone, "#boot form").await;
    look(&phone, "phone-shop").await;
    phone.goto(&format!("{site}/cart")).await.unwrap();
    look(&phone, "phone-cart").await;

    // The laptop signs the phone out; the phone's open page notices.
    laptop.goto(&format!("{site}/devices")).await.unwrap();
    look(&laptop, "devices").await;
    press(&laptop, "[action='/devices/revoke']").await;
    assert_eq!(text(&laptop, ".flash").await, "That device is signed out.");
    phone
        .wait()
        // `tests/live.rs` holds the site to one second; a browser on a busy machine may take longer to draw.
        .at_most(Duration::from_secs(5))
        .for_element(Locator::Css("dialog[open]"))
        .await
        .expect("the page says that its session has ended");
    look(&phone, "phone-ended").await;
    phone.goto(&format!("{site}/devices")).await.unwrap();
    assert_eq!(text(&phone, ".flash").await, "This device was signed out from another one.");

    laptop.goto(&format!("{site}/no-such-page")).await.unwrap();
    look(&laptop, "not-found").await;
}
