#include "data/matrix_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "base/failure.h"

namespace quiver::bench {

namespace {

struct Header {
  char magic[4];
  uint32_t dim;
  uint64_t rows;
};
static_assert(sizeof(Header) == 16);

constexpr char kMagic[3] = {'Q', 'B', 'M'};

// The words of a row by its form and dimension; the rows themselves say it for a sparse one.
size_t WordsOf(const Header& header, size_t payload) {
  switch (static_cast<Form>(header.magic[3])) {
    case Form::kDense:
      return header.dim;
    case Form::kBits:
      return RowShape::Bits(header.dim).words;
    case Form::kSparse:
      return header.rows > 0 ? payload / sizeof(float) / header.rows : 1;
  }
  return 0;
}

}  // namespace

MappedMatrix::MappedMatrix(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) Fail("could not open \"{}\": {}", path, strerror(errno));
  bytes_ = static_cast<size_t>(status.st_size);
  if (bytes_ < sizeof(Header)) Fail("\"{}\" is no matrix file", path);
  map_ = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (map_ == MAP_FAILED) Fail("could not map \"{}\": {}", path, strerror(errno));
  Header header;
  std::memcpy(&header, map_, sizeof(header));
  matrix_.form = static_cast<Form>(header.magic[3]);
  matrix_.dim = header.dim;
  matrix_.words = WordsOf(header, bytes_ - sizeof(header));
  matrix_.rows = header.rows;
  matrix_.data = reinterpret_cast<const float*>(static_cast<const char*>(map_) + sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0 || matrix_.words == 0 ||
      bytes_ != sizeof(header) + matrix_.rows * matrix_.words * sizeof(float))
    Fail("\"{}\" is no matrix file, or not a whole one; remove it", path);
}

MappedMatrix::~MappedMatrix() {
  if (map_ != nullptr && map_ != MAP_FAILED) munmap(map_, bytes_);
}

MatrixWriter::MatrixWriter(const std::string& path, const RowShape& shape)
    : path_(path),
      temporary_(path + ".part"),
      file_(std::fopen(temporary_.c_str(), "wb")),
      shape_(shape) {
  if (file_ == nullptr) Fail("could not create \"{}\": {}", temporary_, strerror(errno));
  Header empty = {};
  std::fwrite(&empty, sizeof(empty), 1, file_);
}

MatrixWriter::~MatrixWriter() {
  if (file_ != nullptr) {
    std::fclose(file_);
    std::remove(temporary_.c_str());
  }
}

void MatrixWriter::Add(const void* row) {
  if (std::fwrite(row, sizeof(float), shape_.words, file_) != shape_.words)
    Fail("could not write \"{}\": {}", temporary_, strerror(errno));
  ++rows_;
}

void MatrixWriter::Finish() {
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.magic[3] = static_cast<char>(shape_.form);
  header.dim = static_cast<uint32_t>(shape_.dim);
  header.rows = rows_;
  std::rewind(file_);
  bool written = std::fwrite(&header, sizeof(header), 1, file_) == 1;
  if (std::fclose(file_) != 0) written = false;
  file_ = nullptr;
  if (!written || std::rename(temporary_.c_str(), path_.c_str()) != 0)
    Fail("could not write \"{}\": {}", path_, strerror(errno));
}

}  // namespace quiver::bench
