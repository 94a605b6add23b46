//! A shop that is closed and opened again on the same file.
#![cfg(feature = "sqlite")]

mod common;

use common::Shop;

#[tokio::test]
async fn a_restart_keeps_the_cart_and_makes_nobody_somebody_else() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("sessions.db").display());

    let shop = Shop::on(cloakroom::store::open(&url).await.unwrap());
    let mut ada = shop.browser();
    ada.post("/cart/add", "product=scarf").await;
    ada.sign_up("Ada", "ada@example.org").await;
    assert!(ada.get("/devices").await.status.is_success());
    let cookie = ada.cookie().unwrap();
    drop((ada, shop));

    let shop = Shop::on(cloakroom::store::open(&url).await.unwrap());
    // The first account of the new process must not be taken for the first of the old.
    shop.browser().sign_up("Eve", "eve@example.org").await;
    let mut ada = shop.browser().with_cookie(&cookie);
    let cart = ada.get("/cart").await;
    assert!(cart.body.contains("scarf"), "{}", cart.body);
    assert!(!cart.body.contains("Eve"), "{}", cart.body);
    assert!(ada.get("/devices").await.status.is_redirection());
}
