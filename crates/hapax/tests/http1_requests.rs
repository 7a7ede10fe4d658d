//! What requests HAProxy refuses, with which status, and how it repairs the others.
mod common;

use common::{FRONT_AND_BACK, http};
use testkit::{Conn, Server, handlers, show};

/// A name, what the client sends, the status it gets, what the server received.
type Case = (&'static str, &'static [u8], u16, &'static [u8]);

/// Lengths and header fields.
#[rustfmt::skip]
const FIELDS: &[Case] = &[
    ("plain", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("names_are_lowered_values_kept", b"GET /A?b=C HTTP/1.1\r\nHOST: a\r\nX-Some:  Value x  \r\n\r\n", 200, b"GET /A?b=C HTTP/1.1\r\nhost: a\r\nx-some: Value x\r\n\r\n"),
    ("both_lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("same_length_twice", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 200, b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"),
    ("same_length_in_a_list", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 200, b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"),
    ("differing_lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400, b""),
    ("signed_length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400, b""),
    ("negative_length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", 400, b""),
    ("empty_length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400, b""),
    ("length_with_junk", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3x\r\n\r\nabc", 400, b""),
    ("length_overflow", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabc", 400, b""),
    ("length_leading_zero", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 03\r\n\r\nabc", 200, b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"),
    ("folded_header", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\tc\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nx: a   b  \tc\r\n\r\n"),
    ("folded_first_line", b"GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400, b""),
    ("space_before_colon", b"GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", 400, b""),
    ("tab_before_colon", b"GET / HTTP/1.1\r\nHost: a\r\nX\t: a\r\n\r\n", 400, b""),
    ("no_colon", b"GET / HTTP/1.1\r\nHost: a\r\nXyz\r\n\r\n", 400, b""),
    ("empty_name", b"GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", 400, b""),
    ("empty_value", b"GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nx: \r\n\r\n"),
    ("bare_lf", b"GET / HTTP/1.1\nHost: a\nX: y\n\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n\r\n"),
    ("bare_lf_in_the_middle", b"GET / HTTP/1.1\r\nHost: a\r\nX: y\nZ: w\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nx: y\r\nz: w\r\n\r\n"),
    ("bare_cr_in_value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, b""),
    ("cr_cr_lf", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", 400, b""),
    ("nul_in_value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400, b""),
    ("nul_in_name", b"GET / HTTP/1.1\r\nHost: a\r\nX\x00: a\r\n\r\n", 400, b""),
    ("nul_in_target", b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("control_in_value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nx: a\x01b\r\n\r\n"),
    ("high_byte_in_value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x80b\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nx: a\x80b\r\n\r\n"),
    ("high_byte_in_name", b"GET / HTTP/1.1\r\nHost: a\r\nX\x80: a\r\n\r\n", 400, b""),
    ("paren_in_name", b"GET / HTTP/1.1\r\nHost: a\r\nX(): a\r\n\r\n", 400, b""),
    ("token_marks_in_name", b"GET / HTTP/1.1\r\nHost: a\r\nX!#$%&'*+-.^_`|~9: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nx!#$%&'*+-.^_`|~9: a\r\n\r\n"),
    ("space_in_name", b"GET / HTTP/1.1\r\nHost: a\r\nX y: a\r\n\r\n", 400, b""),
];

#[test]
fn fields() {
    check("", FIELDS);
}

/// Request targets.
#[rustfmt::skip]
const TARGETS: &[Case] = &[
    ("high_byte_in_target", b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("quote_in_target", b"GET /\" HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET /\" HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("angle_in_target", b"GET /<> HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET /<> HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("backslash_in_target", b"GET /\\ HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET /\\ HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("braces_in_target", b"GET /{}|^` HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET /{}|^` HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("hash_in_target", b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("space_in_target", b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("two_spaces", b"GET  /  HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("tab_as_separator", b"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("target_without_slash", b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("asterisk_options", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("asterisk_get", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
];

#[test]
fn targets() {
    check("", TARGETS);
}

/// Transfer codings and chunks.
#[rustfmt::skip]
const CHUNKS: &[Case] = &[
    ("chunked_not_last", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400, b""),
    ("chunked_after_gzip", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 422, b""),
    ("chunked_twice", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, b""),
    ("chunked_in_two_headers", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, b""),
    ("unknown_coding", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: foo\r\n\r\n0\r\n\r\n", 400, b""),
    ("identity_coding", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400, b""),
    ("chunked_upper_case", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n1\r\na\r\n0\r\n\r\n", 200, b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    ("chunked_in_quotes", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400, b""),
    ("chunked_http_10", b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, b"POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("oversized_chunk", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n", 400, b""),
    ("chunk_size_not_hex", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\na\r\n0\r\n\r\n", 400, b""),
    ("chunk_size_signed", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n", 400, b""),
    ("chunk_size_0x", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400, b""),
    ("chunk_size_leading_zeros", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0001\r\na\r\n0\r\n\r\n", 200, b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    ("chunk_extension_dropped", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\na\r\n0;c\r\n\r\n", 200, b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    ("chunk_extension_with_bare_lf", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n", 400, b""),
    ("chunk_line_bare_lf", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400, b""),
    ("chunk_data_too_long", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400, b""),
];

#[test]
fn codings_and_chunks() {
    check("", CHUNKS);
}

/// Versions, methods and what may come before them.
#[rustfmt::skip]
const VERSIONS: &[Case] = &[
    ("http_09", b"GET /\r\n", 400, b""),
    ("http_09_with_headers", b"GET /\r\nHost: a\r\n\r\n", 400, b""),
    ("version_10", b"GET / HTTP/1.0\r\n\r\n", 200, b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"),
    ("version_12", b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("version_20", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("version_lower_case", b"GET / http/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("version_two_digits", b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400, b""),
    ("version_other", b"GET / RTSP/1.0\r\nHost: a\r\n\r\n", 400, b""),
    ("leading_empty_line", b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("leading_bare_lf", b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("leading_space", b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("method_lower_case", b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"get / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("method_any_token", b"F-O_O! / HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"F-O_O! / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("method_bad_char", b"G{T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("junk", b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, b""),
];

#[test]
fn versions_and_methods() {
    check("", VERSIONS);
}

/// `Host` and the authority of the target.
#[rustfmt::skip]
const HOSTS: &[Case] = &[
    ("no_host", b"GET / HTTP/1.1\r\n\r\n", 200, b"GET / HTTP/1.1\r\n\r\n"),
    ("empty_host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: \r\n\r\n"),
    ("two_hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, b""),
    ("same_host_twice", b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("bad_host", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, b""),
    ("host_with_space", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, b""),
    ("host_with_port", b"GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a:80\r\n\r\n"),
    ("host_with_bad_port", b"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a:x\r\n\r\n"),
    ("host_list", b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, b""),
    ("absolute_target", b"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET http://a/x HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("absolute_target_other_host", b"GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("absolute_target_default_port", b"GET http://a:80/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET http://a/x HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("absolute_target_other_port", b"GET http://a:81/x HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("absolute_target_case", b"GET http://A/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET http://A/x HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("absolute_target_no_host", b"GET http://b/x HTTP/1.1\r\n\r\n", 200, b"GET http://b/x HTTP/1.1\r\n\r\n"),
    ("absolute_target_no_path", b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET http://a/ HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("absolute_target_user", b"GET http://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET http://u@a/x HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("connect_matching", b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 200, b"CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("connect_other_host", b"CONNECT b:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400, b""),
    ("connect_no_port", b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
    ("connect_path", b"CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", 400, b""),
];

#[test]
fn hosts() {
    check("", HOSTS);
}

/// Connection headers, upgrades, bodies of methods that seldom have one.
#[rustfmt::skip]
const HOP: &[Case] = &[
    ("hop_headers_removed", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x-y\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\nX-Y: 1\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: x-y\r\nkeep-alive: 5\r\nproxy-connection: keep-alive\r\nx-y: 1\r\n\r\n"),
    ("connection_close", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("te_trailers", b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers, gzip\r\nConnection: TE\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: TE\r\n\r\n"),
    ("upgrade", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n"),
    ("upgrade_with_body", b"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo\r\nContent-Length: 1\r\n\r\nx", 200, b"POST / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: foo\r\ncontent-length: 1\r\n\r\nx"),
    ("upgrade_h2c", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: http2-settings\r\nhttp2-settings: AAMAAABk\r\n\r\n"),
    ("websocket_without_key", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 400, b""),
    ("get_with_body", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 200, b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab"),
    ("get_http10_with_body", b"GET / HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 413, b""),
    ("delete_with_body", b"DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 200, b"DELETE / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab"),
    ("post_without_length", b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"POST / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("preface_h2_cleartext", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 400, b""),
    ("trace", b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"TRACE / HTTP/1.1\r\nhost: a\r\n\r\n"),
];

#[test]
fn hop_by_hop() {
    check("", HOP);
}

/// What `option accept-unsafe-violations-in-http-request` lets pass.
#[rustfmt::skip]
const LOOSE: &[Case] = &[
    ("folded_first_line", b"GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("space_before_colon", b"GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("tab_before_colon", b"GET / HTTP/1.1\r\nHost: a\r\nX\t: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("nul_in_value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n"),
    ("nul_in_name", b"GET / HTTP/1.1\r\nHost: a\r\nX\x00: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("high_byte_in_name", b"GET / HTTP/1.1\r\nHost: a\r\nX\x80: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("paren_in_name", b"GET / HTTP/1.1\r\nHost: a\r\nX(): a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("space_in_name", b"GET / HTTP/1.1\r\nHost: a\r\nX y: a\r\n\r\n", 200, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("high_byte_in_target", b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET /\x80 HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("hash_in_target", b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET /a#b HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("http_09", b"GET /\r\n", 200, b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"),
    ("http_09_with_headers", b"GET /\r\nHost: a\r\n\r\n", 200, b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"),
    ("absolute_target_other_host", b"GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET http://b/x HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("absolute_target_other_port", b"GET http://a:81/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"GET http://a:81/x HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("connect_other_host", b"CONNECT b:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 200, b"CONNECT b:80 HTTP/1.1\r\nhost: a:80\r\n\r\n"),
    ("connect_no_port", b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"CONNECT a HTTP/1.1\r\nhost: a\r\n\r\n"),
];

#[test]
fn unsafe_violations_accepted() {
    check("  option accept-unsafe-violations-in-http-request", LOOSE);
}

/// Puts every case on a connection of its own and reports all that differ.
fn check(option: &str, cases: &[Case]) {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_request()?;
        conn.send(handlers::ok(""))
    });
    let program = http()
        .config(option)
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut wrong = String::new();
    for (name, request, status, forwarded) in cases {
        let before = server.connections();
        let mut client = program.connect("fe");
        client.send(request);
        let got = client
            .read_response(false)
            .map_or(0, |response| response.status());
        let received = server
            .all_received()
            .get(before)
            .cloned()
            .unwrap_or_default();
        if got != *status || received != *forwarded {
            wrong.push_str(&format!(
                "{name}: {got}, not {status}; the server received:\n{}",
                show(&received)
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
