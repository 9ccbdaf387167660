"""DNS names and mnemonics as other programs print them, brought to one form for comparison."""

TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 11: "WKS", 12: "PTR", 13: "HINFO", 14: "MINFO", 15: "MX",
         16: "TXT", 17: "RP", 18: "AFSDB", 24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 33: "SRV", 35: "NAPTR",
         36: "KX", 37: "CERT", 38: "A6", 39: "DNAME", 41: "OPT", 42: "APL", 43: "DS", 44: "SSHFP", 45: "IPSECKEY",
         46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 49: "DHCID", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA",
         55: "HIP", 59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS",
         99: "SPF", 104: "NID", 105: "L32", 106: "L64", 107: "LP", 108: "EUI48", 109: "EUI64", 249: "TKEY",
         250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 254: "MAILA", 255: "ANY", 256: "URI", 257: "CAA",
         32768: "TA", 32769: "DLV"}
CLASSES = {1: "IN", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN",
          7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 11: "DSOTYPENI", 16: "BADVERS", 17: "BADKEY",
          18: "BADTIME", 19: "BADMODE", 20: "BADNAME", 21: "BADALG", 22: "BADTRUNC", 23: "BADCOOKIE"}
OPCODES = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}


def type_text(number):
    return TYPES.get(number, f"TYPE{number}")


def class_text(number):
    return CLASSES.get(number, f"CLASS{number}")


def rcode_text(number):
    return RCODES.get(number, f"RCODE{number}")


def opcode_text(number):
    return OPCODES.get(number, f"OPCODE{number}")


def name_bytes(text):
    """Labels of a name in presentation format (RFC 1035 section 5.1: \\DDD and \\X), as a tuple of bytes."""
    if text == ".":
        return ()
    data = text.encode("utf-8")
    labels, label, at = [], bytearray(), 0
    while at < len(data):
        byte = data[at]
        if byte == ord("\\"):
            if data[at + 1:at + 4].isdigit() and at + 4 <= len(data):
                label.append(int(data[at + 1:at + 4]))
                at += 4
            else:
                label.append(data[at + 1])
                at += 2
            continue
        if byte == ord("."):
            labels.append(bytes(label))
            label.clear()
        else:
            label.append(byte)
        at += 1
    if label:
        labels.append(bytes(label))
    return tuple(labels)


def same_name(text):
    """The name for comparisons without case."""
    return tuple(label.lower() for label in name_bytes(text))
