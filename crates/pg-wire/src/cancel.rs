use crate::Server;
use futures_util::pin_mut;
use headwater_core::{Cx, Error, Result};
use std::{future::Future, time::Duration};
use tokio::time::timeout;
use tokio_postgres::CancelToken;

/// Runs work on a session. On a stop the server is told to end the running statement: dropping a future
/// does not end it there.
///
/// # Errors
/// The work's own, or `Stopped`.
pub async fn or_cancel<T>(
    server: &Server,
    token: CancelToken,
    cx: &Cx,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    pin_mut!(work);
    let result = tokio::select! {
        biased;
        () = cx.stop().cancelled() => None,
        result = &mut work => Some(result),
    };
    match result {
        Some(result) if result.is_ok() || !cx.stop().is_cancelled() => result,
        ended => {
            server.cancel(&token).await;
            if ended.is_none() {
                let _late = timeout(Duration::from_secs(5), work).await;
            }
            Err(Error::stopped())
        }
    }
}
