//! What dbt-core made of `examples/dbt-shop`, as part of the program.

/// The artifacts of one build, by the names of their parts in an upload.
pub(super) type Artifacts = [(&'static str, &'static [u8]); 4];

macro_rules! artifacts {
    ($folder:literal) => {
        [
            ("manifest_file", artifacts!($folder, "manifest.json")),
            ("catalog_file", artifacts!($folder, "catalog.json")),
            ("run_results_file", artifacts!($folder, "run_results.json")),
            ("sources_file", artifacts!($folder, "sources.json")),
        ]
    };
    ($folder:literal, $name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../examples/dbt-shop/artifacts/",
            $folder,
            "/",
            $name
        ))
    };
}

/// The project as it is.
pub(super) const BEFORE: Artifacts = artifacts!("before");
/// After its breaking change.
pub(super) const AFTER: Artifacts = artifacts!("after");
