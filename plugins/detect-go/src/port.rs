//! The port at which a program listens, as far as its sources write it.

use windlass_plugin_sdk::{gomod::is_passed_by, workspace::folders::parent};

/// Number of source files that are searched, those of the program's own folder first.
const MOST: usize = 200;

/// Parts of lines that name the address of a server.
const CALLS: [&str; 8] = [
    "ListenAndServe",
    "net.Listen(",
    ".Run(",
    ".Listen(",
    ".Start(",
    "Addr:",
    ".Addr =",
    "flag.String",
];

/// Beginnings of names of variables that hold such an address.
const NAMES: [&str; 5] = ["port", "addr", "httpport", "serverport", "listenaddr"];

/// Port, its place, and whether the loopback address alone has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) number: u16,
    pub(crate) source: String,
    pub(crate) is_loopback: bool,
}

/// Returns the port that is written into the sources. `None` means that they read `PORT`, or write none.
/// `others`: folders of programs that are not built.
pub(crate) fn written(
    program: &str,
    others: &[String],
    files: &[String],
    read: impl Fn(&str) -> Option<String>,
) -> Option<Port> {
    let counts = |file: &&String| {
        !is_passed_by(file)
            && !file.ends_with("_test.go")
            && !others.iter().any(|other| other != program && parent(file) == other)
    };
    let (own, rest): (Vec<&String>, Vec<&String>) =
        files.iter().filter(counts).partition(|file| parent(file) == program);
    let mut found = None;
    for file in own.into_iter().chain(rest).take(MOST) {
        let Some(text) = read(file) else { continue };
        if text.contains("\"PORT\"") || text.contains("`PORT`") {
            return None;
        }
        if found.is_none() {
            found = text.lines().zip(1_usize..).find_map(|(line, number)| {
                let (port, is_loopback) = of_line(line)?;
                Some(Port { number: port, source: format!("{file}:{number}"), is_loopback })
            });
        }
    }
    found
}

fn of_line(line: &str) -> Option<(u16, bool)> {
    let line = line.trim();
    if line.starts_with("//") {
        return None;
    }
    let name = line.trim_start_matches("const ").trim_start_matches("var ").to_ascii_lowercase();
    let is_named = name.contains('=') && NAMES.iter().any(|start| name.starts_with(start));
    if !is_named && !CALLS.iter().any(|call| line.contains(call)) {
        return None;
    }
    let hosts = [
        ("\":", false),
        ("\"0.0.0.0:", false),
        ("\"[::]:", false),
        ("\"127.0.0.1:", true),
        ("\"localhost:", true),
    ];
    let alone = is_named.then_some(("\"", false));
    hosts.into_iter().chain(alone).find_map(|(host, is_loopback)| {
        let (_, rest) = line.split_once(host)?;
        let (digits, _) = rest.split_once('"')?;
        let port = digits.parse::<u16>().ok().filter(|port| *port > 0)?;
        Some((port, is_loopback))
    })
}

#[cfg(test)]
mod tests {
    use super::of_line;

    #[test]
    fn ports_are_read_from_addresses() {
        for (line, expected) in [
            ("\tlog.Fatal(http.ListenAndServe(\":3000\", nil))", Some((3000, false))),
            ("\tapp.Listen(\"0.0.0.0:3000\")", Some((3000, false))),
            ("\tr.Run(\"localhost:8081\")", Some((8081, true))),
            (
                "\taddr := flag.String(\"addr\", \":4000\", \"HTTP network address\")",
                Some((4000, false)),
            ),
            ("const port = \"4000\"", Some((4000, false))),
            ("\t\tAddr:    \":8000\",", Some((8000, false))),
            ("\tr.Run()", None),
            ("\t// http.ListenAndServe(\":3000\", nil)", None),
            ("\tdbPort := \"5432\"", None),
            ("\thttp.ListenAndServe(\":\"+port, nil)", None),
        ] {
            assert_eq!(of_line(line), expected, "{line}");
        }
    }
}
