// The driver's subcommands.
#ifndef QUIVER_BENCH_MODE_MODE_H
#define QUIVER_BENCH_MODE_MODE_H

#include "base/command_line.h"
#include "engine/engine.h"

namespace quiver::bench {

void RunCompare(const CommandLine& options);
void RunThroughput(const CommandLine& options);
void RunFilter(const CommandLine& options);
void RunBound(const CommandLine& options);
void RunColdMode(const CommandLine& options);
void RunPlans(const CommandLine& options);
void RunTenancy(const CommandLine& options);
void RunInserts(const CommandLine& options);
void RunMixed(const CommandLine& options);
void RunReplace(const CommandLine& options);
void RunVacuum(const CommandLine& options);
void RunChurn(const CommandLine& options);
void RunUpdate(const CommandLine& options);
void RunDead(const CommandLine& options);
void RunData(const CommandLine& options);

// What several subcommands share.
std::string CacheDirOf(const CommandLine& options);
EngineContext ContextOf(const CommandLine& options);
BuildSettings BuildSettingsOf(const CommandLine& options);
std::vector<std::string> EngineSpecsOf(const CommandLine& options);
// The command that repeats this run, as Markdown; where files go is left out.
std::string CommandOf(const std::string& subcommand, const CommandLine& options);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_MODE_MODE_H
