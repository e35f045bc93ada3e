//! A session: from the login to its end.

use crate::{channel::Channel, quote, result::Rows, row::Row, server::Server};
use headwater_core::{Cost, Cx, Result};
use std::fmt;

/// The run that a session works for.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    /// Its stop signal.
    pub(crate) cx: &'a Cx,
    /// Called at each sign of life.
    pub(crate) beat: &'a (dyn Fn() + Sync),
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// A session, until [`close`](Session::close).
#[derive(Debug)]
pub(crate) struct Session<'a> {
    channel: Channel<'a>,
    /// The role that it has.
    pub(crate) role: String,
    /// The warehouse that it uses.
    pub(crate) warehouse: Option<String>,
    /// The release that answers.
    pub(crate) version: Option<String>,
}

impl<'a> Session<'a> {
    /// Logs in, with a database as the current one.
    ///
    /// # Errors
    /// `Unauthenticated` with what to do about it.
    pub(crate) async fn open(
        server: &'a Server,
        database: Option<&'a str>,
        watch: Watch<'a>,
    ) -> Result<Self> {
        let mut data = watch.cx.or_stop(server.log_in(database)).await?;
        let info = data.session_info.take().unwrap_or_default();
        let role = info.role_name.or_else(|| server.role.clone());
        Ok(Self {
            role: role.unwrap_or_default(),
            warehouse: info.warehouse_name.or_else(|| server.warehouse.clone()),
            version: data.server_version.take(),
            channel: Channel::new(server, database, watch, data),
        })
    }

    /// The role as a statement names it.
    pub(crate) fn role_name(&self) -> String {
        match self.role.as_str() {
            "" => "the_role".to_owned(),
            role => quote::display(role),
        }
    }

    /// Runs a statement with bound texts.
    ///
    /// # Errors
    /// What Snowflake's code means.
    pub(crate) async fn query(&self, sql: &str, bound: &[&str]) -> Result<Rows> {
        self.channel.query(sql, bound).await
    }

    /// The next row of a result of this session.
    ///
    /// # Errors
    /// Those of [`Rows::next`].
    pub(crate) async fn next(&self, rows: &mut Rows) -> Result<Option<Row>> {
        rows.next(&self.channel).await
    }

    /// What was spent since the last call.
    pub(crate) fn take_cost(&self) -> Cost {
        self.channel.take_cost()
    }

    /// Ends the session at Snowflake. That it cannot be ended is no fault: it ends by itself after some hours.
    pub(crate) async fn close(&self) {
        self.channel.close().await;
    }
}
