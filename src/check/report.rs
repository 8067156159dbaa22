//! The report of a check: text for people, and one JSON object for programs.

use std::fmt::Write;

use crate::explain::cause::Cause;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    /// A possible reason for a bad row elsewhere.
    Note,
    Bad,
}

/// A row of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    subject: &'static str,
    verdict: Verdict,
    detail: String,
    remedies: Vec<Remedy>,
}

/// The sentences of a [`Cause`], also those that another program printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remedy {
    /// The name of the [`Cause`]'s key; empty if the program printed none.
    pub(super) key: String,
    pub(super) cause: String,
    pub(super) fix: Option<String>,
}

impl From<Cause> for Remedy {
    fn from(Cause { key, sentence, fix }: Cause) -> Self {
        Self { key: key.name().to_owned(), cause: sentence, fix }
    }
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
        remedies: impl IntoIterator<Item = impl Into<Remedy>>,
    ) -> Self {
        let remedies = remedies.into_iter().map(Into::into).collect();
        Self { verdict: Verdict::Bad, remedies, ..Self::good(subject, detail) }
    }
}

/// The findings about one user.
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
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {word}  {:<14}  {}", finding.subject, finding.detail);
            for Remedy { key, cause, fix } in &finding.remedies {
                let _ = writeln!(text, "        cause: {cause} [{key}]");
                if let Some(fix) = fix {
                    let _ = writeln!(text, "        fix: {fix}");
                }
            }
        }
        text.push_str(if self.is_good() {
            "\nRootless containers will work.\n"
        } else {
            "\nRootless containers will not work.\n"
        });
        text
    }

    /// One line; docs/man/uidmap-check.1 describes the object.
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
    let remedies = finding.remedies.iter().map(|Remedy { key, cause, fix }| {
        let fix = fix.as_deref().map_or("null".to_owned(), quoted);
        format!("{{\"key\":{},\"cause\":{},\"fix\":{fix}}}", quoted(key), quoted(cause))
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

/// A string of JSON (RFC 8259, section 7).
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
    use super::{Finding, Remedy, Report, quoted};

    fn report(is_good: bool) -> Report {
        let mut report = Report::new("alice".into(), 1000);
        report.add(Finding::good("newuidmap", "/usr/bin/newuidmap, setuid root"));
        report.add(Finding::note("delegated uids", "no id"));
        if !is_good {
            let remedies = [
                Remedy { key: "one".into(), cause: "one \"quoted\"".into(), fix: Some("a fix".into()) },
                Remedy { key: "two".into(), cause: "another".into(), fix: None },
            ];
            report.add(Finding::bad("uid map", "write to uid_map failed", remedies));
        }
        report
    }

    #[test]
    fn the_text_has_a_line_for_each_finding_and_a_verdict() {
        let text = report(false).text(false);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "  ok    newuidmap       /usr/bin/newuidmap, setuid root",
                "  note  delegated uids  no id",
                "  bad   uid map         write to uid_map failed",
                "        cause: one \"quoted\" [one]",
                "        fix: a fix",
                "        cause: another [two]",
                "",
                "Rootless containers will not work."
            ]
        );
        assert!(report(true).text(false).ends_with("\nRootless containers will work.\n"));
        assert!(report(true).text(true).contains("\x1b[32mok  \x1b[0m"));
    }

    #[test]
    fn the_json_is_one_object_with_escaped_strings() {
        let json = report(false).json();
        assert!(json.contains(r#""ok":false,"user":"alice","uid":1000,"checks":[{"#), "{json}");
        assert!(
            json.contains(
                r#""remedies":[{"key":"one","cause":"one \"quoted\"","fix":"a fix"},{"key":"two","cause":"another","fix":null}]"#
            ),
            "{json}"
        );
        assert!(report(true).json().contains(r#""ok":true"#));
        assert_eq!(quoted("a\"\\\n\u{1b}\u{e9}"), r#""a\"\\\u000a\u001bé""#);
    }
}
