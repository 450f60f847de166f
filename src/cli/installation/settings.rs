//! The settings of an operator that runs in a pod, read from its container.

use std::ffi::OsStr;

use clap::builder::Resettable;
use clap::{Args, Command, FromArgMatches};
use k8s_openapi::api::core::v1::Container;

use super::super::scope::{Identity, Scope};

/// The options of `run` that decide what the operator needs in Kubernetes.
#[derive(Debug, Args)]
pub(in crate::cli) struct Settings {
    #[command(flatten)]
    pub(in crate::cli) scope: Scope,
    #[command(flatten)]
    pub(in crate::cli) identity: Identity,
}

impl Settings {
    /// Those of a container, by its arguments and its environment.
    pub(super) fn of(container: Option<&Container>) -> Result<Self, String> {
        let known = Self::augment_args(Command::new("run").no_binary_name(true));
        let mut args = Vec::new();
        if let Some(container) = container {
            args = of_arguments(&known, container);
            // As in the process itself, an argument comes before the variable of the same option.
            let is_given = |option: &String| args.iter().any(|arg| name(arg) == name(option));
            let of_environment: Vec<_> = of_environment(&known, container).into_iter().filter(|one| !is_given(one)).collect();
            args.extend(of_environment);
        }
        // The environment of this process is not that of the operator.
        let command = known.mut_args(|arg| arg.env(Resettable::Reset)).args_override_self(true);
        let matches = command.try_get_matches_from(args).map_err(|error| error.to_string())?;
        Self::from_arg_matches(&matches).map_err(|error| error.to_string())
    }
}

/// The name of an option, as `--name=value` has it.
fn name(arg: &str) -> &str {
    arg.split_once('=').map_or(arg, |(name, _)| name)
}

/// The variables with a plain value that set one of these options, as options.
fn of_environment(known: &Command, container: &Container) -> Vec<String> {
    let variables = container.env.iter().flatten();
    let option = |name: &str, value: &str| {
        let arg = known.get_arguments().find(|arg| arg.get_env() == Some(OsStr::new(name)))?;
        Some(format!("--{}={value}", arg.get_long()?))
    };
    variables.filter_map(|one| option(&one.name, one.value.as_deref().filter(|value| !value.is_empty())?)).collect()
}

/// The arguments that are one of these options. Another version of the operator may have others.
fn of_arguments(known: &Command, container: &Container) -> Vec<String> {
    let mut found = Vec::new();
    let mut words = container.args.iter().flatten().peekable();
    while let Some(word) = words.next() {
        let Some(option) = name(word).strip_prefix("--") else { continue };
        if !known.get_arguments().any(|arg| arg.get_long() == Some(option)) {
            continue;
        }
        match words.peek() {
            Some(value) if !word.contains('=') && !value.starts_with("--") => found.push(format!("{word}={value}")),
            _ => found.push(word.clone()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_those_of_the_container() {
        #[rustfmt::skip]
        let table = [
            // arguments                                                           environment                        namespaces     a Lease  accounts
            (json!(["run", "--cloud=public"]),                                     json!([]),                         &[][..],       true,    false),
            (json!(["run", "--watch-namespaces=a,b", "--log=info"]),               json!([]),                         &["a", "b"],   true,    false),
            (json!(["run", "--watch-namespaces", "a", "--leader-election=false"]), json!([]),                         &["a"],        false,   false),
            (json!(["run", "--require-service-account", "--pod-name=p"]),          json!([]),                         &[],           true,    true),
            (json!(["run"]),         json!([{"name": "WATCH_NAMESPACES", "value": "c"}, {"name": "OTHER", "value": "x"}]), &["c"], true,    false),
            (json!(["run", "--watch-namespaces=a"]), json!([{"name": "WATCH_NAMESPACES", "value": "c"}]),             &["a"],        true,    false),
            (json!(["run", "--an-option-of-tomorrow", "x"]), json!([{"name": "POD_NAME", "valueFrom": {}}]),          &[],           true,    false),
        ];
        for (args, env, namespaces, has_lease, accounts) in table {
            let container = serde_json::from_value(json!({"name": "operator", "args": args, "env": env})).expect("a container");
            let settings = Settings::of(Some(&container)).expect("settings");
            let scope = &settings.scope;
            let shard = scope.shard().expect("a shard");
            assert_eq!(scope.namespaces(), namespaces, "{args} {env}");
            assert_eq!(!scope.leases(&shard, "own").is_empty(), has_lease, "{args} {env}");
            assert_eq!(settings.identity.require_service_account, accounts, "{args} {env}");
        }
    }
}
