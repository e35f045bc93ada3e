//! Logins that AWS issues.

use crate::{
    aws::{self, EXTERNAL_ID, Fake, KEY, SECRET},
    peer::Peer,
    reading::open,
    tls::front,
};
use headwater_core::{CheckReport, Cx, Error, ErrorKind, Options, Result};
use headwater_testkit::{Collected, collect};
use serde_json::{Value, json};
use std::{env, process::Command, sync::Arc};

/// A peer behind TLS, whose user is derived from an AWS identity, and the fake that issues its login.
struct Cloud {
    peer: Peer,
    fake: Arc<Fake>,
    config: Value,
}

impl Cloud {
    async fn start(lifetime: i64) -> Self {
        let peer = Peer::seeded_as("IAM:").await;
        let fake = Arc::new(Fake {
            user: peer.user.clone(),
            password: "reader-pw".into(),
            lifetime,
            cluster: "examplecluster",
            workgroup: "examplegroup",
            calls: Default::default(),
        });
        let aws = aws::start(fake.clone()).await;
        let (port, authority) = front(peer.port, "localhost").await;
        let config = json!({
            "host": "localhost", "port": port, "database": peer.name, "sslrootcert": authority,
            "region": "eu-west-1", "aws_endpoint": format!("http://127.0.0.1:{aws}"), "sts_endpoint": format!("http://127.0.0.1:{aws}"),
            "cluster_identifier": "examplecluster",
        });
        Self { peer, fake, config }
    }

    fn key(&self, change: Value) -> Value {
        let mut key = json!({"access_key_id": KEY, "secret_access_key": SECRET, "db_user": self.db_user()});
        merge(&mut key, change);
        key
    }

    fn db_user(&self) -> String {
        self.peer.user.replace("IAM:", "")
    }

    async fn check(&self, change: Value, credentials: Value) -> Result<CheckReport> {
        let mut config = self.config.clone();
        merge(&mut config, change);
        open(config, credentials)
            .unwrap()
            .connector
            .check(&Cx::default())
            .await
    }

    async fn read(&self, credentials: Value) -> Collected {
        let opened = open(self.config.clone(), credentials).unwrap();
        let mut options = Options::default();
        options.scope = opened.scope;
        collect(opened.connector, options).await
    }

    fn assert_safe(&self, error: &Error) {
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

fn merge(into: &mut Value, change: Value) {
    for (key, value) in change.as_object().unwrap() {
        into[key] = value.clone();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_for_a_named_user_serves_all_sessions() {
    let cloud = Cloud::start(3600).await;
    let run = cloud.read(cloud.key(json!({}))).await;
    cloud.peer.assert_clean(&run);
    assert!(run.assets.contains_key(&cloud.peer.path(&["public", "orders"])));
    assert_eq!(cloud.fake.actions(), ["GetClusterCredentials"]);

    let report = cloud.check(json!({}), cloud.key(json!({}))).await.unwrap();
    let grant = report.capabilities["row_counts"].grant.as_ref().unwrap();
    assert_eq!(
        *grant,
        format!("GRANT SELECT ON svv_table_info TO \"IAM:{}\"", cloud.db_user())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_ends_soon_is_renewed_for_the_next_session() {
    let cloud = Cloud::start(60).await;
    let run = cloud.read(cloud.key(json!({}))).await;
    cloud.peer.assert_clean(&run);
    // One session lists, and one reads each of the two splits.
    assert_eq!(cloud.fake.actions(), ["GetClusterCredentials"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_user_it_follows_from_the_identity() {
    let cloud = Cloud::start(3600).await;
    cloud
        .check(json!({}), cloud.key(json!({"db_user": null})))
        .await
        .unwrap();
    assert_eq!(cloud.fake.actions(), ["GetClusterCredentialsWithIAM"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workgroup_speaks_json() {
    let cloud = Cloud::start(3600).await;
    let workgroup = |name: &str| json!({"cluster_identifier": null, "workgroup_name": name});
    let key = cloud.key(json!({"db_user": null}));
    cloud.check(workgroup("examplegroup"), key.clone()).await.unwrap();
    assert_eq!(cloud.fake.actions(), ["GetCredentials"]);
    let error = cloud.check(workgroup("other"), key).await.unwrap_err();
    assert_eq!(error.fields()[0].pointer, "/config/workgroup_name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_assumed_with_its_external_id() {
    let cloud = Cloud::start(3600).await;
    let role = |id: &str| json!({"role_arn": "arn:aws:iam::123456789012:role/reader", "external_id": id});
    cloud
        .check(json!({}), cloud.key(role(EXTERNAL_ID)))
        .await
        .unwrap();
    let signed = cloud.fake.calls.lock().unwrap().clone();
    let expected = [("AssumeRole", KEY), ("GetClusterCredentials", "ASIAROLE")];
    assert_eq!(
        signed,
        expected.map(|(action, key)| (action.to_owned(), key.to_owned()))
    );
    let error = cloud
        .check(json!({}), cloud.key(role("another")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(
        error
            .grant()
            .unwrap()
            .contains("sts:AssumeRole on arn:aws:iam::123456789012:role/reader")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_refuses_is_told_without_a_secret() {
    let cloud = Cloud::start(3600).await;
    let wrong = cloud.key(json!({"secret_access_key": "hunter2-wrong"}));
    let error = cloud.check(json!({}), wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    cloud.assert_safe(&error);
    let error = cloud
        .check(json!({}), cloud.key(json!({"db_user": "other"})))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(
        error
            .grant()
            .unwrap()
            .contains("redshift:GetClusterCredentials on dbuser:examplecluster/other")
    );
    let error = cloud
        .check(json!({"cluster_identifier": "gone"}), cloud.key(json!({})))
        .await
        .unwrap_err();
    assert_eq!(error.fields()[0].pointer, "/config/cluster_identifier");
    let plain = open(
        cloud
            .peer
            .config(json!({"region": "eu-west-1", "cluster_identifier": "c"})),
        cloud.key(json!({})),
    );
    assert_eq!(
        plain.unwrap_err().fields()[0].pointer,
        "/config/sslmode",
        "never in the clear"
    );
}

/// Proves the fake, not the connector: the official SDK signs and reads what it answers.
#[tokio::test(flavor = "multi_thread")]
async fn the_fake_serves_boto3() {
    let python = env::var("HEADWATER_TEST_AWS_PYTHON")
        .expect("HEADWATER_TEST_AWS_PYTHON is not set: run cargo xtask test, which installs AWS's packages");
    let fake = Arc::new(Fake {
        user: "IAM:ann".into(),
        password: "a&b<c".into(),
        lifetime: 900,
        cluster: "examplecluster",
        workgroup: "examplegroup",
        calls: Default::default(),
    });
    let port = aws::start(fake.clone()).await;
    let script = include_str!("boto3_client.py");
    let url = format!("http://127.0.0.1:{port}");
    let arguments = [url, KEY.into(), SECRET.into(), EXTERNAL_ID.into()];
    let run = move || {
        Command::new(python)
            .arg("-c")
            .arg(script)
            .args(arguments)
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        fake.actions(),
        [
            "GetClusterCredentials",
            "GetClusterCredentialsWithIAM",
            "GetCredentials",
            "AssumeRole",
            "GetClusterCredentials"
        ]
    );
}
