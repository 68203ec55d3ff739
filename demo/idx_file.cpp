#include "idx_file.h"

#include <zlib.h>

#include <stdexcept>

namespace demo {

namespace {

uint32_t BigEndian32(const uint8_t* p) {
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
}

std::vector<uint8_t> Inflate(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw std::runtime_error("could not open file \"" + path + "\"");
  std::vector<uint8_t> bytes;
  size_t size = 0;
  int got = 0;
  do {
    bytes.resize(size + (1 << 20));
    got = gzread(file, bytes.data() + size, 1 << 20);
    if (got > 0) size += static_cast<size_t>(got);
  } while (got > 0);
  gzclose(file);
  if (got < 0) throw std::runtime_error("could not decompress file \"" + path + "\"");
  bytes.resize(size);
  return bytes;
}

}  // namespace

IdxFile ReadIdxFile(const std::string& path) {
  std::vector<uint8_t> raw = Inflate(path);
  const std::string complaint = "file \"" + path + "\" is no IDX file of bytes";
  if (raw.size() < 8 || raw[0] != 0 || raw[1] != 0 || raw[2] != 0x08 || raw[3] < 1 || raw[3] > 3)
    throw std::runtime_error(complaint);
  const size_t rank = raw[3];
  const size_t header = 4 + 4 * rank;
  if (raw.size() < header) throw std::runtime_error(complaint);

  IdxFile file;
  file.count = BigEndian32(&raw[4]);
  file.item_size = 1;
  for (size_t i = 1; i < rank; ++i) file.item_size *= BigEndian32(&raw[4 + 4 * i]);
  if (raw.size() - header != file.count * file.item_size) throw std::runtime_error(complaint);
  file.bytes.assign(raw.begin() + static_cast<ptrdiff_t>(header), raw.end());
  return file;
}

}  // namespace demo
