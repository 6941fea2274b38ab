//! An app that runs on Bun, without a dependency.

use windlass_bed::images;
use windlass_tests::{TestEnv, bed};

/// Bun's engine reserves more than a small app is given.
const RESOURCES: &str = "[resources]\ncpu = \"10m\"\nmemory = \"192Mi\"\n";

const MAIN: &str = "import { word } from \"./word\";

Bun.serve({ port: Number(process.env.PORT), fetch: () => new Response(word()) });
";

const TEST: &str = "import { expect, test } from \"bun:test\";
import { word } from \"./word\";

test(\"the page has a word\", () => {
  expect(word()).not.toBe(\"\");
});
";

#[test]
fn an_app_of_bun_is_built_tested_and_served() {
    images::languages(bed(), &["oven/bun:1-slim"]).unwrap();
    let env = TestEnv::new("t-bun");
    let repository = env.repository();
    for (path, text) in [
        ("windlass.toml", RESOURCES),
        (
            "package.json",
            "{ \"name\": \"shop\", \"scripts\": { \"start\": \"bun src/index.ts\" } }\n",
        ),
        ("src/index.ts", MAIN),
        ("src/word.ts", "export const word = (): string => \"one\";\n"),
        ("src/word.test.ts", TEST),
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
