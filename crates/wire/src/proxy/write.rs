//! What `send-proxy`, `send-proxy-v2`, `proxy-v2-options` and `set-proxy-v2-tlv-fmt` send.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::Addresses;
use super::tlv::kind;
use super::v2::{FIXED, SIGNATURE, TCP4, TCP6, UNIX};
use base::hash::Crc32c;

/// The client came over TLS.
pub const SSL_CLIENT: u8 = 0x01;
/// A certificate was shown on this connection.
pub const SSL_CERT_CONN: u8 = 0x02;
/// A certificate was shown at least once in this TLS session.
pub const SSL_CERT_SESS: u8 = 0x04;

/// The header would not fit its 16-bit length fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PROXY protocol header exceeds 65535 bytes")
    }
}

impl std::error::Error for TooLong {}

/// Two addresses of one family: a mixed pair is sent as IPv6, IPv4 mapped into it.
fn same_family(src: SocketAddr, dst: SocketAddr) -> (SocketAddr, SocketAddr) {
    let widen = |a: SocketAddr| match a.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), a.port()),
        IpAddr::V6(_) => a,
    };
    if src.is_ipv4() == dst.is_ipv4() {
        (src, dst)
    } else {
        (widen(src), widen(dst))
    }
}

/// Appends a version 1 line. Unix and unknown endpoints become `PROXY UNKNOWN`.
pub fn write_v1(addresses: &Addresses<'_>, out: &mut Vec<u8>) {
    let Addresses::Inet { src, dst } = *addresses else {
        out.extend_from_slice(b"PROXY UNKNOWN\r\n");
        return;
    };
    let (src, dst) = same_family(src, dst);
    let family = if src.is_ipv4() { "TCP4" } else { "TCP6" };
    // Writing into a vector can't fail.
    let _ = write!(
        out,
        "PROXY {family} {} {} {} {}\r\n",
        src.ip(),
        dst.ip(),
        src.port(),
        dst.port()
    );
}

/// What to tell about the client's TLS (`proxy-v2-options ssl` and its details).
#[derive(Debug, Clone, Copy, Default)]
pub struct SslInfo<'a> {
    /// Set of [`SSL_CLIENT`], [`SSL_CERT_CONN`], [`SSL_CERT_SESS`]; zero for a client without TLS.
    pub client: u8,
    /// The certificate's verification result, zero when good or when there is none.
    pub verify: u32,
    /// TLS version, for example `TLSv1.3`.
    pub version: Option<&'a [u8]>,
    /// `cert-cn`: the client certificate's common name.
    pub cn: Option<&'a [u8]>,
    /// `cert-key`: for example `RSA2048`.
    pub key_alg: Option<&'a [u8]>,
    /// `cert-sig`: for example `RSA-SHA256`.
    pub sig_alg: Option<&'a [u8]>,
    /// `ssl-cipher`.
    pub cipher: Option<&'a [u8]>,
}

/// A version 2 header in the making. Extensions are sent in HAProxy's order whatever order they are set in.
#[derive(Debug, Clone, Copy)]
pub struct V2Builder<'a> {
    addresses: Addresses<'a>,
    custom: &'a [(u8, &'a [u8])],
    crc32c: bool,
    alpn: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
    unique_id: Option<&'a [u8]>,
    ssl: Option<SslInfo<'a>>,
    netns: Option<&'a [u8]>,
}

impl<'a> V2Builder<'a> {
    /// A header for these endpoints; [`Addresses::Unknown`] gives a LOCAL header.
    #[must_use]
    pub const fn new(addresses: Addresses<'a>) -> Self {
        Self {
            addresses,
            custom: &[],
            crc32c: false,
            alpn: None,
            authority: None,
            unique_id: None,
            ssl: None,
            netns: None,
        }
    }

