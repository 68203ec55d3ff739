#include "data/idx_images.h"

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/failure.h"
#include "data/matrix_file.h"

namespace quiver::bench {

namespace {

constexpr uint32_t kThreeDimensionalBytes = 0x00000803;  // type ubyte, 3 dimensions

uint32_t BigEndian(const unsigned char* p) {
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 |
         static_cast<uint32_t>(p[2]) << 8 | p[3];
}

}  // namespace

void ConvertIdxImages(const std::string& name, const std::string& target) {
  const char* own = std::getenv("FASHION_MNIST_DIR");
  std::string path =
      std::string(own != nullptr ? own : "/usr/share/datasets/fashion-mnist") + "/" + name;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (file == nullptr)
    Fail("could not open \"{}\"; Debian's package dataset-fashion-mnist has it", path);

  unsigned char header[16];
  if (gzread(file.get(), header, sizeof(header)) != sizeof(header) ||
      BigEndian(header) != kThreeDimensionalBytes)
    Fail("\"{}\" is no IDX file of images", path);
  size_t rows = BigEndian(header + 4);
  size_t dim = static_cast<size_t>(BigEndian(header + 8)) * BigEndian(header + 12);
  if (dim == 0 || dim > 16000) Fail("\"{}\" has images of {} pixels", path, dim);

  std::vector<unsigned char> pixels(dim);
  std::vector<float> row(dim);
  MatrixWriter writer(target, RowShape::Dense(dim));
  for (size_t i = 0; i < rows; ++i) {
    if (gzread(file.get(), pixels.data(), static_cast<unsigned>(dim)) != static_cast<int>(dim))
      Fail("\"{}\" ends after {} of {} images", path, i, rows);
    for (size_t j = 0; j < dim; ++j) row[j] = pixels[j];
    writer.Add(row.data());
  }
  writer.Finish();
}

}  // namespace quiver::bench
