//! Weights and limits as operators and agents write them.

/// The weight that a text means to a server: absolute, or in percent of the configured weight.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str, initial: u32) -> Result<u32, &'static str> {
    if text.is_empty() {
        return Err("Require <weight> or <weight%>.");
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    if end == 0 {
        return Err("Empty weight string empty or preceded by garbage");
    }
    let (digits, unit) = digits.split_at(end);
    if !unit.is_empty() && unit != "%" {
        return Err("Trailing garbage in weight string");
    }
    let value: u64 = digits.parse().unwrap_or(u64::MAX);
    let negative = text.starts_with('-') && value > 0;
    if unit.is_empty() {
        return match u32::try_from(value) {
            Ok(weight @ 0..=256) if !negative => Ok(weight),
            _ => Err("Absolute weight can only be between 0 and 256 inclusive."),
        };
    }
    if negative {
        return Err("Relative weight must be positive.");
    }
    let weight = u64::from(initial).saturating_mul(value) / 100;
    Ok(u32::try_from(weight).unwrap_or(u32::MAX).min(256))
}

/// The connection limit that an agent's text means.
///
/// # Errors
/// What is wrong with it.
pub fn parse_maxconn(text: &str) -> Result<u32, &'static str> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    if end == 0 {
        return Err("maxconn string empty or preceded by garbage");
    }
    if end < digits.len() {
        return Err("Trailing garbage in maxconn string");
    }
    if text.starts_with('-') {
        return Err("maxconn must be positive");
    }
    Ok(digits.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_absolute_or_relative() {
        assert_eq!(parse("20", 10), Ok(20));
        assert_eq!(parse("256", 10), Ok(256));
        assert_eq!(parse("50%", 10), Ok(5));
        assert_eq!(parse("33%", 10), Ok(3));
        assert_eq!(parse("3000%", 10), Ok(256));
        assert!(parse("257", 10).is_err() && parse("-1", 10).is_err());
        assert!(parse("5x", 10).is_err() && parse("x", 10).is_err() && parse("", 10).is_err());
        assert!(parse("99999999999999999999", 10).is_err());
    }

    #[test]
    fn limits_are_plain_numbers() {
        assert_eq!(parse_maxconn("30"), Ok(30));
        assert!(parse_maxconn("").is_err() && parse_maxconn("x").is_err());
        assert!(parse_maxconn("3x").is_err() && parse_maxconn("-3").is_err());
    }
}
