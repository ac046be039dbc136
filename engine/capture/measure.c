/* Statistics and histogram of the numbers of one tensor, read once.

   What measure.py does with a dozen calls of torch's and NumPy's, for floats, doubles and bools in the processor's
   memory. kernel.py compiles it where there is a compiler. */

#ifndef NUMBER

#include <math.h>
#include <stdint.h>

#define LANES 16 /* what is added up side by side, which compilers turn into vectors */
#define BLOCK (1 << 20) /* elements after which what was counted in the lanes is put together */
#define SPREAD 1e-6 /* least variance by mean square, and */
#define SMALLEST 1e-280 /* least mean square, of which the sums as they are say enough */
/* kernel.py tells the compiler SAMPLE, RUNS and BINS: how many elements are counted, in what runs, in how many bins. */

#ifdef LEVELS /* a copy for each generation of processors; which one is used is settled when the library is loaded */
#define EACH_LEVEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define EACH_LEVEL
#endif

/* Places of the results; all are doubles, which are exact for counts. */
enum { LOW, HIGH, MEAN, STD, NORM, ZEROS, NANS, INFS };

#define VALUE(number) (number)
#define NUMBER float
#define OF(name) name##_float32
#include "measure.c"
#undef NUMBER
#undef OF

#define NUMBER double
#define OF(name) name##_float64
#include "measure.c"
#undef NUMBER
#undef OF
#undef VALUE

#define VALUE(byte) ((byte) != 0)
#define NUMBER uint8_t
#define OF(name) name##_bool
#include "measure.c"

#else

/* In one pass. Returns 0 where that is not enough: no number, infinity, overflow, too few digits left. */
EACH_LEVEL static int OF(sums)(const NUMBER *values, int64_t size, double *result)
{
    double sum[LANES] = {0}, squares[LANES] = {0};
    int64_t zeros = 0, place = 0;
    NUMBER low[LANES], high[LANES];
    for (int lane = 0; lane < LANES; lane++)
        low[lane] = high[lane] = VALUE(values[0]);
    while (place < size) {
        int64_t end = size - place < BLOCK ? size : place + BLOCK;
        int32_t none[LANES] = {0};
        for (; place + LANES <= end; place += LANES)
            for (int lane = 0; lane < LANES; lane++) {
                NUMBER value = VALUE(values[place + lane]);
                sum[lane] += (double)value;
                squares[lane] += (double)value * (double)value;
                none[lane] += value == 0;
                low[lane] = value < low[lane] ? value : low[lane];
                high[lane] = value > high[lane] ? value : high[lane];
            }
        for (int lane = 0; place < end; place++, lane++) {
            NUMBER value = VALUE(values[place]);
            sum[lane] += (double)value;
            squares[lane] += (double)value * (double)value;
            none[lane] += value == 0;
            low[lane] = value < low[lane] ? value : low[lane];
            high[lane] = value > high[lane] ? value : high[lane];
        }
        for (int lane = 0; lane < LANES; lane++)
            zeros += none[lane];
    }
    for (int lane = 1; lane < LANES; lane++) {
        sum[0] += sum[lane];
        squares[0] += squares[lane];
        low[0] = low[lane] < low[0] ? low[lane] : low[0];
        high[0] = high[lane] > high[0] ? high[lane] : high[0];
    }
    double mean = sum[0] / (double)size, square = squares[0] / (double)size, variance = square - mean * mean;
    int equal = low[0] == high[0];
    result[LOW] = (double)low[0];
    result[HIGH] = (double)high[0];
    result[MEAN] = equal ? result[LOW] : mean;
    result[STD] = equal ? 0 : sqrt(variance);
    result[NORM] = equal ? fabs(result[LOW]) * sqrt((double)size) : sqrt(squares[0]);
    result[ZEROS] = (double)zeros;
    return isfinite(square) && (equal || (variance > SPREAD * square && square > SMALLEST));
}

/* In three passes over the finite elements, scaled so that no square overflows or vanishes. */
static void OF(scaled_sums)(const NUMBER *values, int64_t size, double *result)
{
    double low = INFINITY, high = -INFINITY, sum = 0, squares = 0, centred = 0;
    int64_t zeros = 0, nans = 0, infs = 0;
    for (int64_t i = 0; i < size; i++) {
        double value = (double)VALUE(values[i]);
        nans += isnan(value) != 0;
        infs += isinf(value) != 0;
        zeros += value == 0;
        if (isfinite(value)) {
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
    }
    double found = (double)(size - nans - infs), largest = -low > high ? -low : high;
    double scale = largest > 0 ? largest : 1;
    for (int64_t i = 0; i < size; i++)
        if (isfinite((double)VALUE(values[i])))
            sum += (double)VALUE(values[i]) / scale;
    double mean = sum / found;
    for (int64_t i = 0; i < size; i++) {
        double value = (double)VALUE(values[i]) / scale;
        if (isfinite(value)) {
            squares += value * value;
            centred += (value - mean) * (value - mean);
        }
    }
    result[LOW] = low;
    result[HIGH] = high;
    result[MEAN] = mean * scale;
    result[STD] = sqrt(centred / found) * scale;
    result[NORM] = sqrt(squares) * scale;
    result[ZEROS] = (double)zeros;
    result[NANS] = (double)nans;
    result[INFS] = (double)infs;
}

/* Counts of finite elements between LOW and HIGH. */
static void OF(count)(const NUMBER *values, int64_t size, const double *result, int64_t *bins)
{
    double width = result[HIGH] - result[LOW];
    double scale = isinf(width) ? 0.5 : width < 1e-290 ? 1e200 : 1; /* so that the next two are ordinary numbers */
    double low = result[LOW] * scale, factor = BINS / (result[HIGH] * scale - low);
    for (int64_t i = 0; i < size; i++) {
        double value = (double)VALUE(values[i]);
        if (isfinite(value)) {
            double place = width > 0 ? (value * scale - low) * factor : BINS / 2;
            /* The largest itself, and what another process wrote since: no place is outside. */
            bins[place >= BINS - 1 ? BINS - 1 : place > 0 ? (int)place : 0]++;
        }
    }
}

/* `size` is at least 1; `result` has room for 8 numbers, `bins` for 64. Of a large tensor evenly spread runs are counted.
   Where no element is finite, the first five results say nothing. */
void OF(measure)(const NUMBER *values, int64_t size, double *result, int64_t *bins)
{
    result[NANS] = result[INFS] = 0;
    if (!OF(sums)(values, size, result))
        OF(scaled_sums)(values, size, result);
    for (int i = 0; i < BINS; i++)
        bins[i] = 0;
    if (size <= SAMPLE) {
        OF(count)(values, size, result, bins);
        return;
    }
    int64_t stride = size / RUNS, length = stride < SAMPLE / RUNS ? stride : SAMPLE / RUNS;
    for (int run = 0; run < RUNS; run++)
        OF(count)(values + run * stride, length, result, bins);
}

#endif
