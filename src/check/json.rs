//! The report as one JSON object. docs/uidmap-check.schema.json is its schema.

use std::fmt::Write;

use super::report::{Finding, Remedy, Report, VERSION, Verdict};
use crate::explain::cause::Key;

/// One line with the object.
pub(super) fn json(report: &Report) -> String {
    let findings: Vec<String> = report.findings.iter().map(finding_json).collect();
    let not_tried: Vec<String> = report.not_tried().into_iter().map(quoted).collect();
    format!(
        "{{\"version\":{},\"ok\":{},\"user\":{},\"uid\":{},\"checks\":[{}],\"not_tried\":[{}]}}\n",
        quoted(VERSION),
        report.is_good(),
        optional(report.user.as_deref()),
        report.uid,
        findings.join(","),
        not_tried.join(",")
    )
}

fn finding_json(finding: &Finding) -> String {
    let remedies = finding.remedies.iter().map(|Remedy { key, cause, fix }| {
        format!(
            "{{\"key\":{},\"cause\":{},\"fix\":{}}}",
            optional(key.map(Key::name)),
            quoted(cause),
            optional(fix.as_deref())
        )
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

fn optional(text: Option<&str>) -> String {
    text.map_or("null".to_owned(), quoted)
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
    use super::{json, quoted};
    use crate::check::report::example;

    #[test]
    fn the_json_is_one_object_with_escaped_strings() {
        let bad = json(&example(false));
        for part in [
            r#""ok":false,"user":"alice","uid":1000,"checks":[{"#,
            r#""remedies":[{"key":"refused","cause":"one \"quoted\"","fix":"a fix"},{"key":null,"cause":"another","fix":null}]"#,
            r#"],"not_tried":["next steps","pulling an image","#,
        ] {
            assert!(bad.contains(part), "{part}\n{bad}");
        }
        let mut report = example(true);
        report.user = None;
        assert!(json(&report).contains(r#""ok":true,"user":null,"#));
        assert_eq!(quoted("a\"\\\n\u{1b}\u{e9}"), r#""a\"\\\u000a\u001bé""#);
    }
}
