//! The root of all keyword tables.

use crate::converters;
use crate::fetches;
use crate::pattern::Method::{self, Beg, Bin, Dir, Dom, End, Int, Len, Reg, Str, Sub};
use crate::row::{AclRow, Tables};

/// Every keyword of expressions.
pub static TABLES: Tables = Tables::new(
    fetches::FAMILIES,
    converters::FAMILIES,
    ACLS,
    fetches::AWAITING,
);

const fn acl(name: &'static str, fetch: &'static str, method: Method) -> AclRow {
    AclRow {
        name,
        fetch,
        method,
    }
}

static ACLS: &[AclRow] = &[
    acl("base", "base", Str),
    acl("base_beg", "base", Beg),
    acl("base_dir", "base", Dir),
    acl("base_dom", "base", Dom),
    acl("base_end", "base", End),
    acl("base_len", "base", Len),
    acl("base_reg", "base", Reg),
    acl("base_sub", "base", Sub),
    acl("cook", "req.cook", Str),
    acl("cook_beg", "req.cook", Beg),
    acl("cook_dir", "req.cook", Dir),
    acl("cook_dom", "req.cook", Dom),
    acl("cook_end", "req.cook", End),
    acl("cook_len", "req.cook", Len),
    acl("cook_reg", "req.cook", Reg),
    acl("cook_sub", "req.cook", Sub),
    acl("hdr", "req.hdr", Str),
    acl("hdr_beg", "req.hdr", Beg),
    acl("hdr_dir", "req.hdr", Dir),
    acl("hdr_dom", "req.hdr", Dom),
    acl("hdr_end", "req.hdr", End),
    acl("hdr_len", "req.hdr", Len),
    acl("hdr_reg", "req.hdr", Reg),
    acl("hdr_sub", "req.hdr", Sub),
    acl("http_auth_group", "http_auth_group", Str),
    acl("method", "method", Str),
    acl("path", "path", Str),
    acl("path_beg", "path", Beg),
    acl("path_dir", "path", Dir),
    acl("path_dom", "path", Dom),
    acl("path_end", "path", End),
    acl("path_len", "path", Len),
    acl("path_reg", "path", Reg),
    acl("path_sub", "path", Sub),
    acl("payload", "req.payload", Bin),
    acl("payload_lv", "req.payload_lv", Bin),
    acl("req.ssl_ver", "req.ssl_ver", Int),
    acl("req_rdp_cookie", "req.rdp_cookie", Str),
    acl("req_rdp_cookie_cnt", "req.rdp_cookie_cnt", Int),
    acl("req_ssl_sni", "req.ssl_sni", Str),
    acl("req_ssl_ver", "req.ssl_ver", Int),
    acl("req_ver", "req.ver", Str),
    acl("resp_ver", "res.ver", Str),
    acl("scook", "res.cook", Str),
    acl("scook_beg", "res.cook", Beg),
    acl("scook_dir", "res.cook", Dir),
    acl("scook_dom", "res.cook", Dom),
    acl("scook_end", "res.cook", End),
    acl("scook_len", "res.cook", Len),
    acl("scook_reg", "res.cook", Reg),
    acl("scook_sub", "res.cook", Sub),
    acl("shdr", "res.hdr", Str),
    acl("shdr_beg", "res.hdr", Beg),
    acl("shdr_dir", "res.hdr", Dir),
    acl("shdr_dom", "res.hdr", Dom),
    acl("shdr_end", "res.hdr", End),
    acl("shdr_len", "res.hdr", Len),
    acl("shdr_reg", "res.hdr", Reg),
    acl("shdr_sub", "res.hdr", Sub),
    acl("ssl_fc_sni_end", "ssl_fc_sni", End),
    acl("ssl_fc_sni_reg", "ssl_fc_sni", Reg),
    acl("url", "url", Str),
    acl("url_beg", "url", Beg),
    acl("url_dir", "url", Dir),
    acl("url_dom", "url", Dom),
    acl("url_end", "url", End),
    acl("url_len", "url", Len),
    acl("url_reg", "url", Reg),
    acl("url_sub", "url", Sub),
    acl("urlp", "urlp", Str),
    acl("urlp_beg", "urlp", Beg),
    acl("urlp_dir", "urlp", Dir),
    acl("urlp_dom", "urlp", Dom),
    acl("urlp_end", "urlp", End),
    acl("urlp_len", "urlp", Len),
    acl("urlp_reg", "urlp", Reg),
    acl("urlp_sub", "urlp", Sub),
];

#[cfg(test)]
mod tests {
    use super::TABLES;
    use crate::phases::Phases;
    use crate::row::signature;

    const FETCHES: &str = include_str!("../testdata/fetches-3.4.txt");
    const ACLS: &str = include_str!("../testdata/acls-3.4.txt");

    /// Places, name, arguments and type of a line of the dump.
    fn split(line: &str) -> Option<(&str, &str, &str, &str)> {
        let (places, rest) = line.strip_prefix('[')?.split_once("] ")?;
        let (call, kind) = rest.rsplit_once(": ")?;
        let open = call.find('(').unwrap_or(call.len());
        Some((places, &call[..open], &call[open..], kind))
    }

    #[test]
    fn every_fetch_of_the_dump_is_known_and_the_built_ones_agree_with_it() {
        for line in FETCHES.lines() {
            let (places, name, args, kind) = split(line).expect(line);
            let Some(row) = TABLES.fetch(name) else {
                assert!(TABLES.fetch_needs(name).is_some(), "{name} is unknown");
                continue;
            };
            assert_eq!(signature(row.args), args, "arguments of {name}");
            assert_eq!(row.output.name(), kind, "type of {name}");
            assert_eq!(row.phases, Phases::from_dump(places), "places of {name}");
        }
    }

    #[test]
    fn no_fetch_is_there_that_the_dump_does_not_have() {
        let known: Vec<_> = FETCHES.lines().filter_map(split).map(|l| l.1).collect();
        for name in TABLES.fetch_names() {
            assert!(known.contains(&name), "{name}");
        }
    }

    #[test]
    fn the_condition_keywords_are_those_of_the_dump() {
        for line in ACLS.lines() {
            let mut words = line.split(' ');
            let name = words.next().unwrap_or_default();
            let row = TABLES.acl(name).expect(name);
            assert_eq!(
                format!("{name} = {} -m {}", row.fetch, row.method.name()),
                line
            );
            assert!(
                TABLES.fetch(row.fetch).is_some() || TABLES.fetch_needs(row.fetch).is_some(),
                "{line}"
            );
        }
    }
}
