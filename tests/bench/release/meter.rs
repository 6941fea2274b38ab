//! Counters of requests, bytes and CPU time.

use bench_history::Figures;
use std::{
    fmt, fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::spawn,
};
use windlass_bed::layout::{HOST, port};
use windlass_tests::bed;

pub(crate) use windlass_tests::audit::requests;

/// Costs of one release.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) requests: usize,
    pub(crate) bytes: u64,
    /// CPU seconds.
    pub(crate) cpu: f64,
    /// Seconds from the first write to the verdict.
    pub(crate) verdict: f64,
    /// End of the release, in the tool's own text.
    pub(crate) outcome: String,
}

impl Taken {
    /// Adds the costs to the figures, under the name of the release.
    pub(crate) fn keep(&self, release: &str, figures: &mut Figures) {
        figures.add(format!("{release}, requests"), self.requests as f64, "");
        figures.add(format!("{release}, bytes"), self.bytes as f64 / 1024.0, "KiB");
        figures.add(format!("{release}, CPU"), self.cpu, "s");
        figures.add(format!("{release}, verdict"), self.verdict, "s");
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = self.bytes >> 10;
        let outcome: String = self.outcome.chars().take(90).collect();
        write!(f, "{:10}{kib:10}{:10.2}{:10.1}  {outcome}", self.requests, self.cpu, self.verdict)
    }
}

/// Returns the median of each figure by itself.
pub(crate) fn median(all: Vec<Taken>) -> Taken {
    let middle = |of: fn(&Taken) -> f64| {
        let mut all: Vec<_> = all.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    Taken {
        requests: middle(|taken| taken.requests as f64) as usize,
        bytes: middle(|taken| taken.bytes as f64) as u64,
        cpu: middle(|taken| taken.cpu),
        verdict: middle(|taken| taken.verdict),
        outcome: all.last().map(|taken| taken.outcome.clone()).unwrap_or_default(),
    }
}

/// Returns the CPU seconds of a process so far, or with `children` those of its children that have ended.
pub(crate) fn cpu(process: &str, children: bool) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // After the name in brackets: state is field 3, utime 14, cutime 16 (proc(5)).
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let first = if children { 13 } else { 11 };
    let ticks: f64 = fields[first..first + 2].iter().map(|n| n.parse::<f64>().unwrap()).sum();
    // USER_HZ is 100 on all of Linux's architectures that this runs on.
    ticks / 100.0
}

/// A proxy before the API server that counts the bytes, which stay encrypted.
pub(crate) struct Counter {
    pub(crate) kubeconfig: PathBuf,
    bytes: Arc<AtomicU64>,
}

impl Counter {
    pub(crate) fn start(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let kubeconfig = bed().layout.at(&format!("daemons/{name}.kubeconfig"));
        let text = fs::read_to_string(bed().kubeconfig()).unwrap();
        let server = format!("https://{HOST}:{}", port::API);
        write(&kubeconfig, &text.replace(&server, &format!("https://{address}")));
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = bytes.clone();
        spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect((HOST, port::API)).unwrap();
                let from = client.try_clone().unwrap();
                let to = server.try_clone().unwrap();
                let one = counted.clone();
                let other = counted.clone();
                spawn(move || pass(from, to, &one));
                spawn(move || pass(server, client, &other));
            }
        });
        Self { kubeconfig, bytes }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

fn write(to: &Path, text: &str) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::write(to, text).unwrap();
}

fn pass(mut from: TcpStream, mut to: TcpStream, counted: &AtomicU64) {
    let mut chunk = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        counted.fetch_add(count as u64, Ordering::Relaxed);
        if to.write_all(&chunk[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
