//! What must be true of every store.
//!
//! Each case is a function on an empty store; [`store_conformance!`](crate::store_conformance) turns all of
//! them into named tests. The cases tell the store the time, so none waits.
//!
//! # Panics
//! Every case panics when the store breaks the contract.
#![allow(clippy::missing_panics_doc, reason = "said once above: to panic is what a case is for")]

mod contract;
mod deadlines;
mod dropped;
mod history;
mod races;
mod ready;
mod records;

pub use self::contract::{
    absence_is_explained_truly, create_refuses_a_taken_key,
    create_takes_the_place_of_an_expired_record, create_then_load, delete_expired_is_bounded,
    delete_is_idempotent, directory_follows, renewal_is_due_and_by_the_holder,
    renewal_revives_nothing, s_055_expired_is_absent, touch_can_shorten,
    touch_moves_the_deadline_alone, update_does_not_resurrect, update_is_compare_and_set,
    update_to_an_expired_record_is_a_conditional_delete,
};
pub use self::deadlines::{
    s_057_no_life_becomes_endless, s_061_a_sweep_spares_what_is_prolonged_meanwhile,
};
pub use self::dropped::s_079_a_call_given_up_is_before_or_after;
pub use self::history::{
    histories_are_linearizable, random_steps_agree_with_a_model, s_076_histories_are_linearizable,
};
pub use self::races::{
    concurrent_creates_have_one_winner, racing_updates_lose_nothing,
    s_050_racing_writers_do_not_resurrect,
};
pub use self::ready::it_waits_only_if_it_says_so;

/// Makes a module of tests, one a case of [`conformance`](crate::testkit::conformance), each on a store of its
/// own.
///
/// # Examples
/// ```
/// cloakroom::store_conformance!(memory, cloakroom::MemoryStore::new());
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($name:ident, $store:expr) => {
        $crate::store_conformance!(@ $name, $store;
            create_then_load
            create_refuses_a_taken_key
            concurrent_creates_have_one_winner
            create_takes_the_place_of_an_expired_record
            update_is_compare_and_set
            update_does_not_resurrect
            update_to_an_expired_record_is_a_conditional_delete
            touch_moves_the_deadline_alone
            touch_can_shorten
            delete_is_idempotent
            s_055_expired_is_absent
            s_057_no_life_becomes_endless
            s_061_a_sweep_spares_what_is_prolonged_meanwhile
            renewal_is_due_and_by_the_holder
            delete_expired_is_bounded
            racing_updates_lose_nothing
            s_050_racing_writers_do_not_resurrect
            renewal_revives_nothing
            absence_is_explained_truly
            directory_follows
            random_steps_agree_with_a_model
            s_076_histories_are_linearizable
            s_079_a_call_given_up_is_before_or_after
            it_waits_only_if_it_says_so
        );
    };
    (@ $name:ident, $store:expr; $($case:ident)*) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    $crate::testkit::conformance::$case($store).await;
                }
            )*
        }
    };
}
