// The files of relations on a local server, and how to make the kernel forget them.
#ifndef QUIVER_BENCH_CLIENT_FILE_CACHE_H
#define QUIVER_BENCH_CLIENT_FILE_CACHE_H

#include <string>
#include <vector>

#include "pg/pg_connection.h"

namespace quiver::bench {

class FileCache {
 public:
  // Of the relations (qualified and quoted), and of the TOAST tables of those that have one with
  // its index.  Fails when the files cannot be opened: the server must be local, and the driver
  // run by root or by the server's own user.
  FileCache(PgConnection* connection, const std::vector<std::string>& relations);

  // Empties the kernel's page cache of them.  Pages that wait to be written are written first; what
  // the server itself holds in shared buffers stays.
  void Drop() const;

 private:
  std::vector<std::string> paths_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_CLIENT_FILE_CACHE_H
