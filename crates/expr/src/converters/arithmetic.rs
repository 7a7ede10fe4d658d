//! Integers: arithmetic that stops at the limits of 64 bits, bits, truth.

use super::{check_operand, number, operand};
use crate::args::Args;
use crate::args::spec::STR;
use crate::context::ParseContext;
use crate::row::{Convert, ConverterRow};
use crate::sample::{Type, Value};
use crate::view::View;

/// One function of two integers and one of one integer per row, so that each row's function is a plain one.
macro_rules! functions {
    ($($name:ident $kind:ident |$left:ident $(, $right:ident)?| $result:expr;)*) => {
        $(fn $name<'a>(
            args: &'a Args,
            value: Value<'a>,
            view: &'a dyn View,
        ) -> Option<Value<'a>> {
            let $left = number(&value)?;
            $(let $right = operand(args, 0, view)?;)?
            let _ = (args, view);
            Some(Value::$kind($result))
        })*
    };
}

functions! {
    add Int |a, b| a.saturating_add(b);
    sub Int |a, b| a.saturating_sub(b);
    mul Int |a, b| a.saturating_mul(b);
    div Int |a, b| if b == 0 { i64::MAX } else { a.saturating_div(b) };
    modulo Int |a, b| a.checked_rem(b).unwrap_or(0);
    and Int |a, b| a & b;
    or Int |a, b| a | b;
    xor Int |a, b| a ^ b;
    cpl Int |a| !a;
    neg Int |a| a.saturating_neg();
    truth Bool |a| a != 0;
    not Bool |a| a == 0;
    odd Bool |a| a & 1 == 1;
    even Bool |a| a & 1 == 0;
}

fn check(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    check_operand(args, 0, ctx)
}

const fn binary(name: &'static str, convert: Convert, doc: &'static str) -> ConverterRow {
    ConverterRow::new(name, Type::Int, Type::Int, convert, doc)
        .args(&[STR])
        .check(check)
        .impure()
}

const fn unary(
    name: &'static str,
    output: Type,
    convert: Convert,
    doc: &'static str,
) -> ConverterRow {
    ConverterRow::new(name, Type::Int, output, convert, doc)
}

pub(super) static ROWS: &[ConverterRow] = &[
    binary("add", add, "Adds a number or variable."),
    binary("sub", sub, "Subtracts a number or variable."),
    binary("mul", mul, "Multiplies by a number or variable."),
    binary(
        "div",
        div,
        "Divides by a number or variable; by 0, the largest number.",
    ),
    binary("mod", modulo, "Remainder of a division; by 0, 0."),
    binary("and", and, "Bitwise and."),
    binary("or", or, "Bitwise or."),
    binary("xor", xor, "Bitwise exclusive or."),
    unary("cpl", Type::Int, cpl, "All bits flipped."),
    unary("neg", Type::Int, neg, "The opposite."),
    unary("bool", Type::Bool, truth, "Whether it is not 0."),
    unary("not", Type::Bool, not, "Whether it is 0."),
    unary("odd", Type::Bool, odd, "Whether it is odd."),
    unary("even", Type::Bool, even, "Whether it is even."),
];
