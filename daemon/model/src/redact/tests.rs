use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt::Write;

const SECRET: &str = "s3cr3t/+\"pass&word";

fn redactor() -> Redactor {
    Redactor::new(&[
        Secret::new(SECRET.into()),
        Secret::new(b"BEGIN KEY\nabcdefghijkl\nEND".to_vec()),
    ])
}

fn knows(secret: &str) -> Redactor {
    Redactor::new(&[Secret::new(secret.into())])
}

/// Masks `text` whole, in two pieces at each place, and byte by byte: all must be the same.
fn masked(redactor: &Redactor, text: &str) -> String {
    let whole = redactor.mask(text);
    for cut in 0..=text.len() {
        let mut stream = redactor.stream();
        let mut shown = stream.push(&text.as_bytes()[..cut]);
        shown.extend(stream.push(&text.as_bytes()[cut..]));
        shown.extend(stream.finish());
        assert_eq!(String::from_utf8_lossy(&shown), whole, "{text} at {cut}");
    }
    let mut stream = redactor.stream();
    let mut shown: Vec<u8> = text.bytes().flat_map(|byte| stream.push(&[byte])).collect();
    shown.extend(stream.finish());
    assert_eq!(String::from_utf8_lossy(&shown), whole, "{text} by bytes");
    whole
}

/// Returns texts that tools print, with prefixes that shift base64.
fn printed() -> Vec<String> {
    let mut all = vec![
        format!("password={SECRET} end"),
        serde_json::json!({ "password": SECRET }).to_string(),
        "x s3cr3t%2F%2B%22pass%26word y".to_owned(),
        "go: {\"p\":\"s3cr3t/+\\\"pass\\u0026word\"}".to_owned(),
        "second line abcdefghijkl alone".to_owned(),
    ];
    for user in ["", "u", "us", "use"] {
        all.push(format!("Basic {}", STANDARD.encode(format!("{user}:{SECRET}"))));
    }
    all
}

fn leaks(shown: &str) -> bool {
    let core = STANDARD.encode(SECRET);
    shown.contains("s3cr3t") || shown.contains("abcdefghijkl") || shown.contains(&core[4..16])
}

#[test]
fn no_encoding_survives_any_split_in_two_or_into_bytes() {
    let redactor = redactor();
    for text in printed() {
        let shown = masked(&redactor, &text);
        assert!(!leaks(&shown), "{text}: {shown}");
    }
}

/// The characters, beside letters and digits, that an encoder leaves as they are.
const LEFT_ALONE: [(&str, &str); 14] = [
    ("RFC 3986, PHP rawurlencode, curl, C# EscapeDataString", "-._~"),
    ("JavaScript encodeURIComponent", "-_.!~*'()"),
    ("JavaScript encodeURI", "-_.!~*'();/?:@&=+$,#"),
    ("JavaScript escape", "@*_+-./"),
    ("Python quote", "-._~/"),
    ("Python quote_plus, Go QueryEscape", "-._~ "),
    ("Java URLEncoder, forms of browsers", "-._* "),
    ("PHP urlencode", "-._ "),
    ("C# WebUtility", "-._!*() "),
    ("Go PathEscape", "-._~$&+=:@"),
    ("Go userinfo", "-._~$&+,;="),
    ("WHATWG userinfo", "-._~!$%&'()*+,"),
    ("Rust NON_ALPHANUMERIC", ""),
    ("only what a URL cannot hold", "-._~!$&'()*+,;=:@/?"),
];

fn percent_encoded(text: &str, left_alone: &str, upper: bool) -> String {
    // Encoders that leave a space alone write it as `+`, and so encode a `+`.
    let spaces = left_alone.contains(' ');
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let c = char::from(byte);
        let _ = match c {
            ' ' if spaces => write!(encoded, "+"),
            _ if c.is_ascii_alphanumeric() || left_alone.contains(c) => write!(encoded, "{c}"),
            _ if upper => write!(encoded, "%{byte:02X}"),
            _ => write!(encoded, "%{byte:02x}"),
        };
        encoded
    })
}

#[test]
fn a_password_in_a_url_is_masked_however_it_was_encoded() {
    for secret in
        ["Zq4/vT9+k@Lm!72xWc", "Zq4'vT9(k) *Lm~72;xWc,=&$#?", "Zq4 vT9\u{fc}72xWc\u{1f600}"]
    {
        let redactor = knows(secret);
        for (who, left_alone) in LEFT_ALONE {
            for upper in [true, false] {
                let once = percent_encoded(secret, left_alone, upper);
                let twice = percent_encoded(&once, "-._~", upper);
                for text in [once, twice] {
                    let shown = masked(&redactor, &format!("postgres://shop:{text}@db/shop"));
                    for part in ["Zq4", "vT9", "72xWc", "xWc"] {
                        assert!(!shown.contains(part), "{who}: {text}: {shown}");
                    }
                    assert!(shown.starts_with("postgres://shop:***@db"), "{who}: {shown}");
                }
            }
        }
    }
}

