//! The redactor: no secret survives, however its stream was cut. Text without a secret is left alone.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use proptest::{prelude::*, sample::Index};
use std::fmt::Write;
use windlass_model::{redact::Redactor, secret::Secret};

/// Characters that tools escape, and no `*`: a mask is no part of a secret.
const SECRET: &str = r#"[A-Z0-9]{4}[A-Z0-9/+=%&"'\\$@:;,. -]{4,16}[A-Z0-9]"#;

/// The same, longer than the pieces that long values are looked for by.
const LONG: &str = r#"[A-Z0-9]{4}[A-Z0-9/+=%&"'\\$@:;,. -]{60,200}[A-Z0-9]"#;

/// Values that base64 may read from several digits on.
const UNIFORM: &str = "[U5]{9,60}";

/// Text between secrets. A secret begins with what is not in it.
const BETWEEN: &str = "[a-z ,.;:=\n]{0,20}";

/// The form in which a tool prints a secret.
#[derive(Clone, Copy, Debug)]
enum Form {
    Raw,
    Percent,
    Json,
    Hex,
    /// Hex in pairs, with this between them.
    Pairs(&'static str),
    /// Base64 of `user:secret`, with a user of so many letters.
    Basic(usize),
    /// The same with the alphabet for URLs, percent-encoded.
    Query(usize),
    /// Base64 in lines of so many columns, with such an end.
    Wrapped(usize, &'static str),
    /// The same as a string of JSON.
    WrappedJson(usize),
    /// Base64 of a longer text, so many letters of which are before the secret, in lines of so many columns.
    Within(usize, usize),
    /// Numbered entities for all that is no letter or digit.
    Entities,
    /// The form of `shlex` and of sh.
    Shell,
}

fn wrapped(text: &str, columns: usize, line_break: &str) -> String {
    let lines: Vec<_> = text.as_bytes().chunks(columns).map(String::from_utf8_lossy).collect();
    lines.join(line_break)
}

impl Form {
    fn of(self, secret: &str) -> String {
        let mut text = String::new();
        match self {
            Self::Raw => text.push_str(secret),
            Self::Percent => {
                for byte in secret.bytes() {
                    if byte.is_ascii_alphanumeric() {
                        text.push(char::from(byte));
                    } else {
                        write!(text, "%{byte:02X}").unwrap();
                    }
                }
            }
            Self::Json => text = serde_json::Value::from(secret).to_string(),
            Self::Hex => secret.bytes().for_each(|byte| write!(text, "{byte:02x}").unwrap()),
            Self::Pairs(between) => {
                let pairs: Vec<_> = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
                text = pairs.join(between);
            }
            Self::Basic(user) => text = STANDARD.encode(format!("{}:{secret}", "u".repeat(user))),
            Self::Query(user) => {
                let encoded = URL_SAFE.encode(format!("{}:{secret}", "u".repeat(user)));
                text = encoded.replace('=', "%3d");
            }
            Self::Wrapped(columns, end) => text = wrapped(&STANDARD.encode(secret), columns, end),
            Self::WrappedJson(columns) => {
                let lines = wrapped(&STANDARD.encode(secret), columns, "\n");
                text = serde_json::Value::from(lines).to_string();
            }
            Self::Within(before, columns) => {
                let within = format!("{}{secret}{}", "u".repeat(before), "~".repeat(40));
                text = wrapped(&STANDARD.encode(within), columns, "\n");
            }
            Self::Entities => {
                for byte in secret.bytes() {
                    if byte.is_ascii_alphanumeric() {
                        text.push(char::from(byte));
                    } else {
                        write!(text, "&#x{byte:x};").unwrap();
                    }
                }
            }
            Self::Shell => text = format!("'{}'", secret.replace('\'', "'\"'\"'")),
        }
        text
    }
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        3 => Just(Form::Raw),
        1 => Just(Form::Percent),
        1 => Just(Form::Json),
        1 => Just(Form::Hex),
        1 => prop_oneof![Just(":"), Just(" "), Just("-")].prop_map(Form::Pairs),
        1 => (0_usize..3).prop_map(Form::Basic),
        1 => (0_usize..3).prop_map(Form::Query),
        1 => (prop_oneof![Just(64_usize), Just(76)], prop_oneof![Just("\n"), Just("\r\n")])
            .prop_map(|(columns, end)| Form::Wrapped(columns, end)),
        1 => prop_oneof![Just(64_usize), Just(76)].prop_map(Form::WrappedJson),
        1 => (0_usize..40, 32_usize..80)
            .prop_map(|(before, columns)| Form::Within(before, columns)),
        1 => Just(Form::Entities),
        1 => Just(Form::Shell),
    ]
}

/// Masks a text that arrives in pieces, cut at these places.
fn in_pieces(redactor: &Redactor, text: &str, cuts: &[Index]) -> Vec<u8> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    places.sort_unstable();
    let (mut stream, mut shown, mut at) = (redactor.stream(), Vec::new(), 0);
    for place in places {
        shown.extend(stream.push(&text.as_bytes()[at..place]));
        at = place;
    }
    shown.extend(stream.push(&text.as_bytes()[at..]));
    shown.extend(stream.finish());
    shown
}

fn knows(secrets: &[String]) -> Redactor {
    let secrets: Vec<_> =
        secrets.iter().map(|secret| Secret::new(secret.clone().into_bytes())).collect();
    Redactor::new(&secrets)
}

proptest! {
    #[test]
    fn no_secret_survives_any_cutting_of_the_stream(
        secrets in prop::collection::vec(prop_oneof![6 => SECRET, 2 => LONG, 1 => UNIFORM], 1..4),
        parts in prop::collection::vec((BETWEEN, any::<Index>(), form()), 1..8),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let redactor = knows(&secrets);
        let (mut text, mut printed) = (String::new(), Vec::new());
        for (between, which, form) in parts {
            let form = form.of(which.get::<String>(&secrets));
            write!(text, "{between} {form} ").unwrap();
            printed.push(form);
        }
        let whole = redactor.mask(&text);
        let shown = String::from_utf8(in_pieces(&redactor, &text, &cuts)).unwrap();
        prop_assert_eq!(&shown, &whole, "{}", text);
        for secret in secrets.iter().chain(&printed) {
            prop_assert!(!shown.contains(secret.as_str()), "{} of {}: {}", secret, text, shown);
        }
    }

    /// No letter of these secrets is in the text, nor in what its escapes can stand for: those have no
    /// digits.
    #[test]
    fn text_without_a_secret_is_left_alone(
        secrets in prop::collection::vec("[A-Z0-9]{8,16}", 0..4),
        text in "[^A-Z0-9]{0,80}",
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let redactor = knows(&secrets);
        prop_assert_eq!(&redactor.mask(&text), &text);
        prop_assert_eq!(in_pieces(&redactor, &text, &cuts), text.into_bytes());
    }
}
