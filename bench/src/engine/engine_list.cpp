#include "base/failure.h"
#include "engine/engine.h"
#include "engine/faiss_engine.h"
#include "engine/hnswlib_engine.h"
#include "engine/server_engine.h"

namespace quiver::bench {

namespace {

bool InProcess(const std::string& name) {
  return name == "hnswlib" || name == "faiss";
}

// The exact scan borrows the types of the first access method named, quiver's if there is none.
Spec SpecOfExactScan(const Spec& exact, const std::vector<std::string>& specs) {
  Spec types = Spec::Parse("quiver");
  for (const std::string& text : specs) {
    Spec spec = Spec::Parse(text);
    if (InProcess(spec.name) || spec.name == "exact") continue;
    types = spec;
    break;
  }
  types.values["label"] = exact.Get("label", "exact scan");
  return types;
}

}  // namespace

std::vector<std::unique_ptr<Engine>> MakeEngines(const std::vector<std::string>& specs,
                                                 const EngineContext& context) {
  std::vector<std::unique_ptr<Engine>> engines;
  for (const std::string& text : specs) {
    Spec spec = Spec::Parse(text);
    if (spec.name == "hnswlib") {
      engines.push_back(std::make_unique<HnswlibEngine>(spec));
    } else if (spec.name == "faiss") {
      engines.push_back(std::make_unique<FaissEngine>(spec));
    } else if (spec.name == "exact") {
      engines.push_back(std::make_unique<ServerEngine>(SpecOfExactScan(spec, specs), context,
                                                       /*with_index=*/false));
    } else {
      engines.push_back(std::make_unique<ServerEngine>(spec, context, /*with_index=*/true));
    }
  }
  if (engines.empty()) Fail("no engine was named; say --engine=NAME, more than once if wanted");
  return engines;
}

}  // namespace quiver::bench
