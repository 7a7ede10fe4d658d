//! The object files that the process has mapped (`-dL`).

/// Lists the executable and the libraries in use, one path per line.
pub fn list() -> String {
    of_maps(&std::fs::read_to_string("/proc/self/maps").unwrap_or_default())
}

/// The files in the text of a `maps` file (proc(5)).
fn of_maps(maps: &str) -> String {
    let mut paths: Vec<&str> = Vec::new();
    for line in maps.lines() {
        let path = line.find('/').and_then(|at| line.get(at..));
        if let Some(path) = path.filter(|path| !path.starts_with("/dev/") && !paths.contains(path))
        {
            paths.push(path);
        }
    }
    format!("List of loaded object files:\n{}\n", paths.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_once() {
        let maps = "1-2 r--p 00000000 fd:00 1 /bin/a b\n2-3 r-xp 00001000 fd:00 1 /bin/a b\n3-4 rw-p 00000000 00:00 0 \n4-5 r--p 0 fd:00 2 /lib/c.so\n5-6 rw-p 0 00:00 0 [heap]\n";
        assert_eq!(
            of_maps(maps),
            "List of loaded object files:\n/bin/a b\n/lib/c.so\n"
        );
    }
}
