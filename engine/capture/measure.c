/* Statistics and histogram of the numbers of one tensor, read once.

   What measure.py does with a dozen calls of torch's and NumPy's, for floats, doubles and bools in the processor's
   memory. kernel.py compiles it where there is a compiler. */

#ifndef NUMBER

#include <math.h>
#include <stdint.h>

#define LANES 16 /* what is added up side by side, which compilers turn into vectors */
#define BLOCK (1 << 20) /* elements after which what was counted in the lanes is put together */
#define AHEAD 4096 /* bytes: what lies so far ahead is asked for, since memory is slower than sums are */
#define SHARED (1 << 18) /* elements of a tensor that several threads read */
#define PARTS 32 /* of such a tensor; its sums do not depend on how many threads there are */
#define GROUP 64 /* elements whose bins are found before they are counted */
#define ROWS 4 /* of counts: neighbours in one bin need not wait for each other */
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

struct sums {
    double sum, squares, low, high;
    int64_t zeros;
};

/* GOMP_parallel of the OpenMP library that torch works with: each of its threads calls a function. NULL: there is none. */
static void (*parallel)(void (*)(void *), void *, unsigned, unsigned);

void share(void (*with)(void (*)(void *), void *, unsigned, unsigned))
{
    parallel = with;
}

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

/* Of one part of the numbers. */
EACH_LEVEL static void OF(add)(const NUMBER *values, int64_t size, struct sums *result)
{
    double sum[LANES] = {0}, squares[LANES] = {0};
    int64_t zeros = 0, place = 0;
    NUMBER low[LANES], high[LANES];
    for (int lane = 0; lane < LANES; lane++)
        low[lane] = high[lane] = VALUE(values[0]);
    while (place < size) {
        int64_t end = size - place < BLOCK ? size : place + BLOCK;
        int32_t none[LANES] = {0};
        for (; place + LANES <= end; place += LANES) {
            __builtin_prefetch((const char *)(values + place) + AHEAD);
            for (int lane = 0; lane < LANES; lane++) {
                NUMBER value = VALUE(values[place + lane]);
                sum[lane] += (double)value;
                squares[lane] += (double)value * (double)value;
                none[lane] += value == 0;
                low[lane] = value < low[lane] ? value : low[lane];
                high[lane] = value > high[lane] ? value : high[lane];
            }
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
    *result = (struct sums){sum[0], squares[0], (double)low[0], (double)high[0], zeros};
}

struct OF(job) {
    const NUMBER *values;
    int64_t size, length; /* elements of all parts, and of each but the last */
    int count;
    _Atomic int next; /* part that nobody has begun: a thread that comes late keeps nobody waiting */
    struct sums parts[PARTS];
};

static void OF(work)(void *argument)
{
    struct OF(job) *job = argument;
    for (int part; (part = job->next++) < job->count;) {
        int64_t begin = part * job->length, left = job->size - begin;
        OF(add)(job->values + begin, left < job->length ? left : job->length, &job->parts[part]);
    }
}

/* In one pass. Returns 0 where that is not enough: no number, infinity, overflow, too few digits left. */
static int OF(sums)(const NUMBER *values, int64_t size, double *result)
{
    struct OF(job) job;
    job.values = values;
    job.size = size;
    job.length = size < SHARED ? size : (size + PARTS - 1) / PARTS;
    job.count = (int)((size + job.length - 1) / job.length);
    job.next = 0;
    if (job.count > 1 && parallel)
        parallel(OF(work), &job, 0, 0); /* 0: as many threads as torch's own kernels have */
    else
        OF(work)(&job);
    struct sums all = job.parts[0];
    for (int i = 1; i < job.count; i++) {
        const struct sums *part = &job.parts[i];
        all.sum += part->sum;
        all.squares += part->squares;
        all.low = part->low < all.low ? part->low : all.low;
        all.high = part->high > all.high ? part->high : all.high;
        all.zeros += part->zeros;
    }
    double mean = all.sum / (double)size, square = all.squares / (double)size, variance = square - mean * mean;
    int equal = all.low == all.high;
    result[LOW] = all.low;
    result[HIGH] = all.high;
    result[MEAN] = equal ? result[LOW] : mean;
    result[STD] = equal ? 0 : sqrt(variance);
    result[NORM] = equal ? fabs(result[LOW]) * sqrt((double)size) : sqrt(all.squares);
    result[ZEROS] = (double)all.zeros;
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

/* Counts of finite elements between LOW and HIGH, added to `bins`. */
EACH_LEVEL static void OF(count)(const NUMBER *values, int64_t size, const double *result, int64_t *bins)
{
    double width = result[HIGH] - result[LOW];
    double scale = isinf(width) ? 0.5 : width < 1e-290 ? 1e200 : 1; /* so that the next two are ordinary numbers */
    double low = result[LOW] * scale, factor = BINS / (result[HIGH] * scale - low);
    int all = result[NANS] == 0 && result[INFS] == 0;
    int32_t places[GROUP], counts[ROWS][BINS + 1] = {{0}}; /* one more for what does not count */
    for (int64_t begin = 0; begin < size; begin += GROUP) {
        const NUMBER *group = values + begin;
        int length = size - begin < GROUP ? (int)(size - begin) : GROUP;
        for (int i = 0; i < length; i++) {
            double place = width > 0 ? ((double)VALUE(group[i]) * scale - low) * factor : BINS / 2;
            /* The largest itself, and what another process wrote since: no place is outside. */
            place = place > 0 ? place : 0;
            places[i] = (int32_t)(place < BINS - 1 ? place : BINS - 1);
        }
        for (int i = 0; i < length && !all; i++)
            places[i] = isfinite((double)VALUE(group[i])) ? places[i] : BINS;
        for (int i = length; i % ROWS; i++)
            places[i] = BINS;
        for (int i = 0; i < length; i += ROWS)
            for (int row = 0; row < ROWS; row++)
                counts[row][places[i + row]]++;
    }
    for (int row = 0; row < ROWS; row++)
        for (int bin = 0; bin < BINS; bin++)
            bins[bin] += counts[row][bin];
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
