#include "client/statement.h"

#include <cstring>

#include "base/stopwatch.h"

namespace quiver::bench {

namespace {

constexpr Oid kFloat8Oid = 701;
constexpr char kName[] = "measured";
constexpr char kQueryCanceled[] = "57014";

}  // namespace

Statement::Statement(PgConnection* session, const ServerEngine& engine, const std::string& sql,
                     int float_parameters)
    : session_(session),
      engine_(engine),
      sql_(sql),
      query_type_(engine.table().am().SearchTypeOid(session)) {
  std::vector<Oid> types = {query_type_};
  types.insert(types.end(), static_cast<size_t>(float_parameters), kFloat8Oid);
  session_->Prepare(kName, sql_, types);
}

Statement::~Statement() {
  session_->TryExec(std::string("DEALLOCATE ") + kName);
}

std::vector<PgParameter> Statement::Parameters(const float* query,
                                               const std::vector<double>& floats) const {
  const ServerTable& table = engine_.table();
  std::vector<PgParameter> parameters = {{query_type_, ""}};
  AppendValue(table.am().search_wire(), table.shape(), query, &parameters[0].bytes);
  for (double value : floats) {
    parameters.push_back({kFloat8Oid, ""});
    AppendFloat8(value, &parameters.back().bytes);
  }
  return parameters;
}

std::optional<StatementAnswer> Statement::Run(const float* query,
                                              const std::vector<double>& floats) {
  std::vector<PgParameter> parameters = Parameters(query, floats);
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const PgParameter& parameter : parameters) {
    values.push_back(parameter.bytes.data());
    lengths.push_back(static_cast<int>(parameter.bytes.size()));
  }
  std::vector<int> formats(parameters.size(), 1);
  Stopwatch watch;
  PgResult result(PQexecPrepared(session_->raw(), kName, static_cast<int>(parameters.size()),
                                 values.data(), lengths.data(), formats.data(), 1),
                  PQclear);
  StatementAnswer answer;
  answer.seconds = watch.Seconds();
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
    const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    if (state != nullptr && std::strcmp(state, kQueryCanceled) == 0) return std::nullopt;
    session_->Check(result.get(), sql_);
  }
  for (int i = 0; i < PQntuples(result.get()); ++i)
    answer.ids.push_back(ReadInt64(PQgetvalue(result.get(), i, 0)));
  return answer;
}

Explained Statement::Plan(const float* query, const std::vector<double>& floats) const {
  return ExplainPlan(session_, sql_, Parameters(query, floats));
}

std::string PlanText(const Explained& plan) {
  return plan.index.empty() ? plan.scan_type : plan.scan_type + " by " + plan.index;
}

}  // namespace quiver::bench
