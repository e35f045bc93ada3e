//! How a run ends before its time: stopped, dropped, or given up as hung.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_stopped_connector_has_time_to_end_its_work_at_the_source() {
    let cleaned = Arc::new(AtomicBool::new(false));
    let connector = one_split({
        let cleaned = cleaned.clone();
        move |_, out, _| {
            let cleaned = cleaned.clone();
            Box::pin(async move {
                out.cx().stop().cancelled().await;
                sleep(Duration::from_secs(4)).await;
                cleaned.store(true, SeqCst);
                Ok(())
            })
        }
    });
    let (events, took) = stopped_run(connector).await;
    assert!(cleaned.load(SeqCst));
    assert_eq!(took, Duration::from_secs(4));
    assert_eq!(
        error(&events).kind(),
        ErrorKind::Stopped,
        "whatever the connector returns"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_does_not_heed_the_stop_is_dropped_after_the_grace() {
    let dropped = Arc::new(AtomicBool::new(false));
    let connector = one_split({
        let dropped = dropped.clone();
        move |_, _, _| {
            let alive = SetOnDrop(dropped.clone());
            Box::pin(async move {
                let _alive = alive;
                std::future::pending().await
            })
        }
    });
    let (events, took) = stopped_run(connector).await;
    assert!(dropped.load(SeqCst));
    assert_eq!(took, Options::default().grace);
    assert_eq!(error(&events).kind(), ErrorKind::Stopped);
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Stops a run once it has started a split; its remaining events and how long it went on.
async fn stopped_run(connector: Arc<Scripted>) -> (Vec<SyncEvent>, Duration) {
    let options = Options::default();
    let stop = options.cx.stop().clone();
    let mut events = sync(connector, options);
    while !matches!(events.next().await, Some(SyncEvent::Started { .. })) {}
    sleep(Duration::from_secs(1)).await;
    stop.cancel();
    let begin = Instant::now();
    (events.collect().await, begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_for_another_attempt() {
    let hour = Duration::from_secs(3600);
    let connector =
        one_split(move |_, _, _| Box::pin(async move { Err(unavailable().with_retry_after(hour)) }));
    let (events, took) = stopped_run(connector).await;
    assert_eq!(took, Duration::ZERO);
    assert_eq!(endings(&events).len(), 1, "no attempt follows: {events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_stops_the_run() {
    let stopped = Arc::new(AtomicBool::new(false));
    let connector = one_split({
        let stopped = stopped.clone();
        move |_, out, _| {
            let stopped = stopped.clone();
            Box::pin(async move {
                out.cx().stop().cancelled().await;
                stopped.store(true, SeqCst);
                Err(Error::stopped())
            })
        }
    });
    let mut stream = sync(connector, Options::default());
    while !matches!(stream.next().await, Some(SyncEvent::Started { .. })) {}
    drop(stream);
    sleep(Duration::from_millis(1)).await;
    assert!(stopped.load(SeqCst));
}

#[tokio::test(start_paused = true)]
async fn silence_is_a_failure_that_is_tried_again() {
    let connector = one_split(|_, _, call| {
        Box::pin(async move {
            match call {
                1 => std::future::pending().await,
                _ => Ok(()),
            }
        })
    });
    let options = Options {
        grace: Duration::ZERO,
        ..Options::default()
    };
    let begin = Instant::now();
    let events = events(connector, options).await;
    let endings = endings(&events);
    assert_eq!(endings[0].1.as_ref().unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(endings[1].1.is_ok());
    assert_eq!(
        begin.elapsed(),
        Options::default().idle + Options::default().backoff
    );
}

#[tokio::test(start_paused = true)]
async fn a_beat_is_no_silence() {
    let connector = one_split(|_, out, _| {
        Box::pin(async move {
            for _ in 0..5 {
                sleep(Duration::from_secs(200)).await;
                out.beat();
            }
            Ok(())
        })
    });
    let events = events(connector, Options::default()).await;
    assert!(endings(&events)[0].1.is_ok(), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_slow_consumer_is_no_silence_of_the_source() {
    let connector = one_split(|split, out, _| {
        Box::pin(async move {
            for number in 0..3 {
                out.asset(table(&split.namespaces[0], &number.to_string()))
                    .await?;
                sleep(Duration::from_secs(150)).await;
            }
            Ok(())
        })
    });
    let options = Options {
        buffer: 1,
        idle: Duration::from_secs(300),
        ..Options::default()
    };
    let mut stream = sync(connector, options);
    while !matches!(stream.next().await, Some(SyncEvent::Started { .. })) {}
    // The second asset waits from 150 s on, and finds room 10 s before the idle time has passed twice.
    sleep(Duration::from_secs(740)).await;
    let rest: Vec<SyncEvent> = stream.collect().await;
    assert_eq!(items(&rest).len(), 3);
    assert!(endings(&rest)[0].1.is_ok(), "{rest:?}");
}
