//! Trees and transfers beyond their limits: refused by name, before or while they are written.

use windlass_bed::{Repository, daemon::Config};
use windlass_tests::{TestEnv, bed};

/// Returns text that no compression makes much shorter than half.
fn noise(length: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64;
    let digits = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b"0123456789abcdef"[usize::try_from(state % 16).unwrap()])
    });
    digits.take(length).collect()
}

#[test]
fn a_tree_beyond_a_limit_is_refused_by_the_name_of_the_limit() {
    let mut config = Config::of(bed()).unwrap();
    config.tables = "[checkout]\nmax-files = 12\nmax-bytes = 1000000\nmax-depth = 4\n\
                     max-transfer = 300000\n"
        .into();
    let env = TestEnv::with("t-trees", &config);
    let many: Vec<(String, String)> = (0..13).map(|n| (format!("{n}"), "x".into())).collect();
    // One object of 400 kB, which the pack holds once, and the tree three times.
    let large = "a".repeat(400_000);
    for (name, files, key) in [
        ("many", many, "checkout.max-files"),
        ("deep", vec![("a/b/c/d/e/f".into(), "x".into())], "checkout.max-depth"),
        (
            "large",
            ["one", "two", "three"].map(|name| (name.to_owned(), large.clone())).into(),
            "checkout.max-bytes",
        ),
        ("long", vec![("noise".into(), noise(900_000))], "checkout.max-transfer"),
    ] {
        let repository = Repository::new(&bed().layout, &format!("t-trees-{name}"), true).unwrap();
        for (path, text) in &files {
            repository.write(path, text).unwrap();
        }
        repository.commit("beyond").unwrap();
        let answer =
            env.daemon.windlass(&["plan", "t-trees/app", "--repository", repository.url()]);
        let text = answer.unwrap().text;
        assert!(text.contains("tree-refused") && text.contains(key), "{name}: {text}");
    }
}
