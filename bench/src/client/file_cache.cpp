#include "client/file_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/failure.h"

namespace quiver::bench {

namespace {

// A relation beyond 1 GB lies in segments PATH, PATH.1, PATH.2, ...
std::vector<std::string> SegmentsOf(const std::string& path) {
  std::vector<std::string> segments = {path};
  if (access(path.c_str(), R_OK) != 0) Fail("could not open \"{}\": {}", path, strerror(errno));
  for (int i = 1;; ++i) {
    std::string segment = fmt::format("{}.{}", path, i);
    if (access(segment.c_str(), R_OK) != 0) return segments;
    segments.push_back(segment);
  }
}

}  // namespace

FileCache::FileCache(PgConnection* connection, const std::vector<std::string>& relations) {
  std::string list;
  for (const std::string& relation : relations)
    list += (list.empty() ? "" : ", ") + QuoteLiteral(relation) + "::regclass";
  auto rows = connection->Rows(
      "WITH own AS (SELECT oid, reltoastrelid FROM pg_catalog.pg_class WHERE oid IN (" + list +
      ")), all_of AS (SELECT oid FROM own UNION ALL SELECT reltoastrelid FROM own WHERE "
      "reltoastrelid <> 0 UNION ALL SELECT indexrelid FROM pg_catalog.pg_index JOIN own ON "
      "indrelid = reltoastrelid) SELECT current_setting('data_directory') || '/' || "
      "pg_catalog.pg_relation_filepath(oid) FROM all_of");
  for (const auto& row : rows) {
    for (const std::string& segment : SegmentsOf(row[0])) paths_.push_back(segment);
  }
}

void FileCache::Drop() const {
  for (const std::string& path : paths_) {
    int fd = open(path.c_str(), O_RDONLY);
    if (fd < 0) Fail("could not open \"{}\": {}", path, strerror(errno));
    fdatasync(fd);
    int error = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    if (error != 0) Fail("could not drop \"{}\" from the page cache: {}", path, strerror(error));
  }
}

}  // namespace quiver::bench
