//! The side of the application.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::visitors::Visitors;
use crate::{Answer, Order};

/// Serves the application over HTTP, and carries out orders until there are no more.
///
/// # Panics
/// Where the application fails: what is measured then would be something else.
pub async fn serve(app: Router) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    let served = app.clone();
    tokio::spawn(async move { axum::serve(listener, served).await });
    answer(Answer::Listening(port)).await;
    let mut visitors = Visitors::new(app);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        answer(carry_out(&mut visitors, serde_json::from_str(&line).unwrap()).await).await;
    }
}

async fn carry_out(visitors: &mut Visitors, order: Order) -> Answer {
    match order {
        Order::Fill(sessions) => visitors.fill(sessions).await,
        Order::Cookies(path) => std::fs::write(path, visitors.cookies().join("\n")).unwrap(),
        Order::Once(action, calls) => visitors.once(action, calls).await,
        Order::Load(action, tasks, millis) => {
            let time = Duration::from_millis(millis);
            return Answer::Rate(visitors.load(action, tasks, time).await);
        }
        Order::Writers(writers) => return Answer::Keys(visitors.writers(writers).await),
    }
    Answer::Done
}

async fn answer(answer: Answer) {
    let line = serde_json::to_string(&answer).unwrap() + "\n";
    let mut stdout = tokio::io::stdout();
    stdout.write_all(line.as_bytes()).await.unwrap();
    stdout.flush().await.unwrap();
}
