//! The report of a check: text for people. json.rs has the same report for programs.

use std::fmt::Write;

use crate::explain::cause::{Cause, Key};

pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The subjects of the trials. The maps work only if each of them is good.
const TRIALS: [&str; 3] = [UID_MAP, GID_MAP, NEXT_STEPS];
pub(super) const UID_MAP: &str = "uid map";
pub(super) const GID_MAP: &str = "gid map";
pub(super) const NEXT_STEPS: &str = "next steps";

/// Later steps of a client, which the check never tries.
const NEVER_TRIED: [&str; 4] = ["pulling an image", "networking", "cgroups", "storage"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// A possible reason for a bad row elsewhere, or a limit.
    Note,
    Bad,
}

/// A row of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) subject: &'static str,
    pub(super) verdict: Verdict,
    pub(super) detail: String,
    pub(super) remedies: Vec<Remedy>,
}

/// The sentences of a [`Cause`], also those that another program printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remedy {
    /// `None` if the program printed none that is known here.
    pub(super) key: Option<Key>,
    pub(super) cause: String,
    /// `None` if the evidence leaves more than one possible reason.
    pub(super) fix: Option<String>,
}

impl Remedy {
    pub(super) fn new(key: Key, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::without_fix(key, cause) }
    }

    pub(super) fn without_fix(key: Key, cause: impl Into<String>) -> Self {
        Self { key: Some(key), cause: cause.into(), fix: None }
    }
}

impl From<Cause> for Remedy {
    fn from(Cause { key, sentence, fix }: Cause) -> Self {
        Self { key: Some(key), cause: sentence, fix }
    }
}

impl Finding {
    pub(super) fn good(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { subject, verdict: Verdict::Good, detail: detail.into(), remedies: Vec::new() }
    }

