//! What a request asks of the server.

use cloakroom_bench_load::{Action, Order, Subject};
use cloakroom_servers::{Postgres, Proxy, RedisServer};
use comfy_table::Table;

use crate::contenders::Programs;
use crate::{redis, table};

/// Requests of which the mean is told, after as many that may have prepared statements and scripts.
const CALLS: usize = 100;

/// Commands to Redis.
pub(crate) fn of_redis(programs: &Programs, server: &RedisServer) -> Table {
    measured(programs, [&server.url(); 2], |work| redis::commands(server, work))
}

/// Round trips to PostgreSQL.
pub(crate) fn of_postgres(programs: &Programs, server: &Postgres) -> Table {
    let proxy = Proxy::start(server.port()).unwrap();
    let url = server.url().replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port()));
    measured(programs, [&format!("{url}?prepared=true"), &url], |work| {
        let before = proxy.round_trips();
        work();
        proxy.round_trips() - before
    })
}

/// What requests of each kind cost, as `count` tells of a piece of work.
fn measured(
    programs: &Programs,
    stores: [&str; 2],
    mut count: impl FnMut(&mut dyn FnMut()) -> u64,
) -> Table {
    let mut table = table(["request", "ours", "peer"]);
    let mut both = programs.both(stores, false);
    let mut row = |name: &str, action, both: &mut [Subject; 2]| {
        let costs = both.each_mut().map(|subject| {
            subject.order(&Order::Fill(CALLS));
            subject.order(&Order::Once(action, CALLS));
            subject.order(&Order::Fill(CALLS));
            let asked = count(&mut || {
                subject.order(&Order::Once(action, CALLS));
            });
            format!("{:.2}", asked as f64 / CALLS as f64)
        });
        let [ours, peer] = costs;
        table.add_row([name, &ours, &peer]);
    };
    for (name, action) in [
        ("untouched", Action::Untouched),
        ("read", Action::Read),
        ("write", Action::Write),
        ("create", Action::Create),
        ("cycle the ID", Action::Cycle),
        ("destroy", Action::Destroy),
    ] {
        row(name, action, &mut both);
    }
    let mut both = programs.both(stores, true);
    row("read with renewal", Action::Read, &mut both);
    table
}
