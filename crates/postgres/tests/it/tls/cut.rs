//! Encrypted connections that are cut in mid-stream, and runs over them that are stopped.

use super::{Asks, Peer, issue};
use crate::{
    broken::{create_tables, cut_after},
    database::Database,
    stop::ends_the_running_statement,
};
use serde_json::json;

#[tokio::test]
async fn an_encrypted_connection_cut_in_mid_stream_is_tried_again() {
    let certified = issue("127.0.0.1");
    for peer in Peer::each(&certified, Asks::PasswordInClear) {
        create_tables(&peer.admin()).await;
        for after in [0, 500, 5000, 40_000] {
            let full = json!({"sslmode": "verify-full", "sslrootcert": certified.authority});
            cut_after(peer.port(), after, full).await;
            assert!(peer.last_was_encrypted());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_asked_for_over_tls_too() {
    let certified = issue("127.0.0.1");
    for peer in Peer::each(&certified, Asks::PasswordInClear) {
        let database = Database::create(&peer.admin()).await;
        let full = json!({"port": peer.port(), "sslmode": "verify-full", "sslrootcert": certified.authority});
        ends_the_running_statement(&database, database.config(full)).await;
    }
}
