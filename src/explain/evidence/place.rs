//! Evidence about the place where the program runs: a unit of systemd, or a container. A fix names the options of that place.

use std::path::Path;

use crate::escape::escape;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The name of the service, escaped.
    pub(crate) service: Option<String>,
    pub(crate) container: Option<Container>,
}

/// The engine that started the container, if it left a mark. Docker's mark, `/.dockerenv`, is no evidence: exported images contain
/// the file, and run in other engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Kubernetes,
    Podman,
}

impl Place {
    pub(crate) fn examine() -> Self {
        let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self { service: service(&cgroups), container: Container::examine() }
    }
}

impl Container {
    /// The engines leave these files. The environment is cleared, and that of PID 1 is not readable.
    fn examine() -> Option<Self> {
        let exists = |path: &str| Path::new(path).exists();
        if exists("/run/secrets/kubernetes.io") || exists("/var/run/secrets/kubernetes.io") {
            Some(Self::Kubernetes)
        } else {
            exists("/run/.containerenv").then_some(Self::Podman)
        }
    }
}

/// The innermost service of the cgroup; see systemd.unit(5). The manager of a user's services is no service that restricts.
fn service(cgroups: &str) -> Option<String> {
    let is_systemds = |line: &&str| line.starts_with("0::") || line.contains(":name=systemd:");
    let path = |line: &str| line.splitn(3, ':').nth(2).map(str::to_owned);
    cgroups.lines().filter(is_systemds).filter_map(path).find_map(|path| {
        let kind = |unit: &&str| unit.rsplit('.').next().filter(|_| unit.contains('.')).map(str::to_owned);
        let is_unit = |unit: &&str| matches!(kind(unit).as_deref(), Some("service" | "scope"));
        let unit = path.rsplit('/').find(is_unit)?;
        let is_service = kind(&unit).as_deref() == Some("service") && !unit.starts_with("user@");
        is_service.then(|| escape(unit.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::service;

    #[test]
    fn a_service_is_the_innermost_unit_of_the_cgroup() {
        for (cgroups, expected) in [
            ("0::/system.slice/ci.service\n", Some("ci.service")),
            ("0::/system.slice/ci.service/payload\n", Some("ci.service")),
            ("1:name=systemd:/system.slice/ci.service\n4:memory:/x.service\n0::/\n", Some("ci.service")),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n", Some("web.service")),
            ("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", None),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-7.scope\n", None),
            ("0::/user.slice/user-1000.slice/session-3.scope\n", None),
            ("0::/system.slice/docker-0123.scope\n", None),
            ("4:memory:/system.slice/ci.service\n", None),
            ("0::/\n", None),
            ("", None),
        ] {
            assert_eq!(service(cgroups).as_deref(), expected, "{cgroups}");
        }
    }
}
