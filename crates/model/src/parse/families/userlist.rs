//! `userlist` sections (configuration manual, section 12.2).

use super::log::section_name;
use crate::parse::sections::{OpenSection, SectionRow};
use crate::parse::{Open, Parsed, Parser, Statement};
use crate::users::{Hash, HashError, Secret, User, UserList};
use config::Severity;
use expr::{GroupTest, Target};
use std::sync::Arc;

/// The section of this family.
pub const SECTIONS: &[SectionRow] = &[SectionRow {
    name: "userlist",
    doc: "Users and groups for authentication.",
    open,
}];

fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(statement.fault_here("'userlist' expects <name> as arguments."));
    }
    let name = section_name(statement)?;
    if parser.user_lists.iter().any(|list| *list.name == *name) {
        parser.warn(
            statement,
            format!("ignoring duplicated userlist '{name}'."),
            None,
        );
    }
    parser.open = Open::Other(Box::new(Section {
        name: name.into(),
        users: Vec::new(),
        groups: Vec::new(),
    }));
    Ok(())
}

/// A user with the names of groups on its own line.
struct UserLine {
    user: User,
    groups: Vec<Box<str>>,
}

/// A group with the names of users on its own line.
struct GroupLine {
    name: Box<str>,
    users: Vec<Box<str>>,
}

struct Section {
    name: Arc<str>,
    users: Vec<UserLine>,
    groups: Vec<GroupLine>,
}

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        match statement.keyword() {
            "group" => self.group(parser, statement),
            "user" => self.user(parser, statement),
            other => {
                Err(statement
                    .fault_here(format!("unknown keyword '{other}' in 'userlist' section")))
            }
        }
    }

    fn close(self: Box<Self>, parser: &mut Parser<'_>) {
        if parser.user_lists.iter().any(|list| list.name == self.name) {
            return;
        }
        match self.resolve() {
            Ok(list) => parser.user_lists.push(Arc::new(list)),
            Err(message) => parser.diagnostics.bare(Severity::Alert, message),
        }
    }
}

fn names(list: &str) -> Vec<Box<str>> {
    list.split(',')
        .filter(|name| !name.is_empty())
        .map(Into::into)
        .collect()
}

impl Section {
    fn group(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let name = statement.arg(0);
        if name.is_empty() {
            return Err(statement.fault_here("'group' expects <name> as arguments."));
        }
        if self.groups.iter().any(|group| *group.name == *name) {
            return self.ignore(parser, statement, "group");
        }
        let mut users = None;
        for at in (1..statement.len()).step_by(2) {
            if statement.arg(at) != "users" {
                return Err(statement.fault(at, "'group' only supports 'users' option."));
            }
            if users.is_some() {
                let message = format!("'users' option already defined in 'group' name '{name}'.");
                return Err(statement.fault(at, message));
            }
            users = Some(names(statement.arg(at + 1)));
        }
        self.groups.push(GroupLine {
            name: name.into(),
            users: users.unwrap_or_default(),
        });
        Ok(())
    }

    fn user(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let name = statement.arg(0);
        if name.is_empty() {
            return Err(statement.fault_here("'user' expects <name> as arguments."));
        }
        if self.users.iter().any(|line| *line.user.name == *name) {
            return self.ignore(parser, statement, "user");
        }
        let (mut secret, mut groups) = (Secret::None, Vec::new());
        for at in (1..statement.len()).step_by(2) {
            match statement.arg(at) {
                "password" => secret = hashed(parser, statement, at + 1)?,
                "insecure-password" => secret = Secret::Plain(statement.arg_bytes(at + 1).into()),
                "groups" => groups = names(statement.arg(at + 1)),
                _ => {
                    return Err(statement.fault(
                        at,
                        "'user' only supports 'password', 'insecure-password' and 'groups' options.",
                    ));
                }
            }
        }
        let user = User::new(name, secret);
        self.users.push(UserLine { user, groups });
        Ok(())
    }

    fn ignore(&self, parser: &mut Parser<'_>, statement: Statement<'_>, what: &str) -> Parsed {
        let (name, list) = (statement.arg(0), &self.name);
        let message = format!("ignoring duplicated {what} '{name}' in userlist '{list}'.");
        parser.warn(statement, message, None);
        Ok(())
    }

    /// Brings the users on the lines of groups and the groups on the lines of users together.
    fn resolve(self) -> Result<UserList, String> {
        let (list, mut users) = (&self.name, self.users);
        for line in &mut users {
            for name in std::mem::take(&mut line.groups) {
                if !self.groups.iter().any(|group| group.name == name) {
                    let user = &line.user.name;
                    return Err(format!(
                        "userlist '{list}': no such group '{name}' specified in user '{user}'"
                    ));
                }
                join(&mut line.user, name);
            }
        }
        for group in &self.groups {
            for name in &group.users {
                let Some(line) = users.iter_mut().find(|line| line.user.name == *name) else {
                    let group = &group.name;
                    return Err(format!(
                        "userlist '{list}': no such user '{name}' specified in group '{group}'"
                    ));
                };
                join(&mut line.user, group.name.clone());
            }
        }
        Ok(UserList {
            name: self.name.clone(),
            users: users.into_iter().map(|line| line.user).collect(),
            groups: self.groups.into_iter().map(|group| group.name).collect(),
        })
    }
}

fn join(user: &mut User, group: Box<str>) {
    if !user.groups.contains(&group) {
        user.groups.push(group);
    }
}

