#include "src/generate/message_writer.h"

namespace weir {

void MessageWriter::start(std::string& out, uint16_t id, uint16_t flags) {
  out_ = &out;
  out.clear();
  u16(id);
  u16(flags);
  out.append(8, '\0');
  for (unsigned& count : counts_) count = 0;
}

void MessageWriter::put_u16(size_t at, unsigned value) {
  (*out_)[at] = static_cast<char>(value >> 8U);
  (*out_)[at + 1] = static_cast<char>(value & 0xffU);
}

void MessageWriter::question(std::string_view name, uint16_t qtype) {
  bytes(name);
  u16(qtype);
  u16(1);
  put_u16(4, ++counts_[0]);
}

void MessageWriter::begin_record(Section section, uint16_t owner, uint16_t type, uint16_t record_class,
                                 uint32_t ttl) {
  if (owner == kRoot) {
    u8(0);
  } else {
    pointer(owner);
  }
  u16(type);
  u16(record_class);
  u32(ttl);
  rdlength_at_ = out_->size();
  u16(0);
  const auto index = static_cast<size_t>(section);
  put_u16(4 + 2 * index, ++counts_[index]);
}

void MessageWriter::end_record() {
  put_u16(rdlength_at_, static_cast<unsigned>(out_->size() - rdlength_at_ - 2));
}

}  // namespace weir
