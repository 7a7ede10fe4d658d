//! PROXY protocol headers and NetScaler's.

use super::{cuts, owned};
use wire::proxy::{
    Addresses, CipOutcome, Command, Header, Outcome, SIGNATURE, Tlv, V2Builder, Version, kind,
    parse, parse_cip, write_v1,
};

/// A part of a header is never another header, what follows one changes nothing, and one that is written again says the
/// same.
pub fn header(input: &[u8]) {
    let outcome = parse(input);
    for cut in cuts(input) {
        let part = parse(&input[..cut]);
        match (part, outcome) {
            (Outcome::Incomplete, _) => {}
            (Outcome::Error(_), Outcome::Error(_)) => {}
            _ => assert_eq!(part, outcome, "{cut} bytes"),
        }
    }
    let Outcome::Done { consumed, header } = outcome else {
        return;
    };
    assert!(0 < consumed && consumed <= input.len());
    let tlvs: Vec<Tlv<'_>> = header.tlvs.collect();
    for tlv in &tlvs {
        assert!(tlv.value.len() <= consumed);
        if let Some(ssl) = tlv.ssl() {
            assert!(ssl.tlvs.count() <= consumed);
        }
        let first = tlvs.iter().find(|other| other.kind == tlv.kind);
        assert_eq!(header.tlvs.find(tlv.kind), first.map(|tlv| tlv.value));
    }
    if header.version == Version::V1 {
        assert!(tlvs.is_empty());
    }
    written_again(&header);
}

fn written_again(header: &Header<'_>) {
    if header.command == Command::Local {
        return;
    }
    assert!(matches!(header.addresses, Addresses::Inet { .. }));
    let mut line = Vec::new();
    write_v1(&header.addresses, &mut line);
    let mut block = Vec::new();
    let authority = header
        .tlvs
        .find(kind::AUTHORITY)
        .filter(|name| name.len() < 256);
    V2Builder::new(header.addresses)
        .crc32c(true)
        .authority(authority)
        .write(&mut block)
        .expect("a short header");
    for written in [line, block] {
        let Outcome::Done {
            consumed,
            header: again,
        } = parse(&written)
        else {
            panic!("{} is refused", written.escape_ascii());
        };
        assert_eq!(consumed, written.len());
        assert_eq!(again.addresses, header.addresses);
        if again.version == Version::V2 {
            assert_eq!(again.tlvs.find(kind::AUTHORITY), authority);
        }
    }
}

/// As for PROXY headers; the magic number is the input's own.
pub fn netscaler_cip(input: &[u8]) {
    let magic = input
        .first_chunk()
        .map_or(7, |magic| u32::from_be_bytes(*magic));
    let outcome = parse_cip(magic, input);
    for cut in cuts(input) {
        let part = parse_cip(magic, &input[..cut]);
        match (part, outcome) {
            (CipOutcome::Incomplete, _) => {}
            _ => assert_eq!(part, outcome, "{cut} bytes"),
        }
    }
    if let CipOutcome::Done { consumed, header } = outcome {
        assert!(0 < consumed && consumed <= input.len());
        assert_eq!(header.src.is_ipv4(), header.dst.is_ipv4());
    }
    if input.len() >= 4 {
        assert!(matches!(parse_cip(!magic, input), CipOutcome::Error(_)));
    }
}

pub fn words() -> Vec<Vec<u8>> {
    let mut words = owned([
        "PROXY ",
        "TCP4 ",
        "TCP6 ",
        "UNKNOWN",
        "\r\n",
        "\r",
        "127.0.0.1 ",
        "10.1.2.3 ",
        "::1 ",
        "ffff:f...f ",
        "80 ",
        "65535",
        "65536",
        "00080",
        "-1",
        "\x21\x11\0\x0c",
        "\x21\x21\0\x24",
        "\x20\0\0\0",
        "\x21\x31\0\x7f",
        "\0",
        "\0\0\0\0",
        "\x01\0\x02h2",
        "\x02\0\x01a",
        "\x03\0\x04",
        "\x04\0\x01\0",
        "\x05\0\x01x",
        "\x20\0\x05\x01\0\0\0\0",
        "\x30\0\x01n",
    ]);
    words.push(SIGNATURE.to_vec());
    words.push(b"\xff\xff".to_vec());
    words.push(b"\xe0\x00\x01\xff".to_vec());
    words.push(b"\x45\0\0\x28\0\0\0\0\x40\x06\0\0".to_vec());
    words.push(b"\x60\0\0\0\0\x14\x06\x40".to_vec());
    words
}