#[test]
fn escapes_of_languages_and_shells_are_read() {
    let secret = "Zq4\"v'T9\\k\tLm/é😀72xWc";
    let redactor = knows(secret);
    let json = serde_json::Value::from(secret).to_string();
    let inner = json.trim_matches('"');
    for text in [
        // JSON, with all that may be escaped escaped, and JSON within JSON.
        json.clone(),
        inner.replace('/', "\\/").replace('é', "\\u00e9").replace('😀', "\\ud83d\\uDE00"),
        serde_json::Value::from(&*json).to_string(),
        // JSON in a query.
        percent_encoded(&json, "-._~", true),
        // Rust, Python, C, bash.
        format!("{secret:?}"),
        r#"b'Zq4"v\'T9\\k\tLm/\xc3\xa9\xf0\x9f\x98\x8072xWc'"#.to_owned(),
        r#""Zq4\"v'T9\\k\tLm/é\U0001f60072xWc""#.to_owned(),
        r#""Zq4\"v'T9\\k\tLm/\u{e9}\u{1f600}72xWc""#.to_owned(),
        r#"$'Zq4"v\'T9\\k\tLm/\303\251\360\237\230\20072xWc'"#.to_owned(),
        // sh, Python's shlex, YAML, CSV.
        secret.replace('\'', "'\\''"),
        secret.replace('\'', "'\"'\"'"),
        secret.replace('\'', "''"),
        secret.replace('"', "\"\""),
        // HTML of several libraries.
        secret.replace('"', "&quot;").replace('\'', "&#39;"),
        secret.replace('"', "&#34;").replace('\'', "&#x27;").replace('/', "&#x2F;"),
    ] {
        let shown = masked(&redactor, &format!("it is {text}, and so on"));
        for part in ["Zq4", "T9", "Lm", "72xWc"] {
            assert!(!shown.contains(part), "{text}: {shown}");
        }
    }
}

#[test]
fn parts_of_a_secret_are_masked_alone() {
    let account = r#"{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----\nMIIEmadeupmadeup0123\nQUJDREVGR0hJSktM\n-----END PRIVATE KEY-----\n","login":{"password":"Zq4/vT9+k@Lm"}}"#;
    let redactor = knows(account);
    for text in [
        account.to_owned(),
        serde_json::Value::from(account).to_string(),
        "key: MIIEmadeupmadeup0123".to_owned(),
        "  QUJDREVGR0hJSktM\n".to_owned(),
        "postgres://shop:Zq4%2FvT9+k%40Lm@db".to_owned(),
        STANDARD.encode("MIIEmadeupmadeup0123"),
    ] {
        let shown = masked(&redactor, &text);
        for part in ["MIIEmadeup", "QUJDREVG", "Zq4", "TUlJRW1hZGV1"] {
            assert!(!shown.contains(part), "{text}: {shown}");
        }
    }
    let redactor = knows("postgres://shop:p%40ss-w0rd@db.example/shop");
    assert_eq!(masked(&redactor, "login p@ss-w0rd at db.example"), "login *** at db.example");
    for holder in [
        "DATABASE_URL=postgres://shop:p%40ss-w0rd@db/shop",
        r#"{"url":"postgres://shop:p%40ss-w0rd@db/shop"}"#,
    ] {
        assert_eq!(masked(&knows(holder), "login p@ss-w0rd at db"), "login *** at db", "{holder}");
    }
    let redactor = knows("export TOKEN='abc/def+ghi'\nHOST=db.example.com\n");
    assert_eq!(masked(&redactor, "using abc/def+ghi now"), "using *** now");
}

#[test]
fn public_parts_of_a_secret_stay() {
    let keys = r#"{"access_key_id":"AKIAMADEUP0123","secret_access_key":"Zq4/vT9+k@Lm"}"#;
    let keys = Secret::new(keys.into());
    let id = Secret::new(b"AKIAMADEUP0123".to_vec());
    let text = "the key AKIAMADEUP0123 with Zq4/vT9+k@Lm";
    assert_eq!(Redactor::except([&keys], [&id]).mask(text), "the key AKIAMADEUP0123 with ***");
    assert_eq!(Redactor::new([&keys]).mask(text), "the key *** with ***");
}

