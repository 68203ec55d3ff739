// The graph itself: what every slot says of its neighbour is true of that neighbour,
// wherever slot, code and vector lie.
#include <cmath>

#include "graph/index_testing.h"
#include "graph/insert.h"

namespace quiver::fakes {
namespace {

struct Shape {
  QuiverIndexParams params;
  uint32_t count;
};

class Structure : public ::testing::TestWithParam<Shape> {
 protected:
  struct Whole {
    std::vector<uint64_t> image;  // aligned
    uint16_t generation;
    PageKind kind;
  };

  // Every node, read whole.
  std::map<uint32_t, Whole> ReadAll(MemoryIndex* index) {
    std::map<uint32_t, Whole> nodes;
    const NodeLayout& layout = index->layout();
    MemoryStore memory(index->file());
    const std::optional<QuiverError> error = memory.Run([&] {
      const Store store(memory.callbacks());
      Allocator allocator = store.MakeAllocator();
      const GraphContext context = {store, index->index(), quiver_kernels(), &allocator, false};
      NodeReader reader(context);
      for (uint32_t block = 1; block < store.BlockCount(); block++) {
        QuiverPin pin;
        const uint8_t* page = store.Read(block, &pin);
        const PageKind kind = Special(page)->kind;
        if (kind == PageKind::kNode || kind == PageKind::kUpper) {
          for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
            const ConstNode node(page, layout, slot);
            if (!node.in_use()) continue;
            uint64_t pages = 0;
            const uint32_t number = layout.NumberOf(block, slot);
            const ConstNode whole = reader.Read(node, number, NodeReader::kEverything, &pages);
            Whole& kept = nodes[number];
            const size_t bytes = layout.ImageBytes(node.vector_bytes());
            kept.image.resize(bytes / 8 + 9);
            memcpy(kept.image.data(), whole.bytes(), bytes);
            kept.generation = node.pointer_generation();
            kept.kind = kind;
          }
        }
        store.Release(&pin);
      }
    });
    EXPECT_EQ(Describe(error), "");
    return nodes;
  }

  // The code of the edge from -> to, as one of both was encoded.
  static bool IsCodeOf(const QuiverIndex& index, const uint8_t* code, const ConstNode& from,
                       const ConstNode& to) {
    const NodeLayout& layout = index.layout;
    if (layout.codec == Codec::kBits) return memcmp(code, to.vector(), layout.code_bytes) == 0;
    const QuiverKernels& kernels = *quiver_kernels();
    Vector a(layout.dim), b(layout.dim);
    Decode(kernels, index, from.vector(), from.head().vector_scale, a.data());
    Decode(kernels, index, to.vector(), to.head().vector_scale, b.data());
    std::vector<uint8_t> forward(layout.code_bytes), back(layout.code_bytes),
        turned(layout.code_bytes);
    QuiverEdgeTerms terms;
    kernels.encode_edge(a.data(), b.data(), index.center(), layout.dim,
                        static_cast<int>(layout.bits), forward.data(), &terms);
    kernels.encode_edge(b.data(), a.data(), index.center(), layout.dim,
                        static_cast<int>(layout.bits), back.data(), &terms);
    ComplementCode(layout, back.data(), turned.data());
    return memcmp(code, forward.data(), forward.size()) == 0 ||
           memcmp(code, turned.data(), turned.size()) == 0;
  }

