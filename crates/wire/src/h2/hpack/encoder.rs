//! Writing field sections.

use super::integer;

/// Indices in the static table.
const STATUS: u8 = 8;

/// Appends `:status`.
pub fn write_status(status: u16, out: &mut Vec<u8>) {
    let indexed = match status {
        200 => 8,
        204 => 9,
        206 => 10,
        304 => 11,
        400 => 12,
        404 => 13,
        500 => 14,
        _ => 0,
    };
    if indexed != 0 {
        out.push(0x80 | indexed);
        return;
    }
    let digit = |n: u16| b'0' + (n % 10) as u8;
    out.extend_from_slice(&[
        STATUS,
        3,
        digit(status / 100),
        digit(status / 10),
        digit(status),
    ]);
}

/// Appends a field whose name is at `index` of the static table, without having it kept.
pub fn write_named(index: u8, value: &[u8], out: &mut Vec<u8>) {
    integer::write(0, 4, usize::from(index), out);
    write_string(value, out);
}

/// Appends a field without having it kept.
pub fn write_field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    match static_index(name) {
        0 => {
            out.push(0);
            write_string(name, out);
        }
        index => integer::write(0, 4, usize::from(index), out),
    }
    write_string(value, out);
}

/// Text is left as it is: coding it would cost more than the bytes it saves.
fn write_string(text: &[u8], out: &mut Vec<u8>) {
    integer::write(0, 7, text.len(), out);
    out.extend_from_slice(text);
}

/// Where a name stands in the static table; 0 for others.
fn static_index(name: &[u8]) -> u8 {
    match name {
        b"accept-charset" => 15,
        b"accept-encoding" => 16,
        b"accept-language" => 17,
        b"accept-ranges" => 18,
        b"accept" => 19,
        b"access-control-allow-origin" => 20,
        b"age" => 21,
        b"allow" => 22,
        b"authorization" => 23,
        b"cache-control" => 24,
        b"content-disposition" => 25,
        b"content-encoding" => 26,
        b"content-language" => 27,
        b"content-length" => 28,
        b"content-location" => 29,
        b"content-range" => 30,
        b"content-type" => 31,
        b"cookie" => 32,
        b"date" => 33,
        b"etag" => 34,
        b"expect" => 35,
        b"expires" => 36,
        b"from" => 37,
        b"host" => 38,
        b"if-match" => 39,
        b"if-modified-since" => 40,
        b"if-none-match" => 41,
        b"if-range" => 42,
        b"if-unmodified-since" => 43,
        b"last-modified" => 44,
        b"link" => 45,
        b"location" => 46,
        b"max-forwards" => 47,
        b"proxy-authenticate" => 48,
        b"proxy-authorization" => 49,
        b"range" => 50,
        b"referer" => 51,
        b"refresh" => 52,
        b"retry-after" => 53,
        b"server" => 54,
        b"set-cookie" => 55,
        b"strict-transport-security" => 56,
        b"user-agent" => 58,
        b"vary" => 59,
        b"via" => 60,
        b"www-authenticate" => 61,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Decoder;
    use super::super::table::STATIC;
    use super::*;

    #[test]
    fn names_have_the_index_of_the_table() {
        for (at, (name, _)) in STATIC.iter().enumerate() {
            let pseudo = name.starts_with(b":") || *name == b"transfer-encoding";
            let expected = if pseudo { 0 } else { at as u8 + 1 };
            assert_eq!(static_index(name), expected);
        }
        assert_eq!(static_index(b"x-other"), 0);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        write_status(200, &mut out);
        write_status(418, &mut out);
        write_named(1, b"host", &mut out);
        write_field(b"vary", b"", &mut out);
        write_field(b"x-a", &[b'v'; 300], &mut out);
        let mut found = Vec::new();
        let mut keep = |name: &[u8], value: &[u8]| found.push((name.to_vec(), value.to_vec()));
        Decoder::new(0).decode(&out, 10_000, &mut keep).unwrap();
        let expected = [
            (&b":status"[..], &b"200"[..]),
            (b":status", b"418"),
            (b":authority", b"host"),
            (b"vary", b""),
            (b"x-a", &[b'v'; 300]),
        ];
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!((&found.0[..], &found.1[..]), expected);
        }
    }
}
