//! Hides what differs from run to run, so that two runs can be compared byte by byte.

/// Masks a log line: process numbers, dates, ports and timers (a timer of -1 stays).
pub fn mask_log(line: &str) -> String {
    let line = mask_date_prefix(line);
    let mut timers_seen = false;
    let words: Vec<String> = line
        .split(' ')
        .map(|word| mask_word(word, &mut timers_seen))
        .collect();
    words.join(" ")
}

/// `<134>Nov 21 03:27:37 ` becomes `<134>DATE `.
fn mask_date_prefix(line: &str) -> String {
    let Some((priority, rest)) = line
        .split_once('>')
        .filter(|(priority, _)| priority.starts_with('<'))
    else {
        return line.to_owned();
    };
    match (rest.get(3..4), rest.get(15..)) {
        (Some(" "), Some(message)) => format!("{priority}>DATE{message}"),
        _ => line.to_owned(),
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Of the words made of numbers and slashes only the first holds timers; the counters after it are kept.
fn mask_word(word: &str, timers_seen: &mut bool) -> String {
    if let Some((tag, pid)) = word
        .strip_suffix("]:")
        .and_then(|rest| rest.rsplit_once('['))
        && digits(pid)
    {
        return format!("{tag}[PID]:");
    }
    if word.starts_with('[') && word.ends_with(']') && word.contains('/') && word.contains(':') {
        return "[DATE]".to_owned();
    }
    if let Some((host, port)) = word.rsplit_once(':')
        && digits(port)
        && (host == "127.0.0.1" || host == "::1")
    {
        return format!("{host}:PORT");
    }
    match mask_timers(word) {
        Some(masked) if !*timers_seen => {
            *timers_seen = true;
            masked
        }
        _ => word.to_owned(),
    }
}

/// Three numbers (TCP) or five (HTTP) with slashes.
fn mask_timers(word: &str) -> Option<String> {
    let parts: Vec<&str> = word.split('/').collect();
    let number = |part: &&str| digits(part.trim_start_matches('+')) || *part == "-1";
    if !(parts.len() == 3 || parts.len() == 5) || !parts.iter().all(number) {
        return None;
    }
    let hidden = parts.iter().map(|part| match *part {
        "-1" => "-1",
        part if part.starts_with('+') => "+N",
        _ => "N",
    });
    Some(hidden.collect::<Vec<_>>().join("/"))
}

/// Masks the volatile headers of HTTP/1 messages: the value of every `Date:` line and ports of loopback addresses.
pub fn mask_http(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if line
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"date:"))
        {
            out.extend_from_slice(b"date: DATE\r\n");
        } else {
            mask_ports(line, &mut out);
        }
    }
    out
}

fn mask_ports(line: &[u8], out: &mut Vec<u8>) {
    const HOST: &[u8] = b"127.0.0.1:";
    let mut rest = line;
    while let Some(at) = rest.windows(HOST.len()).position(|part| part == HOST) {
        let (before, after) = rest.split_at(at + HOST.len());
        let port = after
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        out.extend_from_slice(before);
        if port > 0 {
            out.extend_from_slice(b"PORT");
        }
        rest = after.get(port..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_an_http_log_line() {
        let line = "<134>Feb  6 12:14:14 haproxy[14389]: 127.0.0.1:33317 [06/Feb/2009:12:14:14.655] in be/s \
                    10/0/30/-1/+109 503 275 - - SC-- 1/1/1/1/+0 0/0 \"GET /a/1/2 HTTP/1.1\"";
        let masked = "<134>DATE haproxy[PID]: 127.0.0.1:PORT [DATE] in be/s N/N/N/-1/+N 503 275 - - SC-- \
                      1/1/1/1/+0 0/0 \"GET /a/1/2 HTTP/1.1\"";
        assert_eq!(mask_log(line), masked);
    }

    #[test]
    fn masks_dates_and_ports_in_messages() {
        let masked = mask_http(b"HTTP/1.1 200 OK\r\nDate: now\r\nX: http://127.0.0.1:81/\r\n\r\n");
        assert_eq!(
            masked,
            b"HTTP/1.1 200 OK\r\ndate: DATE\r\nX: http://127.0.0.1:PORT/\r\n\r\n"
        );
    }
}
