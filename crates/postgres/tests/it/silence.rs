//! A server that is slow, and one that is gone without a word.

use crate::database::{Database, on_each_server, open, waiting};
use headwater_core::{ErrorKind, Options};
use headwater_testkit::{Collected, collect};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// Runs one attempt that may be silent for two seconds.
async fn attempt(database: &Database, change: Value) -> Collected {
    let opened = open(database.config(change), database.server.credentials()).unwrap();
    let mut options = Options::default();
    options.scope = opened.scope;
    options.attempts = 1;
    options.idle = Duration::from_secs(2);
    collect(opened.connector, options).await
}

async fn until_it_waits(database: &Database) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while waiting(database).await.is_empty() {
        assert!(Instant::now() < deadline, "nothing waits for the lock");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_catalog_is_no_silence() {
    on_each_server(|database| async move {
        database
            .sql("CREATE TABLE public.t (id int); COMMENT ON TABLE public.t IS 'x'")
            .await;
        let held = database.server.client(&database.name).await;
        held.batch_execute("BEGIN; LOCK TABLE pg_catalog.pg_description IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let release = async {
            until_it_waits(&database).await;
            sleep(Duration::from_secs(5)).await;
            held.batch_execute("COMMIT").await.unwrap();
        };
        let (run, ()) = tokio::join!(attempt(&database, json!({"lock_timeout": 60000})), release);
        assert!(run.is_complete(), "{:?}", run.ended);
        assert_eq!(run.assets.len(), 1);
        assert!(
            run.cost.source_seconds >= 5.0,
            "the snapshot was held: {:?}",
            run.cost
        );
    })
    .await;
}

/// Forwards connections to the server until `silent`, and then holds them open without a word.
async fn proxy(database: &Database, silent: watch::Receiver<bool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = (database.server.host.clone(), database.server.port);
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let (server, mut silent) = (server.clone(), silent.clone());
            tokio::spawn(async move {
                let mut far = TcpStream::connect(server).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => return,
                    _ = silent.wait_for(|silent| *silent) => {}
                }
                sleep(Duration::from_secs(120)).await;
                drop((near, far));
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_leads_nowhere_ends() {
    on_each_server(|database| async move {
        database
            .sql("CREATE TABLE public.t (id int CHECK (id > 0))")
            .await;
        let held = database.server.client(&database.name).await;
        held.batch_execute("BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let (silence, silent) = watch::channel(false);
        let port = proxy(&database, silent).await;
        let fall_silent = async {
            until_it_waits(&database).await;
            silence.send(true).unwrap();
            Instant::now()
        };
        let change = json!({"port": port, "statement_timeout": 3, "lock_timeout": 60000});
        let (run, fell_silent) = tokio::join!(attempt(&database, change), fall_silent);
        let took = fell_silent.elapsed();
        assert!(
            took > Duration::from_secs(5) && took < Duration::from_secs(30),
            "{took:?}"
        );
        let error = run.ended[0].result.as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("did not answer"), "{error}");
        assert!(run.closed.values().all(|listing| !listing.is_complete()));
    })
    .await;
}
