//! Lines that run a script of a folder below: `npm start --prefix server`, `yarn workspace api start`.

/// The script of a folder below, or of a workspace's member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Other {
    /// A folder, or a member's name.
    pub(crate) place: String,
    pub(crate) script: String,
}

/// Reads a line of one script in one place. `None` means that it is another form, such as a filter of several members.
pub(crate) fn other(line: &str) -> Option<Other> {
    let mut words = line.split_whitespace();
    let program = words.next().filter(|word| matches!(*word, "npm" | "yarn" | "pnpm"))?;
    let (mut place, mut left) = (None, Vec::new());
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
            _ => (word, None),
        };
        match flag {
            "--prefix" | "--cwd" | "--dir" | "--workspace" | "--filter" | "-C" | "-F" => {
                place = value.or_else(|| words.next());
            }
            "-w" if program == "npm" => place = words.next(),
            "workspace" if program == "yarn" => place = words.next(),
            "run" | "run-script" | "-s" | "--silent" => {}
            word => left.push(word),
        }
    }
    let [script] = left.as_slice() else { return None };
    let place = place?.trim_start_matches("./").trim_end_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./@".contains(c);
    let plain = !place.is_empty() && place.chars().chain(script.chars()).all(is_plain);
    (plain && !script.starts_with('-') && !place.contains(".."))
        .then(|| Other { place: place.to_owned(), script: (*script).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Other, other};

    #[test]
    fn one_script_of_one_place_is_read() {
        for line in [
            "npm start --prefix server",
            "npm run start --prefix=./server/",
            "npm --prefix server start",
            "npm start -w server",
            "npm run start --workspace=server",
            "yarn workspace server start",
            "yarn --cwd server start",
            "pnpm --filter server start",
            "pnpm -C server run start",
        ] {
            let expected = Other { place: "server".into(), script: "start".into() };
            assert_eq!(other(line), Some(expected), "{line}");
        }
        for line in ["npm start", "pnpm -r start", "turbo start", "npm start --prefix ../a", "npm"]
        {
            assert_eq!(other(line), None, "{line}");
        }
    }
}
