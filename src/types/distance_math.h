/*
 * distance_math.h - distances from the sums that the types compute.
 */
#ifndef QUIVER_DISTANCE_MATH_H
#define QUIVER_DISTANCE_MATH_H

#include <math.h>

/* Rounding may leave [-1, 1]; a NaN stays one. */
static inline double
QuiverClampCosine(double cosine)
{
	if (cosine > 1)
		return 1;
	if (cosine < -1)
		return -1;
	return cosine;
}

/* 0 .. 2; NaN where a norm is zero or a sum overflowed. */
static inline double
QuiverCosineDistance(double product, double norm2a, double norm2b)
{
	/* the product of two floats cannot overflow a double */
	return 1 - QuiverClampCosine(product / sqrt(norm2a * norm2b));
}

/*
 * True where float32 sums of squares have all their digits: not so many that a
 * product of two overflows, not so few that a term may have vanished.
 */
static inline bool
QuiverSoundNorms(float norm2a, float norm2b)
{
	return norm2a > 1e-24f && norm2a < 1e30f && norm2b > 1e-24f && norm2b < 1e30f;
}

/* The angle of two unit vectors in half turns, 0 .. 1. */
static inline double
QuiverSphericalDistance(double product)
{
	return acos(QuiverClampCosine(product)) / M_PI;
}

#endif							/* QUIVER_DISTANCE_MATH_H */
