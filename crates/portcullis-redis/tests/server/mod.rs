//! Redis or Valkey servers for tests. Each has a free port and a directory of its own, and ends with its test.

pub(crate) mod relay;

use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tempfile::TempDir;

/// The longest wait for an event that always comes. A test that waits longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The first of the ports, which are below the ephemeral ones of clients: a client that connects to a stopped server could be given the
/// server's port, and would be connected to itself.
const FIRST_PORT: u16 = 10_000;
const PORTS: u16 = 12_000;
/// The offset of the port on which the members of a cluster communicate.
const BUS: u16 = 10_000;
/// The number of attempts to start: another process may take a free port first.
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
    /// Starts a server without persistence, with further arguments such as `--maxmemory 2mb`.
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

    /// Starts a server that persists each write before it answers.
    pub(crate) fn durable() -> Self {
        Self::start("--appendonly yes --appendfsync always")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills the server with `SIGKILL`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the server again on the same port, with its persisted data.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.program, self.port, &self.directory, &self.arguments);
        if let Err(status) = self.wait() {
            panic!("the server doesn't start again, {status}: {}", self.log());
        }
    }

    /// Stops the server until it is thawed. Connections stay open. Returns once it has stopped.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        let (_, status) = waitpid(Some(Pid::from_child(&self.child)), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped());
    }

    /// Continues the server, which handles the requests that arrived meanwhile.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Opens a connection for the test itself.
    pub(crate) fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection_with_timeout(PATIENCE).unwrap()
    }

    /// Sends a command to the server.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let mut parts = command.split_whitespace();
        let mut asked = redis::cmd(parts.next().unwrap());
        asked.arg(parts.collect::<Vec<_>>());
        asked.query(&mut self.connection()).unwrap()
    }

    /// Reads a field of `INFO`, such as `used_memory`.
    pub(crate) fn info(&self, field: &str) -> String {
        info(&mut self.connection(), field).unwrap()
    }

    /// Waits until the server answers or has ended. Checks that the answer isn't another process's.
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
                // The server refuses while it loads its data.
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

/// Finds a free port whose cluster port is free too. Parallel test processes begin at different ports.
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

/// A cluster of three masters.
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

    /// Waits until every server knows that all slots are served.
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
