// The scalar level: edge codes and the query they are multiplied with.
#include <cmath>
#include <cstring>

#include "base/bits.h"
#include "distance/exact.h"
#include "distance/kernel_sets.h"

namespace quiver::scalar {

int32_t QuantizeI8(const float* x, size_t dim, int8_t* out, float* step) {
  *step = 1;
  if (dim == 0) return 0;
  float largest = 0;
  for (size_t i = 0; i < dim; i++) {
    const float magnitude = std::fabs(x[i]);
    if (magnitude > largest) largest = magnitude;
  }
  memset(out, 0, AlignUp(dim, 64));
  if (!(largest > kLeastQuery)) return 0;
  *step = largest / 127.0f;
  const float inverse = 127.0f / largest;
  int32_t sum = 0;
  for (size_t i = 0; i < dim; i++) {
    float value = x[i] * inverse;
    value = value > -127.0f ? value : -127.0f;  // also for a NaN
    value = value < 127.0f ? value : 127.0f;
    out[i] = static_cast<int8_t>(std::lrintf(value));
    sum += out[i];
  }
  return sum;
}

void CodeDots(const uint8_t* codes, size_t stride, size_t count, size_t dim, int bits,
              const int8_t* query, int32_t query_sum, int32_t* dots) {
  const size_t plane_bytes = DivideUp(dim, 8);
  const int32_t offset = ((1 << bits) - 1) * query_sum;
  for (size_t j = 0; j < count; j++) {
    const uint8_t* plane = codes + j * stride;
    int32_t sum = 0;
    for (int bit = bits - 1; bit >= 0; bit--, plane += plane_bytes) {
      int32_t part = 0;
      for (size_t i = 0; i < dim; i++) part += query[i] & -((plane[i / 8] >> (i % 8)) & 1);
      sum += part * (2 << bit);
    }
    dots[j] = sum - offset;
  }
}

namespace {

struct LaneSums {
  float lane[kSumLanes] = {};

  void Add(size_t i, float a, float b) {
    float product = a * b;
    QUIVER_ROUNDED(product);
    lane[i % kSumLanes] += product;
  }

  float Total() {
    for (size_t width = kSumLanes / 2; width > 0; width /= 2)
      for (size_t i = 0; i < width; i++) lane[i] += lane[i + width];
    return lane[0];
  }
};

}  // namespace

void EncodeEdge(const float* c, const float* o, const float* mu, size_t dim, int bits,
                uint8_t* code, QuiverEdgeTerms* terms) {
  *terms = {};
  if (dim == 0) return;
  LaneSums n2;
  LaneSums mu_r;
  for (size_t i = 0; i < dim; i++) {
    const float r = o[i] - c[i];
    n2.Add(i, r, r);
    mu_r.Add(i, mu[i], r);
  }
  terms->n2 = n2.Total();
  terms->mu_r = mu_r.Total();

  const size_t plane_bytes = DivideUp(dim, 8);
  memset(code, 0, static_cast<size_t>(bits) * plane_bytes);
  const int highest = (1 << bits) - 1;
  const float middle = static_cast<float>(1 << (bits - 1));
  const float inverse = bits == 1 ? 0.0f : InverseCellWidth(terms->n2, dim, bits);
  LaneSums a;
  LaneSums s_c;
  for (size_t i = 0; i < dim; i++) {
    const float r = o[i] - c[i];
    int level;
    if (bits == 1) {
      level = r < 0 ? 0 : 1;
    } else {
      float cell = r * inverse;
      QUIVER_ROUNDED(cell);
      cell += middle;
      cell = cell > 0.0f ? cell : 0.0f;  // also for a NaN
      cell = cell < static_cast<float>(highest) ? cell : static_cast<float>(highest);
      level = static_cast<int>(cell);
    }
    for (int plane = 0; plane < bits; plane++)
      if ((level >> (bits - 1 - plane)) & 1)
        SetBit(code + static_cast<size_t>(plane) * plane_bytes, i);
    const auto s = static_cast<float>(2 * level - highest);
    a.Add(i, s, r);
    s_c.Add(i, s, c[i] - mu[i]);
  }
  terms->a = a.Total();
  terms->s_c = s_c.Total();
  terms->s_o = terms->s_c + terms->a;
}

}  // namespace quiver::scalar
