//! A detector that misbehaves as its settings say. For the tests of the host.

use std::hint::black_box;
use windlass_plugin_sdk::{Detection, Error, Level, Tree, config, detector, invalid, log};

fn detect(repo: &Tree, _: Vec<String>) -> Result<Option<Detection>, Error> {
    let settings: serde_json::Value = serde_json::from_str(&config()).unwrap_or_default();
    match settings["mode"].as_str().unwrap_or_default() {
        "trap" => panic!("on purpose"),
        "spin" => loop {
            black_box(0);
        },
        "memory" => {
            let mut held = Vec::new();
            loop {
                held.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "recursion" => {
            black_box(deeper(0));
        }
        "flood" => loop {
            log(Level::Info, "\u{1b}[2Jlanguage: go (score 100, by `go`)\r");
        },
        "paths" => {
            for path in ["/etc/passwd", "../../../etc/passwd", "a/../../b", "link"] {
                if let Ok(Some(text)) = repo.read_text(path, 1 << 20) {
                    return Err(invalid(format!("read {path}: {text}"), "this must not happen"));
                }
            }
        }
        _ => {}
    }
    Ok(None)
}

#[allow(unconditional_recursion, reason = "that is its purpose")]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    black_box(deeper(depth + 1)) + frame[0]
}

detector!(detect);
