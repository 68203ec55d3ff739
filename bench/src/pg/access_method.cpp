#include "pg/access_method.h"

#include "base/failure.h"

namespace quiver::bench {

namespace {

struct Known {
  const char* name;
  const char* extension;
  const char* ef_setting;
  int max_ef;
};

// Nothing but names and limits; `hnsw` is that of the extension `vector`.
constexpr Known kKnown[] = {
    {"quiver", "quiver", "quiver.ef_search", 1000},
    {"hnsw", "vector", "hnsw.ef_search", 1000},
};

const char* OperatorName(Metric metric) {
  switch (metric) {
    case Metric::kL2:
      return "<->";
    case Metric::kInnerProduct:
      return "<#>";
    case Metric::kCosine:
      return "<=>";
  }
  return "";
}

}  // namespace

AccessMethod AccessMethod::FromSpec(const Spec& spec) {
  Known known = {spec.name.c_str(), "", "", 1000};
  for (const Known& candidate : kKnown) {
    if (spec.name == candidate.name) known = candidate;
  }
  AccessMethod am;
  am.name = spec.Get("am", spec.name);
  am.extension = spec.Get("extension", known.extension);
  if (am.extension.empty())
    Fail("which extension has the access method \"{}\"? Write {}:extension=NAME", am.name, am.name);
  am.schema = spec.Get("schema", "bench_" + am.extension);
  am.ef_setting =
      spec.Get("ef", *known.ef_setting != '\0' ? known.ef_setting : am.name + ".ef_search");
  am.max_ef = static_cast<int>(spec.GetInt("max_ef", known.max_ef));
  am.type = spec.Get("type", "vector");
  if (am.type != "vector" && am.type != "halfvec")
    Fail("type must be vector or halfvec, not \"{}\"", am.type);
  am.wire = am.type == "halfvec" ? WireType::kHalfvec : WireType::kVector;
  return am;
}

void AccessMethod::Install(PgConnection* connection) {
  const std::string where =
      "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n "
      "ON n.oid = e.extnamespace WHERE e.extname = " +
      QuoteLiteral(extension);
  auto found = connection->Value(where);
  if (!found) {
    connection->Exec("CREATE SCHEMA IF NOT EXISTS " + QuoteIdentifier(schema));
    connection->Exec("CREATE EXTENSION " + QuoteIdentifier(extension) + " SCHEMA " +
                     QuoteIdentifier(schema));
    found = connection->Value(where);
  }
  schema = *found;
  if (!connection->Value("SELECT 1 FROM pg_catalog.pg_am WHERE amtype = 'i' AND amname = " +
                         QuoteLiteral(name)))
    Fail("extension \"{}\" has no index access method \"{}\"", extension, name);
}

Oid AccessMethod::TypeOid(PgConnection* connection) const {
  std::string qualified = QuoteIdentifier(schema) + "." + QuoteIdentifier(type);
  auto oid = connection->Value("SELECT " + QuoteLiteral(qualified) + "::regtype::oid");
  return static_cast<Oid>(ParseInt("type oid", *oid));
}

std::string AccessMethod::Operator(Metric metric) const {
  return "OPERATOR(" + QuoteIdentifier(schema) + "." + OperatorName(metric) + ")";
}

std::string AccessMethod::OperatorClass(PgConnection* connection, Metric metric) const {
  std::string opclass = type + "_" + MetricName(metric) + "_ops";
  auto found = connection->Value(
      "SELECT n.nspname FROM pg_catalog.pg_opclass c "
      "JOIN pg_catalog.pg_am a ON a.oid = c.opcmethod "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace "
      "WHERE a.amname = " +
      QuoteLiteral(name) + " AND c.opcname = " + QuoteLiteral(opclass));
  if (!found) Fail("access method \"{}\" has no operator class \"{}\"", name, opclass);
  return QuoteIdentifier(*found) + "." + QuoteIdentifier(opclass);
}

}  // namespace quiver::bench
