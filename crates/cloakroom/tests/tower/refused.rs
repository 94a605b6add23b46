//! What the log says of visitors who were turned away.

use axum::Router;
use cloakroom::ServerSideSessionConfig;
use cloakroom::testkit::{Fault, Operation};
use http::StatusCode;

use crate::App;
use crate::log::Log;

/// Whoever creates too many sessions fills no log of errors; one that the store could not keep is an error.
#[tokio::test]
async fn s_134_a_flood_that_is_refused_is_no_error_of_ours() {
    let config = ServerSideSessionConfig::default().with_max_creations_per_second(1);
    let app = App::with(config, Router::new());
    let (log, _guard) = Log::listen();
    let mut refused = 0;
    for _ in 0..50 {
        let status = app.call("POST", "/set", "").await.status();
        refused += u32::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 20, "{refused} were refused");
    assert!(!log.text().contains("ERROR"), "{}", log.text());

    let app = App::new(Router::new());
    app.store.inject(Operation::Create, 1, Fault::Corrupt);
    assert_eq!(app.call("POST", "/set", "").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(log.text().matches("ERROR").count(), 1, "{}", log.text());
}
