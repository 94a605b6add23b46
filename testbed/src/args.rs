//! The command line.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use cloakroom::ServerSideSessionConfig;

/// Every session operation as an HTTP route.
#[derive(Debug, Parser)]
pub struct Args {
    /// Where to listen; a loopback address. Port 0 picks one.
    #[arg(long, default_value = "127.0.0.1:4000")]
    pub listen: SocketAddr,
    /// Where sessions are kept, such as `memory:`.
    #[arg(long, default_value = "memory:")]
    pub store: String,
    /// The framework that serves.
    #[arg(long, value_enum, default_value_t = Adapter::Tower)]
    pub adapter: Adapter,
    /// A TOML file with fields of `ServerSideSessionConfig`.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// A field of `ServerSideSessionConfig`, as `name=value`; also `preset=…` and `profile=…`.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
}

/// A framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Adapter {
    /// tower, with axum.
    Tower,
    /// actix-web.
    Actix,
}

/// A command line that cannot be served.
#[derive(Debug)]
pub struct SettingsError(String);

impl SettingsError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

impl Args {
    /// The address, if it is a loopback one.
    ///
    /// # Errors
    /// For any other address, and for an adapter that is not there.
    pub fn address(&self) -> Result<SocketAddr, SettingsError> {
        if self.adapter == Adapter::Actix {
            return Err(SettingsError::new(
                "the actix adapter is not there yet; use `--adapter tower`",
            ));
        }
        if !self.listen.ip().is_loopback() {
            return Err(SettingsError::new(format!(
                "{} is not a loopback address; the testbed lets anyone end sessions, so it listens on 127.0.0.1 only",
                self.listen.ip()
            )));
        }
        Ok(self.listen)
    }

    /// The configuration of the file, then of each `--set`, in order.
    ///
    /// # Errors
    /// For a file that cannot be read, and for settings that are none.
    pub fn config(&self) -> Result<ServerSideSessionConfig, SettingsError> {
        let mut config = match &self.config {
            None => ServerSideSessionConfig::default(),
            Some(path) => {
                let failed = |error: &dyn fmt::Display| {
                    SettingsError::new(format!("{}: {error}", path.display()))
                };
                let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
                toml::from_str(&text).map_err(|error| failed(&error))?
            }
        };
        // A preset replaces all that was set, so it comes first wherever it stands.
        let presets = self.set.iter().filter(|setting| setting.starts_with("preset="));
        let others = self.set.iter().filter(|setting| !setting.starts_with("preset="));
        for setting in presets.chain(others) {
            let (name, value) = setting.split_once('=').ok_or_else(|| {
                SettingsError::new(format!(
                    "`--set {setting}` has no `=`; write `--set name=value`"
                ))
            })?;
            config =
                config.set(name, value).map_err(|error| SettingsError::new(error.to_string()))?;
        }
        Ok(config)
    }
}
