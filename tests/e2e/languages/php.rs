//! Plain PHP, served by FrankenPHP.

use windlass_bed::images;
use windlass_tests::{SMALL, TestEnv, bed};

#[test]
fn plain_php_is_served() {
    images::languages(bed(), &["dunglas/frankenphp:1-php8.2"]).unwrap();
    let env = TestEnv::new("t-php");
    let repository = env.repository();
    let index = "<?php\nrequire __DIR__ . '/../money.php';\necho 'php ' . cents(1.5);\n";
    let money = "<?php\nfunction cents($euros) { return (int) round($euros * 100); }\n";
    for (path, text) in [
        ("windlass.toml", SMALL),
        ("public/index.php", index),
        ("money.php", money),
        (".php-version", "8.2\n"),
    ] {
        repository.write(path, text).unwrap();
    }
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains(".php-version:1"), "{}", ended.text);
    env.serves("app", "php 150");
}
