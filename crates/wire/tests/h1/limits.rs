//! Where messages become too large, to the byte, as HAProxy 3.4 has it with its default buffers.

use hapax_wire::h1::{Limits, Options, Parsed, parse_request, parse_response};
use message::{Head, Method};

/// 200 if the request is complete, 0 if it is not yet, else the status it is refused with.
fn status(input: &[u8]) -> u16 {
    let parsed = parse_request(
        input,
        &Limits::default(),
        &Options::default(),
        &mut Head::new(),
    );
    match parsed {
        Ok(Parsed::Done { .. }) => 200,
        Ok(Parsed::Incomplete) => 0,
        Err(error) => error.status,
    }
}

fn with_value(start: &str, len: usize) -> Vec<u8> {
    format!("{start}x: {}\r\n\r\n", "a".repeat(len)).into_bytes()
}

#[test]
fn a_head_fits_up_to_the_rewrite_reserve() {
    let ten = "GET / HTTP/1.1\r\n".to_owned() + &"a:b\r\n".repeat(10);
    let ten_long = "GET / HTTP/1.1\r\n".to_owned() + &"aaaa:bbbbbb\r\n".repeat(10);
    for (start, most) in [
        ("GET / HTTP/1.1\r\n", 15262),
        (&ten, 15162),
        (&ten_long, 15082),
        ("GET / HTTP/1.1\r\nHost: abcdefgh\r\n", 15242),
        ("GET http://abcdefgh/ HTTP/1.1\r\nHost: abcdefgh\r\n", 15227),
    ] {
        assert_eq!(status(&with_value(start, most)), 200, "{start}");
        assert_eq!(status(&with_value(start, most + 1)), 431, "{start}");
    }
    let line = |len| format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(len));
    assert_eq!(status(line(15271).as_bytes()), 200);
    assert_eq!(status(line(15272).as_bytes()), 431);
}

#[test]
fn a_response_is_held_to_the_same() {
    let complete = |len| {
        let input = with_value("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", len);
        let (limits, options) = (Limits::default(), Options::default());
        parse_response(&input, Method::Get, &limits, &options, &mut Head::new()).is_ok()
    };
    assert!(complete(15238));
    assert!(!complete(15239));
}

#[test]
fn an_incomplete_head_may_fill_the_buffer() {
    let target = |len: usize| status(format!("GET /{}", "a".repeat(len - 5)).as_bytes());
    assert_eq!((target(16327), target(16328)), (0, 414));
    let value = |len: usize| {
        let input = format!("GET / HTTP/1.1\r\na: {}", "a".repeat(len - 19));
        status(input.as_bytes())
    };
    assert_eq!((value(16327), value(16328)), (0, 431));
}

#[test]
fn fields_are_counted_as_they_are_kept() {
    let fields = |first: &str, count: usize| {
        status(format!("GET / HTTP/1.1\r\n{first}{}\r\n", "a:b\r\n".repeat(count)).as_bytes())
    };
    assert_eq!((fields("", 100), fields("", 101)), (200, 400));
    let dropped = "Connection: close\r\n";
    assert_eq!((fields(dropped, 100), fields(dropped, 101)), (200, 400));
    let merged = "Host: a\r\nHost: a\r\n";
    assert_eq!((fields(merged, 99), fields(merged, 100)), (200, 400));
}
