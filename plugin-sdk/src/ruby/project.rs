//! Ruby project: Gemfile and lock together.

use super::{
    gemfile::{self, Gem},
    lock::Lock,
    system::{self, System},
};
use crate::{
    App, CopyFiles, Refusal, RunCommand, Stage, Step, Warning,
    versions::{self, Asked, Chain, Chosen, Grammar, Runtime},
};

/// Cache of Bundler.
const CACHE: &str = "/root/.bundle/cache";

/// Ruby project in an app's folder.
pub struct Project {
    /// `Gemfile` or `gems.rb`. `None` means that the app has no gems.
    pub gemfile: Option<String>,
    /// Gems of the Gemfile.
    pub gems: Vec<Gem>,
    /// The lock. `None` means that versions are those of the day.
    pub lock: Option<Lock>,
    /// Packages of Debian.
    pub system: System,
    /// Messages, each with what to do.
    pub warnings: Vec<Warning>,
    chosen: Result<Chosen, Refusal>,
    /// Line that has the whole tree copied before the install.
    whole: Option<String>,
    /// Files that the Gemfile reads the version from.
    version_files: Vec<String>,
}

impl Project {
    /// Reads the project. `None` means that nothing of Ruby is there.
    ///
    /// # Errors
    /// Names file and line of what cannot be installed.
    pub fn read(app: &App<'_>) -> Result<Option<Self>, Refusal> {
        let (name, file) = match app.read("Gemfile")? {
            Some(file) => ("Gemfile", Some(file)),
            None => match app.read("gems.rb")? {
                Some(file) => ("gems.rb", Some(file)),
                None => ("Gemfile", None),
            },
        };
        if file.is_none() && !app.has("config.ru") && !app.has("app.rb") {
            return Ok(None);
        }
        let read = file.as_ref().map(|file| gemfile::read(file, name)).unwrap_or_default();
        let lock_name = if name == "gems.rb" { "gems.locked" } else { "Gemfile.lock" };
        let lock = Lock::of(app, lock_name)?;
        if let Some(lock) = &lock {
            check(lock, lock_name, &read.gems)?;
        }
        let asked = |line: usize, text: &str| Asked {
            text: text.to_owned(),
            source: format!("{name}:{line} ruby"),
            grammar: Grammar::Ruby,
        };
        let named = match &read.ruby_file {
            // The chain reads .tool-versions by itself.
            Some((_, path)) if path == ".tool-versions" => None,
            Some((_, path)) => versions::file(app, path, Grammar::Ruby)?,
            None => read.ruby.as_ref().map(|(line, text)| asked(*line, text)),
        };
        let locked = lock.as_ref().and_then(|lock| lock.asked(lock_name));
        let chosen = Chain::of(app, Runtime::Ruby)
            .first(versions::file(app, ".ruby-version", Grammar::Ruby)?)
            .then(named)
            .then(locked)
            .choose();
        let local = read.gems.iter().find(|gem| gem.path.is_some());
        let whole = local
            .map(|gem| format!("{} `{}`", gem.source, gem.name))
            .or_else(|| read.evaluates.map(|line| format!("{name}:{line}")))
            .or_else(|| app.has_dir("vendor/cache").then(|| "vendor/cache".to_owned()));
        for gem in &read.gems {
            let Some(path) = &gem.path else { continue };
            if crate::leads_out(path) {
                let reason = format!("{}: `{path}` is outside of the app's folder", gem.source);
                let hint = "name the folder that holds both in `source.directory`";
                return Err(Refusal::new(reason, hint).of("ruby", 80));
            }
            if !app.has_dir(path) {
                let reason = format!("{}: there is no folder `{path}`", gem.source);
                return Err(Refusal::new(reason, "commit it").of("ruby", 80));
            }
        }
        let mut warnings = Vec::new();
        if lock.is_none() && file.is_some() {
            warnings.push(Warning {
                message: format!("{name}: no lock file: versions are those of the day"),
                fix: format!("run `bundle lock` and commit {lock_name}"),
            });
        }
        let mut project = Self {
            gemfile: file.map(|_| name.to_owned()),
            gems: read.gems,
            lock,
            system: System::default(),
            warnings,
            chosen,
            whole,
            version_files: [
                Some(".ruby-version"),
                read.ruby_file.as_ref().map(|(_, path)| &**path),
            ]
            .into_iter()
            .flatten()
            .filter(|path| app.has(path))
            .map(str::to_owned)
            .collect(),
        };
        project.system = system::packages(|gem| project.names(gem));
        Ok(Some(project))
    }

    /// Returns where a gem that production needs is named. `None` means nowhere.
    #[must_use]
    pub fn names(&self, gem: &str) -> Option<String> {
        let declared = self.gems.iter().find(|one| one.name == gem);
        match declared {
            Some(one) if !one.dev => Some(one.source.clone()),
            Some(_) => None,
            None => {
                let lock = self.lock.as_ref()?;
                lock.gems.contains(gem).then(|| "Gemfile.lock".to_owned())
            }
        }
    }

    /// Returns the version of Ruby.
    ///
    /// # Errors
    /// Names file and line of what is no version.
    pub fn version(&self) -> Result<Chosen, Refusal> {
        self.chosen.clone()
    }

