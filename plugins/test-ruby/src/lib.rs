//! Tests of Ruby: rspec, read from its JSON, and minitest or test-unit, read from their output.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree, reports::plain, test_runner,
};

mod minitest;
mod rspec;

/// Report of rspec, in the folder that tests run in.
const REPORT: &str = "windlass-rspec.json";

/// Plans rspec where there are specs, else the tests of Rails, of a Rakefile, or of the folder `test`.
///
/// # Errors
/// None.
pub fn plan(app: &App<'_>, _: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    let spec = app.matched.iter().find(|path| path.ends_with("_spec.rb"));
    let test = app.matched.iter().find(|path| path.starts_with("test/"));
    let rakefile = app.read("Rakefile").ok().flatten().filter(|file| {
        ["TestTask", "task :test", "task test:", "task \"test\""]
            .iter()
            .any(|part| file.text.contains(part))
    });
    let bundle: &[&str] =
        if app.has("Gemfile") || app.has("Gemfile.lock") { &["bundle", "exec"] } else { &[] };
    let command = |words: &[&str]| TestPlan::new(&[bundle, words].concat());
    let mut plan = match (spec, test, &rakefile) {
        (Some(path), ..) => {
            let mut plan =
                command(&["rspec", "--format", "progress", "--format", "json", "--out", REPORT]);
            plan.evidence.push(format!("{path}: specs"));
            plan.reports = vec![REPORT.into()];
            plan
        }
        (None, Some(path), _) if app.has("config/application.rb") => {
            let mut plan = command(&["rails", "test"]);
            plan.evidence.push(format!("{path}: tests of a Rails app"));
            plan
        }
        (None, test, Some(file)) => {
            let mut plan = command(&["rake", "test"]);
            plan.evidence.push(format!("{}: a task for tests", file.path));
            plan.evidence.extend(test.map(|path| format!("{path}: tests")));
            plan
        }
        (None, Some(path), None) => {
            let all = "Dir.glob('./test/**/{*_test,test_*}.rb').sort.each { |file| require file }";
            let mut plan = command(&["ruby", "-Itest", "-Ilib", "-e", all]);
            plan.evidence.push(format!("{path}: tests"));
            plan
        }
        (None, None, None) => return Ok(None),
    };
    plan.tells = spec.is_some() || test.is_some();
    plan.env = vec![("RAILS_ENV".into(), "test".into()), ("RACK_ENV".into(), "test".into())];
    Ok(Some(plan))
}

/// Reads the report, or else the output.
///
/// # Errors
/// The reports cannot be listed.
pub fn parse(ran: Ran, reports: &Tree<'_>) -> Result<Option<Summary>, Error> {
    let mut all = None;
    for path in reports.glob(&["**/*.json"], 10)? {
        let text = reports.read_text(&path, 16 << 20)?.unwrap_or_default();
        all = all.or_else(|| rspec::read(&text));
    }
    let text = plain(&ran.output);
    Ok(all.or_else(|| rspec::printed(&text)).or_else(|| minitest::read(&text)))
}

test_runner!(plan: plan, parse: parse);

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{
        testing::{parse, runner_plan},
        tree,
    };

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn each_kind_of_tests_has_its_command() {
        let command =
            |files| runner_plan(crate::plan, MANIFEST, "ruby", &files).unwrap().command.join(" ");
        let files = tree! { "Gemfile" => "", "spec/a_spec.rb" => "" };
        assert!(command(files).starts_with("bundle exec rspec --format progress"));
        let files =
            tree! { "Gemfile" => "", "config/application.rb" => "", "test/models/a_test.rb" => "" };
        assert_eq!(command(files), "bundle exec rails test");
        let files = tree! { "Rakefile" => "Rake::TestTask.new", "test/a_test.rb" => "" };
        assert_eq!(command(files), "rake test");
        assert!(command(tree! { "test/a_test.rb" => "" }).starts_with("ruby -Itest"));
        let files = tree! { "Rakefile" => "task :build", "app.rb" => "" };
        assert!(runner_plan(crate::plan, MANIFEST, "ruby", &files).is_none());
        let files = tree! { "Rakefile" => "RSpec::Core::RakeTask.new(:spec)", "app.rb" => "" };
        assert!(runner_plan(crate::plan, MANIFEST, "ruby", &files).is_none(), "no task `test`");
    }

    #[test]
    fn no_example_is_the_tools_own_word() {
        let none =
            parse(crate::parse, "No examples found.\n\n0 examples, 0 failures\n", 0, &tree! {})
                .unwrap();
        assert_eq!(none.none_yet.as_deref(), Some("0 examples, 0 failures"));
        let none = parse(
            crate::parse,
            "0 runs, 0 assertions, 0 failures, 0 errors, 0 skips\n",
            0,
            &tree! {},
        )
        .unwrap();
        assert!(none.none_yet.unwrap().starts_with("0 runs"));
        assert!(
            parse(crate::parse, "bundler: command not found: rspec\n", 127, &tree! {}).is_none()
        );
    }
}
