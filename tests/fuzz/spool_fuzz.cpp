// A spool whose files were damaged: whatever the damage, what is given back was put, as it was put and in
// order, and the balance is even. Input: what happens, three bytes a step.
#include <spdlog/spdlog.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "exporters/spool/spool.h"
#include "tests/fuzz/check.h"

namespace {

using weir::check;
using weir::RecordBlock;
using weir::Spool;
namespace fs = std::filesystem;

class Steps {
 public:
  Steps() {
    std::string name = (fs::temp_directory_path() / "weir-spool-fuzz-XXXXXX").string();
    check(mkdtemp(name.data()) != nullptr);
    home_ = name;
  }
  ~Steps() { fs::remove_all(home_); }
  Steps(const Steps&) = delete;
  Steps& operator=(const Steps&) = delete;

  void open() {
    spool_.reset();
    auto opened = Spool::open(home_ / "s", {.path = {}, .size = 1U << 20U, .max_age_ms = 0, .sync_ms = 0});
    check(static_cast<bool>(opened));
    spool_ = std::move(*opened);
    last_ = 0;
  }
  void put(unsigned count) {
    RecordBlock block(64U << 10U, 1U << 10U);
    for (unsigned i = 0; i < count; ++i) {
      ++put_;
      check(block.add(record(put_), 1 + put_ % 3, 0));
    }
    const RecordBlock* one = &block;
    now_.wall_ns += 1'000;
    now_.mono_ns += 2 * weir::kNsPerSec;
    (void)!spool_->put({&one, 1}, now_);
  }
  void fetch(bool done) {
    RecordBlock block(4U << 10U, 1U << 10U);
    if (!spool_->fetch(block, now_)) return;
    const std::string_view bytes = block.bytes();
    for (size_t at = 0; at < bytes.size();) {
      const size_t end = bytes.find('\n', at) + 1;
      uint64_t number = 0;
      std::from_chars(bytes.data() + at, bytes.data() + end, number);
      check(number > last_ && number <= put_ && bytes.substr(at, end - at) == record(number));
      last_ = number;
      at = end;
    }
    if (done) {
      spool_->done(block.rest());
    } else {
      open();  // another process fetches it again
    }
  }
  void damage(unsigned which, unsigned where, uint8_t with, bool cut) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(home_ / "s"))
      if (entry.is_regular_file() && fs::file_size(entry) != 0) files.push_back(entry.path());
    if (files.empty()) return;
    const fs::path& file = files[which % files.size()];
    const auto offset = where * 251 % fs::file_size(file);
    if (cut) {
      fs::resize_file(file, offset);
      return;
    }
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(offset));
    bytes.put(static_cast<char>(with));
  }
  void check_balance() const { check(spool_->balance().even()); }

 private:
  static std::string record(uint64_t number) {
    return std::to_string(number) + std::string(number % 40, 'x') + "\n";
  }

  fs::path home_;
  std::unique_ptr<Spool> spool_;
  weir::Now now_{.mono_ns = 1, .wall_ns = 1'000'000'000};
  uint64_t put_ = 0;
  uint64_t last_ = 0;  // given back by this process
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = (spdlog::set_level(spdlog::level::off), true);
  if (!quiet || size > 300) return 0;
  Steps steps;
  steps.open();
  for (size_t at = 0; at + 3 <= size; at += 3) {
    const uint8_t what = data[at] % 8;
    if (what < 3) steps.put(1 + data[at + 1] % 100U);
    if (what == 3) steps.fetch(true);
    if (what == 4) steps.fetch(false);
    if (what == 5) steps.open();
    if (what >= 6) steps.damage(data[at] / 8U, data[at + 1], data[at + 2], what == 7);
    steps.check_balance();
  }
  return 0;
}
