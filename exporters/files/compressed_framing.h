// CompressedFraming: a file of whole zstd frames or gzip members, whose content is framed in another way.
#pragma once

#include <string>
#include <string_view>

#include "exporters/files/compression.h"
#include "exporters/files/file_framing.h"

namespace weir {

class CompressedFraming : public FileFraming {
 public:
  // content: has an opening that never grows; outlives this.
  CompressedFraming(const Compression& compression, const FileFraming& content);

  // What is written is always one frame or member, which stays whole.
  [[nodiscard]] size_t record_start(std::string_view records, size_t sent) const noexcept override {
    return sent == records.size() ? sent : 0;
  }
  // Walks all frames or members; memory does not grow with the file.
  Result<bool> resume(int fd, const std::string& path) override;
  [[nodiscard]] std::string_view opening() const override { return opening_; }
  [[nodiscard]] std::string_view closing() const override { return closing_; }

 private:
  const Compression compression_;
  const FileFraming& content_;
  std::string opening_;
  std::string closing_;
};

}  // namespace weir