    pub(super) fn note(
        subject: &'static str,
        detail: impl Into<String>,
        remedies: impl IntoIterator<Item = Remedy>,
    ) -> Self {
        Self {
            verdict: Verdict::Note,
            remedies: remedies.into_iter().collect(),
            ..Self::good(subject, detail)
        }
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
    /// The name, escaped; `None` without a passwd entry.
    pub(super) user: Option<String>,
    pub(super) uid: u32,
    pub(super) findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(user: Option<String>, uid: u32) -> Self {
        Self { user, uid, findings: Vec::new() }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn has_good(&self, subject: &str) -> bool {
        self.findings.iter().any(|finding| finding.subject == subject && finding.verdict == Verdict::Good)
    }

    /// Whether every trial was made and no row is bad.
    pub(super) fn is_good(&self) -> bool {
        let is_tried = |subject| self.findings.iter().any(|finding| finding.subject == subject);
        TRIALS.into_iter().all(is_tried)
            && self.findings.iter().all(|finding| finding.verdict != Verdict::Bad)
    }

    pub(super) fn not_tried(&self) -> Vec<&'static str> {
        let is_untried = |subject: &&str| !self.findings.iter().any(|finding| finding.subject == *subject);
        TRIALS.into_iter().filter(is_untried).chain(NEVER_TRIED).collect()
    }

    pub(super) fn text(&self, is_colourful: bool) -> String {
        let paint = |colour: u8, word: &str| {
            if is_colourful { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_owned() }
        };
        let uid = self.uid;
        let (user, user_with_uid) = match &self.user {
            Some(user) => (user.clone(), format!("{user} (uid {uid})")),
            None => (format!("uid {uid}"), format!("uid {uid}")),
        };
        let mut text = format!("uidmap-rs {VERSION}: the id maps of {user_with_uid}\n\n");
        for finding in &self.findings {
            let word = match finding.verdict {
                Verdict::Good => paint(32, "ok  "),
                Verdict::Note => paint(33, "note"),
                Verdict::Bad => paint(31, "bad "),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {word}  {:<14}  {}", finding.subject, finding.detail);
            for Remedy { key, cause, fix } in &finding.remedies {
                let key = key.map_or(String::new(), |key| format!(" [{}]", key.name()));
                let _ = writeln!(text, "        cause: {cause}{key}");
                if let Some(fix) = fix {
                    let _ = writeln!(text, "        fix: {fix}");
                }
            }
        }
        let has_cause = self.findings.iter().any(|finding| !finding.remedies.is_empty());
        let verdict = match self.is_good() {
            true if has_cause => "work. A note with a cause can still stop a client or an image",
            true => "work",
            false => "do not work",
        };
        let not_tried = self.not_tried().join(", ");
        let _ = writeln!(text, "\nThe id maps of {user} {verdict}.\nNot tried: {not_tried}.");
        text
    }
}

/// A report with a finding of each verdict, for tests.
#[cfg(test)]
pub(super) fn example(is_good: bool) -> Report {
    let mut report = Report::new(Some("alice".into()), 1000);
    report.add(Finding::good("newuidmap", "/usr/bin/newuidmap, setuid root"));
    report.add(Finding::note("delegated uids", "10", [Remedy::without_fix(Key::FewIds, "few")]));
    report.add(Finding::good(UID_MAP, "0 1000 1"));
    if is_good {
        report.add(Finding::good(GID_MAP, "0 1000 1"));
        report.add(Finding::good(NEXT_STEPS, "a tmpfs mount"));
    } else {
        let remedies = [
            Remedy { key: Some(Key::Refused), cause: "one \"quoted\"".into(), fix: Some("a fix".into()) },
            Remedy { key: None, cause: "another".into(), fix: None },
        ];
        report.add(Finding::bad(GID_MAP, "write to gid_map failed", remedies));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::{Finding, UID_MAP, Verdict, example};

    #[test]
    fn the_text_has_a_line_for_each_finding_and_a_verdict() {
        let text = example(false).text(false);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "  ok    newuidmap       /usr/bin/newuidmap, setuid root",
                "  note  delegated uids  10",
                "        cause: few [few-ids]",
                "  ok    uid map         0 1000 1",
                "  bad   gid map         write to gid_map failed",
                "        cause: one \"quoted\" [refused]",
                "        fix: a fix",
                "        cause: another",
                "",
                "The id maps of alice do not work.",
                "Not tried: next steps, pulling an image, networking, cgroups, storage.",
            ]
        );
        let good = example(true);
        assert!(good.text(false).ends_with(
            "\nThe id maps of alice work. A note with a cause can still stop a client or an image.\nNot tried: pulling an image, \
             networking, cgroups, storage.\n"
        ));
        let mut without_note = good.clone();
        without_note.findings.retain(|finding| finding.verdict == Verdict::Good);
        assert!(without_note.text(false).contains("\nThe id maps of alice work.\n"));
        assert!(good.text(true).contains("\x1b[32mok  \x1b[0m"));
    }

    #[test]
    fn maps_work_only_if_every_trial_was_made_and_nothing_is_bad() {
        assert!(example(true).is_good());
        assert!(!example(false).is_good());
        let mut bad = example(true);
        bad.add(Finding::bad("newuidmap", "", None::<super::Remedy>));
        assert!(!bad.is_good());
        for subject in super::TRIALS {
            let mut untried = example(true);
            untried.findings.retain(|finding| finding.subject != subject);
            assert!(!untried.is_good(), "{subject}");
            assert_eq!(untried.not_tried()[0], subject);
        }
        assert_eq!(example(true).findings[2].subject, UID_MAP);
    }

    #[test]
    fn a_user_without_a_name_is_shown_as_a_uid() {
        let mut report = example(false);
        report.user = None;
        let text = report.text(false);
        assert!(text.contains(": the id maps of uid 1000\n"), "{text}");
        assert!(text.contains("\nThe id maps of uid 1000 do not work.\n"), "{text}");
    }
}
