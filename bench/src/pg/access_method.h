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
  std::string type;        // of the column: vector, halfvec, bit, sparsevec; empty: by the data
  std::string cast;        // what the index casts the column to; empty: the column itself

  // What may be written after the name: extension=, schema=, ef_setting=, max_ef=, type=, cast=.
  // Left out, the first four are known for `quiver` and `hnsw`; any other method needs extension=.
  static AccessMethod FromSpec(const Spec& spec);

  // Settles the column's type for rows of a form; fails when it cannot hold them.
  void ChooseType(Form form);
  // Creates the extension where it is not yet, in a schema of its own, and looks up where it is.
  void Install(PgConnection* connection);

  // The type that index and search use: that of the cast if there is one.
  const std::string& search_type() const { return cast.empty() ? type : cast; }
  WireType wire() const { return WireTypeOf(type); }
  WireType search_wire() const { return WireTypeOf(search_type()); }
  Oid TypeOid(PgConnection* connection) const;        // of the column
  Oid SearchTypeOid(PgConnection* connection) const;  // of a query

  // A type of the extension, or the built-in bit, qualified and with its dimension.
  std::string TypeSql(const std::string& type_name, size_t dim) const;
  // What is searched: the column `embedding`, or an expression over it in parentheses.
  std::string SearchedSql(size_t dim) const;
  // E.g. OPERATOR("quiver".<->).
  std::string Operator(Metric metric) const;
  // E.g. vector_l2_ops, qualified; fails when the access method has none for this metric.
  std::string OperatorClass(PgConnection* connection, Metric metric) const;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_PG_ACCESS_METHOD_H