#[test]
fn secrets_that_overlap_or_touch_are_masked_whole() {
    let redactor = Redactor::new(&[Secret::new(b"abcd".to_vec()), Secret::new(b"cdef".to_vec())]);
    assert_eq!(masked(&redactor, "x abcdef y"), "x *** y");
    assert_eq!(masked(&redactor, "x abcdcdef y"), "x ****** y");
    assert_eq!(masked(&knows("abab"), "xabababababy"), "x***y");
}

/// Only an end that may be the start of a secret is late.
#[test]
fn a_line_that_begins_no_secret_is_shown_at_once() {
    let redactor = knows(&"a long secret ".repeat(300));
    let mut stream = redactor.stream();
    assert_eq!(stream.push(b"nothing to hide 100%\n"), b"nothing to hide 100%\n");
    assert_eq!(stream.push(b"is it a lon"), b"is i");
    assert_eq!(stream.push(b"ely one?"), b"t a lonely one?");
    assert_eq!(stream.push(b"done!%"), b"done!");
    assert_eq!(stream.finish(), b"%");
}

/// The lines of a key are in no other text. A line that a program has ended is shown, whatever may follow.
#[test]
fn an_ended_line_is_shown_at_once_though_a_secret_has_several() {
    let key = STANDARD.encode(noise(3000, 7)).into_bytes();
    let key = key.chunks(64).collect::<Vec<_>>().join(&b'\n');
    let redactor = Redactor::new(&[Secret::new(key)]);
    let mut stream = redactor.stream();
    for line in ["test_adds ... ok\n", "  at src/main.rs\n", "ab\n", "\n", "x=\n", "deadbeef:\r\n"]
    {
        assert_eq!(stream.push(line.as_bytes()), line.as_bytes(), "{line}");
    }
}

/// A project chooses its secrets. No secret may cost the square of the printed text.
#[test]
fn a_secret_that_repeats_itself_is_looked_for_in_one_go() {
    let redactor = knows(&"a".repeat(20_000));
    let text = "a".repeat(19_000) + "b";
    let mut stream = redactor.stream();
    let mut shown = stream.push(text.as_bytes());
    shown.extend(stream.push(text.as_bytes()));
    shown.extend(stream.finish());
    assert_eq!(String::from_utf8(shown).unwrap(), "***b***b", "a part of it is as secret");
    let nested: Vec<_> = (8..40).map(|length| "a".repeat(length)).collect();
    assert_eq!(knows(&nested.join("\n")).mask(&"a".repeat(10_000)), "***");
}

/// Returns bytes without a pattern, in one line.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    });
    bytes.filter(|byte| *byte != b'\n').take(length).collect()
}

fn hex(bytes: &[u8], separator: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator)
}

/// Breaks a text into lines of so many columns.
fn wrapped(text: &str, columns: usize, line_break: &str) -> String {
    let lines: Vec<_> = text.as_bytes().chunks(columns).map(String::from_utf8_lossy).collect();
    lines.join(line_break)
}

/// Returns the longest part of the printed text, in bytes, that is left.
fn left(shown: &str, printed: &str) -> usize {
    let mut longest = 0;
    for rest in shown.split("***") {
        let mut from = 0;
        while let Some(part) = rest.get(from..) {
            let most = (longest + 1..=part.len())
                .take_while(|length| part.get(..*length).is_some_and(|it| printed.contains(it)));
            longest = most.last().unwrap_or(longest);
            from += 1;
        }
    }
    longest
}

/// Short and long values, as tools wrap what they encode: `base64`, PEM, `xxd -p`, `openssl`, JSON, YAML.
#[test]
fn an_encoded_secret_is_masked_however_it_is_wrapped() {
    for length in [12, 70, 700] {
        let value = noise(length, 3);
        let redactor = Redactor::new(&[Secret::new(value.clone())]);
        for prefix in ["", "u", "us", "use"] {
            let joined = [prefix.as_bytes(), &value].concat();
            let standard = STANDARD.encode(&joined);
            let json = serde_json::Value::from(wrapped(&standard, 76, "\n")).to_string();
            let forms = [
                standard.clone(),
                standard.replace('+', "-").replace('/', "_"),
                percent_encoded(&standard, "", true),
                percent_encoded(&standard, "", false),
                wrapped(&standard, 76, "\n"),
                wrapped(&standard, 76, "\r\n"),
                wrapped(&standard, 64, "\n"),
                wrapped(&standard, 64, "\n    "),
                wrapped(&standard, 60, "\r\n"),
                json,
                hex(&joined, ""),
                hex(&joined, "").to_uppercase(),
                hex(&joined, ":"),
                hex(&joined, " "),
                hex(&joined, "-"),
                wrapped(&hex(&joined, ""), 60, "\n"),
                wrapped(&hex(&joined, ":"), 45, "\n    "),
            ];
            for printed in forms {
                let text = format!("it is ({printed}), and so on\n");
                let shown =
                    if length < 20 { masked(&redactor, &text) } else { redactor.mask(&text) };
                assert!(left(&shown, &printed) < 12, "{length} {prefix}: {text}: {shown}");
            }
        }
    }
}

