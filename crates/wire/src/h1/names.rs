//! `option http-restrict-req-hdr-names`.

use message::Head;

/// What is done with request fields whose name has anything but letters, digits and `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestrictNames {
    /// They are kept.
    #[default]
    Preserve,
    /// They are removed.
    Delete,
    /// The request is refused with status 403.
    Reject,
}

/// A request that [`RestrictNames::Reject`] refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameRejected;

/// Applies the option to a request. It belongs to a proxy, not to the parser: it is applied with the frontend's rules
/// and again with the backend's.
///
/// # Errors
///
/// [`NameRejected`] if `mode` is [`RestrictNames::Reject`] and there is such a field.
pub fn restrict_names(head: &mut Head, mode: RestrictNames) -> Result<(), NameRejected> {
    let plain = |name: &[u8]| name.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'-');
    match mode {
        RestrictNames::Preserve => Ok(()),
        RestrictNames::Delete => {
            head.retain(|name, _| plain(name));
            Ok(())
        }
        RestrictNames::Reject if head.iter().all(|(name, _)| plain(name)) => Ok(()),
        RestrictNames::Reject => Err(NameRejected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        let mut head = Head::new();
        head.start_request(b"GET", b"/", message::Version::HTTP_11);
        head.push(b"x-plain-1", b"1");
        head.push(b"x_under", b"2");
        head.push(b"x.dot", b"3");
        head
    }

    #[test]
    fn names_are_kept_removed_or_refused() {
        let mut kept = head();
        assert_eq!(restrict_names(&mut kept, RestrictNames::Preserve), Ok(()));
        assert_eq!(kept.len(), 3);
        let mut deleted = head();
        assert_eq!(restrict_names(&mut deleted, RestrictNames::Delete), Ok(()));
        assert_eq!(
            deleted.iter().map(|(n, _)| n).collect::<Vec<_>>(),
            [b"x-plain-1"]
        );
        assert_eq!(
            restrict_names(&mut head(), RestrictNames::Reject),
            Err(NameRejected)
        );
        assert_eq!(restrict_names(&mut deleted, RestrictNames::Reject), Ok(()));
    }
}
