#include "mode/tenancy_tables.h"

#include <cmath>

#include "base/failure.h"
#include "base/stopwatch.h"

namespace quiver::bench {

namespace {

constexpr int kStep = 7919;  // id * kStep mod rows: an order that knows nothing of the heap's

std::vector<long> TenantBounds(int tenants, size_t rows) {
  double total = 0, sum = 0;
  for (int t = 1; t <= tenants; ++t) total += 1.0 / t;
  std::vector<long> bounds = {0};
  for (int t = 1; t <= tenants; ++t) {
    sum += 1.0 / t;
    bounds.push_back(std::lround(sum / total * static_cast<double>(rows)));
  }
  return bounds;
}

// "schema"."t_x" with something behind the x.
std::string WithSuffix(const std::string& table, const std::string& suffix) {
  return table.substr(0, table.size() - 1) + suffix + "\"";
}

void AddPolicies(PgConnection* connection, const std::string& table, const std::string& members,
                 const std::string& types) {
  connection->Exec(fmt::format("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", table));
  for (TenantPolicy policy :
       {TenantPolicy::kSetting, TenantPolicy::kSettingOnce, TenantPolicy::kMembers}) {
    std::string role = RoleOf(policy);
    connection->Exec(fmt::format(
        "DO $$ BEGIN CREATE ROLE {} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        role));
    connection->Exec(fmt::format("GRANT USAGE ON SCHEMA {}, {} TO {}",
                                 QuoteIdentifier(kBenchSchema), QuoteIdentifier(types), role));
    connection->Exec(fmt::format("GRANT SELECT ON {}, {} TO {}", table, members, role));
    connection->Exec(fmt::format("DROP POLICY IF EXISTS {0} ON {1}", role, table));
    connection->Exec(fmt::format("CREATE POLICY {0} ON {1} TO {0} USING ({2})", role, table,
                                 PolicySql(policy, members)));
  }
}

std::string CommentOf(PgConnection* connection, const std::string& relation) {
  return connection
      ->Value("SELECT pg_catalog.obj_description(pg_catalog.to_regclass(" + QuoteLiteral(relation) +
              "), 'pg_class')")
      .value_or("");
}

// Of all indexes of that access method on a table or its partitions.
double IndexBytes(PgConnection* connection, const std::string& table, const std::string& am) {
  return ParseDouble(
      "size", *connection->Value(
                  "SELECT coalesce(sum(pg_catalog.pg_relation_size(i.indexrelid)), 0) FROM "
                  "pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN "
                  "pg_catalog.pg_am a ON a.oid = c.relam WHERE a.amname = " +
                  QuoteLiteral(am) + " AND i.indrelid IN (SELECT relid FROM pg_partition_tree(" +
                  QuoteLiteral(table) + ") UNION SELECT " + QuoteLiteral(table) + "::regclass)"));
}

}  // namespace

std::string RoleOf(TenantPolicy policy) {
  constexpr const char* kRoles[] = {"quiver_bench_setting", "quiver_bench_setting_once",
                                    "quiver_bench_members"};
  return kRoles[static_cast<int>(policy)];
}

std::string PolicySql(TenantPolicy policy, const std::string& members) {
  std::string setting = "NULLIF(current_setting('app.tenant_id', true), '')::bigint";
  switch (policy) {
    case TenantPolicy::kSetting:
      return "tenant_id = " + setting;
    case TenantPolicy::kSettingOnce:
      return "tenant_id = (SELECT " + setting + ")";
    case TenantPolicy::kMembers:
      return "tenant_id = ANY (ARRAY(SELECT m.tenant_id FROM " + members +
             " m WHERE m.member = session_user))";
  }
  return "";
}

std::string TenancyTables::IndexSql(PgConnection* connection, const BuildSettings& settings,
                                    const std::string& index, const std::string& table) const {
  const AccessMethod& am = engine_->table().am();
  return fmt::format(
      "CREATE INDEX {} ON {} USING {} ({} {}) WITH (m = {}, ef_construction = {})", index, table,
      QuoteIdentifier(am.name), am.SearchedSql(engine_->table().shape().dim),
      am.OperatorClass(connection, engine_->metric()), settings.m, settings.ef_construction);
}

void TenancyTables::BuildCopy(PgConnection* connection, const std::string& wanted,
                              const BuildSettings& settings, bool partition, TenantTable* table) {
  std::string comment = CommentOf(connection, table->name);
  const AccessMethod& am = engine_->table().am();
  // No index: it went with its extension.
  if (settings.reuse && comment.starts_with(wanted) &&
      IndexBytes(connection, table->name, am.name) > 0) {
    table->build_seconds = ParseDouble("seconds", comment.substr(wanted.size()));
    return;
  }
  connection->Exec("DROP TABLE IF EXISTS " + table->name);
  connection->Exec(fmt::format("CREATE TABLE {} (id bigint, embedding {}, tenant_id bigint){}",
                               table->name, am.TypeSql(am.type, engine_->table().shape().dim),
                               partition ? " PARTITION BY LIST (tenant_id)" : ""));
  for (int t = 1; partition && t <= tenants_; ++t)
    connection->Exec(fmt::format("CREATE TABLE {} PARTITION OF {} FOR VALUES IN ({})",
                                 WithSuffix(table->name, fmt::format("_{}", t)), table->name, t));
  connection->Exec(fmt::format("INSERT INTO {} SELECT id, embedding, tenant_id FROM {}",
                               table->name, one_.name));
  if (!partition) connection->Exec(fmt::format("CREATE INDEX ON {} (tenant_id)", table->name));
  Stopwatch watch;
  if (partition) {
    connection->Exec(IndexSql(connection, settings, "", table->name));
  } else {
    for (int t = 1; t <= tenants_; ++t)
      connection->Exec(IndexSql(connection, settings, "", table->name) +
                       fmt::format(" WHERE tenant_id = {}", t));
  }
  table->build_seconds = watch.Seconds();
  connection->Exec("VACUUM (ANALYZE) " + table->name);
  connection->Exec("COMMENT ON TABLE " + table->name + " IS " +
                   QuoteLiteral(wanted + fmt::format("{:.3f}", table->build_seconds)));
}

void TenancyTables::Build(const Dataset& dataset, const BuildSettings& settings) {
  if (dataset.base.rows % kStep == 0) Fail("the rows must not be a multiple of {}", kStep);
  bounds_ = TenantBounds(tenants_, dataset.base.rows);
  std::string thresholds;
  for (int t = 1; t < tenants_; ++t)
    thresholds += fmt::format("{}{}", t > 1 ? "," : "", First(t + 1));
  BuildReport built = engine_->BuildWith(dataset, settings, [&](PgConnection* connection) {
    const std::string& table = engine_->table().name();
    connection->Exec(
        fmt::format("ALTER TABLE {} ADD COLUMN IF NOT EXISTS tenant_id bigint GENERATED ALWAYS AS "
                    "(1 + width_bucket(id * {} % {}, '{{{}}}'::bigint[])) STORED",
                    table, kStep, dataset.base.rows, thresholds));
    connection->Exec(fmt::format("CREATE INDEX IF NOT EXISTS {} ON {} (tenant_id)",
                                 QuoteIdentifier(engine_->table().index_name() + "_tenant"),
                                 table));
    connection->Exec("VACUUM (ANALYZE) " + table);
  });
  one_ = {engine_->table().name(), built.build_seconds, built.index_bytes};
  partitioned_.name = WithSuffix(one_.name, "_parts");
  partial_.name = WithSuffix(one_.name, "_partial");
  members_ = WithSuffix(one_.name, "_members");

  auto connection = engine_->NewSession();
  connection->Exec("SET maintenance_work_mem = " + QuoteLiteral(settings.memory));
  connection->Exec(fmt::format("SET max_parallel_maintenance_workers = {}", settings.workers));
  connection->Exec("CREATE TABLE IF NOT EXISTS " + members_ +
                   " (member name PRIMARY KEY, tenant_id bigint)");
  BuildSettings build = settings;
  build.reuse = settings.reuse && !engine_->fresh();
  std::string wanted = fmt::format("{} {} tenants; {}; seconds ", dataset.base_key, tenants_,
                                   IndexSql(connection.get(), settings, "", "-"));
  BuildCopy(connection.get(), wanted, build, /*partition=*/true, &partitioned_);
  BuildCopy(connection.get(), wanted, build, /*partition=*/false, &partial_);
  const AccessMethod& am = engine_->table().am();
  for (TenantTable* table : {&partitioned_, &partial_})
    table->index_bytes = IndexBytes(connection.get(), table->name, am.name);
  for (TenantTable* table : {&one_, &partitioned_})
    AddPolicies(connection.get(), table->name, members_, am.schema);
}

}  // namespace quiver::bench
