//! Two processes of the program on one store, each with connections of its own: the same on every durable store.
#![cfg(all(
    feature = "file",
    feature = "litestar",
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod process;

#[path = "processes/killed.rs"]
mod killed;
#[path = "processes/lists.rs"]
mod lists;
#[path = "processes/namespaces.rs"]
mod namespaces;
#[path = "processes/pair.rs"]
mod pair;
#[path = "processes/revoking.rs"]
mod revoking;
#[path = "processes/signing_in.rs"]
mod signing_in;
#[path = "processes/stores.rs"]
mod stores;
#[path = "processes/writers.rs"]
mod writers;

/// The tests on one store; skipped where there is none.
macro_rules! on_store {
    ($store:ident: $($file:ident::$test:ident)*) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(place) = crate::stores::$store(stringify!($test)) {
                        crate::$file::$test(&place).await;
                    }
                }
            )*
        }
    };
}

macro_rules! on_every_store {
    ($($file:ident::$test:ident)*) => {
        on_store!(file: $($file::$test)*);
        on_store!(litestar_file: $($file::$test)*);
        on_store!(litestar_redis: $($file::$test)*);
        on_store!(mariadb: $($file::$test)*);
        on_store!(postgres: $($file::$test)*);
        on_store!(redis: $($file::$test)*);
        on_store!(sqlite: $($file::$test)*);
    };
}

on_every_store! {
    revoking::s_064_what_one_process_ends_has_ended_on_the_other
    revoking::s_050_s_064_requests_under_way_on_both_bring_nothing_back
    revoking::s_065_the_others_end_and_the_current_one_goes_on
    revoking::s_066_a_revocation_ends_every_sign_in_that_was_acknowledged_before
    revoking::s_067_after_a_new_password_the_current_session_alone_lives_under_a_new_id
    revoking::s_068_every_session_of_a_closed_account_is_dead
    signing_in::s_069_sign_ins_on_both_keep_within_the_limit
    signing_in::s_069_a_sign_in_too_many_is_refused_by_both
    lists::s_070_both_list_exactly_what_lives
    lists::s_071_a_handle_of_the_other_process_names_a_session_and_no_foreign_one
    namespaces::s_072_another_namespace_ends_all_sessions_at_once
    writers::s_073_increments_on_both_are_all_counted
    writers::s_074_writers_of_their_own_keys_on_both_all_survive
    writers::s_082_what_one_process_writes_the_other_reads
    killed::s_088_what_a_killed_process_acknowledged_is_there
}
