// The binary wire forms: of the types vector and halfvec (int16 dimension, int16 unused, then the
// components big-endian) and of int8.
#ifndef QUIVER_BENCH_PG_VECTOR_WIRE_H
#define QUIVER_BENCH_PG_VECTOR_WIRE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace quiver::bench {

enum class WireType { kVector, kHalfvec };

// Appends the value to `out`.
void AppendVector(WireType type, const float* row, size_t dim, std::string* out);
void AppendInt16(int16_t value, std::string* out);
void AppendInt32(int32_t value, std::string* out);
void AppendInt64(int64_t value, std::string* out);
int64_t ReadInt64(const char* bytes);

// binary16, rounded to nearest even.
uint16_t HalfFromFloat(float value);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_PG_VECTOR_WIRE_H
