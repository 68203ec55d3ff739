// The scalar level: distances, conversion.  Runs everywhere; the reference of the others.
#include <cmath>
#include <cstring>

#include "base/f16.h"
#include "distance/kernel_sets.h"

namespace quiver::scalar {
namespace {

// Independent partial sums, which the compiler may put into vectors of any length.
constexpr size_t kLanes = 16;

struct Sums {
  float lane[kLanes] = {};

  float Total() const {
    float part[kLanes];
    memcpy(part, lane, sizeof part);
    for (size_t width = kLanes / 2; width > 0; width /= 2)
      for (size_t i = 0; i < width; i++) part[i] += part[i + width];
    return part[0];
  }
};

inline float Value(float x) {
  return x;
}
inline float Value(uint16_t x) {
  return F16ToF32(x);
}

struct Squared {
  static float Of(float a, float b) { return (a - b) * (a - b); }
};
struct Product {
  static float Of(float a, float b) { return a * b; }
};
struct Absolute {
  static float Of(float a, float b) { return std::fabs(a - b); }
};

template <class Term, class A, class B>
float Sum(const A* a, const B* b, float scale, size_t dim) {
  Sums sums;
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes)
    for (size_t j = 0; j < kLanes; j++)
      sums.lane[j] += Term::Of(Value(a[i + j]), scale * Value(b[i + j]));
  for (size_t j = 0; i + j < dim; j++)
    sums.lane[j] += Term::Of(Value(a[i + j]), scale * Value(b[i + j]));
  return sums.Total();
}

template <class Term, class A>
float Sum(const A* a, const A* b, size_t dim) {
  return Sum<Term>(a, b, 1.0f, dim);
}

template <class A>
void Cosine(const A* a, const A* b, size_t dim, float out[3]) {
  out[0] = Sum<Product>(a, b, dim);
  out[1] = Sum<Product>(a, a, dim);
  out[2] = Sum<Product>(b, b, dim);
}

void ToF32(const uint16_t* in, float* out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = F16ToF32(in[i]);
}

void ToF16(const float* in, uint16_t* out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = F32ToF16(in[i]);
}

}  // namespace

extern const QuiverKernels kKernels = {
    .name = "scalar",
    .level = QUIVER_SIMD_SCALAR,
    .l2sq_f32 = Sum<Squared, float>,
    .ip_f32 = Sum<Product, float>,
    .l1_f32 = Sum<Absolute, float>,
    .cosine_f32 = Cosine<float>,
    .l2sq_f16 = Sum<Squared, uint16_t>,
    .ip_f16 = Sum<Product, uint16_t>,
    .l1_f16 = Sum<Absolute, uint16_t>,
    .cosine_f16 = Cosine<uint16_t>,
    .l2sq_f32_f16 = Sum<Squared, float, uint16_t>,
    .ip_f32_f16 = Sum<Product, float, uint16_t>,
    .l1_f32_f16 = Sum<Absolute, float, uint16_t>,
    .f16_to_f32 = ToF32,
    .f32_to_f16 = ToF16,
    .hamming = Hamming,
    .jaccard = Jaccard,
    .hamming_many = HammingMany,
    .jaccard_many = JaccardMany,
    .sparse_l2sq = SparseL2Squared,
    .sparse_ip = SparseProduct,
    .sparse_l1 = SparseAbsolute,
    .sparse_cosine = SparseCosine,
    .flip_signs = FlipSigns,
    .hadamard = Hadamard,
    .butterfly = Butterfly,
    .quantize_i8 = QuantizeI8,
    .code_dots = CodeDots,
    .encode_edge = EncodeEdge,
};

}  // namespace quiver::scalar
