// Data sets: rows to search, queries to search for, and the metric.
//
//   fashion-mnist                     60,000 images x 784, L2, 10,000 test images as queries
//   words                             English word vectors x 100, cosine (data/fetch-words.sh)
//   synthetic:n=,d=,...               seeded clusters, see synthetic.h
//   sparse:n=,...                     seeded sparse rows by topics, see sparse_topics.h
//   fvecs:base=FILE,queries=FILE      also bvecs; without queries=, `held` rows are held out
//
// Every set also takes rows=, queries-limit as limit=, and metric=.  The dense ones take
// quantize=median|sign, which makes bits of them (quantize.h; metric hamming or jaccard).  What is
// read or generated is kept in the cache directory and mapped from there.
#ifndef QUIVER_BENCH_DATA_DATASET_H
#define QUIVER_BENCH_DATA_DATASET_H

#include <memory>
#include <string>

#include "data/exact_distance.h"
#include "data/matrix_file.h"

namespace quiver::bench {

struct Dataset {
  std::string name;       // as the user wrote it
  std::string cache_key;  // a file name stem, unique for rows + queries + metric
  std::string base_key;   // unique for rows
  Metric metric = Metric::kL2;
  std::shared_ptr<MappedMatrix> base_file;
  std::shared_ptr<MappedMatrix> query_file;
  Matrix base;
  Matrix queries;

  size_t dim() const { return base.dim; }
  double Distance(size_t query, size_t row) const {
    return ExactDistance(metric, base, queries.Row(query), base.Row(row));
  }
};

std::string DefaultCacheDir();
Dataset OpenDataset(const std::string& spec, const std::string& cache_dir);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_DATASET_H
