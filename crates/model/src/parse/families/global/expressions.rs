//! What expressions may use: the algorithms of encrypted tokens, the memory of variables.

use crate::parse::{Parsed, Parser, Row, Statement, Valid};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "jwt.decrypt_alg_list",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The key algorithms that tokens may be encrypted with.",
        read: jwt_algorithms,
    },
    Row {
        name: "jwt.decrypt_enc_list",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The algorithms that the content of tokens may be encrypted with.",
        read: jwt_encryptions,
    },
    limit("tune.vars.check-max-size"),
    limit("tune.vars.global-max-size"),
    limit("tune.vars.proc-max-size"),
    limit("tune.vars.reqres-max-size"),
    limit("tune.vars.sess-max-size"),
    limit("tune.vars.txn-max-size"),
];

const fn limit(name: &'static str) -> Row {
    Row::new(
        name,
        "Bytes that the variables of a scope may take.",
        variables,
    )
}

fn unknown(statement: Statement<'_>, name: &str) -> crate::parse::Fault {
    statement.fault(0, format!("Unknown algorithm/encoding {name}"))
}

fn jwt_algorithms(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let set = parser.expressions.jwe.set_algorithms(statement.arg(0));
    set.map_err(|name| unknown(statement, &name))
}

fn jwt_encryptions(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let set = parser.expressions.jwe.set_encryptions(statement.arg(0));
    set.map_err(|name| unknown(statement, &name))
}

fn variables(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (keyword, text) = (statement.keyword(), statement.arg(0));
    let size = match text {
        "" => 0,
        text => text
            .parse::<i64>()
            .map_err(|_| statement.fault(0, format!("{keyword}: '{text}' is an invalid size")))?,
    };
    // A negative size is a very large one.
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let limits = &mut parser.global.variable_limits;
    match keyword {
        "tune.vars.reqres-max-size" => limits.message = size,
        "tune.vars.sess-max-size" => limits.session = size,
        "tune.vars.check-max-size" => limits.check = size,
        "tune.vars.global-max-size" => limits.global = size,
        "tune.vars.proc-max-size" => limits.process = size,
        _ => limits.transaction = size,
    }
    let overall = limits.overall();
    parser.expressions.names.limit_process(overall);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn limits_and_algorithms_are_read() {
        let (snapshot, messages) = load_text(
            "global\n tune.vars.txn-max-size 400\n tune.vars.sess-max-size -1\n jwt.decrypt_alg_list ALL:!dir\n jwt.decrypt_enc_list A128GCM:A256GCM\n",
        );
        let limits = snapshot.expect("no fault").global.variable_limits;
        assert_eq!((limits.transaction, limits.session), (400, usize::MAX));
        assert!(messages.is_empty(), "{messages:?}");
    }

    #[test]
    fn faults_are_named() {
        for (line, message) in [
            (
                "tune.vars.txn-max-size 1k",
                "A 2: tune.vars.txn-max-size: '1k' is an invalid size",
            ),
            (
                "tune.vars.global-max-size 88\n set-var proc.a int(1)\n set-var proc.b int(1)",
                "A 4: 'set-var': no room for variable 'proc.b': with it, the variables of the process take 176 bytes, and 'tune.vars.proc-max-size' or 'tune.vars.global-max-size' allows 88.",
            ),
            (
                "jwt.decrypt_alg_list ALL:foo",
                "A 2: Unknown algorithm/encoding foo",
            ),
            (
                "jwt.decrypt_enc_list !foo",
                "A 2: Unknown algorithm/encoding foo",
            ),
        ] {
            let (_, messages) = load_text(&format!("global\n {line}\n"));
            assert_eq!(
                messages.first().map(String::as_str),
                Some(message),
                "{line}"
            );
        }
    }
}
