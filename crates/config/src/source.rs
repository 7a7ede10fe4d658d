//! Where configuration text comes from.

use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One piece of configuration.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file, read when its turn comes.
    File(PathBuf),
    /// Text that is in memory already.
    Text {
        /// How messages name it.
        name: String,
        /// The content.
        text: Vec<u8>,
    },
}

/// Why an argument of `-f` can't be used.
#[derive(Debug)]
pub struct SourceError {
    /// The message, as HAProxy words it.
    message: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SourceError {}

/// The files that the arguments of `-f` (or those after `--`) stand for, in order: a file for itself, a directory for
/// the regular files in it whose names end in `.cfg` and don't start with a dot, in byte order (management manual,
/// section 3).
///
/// # Errors
/// The first path that can't be found or read ends it.
pub fn expand_paths<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<PathBuf>, SourceError> {
    let mut files = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let failed = |what: &str, error: io::Error| SourceError {
            message: format!(
                "Cannot open configuration {what} {} : {}",
                path.display(),
                reason(&error)
            ),
        };
        if std::fs::metadata(path)
            .map_err(|e| failed("file/directory", e))?
            .is_dir()
        {
            let names = configuration_names(path).map_err(|e| failed("directory", e))?;
            for name in names {
                // HAProxy names the directory, not the entry, when an entry can't be examined.
                if std::fs::metadata(&name)
                    .map_err(|e| failed("file", e))?
                    .is_file()
                {
                    files.push(name);
                }
            }
        } else {
            files.push(path.to_owned());
        }
    }
    Ok(files)
}

fn configuration_names(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        if name.as_bytes().ends_with(b".cfg") && !name.as_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    Ok(names.into_iter().map(|name| directory.join(name)).collect())
}

/// The system's own text for an error, without Rust's addition of its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_directory_gives_its_cfg_files_in_byte_order() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["b.cfg", "a.cfg", "Z.cfg", ".hidden.cfg", "c.txt", "é.cfg"] {
            fs::write(directory.path().join(name), "").expect("a file");
        }
        fs::create_dir(directory.path().join("sub.cfg")).expect("a directory");
        let single = directory.path().join("c.txt");
        let files = expand_paths(&[directory.path(), &single]).expect("files");
        let names: Vec<_> = files
            .iter()
            .filter_map(|f| f.file_name()?.to_str())
            .collect();
        assert_eq!(names, ["Z.cfg", "a.cfg", "b.cfg", "é.cfg", "c.txt"]);
    }

    #[test]
    fn missing_paths() {
        let error = expand_paths(&["/nonexistent/x.cfg"]).expect_err("no such file");
        assert_eq!(
            error.to_string(),
            "Cannot open configuration file/directory /nonexistent/x.cfg : No such file or directory"
        );
        let directory = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink("nowhere", directory.path().join("a.cfg")).expect("a link");
        let error = expand_paths(&[directory.path()]).expect_err("a dangling link");
        assert!(
            error
                .to_string()
                .starts_with("Cannot open configuration file /")
        );
    }
}
