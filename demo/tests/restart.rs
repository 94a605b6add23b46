//! A shop that is closed and opened again on the same store.
#![cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod common;

use cloakroom::store::open_and_migrate;
#[cfg(feature = "mysql")]
use cloakroom_servers::MysqlServer;
#[cfg(feature = "postgres")]
use cloakroom_servers::Postgres;

use common::Shop;

async fn a_restart_keeps_the_cart_and_makes_nobody_somebody_else(url: &str) {
    let shop = Shop::on(open_and_migrate(url).await.unwrap());
    let mut ada = shop.browser();
    ada.post("/cart/add", "product=scarf").await;
    ada.sign_up("Ada", "ada@example.org").await;
    assert!(ada.get("/devices").await.status.is_success());
    let cookie = ada.cookie().unwrap();
    drop((ada, shop));

    let shop = Shop::on(open_and_migrate(url).await.unwrap());
    // The first account of the new process must not be taken for the first of the old.
    shop.browser().sign_up("Eve", "eve@example.org").await;
    let mut ada = shop.browser().with_cookie(&cookie);
    let cart = ada.get("/cart").await;
    assert!(cart.body.contains("scarf"), "{}", cart.body);
    assert!(!cart.body.contains("Eve"), "{}", cart.body);
    assert!(ada.get("/devices").await.status.is_redirection());
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn on_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
    a_restart_keeps_the_cart_and_makes_nobody_somebody_else(&url).await;
}

/// A database that has never heard of sessions: the table is made.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn on_postgresql() {
    let Some(url) = Postgres::shared() else { return };
    a_restart_keeps_the_cart_and_makes_nobody_somebody_else(&format!("{url}?table=demo")).await;
}

/// The same on MariaDB.
#[cfg(feature = "mysql")]
#[tokio::test]
async fn on_mariadb() {
    let Some(url) = MysqlServer::shared() else { return };
    a_restart_keeps_the_cart_and_makes_nobody_somebody_else(&format!("{url}?table=demo")).await;
}
