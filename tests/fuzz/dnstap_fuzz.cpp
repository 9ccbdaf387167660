// Our walk over a dnstap payload against libprotobuf. Input: the payload. Aborts on a difference.
#include <cstdio>
#include <cstdlib>

#include "tests/decoder/dnstap_oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string difference = weir::differs_from_libprotobuf({data, size});
  if (difference.empty()) return 0;
  std::fputs(difference.c_str(), stderr);
  std::abort();
}
