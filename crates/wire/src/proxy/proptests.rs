//! Properties of the codec, and what HAProxy 3.4.0 was seen to take and to refuse.

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;

use super::*;

fn address() -> impl Strategy<Value = SocketAddr> {
    let ip = prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from)
    ];
    (ip, any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

/// How endpoints look after the journey: of one family.
fn travelled(src: SocketAddr, dst: SocketAddr) -> Addresses<'static> {
    let six = |a: SocketAddr| match a.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), a.port()),
        IpAddr::V6(_) => a,
    };
    if src.is_ipv4() == dst.is_ipv4() {
        Addresses::Inet { src, dst }
    } else {
        Addresses::Inet {
            src: six(src),
            dst: six(dst),
        }
    }
}

fn prefixes_never_done(bytes: &[u8]) {
    for cut in 0..bytes.len() {
        assert!(
            !matches!(parse(&bytes[..cut]), Outcome::Done { .. }),
            "prefix of {cut} bytes is a header"
        );
        assert_eq!(parse(&bytes[..cut]), Outcome::Incomplete);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn v1_round_trip(src in address(), dst in address()) {
        let mut out = Vec::new();
        write_v1(&Addresses::Inet { src, dst }, &mut out);
        prop_assert!(out.len() <= 107);
        prefixes_never_done(&out);
        let Outcome::Done { consumed, header } = parse(&out) else { panic!("refused") };
        prop_assert_eq!(consumed, out.len());
        prop_assert_eq!(header.command, Command::Proxy);
        prop_assert_eq!(header.addresses, travelled(src, dst));
    }

    #[test]
    fn v2_round_trip(
        src in address(), dst in address(), local: bool, crc: bool,
        alpn in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        authority in prop::option::of(prop::collection::vec(any::<u8>(), 0..=255)),
        id in prop::option::of(prop::collection::vec(any::<u8>(), 0..=128)),
        custom in prop::collection::vec((0xe0u8..=0xef, prop::collection::vec(any::<u8>(), 0..40)), 0..3),
    ) {
        let addresses = if local { Addresses::Unknown } else { Addresses::Inet { src, dst } };
        let custom: Vec<(u8, &[u8])> = custom.iter().map(|(k, v)| (*k, v.as_slice())).collect();
        let mut out = Vec::new();
        V2Builder::new(addresses).crc32c(crc).alpn(alpn.as_deref()).authority(authority.as_deref())
            .unique_id(id.as_deref()).custom(&custom)
            .ssl(Some(SslInfo { client: SSL_CLIENT, verify: 7, version: Some(b"TLSv1.3"), ..SslInfo::default() }))
            .write(&mut out).unwrap();
        prefixes_never_done(&out);
        let whole = out.len();
        out.extend_from_slice(b"data");
        let Outcome::Done { consumed, header } = parse(&out) else { panic!("refused") };
        prop_assert_eq!(consumed, whole);
        prop_assert_eq!(header.command == Command::Local, local);
        prop_assert_eq!(header.addresses, if local { Addresses::Unknown } else { travelled(src, dst) });
        prop_assert_eq!(header.tlvs.find(kind::ALPN), alpn.as_deref());
        prop_assert_eq!(header.tlvs.find(kind::AUTHORITY), authority.as_deref());
        prop_assert_eq!(header.tlvs.find(kind::UNIQUE_ID), id.as_deref());
        prop_assert_eq!(header.tlvs.find(kind::CRC32C).is_some(), crc);
        let mut tlvs = header.tlvs;
        let ssl = tlvs.find_map(|tlv| tlv.ssl()).unwrap();
        prop_assert_eq!((ssl.client, ssl.verify), (SSL_CLIENT, 7));
        prop_assert_eq!(ssl.tlvs.find(kind::SSL_VERSION), Some(&b"TLSv1.3"[..]));
        prop_assert_eq!(header.tlvs.filter(|t| t.kind >= 0xe0).map(|t| (t.kind, t.value)).collect::<Vec<_>>(), custom);
    }

    #[test]
    fn a_flipped_bit_under_a_checksum_is_noticed(src in address(), at in 16usize..28, bit in 0u8..8) {
        let mut out = Vec::new();
        V2Builder::new(Addresses::Inet { src, dst: src }).crc32c(true).write(&mut out).unwrap();
        out[at] ^= 1 << bit;
        prop_assert_eq!(parse(&out), Outcome::Error(ErrorKind::BadHeader));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), which in 0u8..6, magic: u32) {
        let lead: &[u8] = [&b""[..], b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", &SIGNATURE, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00"]
            [usize::from(which)];
        let all = [lead, &bytes].concat();
        if let Outcome::Done { consumed, header } = parse(&all) {
            prop_assert!(consumed <= all.len());
            prop_assert!(header.tlvs.count() <= consumed);
        }
        let cip = [&magic.to_be_bytes()[..], &bytes].concat();
        if let CipOutcome::Done { consumed, .. } = parse_cip(magic, &cip) {
            prop_assert!(consumed <= cip.len());
        }
    }
}

