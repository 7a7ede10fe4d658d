//! Statuses that have a page of their own.

/// Whether the proxy has a page of its own for a status (configuration manual, `errorfile`).
#[must_use]
pub fn has_page(status: u16) -> bool {
    matches!(
        status,
        200 | 400
            | 401
            | 403
            | 404
            | 405
            | 407
            | 408
            | 410
            | 413
            | 414
            | 421
            | 422
            | 425
            | 429
            | 431
            | 500
            | 501
            | 502
            | 503
            | 504
    )
}

#[cfg(test)]
mod tests {
    use super::has_page;
    use message::reason;

    #[test]
    fn statuses_without_a_phrase_have_that_of_their_class() {
        let all: Vec<_> = [199, 299, 333, 444, 599, 799]
            .into_iter()
            .map(reason)
            .collect();
        assert_eq!(
            all,
            [
                "Informational",
                "Success",
                "Redirection",
                "Client Error",
                "Server Error",
                "Other"
            ]
        );
        assert_eq!(
            (reason(413), reason(502)),
            ("Request Entity Too Large", "Bad Gateway or Proxy Error")
        );
    }

    #[test]
    fn pages_are_there_for_what_the_proxy_answers_with() {
        assert!(has_page(403) && has_page(504) && !has_page(411) && !has_page(444));
    }
}
