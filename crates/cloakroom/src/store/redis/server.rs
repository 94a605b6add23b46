//! Where calls go: to one server, or to the one of a Cluster that has the key.

use std::sync::Arc;

use redis::Value;

use super::call::Call;
use super::cluster::Cluster;
use super::failure::Failure;
use super::link::Link;
use super::scripts::Script;

/// All servers of a store. Clones are the same connections.
#[derive(Debug, Clone)]
pub(in crate::store) enum Server {
    /// One that has all keys.
    Single(Arc<Link>),
    /// Many that share them.
    Cluster(Arc<Cluster>),
}

impl Server {
    /// Sends a call to where its key is.
    pub(in crate::store) async fn call(&self, call: Call) -> Result<Value, Failure> {
        match self {
            Self::Single(link) => link.call(call).await,
            Self::Cluster(cluster) => cluster.call(call).await,
        }
    }

    /// Sends calls, all before it waits for the first answer.
    pub(super) async fn call_all(&self, calls: Vec<Call>) -> Result<Vec<Value>, Failure> {
        match self {
            Self::Single(link) => link.call_all(calls).await,
            Self::Cluster(cluster) => cluster.call_all(calls).await,
        }
    }

    /// The ways to all servers.
    pub(super) async fn all(&self) -> Result<Vec<Arc<Link>>, Failure> {
        match self {
            Self::Single(link) => Ok(vec![link.clone()]),
            Self::Cluster(cluster) => cluster.all().await,
        }
    }

    /// Whether one script can reach any two keys.
    pub(in crate::store) fn has_one_slot(&self) -> bool {
        matches!(self, Self::Single(_))
    }

    /// Runs a script by its hash, and with its text where the server does not have it.
    pub(in crate::store) async fn run(
        &self,
        script: &Script,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
    ) -> Result<Value, Failure> {
        match self.call(Call::script(script, false, keys, arguments)).await {
            Err(failure) if failure.lacks_script() => {
                self.call(Call::script(script, true, keys, arguments)).await
            }
            answer => answer,
        }
    }
}
