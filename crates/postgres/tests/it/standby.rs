//! A streaming standby: read like any server, and its conflicts with replication are tried again.

use crate::{
    broken::{Held, config, first_failure, with_tables},
    cluster::{Cluster, bins},
    database::{assert_complete, open, read},
};
use headwater_core::Cx;
use serde_json::json;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;
use tokio_postgres::Client;

/// It replays at once what is sent, whatever that takes away from those who read, and reports every second
/// how far it is.
const IMPATIENT: &str = "-c hot_standby=on -c max_standby_streaming_delay=0 -c hot_standby_feedback=off \
                         -c wal_receiver_status_interval=1";

async fn pair(bin: &Path) -> (Cluster, Cluster) {
    let primary = with_tables(bin).await;
    let standby = Cluster::standby_of(&primary, IMPATIENT);
    (primary, standby)
}

/// Waits until the standby has replayed what the primary has written. The primary is asked: a question to the
/// standby may be ended by what it replays, as the run is.
async fn replayed(primary: &Client) {
    let sql = "SELECT pg_current_wal_lsn()::text";
    let written: String = primary.query_one(sql, &[]).await.unwrap().get(0);
    let deadline = Instant::now() + Duration::from_secs(30);
    let sql = format!("SELECT count(*) = 1 FROM pg_stat_replication WHERE replay_lsn >= '{written}'::pg_lsn");
    while !primary.query_one(&sql, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < deadline, "the standby does not follow");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_standby_reads_like_its_primary() {
    for bin in bins() {
        let (primary, standby) = pair(&bin).await;
        let credentials = json!({"username": "postgres"});
        let opened = open(config(standby.server.port), credentials.clone()).unwrap();
        opened.connector.check(&Cx::default()).await.unwrap();
        let here = read(config(primary.server.port), credentials.clone()).await;
        let there = read(config(standby.server.port), credentials).await;
        assert_complete(&there);
        assert_eq!(there.assets, here.assets);
        assert_eq!(
            there.discovery.unwrap().identity,
            here.discovery.unwrap().identity,
            "they are one source"
        );
    }
}

#[tokio::test]
async fn a_conflict_with_replication_is_tried_again() {
    for bin in bins() {
        let (primary, standby) = pair(&bin).await;
        let mut run = Held::at_the_first_asset(config(standby.server.port), 3).await;
        // Removes rows that the snapshot of the held run may still need: the standby must end it to go on.
        // Again where nothing was removed: VACUUM passes over a page that is in use.
        let admin = primary.server.client("postgres").await;
        let deadline = Instant::now() + Duration::from_secs(30);
        while !standby.log().contains("due to conflict with recovery") {
            assert!(Instant::now() < deadline, "no conflict: {}", standby.log());
            for statement in [
                "CREATE TABLE public.gone ()",
                "DROP TABLE public.gone",
                "VACUUM pg_class",
            ] {
                admin.batch_execute(statement).await.unwrap();
            }
            replayed(&admin).await;
        }
        run.end_of_attempt().await;
        let run = run.rest().await;
        let error = first_failure(&run);
        assert!(error.to_string().contains("40001"), "{error:?}");
        assert!(run.ended[1].result.is_ok(), "{:?}", run.ended);
        assert_complete(&run);
        let direct = read(config(primary.server.port), json!({"username": "postgres"})).await;
        assert_eq!(run.paths(), direct.paths());
    }
}
