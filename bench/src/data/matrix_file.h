// Rows of one size in a file, mapped into memory.
//
// The cache keeps every data set in this one form: 16 bytes (the text "QBM" and the form's letter,
// uint32 dimension, uint64 rows), then the rows, in the machine's byte order.  A row is an array
// of 32-bit words whatever it holds, so that all that handles rows can be one code.
#ifndef QUIVER_BENCH_DATA_MATRIX_FILE_H
#define QUIVER_BENCH_DATA_MATRIX_FILE_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace quiver::bench {

enum class Form : char {
  kDense = '1',   // dim float32
  kBits = 'B',    // dim bits, 32 a word from the lowest up; what is left of the last word is 0
  kSparse = 'S',  // a count, room for as many indices as a row may have, room for their values
};

struct RowShape {
  Form form = Form::kDense;
  size_t dim = 0;
  size_t words = 0;  // of a row; dim of them for kDense

  static RowShape Dense(size_t dim) { return {Form::kDense, dim, dim}; }
  static RowShape Bits(size_t dim) { return {Form::kBits, dim, (dim + 31) / 32}; }
  static RowShape Sparse(size_t dim, size_t room) { return {Form::kSparse, dim, 1 + 2 * room}; }
};

// The words of a kBits row, and the parts of a kSparse one.  Indices count from 0 and ascend.
inline const uint32_t* BitWords(const float* row) {
  return reinterpret_cast<const uint32_t*>(row);
}
struct SparseRow {
  uint32_t count;
  const uint32_t* indices;
  const float* values;

  SparseRow(const RowShape& shape, const float* row)
      : count(*BitWords(row)),
        indices(BitWords(row) + 1),
        values(row + 1 + (shape.words - 1) / 2) {}
};

// A view of rows; whoever hands it out owns them.
struct Matrix : RowShape {
  const float* data = nullptr;
  size_t rows = 0;

  const float* Row(size_t i) const { return data + i * words; }
  Matrix First(size_t n) const { return {*this, data, n < rows ? n : rows}; }
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
  MatrixWriter(const std::string& path, const RowShape& shape);
  ~MatrixWriter();
  MatrixWriter(const MatrixWriter&) = delete;
  MatrixWriter& operator=(const MatrixWriter&) = delete;

  void Add(const void* row);  // shape.words words
  void Finish();

 private:
  std::string path_;
  std::string temporary_;
  std::FILE* file_;
  RowShape shape_;
  size_t rows_ = 0;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_MATRIX_FILE_H
