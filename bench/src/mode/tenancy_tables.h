// The tables of the tenancy bench: the same rows once as one table, once partitioned by tenant,
// once with a partial index for each tenant.
#ifndef QUIVER_BENCH_MODE_TENANCY_TABLES_H
#define QUIVER_BENCH_MODE_TENANCY_TABLES_H

#include <string>
#include <vector>

#include "engine/server_engine.h"

namespace quiver::bench {

struct TenantTable {
  std::string name;  // qualified and quoted
  double build_seconds = 0;
  double index_bytes = 0;  // of all its vector indexes
};

class TenancyTables {
 public:
  // Tenant t (from 1) has a share of the rows as 1 / t.
  TenancyTables(ServerEngine* engine, int tenants) : engine_(engine), tenants_(tenants) {}

  // Builds all three, or keeps those of a former run with the same settings where `reuse` is set.
  void Build(const Dataset& dataset, const BuildSettings& settings);

  const TenantTable& one() const { return one_; }
  const TenantTable& partitioned() const { return partitioned_; }
  const TenantTable& partial() const { return partial_; }
  const std::string& members() const { return members_; }  // (member name, tenant_id bigint)
  long RowsOf(int tenant) const { return bounds_[static_cast<size_t>(tenant)] - First(tenant); }

 private:
  long First(int tenant) const { return bounds_[static_cast<size_t>(tenant) - 1]; }
  // CREATE INDEX with all that is the same for the three; what a WHERE adds comes behind it.
  std::string IndexSql(PgConnection* connection, const BuildSettings& settings,
                       const std::string& index, const std::string& table) const;
  // The rows of `one` in `table` with its indexes; `wanted` is what a kept one's comment begins
  // with.
  void BuildCopy(PgConnection* connection, const std::string& wanted, const BuildSettings& settings,
                 bool partition, TenantTable* table);

  ServerEngine* engine_;
  int tenants_;
  std::vector<long> bounds_;  // tenants + 1 of them, from 0 to the number of rows
  TenantTable one_, partitioned_, partial_;
  std::string members_;
};

// Policies under which the roles of the tenancy bench see one tenant's rows of the first two
// tables.
enum class TenantPolicy { kSetting, kSettingOnce, kMembers };
std::string RoleOf(TenantPolicy policy);
std::string PolicySql(TenantPolicy policy, const std::string& members);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_MODE_TENANCY_TABLES_H
