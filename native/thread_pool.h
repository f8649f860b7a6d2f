// A few threads that live as long as the process, for loops over independent blocks.
#pragma once

#include <cstdint>
#include <functional>

namespace spikingformer {

/**
 * How many threads run a loop, the caller's among them: as many as TensorFlow's intra-op pool has.
 */
int Threads();

/**
 * Calls body(begin, end) for pieces of [0, count) until all are done. A piece is `grain` long, but
 * for the last; one piece, or a loop within another thread's loop, runs on the caller's thread
 * alone.
 */
void ParallelFor(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

}  // namespace spikingformer