/// Four digits of base64 hold three bytes: a stream cut between them would lose the byte that begins within
/// the digit before.
#[test]
fn a_cut_between_digits_hides_no_byte_that_begins_within_one() {
    let long = concat!(
        "AAAAA+==0A\\AA==\\\"A 0\"$\\$$+\"A \"A0\\$0$0$A=0+=\\\\$\"AA$00=AA\\$0+0\\\\++= AA\"$",
        "+A$=\\\\\"A0"
    );
    let redactor = knows(long);
    let printed = STANDARD.encode(format!("u:{long}"));
    let rest = printed.strip_prefix("dTpB").unwrap();
    assert_eq!(masked(&redactor, &format!(": dTpB{rest} end")), ": dT*** end");
}

/// The same for a secret that is whole before the stream is cut, and for digits beside a line break.
#[test]
fn a_secret_within_encoded_text_is_masked_however_the_digits_are_cut() {
    for secret in ["Zq4/vT9+k@Lm", "UUUUUUUUUUUU", &"Zq4/vT9+k@Lm!72x".repeat(3)] {
        let redactor = knows(secret);
        for before in 0..4 {
            let printed =
                STANDARD.encode(format!("{}{secret}{}", "u".repeat(before), "~".repeat(36)));
            for columns in [33, 34, 500] {
                let shown =
                    masked(&redactor, &format!("it is ({})", wrapped(&printed, columns, "\n")));
                assert!(shown.contains("***"), "{secret} after {before} in {columns}: {shown}");
            }
        }
    }
}

/// A terminal shows such a secret whole.
#[test]
fn a_secret_is_masked_through_the_colours_within_it() {
    let long = STANDARD.encode(noise(90, 13));
    for secret in [SECRET, &*long] {
        let redactor = knows(secret);
        for at in 1..secret.len() {
            let (first, last) = secret.split_at(at);
            let printed = format!("a \u{1b}[1m{first}\u{1b}[31;4m{last}\u{1b}[0m b");
            let shown =
                if at % 9 == 1 { masked(&redactor, &printed) } else { redactor.mask(&printed) };
            assert_eq!(shown, "a \u{1b}[1m***\u{1b}[0m b");
        }
    }
}

/// Each line of a log is an event of its own, and so is each line of what a pod printed last.
#[test]
fn a_line_of_a_wrapped_secret_is_masked_alone() {
    let value = noise(700, 5);
    let redactor = Redactor::new(&[Secret::new(value.clone())]);
    let base64 = STANDARD.encode(&value);
    for line in base64.as_bytes().chunks(64).chain(hex(&value, "").as_bytes().chunks(60)) {
        let line = String::from_utf8_lossy(line);
        if line.len() >= 60 {
            let shown = redactor.mask(&line);
            assert!(left(&shown, &line) < 4, "{line}: {shown}");
        }
    }
}

/// A part of 24 bytes of a long value is masked, wherever it begins.
#[test]
fn a_part_of_a_long_secret_is_masked() {
    let value = noise(4096, 9);
    let value = STANDARD.encode(value);
    let redactor = knows(&value);
    for at in (0..value.len() - 40).step_by(37) {
        assert_eq!(masked(&redactor, &format!("<{}>", &value[at..at + 40])), "<***>");
    }
    assert_eq!(redactor.mask(&value[7..7 + 20]), &value[7..7 + 20]);
}

/// Output is shown while it comes: of a long secret no more is held back than of a short one.
#[test]
fn a_stream_holds_back_a_few_hundred_bytes_at_most() {
    let value = noise(64 << 10, 11);
    let redactor = Redactor::new(&[Secret::new(value.clone())]);
    let base64 = STANDARD.encode(&value);
    for text in [
        wrapped(&base64, 76, "\n"),
        percent_encoded(&base64[..40_000], "", true),
        hex(&value[..20_000], ":"),
        "x".repeat(20_000),
    ] {
        let mut stream = redactor.stream();
        for piece in text.as_bytes().chunks(1000) {
            let _ = stream.push(piece);
            assert!(stream.held.len() <= 400, "{} bytes are held", stream.held.len());
        }
    }
}

