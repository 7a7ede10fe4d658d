//! Maps: a value for the sample, found by any way of matching.

use super::regsub::expand;
use crate::args::spec::{OPT_INT, OPT_STR, STR};
use crate::args::{Arg, ArgSpec, Args};
use crate::cast;
use crate::context::ParseContext;
use crate::pattern::{Method, PatternCell};
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use std::borrow::Cow;

/// What a map's values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Text,
    /// Text with references to the groups of the regular expression.
    Template,
    Int,
    Ip,
    /// The matched key itself.
    Key,
}

impl Output {
    fn read<'a>(self, key: &[u8], value: Option<&[u8]>) -> Option<Value<'a>> {
        let value = value.unwrap_or_default();
        let owned = |text: &[u8]| Some(Value::Str(Cow::Owned(text.to_vec())));
        match self {
            Self::Text | Self::Template => owned(value),
            Self::Key => owned(key),
            Self::Int => parse_int(value).map(Value::Int),
            Self::Ip => cast::parse_ip(value).map(Value::Ip),
        }
    }

    /// What the values of a map must be, where not everything will do.
    fn check(self) -> Option<fn(&[u8]) -> bool> {
        match self {
            Self::Text | Self::Template | Self::Key => None,
            Self::Int => Some(|value| parse_int(value).is_some()),
            Self::Ip => Some(|value| cast::parse_ip(value).is_some()),
        }
    }

    const fn kind(self) -> Type {
        match self {
            Self::Text | Self::Template | Self::Key => Type::Str,
            Self::Int => Type::Int,
            Self::Ip => Type::Addr,
        }
    }

    const fn args(self) -> &'static [ArgSpec] {
        match self {
            Self::Int => &[STR, OPT_INT],
            Self::Key => &[STR],
            Self::Text | Self::Template | Self::Ip => &[STR, OPT_STR],
        }
    }
}

fn parse_int(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A map as a converter uses it.
struct Map {
    cell: PatternCell,
    output: Output,
    default: Option<Value<'static>>,
}

fn open(
    args: &mut Args,
    method: Method,
    output: Output,
    ctx: &mut ParseContext<'_>,
) -> Result<(), String> {
    let name = args.text(0).unwrap_or_default();
    let list = ctx.compiler.patterns.file(&name, true)?;
    list.note_use(
        true,
        format!("map at file '{}' line {}", ctx.file, ctx.line),
    );
    if let Some(check) = output.check() {
        list.check_values(check)?;
    }
    let cell = list.cell(method, false)?;
    ctx.warnings.extend(cell.backtracking_warning());
    let default = match (output, args.get(1)) {
        (_, None) | (Output::Key, _) => None,
        (Output::Ip, Some(Arg::Str(text))) => {
            let ip = cast::parse_ip(text).ok_or_else(|| {
                let text = String::from_utf8_lossy(text);
                format!("map: cannot parse default ip <{text}>.")
            })?;
            Some(Value::Ip(ip))
        }
        (_, Some(Arg::Str(text))) => Some(Value::Str(Cow::Owned(text.to_vec()))),
        (_, Some(Arg::Int(number))) => Some(Value::Int(*number)),
        _ => None,
    };
    // An empty default of an integer map is 0.
    let default = default.or_else(|| {
        let given = output == Output::Int && args.len() > 1;
        given.then_some(Value::Int(0))
    });
    args.set_data(Map {
        cell,
        output,
        default,
    });
    Ok(())
}

fn look_up<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let map = args.data::<Map>()?;
    let found = map.cell.look_up(&value, |entry, groups| {
        if map.output != Output::Template {
            return map.output.read(entry.key, entry.value);
        }
        let (Value::Str(subject) | Value::Bin(subject)) = &value else {
            return None;
        };
        let groups = groups(subject)?;
        let template = entry.value.unwrap_or_default();
        let mut out = Vec::with_capacity(template.len());
        let complete = expand(template, subject, &groups, &mut out);
        complete.then_some(Value::Str(Cow::Owned(out)))
    });
    match found {
        Some(result) => result,
        None => map.default.as_ref().map(crate::expr::borrowed),
    }
}

/// Rows of maps: name, input, method, output. Each has a check of its own that knows method and output.
macro_rules! maps {
    ($($name:literal $input:ident $method:ident $output:ident;)*) => {
        pub(super) static ROWS: &[ConverterRow] = &[$({
            fn check(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
                open(args, Method::$method, Output::$output, ctx)
            }
            ConverterRow::new(
                $name,
                Type::$input,
                Output::$output.kind(),
                look_up,
                concat!("Looks up in a map (", stringify!($method), ", ", stringify!($output), ")."),
            )
            .args(Output::$output.args())
            .check(check)
            .impure()
        },)*];
    };
}

maps! {
    "map" Str Str Text;
    "map_str" Str Str Text;
    "map_str_int" Str Str Int;
    "map_str_ip" Str Str Ip;
    "map_str_key" Str Str Key;
    "map_beg" Str Beg Text;
    "map_beg_int" Str Beg Int;
    "map_beg_ip" Str Beg Ip;
    "map_beg_key" Str Beg Key;
    "map_sub" Str Sub Text;
    "map_sub_int" Str Sub Int;
    "map_sub_ip" Str Sub Ip;
    "map_sub_key" Str Sub Key;
    "map_dir" Str Dir Text;
    "map_dir_int" Str Dir Int;
    "map_dir_ip" Str Dir Ip;
    "map_dir_key" Str Dir Key;
    "map_dom" Str Dom Text;
    "map_dom_int" Str Dom Int;
    "map_dom_ip" Str Dom Ip;
    "map_dom_key" Str Dom Key;
    "map_end" Str End Text;
    "map_end_int" Str End Int;
    "map_end_ip" Str End Ip;
    "map_end_key" Str End Key;
    "map_reg" Str Reg Text;
    "map_regm" Str Reg Template;
    "map_reg_int" Str Reg Int;
    "map_reg_ip" Str Reg Ip;
    "map_reg_key" Str Reg Key;
    "map_int" Int Int Text;
    "map_int_int" Int Int Int;
    "map_int_ip" Int Int Ip;
    "map_int_key" Int Int Key;
    "map_ip" Addr Ip Text;
    "map_ip_int" Addr Ip Int;
    "map_ip_ip" Addr Ip Ip;
    "map_ip_key" Addr Ip Key;
}
