#include "pg/vector_wire.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace quiver::bench {

static_assert(std::endian::native == std::endian::little, "swaps bytes unconditionally");

namespace {

template <typename Int>
void AppendBytes(Int big_endian, std::string* out) {
  char bytes[sizeof(Int)];
  std::memcpy(bytes, &big_endian, sizeof(Int));
  out->append(bytes, sizeof(Int));
}

}  // namespace

void AppendInt16(int16_t value, std::string* out) {
  AppendBytes(__builtin_bswap16(static_cast<uint16_t>(value)), out);
}

void AppendInt32(int32_t value, std::string* out) {
  AppendBytes(__builtin_bswap32(static_cast<uint32_t>(value)), out);
}

void AppendInt64(int64_t value, std::string* out) {
  AppendBytes(__builtin_bswap64(static_cast<uint64_t>(value)), out);
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

void AppendVector(WireType type, const float* row, size_t dim, std::string* out) {
  AppendInt16(static_cast<int16_t>(dim), out);
  AppendInt16(0, out);
  size_t begin = out->size();
  if (type == WireType::kHalfvec) {
    for (size_t i = 0; i < dim; ++i) AppendInt16(static_cast<int16_t>(HalfFromFloat(row[i])), out);
    return;
  }
  out->resize(begin + dim * sizeof(float));
  char* to = out->data() + begin;
  for (size_t i = 0; i < dim; ++i) {
    uint32_t bits = __builtin_bswap32(std::bit_cast<uint32_t>(row[i]));
    std::memcpy(to + i * sizeof(bits), &bits, sizeof(bits));
  }
}

}  // namespace quiver::bench