/// A test prints as much as it likes. Each of these was held to its end, and searched again with each piece.
#[test]
fn no_text_is_held_back_for_ever() {
    let redactor = knows("Zq4/vT9+k@Lm");
    for (first, rest) in
        [("Z", "\u{1b}[0m"), ("", "\u{1b}[\\"), ("", "%5c\\"), ("Z", "\u{1b}[%41&#0m")]
    {
        let mut stream = redactor.stream();
        let text = format!("{first}{}", rest.repeat(10_000));
        let mut shown = Vec::new();
        for piece in text.as_bytes().chunks(1000) {
            shown.extend(stream.push(piece));
            assert!(stream.held.len() <= MOST_HELD, "{rest:?}: {} are held", stream.held.len());
        }
        shown.extend(stream.finish());
        assert_eq!(String::from_utf8(shown).unwrap(), text);
        let _ = stream.push(text.as_bytes());
        let after = [stream.push(b" Zq4/vT9+k@Lm "), stream.finish()].concat();
        assert!(after.ends_with(b" *** "), "{rest:?}");
    }
}

/// An automaton of all encodings took six hundred bytes for each byte of a secret.
#[test]
fn large_secrets_take_memory_in_proportion() {
    let small = Redactor::new(&[Secret::new(noise(4 << 10, 1))]);
    let large = Redactor::new(&[Secret::new(noise(256 << 10, 2))]);
    let bytes = |redactor: &Redactor| redactor.patterns.as_ref().unwrap().bytes();
    assert!(bytes(&large) < 64 * bytes(&small) * 2, "{}", bytes(&large));
    assert!(bytes(&large) < 10 << 20, "{}", bytes(&large));
}

/// A project chooses its secrets. Four quoted forms of each would be seven times their bytes.
#[test]
fn a_secret_full_of_quotes_takes_memory_in_proportion() {
    let (mut patterns, mut room) = (BTreeSet::new(), forms::QUOTED);
    for seed in 1..5 {
        let value = noise(64 << 10, seed).into_iter().flat_map(|byte| [b'\'', byte, b'"']);
        forms::add(&value.collect::<Vec<_>>(), &mut patterns, &mut room);
    }
    let bytes: usize = patterns.iter().map(Vec::len).sum();
    assert!(bytes <= 4 * (3 * (64 << 10)) + forms::QUOTED, "{bytes}");
}

/// Reports and answers are long: they are searched piece by piece, with the same result.
#[test]
fn a_long_text_is_masked_across_its_pieces() {
    let secret = "Zq4 vT9%\\72xWc";
    let redactor = knows(secret);
    for before in (PIECE - 40..=PIECE).step_by(3) {
        let text = format!("{}{} &amp; {secret} end", "x".repeat(before), "Zq4+vT9%25%5C72xWc");
        let shown = redactor.mask(&text);
        assert!(shown.ends_with("x*** &amp; *** end"), "{before}: {}", &shown[before - 10..]);
    }
}

/// A process that hangs may have written half of a secret. Fewer than four bytes give nothing away.
#[test]
fn what_is_given_up_shows_no_start_of_a_secret() {
    let cut = |text: &str| {
        let mut stream = redactor().stream();
        let mut shown = stream.push(text.as_bytes());
        shown.extend(stream.cut());
        String::from_utf8(shown).unwrap()
    };
    for end in SHORTEST..SECRET.len() {
        assert_eq!(cut(&format!("password={}", &SECRET[..end])), "password=***");
    }
    assert_eq!(cut(&format!("{SECRET} {}", &SECRET[..6])), "*** ***");
    assert_eq!(cut(SECRET), "***");
    assert_eq!(cut("in a URL: s3cr3t%2F%2"), "in a URL: ***");
    assert_eq!(cut("test_waits_for_the_bank ... "), "test_waits_for_the_bank ... ");
    assert_eq!(cut("tests s3c"), "tests s3c");
    // It may begin within a whole one.
    let mut stream = knows("Zq4vXZq4v").stream();
    assert_eq!(stream.push(b"xZq4vXZq4v"), b"");
    assert_eq!(stream.cut(), b"x***");
}

#[test]
fn text_without_a_secret_is_left_alone() {
    let redactor = redactor();
    for text in ["nothing to see: ünïcode", "100% &amp; \\u0041 C:\\new a+b &", "%", "\\", "%2"] {
        assert_eq!(masked(&redactor, text), text);
    }
    assert_eq!(Redactor::default().mask("s3cr3t"), "s3cr3t");
}
