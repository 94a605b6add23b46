//! Style sheet, script and drawings, compiled into the program so that it runs from any folder.

use axum::Router;
use axum::http::header;
use axum::routing::get;

/// Routes of the files under `assets/`. They never touch the session.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    [
        ("/assets/site.css", "text/css; charset=utf-8", include_str!("../assets/site.css")),
        ("/assets/live.js", "text/javascript; charset=utf-8", include_str!("../assets/live.js")),
        ("/assets/goods.svg", "image/svg+xml", include_str!("../assets/goods.svg")),
        ("/assets/icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
    ]
    .into_iter()
    .fold(Router::new(), |router, (path, kind, body)| {
        let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=60")];
        router.route(path, get(async move || (headers, body)))
    })
}
