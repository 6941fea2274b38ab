//! A database: PostgreSQL of Debian, on the bed's bridge, where pods reach it. Only tests that need one start it.

use crate::{
    Layout, Result, install,
    layout::HOST,
    process::{Running, await_ready, listens, run, start_command},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// User with all rights, without a password.
pub const USER: &str = "shop";

/// Time in which a database is up.
const READY: Duration = Duration::from_secs(60);

/// Folder of Debian's versions of PostgreSQL.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// A database that runs.
pub struct Postgres {
    port: u16,
    /// The files of the database, and its socket. Its user has to reach them, and may not look into the bed's folders.
    data: PathBuf,
    running: Option<Running>,
}

/// Starts an empty database. It ends with the thread that started it.
pub fn up(layout: &Layout, port: u16) -> Result<Postgres> {
    // Debian's package has the user, too, as whom it runs: it refuses to be root.
    install::program(PROGRAMS, "postgresql")?;
    let programs = newest(Path::new(PROGRAMS))?.join("bin");
    let data = env::temp_dir().join(format!("windlass-bed-postgres-{port}"));
    let _ = fs::remove_dir_all(&data);
    fs::create_dir_all(&data)?;
    run(Command::new("chown").arg("postgres:postgres").arg(&data))?;
    let mut database = Postgres { port, data, running: None };
    let mut init = as_postgres(&programs.join("initdb"));
    init.arg("-D").arg(&database.data);
    run(init.args(["-U", USER, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]))?;
    // Whoever reaches the bridge may come in: nobody outside of this machine does.
    let hosts = database.data.join("pg_hba.conf");
    fs::write(hosts, "local all all trust\nhost all all 0.0.0.0/0 trust\n")?;
    let mut command = as_postgres(&programs.join("postgres"));
    command.arg("-D").arg(&database.data).arg("-k").arg(&database.data);
    command.args(["-h", HOST, "-p", &port.to_string(), "-c", "fsync=off"]);
    let log = layout.at(&format!("log/postgres-{port}.log"));
    let mut running = start_command("postgres", &log, command)?;
    await_ready(&mut running, &log, READY, || {
        listens(HOST, port) && database.sql("SELECT 1").is_ok()
    })?;
    database.running = Some(running);
    Ok(database)
}

impl Postgres {
    /// Returns the address for clients.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{HOST}:{}", self.port)
    }

    /// Runs a statement, and returns its rows, one a line, their columns with `|` between them.
    pub fn sql(&self, statement: &str) -> Result<String> {
        Ok(run(&mut self.client(statement))?.trim().to_owned())
    }

    /// Returns a client that runs statements in one transaction.
    #[must_use]
    pub fn client(&self, statements: &str) -> Command {
        let mut command = Command::new("psql");
        command.args(["-h", HOST, "-p", &self.port.to_string(), "-U", USER, "-d", "postgres"]);
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statements]);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It writes until it has ended.
        self.running = None;
        let _ = fs::remove_dir_all(&self.data);
    }
}

/// Returns a command of the user `postgres` that ends with the thread that starts it.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]);
    command.args(["--pdeathsig", "INT", "--"]).arg(program);
    // The folder of the caller may be closed to it.
    command.current_dir("/");
    command
}

/// Returns the folder with the highest number in its name.
fn newest(folder: &Path) -> Result<PathBuf> {
    let versions = fs::read_dir(folder)?.flatten().filter_map(|entry| {
        let number: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((number, entry.path()))
    });
    let newest = versions.max();
    Ok(newest.ok_or_else(|| format!("{} has no version", folder.display()))?.1)
}
