//! Directives of proxies, family by family.

macro_rules! empty {
    ($($name:ident)*) => {
        $(pub mod $name {
            //! Not there yet.
            use crate::parse::Row;
            /// The rows of this family.
            pub const ROWS: &[Row] = &[];
        })*
    };
}

empty! { balance capture general http legacy options rules switching tcp timeouts }

pub mod errors {
    //! Not there yet.
    use crate::parse::{Row, sections::SectionRow};
    /// The rows of this family.
    pub const ROWS: &[Row] = &[];
    /// The sections of this family.
    pub const SECTIONS: &[SectionRow] = &[];
}
