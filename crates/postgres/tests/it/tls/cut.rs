//! Encrypted connections that are cut in mid-stream.

use super::{Asks, Peer, issue};
use crate::broken::{create_tables, cut_after};
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
