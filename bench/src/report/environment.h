// Where and how a run was measured: what a reader needs to judge or repeat it.
#ifndef QUIVER_BENCH_REPORT_ENVIRONMENT_H
#define QUIVER_BENCH_REPORT_ENVIRONMENT_H

#include <string>
#include <vector>

#include "pg/pg_connection.h"

namespace quiver::bench {

// CPU, number of CPUs, memory.
std::string MachineLine();
// "0.12 0.20 0.31": of the last 1, 5 and 15 minutes.
std::string LoadAverage();
// Version, and the settings that matter to a search or build.
std::string ServerLine(PgConnection* connection);

std::string Thousands(double value);       // 12,345
std::string Megabytes(double bytes);       // 12.3 MB, of 2^20 bytes
std::string Microseconds(double seconds);  // three digits or more

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_REPORT_ENVIRONMENT_H
