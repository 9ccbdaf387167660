#include "exporters/files/compressed_framing.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "exporters/files/compressed_walk.h"
#include "exporters/files/file_bytes.h"

namespace weir {
namespace {

std::string compressed(const Compression& compression, std::string_view bytes) {
  std::string to;
  if (!bytes.empty() && !make_compressor(compression)->compress(bytes, to)) to.clear();
  return to;
}

}  // namespace

CompressedFraming::CompressedFraming(const Compression& compression, const FileFraming& content)
    : compression_(compression),
      content_(content),
      opening_(compressed(compression, content.opening())),
      closing_(compressed(compression, content.closing())) {}

Result<bool> CompressedFraming::resume(int fd, const std::string& path) {
  const ReadHandle reader(path);
  if (reader.fd() < 0)
    return Error{"'" + path + "' cannot be read (" + std::strerror(errno) +
                 "), and where it ends must be known to append to it: change its mode, or name another file"};
  const uint64_t size = size_of(fd);
  const auto end = walk_compressed(compression_.kind, reader.fd(), size);
  const auto content = [&](uint64_t at, size_t most) {
    return content_at(compression_.kind, reader.fd(), at, end->bytes, most);
  };
  const std::string_view opening = content_.opening();
  if (!end || (end->bytes != 0 && content(0, opening.size()) != opening))
    return Error{
        "'" + path +
        "' has something else in it than what this output would write: move it away, or name another "
        "file"};
  // The records that follow take the place of the end.
  const std::string_view closing = content_.closing();
  const bool closed = !closing.empty() && end->last != 0 && content(end->last, closing.size() + 1) == closing;
  const uint64_t kept = closed ? end->last : end->bytes;
  if (kept != size && ftruncate(fd, static_cast<off_t>(kept)) != 0)
    return Error{"'" + path + "' cannot be cut back to its last whole block: " + std::strerror(errno)};
  if (end->bytes != size)
    spdlog::warn("{} ended inside a compressed block; the part of it was taken away", path);
  return kept != 0;
}

}  // namespace weir
