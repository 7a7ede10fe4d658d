//! Variables: scoped names, interned once so that look-ups compare small numbers.

/// The life span of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `proc.`: the process.
    Process,
    /// `sess.`: the client's connection.
    Session,
    /// `txn.`: request and response.
    Transaction,
    /// `req.`: the request.
    Request,
    /// `res.`: the response.
    Response,
    /// `check.`: a health check.
    Check,
}

/// A variable's identity: its scope and its interned name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VarId {
    /// The scope.
    pub scope: Scope,
    /// The interned name.
    pub name: u32,
}