fn line(text: &str) -> Result<String, ErrorKind> {
    match parse(text.as_bytes()) {
        Outcome::Incomplete => Ok("incomplete".into()),
        Outcome::Error(kind) => Err(kind),
        Outcome::Done { consumed, header } => {
            assert_eq!(consumed, text.find('\n').unwrap() + 1);
            Ok(match header.addresses {
                Addresses::Inet { src, dst } => format!("{src} {dst}"),
                _ => "unknown".into(),
            })
        }
    }
}

#[test]
fn lines_are_taken_as_haproxy_takes_them() {
    use ErrorKind::{BadHeader, BadProtocol, NotHeader};
    let long = "0".repeat(100);
    for (text, expected) in [
        ("PROXY UNKNOWN\r\n", Ok("unknown")),
        ("PROXY UNKNOWN ffff foo\r\n", Err(BadProtocol)),
        ("PROXY UNKNOWN\r\r\n", Err(BadProtocol)),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 100 200\n", Err(BadHeader)),
        (
            "PROXY TCP4 1.2.3.4 5.6.7.8 0 0\r\n",
            Ok("1.2.3.4:0 5.6.7.8:0"),
        ),
        (
            "PROXY TCP4 1.2.3.4 5.6.7.8 65536 0200\r\n",
            Ok("1.2.3.4:0 5.6.7.8:200"),
        ),
        (
            "PROXY TCP4 1.2.3.4 5.6.7.8  200\r\n",
            Ok("1.2.3.4:0 5.6.7.8:200"),
        ),
        (
            "PROXY TCP4 1.2.3.4 5.6.7.8 4294967297 \r\n",
            Ok("1.2.3.4:1 5.6.7.8:0"),
        ),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 -1 200\r\n", Err(BadHeader)),
        (
            "PROXY TCP4 256.2.3.4 5.6.7.8 100 200\r\n",
            Ok("0.2.3.4:100 5.6.7.8:200"),
        ),
        (
            "PROXY TCP4 1.2.3.1256 5.6.7.8 1 200\r\n",
            Ok("1.2.4.0:1 5.6.7.8:200"),
        ),
        (
            "PROXY TCP4 1.2.3 5.6.7.8 100 200\r\n",
            Ok("1.2.3.0:100 5.6.7.8:200"),
        ),
        (
            "PROXY TCP4 1..3.4 5.6.7.8 100 200\r\n",
            Ok("1.0.3.4:100 5.6.7.8:200"),
        ),
        (
            "PROXY TCP4  5.6.7.8 100 200\r\n",
            Ok("0.0.0.0:100 5.6.7.8:200"),
        ),
        ("PROXY TCP4 1.2.3.4  5.6.7.8 100 200\r\n", Err(BadHeader)),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 100 200 \r\n", Err(BadHeader)),
        ("PROXY TCP4 ::1 ::2 100 200\r\n", Err(BadHeader)),
        ("PROXY TCP4\t1.2.3.4 5.6.7.8 100 200\r\n", Err(BadProtocol)),
        ("PROXY UDP4 1.2.3.4 5.6.7.8 100 200\r\n", Err(BadProtocol)),
        ("proxy TCP4 1.2.3.4 5.6.7.8 100 200\r\n", Err(NotHeader)),
        ("GET / HTTP/1.0\r\n", Err(NotHeader)),
        (
            "PROXY TCP6 ::ffff:1.2.3.4 2001:DB8::A 1 2\r\n",
            Ok("[::ffff:1.2.3.4]:1 [2001:db8::a]:2"),
        ),
        (
            "PROXY TCP6 ::1 ::2 100 200 x\r\n",
            Ok("[::1]:100 [::2]:200"),
        ),
        ("PROXY TCP6 ::1 ::2  200\r\n", Ok("[::1]:0 [::2]:200")),
        ("PROXY TCP6 ::1  ::2 1 2\r\n", Err(BadHeader)),
        ("PROXY TCP6 ::1 ::2 1x 2\r\n", Err(BadHeader)),
        ("PROXY TCP6 fe80::1%lo ::2 1 2\r\n", Err(BadHeader)),
        ("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", Err(BadHeader)),
        ("PROXY TCP6 ::1 ::2 1 2\n", Err(BadHeader)),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 100 200", Ok("incomplete")),
    ] {
        assert_eq!(line(text), expected.map(str::to_owned), "{text:?}");
    }
    // No limit on the line's length is enforced.
    assert_eq!(
        line(&format!("PROXY TCP4 {long}1.2.3.4 5.6.7.8 1 2\r\n")),
        Ok("1.2.3.4:1 5.6.7.8:2".into())
    );
}

