//! Each store of ours, to choose one by.

use cloakroom_bench_load::{Action, Answer, Order};
use cloakroom_servers::{MysqlServer, Postgres, RedisServer, required};
use comfy_table::Table;

use crate::contenders::Programs;
use crate::rates::{CONNECTIONS, Length, rounds};
use crate::{folder_on_disk, table};

const ACTIONS: [Action; 3] = [Action::Read, Action::Write, Action::Create];

/// All stores that can be started here. Servers wait for the disk as they do when they come from their package.
pub(crate) fn table_of(programs: &Programs, length: Length) -> Table {
    let folder = folder_on_disk();
    let redis = required("redis-server", RedisServer::start());
    let postgres = required("postgresql", Postgres::start(&["fsync = on"]));
    let mariadb =
        required("mariadb-server", MysqlServer::start(&["innodb_flush_log_at_trx_commit=1"]));
    let path = |name: &str| folder.path().join(name).display().to_string();
    let stores = [
        ("memory", Some("memory:".to_owned())),
        ("file", Some(format!("file:{}", path("files")))),
        ("SQLite", Some(format!("sqlite:{}", path("sessions.db")))),
        ("Redis, in memory", redis.as_ref().map(RedisServer::url)),
        ("PostgreSQL", postgres.as_ref().map(|server| format!("{}?prepared=true", server.url()))),
        ("MariaDB", mariadb.as_ref().map(MysqlServer::url)),
    ];
    let mut table = table(["store", "read", "write", "create"]);
    for (name, url) in stores {
        let Some(url) = url else { continue };
        let mut subject = programs.ours(&url);
        let rates = ACTIONS.map(|action| {
            let [rate] = rounds(length, |_| {
                match subject.order(&Order::Load(action, CONNECTIONS, length.millis)) {
                    Answer::Rate(rate) => [rate],
                    other => panic!("no rate: {other:?}"),
                }
            });
            format!("{rate:.0}")
        });
        let [read, write, create] = rates;
        table.add_row([name, &read, &write, &create]);
    }
    table
}
