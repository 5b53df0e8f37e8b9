//! A connection, and the scripts that are called over it.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use portcullis_store::StoreError;
use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster::ClusterConfig;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, ServerErrorKind};

use crate::config::{Config, ConnectError};

pub(crate) static CHARGE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("charge/arithmetic.lua"),
        include_str!("charge/by_one_rate.lua"),
        include_str!("charge/others.lua"),
        include_str!("charge/stages.lua"),
    ))
});
pub(crate) static REFUND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("refund.lua")));
pub(crate) static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));
pub(crate) static SWAP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("swap.lua")));

/// A script. Servers identify it by its digest.
pub(crate) struct Script {
    text: &'static str,
    digest: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, digest: redis::Script::new(text).get_hash().to_owned() }
    }
}

/// The number of times that a cluster's client follows a slot that has moved, within the call's timeout.
const RETRIES: u32 = 3;
/// The shortest and the longest wait for a slot that is moving, in milliseconds.
const FIRST_RETRY: u64 = 10;
const LAST_RETRY: u64 = 100;
/// The idle time after which keep-alive probes detect that the server's machine is gone.
const SILENCE: Duration = Duration::from_secs(10);

fn tcp() -> TcpSettings {
    TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE))
}

/// A connection that reconnects when it breaks.
#[derive(Clone)]
pub(crate) enum Link {
    Server(Arc<Server>),
    Cluster(ClusterConnection),
}

/// The connection to one server.
pub(crate) struct Server {
    client: Client,
    settings: ConnectionManagerConfig,
    manager: Mutex<ConnectionManager>,
}

impl Server {
    fn manager(&self) -> ConnectionManager {
        self.manager.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolves the address again, which may lead to another server now: this one may have become a replica.
    fn reconnect(&self) {
        if let Ok(anew) = ConnectionManager::new_lazy_with_config(self.client.clone(), self.settings.clone()) {
            *self.manager.lock().unwrap_or_else(PoisonError::into_inner) = anew;
        }
    }
}

impl Link {
    /// Prepares a connection to one server, which is made with the first call.
    pub(crate) fn to_server(url: &str, config: &Config) -> Result<Self, ConnectError> {
        let address = url.into_connection_info().map_err(|_| ConnectError::Url)?;
        let client = Client::open(address.set_tcp_settings(tcp())).map_err(|_| ConnectError::Url)?;
        tokio::runtime::Handle::try_current().map_err(|_| ConnectError::Runtime)?;
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(config.timeout))
            .set_response_timeout(Some(config.timeout))
            .set_min_delay(config.first_pause)
            .set_max_delay(config.longest_pause)
            .set_number_of_retries(usize::MAX);
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), settings.clone());
        let manager = Mutex::new(manager.map_err(|_| ConnectError::Url)?);
        Ok(Self::Server(Arc::new(Server { client, settings, manager })))
    }

    /// Prepares the connections to a cluster, which are made with the first call.
    pub(crate) fn to_cluster(urls: &[&str], config: &Config) -> Result<Self, ConnectError> {
        let settings = ClusterClient::builder(urls.iter().copied())
            .connection_timeout(config.timeout)
            .response_timeout(config.timeout)
            .overall_response_timeout(Some(config.timeout))
            .tcp_settings(tcp())
            .retries(RETRIES)
            .min_retry_wait(FIRST_RETRY)
            .max_retry_wait(LAST_RETRY);
        let client = settings.build().map_err(|_| ConnectError::Url)?;
        tokio::runtime::Handle::try_current().map_err(|_| ConnectError::Runtime)?;
        Ok(Self::Cluster(client.get_pending_async_connection_with_config(ClusterConfig::new())))
    }

    /// Calls a script on keys of one slot. If the server doesn't know the script, as after a restart, sends its text.
    pub(crate) async fn call<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&[u8]],
        arguments: &[&[u8]],
    ) -> Result<T, Failed> {
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(keys.len());
            for part in keys {
                command.arg(*part);
            }
            for argument in arguments {
                command.arg(*argument);
            }
            command
        };
        match self.query(&command("EVALSHA", &script.digest)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                Ok(self.query(&command("EVAL", script.text)).await?)
            }
            answer => Ok(answer?),
        }
    }

    /// Sends a command with keys of one slot.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let value = match self {
            Self::Server(server) => server.manager().req_packed_command(command).await,
            Self::Cluster(cluster) => cluster.clone().req_packed_command(command).await,
        };
        let value = value.and_then(redis::Value::extract_error);
        if let (Self::Server(server), Err(error)) = (self, &value)
            && is_wrong_server(error)
        {
            server.reconnect();
        }
        Ok(redis::from_redis_value(value?)?)
    }
}

/// True if the server is the wrong one for this call, or doesn't know the caller.
fn is_wrong_server(error: &RedisError) -> bool {
    matches!(error.code(), Some("READONLY" | "MOVED" | "NOAUTH" | "NOREPLICAS"))
}

/// A call that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    /// The kind of the failure. The details are left out, as they may contain hosts, users and keys.
    pub(crate) error: StoreError,
    /// True if the server can't serve any call for now.
    pub(crate) is_away: bool,
}

impl Failed {
    pub(crate) fn timed_out() -> Self {
        Self { error: StoreError::Away("no answer in time".to_owned()), is_away: true }
    }

    pub(crate) fn unreadable(what: &str) -> Self {
        Self { error: StoreError::Unreadable(what.to_owned()), is_away: false }
    }
}

impl From<RedisError> for Failed {
    fn from(error: RedisError) -> Self {
        let refused = |is_away| Self {
            error: StoreError::Refused(error.code().unwrap_or("an error without a name").to_owned()),
            is_away,
        };
        match error.kind() {
            _ if is_wrong_server(&error) => refused(true),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading | ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown,
            ) => refused(true),
            ErrorKind::Server(_) | ErrorKind::Extension => refused(false),
            ErrorKind::UnexpectedReturnType | ErrorKind::Parse => Self::unreadable("the server's answer"),
            _ => Self { error: StoreError::Away(error.category().to_owned()), is_away: true },
        }
    }
}
