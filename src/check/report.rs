//! What was found, as a screen for people and as JSON for programs.

use std::fmt::Write;

use crate::explain::cause::Cause;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What came of one thing that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It may be the reason for what is bad elsewhere.
    Note,
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    subject: &'static str,
    verdict: Verdict,
    detail: String,
    /// Sentences: why it is bad, and what to do, where that is known.
    remedies: Vec<(String, Option<String>)>,
}

impl Finding {
    pub(super) fn good(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { subject, verdict: Verdict::Good, detail: detail.into(), remedies: Vec::new() }
    }

    pub(super) fn note(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { verdict: Verdict::Note, ..Self::good(subject, detail) }
    }

    pub(super) fn bad(
        subject: &'static str,
        detail: impl Into<String>,
        causes: impl IntoIterator<Item = Cause>,
    ) -> Self {
        let remedies = causes.into_iter().map(|cause| (cause.sentence, cause.fix)).collect();
        Self::bad_in_words(subject, detail, remedies)
    }

    /// For what another program said.
    pub(super) fn bad_in_words(
        subject: &'static str,
        detail: impl Into<String>,
        remedies: Vec<(String, Option<String>)>,
    ) -> Self {
        Self { verdict: Verdict::Bad, remedies, ..Self::good(subject, detail) }
    }
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    user: String,
    uid: u32,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(user: String, uid: u32) -> Self {
        Self { user, uid, findings: Vec::new() }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Bad)
    }

    /// One screen.
    pub(super) fn text(&self, is_colourful: bool) -> String {
        let paint = |colour: u8, word: &str| {
            if is_colourful { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_owned() }
        };
        let mut text =
            format!("uidmap-rs {VERSION}: rootless containers of {} (uid {})\n\n", self.user, self.uid);
        for finding in &self.findings {
            let word = match finding.verdict {
                Verdict::Good => paint(32, "ok  "),
                Verdict::Note => paint(33, "note"),
                Verdict::Bad => paint(31, "bad "),
            };
            // A string takes whatever is written to it.
            let _ = writeln!(text, "  {word}  {:<14}  {}", finding.subject, finding.detail);
            for (cause, fix) in &finding.remedies {
                let _ = writeln!(text, "        cause: {cause}");
                if let Some(fix) = fix {
                    let _ = writeln!(text, "        fix: {fix}");
                }
            }
        }
        text.push_str(if self.is_good() { "\nThey will work.\n" } else { "\nThey will not work.\n" });
        text
    }

    /// One object, in one line.
    pub(super) fn json(&self) -> String {
        let findings: Vec<String> = self.findings.iter().map(finding_json).collect();
        format!(
            "{{\"version\":{},\"ok\":{},\"user\":{},\"uid\":{},\"checks\":[{}]}}\n",
            quoted(VERSION),
            self.is_good(),
            quoted(&self.user),
            self.uid,
            findings.join(",")
        )
    }
}

fn finding_json(finding: &Finding) -> String {
    let remedies = finding.remedies.iter().map(|(cause, fix)| {
        let fix = fix.as_deref().map_or("null".to_owned(), quoted);
        format!("{{\"cause\":{},\"fix\":{fix}}}", quoted(cause))
    });
    let verdict = match finding.verdict {
        Verdict::Good => "ok",
        Verdict::Note => "note",
        Verdict::Bad => "bad",
    };
    format!(
        "{{\"subject\":{},\"verdict\":\"{verdict}\",\"detail\":{},\"remedies\":[{}]}}",
        quoted(finding.subject),
        quoted(&finding.detail),
        remedies.collect::<Vec<_>>().join(",")
    )
}

/// A string of RFC 8259, section 7.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::{Finding, Report, quoted};

    fn report(is_good: bool) -> Report {
        let mut report = Report::new("alice".into(), 1000);
        report.add(Finding::good("newuidmap", "/usr/bin/newuidmap, setuid root"));
        report.add(Finding::note("delegated uids", "no id"));
        if !is_good {
            let remedies = vec![("it is \"so\"".into(), Some("do".into())), ("or so".into(), None)];
            report.add(Finding::bad_in_words("uid map", "write to uid_map failed", remedies));
        }
        report
    }

    #[test]
    fn people_get_a_line_for_each_and_a_verdict() {
        let text = report(false).text(false);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "  ok    newuidmap       /usr/bin/newuidmap, setuid root",
                "  note  delegated uids  no id",
                "  bad   uid map         write to uid_map failed",
                "        cause: it is \"so\"",
                "        fix: do",
                "        cause: or so",
                "",
                "They will not work."
            ]
        );
        assert!(report(true).text(false).ends_with("\nThey will work.\n"));
        assert!(report(true).text(true).contains("\x1b[32mok  \x1b[0m"));
    }

    #[test]
    fn programs_get_one_object() {
        let json = report(false).json();
        assert!(json.contains(r#""ok":false,"user":"alice","uid":1000,"checks":[{"#), "{json}");
        assert!(
            json.contains(r#""remedies":[{"cause":"it is \"so\"","fix":"do"},{"cause":"or so","fix":null}]"#),
            "{json}"
        );
        assert!(report(true).json().contains(r#""ok":true"#));
        assert_eq!(quoted("a\"\\\n\u{1b}\u{e9}"), r#""a\"\\\u000a\u001bé""#);
    }
}