    /// `set-proxy-v2-tlv-fmt`: type and value, sent in this order, empty values too.
    #[must_use]
    pub const fn custom(self, custom: &'a [(u8, &'a [u8])]) -> Self {
        Self { custom, ..self }
    }

    /// Whether to add the header's checksum.
    #[must_use]
    pub const fn crc32c(self, crc32c: bool) -> Self {
        Self { crc32c, ..self }
    }

    /// The client's ALPN. HAProxy sends it whenever one was negotiated.
    #[must_use]
    pub const fn alpn(self, alpn: Option<&'a [u8]>) -> Self {
        Self { alpn, ..self }
    }

    /// The client's SNI or, without one, the authority that its own PROXY header carried.
    #[must_use]
    pub const fn authority(self, authority: Option<&'a [u8]>) -> Self {
        Self { authority, ..self }
    }

    /// The stream's unique id.
    #[must_use]
    pub const fn unique_id(self, unique_id: Option<&'a [u8]>) -> Self {
        Self { unique_id, ..self }
    }

    /// The client's TLS. To be set for clients without TLS too when the option asks for it.
    #[must_use]
    pub const fn ssl(self, ssl: Option<SslInfo<'a>>) -> Self {
        Self { ssl, ..self }
    }

    /// The client's network namespace.
    #[must_use]
    pub const fn netns(self, netns: Option<&'a [u8]>) -> Self {
        Self { netns, ..self }
    }

    /// Appends the header.
    ///
    /// # Errors
    /// [`TooLong`], with `out` as it was before.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let start = out.len();
        let written = self.write_at(start, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn write_at(&self, start: usize, out: &mut Vec<u8>) -> Result<(), TooLong> {
        out.extend_from_slice(&SIGNATURE);
        out.extend_from_slice(&[0x20, 0, 0, 0]);
        let fixed = self.write_addresses(out);
        for (kind, value) in self.custom {
            put(out, *kind, value)?;
        }
        let sum_at = out.len() + 3;
        if self.crc32c {
            put(out, kind::CRC32C, &[0; 4])?;
        }
        let plain = [
            (kind::ALPN, self.alpn),
            (kind::AUTHORITY, self.authority),
            (kind::UNIQUE_ID, self.unique_id),
        ];
        for (kind, value) in plain {
            put_some(out, kind, value)?;
        }
        if let Some(ssl) = &self.ssl {
            put_ssl(out, ssl)?;
        }
        put_some(out, kind::NETNS, self.netns)?;

        let length = u16::try_from(out.len() - start - FIXED)
            .map_err(|_| TooLong)?
            .to_be_bytes();
        patch(out, start + 12, &[fixed.0, fixed.1, length[0], length[1]]);
        if self.crc32c {
            let sum = Crc32c::new()
                .update(out.get(start..).unwrap_or_default())
                .finish();
            patch(out, sum_at, &sum.to_be_bytes());
        }
        Ok(())
    }

    /// Version and command, family and protocol.
    fn write_addresses(&self, out: &mut Vec<u8>) -> (u8, u8) {
        match self.addresses {
            Addresses::Unknown => (0x20, 0),
            Addresses::Unix { src, dst } => {
                for path in [src, dst] {
                    let end = out.len() + 108;
                    out.extend_from_slice(path.get(..path.len().min(108)).unwrap_or_default());
                    out.resize(end, 0);
                }
                (0x21, UNIX)
            }
            Addresses::Inet { src, dst } => {
                let (src, dst) = same_family(src, dst);
                for address in [src, dst] {
                    match address.ip() {
                        IpAddr::V4(v4) => out.extend_from_slice(&v4.octets()),
                        IpAddr::V6(v6) => out.extend_from_slice(&v6.octets()),
                    }
                }
                out.extend_from_slice(&src.port().to_be_bytes());
                out.extend_from_slice(&dst.port().to_be_bytes());
                (0x21, if src.is_ipv4() { TCP4 } else { TCP6 })
            }
        }
    }
}

