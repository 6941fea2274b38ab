//! Output of a migration's command: its end, which a diagnosis quotes, and the lock timeout that ended it.

/// Number of lines that a diagnosis quotes.
const QUOTED: usize = 30;

/// Words of a lock timeout of PostgreSQL: its code and its message.
const LOCK_TIMEOUT: [&str; 2] = ["55P03", "lock timeout"];

/// Words of an error, as PostgreSQL and the languages of its clients have them: `ERROR:`, `psycopg.errors.SyntaxError:`.
const ERROR: [&str; 6] = ["ERROR", "FATAL", "rror:", "Exception:", "SQLSTATE", ".errors."];

/// Words of runners about the command that they ran, whose own error stands before.
const WRAPPER: [&str; 3] = ["exited with code", "Lifecycle script", "Command failed"];

/// Returns the last lines of an output.
pub(super) fn last_lines(output: &str) -> Vec<String> {
    let lines: Vec<_> = output.lines().collect();
    let from = lines.len().saturating_sub(QUOTED);
    lines.iter().skip(from).map(|line| (*line).to_owned()).collect()
}

/// Returns whether the last error of a command's output is a lock timeout. A command may get over an earlier one, and fail
/// for another reason. The frames of a stack may follow the error, so more than the last line counts.
pub(super) fn ends_in_lock_timeout(output: &str) -> bool {
    let lines = last_lines(output);
    let own = lines.iter().filter(|line| !names(line, &WRAPPER));
    let last = own.rev().find(|line| names(line, &LOCK_TIMEOUT) || names(line, &ERROR));
    last.is_some_and(|line| names(line, &LOCK_TIMEOUT))
}

fn names(line: &str, words: &[&str]) -> bool {
    words.iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lock_timeout_is_one() {
        for output in [
            "ERROR:  canceling statement due to lock timeout",
            "psycopg.errors.LockNotAvailable: 55P03",
            "** (Postgrex.Error) ERROR 55P03 (lock_not_available) canceling statement\n    lib/db.ex:1",
        ] {
            assert!(ends_in_lock_timeout(output), "{output}");
        }
        for output in ["", "ERROR:  canceling statement due to statement timeout", "deadlock"] {
            assert!(!ends_in_lock_timeout(output), "{output}");
        }
    }

    /// Otherwise a migration that is wrong would run four times.
    #[test]
    fn a_lock_timeout_that_the_command_got_over_is_not_its_end() {
        let early = "ERROR:  canceling statement due to lock timeout\nonce more\n";
        for last in [
            "ERROR:  syntax error at or near \"TABEL\"\nLINE 1: ALTER TABEL items\n              ^\n",
            "psycopg2.errors.SyntaxError: syntax error at or near \"TABEL\"\n",
            "error: relation \"items\" does not exist\n    at Parser.parse (parser.js:1)\n",
        ] {
            assert!(!ends_in_lock_timeout(&format!("{early}{last}")), "{last}");
        }
        let long = "altered a table\n".repeat(QUOTED);
        assert!(!ends_in_lock_timeout(&format!("{early}{long}")), "it is too long ago");
    }

    #[test]
    fn what_follows_the_error_hides_it_not() {
        let of_node = "error: canceling statement due to lock timeout\n    at Parser.parse (parser.js:1) {\n  \
             severity: 'ERROR',\n  code: '55P03',\n  routine: 'ProcessInterrupts'\n}\n\nNode.js v22.1.0\n";
        let of_ruby = "PG::LockNotAvailable: ERROR:  canceling statement due to lock timeout\n\
             /app/db/migrate/1_a.rb:3:in 'change'\nTasks: TOP => db:migrate\n(See full trace)\n";
        let of_java = format!(
            "Caused by: org.postgresql.util.PSQLException: ERROR: canceling statement due to lock timeout\n{}",
            "\tat org.postgresql.core.v3.QueryExecutorImpl.execute(QueryExecutorImpl.java:1)\n"
                .repeat(12)
        );
        let of_bun = "ERROR:  canceling statement due to lock timeout\nerror: script \"migrate\" exited with code 1\n";
        for output in [of_node, of_ruby, of_java.as_str(), of_bun] {
            assert!(ends_in_lock_timeout(output), "{output}");
        }
    }

    #[test]
    fn the_end_of_an_output_is_quoted() {
        let output: String = (0..50).map(|line| format!("line {line}\n")).collect();
        let quoted = last_lines(&output);
        assert_eq!(quoted.len(), QUOTED);
        assert_eq!(quoted.last().map(String::as_str), Some("line 49"));
    }
}
