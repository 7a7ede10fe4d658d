//! The JSON schema of what `show info json` and `show stat json` answer (`show schema json`).

use std::fmt::Write;

fn reference(name: &str) -> String {
    format!("\"{name}\":{{\"$ref\":\"#/definitions/{name}\"}}")
}

fn names(list: &[&str]) -> String {
    let quoted: Vec<String> = list.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", quoted.join(","))
}

fn number(least: &str, most: Option<&str>) -> String {
    let mut text = format!("{{\"type\":\"integer\",\"minimum\":{least}");
    if let Some(most) = most {
        let _ = write!(text, ",\"maximum\":{most}");
    }
    text.push('}');
    text
}

/// An array of items with these properties, all of which are required under their names in `required`.
fn items(title: &str, properties: &[String], required: &[&str]) -> String {
    format!(
        "{{\"title\":\"{title}\",\"type\":\"array\",\"items\":{{\"title\":\"InfoItem\",\"type\":\"object\",\"properties\":{{{}}},\"required\":{}}}}}",
        properties.join(","),
        names(required)
    )
}

/// The definition of a value of one type.
fn value(kind: &str, value: &str) -> String {
    format!(
        "\"{kind}Value\":{{\"properties\":{{\"type\":{{\"type\":\"string\",\"enum\":[\"{kind}\"]}},\"value\":{value}}},\"required\":[\"type\",\"value\"]}}"
    )
}

fn values() -> String {
    // Integers beyond these bounds lose their last digits in most readers of JSON.
    let exact = "9007199254740991";
    let text = "{\"type\":\"string\"}".to_owned();
    let kinds = [
        ("s32", number("-2147483648", Some("2147483647"))),
        ("s64", number(&format!("-{exact}"), Some(exact))),
        ("u32", number("0", Some("4294967295"))),
        ("u64", number("0", Some(exact))),
        ("str", text),
    ];
    let references: Vec<String> = kinds
        .iter()
        .map(|(kind, _)| {
            format!("{{\"$ref\":\"#/definitions/typedValue/definitions/{kind}Value\"}}")
        })
        .collect();
    let mut definitions: Vec<String> = kinds.iter().map(|(kind, of)| value(kind, of)).collect();
    definitions.push(
        "\"unknownValue\":{\"properties\":{\"type\":{\"type\":\"integer\",\"minimum\":0},\"value\":{\"type\":\"string\",\"enum\":[\"unknown\"]}},\"required\":[\"type\",\"value\"]}"
            .to_owned(),
    );
    format!(
        "\"typedValue\":{{\"type\":\"object\",\"oneOf\":[{}],\"definitions\":{{{}}}}}",
        references.join(","),
        definitions.join(",")
    )
}

fn tags() -> String {
    let one_of = |name: &str, list: &[&str]| {
        format!(
            "\"{name}\":{{\"type\":\"string\",\"enum\":{}}}",
            names(list)
        )
    };
    let natures = [
        "Gauge", "Limit", "Min", "Max", "Rate", "Counter", "Duration", "Age", "Time", "Name",
        "Output", "Avg",
    ];
    let nature = one_of("nature", &natures).replace("\"Avg\"]", "\"Avg\", \"Unknown\"]");
    format!(
        "\"tags\":{{\"type\":\"object\",{},{nature},{},\"required\":[\"origin\",\"nature\",\"scope\"]}}",
        one_of(
            "origin",
            &["Metric", "Status", "Key", "Config", "Product", "Unknown"]
        ),
        one_of(
            "scope",
            &["Cluster", "Process", "Service", "System", "Unknown"]
        ),
    )
}

/// The schema, on one line.
#[must_use]
pub fn text() -> String {
    let process = format!("\"processNum\":{}", number("1", None));
    let typed = "{\"$ref\":\"#/definitions/typedValue\"}";
    let common = [
        reference("field"),
        reference("processNum"),
        reference("tags"),
    ];
    let mut info = common.to_vec();
    info.push(format!("\"value\":{typed}"));
    let kinds = ["Frontend", "Backend", "Listener", "Server", "Unknown"];
    let id = number("0", None);
    let mut stat = vec![
        format!("\"objType\":{{\"enum\":{}}}", names(&kinds)),
        format!("\"proxyId\":{id}"),
        format!("\"id\":{id}"),
    ];
    stat.extend(common);
    stat.push(format!("\"typedValue\":{typed}"));
    format!(
        "{{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"oneOf\":[{},{},{}],\"definitions\":{{{},{},{},{}}}}}\n",
        items("Info", &info, &["field", "processNum", "tags", "value"]),
        items(
            "Stat",
            &stat,
            &[
                "objType",
                "proxyId",
                "id",
                "field",
                "processNum",
                "tags",
                "value"
            ]
        ),
        "{\"title\":\"Error\",\"type\":\"object\",\"properties\":{\"errorStr\":{\"type\":\"string\"}},\"required\":[\"errorStr\"]}",
        "\"field\":{\"type\":\"object\",\"pos\":{\"type\":\"integer\",\"minimum\":0},\"name\":{\"type\":\"string\"},\"required\":[\"pos\",\"name\"]}",
        process,
        tags(),
        values(),
    )
}
