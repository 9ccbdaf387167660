// JsonFormat: the native JSON line (docs/schema.json): one object, the keys of json_keys.h in their order,
// absent values left out. Written straight from the event's head and wire bytes. Owner: an export lcore.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/packet_info.h"
#include "core/result.h"
#include "exporters/formats/line_format.h"
#include "exporters/json/json_cells.h"
#include "exporters/json/json_keys.h"
#include "exporters/json/json_text.h"
#include "exporters/output_options.h"

namespace weir {

class JsonFormat : public LineFormat {
 public:
  // An Error names a key that is not in kJsonKeys.
  static Status check(const JsonFields& fields);

  // Precondition: check(fields) is ok. input_names: of the configuration, by Event::input. lane: the export
  // lcore. max_line: at least kMinLineBytes, at most kMaxLineBytes.
  JsonFormat(const JsonFields& fields, const std::vector<std::string>& input_names, unsigned lane,
             size_t max_line = kMaxLineBytes);

  char* write(const Event& event, uint64_t seq, char* out) noexcept override;

  // All that is not text or lists fits in this.
  static constexpr size_t kMinLineBytes = 24U << 10U;

 private:
  struct Line;  // what is being written
  // Texts that neighbouring events mostly share, key and comma included, with room behind for copies of 16
  // bytes at a time.
  struct EndpointText {
    Endpoint endpoint;
    std::array<char, 128> text;
    size_t len = 0;
  };
  struct InputText {
    std::array<char, 1024> text;
    size_t len = 0;
  };
  struct KeptText {
    char* put(char* out, std::string_view key, const JsonFormat& format, Line& line, JsonKey which,
              Span span) noexcept;

    std::array<uint8_t, 40> raw;
    std::array<char, 6 * 40 + 32> text;
    size_t raw_len = SIZE_MAX;
    size_t text_len = 0;
  };

  [[nodiscard]] bool wants(JsonKey key) const noexcept { return (wanted_ & json_key_bit(key)) != 0; }
  char* put_origin(char* out, Line& line) noexcept;
  char* put_addresses(char* out, const Line& line) noexcept;
  [[nodiscard]] char* put_header(char* out, Line& line) const noexcept;
  [[nodiscard]] char* put_question(char* out, Line& line) const noexcept;
  char* put_times(char* out, const Line& line) noexcept;
  [[nodiscard]] char* put_sections(char* out, Line& line) const noexcept;
  [[nodiscard]] size_t text_bound(Span text) const noexcept;
  [[nodiscard]] char* put_zone(char* out, Line& line) const noexcept;
  [[nodiscard]] char* put_policy(char* out, Line& line) const noexcept;
  char* put_source(char* out, const Line& line) noexcept;
  [[nodiscard]] char* put_packet_info(char* out, const PacketInfo& info) const noexcept;
  [[nodiscard]] char* put_stream(char* out, const StreamId& stream) const noexcept;
  [[nodiscard]] char* put_faults(char* out, const Line& line) const noexcept;
  [[nodiscard]] char* put_text_value(char* out, Line& line, JsonKey key, Span span) const noexcept;
  [[nodiscard]] char* put_name_value(char* out, Line& line, JsonKey key, Span span) const noexcept;

  uint64_t wanted_ = 0;
  size_t max_line_;
  size_t share_;  // of the line that one text may take
  std::vector<InputText> inputs_;
  std::string lane_;
  TimeText query_time_;
  TimeText response_time_;
  std::array<JsonCell<32>, 16> opcodes_;
  std::array<JsonCell<32>, 24> rcodes_;
  KeptText identity_;
  KeptText version_;
  EndpointText server_;
  EndpointText peer_;
};

}  // namespace weir
