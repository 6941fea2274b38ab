//! Migrations before traffic, on a real PostgreSQL: an app whose table changes while two versions of it serve.

use serde_json::Value;
use std::{
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{
    Repository,
    layout::port,
    part::postgres::{self, Postgres},
};
use windlass_tests::{Ended, SMALL, TestEnv, bed, traffic::Target};

const PROGRAM: &str = include_str!("migrations/shop.py");

const DOCKERFILE: &str = "FROM python:3.11-slim\nWORKDIR /app\nCOPY shop.py ./\nUSER 10001\n\
     EXPOSE 8080\nCMD [\"python3\", \"shop.py\", \"serve\"]\n";

/// Table of the first version.
const FIRST: &str = "CREATE TABLE items (name text NOT NULL)|INSERT INTO items VALUES ('tea')";

/// Change that the second version needs, and the first one bears.
const SECOND: &str = "ALTER TABLE items ADD COLUMN title text|UPDATE items SET title = name";

/// A shop on a database of its own.
struct Shop {
    env: TestEnv,
    repository: Repository,
    database: Postgres,
}

impl Shop {
    fn new(name: &'static str, port: u16) -> Self {
        let database = postgres::up(&bed().layout, port).unwrap();
        let env = TestEnv::new(name);
        let repository = env.repository();
        repository.write("Dockerfile", DOCKERFILE).unwrap();
        repository.write("shop.py", PROGRAM).unwrap();
        repository.write("windlass.toml", SMALL).unwrap();
        repository.commit("sell").unwrap();
        Self { env, repository, database }
    }

    /// Writes the spec of a version, and returns its path. `tables` are behind the keys of the app.
    fn spec(&self, version: &str, tables: &str) -> String {
        let address = self.database.address();
        let text = format!(
            "health = \"/healthz\"\n{tables}\n[env]\nVERSION = \"{version}\"\nDATABASE = \"{address}\"\n{SMALL}"
        );
        self.env.spec_file(version, &text)
    }

    fn release(&self, version: &str, tables: &str) -> Ended {
        let spec = self.spec(version, tables);
        self.env.submit("app", self.repository.url(), &["--spec", &spec])
    }

    /// Begins to release a version of an app, and returns the job's id.
    fn begin(&self, app: &str, version: &str, tables: &str) -> String {
        let spec = self.spec(version, tables);
        self.env.submit_detached(app, self.repository.url(), &["--spec", &spec])
    }

    fn sql(&self, statement: &str) -> String {
        self.database.sql(statement).unwrap()
    }

    /// Locks a table, as somebody does who changes it by hand: nobody else reads it.
    fn lock(&self, table: &str) -> Child {
        let statements = format!("BEGIN; LOCK TABLE {table}; SELECT pg_sleep(600)");
        let holder = self.database.client(&statements).spawn().unwrap();
        let began = Instant::now();
        let locked = format!(
            "SELECT count(*) FROM pg_locks \
             WHERE relation = '{table}'::regclass AND mode = 'AccessExclusiveLock' AND granted"
        );
        while self.sql(&locked) == "0" {
            assert!(began.elapsed() < Duration::from_secs(10), "nobody has {table}");
        }
        holder
    }

    fn unlock(&self, mut holder: Child) {
        // Its server would sleep on without it.
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE query LIKE 'BEGIN; LOCK TABLE%' AND pid <> pg_backend_pid()",
        );
        let _ = holder.wait().unwrap();
    }

    /// Returns the number of the Jobs of migrations.
    fn jobs(&self) -> usize {
        self.env.names("jobs").lines().filter(|name| name.contains("-migrate-")).count()
    }
}

/// Returns the argv that runs these statements, with `|` between them.
fn argv(statements: &str) -> String {
    let words: Vec<_> = statements.split('|').map(|one| format!("{one:?}")).collect();
    format!("[\"python3\", \"shop.py\", \"sql\", {}]", words.join(", "))
}

