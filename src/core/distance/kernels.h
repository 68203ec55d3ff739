/*
 * kernels.h - every loop over vector components, chosen once per SIMD level.
 *
 * Plain C, so that the SQL types (C) and the core (C++) share one table.  No
 * kernel allocates, fails, or keeps state; none reads past the arrays it is
 * given except where the comment grants it.  Pointers need no alignment beyond
 * their type's, and may be null for no elements; arrays at multiples of 64 bytes
 * are faster (float32 pairs by up to a third, others by up to a tenth).
 * Dimensions are 0 .. 16,000.  "f16" is IEEE 754 binary16 as uint16_t.
 *
 * All levels return the same bits for flip_signs, hadamard, butterfly, f16
 * conversion, quantize_i8, code_dots and encode_edge, code and terms (a standby
 * may have another CPU than its primary).  Other sums of floats may differ by
 * rounding.
 */
#ifndef QUIVER_KERNELS_H
#define QUIVER_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C"
{
#endif

typedef enum QuiverSimdLevel
{
	QUIVER_SIMD_AUTO = 0,		/* the best this CPU has */
	QUIVER_SIMD_SCALAR,
	QUIVER_SIMD_AVX2,			/* AVX2 + FMA + F16C */
	QUIVER_SIMD_AVX512,			/* F, BW, DQ, VL, VNNI, VBMI, VPOPCNTDQ */
	QUIVER_SIMD_NEON			/* ARMv8 baseline with fp16 conversion */
} QuiverSimdLevel;

/* What encode_edge learns of the residual r = o - c and its code s. */
typedef struct QuiverEdgeTerms
{
	float		n2;				/* <r, r> */
	float		a;				/* <s, r>; > 0 unless r = 0 */
	float		s_c;			/* <s, c - mu> */
	float		s_o;			/* <s, o - mu> */
	float		mu_r;			/* <mu, r> */
} QuiverEdgeTerms;

/* A sparse vector made ready to be compared with many: sparse.h. */
typedef struct QuiverSparseQuery QuiverSparseQuery;

typedef struct QuiverKernels
{
	const char *name;			/* "scalar", "avx2", "avx512", "neon" */
	QuiverSimdLevel level;

	/* --- float32 x float32 and float16 x float16: what SQL's operators use */
	float		(*l2sq_f32) (const float *a, const float *b, size_t dim);
	float		(*ip_f32) (const float *a, const float *b, size_t dim);
	float		(*l1_f32) (const float *a, const float *b, size_t dim);
	/* out = { <a,b>, <a,a>, <b,b> } */
	void		(*cosine_f32) (const float *a, const float *b, size_t dim, float out[3]);

	float		(*l2sq_f16) (const uint16_t *a, const uint16_t *b, size_t dim);
	float		(*ip_f16) (const uint16_t *a, const uint16_t *b, size_t dim);
	float		(*l1_f16) (const uint16_t *a, const uint16_t *b, size_t dim);
	void		(*cosine_f16) (const uint16_t *a, const uint16_t *b, size_t dim, float out[3]);

	/* --- a float32 query against a stored float16 vector, v = scale * stored */
	float		(*l2sq_f32_f16) (const float *q, const uint16_t *stored, float scale, size_t dim);
	float		(*ip_f32_f16) (const float *q, const uint16_t *stored, float scale, size_t dim);
	float		(*l1_f32_f16) (const float *q, const uint16_t *stored, float scale, size_t dim);

	/* --- conversion; to f16 rounds to nearest even, overflow gives infinity */
	void		(*f16_to_f32) (const uint16_t *in, float *out, size_t n);
	void		(*f32_to_f16) (const float *in, uint16_t *out, size_t n);

	/* --- bit strings of whole bytes */
	uint64_t	(*hamming) (const uint8_t *a, const uint8_t *b, size_t bytes);
	/* *both = |a & b|, *either = |a | b| */
	void		(*jaccard) (const uint8_t *a, const uint8_t *b, size_t bytes,
							uint64_t *both, uint64_t *either);

	/*
	 * The same between query and `count` codes of `bytes` bytes each, stride bytes
	 * apart: out[j], both[j] and either[j] for the code at codes + j * stride.
	 * May read up to 64 bytes past the last code, not past the query.
	 */
	void		(*hamming_many) (const uint8_t *query, const uint8_t *codes, size_t stride,
								 size_t count, size_t bytes, uint32_t *out);
	void		(*jaccard_many) (const uint8_t *query, const uint8_t *codes, size_t stride,
								 size_t count, size_t bytes, uint32_t *both, uint32_t *either);

	/*
	 * --- a prepared sparse query (sparse.h) against a sparse vector: `count`
	 * values, finite, and the dimensions they are of, ascending.  Unordered,
	 * repeated and too large dimensions give a meaningless number, nothing worse.
	 */
	float		(*sparse_l2sq) (const QuiverSparseQuery *query, const uint32_t *indices,
								const float *values, size_t count);
	float		(*sparse_ip) (const QuiverSparseQuery *query, const uint32_t *indices,
							  const float *values, size_t count);
	float		(*sparse_l1) (const QuiverSparseQuery *query, const uint32_t *indices,
							  const float *values, size_t count);
	/* out = { <q,v>, <q,q>, <v,v> } */
	void		(*sparse_cosine) (const QuiverSparseQuery *query, const uint32_t *indices,
								  const float *values, size_t count, float out[3]);

	/* --- rotation steps; exact same result on every level (no FMA) */
	/* x[i] = -x[i] where bit i (LSB first) of signs is set */
	void		(*flip_signs) (float *x, const uint64_t *signs, size_t n);
	/* orthonormal Walsh-Hadamard transform in place; n a power of two */
	void		(*hadamard) (float *x, size_t n);
	/* for i < n: (x[i], y[i]) = ((x[i] + y[i]) / sqrt 2, (x[i] - y[i]) / sqrt 2) */
	void		(*butterfly) (float *x, float *y, size_t n);

	/* --- edge codes (code/edge_code.h says what they mean) */

	/*
	 * Symmetric 8-bit query: out[i] = round(x[i] / *step), *step = max|x| / 127
	 * (1, and zeros, where no |x| exceeds 1e-36).  Pads out with zeros up to dim
	 * rounded up to 64.  Returns the sum of out.  x is finite.
	 */
	int32_t		(*quantize_i8) (const float *x, size_t dim, int8_t *out, float *step);

	/*
	 * dots[j] = sum_i s_ji * query[i] for count codes, stride bytes apart.
	 * A code is `bits` planes of ceil(dim / 8) bytes, most significant plane
	 * first, component i = bit i % 8 of byte i / 8 of each plane; its value is
	 * s = sum_b 2^(b+1) * plane_b - (2^bits - 1), an odd integer.  bits 1, 2, 4
	 * (8 is reserved).  query is quantize_i8's output, query_sum its sum.
	 * Bits past dim in a plane are zero.  May read up to 64 bytes past the last
	 * code.
	 */
	void		(*code_dots) (const uint8_t *codes, size_t stride, size_t count,
							  size_t dim, int bits, const int8_t *query,
							  int32_t query_sum, int32_t *dots);

	/*
	 * Code of the residual r = o - c, as above, and its terms.  One bit:
	 * s = sign(r), a zero counting as positive.  More bits: the uniform
	 * quantizer that is best for a Gaussian of r's mean square (step 0.9957
	 * sigma for 2 bits, 0.3352 sigma for 4), s odd, clamped.  The complement of
	 * the code's bits codes -r with terms (n2, a, and -s for s).  Bits past dim
	 * are zero.  Inputs are finite; where a square overflows, n2 is infinite and
	 * the code of 2 and more bits says nothing.
	 */
	void		(*encode_edge) (const float *c, const float *o, const float *mu,
								size_t dim, int bits, uint8_t *code,
								QuiverEdgeTerms *terms);
} QuiverKernels;

/* The table for a level, the best for AUTO; NULL where this CPU (or build) lacks it. */
extern const QuiverKernels *quiver_kernels_for(QuiverSimdLevel level);

/* The table in force: that of the last quiver_force_simd_level, else the best. */
extern const QuiverKernels *quiver_kernels(void);

/* Returns false, and changes nothing, where the CPU lacks the level. */
extern bool quiver_force_simd_level(QuiverSimdLevel level);

#ifdef __cplusplus
}
#endif

#endif							/* QUIVER_KERNELS_H */
