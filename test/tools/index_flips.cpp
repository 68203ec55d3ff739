// Changes bytes of index files by kind of field, and puts the page's checksum right.
//
// Reads commands from standard input, one a line, fields between tabs; answers each with
// one line, "ok" and fields:
//
//   kinds                           names of all kinds; those of structure begin with "*"
//   map  FILE                       bytes of each kind in the file
//   flip FILE KIND NUMBER TARGET    changes one byte of that kind, chosen by the number, as FILE
//                                   has it, and writes its page to TARGET: block, offset, old, new
//   list_limit FILE PAGES           sets that field of the meta page
//   row FILE NUMBER                 makes the first row of the first list page that one of its
//   block
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fakes/field_map.h"
#include "page/list_page.h"
#include "page/meta.h"

using quiver::kPageBytes;
using quiver::fakes::ByteFlip;
using quiver::fakes::FieldKind;
using quiver::fakes::FieldMap;
using quiver::fakes::kFieldKinds;

extern "C" unsigned short PageChecksum(char* page, unsigned int block);

namespace {

[[noreturn]] void Die(const std::string& what) {
  fprintf(stderr, "index_flips: %s\n", what.c_str());
  exit(1);
}

struct IndexFile {
  explicit IndexFile(std::vector<uint8_t> content) : bytes(std::move(content)), map(bytes) {}
  std::vector<uint8_t> bytes;
  FieldMap map;
};

std::vector<uint8_t> Slurp(const std::string& path) {
  FILE* file = fopen(path.c_str(), "rb");
  if (file == nullptr) Die("could not open " + path);
  std::vector<uint8_t> bytes;
  uint8_t page[kPageBytes];
  while (fread(page, 1, kPageBytes, file) == kPageBytes)
    bytes.insert(bytes.end(), page, page + kPageBytes);
  fclose(file);
  return bytes;
}

const IndexFile& Open(const std::string& path) {
  static std::map<std::string, std::unique_ptr<IndexFile>> files;
  std::unique_ptr<IndexFile>& file = files[path];
  if (file == nullptr) file = std::make_unique<IndexFile>(Slurp(path));
  return *file;
}

// Where a server has no checksums it does not look at this one.
void WritePage(const std::string& path, uint32_t block, uint8_t* page) {
  const unsigned short checksum = PageChecksum(reinterpret_cast<char*>(page), block);
  memcpy(page + offsetof(quiver::PageHeader, checksum), &checksum, sizeof checksum);
  FILE* file = fopen(path.c_str(), "r+b");
  if (file == nullptr || fseek(file, static_cast<long>(block) * kPageBytes, SEEK_SET) != 0 ||
      fwrite(page, 1, kPageBytes, file) != kPageBytes || fclose(file) != 0)
    Die("could not write to " + path);
}

void Kinds() {
  printf("ok");
  for (int kind = 0; kind < kFieldKinds; kind++)
    printf("\t%s%s", IsStructural(static_cast<FieldKind>(kind)) ? "*" : "",
           NameOf(static_cast<FieldKind>(kind)));
  printf("\n");
}

void Map(const std::string& path) {
  printf("ok");
  for (int kind = 0; kind < kFieldKinds; kind++)
    printf("\t%llu",
           static_cast<unsigned long long>(Open(path).map.BytesOf(static_cast<FieldKind>(kind))));
  printf("\n");
}

void Flip(const std::string& path, int kind, uint64_t number, const std::string& target) {
  const IndexFile& file = Open(path);
  if (kind < 0 || kind >= kFieldKinds || !file.map.Has(static_cast<FieldKind>(kind)))
    Die(path + " has no such fields");
  const ByteFlip flip = file.map.Choose(static_cast<FieldKind>(kind), number);
  alignas(8) uint8_t page[kPageBytes];
  memcpy(page, file.bytes.data() + size_t{flip.block} * kPageBytes, kPageBytes);
  const uint8_t old = page[flip.offset];
  page[flip.offset] = static_cast<uint8_t>(old ^ flip.mask);
  WritePage(target, flip.block, page);
  printf("ok\t%u\t%u\t%02x\t%02x\n", flip.block, flip.offset, old, old ^ flip.mask);
}

void SetListLimit(const std::string& path, uint32_t pages) {
  std::vector<uint8_t> bytes = Slurp(path);
  quiver::Meta(bytes.data())->list_limit = pages;
  WritePage(path, quiver::kMetaBlock, bytes.data());
  printf("ok\n");
}

void SetRow(const std::string& path, uint16_t number) {
  std::vector<uint8_t> bytes = Slurp(path);
  for (uint32_t block = 0; size_t{block} * kPageBytes < bytes.size(); block++) {
    uint8_t* page = bytes.data() + size_t{block} * kPageBytes;
    if (!quiver::IsPageOf(page, quiver::PageKind::kList)) continue;
    quiver::PageAt<quiver::ListEntry>(page, quiver::kPageHeaderBytes)->posting.offset = number;
    WritePage(path, block, page);
    printf("ok\n");
    return;
  }
  Die(path + " has no list");
}

}  // namespace

int main() {
  char line[4096];
  while (fgets(line, sizeof line, stdin) != nullptr) {
    line[strcspn(line, "\n")] = '\0';
    std::vector<std::string> words;
    for (char* at = line; at != nullptr;) words.emplace_back(strsep(&at, "\t"));
    if (words.size() == 1 && words[0] == "kinds")
      Kinds();
    else if (words.size() == 2 && words[0] == "map")
      Map(words[1]);
    else if (words.size() == 5 && words[0] == "flip")
      Flip(words[1], atoi(words[2].c_str()), strtoull(words[3].c_str(), nullptr, 10), words[4]);
    else if (words.size() == 3 && words[0] == "list_limit")
      SetListLimit(words[1], static_cast<uint32_t>(atoi(words[2].c_str())));
    else if (words.size() == 3 && words[0] == "row")
      SetRow(words[1], static_cast<uint16_t>(atoi(words[2].c_str())));
    else
      Die(std::string("what is ") + line);
    fflush(stdout);
  }
  return 0;
}
