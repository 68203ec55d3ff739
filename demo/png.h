// Grey images as PNG in data URIs.
#ifndef QUIVER_DEMO_PNG_H
#define QUIVER_DEMO_PNG_H

#include <cstdint>
#include <span>
#include <string>

namespace demo {

// "data:image/png;base64,..." of width x width grey pixels.
std::string PngDataUri(std::span<const uint8_t> pixels, uint32_t width);

}  // namespace demo

#endif  // QUIVER_DEMO_PNG_H
