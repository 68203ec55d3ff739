// Finds what an index access method on the server needs: extension, schema, types, operators.
#ifndef QUIVER_BENCH_PG_ACCESS_METHOD_H
#define QUIVER_BENCH_PG_ACCESS_METHOD_H

#include <string>

#include "base/command_line.h"
#include "data/dataset.h"
#include "pg/pg_connection.h"
#include "pg/vector_wire.h"

namespace quiver::bench {

struct AccessMethod {
  std::string name;        // as in USING name
  std::string extension;   // what CREATE EXTENSION takes
  std::string schema;      // where the extension's types and operators are
  std::string ef_setting;  // the session setting of the search's beam
  int max_ef = 0;          // its upper limit
  std::string type;        // "vector" or "halfvec"
  WireType wire = WireType::kVector;

  // What may be written after the name: extension=, schema=, ef=, max_ef=, type=.  Left out, they
  // are known for `quiver` and `hnsw`; any other method needs extension=.
  static AccessMethod FromSpec(const Spec& spec);

  // Creates the extension where it is not yet, in a schema of its own, and looks up where it is.
  void Install(PgConnection* connection);

  Oid TypeOid(PgConnection* connection) const;
  // E.g. OPERATOR("quiver".<->).
  std::string Operator(Metric metric) const;
  // E.g. vector_l2_ops, qualified; fails when the access method has none for this metric.
  std::string OperatorClass(PgConnection* connection, Metric metric) const;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_PG_ACCESS_METHOD_H
