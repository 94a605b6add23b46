//! `/live` over a real socket.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod common;

use std::time::Duration;

use axum::http::header;
use common::Shop;
use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

async fn listen(
    host: &str,
    cookie: Option<String>,
    origin: &str,
) -> Result<Socket, tungstenite::Error> {
    let mut request = format!("ws://{host}/live").into_client_request()?;
    let headers = request.headers_mut();
    headers.insert(header::ORIGIN, origin.parse().unwrap());
    if let Some(cookie) = cookie {
        headers.insert(header::COOKIE, cookie.parse().unwrap());
    }
    Ok(connect_async(request).await?.0)
}

/// The next text on the socket, pings aside.
async fn next_text(socket: &mut Socket) -> Option<String> {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            return Some(text.to_string());
        }
    }
    None
}

#[tokio::test]
async fn an_open_page_hears_of_its_end_within_a_second() {
    let shop = Shop::open();
    let host = shop.serve().await;
    let mut phone = shop.browser();
    phone.sign_up("Ada", "ada@example.org").await;
    let mut laptop = shop.browser();
    laptop.sign_in("ada@example.org", "correct horse").await;

    let origin = format!("http://{host}");
    let mut socket = listen(&host, phone.cookie(), &origin).await.unwrap();
    let quiet = tokio::time::timeout(Duration::from_millis(200), next_text(&mut socket)).await;
    assert!(quiet.is_err(), "a live session is not reported: {quiet:?}");

    laptop.post("/devices/revoke-others", "").await;
    let heard = tokio::time::timeout(Duration::from_secs(1), next_text(&mut socket)).await;
    assert_eq!(heard.unwrap().as_deref(), Some("ended"));
}

#[tokio::test]
async fn a_page_that_slept_through_the_end_hears_of_it_when_it_asks() {
    let shop = Shop::open();
    let host = shop.serve().await;
    let mut socket = listen(&host, None, &format!("http://{host}")).await.unwrap();
    assert_eq!(next_text(&mut socket).await.as_deref(), Some("ended"));
}

#[tokio::test]
async fn another_site_cannot_listen() {
    let shop = Shop::open();
    let host = shop.serve().await;
    let mut browser = shop.browser();
    browser.sign_up("Ada", "ada@example.org").await;
    let error = listen(&host, browser.cookie(), "https://evil.example").await.unwrap_err();
    assert!(matches!(error, tungstenite::Error::Http(response) if response.status() == 403));
}
