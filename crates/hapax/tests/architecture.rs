//! Holds the crates to the table in `ARCHITECTURE.md`: what each may use, all of it standing above, so that layers stay
//! layers.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crate that only tests may use.
const TEST_ONLY: &str = "testkit";
/// The crate in which unsafe code is allowed.
const UNSAFE: &str = "sys";

/// A crate of this workspace.
struct Package {
    name: String,
    folder: PathBuf,
    /// The crates of this workspace that its code uses.
    uses: BTreeSet<String>,
    /// Those that its tests use in addition.
    tests_use: BTreeSet<String>,
}

/// A row of the table.
struct Row {
    name: String,
    may_use: BTreeSet<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The name by which the table and the code know a package.
fn short(package: &str) -> &str {
    package.strip_prefix("hapax-").unwrap_or(package)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no '{key}' in {value}"))
}

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("no '{key}' in {value}"))
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .arg("--offline")
        .arg("--manifest-path")
        .arg(root().join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    items(&metadata, "packages").iter().map(package).collect()
}

fn package(found: &Value) -> Package {
    let dependencies = |of_tests: bool| {
        items(found, "dependencies")
            .iter()
            .filter(|dependency| dependency["path"].is_string())
            .filter(|dependency| (dependency["kind"] == "dev") == of_tests)
            .map(|dependency| short(text(dependency, "name")).to_owned())
            .collect()
    };
    let manifest = Path::new(text(found, "manifest_path"));
    Package {
        name: short(text(found, "name")).to_owned(),
        folder: manifest.parent().expect("a manifest's folder").to_owned(),
        uses: dependencies(false),
        tests_use: dependencies(true),
    }
}

/// Words in back quotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn table() -> Vec<Row> {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    page.lines()
        .skip_while(|line| !line.starts_with("| crate |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let [name, _, may_use] = cells[..] else {
                panic!("not three cells: {line}");
            };
            Row {
                name: quoted(name).next().expect("a crate's name").to_owned(),
                may_use: quoted(may_use).map(str::to_owned).collect(),
            }
        })
        .collect()
}

#[test]
fn the_table_lists_every_crate_once() {
    let rows: Vec<String> = table().into_iter().map(|row| row.name).collect();
    let listed: BTreeSet<String> = rows.iter().cloned().collect();
    let found: BTreeSet<String> = packages().into_iter().map(|found| found.name).collect();
    assert_eq!(listed, found);
    assert_eq!(rows.len(), found.len(), "{rows:?}");
}

#[test]
fn what_a_crate_may_use_stands_above_it() {
    let mut above = BTreeSet::new();
    for row in table() {
        assert!(
            row.may_use.is_subset(&above),
            "'{}' may use {:?}, but only {above:?} stand above it",
            row.name,
            row.may_use
        );
        if row.name != TEST_ONLY {
            above.insert(row.name);
        }
    }
}

#[test]
fn crates_use_only_what_the_table_allows() {
    let rows = table();
    for found in packages() {
        let row = rows.iter().find(|row| row.name == found.name);
        let row = row.unwrap_or_else(|| panic!("'{}' is not in the table", found.name));
        assert!(
            found.uses.is_subset(&row.may_use),
            "'{}' uses {:?}, but may use only {:?}",
            found.name,
            found.uses,
            row.may_use
        );
        let mut tests_may_use = row.may_use.clone();
        tests_may_use.insert(TEST_ONLY.to_owned());
        assert!(
            found.tests_use.is_subset(&tests_may_use),
            "the tests of '{}' use {:?}, but may use only {tests_may_use:?}",
            found.name,
            found.tests_use
        );
    }
}

#[test]
fn unsafe_code_is_forbidden_everywhere_else() {
    for found in packages() {
        let source = ["src/lib.rs", "src/main.rs"]
            .map(|file| std::fs::read_to_string(found.folder.join(file)))
            .into_iter()
            .find_map(Result::ok)
            .unwrap_or_else(|| panic!("'{}' has neither lib.rs nor main.rs", found.name));
        let forbidden = source.lines().any(|line| line == "#![forbid(unsafe_code)]");
        assert_eq!(forbidden, found.name != UNSAFE, "'{}'", found.name);
    }
}
