//! Every target over its corpus and over mutations of it.

use hapax_fuzz::Target;
use hapax_fuzz::driver::{Plan, run};
use hapax_fuzz::targets::TARGETS;
use std::path::Path;

fn fuzz(name: &str) {
    let target: &Target = TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("a target of this name");
    let plan = Plan::from_environment();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let report = run(target, plan, folder);
    println!(
        "{name}: seed {}, {} inputs, the slowest took {:?}: {}",
        plan.seed,
        report.inputs,
        report.slowest,
        report.slowest_input.escape_ascii()
    );
    assert!(report.inputs >= 50, "only {} inputs in time", report.inputs);
}

macro_rules! fuzzed {
    ($($name:ident,)*) => {
        $(#[test]
        fn $name() {
            fuzz(stringify!($name));
        })*

        #[test]
        fn every_target_has_its_test() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

fuzzed! {
    config_reader,
    config_loader,
    h1_request,
    h1_response,
    h1_chunks,
    h2_connection,
    proxy_header,
    netscaler_cip,
    socks4_reply,
    syslog_message,
    syslog_frames,
    dns_answer,
    peers_messages,
    expression,
    converter,
    log_format,
    condition,
    patterns,
    address,
    runtime_api_reader,
}
