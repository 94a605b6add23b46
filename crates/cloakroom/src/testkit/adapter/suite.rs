/// Makes a module of tests, one a case of [`testkit::adapter`](crate::testkit::adapter), each on an application
/// of its own.
///
/// `start` is an `async fn` that serves the routes listed there on the backend it is given; see
/// [`Start`](crate::testkit::adapter::Start). The tests need tokio's `macros` and `rt-multi-thread`.
///
/// # Examples
/// ```
/// # #[cfg(feature = "axum")] {
/// use std::net::SocketAddr;
///
/// use axum::{Router, routing::get};
/// use cloakroom::{ServerSideSessionBackend, SessionLayer};
///
/// async fn start(backend: ServerSideSessionBackend) -> SocketAddr {
///     let app = Router::new()
///         .route("/untouched", get(|| async { "ok" })) // and the other routes
///         .layer(SessionLayer::from_backend(backend));
///     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
///     let address = listener.local_addr().unwrap();
///     tokio::spawn(async move { axum::serve(listener, app).await });
///     address
/// }
///
/// cloakroom::adapter_conformance!(axum_adapter, super::start);
/// # }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! adapter_conformance {
    ($name:ident, $start:expr) => {
        $crate::adapter_conformance!(@ $name, $start;
            s_137_a_session_that_is_not_used_costs_nothing
            s_125_reading_without_a_cookie_costs_no_store_call
            s_128_nothing_to_store_is_not_stored
            excluded_routes_have_no_session
            nothing_is_excluded_by_default
            s_135_an_answer_with_a_cookie_is_not_stored
            s_136_a_session_that_was_used_is_private_and_varies
            a_new_session_sets_one_cookie
            s_028_the_cookie_goes_as_it_came
            s_030_reading_sends_no_cookie
            a_cookie_is_sent_again_when_its_deadline_moves
            s_004_an_id_that_was_never_issued_is_not_adopted
            s_010_names_are_compared_byte_for_byte
            s_014_foreign_bytes_hide_nothing
            s_015_several_header_lines_are_as_one
            s_016_values_are_taken_as_they_are
            s_021_an_id_counts_in_the_cookie_alone
            a_status_decides_whether_data_is_stored
            s_054_an_end_takes_effect_whatever_the_status
            s_049_a_cookie_is_worth_nothing_after_the_end
            a_panic_stores_nothing
            s_037_a_sign_in_changes_the_id
            s_088_a_store_that_is_down_answers_503
            a_commit_that_fails_replaces_the_answer
            an_end_that_fails_takes_the_cookie_all_the_same
            no_answer_holds_the_secret_half_of_an_id
            s_073_parallel_increments_all_count
            s_074_parallel_writers_all_survive
            s_074_a_slow_writer_undoes_nothing
            s_050_a_writer_in_flight_does_not_bring_a_session_back
            s_039_a_commit_from_before_the_sign_in_is_lost
            s_039_a_second_destroy_leaves_the_cookie
            s_054_an_end_takes_effect_though_nobody_waits_for_it
            s_048_a_renewal_that_was_overtaken_sets_no_cookie
            a_stream_saves_after_its_head
            a_stream_without_a_session_stores_nothing
            s_050_a_stream_does_not_bring_a_session_back
        );
    };
    (@ $name:ident, $start:expr; $($case:ident)*) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    $crate::testkit::adapter::$case($start).await;
                }
            )*
        }
    };
}