/// The hash that is an argument. What no password can ever fit is worth a warning.
fn hashed(parser: &mut Parser<'_>, statement: Statement<'_>, at: usize) -> Parsed<Secret> {
    match Hash::read(statement.arg(at)) {
        Ok(hash) => Ok(Secret::Hash(hash)),
        Err(HashError::NotBuilt(method)) => Err(statement
            .fault(
                at,
                format!(
                    "password hashes of this kind ({method}) are known but not built in hapax."
                ),
            )
            .hint("hash the password with SHA-512, as 'openssl passwd -6' does")),
        Err(HashError::NoHash) => {
            let name = statement.arg(0);
            let message = format!(
                "the password of user '{name}' is no hash of crypt(3), so that no password fits it."
            );
            let hint = "'insecure-password' takes the password itself";
            parser.warn(statement, message, Some(hint.into()));
            Ok(Secret::None)
        }
    }
}

/// Checks that conditions on groups name groups which their user lists have.
pub(in crate::parse) fn check_groups(parser: &mut Parser<'_>) {
    let tests = std::mem::take(&mut parser.expressions.group_tests);
    let faults: Vec<String> = tests
        .iter()
        .flat_map(|test| faults_of(test, &parser.user_lists))
        .collect();
    for fault in faults {
        parser.diagnostics.bare(Severity::Alert, fault);
    }
}

fn faults_of(test: &GroupTest, lists: &[Arc<UserList>]) -> Vec<String> {
    let (proxy, acl) = (&test.proxy, &test.acl);
    let fault = |what: String| format!("proxy {proxy}: acl {acl} http_auth_group(): {what}.");
    let Some(Target::UserList(at)) = test.list.get() else {
        return Vec::new();
    };
    let Some(list) = lists.get(*at as usize) else {
        return Vec::new();
    };
    if test.groups.is_empty() {
        return vec![fault("no groups specified".into())];
    }
    let unknown = test
        .groups
        .iter()
        .filter(|name| !list.groups.contains(name));
    unknown
        .map(|name| fault(format!("invalid group '{name}'")))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::parse::families::proxy::testing::read;

    const FRONT: &str = "\nfrontend f\n mode http\n bind 127.0.0.1:80\n timeout client 1s\n http-request auth unless { http_auth(l) }\n";

    #[test]
    fn users_and_groups_are_brought_together() {
        let out = read(&format!(
            "userlist l\n group g1 users ann,bob\n group g2\n user ann insecure-password a groups g2,g1\n user bob password $1$abcdefgh$G//4keteveJp0qb8z2DxG/\n user carl\n{FRONT}"
        ));
        let loaded = out.loaded.as_ref().map(|loaded| &loaded.snapshot);
        let Some([list]) = loaded.map(|snapshot| &snapshot.user_lists[..]) else {
            panic!("{}", out.messages);
        };
        let groups = |user: &str, password: &str| {
            let groups = list.groups_of(user.as_bytes(), password.as_bytes())?;
            Some(groups.join(","))
        };
        assert_eq!(groups("ann", "a").as_deref(), Some("g2,g1"));
        assert_eq!(groups("bob", "password").as_deref(), Some("g1"));
        assert_eq!((groups("bob", "x"), groups("carl", "")), (None, None));
    }

    #[test]
    fn faults_are_worded_as_expected() {
        let section = |lines: &str| {
            read(&format!(
                "userlist l\n user u insecure-password x\n{lines}\n{FRONT}"
            ))
        };
        for (lines, message) in [
            (" group", "'group' expects <name> as arguments."),
            (" group a foo", "'group' only supports 'users' option."),
            (
                " group a users u users u",
                "'users' option already defined in 'group' name 'a'.",
            ),
            (" user", "'user' expects <name> as arguments."),
            (
                " user a foo",
                "'user' only supports 'password', 'insecure-password' and 'groups' options.",
            ),
            (" foo", "unknown keyword 'foo' in 'userlist' section"),
            (
                " user a groups g",
                "userlist 'l': no such group 'g' specified in user 'a'",
            ),
            (
                " group g users nobody",
                "userlist 'l': no such user 'nobody' specified in group 'g'",
            ),
            (
                " user a password abJnggxhB/yWI",
                "password hashes of this kind (DES) are known but not built in hapax.",
            ),
            ("userlist", "'userlist' expects <name> as arguments."),
            (
                "userlist a!",
                "character '!' is not permitted in 'userlist' name 'a!'.",
            ),
        ] {
            let out = section(lines);
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{lines}: {}",
                out.messages
            );
        }
        for (lines, message) in [
            (
                " user u insecure-password y",
                "ignoring duplicated user 'u' in userlist 'l'.",
            ),
            (
                " group g\n group g",
                "ignoring duplicated group 'g' in userlist 'l'.",
            ),
            (
                "userlist l\n user other insecure-password y",
                "ignoring duplicated userlist 'l'.",
            ),
            (
                " user a password secret",
                "the password of user 'a' is no hash of crypt(3), so that no password fits it.",
            ),
        ] {
            let out = section(lines);
            assert!(
                out.loaded.is_some() && out.messages.contains(message),
                "{lines}: {}",
                out.messages
            );
        }
    }

    #[test]
    fn lists_and_groups_are_looked_up() {
        let with = |rule: &str| {
            read(&format!(
                "userlist l\n group g\n user u insecure-password x\n{FRONT} http-request deny {rule}\n"
            ))
        };
        for (rule, message) in [
            (
                "unless { http_auth(m) }",
                "unable to find userlist 'm' referenced in arg 1 of ACL keyword 'http_auth' in proxy 'f'.",
            ),
            (
                "unless { http_auth_group(l) g h }",
                "proxy f: acl  http_auth_group(): invalid group 'h'.",
            ),
            (
                "unless { http_auth_group(l) }",
                "proxy f: acl  http_auth_group(): no groups specified.",
            ),
        ] {
            let out = with(rule);
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{rule}: {}",
                out.messages
            );
        }
        assert!(with("unless { http_auth_group(l) g }").loaded.is_some());
    }
}
