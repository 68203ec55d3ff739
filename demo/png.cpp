#include "png.h"

#include <zlib.h>

#include <stdexcept>

namespace demo {

namespace {

void AppendBigEndian(std::string* out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

// PNG specification, section 5: length, type, data, CRC of type and data.
void AppendChunk(std::string* png, const std::string& type, const std::string& data) {
  AppendBigEndian(png, static_cast<uint32_t>(data.size()));
  const std::string body = type + data;
  png->append(body);
  AppendBigEndian(png, static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                                                   static_cast<uInt>(body.size()))));
}

std::string Deflate(const std::string& raw) {
  uLongf size = compressBound(raw.size());
  std::string packed(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                reinterpret_cast<const Bytef*>(raw.data()), raw.size(), Z_BEST_COMPRESSION) != Z_OK)
    throw std::runtime_error("could not compress an image");
  packed.resize(size);
  return packed;
}

std::string Base64(const std::string& bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j)
      text.push_back(i + j > bytes.size() ? '=' : kDigits[group >> (18 - 6 * j) & 63]);
  }
  return text;
}

}  // namespace

std::string PngDataUri(std::span<const uint8_t> pixels, uint32_t width) {
  std::string header;
  AppendBigEndian(&header, width);
  AppendBigEndian(&header, width);
  header.append({8, 0, 0, 0, 0});  // 8 bits, grey, deflate, filters by line, not interlaced

  std::string lines;
  for (uint32_t y = 0; y < width; ++y) {
    lines.push_back(0);  // no filter
    for (uint32_t x = 0; x < width; ++x) lines.push_back(static_cast<char>(pixels[y * width + x]));
  }

  std::string png("\x89PNG\r\n\x1a\n", 8);
  AppendChunk(&png, "IHDR", header);
  AppendChunk(&png, "IDAT", Deflate(lines));
  AppendChunk(&png, "IEND", "");
  return "data:image/png;base64," + Base64(png);
}

}  // namespace demo
