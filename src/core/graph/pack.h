// Writing a finished build: its nodes on pages with their near ones, its pages in this order:
//
//   meta, centre | upper pages | bottom pages | loose pages
//
// The chunk pages and the further rows of a page's nodes follow that page.  An index without a
// graph is written as it is.
#ifndef QUIVER_GRAPH_PACK_H
#define QUIVER_GRAPH_PACK_H

#include "graph/page_groups.h"
#include "page/meta.h"

namespace quiver {

// A build's own pages are only read; new ones are made one at a time.
class Packer {
 public:
  Packer(const GraphContext* context, MemoryPages* pages) : context_(context), pages_(pages) {}

  // After the last row.  Memory for as long as the build lives: 16 bytes a place on pages of nodes,
  // and 4 to 12 a page.
  void Plan();
  // Of the pages that Write hands out.  Before Plan: those of the build.
  uint32_t count() const { return planned_ ? count_ : pages_->count(); }
  // REQUIRES: Plan has been called.
  void Write(QuiverPageSink sink, void* sink_context);

 private:
  struct Sink {
    QuiverPageSink write;
    void* context;
    uint32_t next;  // block

    void Add(const uint8_t* page) { write(context, next++, page); }
  };

  const NodeLayout& layout() const { return context_->layout(); }
  [[noreturn]] void Fail(uint32_t block, const char* detail) const {
    context_->store.Fail(QUIVER_ERROR_INTERNAL, block, -1, detail);
  }
  uint32_t Survey();
  uint32_t PlaceOf(uint32_t number) const;
  NodePointer Pointer(uint32_t number) const;
  bool HasRoom(uint32_t page) const;
  void WriteMeta(Sink* sink);
  void WriteNodes(uint32_t page, Sink* sink);
  uint32_t ChainLength(uint32_t first, PageKind kind, uint32_t number) const;
  void WriteChain(uint32_t first, NodePointer owner, Sink* sink);
  void WriteLoose(Sink* sink);

  const GraphContext* context_;
  MemoryPages* pages_;
  bool planned_ = false;
  uint32_t graph_ = 0;  // the first block of the graph, and the first after it: in the build
  uint32_t end_ = 0;
  uint32_t count_ = 0;
  Seats seats_ = {};
  PageGroups* groups_ = nullptr;
  uint32_t* blocks_ = nullptr;  // of the new pages of nodes, and of what follows them
  uint8_t* page_ = nullptr;     // being written
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_PACK_H
