// Reads the IDX files of MNIST and its kin (big-endian header: 00 00 08 rank, then the sizes, then
// bytes), gzipped.
#ifndef QUIVER_DEMO_IDX_FILE_H
#define QUIVER_DEMO_IDX_FILE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace demo {

struct IdxFile {
  size_t count = 0;      // items
  size_t item_size = 0;  // bytes of each: 784 for images, 1 for labels
  std::vector<uint8_t> bytes;

  const uint8_t* item(size_t i) const { return bytes.data() + i * item_size; }
};

// Throws std::runtime_error, naming the file, where it is missing or is no IDX file of bytes.
IdxFile ReadIdxFile(const std::string& path);

}  // namespace demo

#endif  // QUIVER_DEMO_IDX_FILE_H
