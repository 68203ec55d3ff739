// Whether the rows come in the order of the exact scan.
#include <algorithm>
#include <cmath>

#include "base/failure.h"
#include "engine/server_engine.h"
#include "mode/compare_tables.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

struct OrderCounts {
  size_t rows = 0;
  size_t out_of_order = 0;
  double largest = 0;  // by how much the distance of one is below that of a row before it
};

void CountRows(const PGresult* result, OrderCounts* counts) {
  double farthest = -HUGE_VAL;
  for (int i = 0; i < PQntuples(result); ++i) {
    double distance = ParseDouble("distance", PQgetvalue(result, i, 0));
    ++counts->rows;
    if (distance < farthest) {
      ++counts->out_of_order;
      counts->largest = std::max(counts->largest, farthest - distance);
    }
    farthest = std::max(farthest, distance);
  }
}

OrderCounts CountOutOfOrder(const ServerEngine& engine, const Matrix& queries, int k, int ef) {
  auto session = engine.NewSession();
  engine.SetEf(session.get(), ef);
  session->Exec("SET extra_float_digits = 3");
  const ServerTable& table = engine.table();
  std::string distance = table.DistanceSql(engine.metric());
  std::string sql =
      fmt::format("SELECT {0} FROM {1} ORDER BY {0} LIMIT {2}", distance, table.name(), k);
  OrderCounts counts;
  for (size_t i = 0; i < queries.rows; ++i) {
    PgResult result =
        session->ExecBinary(sql, {table.QueryParameter(session.get(), queries.Row(i))});
    CountRows(result.get(), &counts);
  }
  return counts;
}

}  // namespace

void ReportOrder(const Engines& engines, const Dataset& dataset, size_t queries, EfFinder* finder,
                 std::optional<double> recall, MarkdownReport* report) {
  MarkdownTable table({"engine", "ef", "rows returned", "out of the exact scan's order", "share",
                       "largest step back"});
  for (const auto& engine : engines) {
    auto* server = dynamic_cast<ServerEngine*>(engine.get());
    if (server == nullptr || engine->max_ef() == 0) continue;
    EfChoice choice =
        recall ? finder->Find(engine.get(), *recall) : finder->Given(engine.get(), queries);
    OrderCounts counts =
        CountOutOfOrder(*server, dataset.queries.First(queries), finder->k(), choice.ef);
    table.Add({engine->label(), choice.Text(*engine), Thousands(static_cast<double>(counts.rows)),
               Thousands(static_cast<double>(counts.out_of_order)),
               fmt::format("{:.3f} %", 100.0 * static_cast<double>(counts.out_of_order) /
                                           static_cast<double>(std::max<size_t>(1, counts.rows))),
               fmt::format("{:.3g}", counts.largest)});
  }
  report->Paragraph(fmt::format(
      "Order, k = {}, {} queries: rows that come after one whose distance, by the SQL operator, is "
      "greater:",
      finder->k(), std::min(queries, dataset.queries.rows)));
  report->Table(table, "order");
}

}  // namespace quiver::bench
