//! The conformance suite over a folder made for each test, and what is special to CSV files.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
use async_trait::async_trait;
use custom_connector::CsvFolder;
use headwater_core::{
    Host, Listing, LocalFiles, Opened, Options, Path, Registry, Split,
    model::{Asset, DataType, Stat},
};
use headwater_testkit::{Collected, Fixture, Part, RefusedPart, collect, conformance_tests};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        fs::create_dir(folder.0.path().join("sales")).unwrap();
        for name in [
            "sales/customers",
            "sales/Orders",
            "sales/orders",
            "sales/a.b \"c\"",
            "naïve ☃",
        ] {
            folder.write(name, "id,note\n1,x\n");
        }
        folder
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(format!("{name}.csv")), text).unwrap();
    }

    fn open(&self) -> Opened {
        let mut registry = Registry::default();
        registry.register::<CsvFolder>();
        let csv = registry.get("csv").unwrap();
        csv.open(self.config(), self.credentials(), &self.host()).unwrap()
    }

    async fn read(&self) -> Collected {
        collect(self.open().connector, Options::default()).await
    }

    /// One file as it is reported.
    async fn read_one(text: impl AsRef<[u8]>) -> (Asset, Collected) {
        let folder = Self::new();
        folder.write("one", text);
        let run = folder.read().await;
        (run.assets[&Path::new([".", "one"])].clone(), run)
    }
}

#[async_trait]
impl Fixture for Folder {
    type C = CsvFolder;

    fn config(&self) -> Value {
        json!({"directory": self.0.path()})
    }

    fn credentials(&self) -> Value {
        json!({})
    }

    fn expected(&self) -> Vec<Path> {
        let sales = ["Orders", "a.b \"c\"", "customers", "orders"].map(|name| Path::new(["sales", name]));
        [Path::new([".", "naïve ☃"])].into_iter().chain(sales).collect()
    }

    fn odd_names(&self) -> Vec<Path> {
        vec![
            Path::new([".", "naïve ☃"]),
            Path::new(["sales", "Orders"]),
            Path::new(["sales", "a.b \"c\""]),
        ]
    }

    async fn drop_asset(&self) -> Option<Path> {
        fs::remove_file(self.0.path().join("sales/orders.csv")).unwrap();
        Some(Path::new(["sales", "orders"]))
    }

    async fn refuse_part(&self) -> Option<RefusedPart> {
        self.write("sales/orders", b"\xff\xfe\x00");
        Some(RefusedPart {
            parts: vec![Part::Fields, Part::Stats],
            assets: vec![Path::new(["sales", "orders"])],
        })
    }
}

conformance_tests! {
    async { Folder::new() } =>
        settings, check, discovery, full_listing, odd_names, scope, second_sync, removal, sink_error, stop,
        unread_part,
}

#[tokio::test]
async fn columns_have_types_and_rows_are_counted_to_the_last() {
    let mut text = String::from("id,price,active,note\n");
    for row in 0..120_000 {
        text.push_str(&format!("{row},{row}.5,true,\"a, b\nc\"\n"));
    }
    let (asset, run) = Folder::read_one(&text).await;
    let fields = asset.fields.as_option().unwrap();
    let types: Vec<(&str, &DataType)> = fields
        .iter()
        .map(|field| (&*field.name, &field.data_type))
        .collect();
    let text_type = DataType::String { length: None };
    assert_eq!(
        types,
        [
            ("id", &DataType::Integer { bits: 64 }),
            ("price", &DataType::Float { bits: 64 }),
            ("active", &DataType::Boolean),
            ("note", &text_type),
        ]
    );
    let stats = asset.stats.as_option().unwrap();
    assert_eq!(stats.row_count, Some(Stat::exact(120_000)));
    assert_eq!(stats.size_bytes, Some(Stat::exact(text.len() as u64)));
    assert!(run.is_complete());
}

#[tokio::test]
async fn a_file_that_is_no_csv_is_there_with_its_parts_unread_and_a_warning() {
    for broken in [&b"\xff\xfe\x00"[..], b"a,b\n1,2\n1,2,secret\n"] {
        let (asset, run) = Folder::read_one(broken).await;
        assert!(asset.fields.is_unread() && asset.stats.is_unread());
        assert!(run.is_complete(), "the folder was listed to its end");
        let warning = &run.warnings[0];
        assert_eq!(
            (&*warning.code, warning.path.as_ref()),
            ("file_unread", Some(&asset.key))
        );
        assert!(!warning.detail.contains("secret"), "{}", warning.detail);
    }
}

#[tokio::test]
async fn an_empty_file_is_a_table_without_columns() {
    let (asset, _) = Folder::read_one("").await;
    assert_eq!(asset.fields.as_option().map(Vec::len), Some(0));
    assert_eq!(asset.stats.as_option().unwrap().row_count, Some(Stat::exact(0)));
}

#[tokio::test]
async fn a_folder_that_cannot_be_listed_is_partial_and_not_empty() {
    let folder = Folder::new();
    let sales = folder.0.path().join("sales");
    fs::remove_dir_all(&sales).unwrap();
    fs::write(&sales, "not a folder any more").unwrap();
    let namespace = Path::new(["sales"]);
    let mut options = Options::default();
    options.resume = Some(vec![Split {
        id: "sales".into(),
        namespaces: vec![namespace.clone()],
        payload: Value::Null,
    }]);
    let run = collect(folder.open().connector, options).await;
    assert!(matches!(&run.closed[&namespace], Listing::Partial(reasons) if reasons[0].code == "not_found"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_that_leads_out_of_the_folder_is_not_followed() {
    let (folder, outside) = (Folder::new(), Folder::new());
    outside.write("private", "a\n1\n");
    let target = outside.0.path();
    std::os::unix::fs::symlink(target.join("private.csv"), folder.0.path().join("private.csv")).unwrap();
    std::os::unix::fs::symlink(target, folder.0.path().join("linked")).unwrap();
    let run = folder.read().await;
    assert_eq!(run.paths().into_iter().collect::<Vec<_>>(), folder.expected());
}

#[test]
fn a_host_that_lends_no_files_refuses_the_folder() {
    let folder = Folder::new();
    let mut registry = Registry::default();
    registry.register::<CsvFolder>();
    let mut host = Host::default();
    host.local_files = LocalFiles::Below("/srv/exports".into());
    let refused = registry
        .get("csv")
        .unwrap()
        .open(folder.config(), json!({}), &host);
    assert_eq!(refused.unwrap_err().fields()[0].pointer, "/config/directory");
}