fn patch(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn put(out: &mut Vec<u8>, kind: u8, value: &[u8]) -> Result<(), TooLong> {
    let length = u16::try_from(value.len()).map_err(|_| TooLong)?;
    out.push(kind);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}

fn put_some(out: &mut Vec<u8>, kind: u8, value: Option<&[u8]>) -> Result<(), TooLong> {
    value.map_or(Ok(()), |value| put(out, kind, value))
}

fn put_ssl(out: &mut Vec<u8>, ssl: &SslInfo<'_>) -> Result<(), TooLong> {
    let at = out.len();
    put(out, kind::SSL, &[ssl.client])?;
    out.extend_from_slice(&ssl.verify.to_be_bytes());
    let details = [
        (kind::SSL_VERSION, ssl.version),
        (kind::SSL_CN, ssl.cn),
        (kind::SSL_KEY_ALG, ssl.key_alg),
        (kind::SSL_SIG_ALG, ssl.sig_alg),
        (kind::SSL_CIPHER, ssl.cipher),
    ];
    for (kind, value) in details {
        put_some(out, kind, value)?;
    }
    let length = u16::try_from(out.len() - at - 3).map_err(|_| TooLong)?;
    patch(out, at + 1, &length.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inet(src: &str, dst: &str) -> Addresses<'static> {
        Addresses::Inet {
            src: src.parse().unwrap(),
            dst: dst.parse().unwrap(),
        }
    }

    fn hex(builder: V2Builder<'_>) -> String {
        let mut out = Vec::new();
        builder.write(&mut out).unwrap();
        assert_eq!(out[..12], SIGNATURE);
        out[12..].iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn lines_are_haproxys() {
        let line = |a: &Addresses<'_>| {
            let mut out = Vec::new();
            write_v1(a, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            line(&inet("10.0.0.1:1111", "10.0.0.2:2222")),
            "PROXY TCP4 10.0.0.1 10.0.0.2 1111 2222\r\n"
        );
        assert_eq!(
            line(&inet("10.9.9.8:1111", "[2001:db8::8]:2222")),
            "PROXY TCP6 ::ffff:10.9.9.8 2001:db8::8 1111 2222\r\n"
        );
        assert_eq!(line(&Addresses::Unknown), "PROXY UNKNOWN\r\n");
        assert_eq!(
            line(&Addresses::Unix {
                src: b"/a",
                dst: b"/b"
            }),
            "PROXY UNKNOWN\r\n"
        );
    }

    // The figures below were sent by HAProxy 3.4.0 to a server.
    #[test]
    fn headers_are_haproxys() {
        let v4 = V2Builder::new(inet("10.0.0.1:1111", "10.0.0.2:2222"));
        assert_eq!(hex(v4), "2111000c0a0000010a000002045708ae");
        assert_eq!(
            hex(v4.crc32c(true)),
            "211100130a0000010a000002045708ae0300048cec2d42"
        );
        assert_eq!(
            hex(v4
                .crc32c(true)
                .custom(&[(0xe1, b"abc")])
                .unique_id(Some(b"uid-10.0.0.1"))),
            "211100280a0000010a000002045708aee100036162630300046379516205000c7569642d31302e302e302e31"
        );
        assert_eq!(
            hex(v4
                .crc32c(true)
                .custom(&[(0xe1, b"abc")])
                .unique_id(Some(b"uid-10.0.0.1"))
                .authority(Some(b"aut"))
                .ssl(Some(SslInfo::default()))),
            "211100360a0000010a000002045708aee100036162630300045b97081102000361757405000c7569642d31302e302e302e31\
             2000050000000000"
        );
        assert_eq!(
            hex(v4.custom(&[(0x99, b""), (0x98, b"hi")])),
            "211100140a0000010a000002045708ae9900009800026869"
        );
        let v6 = V2Builder::new(inet("[2001:db8::9]:1111", "10.0.0.2:2222"));
        assert_eq!(
            hex(v6.crc32c(true)),
            "2121002b20010db800000000000000000000000900000000000000000000ffff0a000002045708ae0300040873fad6"
        );
        let local = V2Builder::new(Addresses::Unknown);
        assert_eq!(hex(local), "20000000");
        assert_eq!(hex(local.crc32c(true)), "20000007030004a9b87e8f");
    }

    #[test]
    fn tls_details_are_in_haproxys_order() {
        let ssl = SslInfo {
            client: SSL_CLIENT,
            version: Some(b"TLSv1.3"),
            key_alg: Some(b"RSA2048"),
            sig_alg: Some(b"RSA-SHA256"),
            cipher: Some(b"TLS_AES_256_GCM_SHA384"),
            ..SslInfo::default()
        };
        let built = V2Builder::new(inet("127.0.0.1:57690", "127.0.0.1:18404"))
            .crc32c(true)
            .custom(&[(0xe1, b"abc")])
            .alpn(Some(b"http/1.1"))
            .authority(Some(b"sni.example"))
            .unique_id(Some(b"uid-127.0.0.1"))
            .ssl(Some(ssl));
        assert_eq!(
            hex(built),
            "211100847f0000017f000001e15a47e4e10003616263030004be9440ca010008687474702f312e3102000b736e692e6578616d706c\
             6505000d7569642d3132372e302e302e3120003f0100000000210007544c5376312e33250007525341323034382400\
             0a5253412d534841323536230016544c535f4145535f3235365f47434d5f534841333834"
        );
    }

    #[test]
    fn too_long_leaves_the_output_alone() {
        let mut out = b"kept".to_vec();
        let big = vec![0; 65_000];
        let custom = [(0xe1, big.as_slice()), (0xe2, big.as_slice())];
        assert_eq!(
            V2Builder::new(Addresses::Unknown)
                .custom(&custom)
                .write(&mut out),
            Err(TooLong)
        );
        assert_eq!(out, b"kept");
    }
}
