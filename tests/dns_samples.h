// Messages that benchmarks of DNS wire data run on: what resolvers answer most (sizes as in an ISP's traffic:
// a name of 28 characters, responses of about 130 bytes), names from the benchmark ranges.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

class DnsSample {
 public:
  DnsSample(std::string_view qname, uint16_t qtype) {
    wire_ = {0x12, 0x34, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0};
    name(qname);
    u16(qtype);
    u16(1);
  }
  // Owner: a pointer to `owner`, an offset.
  DnsSample& answer(uint16_t owner, uint16_t type, const std::string& rdata) {
    ++wire_[7];
    u16(static_cast<uint16_t>(0xc000U | owner));
    u16(type);
    words({1, 0, 300});
    u16(static_cast<uint16_t>(rdata.size()));
    last_rdata_ = wire_.size();
    wire_.insert(wire_.end(), rdata.begin(), rdata.end());
    return *this;
  }
  DnsSample& opt() {
    ++wire_[11];
    wire_.push_back(0);
    words({41, 1232, 0, 0x8000, 0});
    return *this;
  }
  [[nodiscard]] const std::vector<uint8_t>& wire() const { return wire_; }
  [[nodiscard]] uint32_t last_rdata() const { return static_cast<uint32_t>(last_rdata_); }

  static std::string wire_name(std::string_view text) {
    std::string wire;
    while (!text.empty()) {
      const std::string_view label = text.substr(0, text.find('.'));
      wire += static_cast<char>(label.size());
      wire += label;
      text.remove_prefix(label.size() + (label.size() < text.size() ? 1 : 0));
    }
    return wire + '\0';
  }

 private:
  void u16(uint16_t value) {
    wire_.push_back(static_cast<uint8_t>(value >> 8U));
    wire_.push_back(static_cast<uint8_t>(value));
  }
  void words(std::initializer_list<unsigned> values) {
    for (unsigned value : values) u16(static_cast<uint16_t>(value));
  }
  void name(std::string_view text) {
    for (char c : wire_name(text)) wire_.push_back(static_cast<uint8_t>(c));
  }
  std::vector<uint8_t> wire_;
  size_t last_rdata_ = 0;
};

inline constexpr std::string_view kSampleName = "www.static.cdn01.example.com";  // 28 characters

// CNAME, two addresses, OPT: 130 bytes.
inline DnsSample sample_response() {
  DnsSample sample(kSampleName, 1);
  const auto cname = static_cast<uint16_t>(sample.wire().size() + 12);
  return sample.answer(12, 5, DnsSample::wire_name("edge7.fra.example.net"))
      .answer(cname, 1, {'\xc6', '\x12', '\x07', '\x64'})
      .answer(cname, 1, {'\xc6', '\x12', '\x07', '\x65'})
      .opt();
}

}  // namespace weir
