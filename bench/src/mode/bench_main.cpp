// quiver_bench SUBCOMMAND [--option=value ...]; bench/README.md has the options.

#include <cstdio>
#include <exception>
#include <string>

#include "base/command_line.h"
#include "base/failure.h"
#include "mode/mode.h"

namespace {

struct Subcommand {
  const char* name;
  void (*run)(const quiver::bench::CommandLine&);
};

constexpr Subcommand kSubcommands[] = {
    {"compare", quiver::bench::RunCompare}, {"throughput", quiver::bench::RunThroughput},
    {"filter", quiver::bench::RunFilter},   {"bound", quiver::bench::RunBound},
    {"cold", quiver::bench::RunColdMode},   {"plans", quiver::bench::RunPlans},
    {"tenancy", quiver::bench::RunTenancy}, {"inserts", quiver::bench::RunInserts},
    {"mixed", quiver::bench::RunMixed},     {"replace", quiver::bench::RunReplace},
    {"vacuum", quiver::bench::RunVacuum},   {"churn", quiver::bench::RunChurn},
    {"update", quiver::bench::RunUpdate},   {"dead", quiver::bench::RunDead},
    {"data", quiver::bench::RunData},
};

}  // namespace

int main(int argc, char** argv) {
  std::string name = argc > 1 ? argv[1] : "";
  try {
    for (const Subcommand& subcommand : kSubcommands) {
      if (name != subcommand.name) continue;
      subcommand.run(quiver::bench::CommandLine(argc, argv, 2));
      return 0;
    }
    std::string names;
    for (const Subcommand& subcommand : kSubcommands)
      names += fmt::format("{}{}", names.empty() ? "" : "|", subcommand.name);
    fmt::print(stderr, "usage: quiver_bench {} [--option=value ...]\n", names);
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "quiver_bench: {}\n", error.what());
    return 1;
  }
}
