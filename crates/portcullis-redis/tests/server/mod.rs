//! A Redis or Valkey server of a test's own: on a free port, in a directory of its own, gone when the test is.

mod relay;

use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub(crate) use relay::Relay;

/// The longest wait for an event that always comes. A test that waits longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Below the ports that systems give to clients: a client that calls a server which is down could be given that very port, and
/// would be connected to itself.
const FIRST_PORT: u16 = 10_000;
const PORTS: u16 = 12_000;
/// The members of a cluster talk to each other on a port so much higher.
const BUS: u16 = 10_000;
/// Another process may take a port between the look at it and the start.
const ATTEMPTS: usize = 20;
const LOG: &str = "server.log";

pub(crate) struct Server {
    program: &'static str,
    arguments: Vec<String>,
    directory: TempDir,
    port: u16,
    child: Child,
}

impl Server {
    /// A server that keeps nothing, with further arguments such as `--maxmemory 2mb`.
    pub(crate) fn start(arguments: &str) -> Self {
        let found = |program: &&str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
        let program =
            ["redis-server", "valkey-server"].into_iter().find(found).expect("scripts/test installs redis-server");
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
            let child = spawn(program, port, &directory, &arguments);
            let mut server = Self { program, arguments: arguments.clone(), directory, port, child };
            match server.wait() {
                Ok(()) => return server,
                Err(_) => log = server.log(),
            }
        }
        panic!("the server doesn't start: {log}");
    }

    /// A server that keeps each write before it answers.
    pub(crate) fn durable() -> Self {
        Self::start("--appendonly yes --appendfsync always")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// On the same port, with what it kept.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.program, self.port, &self.directory, &self.arguments);
        if let Err(status) = self.wait() {
            panic!("the server doesn't start again, {status}: {}", self.log());
        }
    }

    /// It stops where it is, and answers nobody until it is thawed; connections stay open.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// It goes on with what has come meanwhile.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// A connection of the test's own, beside the store's.
    pub(crate) fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection_with_timeout(PATIENCE).unwrap()
    }

    /// Asks the server something.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let mut parts = command.split_whitespace();
        let mut asked = redis::cmd(parts.next().unwrap());
        asked.arg(parts.collect::<Vec<_>>());
        asked.query(&mut self.connection()).unwrap()
    }

    /// A field of what `INFO` tells, such as `used_memory`.
    pub(crate) fn info(&self, field: &str) -> String {
        info(&mut self.connection(), field).unwrap()
    }

    /// Until it answers, or has ended. Whoever else answers on that port isn't taken for it.
    fn wait(&mut self) -> Result<(), ExitStatus> {
        let end = Instant::now() + PATIENCE;
        let process = self.child.id().to_string();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Err(status);
            }
            let client = redis::Client::open(self.url()).unwrap();
            let connection = client.get_connection_with_timeout(Duration::from_secs(1));
            let answer = connection.and_then(|mut connection| {
                connection.set_read_timeout(Some(Duration::from_secs(1)))?;
                // It refuses while it reads what it kept.
                redis::cmd("PING").query::<()>(&mut connection)?;
                info(&mut connection, "process_id")
            });
            if answer.is_ok_and(|answering| answering == process) {
                return Ok(());
            }
            assert!(Instant::now() < end, "the server doesn't answer: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join(LOG)).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn info(connection: &mut redis::Connection, field: &str) -> Result<String, redis::RedisError> {
    let text: String = redis::cmd("INFO").query(connection)?;
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    Ok(value.unwrap_or_else(|| panic!("no `{field}` in {text}")).to_owned())
}

/// One on which nobody listens, nor on the one above it that a cluster needs. Tests that run side by side begin elsewhere.
fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let begin = std::process::id().wrapping_mul(977);
    let next = || {
        let offset = begin.wrapping_add(u32::from(TAKEN.fetch_add(1, Ordering::Relaxed))) % u32::from(PORTS);
        FIRST_PORT + u16::try_from(offset).unwrap()
    };
    let is_free = |port: &u16| [*port, *port + BUS].iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    (0..PORTS).map(|_| next()).find(is_free).expect("a free port")
}

fn spawn(program: &str, port: u16, directory: &TempDir, arguments: &[String]) -> Child {
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--logfile", LOG, "--dir"]);
    command.arg(directory.path()).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Three masters that share the slots.
pub(crate) struct Cluster {
    servers: Vec<Server>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let servers: Vec<Server> = (0..3).map(|_| Server::start("--cluster-enabled yes")).collect();
        for (server, slots) in servers.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
            let _: () = server.ask(&format!("CLUSTER ADDSLOTSRANGE {slots}"));
        }
        for server in &servers {
            let _: () = servers[0].ask(&format!("CLUSTER MEET 127.0.0.1 {}", server.port));
        }
        let cluster = Self { servers };
        cluster.wait();
        cluster
    }

    /// Until all slots are served, by what every server knows.
    pub(crate) fn wait(&self) {
        let end = Instant::now() + PATIENCE;
        let agrees = |server: &Server| {
            let info: String = server.ask("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        while !self.servers.iter().all(agrees) {
            assert!(Instant::now() < end, "the cluster doesn't come about");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.servers.iter().map(Server::url).collect()
    }

    pub(crate) fn servers(&self) -> &[Server] {
        &self.servers
    }

    pub(crate) fn servers_mut(&mut self) -> &mut [Server] {
        &mut self.servers
    }
}
