#include "pg/explain.h"

#include "pg/json_value.h"

namespace quiver::bench {

namespace {

double Blocks(const JsonValue& node) {
  return node.Number("Shared Hit Blocks") + node.Number("Shared Read Blocks");
}

// The first scan, going down from the top.
const JsonValue* FindScan(const JsonValue& node) {
  std::string type = node.Text("Node Type");
  if (type.find("Scan") != std::string::npos && type != "Subquery Scan") return &node;
  for (const JsonValue& child : node.Member("Plans").list) {
    if (const JsonValue* found = FindScan(child)) return found;
  }
  return nullptr;
}

Explained Explain(PgConnection* connection, const std::string& options, const std::string& sql,
                  const std::vector<PgParameter>& parameters) {
  PgResult result =
      connection->ExecBinary("EXPLAIN (" + options + "FORMAT JSON) " + sql, parameters);
  JsonValue whole = JsonValue::Parse(PQgetvalue(result.get(), 0, 0)).list.at(0);
  const JsonValue& top = whole.Member("Plan");
  Explained explained;
  explained.query_buffers = Blocks(top);
  explained.query_reads = top.Number("Shared Read Blocks");
  explained.rows = top.Number("Actual Rows");
  explained.milliseconds = whole.Number("Execution Time");
  if (const JsonValue* scan = FindScan(top)) {
    explained.scan_buffers = Blocks(*scan);
    explained.scan_type = scan->Text("Node Type");
    explained.index = scan->Text("Index Name");
    // A bitmap heap scan names its index one node below.
    for (const JsonValue& child : scan->Member("Plans").list) {
      if (explained.index.empty()) explained.index = child.Text("Index Name");
    }
  }
  return explained;
}

}  // namespace

Explained ExplainAnalyze(PgConnection* connection, const std::string& sql,
                         const std::vector<PgParameter>& parameters) {
  return Explain(connection, "ANALYZE, BUFFERS, TIMING OFF, ", sql, parameters);
}

Explained ExplainPlan(PgConnection* connection, const std::string& sql,
                      const std::vector<PgParameter>& parameters) {
  return Explain(connection, "", sql, parameters);
}

}  // namespace quiver::bench