  void ExpectTrueSlots(MemoryIndex* index, const std::string& what) {
    const NodeLayout& layout = index->layout();
    const std::map<uint32_t, Whole> nodes = ReadAll(index);
    size_t edges = 0;
    for (const auto& [number, whole] : nodes) {
      const ConstNode node(reinterpret_cast<const uint8_t*>(whole.image.data()), layout);
      std::set<uint32_t> once;
      for (uint32_t i = 0; i < node.slot_count(); i++) {
        const NodePointer to = node.neighbor(i);
        ASSERT_TRUE(once.insert(to.number).second) << what << ": twice " << to.number;
        ASSERT_NE(to.number, number) << what;
        const auto at = nodes.find(to.number);
        ASSERT_NE(at, nodes.end()) << what << ": no node " << to.number;
        ASSERT_EQ(at->second.generation, to.generation) << what;
        ASSERT_EQ(at->second.kind, whole.kind) << what;
        const ConstNode other(reinterpret_cast<const uint8_t*>(at->second.image.data()), layout);
        if (layout.codec == Codec::kNone) {
          MemoryStore memory(index->file());
          Allocator allocator = {memory.callbacks()->context, memory.callbacks()->allocate};
          QueryMaker maker(quiver_kernels(), index->index(), &allocator);
          const Query query = maker.Make(VectorOf(node));
          const float distance =
              Distance(*quiver_kernels(), *index->index(), query, VectorOf(other));
          ASSERT_NEAR(node.lengths()[i], distance, 1e-4f * std::fabs(distance) + 1e-5f) << what;
        } else {
          ASSERT_TRUE(IsCodeOf(*index->index(), node.code(i), node, other))
              << what << ": slot " << i << " of node " << number << " says nothing of node "
              << to.number;
        }
        edges++;
      }
    }
    EXPECT_GE(edges, 2 * nodes.size()) << what;
  }
};

TEST_P(Structure, SlotsSayWhatIsTrue) {
  const uint64_t seed = 721;
  printf("seed %lu\n", seed);
  const Shape& shape = GetParam();
  const std::vector<Value> rows =
      shape.params.form == QUIVER_FORM_SPARSE
          ? SparseVectors(seed, shape.count, shape.params.dim, {20, 50, 1500, 3000}, 100)
          : RandomValues(shape.params, seed, shape.count);
  // Built over a part, grown by the rest.
  const size_t half = rows.size() / 2;
  MemoryIndex built(shape.params, std::vector<Value>(rows.begin(), rows.begin() + half));
  if (built.partition().state == PartitionState::kGraph) ExpectTrueSlots(&built, "built");
  built.InsertAll(std::vector<Value>(rows.begin() + half, rows.end()), static_cast<uint32_t>(half));
  if (built.partition().state == PartitionState::kGraph) ExpectTrueSlots(&built, "built and grown");
  MemoryIndex grown(shape.params);
  grown.SetListLimit(1);
  grown.InsertAll(rows);
  ExpectTrueSlots(&grown, "grown");
}

INSTANTIATE_TEST_SUITE_P(
    All, Structure,
    ::testing::Values(Shape{ParamsOf(60), 400}, Shape{ParamsOf(60, QUIVER_METRIC_IP, 4), 300},
                      Shape{ParamsOf(1500, QUIVER_METRIC_COSINE, 16, QUIVER_STORAGE_FLOAT32), 200},
                      Shape{ParamsOf(2600, QUIVER_METRIC_L2), 200},
                      Shape{ParamsOf(5000, QUIVER_METRIC_L2), 150},
                      Shape{ParamsOf(9000, QUIVER_METRIC_COSINE, 4), 150},
                      Shape{ParamsOf(3000, QUIVER_METRIC_L2, 60), 300},
                      Shape{ParamsOf(60, QUIVER_METRIC_L1, 4), 300},
                      Shape{ParamsOf(9000, QUIVER_METRIC_L1, 4), 100},
                      Shape{ParamsOf(5, QUIVER_METRIC_HAMMING, 4), 400},
                      Shape{ParamsOf(300, QUIVER_METRIC_JACCARD, 4), 600},
                      Shape{ParamsOf(2048, QUIVER_METRIC_HAMMING, 60), 500},
                      Shape{ParamsOf(20000, QUIVER_METRIC_JACCARD, 4), 100},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_L2, 4), 150},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_IP, 4), 150}),
    [](const ::testing::TestParamInfo<Shape>& info) {
      std::string name = NameOf(info.param.params) + " m" + std::to_string(info.param.params.m);
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

}  // namespace
}  // namespace quiver::fakes
