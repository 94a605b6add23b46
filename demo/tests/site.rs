//! The site as a browser meets it, without one.

mod common;

use axum::http::StatusCode;
use common::Shop;

#[tokio::test]
async fn a_visit_that_changes_nothing_sets_no_cookie() {
    let mut browser = Shop::open().browser();
    let page = browser.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Things worth hanging up"));
    assert_eq!(browser.cookie(), None);
}

#[tokio::test]
async fn every_page_carries_the_security_headers() {
    let mut browser = Shop::open().browser();
    for path in ["/", "/cart", "/sign-in", "/assets/site.css", "/no-such-page"] {
        let page = browser.get(path).await;
        let header = |name| page.headers.get(name).unwrap().to_str().unwrap();
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
             img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert!(!page.body.contains(" style=") && !page.body.contains("<style"), "{path}");
    }
}

#[tokio::test]
async fn signing_up_and_in_changes_the_cookie_and_keeps_the_cart() {
    let shop = Shop::open();
    let mut browser = shop.browser();
    browser.post("/cart/add", "product=scarf").await;
    let anonymous = browser.cookie().unwrap();

    browser.sign_up("Ada", "ada@example.org").await;
    let signed_up = browser.cookie().unwrap();
    assert_ne!(anonymous, signed_up);
    let page = browser.get("/cart").await;
    assert!(page.body.contains("Lambswool scarf"));
    assert!(page.body.contains("Sign out"));

    // The ID from before the sign-in names nothing any more.
    let mut thief = shop.browser().with_cookie(&anonymous);
    let page = thief.get("/cart").await;
    assert!(!page.body.contains("Lambswool scarf"));
    assert!(!page.body.contains("Sign out"));

    browser.post("/sign-out", "").await;
    assert!(!browser.get("/").await.body.contains("Sign out"));
    let signed_out = browser.cookie();
    let page = browser.sign_in("ADA@example.org", "correct horse").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_ne!(signed_out, browser.cookie());
    assert!(browser.get("/").await.body.contains("Welcome back, Ada."));
}

#[tokio::test]
async fn a_wrong_password_says_no_more_than_an_unknown_address() {
    let shop = Shop::open();
    shop.browser().sign_up("Ada", "ada@example.org").await;
    let mut browser = shop.browser();
    let wrong = browser.sign_in("ada@example.org", "battery staple").await;
    let unknown = browser.sign_in("ada@example.com", "battery staple").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.body, unknown.body.replace("ada@example.com", "ada@example.org"));
    assert_eq!(browser.cookie(), None);
}

