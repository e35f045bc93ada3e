//! What holds of any bytes that are taken for a manifest; the tests and the fuzz target share it.

use crate::common;
use headwater_core::{Cx, ErrorKind};
use headwater_testkit::Collected;
use serde_json::json;

/// Reads bytes as a manifest: all or nothing, refused as damaged with nothing reported, or complete.
pub(crate) fn read_or_refuse(text: &[u8]) -> Collected {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("manifest.json");
    std::fs::write(&file, text).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let run = runtime.block_on(common::read(json!({"manifest_path": file}), Cx::default()));
    match &run.failed {
        Some(error) => {
            assert_eq!(error.kind(), ErrorKind::DataInvalid, "{error}");
            assert_eq!(error.code(), "invalid_manifest", "{error}");
            assert!(run.assets.is_empty() && run.namespaces.is_empty() && run.closed.is_empty());
        }
        None => assert!(run.is_complete(), "{:?}", run.ended),
    }
    run
}
