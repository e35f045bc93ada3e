//! Wake-ups between the servers on one PostgreSQL: LISTEN and NOTIFY.
//!
//! A wake-up says "look", and nothing depends on it: servers look by themselves now and then. It is sent
//! within the transaction that it tells of, and so arrives when that has been committed. It stays within
//! the database; two catalogs in two schemas of one database wake each other for nothing, which does no harm.

use super::postgres::{Options, connect};
use crate::{Error, Result};
use diesel_async::SimpleAsyncConnection;
use futures_util::StreamExt;
use std::{pin::pin, time::Duration};
use tokio::time::sleep;

pub(super) const NOTIFY: &str = "NOTIFY headwater_run";
const LISTEN: &str = "LISTEN headwater_run";

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A connection on which nothing is ever sent finds out only by this that its peer is gone.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Calls `woken` at each wake-up, on a connection of its own that is opened again when it breaks.
pub(super) async fn listen(mut options: Options, woken: impl Fn()) {
    options.keep_alive(KEEPALIVE);
    let mut wait = FIRST_WAIT;
    loop {
        let mut listened = false;
        let ended = listen_once(options.clone(), || {
            listened = true;
            woken();
        });
        let error = ended.await.err();
        wait = match listened {
            true => FIRST_WAIT,
            false => LONGEST_WAIT.min(wait * 2),
        };
        tracing::warn!(?error, "no wake-ups from other servers for now; trying again");
        sleep(wait).await;
    }
}

/// Listens until the connection breaks.
async fn listen_once(options: Options, mut woken: impl FnMut()) -> Result<()> {
    let mut conn = connect(options).await.map_err(Error::store)?;
    conn.batch_execute(LISTEN).await?;
    // What was sent while nobody listened is not sent again.
    woken();
    let mut notifications = pin!(conn.notifications_stream());
    while let Some(notification) = notifications.next().await {
        notification?;
        woken();
    }
    Ok(())
}