#[tokio::test]
async fn a_bad_sign_up_form_comes_back_filled_in() {
    let shop = Shop::open();
    let mut browser = shop.browser();
    let form = "name=%3Cb%3EAda&email=nowhere&password=short";
    let page = browser.post("/sign-up", form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("An address looks like"));
    assert!(page.body.contains("That is shorter than 8 characters."));
    assert!(!page.body.contains("<b>Ada"));
    assert!(!page.body.contains("short\""), "a password is never sent back");

    shop.browser().sign_up("Ada", "ada@example.org").await;
    let form = "name=Eve&email=Ada@example.org&password=long+enough";
    let page = browser.post("/sign-up", form).await;
    assert!(page.body.contains("signed up with this address already"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn adding_from_many_tabs_at_once_loses_nothing() {
    let shop = Shop::open();
    let mut browser = shop.browser();
    browser.post("/cart/add", "product=hat").await;
    let cookie = browser.cookie().unwrap();

    let tabs = ["hat", "scarf"].into_iter().cycle().take(20).map(|product| {
        let mut tab = shop.browser().with_cookie(&cookie);
        tokio::spawn(
            async move { tab.post("/cart/add", &format!("product={product}")).await.status },
        )
    });
    for tab in tabs.collect::<Vec<_>>() {
        assert_eq!(tab.await.unwrap(), StatusCode::SEE_OTHER);
    }

    let page = browser.get("/cart").await;
    assert_eq!(quantities(&page.body), ["11", "10"]);
}

#[tokio::test]
async fn quantities_can_be_set_and_lines_removed() {
    let mut browser = Shop::open().browser();
    for product in ["boot", "hat"] {
        browser.post("/cart/add", &format!("product={product}")).await;
    }
    browser.post("/cart/set", "product=boot&quantity=3").await;
    assert_eq!(quantities(&browser.get("/cart").await.body), ["3", "1"]);
    browser.post("/cart/set", "product=boot&quantity=many").await;
    let page = browser.get("/cart").await;
    assert!(page.body.contains("role=\"alert\""));
    assert_eq!(quantities(&page.body), ["3", "1"]);
    browser.post("/cart/remove", "product=boot").await;
    assert_eq!(quantities(&browser.get("/cart").await.body), ["1"]);
    assert_eq!(browser.post("/cart/add", "product=yacht").await.status, StatusCode::NOT_FOUND);
    browser.post("/cart/check-out", "").await;
    assert!(browser.get("/").await.body.contains("Thank you!"));
    assert!(browser.get("/cart").await.body.contains("Nothing is in your cart yet"));
}

#[tokio::test]
async fn a_flash_is_shown_once() {
    let mut browser = Shop::open().browser();
    let answer = browser.post("/cart/add", "product=tag").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "/#tag");
    assert!(browser.get("/").await.body.contains("In your cart: Brass coat tag."));
    assert!(!browser.get("/").await.body.contains("In your cart: Brass coat tag."));
}

#[tokio::test]
async fn a_members_page_sends_a_stranger_to_sign_in_and_back() {
    let shop = Shop::open();
    shop.browser().sign_up("Ada", "ada@example.org").await;
    let mut browser = shop.browser();
    let answer = browser.get("/devices").await;
    assert_eq!(answer.headers["location"], "/sign-in?next=/devices");
    let page = browser.get("/sign-in?next=/devices").await;
    assert!(page.body.contains("Please sign in first."));
    let form = "email=ada@example.org&password=correct+horse&next=/devices";
    assert_eq!(browser.post("/sign-in", form).await.headers["location"], "/devices");

    let mut browser = shop.browser();
    let form = "email=ada@example.org&password=correct+horse&next=//evil.example";
    assert_eq!(browser.post("/sign-in", form).await.headers["location"], "/");
}

#[tokio::test]
async fn a_device_can_sign_out_another_but_nobody_elses() {
    let shop = Shop::open();
    let mut laptop = shop.browser().with_agent("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
    laptop.sign_up("Ada", "ada@example.org").await;
    let mut phone = shop.browser().with_agent("Mozilla/5.0 (iPhone) Version/18.0 Safari/604.1");
    phone.sign_in("ada@example.org", "correct horse").await;
    let mut stranger = shop.browser();
    stranger.sign_up("Eve", "eve@example.org").await;

    let page = laptop.get("/devices").await;
    assert!(page.body.contains("Firefox on Linux <span class=\"badge\">this device</span>"));
    assert!(page.body.contains("Safari on iPhone"));
    let [handle] = &handles(&page.body)[..] else { panic!("one other device: {}", page.body) };

    stranger.post("/devices/revoke", &format!("handle={handle}")).await;
    assert!(stranger.get("/devices").await.body.contains("was signed out already"));
    assert_eq!(phone.get("/devices").await.status, StatusCode::OK);

    laptop.post("/devices/revoke", &format!("handle={handle}")).await;
    assert!(laptop.get("/devices").await.body.contains("That device is signed out."));
    let answer = phone.get("/devices").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = phone.get("/sign-in").await;
    assert!(page.body.contains("This device was signed out from another one."));
}

#[tokio::test]
async fn all_other_devices_and_all_devices_can_be_signed_out() {
    let shop = Shop::open();
    let mut here = shop.browser();
    here.sign_up("Ada", "ada@example.org").await;
    let mut others = [shop.browser(), shop.browser()];
    for other in &mut others {
        other.sign_in("ada@example.org", "correct horse").await;
    }
    here.post("/devices/revoke-others", "").await;
    let page = here.get("/devices").await;
    assert!(page.body.contains("2 other devices are signed out."));
    assert!(handles(&page.body).is_empty());
    for other in &mut others {
        assert_eq!(other.get("/devices").await.status, StatusCode::SEE_OTHER);
    }

    let [mut other, _] = others;
    other.sign_in("ada@example.org", "correct horse").await;
    here.post("/devices/sign-out-everywhere", "").await;
    assert!(here.get("/sign-in").await.body.contains("You are signed out everywhere."));
    for mut browser in [here, other] {
        assert_eq!(browser.get("/devices").await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn a_form_sent_from_another_site_is_refused() {
    let mut browser = Shop::open().browser();
    browser.sign_up("Ada", "ada@example.org").await;
    for headers in [[("sec-fetch-site", "cross-site")], [("origin", "https://evil.example")]] {
        let answer = browser.post_with("/sign-out", "", &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("That came from another site"));
    }
    assert!(browser.get("/").await.body.contains("Sign out"));
    let answer = browser.post_with("/sign-out", "", &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn every_refusal_is_a_page() {
    let mut browser = Shop::open().browser();
    for (answer, status) in [
        (browser.get("/no-such-page").await, StatusCode::NOT_FOUND),
        (browser.get("/cart/add").await, StatusCode::METHOD_NOT_ALLOWED),
        (browser.post("/cart/add", "").await, StatusCode::UNPROCESSABLE_ENTITY),
        (browser.post("/sign-in", &"x".repeat(20_000)).await, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        assert_eq!(answer.status, status);
        assert!(answer.body.contains("Back to the shop"), "{status}");
    }
}

/// The quantities on the cart page, in its order.
fn quantities(body: &str) -> Vec<&str> {
    values_of(body, "name=\"quantity\" value=\"")
}

/// The handles that the devices page offers to sign out.
fn handles(body: &str) -> Vec<&str> {
    values_of(body, "name=\"handle\" value=\"")
}

fn values_of<'a>(body: &'a str, before: &str) -> Vec<&'a str> {
    body.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}
