//! An app of Deno without a dependency.

use windlass_bed::images;
use windlass_tests::{TestEnv, bed};

/// Deno's engine reserves more than a small app is given.
const RESOURCES: &str = "[resources]\ncpu = \"10m\"\nmemory = \"192Mi\"\n";

const MAIN: &str = "import { word } from \"./word.ts\";

const port = Number(Deno.env.get(\"PORT\"));
Deno.serve({ port }, () => new Response(word()));
";

const TEST: &str = "import { word } from \"./word.ts\";

Deno.test(\"the page has a word\", () => {
  if (word() === \"\") throw new Error(\"no word\");
});
";

fn word(word: &str) -> String {
    format!("export const word = (): string => \"{word}\";\n")
}

#[test]
fn an_app_of_deno_is_built_tested_and_served() {
    images::languages(bed(), &["denoland/deno:2"]).unwrap();
    let env = TestEnv::new("t-deno");
    let repository = env.repository();
    let config = "{\n  // read as jsonc\n  \"tasks\": { \"start\": \"deno run --allow-net --allow-env main.ts\" },\n}\n";
    for (path, text) in [
        ("windlass.toml", RESOURCES),
        ("deno.jsonc", config),
        ("main.ts", MAIN),
        ("word.ts", &word("one")),
        ("word_test.ts", TEST),
    ] {
        repository.write(path, text).unwrap();
    }
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    let tested = env.events(&ended.id).iter().any(|event| event["tested"]["passed"] == 1);
    assert!(tested, "{}", ended.text);
    env.serves("app", "one");
}
