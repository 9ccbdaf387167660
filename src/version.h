// What this build is. The values are meson's (src/version.cpp.in).
#pragma once

namespace weir {

extern const char* const kVersion;
extern const char* const kBuildType;
extern const char* const kDpdkVersion;

}  // namespace weir
