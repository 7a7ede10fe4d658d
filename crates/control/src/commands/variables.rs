//! `get var` and `set var`: variables of the process.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::clock;
use engine::runtime::Runtime;
use expr::logformat::{LogFormat, Usage};
use expr::view::{Date, ProcessView, View};
use expr::{AclSet, ArgKind, Compiler, Expr, ParseContext, Phases, Scope, Target, Value, VarId};
use model::Snapshot;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["get", "var"],
    level: Level::Operator,
    args: "<name>",
    doc: "show a variable of the process",
    run: get,
}];

/// Those that need `experimental-mode on`.
pub const EXPERIMENTAL: &[CommandRow] = &[CommandRow {
    words: &["set", "var"],
    level: Level::Operator,
    args: "<name> {[expr] <expr>|fmt <format>}",
    doc: "set a variable of the process",
    run: set,
}];

const NO_NAME: &str = "Missing process-wide variable identifier.";

fn get(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let name = args.get(0);
    if name.is_empty() {
        return reply.error(NO_NAME);
    }
    let runtime = context.runtime;
    let found = runtime.process.var_names(&runtime.snapshot).find(name);
    let value = found
        .filter(|found| found.scope == Scope::Process)
        .and_then(|found| runtime.proc_var(found.name));
    let Some(value) = value else {
        return reply.error("Variable not found.");
    };
    let kind = value.kind().name();
    reply.info(&format!("{name}: type={kind} value=<{}>", shown(&value)));
}

/// What `get var` shows; binary values are not.
fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::Int(value) => value.to_string(),
        Value::Ip(ip) => ip.to_string(),
        Value::Str(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Bin(_) => "...".to_owned(),
        Value::Method(method, text) => match text.is_empty() {
            true => method.name().unwrap_or_default().to_owned(),
            false => String::from_utf8_lossy(text).into_owned(),
        },
    }
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    if args.get(0).is_empty() {
        return reply.error(NO_NAME);
    }
    if let Err(why) = compute(context.runtime, args) {
        reply.error(&why);
    }
}

fn compute(runtime: &Runtime, args: Args<'_>) -> Result<(), String> {
    if args.get(1).is_empty() {
        return Err("Missing either 'expr', 'fmt' or expression.".into());
    }
    let mut compiler = Compiler::new(&expr::tables::TABLES);
    compiler.env = runtime.snapshot.environment.clone();
    compiler.names = runtime.process.var_names(&runtime.snapshot);
    let id = compiler.names.intern(args.get(0))?;
    if id.scope != Scope::Process {
        let name = args.get(0);
        return Err(format!(
            "'set var': cannot set variable '{name}', only scope 'proc' is permitted here."
        ));
    }
    let words: Vec<&str> = args.0.iter().skip(1).map(String::as_str).collect();
    let value = match words.as_slice() {
        ["fmt", format] => Some(rendered(runtime, &mut compiler, format)?),
        ["expr", expression] | [expression] => evaluated(runtime, &mut compiler, expression)?,
        [kind, ..] => {
            return Err(format!(
                "'set var': arg type must be either 'expr' or 'fmt' but got '{kind}'."
            ));
        }
        [] => None,
    };
    runtime.process.set_var_names(compiler.names);
    if let Some(value) = value
        && !runtime.set_process_var(id.name, Some(value))
    {
        return Err("Out of memory.".into());
    }
    Ok(())
}

fn evaluated(
    runtime: &Runtime,
    compiler: &mut Compiler,
    text: &str,
) -> Result<Option<Value<'static>>, String> {
    let mut acls = AclSet::default();
    let mut place = ParseContext::new(compiler, &mut acls, Phases::CLI).at("", "CLI", 0);
    let expression = Expr::parse_str(text, &mut place)?;
    if !expression.phases().intersects(Phases::CLI) {
        return Err(format!(
            "fetch method '{text}' extracts information from '{}', none of which is available here",
            expression.need()
        ));
    }
    resolve(runtime, compiler)?;
    let view = ApiView { runtime };
    Ok(expression.eval(&view).value().map(Value::into_owned))
}

fn rendered(
    runtime: &Runtime,
    compiler: &mut Compiler,
    text: &str,
) -> Result<Value<'static>, String> {
    let mut acls = AclSet::default();
    let mut place = ParseContext::new(compiler, &mut acls, Phases::CLI).at("", "CLI", 0);
    let format = LogFormat::parse(text, Usage::RAW, &mut place)?;
    resolve(runtime, compiler)?;
    let mut out = Vec::new();
    format.render(&ApiView { runtime }, &mut out);
    Ok(Value::Str(out.into()))
}

/// Looks up what the expression names.
fn resolve(runtime: &Runtime, compiler: &mut Compiler) -> Result<(), String> {
    let snapshot: &Snapshot = &runtime.snapshot;
    for reference in compiler.references.drain(..) {
        let name = reference.name.as_str();
        let target = match reference.kind {
            ArgKind::Frontend => snapshot.frontends.get(name).map(|at| Target::Proxy(*at)),
            ArgKind::Backend => snapshot.backends.get(name).map(|at| Target::Proxy(*at)),
            ArgKind::Table => snapshot.table_names.get(name).map(|at| Target::Table(*at)),
            ArgKind::Server => server(runtime, name),
            _ => None,
        };
        let Some(target) = target else {
            let kind = reference.kind.name();
            return Err(format!("unable to find {kind} '{name}' here"));
        };
        // The slot was made for this expression and is empty.
        let _ = reference.slot.set(target);
    }
    if compiler.group_tests.is_empty() && compiler.sinks.is_empty() {
        return Ok(());
    }
    Err("user lists and event sinks can't be used here".into())
}

fn server(runtime: &Runtime, name: &str) -> Option<Target> {
    let (backend, server) = name.split_once('/')?;
    let backend = runtime.backend(backend)?;
    let server = backend.server_named(server)?;
    Some(Target::Server(backend.config.idx, server.config.idx))
}

/// What expressions on the runtime API can read and set: the process.
struct ApiView<'r> {
    runtime: &'r Runtime,
}

impl View for ApiView<'_> {
    fn now(&self) -> Date {
        clock::date()
    }

    fn process(&self) -> &dyn ProcessView {
        self.runtime
    }

    fn set_var(&self, name: VarId, value: Option<Value<'_>>) -> bool {
        let is_ours = name.scope == Scope::Process;
        is_ours
            && self
                .runtime
                .set_process_var(name.name, value.map(Value::into_owned))
    }
}