fn migrate(expand: &str, more: &str) -> String {
    format!("[migrate]\nexpand = {}\n{more}", argv(expand))
}

/// Returns the place of the first event that is `wanted`.
#[track_caller]
fn at(events: &[Value], wanted: impl Fn(&Value) -> bool) -> usize {
    events.iter().position(wanted).unwrap_or_else(|| panic!("no such event: {events:#?}"))
}

fn printed(text: &'static str) -> impl Fn(&Value) -> bool {
    move |event: &Value| event["log"]["line"].as_str().is_some_and(|line| line.contains(text))
}

fn migrated(phase: &'static str) -> impl Fn(&Value) -> bool {
    move |event: &Value| event["migrated"]["phase"] == phase
}

#[test]
fn a_schema_changes_while_the_old_version_and_the_new_one_serve() {
    let shop = Shop::new("t-migrate", port::POSTGRES);
    let first = shop.release("v1", &migrate(FIRST, ""));
    first.succeeded();
    shop.env.serves("app", "v1 sells tea");
    assert_eq!(shop.jobs(), 1);

    // Both versions answer, each with what it reads of the one table.
    let more = format!(
        "plan = {}\nbackup = {}\nlock = \"shop-db\"\n\
         [strategy]\nkind = \"canary\"\nweights = [50, 100]\nhold-seconds = 20\n",
        argv("SELECT 'adds title'"),
        argv("CREATE TABLE backup AS TABLE items"),
    );
    let id = shop.begin("app", "v2", &migrate(SECOND, &more));
    let holds = shop.env.await_event(&id, |event| event["holding"].is_object());
    assert!(holds.is_some(), "{:#?}", shop.env.events(&id));
    let target = Target::service(&shop.env, "app");
    let began = Instant::now();
    let mut versions = target.sample(40, false).unwrap();
    while versions.len() < 2 && began.elapsed() < Duration::from_secs(10) {
        versions = target.sample(40, false).unwrap();
    }
    let answers: Vec<_> = versions.keys().map(|body| body.trim()).collect();
    assert_eq!(answers, ["v1 sells tea", "v2 sells tea"]);
    shop.env.watch(&id).succeeded();
    shop.env.serves("app", "v2 sells tea");
    let events = shop.env.events(&id);
    let order = [
        at(&events, printed("adds title")),
        at(&events, migrated("backup")),
        at(&events, migrated("expand")),
        at(&events, |event| event["traffic_shifted"].is_object()),
    ];
    assert!(order.is_sorted(), "{order:?}: {events:#?}");
    assert_eq!(shop.sql("SELECT name FROM backup"), "tea");
    assert_eq!(shop.jobs(), 4);

    // The same image with the same command: nothing is done twice, though the release is another one.
    shop.release("v2", &migrate(SECOND, "[strategy]\nkind = \"recreate\"\n")).succeeded();
    assert_eq!(shop.jobs(), 4);

    // Data is not migrated without its backup.
    let broken = format!("backup = {}\n", argv("SELECT 1 / 0"));
    let ended = shop.release("v3", &migrate("DROP TABLE items", &broken));
    let text = ended.failed_with("release", "migration-failed");
    for part in ["backup exited with 1", "division by zero", "nothing was migrated"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    ended.is_explained();
    // A part of it is done, and said so. The version before serves on.
    let ended = shop.release(
        "v4",
        &migrate("CREATE TABLE half (n int)|SELECT 1 / 0", "point-in-time = true\n"),
    );
    let text = ended.failed_with("release", "migration-failed");
    for part in ["expand exited with 1", "may be half done", "the backup of the data is of"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(shop.sql("SELECT count(*) FROM half"), "0");
    shop.env.serves("app", "v2 sells tea");

    // The way back migrates nothing: the first version still finds its column.
    let jobs = shop.jobs();
    let back = shop.env.daemon.windlass(&["rollback", "t-migrate/app", "--to", &first.id]).unwrap();
    assert_eq!(back.code, 0, "{}", back.text);
    shop.env.serves("app", "v1 sells tea");
    assert_eq!(shop.jobs(), jobs);
}

#[test]
fn locks_of_the_database_and_of_other_apps_are_waited_for() {
    let mut shop = Shop::new("t-migrate-locks", port::POSTGRES_LOCKS);
    shop.release("v1", &migrate(FIRST, "")).succeeded();

    // Somebody has the table: the statement gives up soon, and is tried again until nobody has it any more.
    let holder = shop.lock("items");
    let more = "lock-timeout-ms = 300\nretry-lock-timeouts = true\n";
    let id = shop.begin("app", "v2", &migrate(SECOND, more));
    let gave_up = shop.env.await_event(&id, printed("55P03"));
    assert!(gave_up.is_some(), "{:#?}", shop.env.events(&id));
    shop.unlock(holder);
    shop.env.watch(&id).succeeded();
    shop.env.serves("app", "v2 sells tea");

    // A statement that takes too long is no lock timeout.
    let more = "statement-timeout-seconds = 1\nretry-lock-timeouts = true\n";
    let jobs = shop.jobs();
    let ended = shop.release("v3", &migrate("SELECT pg_sleep(5)", more));
    let text = ended.failed_with("release", "migration-failed");
    assert!(text.contains("57014"), "{text}");
    at(&shop.env.events(&ended.id), printed("57014"));
    assert_eq!(shop.jobs(), jobs + 1, "it is not tried again");

    // Two apps on one database: one begins when the other has ended, also where the daemon is killed meanwhile.
    shop.sql("CREATE TABLE turns (app text, part text, at timestamptz)");
    shop.sql("CREATE TABLE gate (n int)");
    let holder = shop.lock("gate");
    let turn = |app: &str| {
        let mark =
            |part: &str| format!("INSERT INTO turns VALUES ('{app}', '{part}', clock_timestamp())");
        let statements = format!("{}|SELECT count(*) FROM gate|{}", mark("begins"), mark("ends"));
        migrate(&statements, "lock = \"shop-db\"\nlock-timeout-ms = 0\n")
    };
    let jobs = ["one", "two"].map(|app| shop.begin(app, app, &turn(app)));
    let began = Instant::now();
    let waits = printed("waits for its turn: Job ");
    let has_waited = || jobs.iter().any(|id| shop.env.events(id).iter().any(&waits));
    // One is in the middle of its statements then.
    while shop.sql("SELECT count(*) FROM turns") != "1" || !has_waited() {
        let events = || jobs.each_ref().map(|id| shop.env.events(id));
        assert!(began.elapsed() < Duration::from_secs(150), "nobody waits: {:#?}", events());
        sleep(Duration::from_millis(500));
    }
    shop.env.daemon.kill();
    shop.env.daemon.restart().unwrap();
    shop.unlock(holder);
    for id in &jobs {
        shop.env.watch(id).succeeded();
    }
    // Each part ran once.
    let turns = shop.sql("SELECT app, part FROM turns ORDER BY at");
    let of = |app: &str| [format!("{app}|begins"), format!("{app}|ends")];
    let (one, two) = (of("one"), of("two"));
    let turns: Vec<_> = turns.lines().map(str::to_owned).collect();
    assert!(
        turns == [one.clone(), two.clone()].concat() || turns == [two, one].concat(),
        "{turns:?}"
    );
}

/// Returns the job of the project that contracts data. It is awaited.
fn contraction(env: &TestEnv) -> Value {
    let args = ["--output", "json", "jobs", "--project", env.name];
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(120) {
        let jobs = env.daemon.windlass(&args).unwrap();
        assert_eq!(jobs.code, 0, "{}", jobs.text);
        let jobs = jobs.text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut held = jobs.filter(|job| job["state"] == "held");
        if let Some(job) = held.find(|job| job["contract_of"] != "") {
            return job;
        }
        sleep(Duration::from_millis(500));
    }
    panic!("no job contracts: {}", env.daemon.log());
}

#[test]
fn what_only_the_old_version_needs_goes_after_an_approval_and_ends_rollbacks() {
    let shop = Shop::new("t-contract", port::POSTGRES_CONTRACT);
    let env = &shop.env;
    let first = shop.release("v1", &migrate(FIRST, ""));
    first.succeeded();
    // Another commit, since a release of the same image would work with the data as well.
    shop.repository.write("shop.py", &format!("{PROGRAM}\n# v2\n")).unwrap();
    shop.repository.commit("sell by title").unwrap();
    let contract = argv("ALTER TABLE items DROP COLUMN name");
    let backup = argv("DROP TABLE IF EXISTS backup|CREATE TABLE backup AS TABLE items");
    let more = format!("backup = {backup}\ncontract = {contract}\ncontract-after-seconds = 0\n");
    let second = shop.release("v2", &migrate(SECOND, &more));
    second.succeeded();

    // Nothing goes before somebody approves.
    let job = contraction(env);
    assert_eq!(
        (&job["contract_of"], &job["principal"]),
        (&second.id.as_str().into(), &"windlassd".into())
    );
    assert_eq!(job["contract_command"], serde_json::from_str::<Value>(&contract).unwrap());
    assert_eq!(shop.sql("SELECT name FROM items"), "tea");
    let listed = env.daemon.windlass(&["releases", "t-contract/app"]).unwrap();
    assert!(listed.text.contains(&first.id), "{}", listed.text);
    let jobs = shop.jobs();
    let (id, digest) = (job["id"].as_str().unwrap(), job["held"]["digest"].as_str().unwrap());
    let approved = env.daemon.windlass(&["approve", id, "--digest", digest]).unwrap();
    assert_eq!(approved.code, 0, "{}", approved.text);
    let ended = env.watch(id);
    ended.succeeded();
    let text = format!("no rollback leads to before release {}", second.id);
    assert!(ended.text.contains(&text), "{}", ended.text);
    // A backup of its own comes first: the one before `expand` has no titles.
    let events = env.events(id);
    let order = [at(&events, migrated("backup")), at(&events, migrated("contract"))];
    assert!(order.is_sorted(), "{order:?}: {events:#?}");
    assert_eq!(shop.jobs(), jobs + 2);
    assert_eq!(shop.sql("SELECT title FROM backup"), "tea");
    let columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'items'";
    assert_eq!(shop.sql(columns), "title");
    env.serves("app", "v2 sells tea");

    // The first version would find no column: its rollback is refused, and what serves is not touched.
    let back = env.daemon.windlass(&["rollback", "t-contract/app", "--to", &first.id]).unwrap();
    assert_eq!(back.code, 2, "{}", back.text);
    for part in ["contracted", &first.id, &second.id] {
        assert!(back.text.contains(part), "{part}: {}", back.text);
    }
    env.serves("app", "v2 sells tea");

    // Whoever asks for it once more is asked, too.
    let again = env.daemon.windlass(&["contract", "t-contract/app", "--detach"]).unwrap();
    assert_eq!(again.code, 0, "{}", again.text);
    let jobs = shop.jobs();
    let job = contraction(env);
    let id = job["id"].as_str().unwrap();
    let shown = env.daemon.windlass(&["show", id]).unwrap();
    assert!(shown.text.contains("contract of"), "{}", shown.text);
    let rejected = env.daemon.windlass(&["reject", id, "--note", "it is done"]).unwrap();
    assert_eq!(rejected.code, 0, "{}", rejected.text);
    assert_eq!(env.watch(id).outcome, "stopped");
    assert_eq!(shop.jobs(), jobs);
}
