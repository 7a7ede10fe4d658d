//! Where relative file names of the configuration lead, and other directories.

use crate::parse::{Parsed, Parser, Row, Statement, Valid};
use std::path::{Path, PathBuf};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "default-path",
        valid: Valid::ALL,
        args: (0, 2),
        doc: "Where relative file names lead.",
        read: default_path,
    },
    Row {
        name: "server-state-base",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Where server state files are.",
        read: server_state_base,
    },
    Row {
        name: "server-state-file",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The file with servers' states to start from.",
        read: server_state_file,
    },
];

/// `default-path`: where relative file names of the configuration lead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DefaultPath {
    /// `current`: the directory the program was started in.
    #[default]
    Current,
    /// `config`: the directory of the configuration file that names the file.
    Config,
    /// `parent`: the directory above that.
    Parent,
    /// `origin`: this directory.
    Origin(PathBuf),
}

impl DefaultPath {
    /// The path that `name` in configuration file `file` stands for.
    #[must_use]
    pub fn resolve(&self, file: &str, name: &str) -> PathBuf {
        let directory = || Path::new(file).parent().unwrap_or(Path::new(""));
        match self {
            Self::Current => PathBuf::from(name),
            Self::Config => directory().join(name),
            Self::Parent => directory().join("..").join(name),
            Self::Origin(origin) => origin.join(name),
        }
    }
}

fn default_path(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    const MODES: &str = "supported modes include 'current', 'config', 'parent', and 'origin'.";
    let mode = statement.arg(0);
    parser.default_path = match mode {
        "current" => DefaultPath::Current,
        "config" => DefaultPath::Config,
        "parent" => DefaultPath::Parent,
        "origin" => match statement.arg(1) {
            "" => {
                return Err(statement
                    .fault_here("'default-path origin' expects a directory as an argument."));
            }
            origin if Path::new(origin).is_dir() => DefaultPath::Origin(origin.into()),
            origin => {
                let message = format!(
                    "couldn't set 'default-path' to origin '{origin}': No such file or directory."
                );
                return Err(statement.fault(1, message));
            }
        },
        "" => {
            return Err(statement.fault_here(format!(
                "missing default-path mode '' for 'default-path', {MODES}"
            )));
        }
        _ => {
            return Err(statement.fault(
                0,
                format!("unsupported default-path mode '{mode}' for 'default-path', {MODES}"),
            ));
        }
    };
    Ok(())
}

fn server_state_base(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => {
            Err(statement.fault_here("'server-state-base' expects one argument: a directory path."))
        }
        base => {
            parser.global.state_base = Some(base.into());
            Ok(())
        }
    }
}

fn server_state_file(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => Err(statement.fault_here("'server-state-file' expect one argument: a file path.")),
        file => {
            parser.global.state_file = Some(file.into());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DefaultPath;
    use crate::parse::testing::load_text;
    use std::path::Path;

    #[test]
    fn names_lead_where_the_mode_says() {
        let resolve = |mode: DefaultPath, name| mode.resolve("/etc/h/a.cfg", name);
        assert_eq!(resolve(DefaultPath::Current, "x.map"), Path::new("x.map"));
        assert_eq!(
            resolve(DefaultPath::Config, "x.map"),
            Path::new("/etc/h/x.map")
        );
        assert_eq!(
            resolve(DefaultPath::Parent, "x.map"),
            Path::new("/etc/h/../x.map")
        );
        assert_eq!(
            resolve(DefaultPath::Origin("/o".into()), "x.map"),
            Path::new("/o/x.map")
        );
        assert_eq!(
            resolve(DefaultPath::Origin("/o".into()), "/x.map"),
            Path::new("/x.map")
        );
    }

    #[test]
    fn wrong_modes_are_named() {
        let (_, messages) = load_text("global\n default-path foo\n default-path origin\n");
        assert_eq!(
            messages.first().map(String::as_str),
            Some(
                "A 2: unsupported default-path mode 'foo' for 'default-path', supported modes include 'current', 'config', 'parent', and 'origin'."
            )
        );
        assert_eq!(
            messages.get(1).map(String::as_str),
            Some("A 3: 'default-path origin' expects a directory as an argument.")
        );
    }
}
