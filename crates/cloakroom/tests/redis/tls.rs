//! TLS: the application's crypto provider, certificates that are checked.

use cloakroom::{ErrorKind, RedisStore, RedisStoreBuilder};
use cloakroom_servers::{Certificates, RedisServer, free_port, required};
use redis::{Client, TlsCertificates};

use crate::common::{START, create, live, record};

/// One test, since a provider is of the whole process and stays.
#[tokio::test]
async fn s_100_tls_is_checked_and_its_provider_is_the_applications() {
    let Some(made) = required("openssl", Certificates::make()) else { return };
    let port = free_port().unwrap().to_string();
    let files = [made.certificate(), made.key(), made.authority()];
    let [certificate, key, authority] = files.each_ref().map(|file| file.to_str().unwrap());
    let options = [
        ["--save", ""],
        ["--tls-port", &port],
        ["--tls-cert-file", certificate],
        ["--tls-key-file", key],
        ["--tls-ca-cert-file", authority],
        ["--tls-auth-clients", "no"],
    ];
    let Some(server) = required("redis-server", RedisServer::start_with(&options.concat())) else {
        return;
    };
    let url = format!("rediss://127.0.0.1:{port}");

    let error = RedisStore::connect(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUrl);
    assert!(error.to_string().contains("install_default"), "{error}");
    rustls::crypto::ring::default_provider().install_default().unwrap();

    // The system does not know the authority.
    let error = RedisStore::connect(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let error = RedisStore::connect(&format!("rediss+cluster://127.0.0.1:{port}")).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);

    let root = std::fs::read(made.authority()).unwrap();
    let trusting = |host: &str| {
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(root.clone()) };
        let url = format!("rediss://{host}:{port}");
        let client = Client::build_with_tls(url, certificates).unwrap();
        RedisStoreBuilder::from_client(&client)
    };
    let store = trusting("127.0.0.1").connect().await.unwrap();
    create(&store, 1, &record(1)).await;
    assert!(live(&store, 1, START).await.is_some());
    // The same server by a name that its certificate does not have.
    let plain = format!("redis://localhost:{}", server.port());
    RedisStore::connect(&plain).await.unwrap();
    let error = trusting("localhost").connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}