    /// Returns the base of the stages.
    ///
    /// # Errors
    /// Errors of [`Project::version`].
    pub fn base(&self) -> Result<String, Refusal> {
        let release = self.system.release().map(|name| format!("-{name}")).unwrap_or_default();
        Ok(format!("ruby:{}-slim{release}", self.version()?.version))
    }

    /// Returns the stage `build` with gems and tree, and its evidence.
    ///
    /// # Errors
    /// Errors of [`Project::version`].
    pub fn install_stage(&self, is_rails: bool) -> Result<(Stage, Vec<String>), Refusal> {
        // Gems lie in the home of gems itself, and not below a release of Ruby, so that `ruby app.rb`, `puma` and
        // `bundle exec` find them, and the Bundler of the lock beside them.
        let mut env = vec![
            ("BUNDLE_WITHOUT", "development:test"),
            ("GEM_HOME", "/bundle"),
            ("PATH", "/bundle/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            // Servers of Rack listen on localhost alone, and Sinatra refuses names of hosts, in development.
            ("RACK_ENV", "production"),
        ];
        if self.lock.is_some() {
            // `BUNDLE_DEPLOYMENT` would move the gems to vendor/bundle.
            env.insert(0, ("BUNDLE_FROZEN", "1"));
        }
        if is_rails {
            env.push(("RAILS_ENV", "production"));
        }
        let mut evidence = self.system.evidence.clone();
        let mut steps = Vec::new();
        let bundler = self.lock.as_ref().and_then(|lock| lock.bundler.as_deref());
        // Bundler 1 does not run on a Ruby of today; 2 reads its locks.
        if let Some(version) = bundler.filter(|version| !version.starts_with("1.")) {
            steps.push(ran(&["gem", "install", "bundler", "-v", version, "--no-document"], &[]));
        }
        let tree = || copied(vec![".".to_owned()], ".");
        let install = || ran(&["bundle", "install"], &[CACHE]);
        match (&self.gemfile, &self.whole) {
            (None, _) => steps.push(tree()),
            (Some(_), Some(line)) => {
                evidence.push(format!("{line}: all files are there before the install"));
                steps.extend([tree(), install()]);
            }
            (Some(name), None) => {
                let mut files = vec![name.clone()];
                if self.lock.is_some() {
                    let lock = if name == "gems.rb" { "gems.locked" } else { "Gemfile.lock" };
                    files.push(lock.to_owned());
                }
                for file in &self.version_files {
                    if !files.contains(file) {
                        files.push(file.clone());
                    }
                }
                steps.extend([copied(files, "./"), install(), tree()]);
            }
        }
        let stage = Stage {
            name: "build".into(),
            base: self.base()?,
            workdir: None,
            env: env.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            packages: self.system.build.iter().map(|&name| name.to_owned()).collect(),
            steps,
            why: None,
        };
        Ok((stage, evidence))
    }

    /// Returns the stage `test`, which has the groups for development and tests. `None` means that there are none.
    #[must_use]
    pub fn test_stage(&self, is_rails: bool) -> Option<Stage> {
        if !self.gems.iter().any(|gem| gem.dev) {
            return None;
        }
        let mut env = vec![
            ("BUNDLE_WITHOUT".to_owned(), String::new()),
            ("RACK_ENV".to_owned(), "test".to_owned()),
        ];
        if is_rails {
            env.push(("RAILS_ENV".to_owned(), "test".to_owned()));
        }
        Some(Stage {
            name: "test".into(),
            base: "build".into(),
            workdir: None,
            env,
            packages: Vec::new(),
            steps: vec![ran(&["bundle", "install"], &[CACHE])],
            why: Some("Gems of tests are not in the image".into()),
        })
    }
}

/// Refuses a lock that cannot be installed.
fn check(lock: &Lock, name: &str, gems: &[Gem]) -> Result<(), Refusal> {
    if !lock.has_linux() {
        let reason = format!("{name}:{}: no platform x86_64-linux", lock.line);
        let hint = format!("run `bundle lock --add-platform x86_64-linux` and commit {name}");
        return Err(Refusal::new(reason, hint).of("ruby", 80));
    }
    let is_known = |gem: &&Gem| {
        gem.dev || gem.conditional || gem.path.is_some() || lock.dependencies.contains(&gem.name)
    };
    let missing = gems.iter().find(|gem| !is_known(gem) && !lock.dependencies.is_empty());
    match missing {
        None => Ok(()),
        Some(gem) => {
            let reason =
                format!("{name} is out of step with {}: it has no `{}`", gem.source, gem.name);
            let hint = format!("run `bundle lock` and commit {name}");
            Err(Refusal::new(reason, hint).of("ruby", 80))
        }
    }
}

fn copied(sources: Vec<String>, dest: &str) -> Step {
    Step::Copy(CopyFiles { from: None, sources, dest: dest.to_owned(), owned: false, why: None })
}

fn ran(command: &[&str], caches: &[&str]) -> Step {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Step::Run(RunCommand {
        command: owned(command),
        caches: owned(caches),
        secrets: Vec::new(),
        why: None,
    })
}
