//! A line to a server that can be cut.

use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Forwards connections, as long as it is up.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    up: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// A line to this host and port, which is up.
    pub(crate) async fn to(host: String, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let up = Arc::new(watch::Sender::new(true));
        let state = up.clone();
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (mut state, host) = (state.subscribe(), host.clone());
                tokio::spawn(async move {
                    if !*state.borrow_and_update() {
                        return;
                    }
                    let mut far = TcpStream::connect((host, port)).await.unwrap();
                    tokio::select! {
                        _ended = copy_bidirectional(&mut near, &mut far) => {}
                        _cut = state.changed() => {}
                    }
                });
            }
        });
        Self { address, up }
    }

    /// Cuts the connections that there are, and those to come.
    pub(crate) fn down(&self) {
        self.up.send_replace(false);
    }

    /// Lets connections through that are opened from now on.
    pub(crate) fn up(&self) {
        self.up.send_replace(true);
    }
}
