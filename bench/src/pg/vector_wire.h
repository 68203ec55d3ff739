// The binary wire forms, all big-endian: of vector and halfvec (int16 dimension, int16 unused, then
// the components), bit (int32 length, then bytes, the first bit the highest), sparsevec (int32
// dimension, int32 count, int32 unused, indices from 0, values), int8 and float8.
#ifndef QUIVER_BENCH_PG_VECTOR_WIRE_H
#define QUIVER_BENCH_PG_VECTOR_WIRE_H

#include <cstddef>
#include <cstdint>
#include <string>

#include "data/matrix_file.h"

namespace quiver::bench {

enum class WireType { kVector, kHalfvec, kBit, kSparsevec };

// Of the type of that name; fails for any other.
WireType WireTypeOf(const std::string& type);
// The type that holds rows of a form when none is asked for.
const char* DefaultTypeOf(Form form);
bool TypeHolds(WireType type, Form form);

// Appends the value of a row to `out`.  REQUIRES: TypeHolds(type, shape.form).
void AppendValue(WireType type, const RowShape& shape, const float* row, std::string* out);
void AppendInt16(int16_t value, std::string* out);
void AppendInt32(int32_t value, std::string* out);
void AppendInt64(int64_t value, std::string* out);
void AppendFloat8(double value, std::string* out);
int64_t ReadInt64(const char* bytes);

// binary16, rounded to nearest even.
uint16_t HalfFromFloat(float value);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_PG_VECTOR_WIRE_H
