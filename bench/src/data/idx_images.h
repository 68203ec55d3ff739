// Images in the IDX format of the MNIST family, gzipped, as Debian's dataset-fashion-mnist has
// them.
#ifndef QUIVER_BENCH_DATA_IDX_IMAGES_H
#define QUIVER_BENCH_DATA_IDX_IMAGES_H

#include <string>

namespace quiver::bench {

// `name` is looked for in $FASHION_MNIST_DIR, else where Debian's package puts it.  Pixels become
// float32 0 .. 255.
void ConvertIdxImages(const std::string& name, const std::string& target);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_IDX_IMAGES_H
