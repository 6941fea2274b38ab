//! Logins with a user and a password file, which is read at each use.

use super::refusal::refused;
use crate::config::Config;
use std::{collections::BTreeMap, path::PathBuf};
use tokio::{fs::File, io::AsyncReadExt};
use windlass_engine::ports::{Credential, Login};
use windlass_model::{error::PluginError, secret::Secret};

/// Most bytes of a password file. Tokens of registries have a few KiB.
const LARGEST: u64 = 64 << 10;

/// A user, and the file with the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FixedLogin {
    user: String,
    file: PathBuf,
}

/// All logins with a password file, by host.
#[derive(Debug, Default)]
pub(super) struct FixedLogins {
    main: BTreeMap<String, FixedLogin>,
    pull: BTreeMap<String, FixedLogin>,
}

impl FixedLogins {
    pub(super) fn of(config: &Config) -> Self {
        let login = |user: &Option<String>, file: &Option<PathBuf>| {
            Some(FixedLogin { user: user.clone()?, file: file.clone()? })
        };
        let mut all = Self::default();
        for registry in &config.registries {
            let host = || registry.host.clone();
            let main = login(&registry.username, &registry.password_file);
            all.main.extend(main.map(|login| (host(), login)));
            let pull = registry.pull.as_ref();
            let pull = pull.and_then(|pull| login(&pull.username, &pull.password_file));
            all.pull.extend(pull.map(|login| (host(), login)));
        }
        all
    }

    /// Returns a registry's own login.
    pub(super) fn main(&self, host: &str) -> Option<&FixedLogin> {
        self.main.get(host)
    }

    /// Returns a registry's login for pulls alone.
    pub(super) fn pull(&self, host: &str) -> Option<&FixedLogin> {
        self.pull.get(host)
    }

    /// Returns the hosts of all registries.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.main.keys().chain(self.pull.keys()).map(String::as_str)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &FixedLogin> {
        self.main.values().chain(self.pull.values())
    }
}

impl FixedLogin {
    /// Reads the password. White space around it is left out.
    pub(super) async fn read(&self) -> Result<Login, PluginError> {
        let password = self.password().await.map_err(|problem| {
            let message = format!("registries: password-file: {}: {problem}", self.file.display());
            refused(message, "write the password or token into this file; it is read at each login")
        })?;
        Ok(Login { credential: Credential::Basic(self.user.clone(), password), renew_ms: None })
    }

    async fn password(&self) -> Result<Secret, String> {
        let file = File::open(&self.file).await.map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        let read = file.take(LARGEST + 1).read_to_end(&mut bytes).await;
        let length = read.map_err(|error| error.to_string())?;
        if u64::try_from(length).unwrap_or(u64::MAX) > LARGEST {
            return Err(format!("has more than {LARGEST} bytes; expected one password"));
        }
        let password = Secret::new(bytes.trim_ascii().to_vec());
        match password.reveal_text() {
            Some("") => Err("is empty; expected a password".into()),
            Some(_) => Ok(password),
            None => Err("is not UTF-8; expected a password".into()),
        }
    }
}
