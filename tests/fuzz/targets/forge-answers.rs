//! Answers of forges and endpoints to what the daemon sends them. The first line names the conversation, such as `gitea`,
//! `gitlab-deployment`, `github-deployment-end`, `endpoint` or `app-token`, and a moment. Answers follow, with a line `--` between two: a line with
//! the status, headers, an empty line and the body. The last answer is given again and again.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use url::Url;
use windlass_forge::{
    outgoing::{
        Answer, Call, CommitState, Event, EventApp, EventData, Exchange, Login, Meaning, Next,
        Notice, Place, Unsendable, deployment, deployment_end, endpoint, read_token, status,
    },
    standard_webhooks::Key,
};
use windlass_model::{forge::ForgeKind, outbox::Moment};

/// Time of all attempts, and a day, in milliseconds.
const NOW: u64 = 1_764_144_000_000;
const DAY: u64 = 24 * 3600 * 1000;

/// Requests of a conversation, at most.
const MOST_REQUESTS: usize = 4;

/// Function that begins a conversation with a forge.
type Begin = fn(&Place, &Login, &CommitState) -> Result<Box<dyn Exchange>, Unsendable>;

/// Characters of a reason: an excerpt of 4096, and our own words.
const LONGEST: usize = 5000;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = line(data) else { return };
    let first = std::str::from_utf8(first).ok().and_then(|first| first.split_once(' '));
    let Some((word, moment)) = first else { return };
    let Some(moment) = Moment::parse(moment) else { return };
    let Some(answers) = answers(rest) else { return };
    let Some(last) = answers.last() else { return };
    if word == "app-token" {
        if let Err(meaning) = read_token(last, NOW) {
            assert_ne!(meaning, Meaning::Done);
            check(&meaning);
        }
        return;
    }
    let Some(mut exchange) = conversation(word, moment) else { return };
    let first = exchange.first();
    for answer in answers.iter().chain(std::iter::repeat(last)).take(MOST_REQUESTS) {
        match exchange.read(answer, NOW) {
            // No answer leads a login elsewhere.
            Next::Send(next) => assert_eq!(place_of(&next), place_of(&first), "{next:?}"),
            Next::End(meaning) => {
                check(&meaning);
                return;
            }
        }
    }
    panic!("no end after {MOST_REQUESTS} requests");
});

fn place_of(call: &Call) -> (&str, Option<&str>, Option<u16>) {
    (call.url.scheme(), call.url.host_str(), call.url.port_or_known_default())
}

fn check(meaning: &Meaning) {
    let why = match meaning {
        Meaning::Done => return,
        Meaning::Void(why) | Meaning::Refused(why) => why,
        Meaning::Retry { after, why } => {
            let wait = after.map_or(0, |after| after.as_millis());
            assert!(wait <= DAY.into(), "{meaning:?}");
            why
        }
        Meaning::RateLimited { until_ms, why } => {
            let until = until_ms.unwrap_or(NOW);
            assert!((NOW..=NOW + DAY).contains(&until), "{meaning:?}");
            why
        }
    };
    assert!(!why.is_empty() && why.chars().count() <= LONGEST, "{meaning:?}");
}

/// Returns the conversation of a word. `None` means that no conversation has it.
fn conversation(word: &str, moment: Moment) -> Option<Box<dyn Exchange>> {
    if word == "endpoint" {
        return Some(told(moment));
    }
    let all: [(&str, Begin); 3] =
        [("-deployment", deployment), ("-deployment-end", deployment_end), ("", status)];
    let (kind, begin) = all
        .into_iter()
        .find_map(|(suffix, begin)| Some((ForgeKind::parse(word.strip_suffix(suffix)?)?, begin)))?;
    let (api, url) = match kind {
        ForgeKind::Github => ("https://api.github.com", "https://github.com/acme/shop.git"),
        ForgeKind::Gitlab => ("https://gitlab.com/api/v4", "https://gitlab.com/acme/team/shop.git"),
        ForgeKind::Bitbucket => {
            ("https://api.bitbucket.org/2.0", "https://bitbucket.org/acme/shop.git")
        }
        ForgeKind::BitbucketServer => {
            ("https://git.example/rest/api/latest", "https://git.example/scm/acme/shop.git")
        }
        ForgeKind::Gitea | ForgeKind::Forgejo => {
            ("https://git.example/api/v1", "https://git.example/acme/shop.git")
        }
    };
    let place = Place::new(kind, api, url).expect("a place");
    let login = Login::new(kind, "t0ken").expect("a login");
    let state = CommitState {
        commit: "a".repeat(40),
        name: "windlass/web/production".into(),
        moment,
        description: "it is on its way".into(),
        link: Some("https://windlass.example/jobs/7".into()),
        branch: Some("main".into()),
        job: "7".into(),
    };
    begin(&place, &login, &state).ok()
}

/// Returns the conversation with an endpoint.
fn told(moment: Moment) -> Box<dyn Exchange> {
    let url = Url::parse("https://hooks.example/in").expect("a URL");
    let key = Key::parse(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
    let (project, name) = ("shop".to_owned(), "web".to_owned());
    let data = EventData {
        job: "7".into(),
        app: EventApp { project, name, environment: "production".into() },
        commit: "a".repeat(40),
        outcome: None,
        approval: None,
        diagnosis: None,
        release: None,
        url: None,
        seq: 7,
    };
    let event = Event::new(moment.as_str(), NOW, data);
    let notice = Notice { url: &url, keys: &[key], id: "m7", now_ms: NOW, event: &event };
    endpoint(&notice).expect("a message")
}

fn answers(rest: &[u8]) -> Option<Vec<Answer>> {
    let mut parts = vec![Vec::new()];
    for one in rest.split_inclusive(|byte| *byte == b'\n') {
        if one == b"--\n" {
            parts.push(Vec::new());
        } else {
            parts.last_mut()?.extend_from_slice(one);
        }
    }
    parts.iter().map(|part| answer(part)).collect()
}

fn answer(part: &[u8]) -> Option<Answer> {
    let (status, mut rest) = line(part)?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    let mut headers = HeaderMap::new();
    loop {
        let (text, after) = line(rest)?;
        rest = after;
        if text.is_empty() {
            return Some(Answer { status, headers, body: rest.to_vec() });
        }
        let colon = text.windows(2).position(|two| two == b": ")?;
        let name = HeaderName::from_bytes(&text[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(&text[colon + 2..]).ok()?);
    }
}

fn line(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    Some((&data[..end], &data[end + 1..]))
}
