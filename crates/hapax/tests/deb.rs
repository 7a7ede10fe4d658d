//! The Debian package: it is built, installed into a folder, works from there, and goes again; systemd takes its unit.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hapax");

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging")
}

/// Whether a tool can be run; says so where it can't.
fn have(tool: &str) -> bool {
    let there = Command::new(tool)
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: {tool} is not installed");
    }
    there
}

/// What a command wrote to its standard output, once it succeeded.
fn said(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("a run");
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: {status}\n{stderr}");
    String::from_utf8_lossy(&stdout).into_owned()
}

/// `dpkg` on a system of its own, empty but for what it installs.
fn dpkg(root: &Path) -> Command {
    let mut dpkg = Command::new("dpkg");
    dpkg.args([
        "--force-not-root",
        "--force-script-chrootless",
        "--force-depends",
        "--force-bad-path",
    ]);
    dpkg.arg(format!("--root={}", root.display()));
    dpkg
}

#[test]
fn a_package_installs_works_and_goes() {
    if !have("dpkg-deb") || !have("dpkg") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let built = said(
        Command::new(packaging().join("deb"))
            .arg(PROGRAM)
            .arg(folder.path())
            .arg("-Znone"),
    );
    let package = built.trim();
    let listed = said(Command::new("dpkg-deb").args(["-c", package]));
    let owned = |line: &str| line.split_whitespace().nth(1) == Some("root/root");
    assert!(listed.lines().all(owned), "{listed}");
    assert!(listed.contains("./usr/share/man/man1/hapax.1.gz"));

    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("var/lib/dpkg/info")).expect("a folder");
    std::fs::create_dir_all(root.join("var/lib/dpkg/updates")).expect("a folder");
    std::fs::write(root.join("var/lib/dpkg/status"), "").expect("a file");
    said(dpkg(&root).args(["-i", package]));
    let program = root.join("usr/sbin/hapax");
    assert!(said(Command::new(&program).arg("-v")).contains("hapax"));

    // The sample names a user and a folder of the system that it is installed on; nobody is one everywhere.
    let config = root.join("etc/haproxy/haproxy.cfg");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    let here = text
        .replace("user hapax", "user nobody")
        .replace("group hapax", "gid 65534");
    assert_ne!(text, here);
    let checked = folder.path().join("checked.cfg");
    std::fs::write(&checked, here).expect("a file");
    said(Command::new(&program).args(["-c", "-f"]).arg(&checked));

    // What somebody has written stays, through an upgrade and after removal.
    std::fs::write(&config, "# mine\n").expect("a file");
    said(dpkg(&root).args(["-i", package]));
    said(dpkg(&root).args(["--purge", "hapax"]));
    assert!(!program.exists());
    assert!(!root.join("etc/default/hapax").exists());
    assert_eq!(
        std::fs::read_to_string(&config).ok().as_deref(),
        Some("# mine\n")
    );
}

#[test]
fn systemd_takes_the_unit() {
    if !have("systemd-analyze") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let unit = std::fs::read_to_string(packaging().join("systemd/hapax.service")).expect("a unit");
    let here = unit.replace("/usr/sbin/hapax", PROGRAM);
    assert_ne!(unit, here);
    let path = folder.path().join("hapax.service");
    std::fs::write(&path, here).expect("a file");
    let run = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&path)
        .output()
        .expect("a run");
    // Units of the system may have faults of their own, or be missing in a container.
    let stderr = String::from_utf8_lossy(&run.stderr);
    let ours: Vec<&str> = stderr
        .lines()
        .filter(|line| line.contains("hapax.service"))
        .filter(|line| !line.contains("not found."))
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}
