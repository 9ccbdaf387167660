#include "src/generate/answers.h"

namespace weir {

namespace {

void random_bytes(Random& random, MessageWriter& writer, unsigned count) {
  for (unsigned i = 0; i < count; ++i) writer.u8(random.below(256));
}

void write_txt(Random& random, MessageWriter& writer) {
  switch (random.below(4)) {
    case 0:
      writer.character_string("v=spf1 include:_spf.mail.example ip4:198.18.0.0/15 -all");
      break;
    case 1:
      writer.character_string("v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7");
      writer.character_string("\"quoted\" \\ and so on");
      break;
    case 2:
      writer.character_string("site-verification=Xk29aQ7zL");
      break;
    default:
      writer.character_string("caf\xc3\xa9");
      writer.character_string("");
  }
}

void write_https(Random& random, MessageWriter& writer) {  // RFC 9460 section 2.2
  writer.u16(1);
  writer.u8(0);  // target ".": the owner itself
  writer.u16(1);
  writer.u16(6);
  writer.character_string("h2");
  writer.character_string("h3");
  if (random.percent(50)) {
    writer.u16(4);
    writer.u16(4);
    writer.u16(0xc612);
    random_bytes(random, writer, 2);
  }
}

void write_naptr(MessageWriter& writer, std::string_view other) {
  writer.u16(100);
  writer.u16(10);
  writer.character_string("S");
  writer.character_string("SIP+D2U");
  writer.character_string("");
  writer.bytes(other);
}

void write_rdata(Random& random, MessageWriter& writer, uint16_t type, uint16_t apex,
                 std::string_view other) {
  switch (type) {
    case qtype::kA:
      writer.u16(0xc612U + random.below(2));  // 198.18.0.0/15
      random_bytes(random, writer, 2);
      break;
    case qtype::kAaaa:
      writer.u32(0x20010db8);
      random_bytes(random, writer, 4);
      if (random.percent(50)) {
        writer.u32(0);
        writer.u32(random.below(0x10000));
      } else {
        random_bytes(random, writer, 8);
      }
      break;
    case qtype::kMx:
      writer.u16(10 * random.between(1, 4));
      writer.bytes(std::string_view("\x04mail", 5));
      writer.pointer(apex);
      break;
    case qtype::kNs:
      writer.bytes(random.percent(50) ? std::string_view("\x03ns1", 4) : std::string_view("\x03ns2", 4));
      writer.pointer(apex);
      break;
    case qtype::kSrv:
      writer.u16(random.below(20));
      writer.u16(random.below(100));
      writer.u16(random.between(1024, 65535));
      writer.bytes(other);
      break;
    case qtype::kTxt:
      write_txt(random, writer);
      break;
    case qtype::kHttps:
      write_https(random, writer);
      break;
    case qtype::kCaa:
      writer.u8(random.percent(20) ? 128 : 0);
      writer.character_string("issue");
      writer.bytes("ca.example; policy=ev");
      break;
    case qtype::kTlsa:
      writer.u8(3);
      writer.u8(1);
      writer.u8(1);
      random_bytes(random, writer, 32);
      break;
    case qtype::kDs:
      writer.u16(random.below(65536));
      writer.u8(13);
      writer.u8(2);
      random_bytes(random, writer, 32);
      break;
    case qtype::kNaptr:
      write_naptr(writer, other);
      break;
    default:  // CNAME, PTR
      writer.bytes(other);
  }
}

}  // namespace

void write_answer(Random& random, MessageWriter& writer, uint16_t owner, uint16_t type, uint32_t ttl,
                  uint16_t apex, std::string_view other) {
  if (type == qtype::kSoa) {
    write_soa(random, writer, Section::answer, apex);
    return;
  }
  writer.begin_record(Section::answer, owner, type, 1, ttl);
  write_rdata(random, writer, type, apex, other);
  writer.end_record();
}

void write_soa(Random& random, MessageWriter& writer, Section section, uint16_t apex) {
  writer.begin_record(section, apex, qtype::kSoa, 1, 900);
  writer.bytes(std::string_view("\x03ns1", 4));
  writer.pointer(apex);
  writer.bytes(std::string_view("\x0ahostmaster", 11));
  writer.pointer(apex);
  writer.u32(2026'000'000 + random.below(1'000'000));
  writer.u32(7200);
  writer.u32(3600);
  writer.u32(1'209'600);
  writer.u32(300);
  writer.end_record();
}

void write_rrsig(Random& random, MessageWriter& writer, uint16_t owner, uint16_t covered, uint32_t ttl,
                 std::string_view signer) {
  writer.begin_record(Section::answer, owner, qtype::kRrsig, 1, ttl);
  writer.u16(covered);
  writer.u8(13);  // ECDSA P-256 (RFC 6605)
  writer.u8(3);
  writer.u32(ttl);
  const uint32_t inception = 1'766'000'000 + random.below(1'000'000);
  writer.u32(inception + 1'209'600);
  writer.u32(inception);
  writer.u16(random.below(65536));
  writer.bytes(signer);
  random_bytes(random, writer, 64);
  writer.end_record();
}

}  // namespace weir
