//! The schemas of all documents, generated into docs/schema and kept fresh: `BLESS=1 cargo test schemas_are_fresh` writes them.
#![expect(clippy::disallowed_methods, reason = "a test that writes generated files")]

use schemars::{JsonSchema, schema_for};

use crate::fields::Kind;

fn check<T: JsonSchema>(command: &str) {
    compare(command, &schema_for!(T));
}

/// Head of a list without its rows.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(title = "List")]
struct ListHead {
    #[serde(flatten)]
    head: super::Head,
}

/// The document of `list`, whose rows are written by hand from the vocabulary: so is their schema.
fn list() -> serde_json::Value {
    let mut schema = serde_json::to_value(schema_for!(ListHead)).unwrap();
    let mut properties = serde_json::Map::new();
    for field in crate::fields::all() {
        let (key, kind) = match field.name {
            "local" | "peer" => (
                field.name.to_string(),
                serde_json::json!({
                    "type": "object",
                    "properties": {
                        "addr": {"type": "string"},
                        "port": {"type": ["integer", "null"], "minimum": 1, "maximum": 65535},
                        "service": {"type": ["string", "null"]}
                    },
                    "required": ["addr", "port"]
                }),
            ),
            "timer" => (
                "timer".to_string(),
                serde_json::json!({
                    "type": "object",
                    "properties": {
                        "kind": {"enum": ["off", "on", "keepalive", "timewait", "persist", "delack", "unknown"]},
                        "expires_ms": {"type": ["integer", "null"], "minimum": 0},
                        "retries": {"type": ["integer", "null"], "minimum": 0}
                    },
                    "required": ["kind", "expires_ms", "retries"]
                }),
            ),
            "process" => (
                "owners".to_string(),
                serde_json::json!({
                    "type": ["array", "null"],
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "pid": {"type": ["integer", "null"]},
                            "process": {"type": ["string", "null"]},
                            "fd": {"type": ["integer", "null"]},
                            "provenance": {"enum": ["exact", "listener", "inferred", "none", "hidden", "unheld"]}
                        },
                        "required": ["pid", "process", "fd", "provenance"]
                    }
                }),
            ),
            _ => (
                field.key(),
                match field.kind {
                    Kind::Flag => serde_json::json!({"type": ["boolean", "null"]}),
                    Kind::Ratio => serde_json::json!({"type": ["number", "null"]}),
                    Kind::Number | Kind::Bytes | Kind::Rate | Kind::Ms | Kind::Us | Kind::Port => {
                        serde_json::json!({"type": ["integer", "null"], "minimum": 0})
                    }
                    _ => serde_json::json!({"type": ["string", "null"]}),
                },
            ),
        };
        let mut property = kind;
        property["description"] = field.doc.into();
        properties.insert(key, property);
    }
    for (key, doc) in [
        (
            "accept_queue",
            "Of a listener, in place of recv_queue_bytes: connections waiting to be accepted.",
        ),
        (
            "accept_queue_limit",
            "Of a listener, in place of send_queue_bytes: how many may wait; one more fills it.",
        ),
    ] {
        properties.insert(
            key.into(),
            serde_json::json!({"type": ["integer", "null"], "minimum": 0, "description": doc}),
        );
    }
    schema["properties"]["left_out_unknown"] = serde_json::json!({
        "description": "Sockets left out because what the filter asks is not known of them, or has no meaning there.",
        "type": "integer",
        "minimum": 0
    });
    schema["properties"]["sockets"] = serde_json::json!({
        "description": "The selected sockets; absent where they are grouped.",
        "type": "array",
        "items": {"type": "object", "properties": properties, "additionalProperties": false}
    });
    schema["properties"]["groups"] = serde_json::json!({
        "description": "With --group-by: sockets and bytes queued of each group, the largest first, and the values it stands for.",
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "count": {"type": "integer", "minimum": 1},
                "recv_queue_bytes": {"type": "integer", "minimum": 0},
                "send_queue_bytes": {"type": "integer", "minimum": 0}
            },
            "required": ["count", "recv_queue_bytes", "send_queue_bytes"]
        }
    });
    schema
}

fn compare(command: &str, schema: &impl serde::Serialize) {
    let mut text = serde_json::to_string_pretty(schema).unwrap();
    text.push('\n');
    let path = format!("{}/docs/schema/{command}.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{path} is stale: run BLESS=1 cargo test schemas_are_fresh");
}

#[test]
fn schemas_are_fresh() {
    check::<super::diagnose::Diagnose>("diagnose");
    check::<super::check::Check>("check");
    check::<super::run::RunDocument>("run");
    compare("list", &list());
    check::<super::fields::Fields>("fields");
    check::<super::listen::Listen>("listen");
    check::<super::port::PortDocument>("port");
    check::<super::ports::PortsDocument>("ports");
    check::<super::summary::SummaryDocument>("summary");
    check::<super::advise::Advise>("advise");
    check::<super::explain::Explain>("explain");
    check::<super::capture::CaptureDocument>("capture");
    check::<super::env::EnvDocument>("env");
    check::<super::config::ConfigDocument>("config");
}
