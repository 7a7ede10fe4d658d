//! The variables that the program itself gives to the configuration (configuration manual, section 2.3).

use crate::version;
use config::Env;
use std::path::PathBuf;

const TCP: &str = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";
const HTTP: &str = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";
const HTTPS_TAIL: &str = " %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc";
const HTTP_CLF: &str = "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl";
const TCP_CLF: &str = "%{+Q}o %{-Q}ci - - [%T] \"TCP \" 000 %B \"\" \"\" %cp %ms %ft %b %s %Th %Tw %Tc %Tt %U %ts-- %ac %fc %bc %sc %rc %sq %bq \"\" \"\" ";

/// The names of the formats of logs.
const LOG_FORMATS: [&str; 5] = [
    "HAPROXY_TCP_LOG_FMT",
    "HAPROXY_TCP_CLF_LOG_FMT",
    "HAPROXY_HTTP_LOG_FMT",
    "HAPROXY_HTTP_CLF_LOG_FMT",
    "HAPROXY_HTTPS_LOG_FMT",
];

/// This machine's name.
pub fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// The process' environment with the program's own variables.
pub fn for_configuration(files: &[PathBuf], local_peer: &str) -> Env {
    let mut env = Env::new();
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    match crate::worker::is_worker() {
        // The version that the master was started with.
        true => drop(env.preset("HAPROXY_STARTUP_VERSION", version::HAPROXY)),
        false => env.set("HAPROXY_STARTUP_VERSION", version::HAPROXY),
    }
    env.set("HAPROXY_BRANCH", version::BRANCH);
    env.set("HAPROXY_CFGFILES", names.join(";"));
    env.set("HAPROXY_LOCALPEER", local_peer);
    let https = format!("{HTTP}{HTTPS_TAIL}");
    for (name, format) in LOG_FORMATS
        .iter()
        .zip([TCP, TCP_CLF, HTTP, HTTP_CLF, &https])
    {
        env.set(*name, format);
    }
    env.set("HAPROXY_KEYLOG_FC_LOG_FMT", keylog("fc", " "));
    // HAProxy has two spaces here.
    env.set("HAPROXY_KEYLOG_BC_LOG_FMT", keylog("bc", "  "));
    env
}

/// A log format for the keys of TLS connections of one side, as tools that decrypt captures read them (configuration
/// manual, `tune.ssl.keylog`).
fn keylog(side: &str, before_session_key: &str) -> String {
    let random = format!("%[ssl_{side}_client_random,hex]");
    let session = format!("%[ssl_{side}_session_key,hex]");
    let secrets = [
        "client_early_traffic_secret",
        "client_handshake_traffic_secret",
        "server_handshake_traffic_secret",
        "client_traffic_secret_0",
        "server_traffic_secret_0",
        "exporter_secret",
        "early_exporter_secret",
    ];
    let mut format = format!("CLIENT_RANDOM {random}{before_session_key}{session}");
    for secret in secrets {
        let label = secret.to_ascii_uppercase();
        format.push_str(&format!("\n{label} {random} %[ssl_{side}_{secret}]"));
    }
    format
}

/// What of the configuration's environment the process keeps: formats of logs are there for the configuration alone.
pub fn for_process(mut env: Env) -> Env {
    for name in LOG_FORMATS {
        env.unset(name);
    }
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_logs_are_not_for_the_process() {
        let env = for_process(for_configuration(&["a.cfg".into()], "here"));
        let names: Vec<&str> = env.iter().map(|(name, _)| name).collect();
        assert!(
            names.contains(&"HAPROXY_LOCALPEER") && names.contains(&"HAPROXY_KEYLOG_FC_LOG_FMT")
        );
        assert!(
            LOG_FORMATS.iter().all(|name| !names.contains(name)),
            "{names:?}"
        );
    }

    #[test]
    fn variables_of_the_program() {
        let env = for_configuration(&["a.cfg".into(), "b/c.cfg".into()], "here");
        assert_eq!(env.get("HAPROXY_CFGFILES"), Some("a.cfg;b/c.cfg"));
        assert_eq!(env.get("HAPROXY_LOCALPEER"), Some("here"));
        let keys = env.get("HAPROXY_KEYLOG_BC_LOG_FMT").unwrap_or_default();
        assert_eq!(keys.lines().count(), 8);
        assert!(keys.starts_with(
            "CLIENT_RANDOM %[ssl_bc_client_random,hex]  %[ssl_bc_session_key,hex]\nCLIENT_EARLY_TRAFFIC_SECRET %[ssl_bc"
        ));
        assert!(keys.ends_with(
            "\nEARLY_EXPORTER_SECRET %[ssl_bc_client_random,hex] %[ssl_bc_early_exporter_secret]"
        ));
        assert!(env.get("HAPROXY_HTTPS_LOG_FMT").is_some_and(|format| format.ends_with("%{+Q}r %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc")));
    }
}
