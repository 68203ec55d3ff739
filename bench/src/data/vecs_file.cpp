#include "data/vecs_file.h"

#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "base/failure.h"
#include "data/matrix_file.h"
#include "data/seeded_random.h"

namespace quiver::bench {

namespace {

constexpr uint64_t kHoldOutSeed = 20240607;
constexpr uint64_t kShuffleSeed = 20240608;

// Reads one file from its begin to its end.
class VecsReader {
 public:
  explicit VecsReader(const std::string& path)
      : path_(path),
        file_(std::fopen(path.c_str(), "rb"), std::fclose),
        bytes_(path.ends_with(".bvecs")) {
    struct stat status;
    int32_t dim = 0;
    if (file_ == nullptr || fstat(fileno(file_.get()), &status) != 0)
      Fail("could not open \"{}\": {}", path, strerror(errno));
    if (std::fread(&dim, sizeof(dim), 1, file_.get()) != 1 || dim < 1 || dim > 16000)
      Fail("\"{}\" is no fvecs or bvecs file", path);
    std::rewind(file_.get());
    dim_ = static_cast<size_t>(dim);
    size_t row_bytes = sizeof(int32_t) + dim_ * (bytes_ ? 1 : sizeof(float));
    rows_ = static_cast<size_t>(status.st_size) / row_bytes;
    raw_.resize(dim_);
  }

  size_t dim() const { return dim_; }
  size_t rows() const { return rows_; }

  void Next(float* row) {
    int32_t dim = 0;
    bool whole = std::fread(&dim, sizeof(dim), 1, file_.get()) == 1;
    if (whole && static_cast<size_t>(dim) != dim_)
      Fail("\"{}\" has rows of {} and of {} dimensions", path_, dim_, dim);
    if (bytes_) {
      whole = whole && std::fread(raw_.data(), 1, dim_, file_.get()) == dim_;
      for (size_t i = 0; i < dim_; ++i) row[i] = raw_[i];
    } else {
      whole = whole && std::fread(row, sizeof(float), dim_, file_.get()) == dim_;
    }
    if (!whole) Fail("\"{}\" ends within a row", path_);
  }

 private:
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  bool bytes_;
  size_t dim_ = 0;
  size_t rows_ = 0;
  std::vector<unsigned char> raw_;
};

// Queries are few: they are held in memory until their order is drawn.
class ShuffledWriter {
 public:
  ShuffledWriter(const std::string& path, const RowShape& shape)
      : writer_(path, shape), dim_(shape.dim) {}

  void Add(const float* row) { rows_.insert(rows_.end(), row, row + dim_); }

  void Finish() {
    SeededRandom random(kShuffleSeed);
    std::vector<size_t> order(rows_.size() / dim_);
    for (size_t i = 0; i < order.size(); ++i) {
      size_t j = random.Below(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    for (size_t i : order) writer_.Add(&rows_[i * dim_]);
    writer_.Finish();
  }

 private:
  MatrixWriter writer_;
  size_t dim_;
  std::vector<float> rows_;
};

template <typename Writer>
void CopyAll(const std::string& source, const std::string& target) {
  VecsReader reader(source);
  Writer writer(target, RowShape::Dense(reader.dim()));
  std::vector<float> row(reader.dim());
  for (size_t i = 0; i < reader.rows(); ++i) {
    reader.Next(row.data());
    writer.Add(row.data());
  }
  writer.Finish();
}

}  // namespace

void ConvertVecs(const std::string& source, const std::string& target) {
  CopyAll<MatrixWriter>(source, target);
}

void ConvertVecsShuffled(const std::string& source, const std::string& target) {
  CopyAll<ShuffledWriter>(source, target);
}

void ConvertVecsHoldingOut(const std::string& source, size_t held, const std::string& base,
                           const std::string& queries) {
  VecsReader reader(source);
  if (held >= reader.rows())
    Fail("cannot hold out {} of the {} rows of \"{}\"", held, reader.rows(), source);
  std::vector<bool> chosen(reader.rows(), false);
  SeededRandom random(kHoldOutSeed);
  for (size_t n = 0; n < held;) {
    size_t i = random.Below(reader.rows());
    if (chosen[i]) continue;
    chosen[i] = true;
    ++n;
  }
  MatrixWriter base_writer(base, RowShape::Dense(reader.dim()));
  ShuffledWriter query_writer(queries, RowShape::Dense(reader.dim()));
  std::vector<float> row(reader.dim());
  for (size_t i = 0; i < reader.rows(); ++i) {
    reader.Next(row.data());
    if (chosen[i])
      query_writer.Add(row.data());
    else
      base_writer.Add(row.data());
  }
  base_writer.Finish();
  query_writer.Finish();
}

}  // namespace quiver::bench
