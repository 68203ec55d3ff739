#include "pg/vector_wire.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/failure.h"

namespace quiver::bench {

static_assert(std::endian::native == std::endian::little, "swaps bytes unconditionally");

namespace {

template <typename Int>
void AppendBytes(Int big_endian, std::string* out) {
  char bytes[sizeof(Int)];
  std::memcpy(bytes, &big_endian, sizeof(Int));
  out->append(bytes, sizeof(Int));
}

void AppendFloats(const float* values, size_t count, std::string* out) {
  size_t begin = out->size();
  out->resize(begin + count * sizeof(float));
  char* to = out->data() + begin;
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = __builtin_bswap32(std::bit_cast<uint32_t>(values[i]));
    std::memcpy(to + i * sizeof(bits), &bits, sizeof(bits));
  }
}

void AppendBits(const uint32_t* words, size_t count, std::string* out) {
  AppendInt32(static_cast<int32_t>(count), out);
  for (size_t i = 0; i < count; i += 8) {
    unsigned byte = (words[i / 32] >> (i % 32)) & 0xFF;
    unsigned reversed = 0;
    for (int bit = 0; bit < 8; ++bit) reversed |= ((byte >> bit) & 1) << (7 - bit);
    *out += static_cast<char>(reversed);
  }
}

}  // namespace

WireType WireTypeOf(const std::string& type) {
  if (type == "vector") return WireType::kVector;
  if (type == "halfvec") return WireType::kHalfvec;
  if (type == "bit") return WireType::kBit;
  if (type == "sparsevec") return WireType::kSparsevec;
  Fail("type must be vector, halfvec, bit or sparsevec, not \"{}\"", type);
}

const char* DefaultTypeOf(Form form) {
  switch (form) {
    case Form::kDense:
      return "vector";
    case Form::kBits:
      return "bit";
    case Form::kSparse:
      return "sparsevec";
  }
  return "";
}

bool TypeHolds(WireType type, Form form) {
  switch (type) {
    case WireType::kVector:
    case WireType::kHalfvec:
      return form == Form::kDense;
    case WireType::kBit:
      return form == Form::kBits;
    case WireType::kSparsevec:
      return form == Form::kSparse;
  }
  return false;
}

void AppendInt16(int16_t value, std::string* out) {
  AppendBytes(__builtin_bswap16(static_cast<uint16_t>(value)), out);
}

void AppendInt32(int32_t value, std::string* out) {
  AppendBytes(__builtin_bswap32(static_cast<uint32_t>(value)), out);
}

void AppendInt64(int64_t value, std::string* out) {
  AppendBytes(__builtin_bswap64(static_cast<uint64_t>(value)), out);
}

void AppendFloat8(double value, std::string* out) {
  AppendInt64(std::bit_cast<int64_t>(value), out);
}

int64_t ReadInt64(const char* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return static_cast<int64_t>(__builtin_bswap64(value));
}

uint16_t HalfFromFloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  float magnitude = std::abs(value);
  if (std::isnan(value)) return sign | 0x7E00;
  if (magnitude >= 65520.0f) return sign | 0x7C00;
  if (magnitude < 0x1.0p-14f) {  // subnormal: a multiple of 2^-24
    return sign | static_cast<uint16_t>(std::nearbyint(magnitude * 0x1.0p24f));
  }
  uint32_t rounded = (bits & 0x7FFFFFFF) + 0xFFF + ((bits >> 13) & 1);
  return sign | static_cast<uint16_t>((rounded >> 13) - (112 << 10));
}

void AppendValue(WireType type, const RowShape& shape, const float* row, std::string* out) {
  switch (type) {
    case WireType::kVector:
      AppendInt16(static_cast<int16_t>(shape.dim), out);
      AppendInt16(0, out);
      AppendFloats(row, shape.dim, out);
      return;
    case WireType::kHalfvec:
      AppendInt16(static_cast<int16_t>(shape.dim), out);
      AppendInt16(0, out);
      for (size_t i = 0; i < shape.dim; ++i)
        AppendInt16(static_cast<int16_t>(HalfFromFloat(row[i])), out);
      return;
    case WireType::kBit:
      AppendBits(BitWords(row), shape.dim, out);
      return;
    case WireType::kSparsevec: {
      SparseRow sparse(shape, row);
      AppendInt32(static_cast<int32_t>(shape.dim), out);
      AppendInt32(static_cast<int32_t>(sparse.count), out);
      AppendInt32(0, out);
      for (uint32_t i = 0; i < sparse.count; ++i)
        AppendInt32(static_cast<int32_t>(sparse.indices[i]), out);
      AppendFloats(sparse.values, sparse.count, out);
      return;
    }
  }
}

}  // namespace quiver::bench
