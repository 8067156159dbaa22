//! Causes in the subid plugin: it denied the range, failed, or cannot be used.

use nix::errno::Errno;

use super::{Cause, Key, denial, suggestion};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::path::Denial;
use crate::id_type::IdType;
use crate::map_range::MapRange;
use crate::subid::plugin::{PluginError, Unusable};

/// The plugin did not delegate a range.
pub(super) fn not_allowed(
    library: &str,
    answer: Result<bool, PluginError>,
    refused: MapRange,
    evidence: &Evidence,
) -> Cause {
    let plugin = format!("{library}, the subid plugin in /etc/nsswitch.conf,");
    let error = match answer {
        // `Ok(true)`: the answer has changed since the run. The plugin's list is not printed: a program that gained privilege by its exec may not read
        // the plugin's memory through /proc/self/mem. getsubids may.
        Ok(_) => return not_delegated(&plugin, refused, evidence),
        Err(PluginError::UnknownUser) => return without_range(&plugin, evidence),
        Err(PluginError::Connection) => format!("{plugin} cannot reach its service (connection error)"),
        Err(PluginError::Other | PluginError::List) => format!("{plugin} failed"),
        Err(PluginError::Undefined(status)) => {
            format!("{plugin} answered with the undefined status {status}")
        }
    };
    Cause::new(
        Key::Plugin,
        error,
        "check that the plugin's service runs and knows the user (for sss: sssd), or as root, remove the line subid: from /etc/nsswitch.conf",
    )
}

/// sssd's plugin has one answer for an unknown user, for a user without a range, and for a directory that cannot be reached.
fn without_range(plugin: &str, evidence: &Evidence) -> Cause {
    let (word, caller) = (evidence.id_type.word(), evidence.caller_name());
    Cause::new(
        Key::Plugin,
        format!(
            "{plugin} has no {word}s for {caller}: the user is unknown or has no range, or the directory cannot be reached"
        ),
        delegate_or_reach(&caller),
    )
}

/// The remedy if a plugin reports an unknown user.
pub(crate) fn delegate_or_reach(user: &str) -> String {
    format!(
        "have an administrator of the directory service delegate ids to {user} (FreeIPA: ipa subid-generate); if the directory has ids \
         for {user}, check that the plugin's service reaches the directory (for sss: sssd); for a user of this machine alone, as root, \
         remove the line subid: from /etc/nsswitch.conf, so that the files delegate and not the directory"
    )
}

fn not_delegated(plugin: &str, refused: MapRange, evidence: &Evidence) -> Cause {
    let (word, caller) = (evidence.id_type.word(), evidence.caller_name());
    let option = if evidence.id_type == IdType::Gid { "-g " } else { "" };
    let name = suggestion::account_word(evidence);
    let list = name.map_or("getsubids lists".to_owned(), |name| format!("`getsubids {option}{name}` lists"));
    Cause::new(
        Key::NotDelegated,
        format!("{plugin} does not delegate the {word}s {} to {caller}", refused.lower_range()),
        format!(
            "request only the ids that {list}, or have an administrator of the directory service delegate more ids (FreeIPA: ipa \
             subid-generate){}",
            suggestion::then_migrate(evidence)
        ),
    )
}

const THE_PLUGIN: &str = "the subid plugin in /etc/nsswitch.conf";

/// A plugin is configured and cannot be used. The files do not replace it.
pub(crate) fn unusable(unusable: &Unusable, denial: Option<&Denial>) -> Cause {
    let (sentence, fix) = match unusable {
        Unusable::Configuration(reason) => (
            format!(
                "/etc/nsswitch.conf, which may name a subid plugin, cannot be read: {reason}{}",
                denial::note(denial)
            ),
            if reason.errno() == Errno::EACCES {
                denial::allow("/etc/nsswitch.conf", denial)
            } else {
                "raise the limits on memory and descriptors (ulimit -a), or repair /etc/nsswitch.conf".to_owned()
            },
        ),
        Unusable::NameTooLong(_) => (
            format!("{THE_PLUGIN} has a name of more than 50 characters, so it is not loaded"),
            "as root, correct or remove the line subid: in /etc/nsswitch.conf".to_owned(),
        ),
        Unusable::Load { .. } | Unusable::Function { .. } => (
            format!("{THE_PLUGIN} cannot be used"),
            "as root, install the package of the plugin (for sss: sssd-common), or remove the line subid: from \
             /etc/nsswitch.conf; a limit on memory or descriptors (ulimit -a) may also prevent loading"
                .to_owned(),
        ),
    };
    Cause::new(Key::Plugin, sentence, fix)
}

#[cfg(test)]
mod tests {
    use super::{PluginError, not_allowed};
    use crate::explain::causes::test_evidence::{evidence, ranges};

    #[test]
    fn each_answer_of_a_plugin_has_its_own_sentence() {
        for (answer, sentence) in [
            (Ok(false), "does not delegate the uids 100000 to 100099 to alice"),
            (
                Err(PluginError::UnknownUser),
                "has no uids for alice: the user is unknown or has no range, or the directory cannot be reached",
            ),
            (Err(PluginError::Connection), "cannot reach its service (connection error)"),
            (Err(PluginError::Other), "failed"),
            (Err(PluginError::Undefined(9)), "answered with the undefined status 9"),
        ] {
            let cause = not_allowed("libsubid_x.so", answer, ranges("0 100000 100")[0], &evidence(|_| {}));
            let expected = format!("libsubid_x.so, the subid plugin in /etc/nsswitch.conf, {sentence}");
            assert_eq!(cause.sentence, expected);
        }
    }

    #[test]
    fn a_denied_range_comes_with_the_command_that_lists_the_delegated_ids() {
        let cause = not_allowed("libsubid_x.so", Ok(false), ranges("0 100000 100")[0], &evidence(|_| {}));
        assert!(cause.fix.unwrap().starts_with("request only the ids that `getsubids alice` lists"));
    }
}
