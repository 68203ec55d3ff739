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
    case Metric::kL1:
      return "<+>";
    case Metric::kHamming:
      return "<~>";
    case Metric::kJaccard:
      return "<%>";
  }
  return "";
}

std::string QualifiedType(const AccessMethod& am, const std::string& type) {
  return QuoteIdentifier(type == "bit" ? "pg_catalog" : am.schema) + "." + QuoteIdentifier(type);
}

Oid OidOf(PgConnection* connection, const std::string& type) {
  auto oid = connection->Value("SELECT " + QuoteLiteral(type) + "::regtype::oid");
  return static_cast<Oid>(ParseInt("type oid", *oid));
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
      spec.Get("ef_setting", *known.ef_setting != '\0' ? known.ef_setting : am.name + ".ef_search");
  am.max_ef = static_cast<int>(spec.GetInt("max_ef", known.max_ef));
  am.type = spec.Get("type", "");
  am.cast = spec.Get("cast", "");
  return am;
}

void AccessMethod::ChooseType(Form form) {
  if (type.empty()) type = DefaultTypeOf(form);
  if (!TypeHolds(wire(), form) || !TypeHolds(search_wire(), form))
    Fail("the rows of this data set are no {}", TypeHolds(wire(), form) ? search_type() : type);
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
  return OidOf(connection, QualifiedType(*this, type));
}

Oid AccessMethod::SearchTypeOid(PgConnection* connection) const {
  return OidOf(connection, QualifiedType(*this, search_type()));
}

std::string AccessMethod::TypeSql(const std::string& type_name, size_t dim) const {
  return fmt::format("{}({})", QualifiedType(*this, type_name), dim);
}

std::string AccessMethod::SearchedSql(size_t dim) const {
  if (cast.empty()) return "embedding";
  return "(embedding::" + TypeSql(cast, dim) + ")";
}

std::string AccessMethod::Operator(Metric metric) const {
  return "OPERATOR(" + QuoteIdentifier(schema) + "." + OperatorName(metric) + ")";
}

std::string AccessMethod::OperatorClass(PgConnection* connection, Metric metric) const {
  std::string opclass = search_type() + "_" + MetricName(metric) + "_ops";
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
