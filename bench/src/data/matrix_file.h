// Rows of float32 in a file, mapped into memory.
//
// The cache keeps every data set in this one form: 16 bytes (the text "QBM1", uint32 dimension,
// uint64 rows), then the rows, in the machine's byte order.
#ifndef QUIVER_BENCH_DATA_MATRIX_FILE_H
#define QUIVER_BENCH_DATA_MATRIX_FILE_H

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace quiver::bench {

// A view of rows; whoever hands it out owns them.
struct Matrix {
  const float* data = nullptr;
  size_t rows = 0;
  size_t dim = 0;

  const float* Row(size_t i) const { return data + i * dim; }
  Matrix First(size_t n) const { return {data, n < rows ? n : rows, dim}; }
};

class MappedMatrix {
 public:
  explicit MappedMatrix(const std::string& path);
  ~MappedMatrix();
  MappedMatrix(const MappedMatrix&) = delete;
  MappedMatrix& operator=(const MappedMatrix&) = delete;

  const Matrix& matrix() const { return matrix_; }

 private:
  void* map_ = nullptr;
  size_t bytes_ = 0;
  Matrix matrix_;
};

// Writes rows one by one; the file appears under its name when Finish is called, complete.
class MatrixWriter {
 public:
  MatrixWriter(const std::string& path, size_t dim);
  ~MatrixWriter();
  MatrixWriter(const MatrixWriter&) = delete;
  MatrixWriter& operator=(const MatrixWriter&) = delete;

  void Add(const float* row);
  void Finish();

 private:
  std::string path_;
  std::string temporary_;
  std::FILE* file_;
  size_t dim_;
  size_t rows_ = 0;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_MATRIX_FILE_H
