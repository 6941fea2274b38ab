//! The page of the demo's daemon: its address, and a token of this demo alone.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{Read, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    process::Command,
};
use windlass_bed::{Daemon, Layout, Result, layout::port, process::run};

/// Bytes of the token.
const TOKEN: usize = 32;

/// Address at which people watch the demo, and the file with the token that they log in with.
pub(super) struct Page {
    address: String,
    token_file: PathBuf,
}

impl Page {
    /// Makes a token, in a file that no other user of this machine reads.
    pub(super) fn new(layout: &Layout) -> Result<Self> {
        let mut bytes = [0; TOKEN];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let mut token = String::new();
        for byte in bytes {
            write!(token, "{byte:02x}")?;
        }
        let token_file = layout.at("demo.token");
        let _ = fs::remove_file(&token_file);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&token_file)?;
        file.write_all(token.as_bytes())?;
        Ok(Self { address: format!("http://127.0.0.1:{}", layout.port(port::PAGE)), token_file })
    }

    /// Returns the tables of the daemon's configuration: the page, and webhooks at an address of their own.
    pub(super) fn tables(&self, layout: &Layout) -> Result<String> {
        let sum = run(Command::new("sha256sum").arg(&self.token_file))?;
        let hash = sum.split(' ').next().unwrap_or_default();
        let hooks = format!("127.0.0.1:{}", layout.port(port::HOOKS));
        Ok(format!(
            "[listen]\ntcp = \"127.0.0.1:{}\"\nurl = \"{}\"\nhooks = \"{hooks}\"\n\
             hooks-url = \"http://{hooks}\"\n\
             [[principals]]\nname = \"you\"\ntoken-sha256 = \"{hash}\"\nprojects = [\"*\"]\n\
             verbs = [\"read\", \"deploy\", \"secrets\", \"projects\", \"approve\"]\n",
            layout.port(port::PAGE),
            self.address,
        ))
    }

    /// Prints the page's address with a login link, by the command that prints further ones.
    pub(super) fn show(&self, daemon: &Daemon) -> Result<()> {
        let token_file = self.token_file.display().to_string();
        let args = ["--address", &self.address, "--token-file", &token_file, "dashboard"];
        println!("$ windlass {}", args.join(" "));
        let status = daemon.show(&args)?;
        if !status.success() {
            return Err(
                format!("no login link: {status}; the daemon's log:\n{}", daemon.log()).into()
            );
        }
        println!("  the link is good once: the same command prints another one");
        Ok(())
    }
}