#[test]
fn binary_headers_are_taken_as_haproxy_takes_them() {
    const A4: &[u8] = &[10, 0, 0, 1, 10, 0, 0, 2, 4, 87, 8, 174];
    fn verdict(command: u8, family: u8, rest: &[&[u8]]) -> Result<(), ErrorKind> {
        let rest = rest.concat();
        let length = (rest.len() as u16).to_be_bytes();
        match parse(&[&SIGNATURE[..], &[command, family], &length, &rest].concat()) {
            Outcome::Done { .. } => Ok(()),
            Outcome::Error(kind) => Err(kind),
            Outcome::Incomplete => panic!("incomplete"),
        }
    }
    fn tlv(kind: u8, length: usize) -> Vec<u8> {
        [
            &[kind][..],
            &(length as u16).to_be_bytes(),
            &vec![b'a'; length],
        ]
        .concat()
    }
    let bad = Err(ErrorKind::BadHeader);
    assert_eq!(verdict(0x21, 0x11, &[A4]), Ok(()));
    for family in [0x00, 0x10, 0x12, 0x13, 0x01, 0x31, 0x41, 0xff] {
        assert_eq!(verdict(0x21, family, &[A4]), bad, "{family:#x}");
        assert_eq!(verdict(0x20, family, &[]), Ok(()), "{family:#x}");
    }
    assert_eq!(
        verdict(0x20, 0x11, &[A4]),
        bad,
        "a LOCAL header's body is TLVs only"
    );
    assert_eq!(verdict(0x20, 0x11, &[&tlv(kind::AUTHORITY, 3)]), Ok(()));
    assert_eq!(verdict(0x22, 0x11, &[A4]), bad);
    assert_eq!(verdict(0x31, 0x11, &[A4]), Err(ErrorKind::NotHeader));
    assert_eq!(verdict(0x21, 0x11, &[&A4[..11]]), bad);
    for (kind, length, expected) in [
        (kind::AUTHORITY, 0, Ok(())),
        (kind::AUTHORITY, 255, Ok(())),
        (kind::AUTHORITY, 256, bad),
        (kind::UNIQUE_ID, 128, Ok(())),
        (kind::UNIQUE_ID, 129, bad),
        (kind::CRC32C, 3, bad),
        (kind::CRC32C, 4, bad),
        (kind::CRC32C, 5, bad),
        (kind::SSL, 3, Ok(())),
        (kind::NOOP, 3, Ok(())),
        (0x99, 1024, Ok(())),
        (0x99, 1025, Err(ErrorKind::TlvTooLong)),
    ] {
        assert_eq!(
            verdict(0x21, 0x11, &[A4, &tlv(kind, length)]),
            expected,
            "{kind:#x} {length}"
        );
    }
    assert_eq!(verdict(0x21, 0x11, &[A4, &tlv(0x99, 2), &[0]]), bad);
    assert_eq!(verdict(0x21, 0x11, &[A4, &[2, 0]]), bad);
}
