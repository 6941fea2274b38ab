//! Answers of the detectors: what was found and decided, and who else looked.

use windlass_proto::v1;

/// Number of candidates that are shown: a monorepo may have hundreds, and the JSON has them all.
const SHOWN: usize = 20;

/// Returns the lines about what was found, up to the Dockerfile.
pub(super) fn found(plan: &v1::PlanResponse) -> String {
    let mut text = match &*plan.language {
        "" => String::new(),
        language => format!("language: {language}, by `{}`\n", plan.detector),
    };
    for evidence in &plan.evidence {
        text.push_str(&format!("  because {evidence}\n"));
    }
    let decision =
        |one: &v1::Choice| [format!("{} {}", one.subject, one.value), one.source.clone()];
    section(&mut text, "decisions", &plan.decisions.iter().map(decision).collect::<Vec<_>>());
    let process = |one: &v1::FoundProcess| {
        let kind = match &*one.schedule {
            "" => one.kind.clone(),
            schedule => format!("{} {schedule}", one.kind),
        };
        [one.name.clone(), kind, one.command.join(" "), one.source.clone()]
    };
    section(&mut text, "processes", &plan.processes.iter().map(process).collect::<Vec<_>>());
    for warning in &plan.warnings {
        text.push_str(&format!("\nwarning: {}\n  fix:  {}\n", warning.message, warning.fix));
    }
    let candidate = |one: &v1::Candidate| {
        [format!("--directory {}", one.folder), format!("{}, \"{}\"", one.language, one.name)]
    };
    let candidates: Vec<_> = plan.candidates.iter().take(SHOWN).map(candidate).collect();
    section(&mut text, "other apps of this repository", &candidates);
    if plan.candidates.len() > SHOWN {
        text.push_str(&format!("  and {} more\n", plan.candidates.len() - SHOWN));
    }
    others(&mut text, &plan.answers);
    text
}

/// Adds the answers that were not chosen: score, reason, evidence and what to do.
fn others(text: &mut String, answers: &[v1::DetectorAnswer]) {
    let others: Vec<_> = answers.iter().filter(|answer| !answer.chosen).collect();
    if others.is_empty() {
        return;
    }
    text.push_str("\nother answers\n");
    for answer in others {
        let head = format!("  {} (`{}`, score {})", answer.language, answer.detector, answer.score);
        match &*answer.refusal {
            "" => text.push_str(&format!("{head}: plans a build too\n")),
            reason => text.push_str(&format!("{head}: {reason}\n")),
        }
        for evidence in &answer.evidence {
            text.push_str(&format!("    because {evidence}\n"));
        }
        if !answer.hint.is_empty() {
            text.push_str(&format!("    fix:  {}\n", answer.hint));
        }
    }
}

/// Adds rows below a head, in columns. Without a row there is no head.
fn section<const N: usize>(text: &mut String, head: &str, rows: &[[String; N]]) {
    if rows.is_empty() {
        return;
    }
    text.push_str(&format!("\n{head}\n"));
    let widths: Vec<usize> = (0..N)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    for row in rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(widths.iter().copied()) {
            line.push_str(&format!(" {cell:width$} "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_was_not_chosen_has_its_evidence() {
        let refused = v1::DetectorAnswer {
            detector: "node".into(),
            language: "node".into(),
            score: 20,
            evidence: vec!["package.json: a Node project".into()],
            refusal: "no start".into(),
            hint: "add one".into(),
            ..v1::DetectorAnswer::default()
        };
        let text = found(&v1::PlanResponse { answers: vec![refused], ..Default::default() });
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with("    ")).collect();
        assert_eq!(lines, ["    because package.json: a Node project", "    fix:  add one"]);
    }
}
