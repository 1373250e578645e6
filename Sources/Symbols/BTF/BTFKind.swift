/// The kinds of entries in BTF's type section (include/uapi/linux/btf.h, `BTF_KIND_…`).
///
/// An entry is 12 bytes, little-endian, and what its kind adds to them:
///
///      0       4       8          12
///     ┌───────┬───────┬───────────┬─────────────────────────────┐
///     │ name  │ info  │ size/type │ fixed part, then `count`    │
///     │ offset│       │           │ elements of the kind's size │
///     └───────┴───────┴───────────┴─────────────────────────────┘
///
///     info   31    30…24  23…0
///            flag  kind   count
///
/// Kernels up to 6.x give the kind 5 bits and the count 16, and want zeros in between; the wider
/// reading of those from 2026 on (`BTF_MAX_KIND`, `BTF_MAX_VLEN`) fits both.
enum BTFKind: UInt8 {
  case integer = 1
  case pointer, array, structure, union, enumeration, forward, typedef, volatile, const, restrict
  case function, prototype, variable, section, float, declarationTag, typeTag, enumeration64

  /// Bytes behind the first 12, without the elements.
  var fixedSize: UInt64 {
    switch self {
    case .integer, .variable, .declarationTag: 4
    case .array: 12
    default: 0
    }
  }

  /// Bytes of each of the `count` elements: members, enumerators, parameters, variables.
  var elementSize: UInt64 {
    switch self {
    case .structure, .union, .section, .enumeration64: 12
    case .enumeration, .prototype: 8
    default: 0
    }
  }

  /// Whether such entries can be asked for by name. Tags have words of their own instead.
  var isNamed: Bool {
    switch self {
    case .pointer, .array, .volatile, .const, .restrict, .prototype, .section, .declarationTag,
      .typeTag:
      false
    default: true
    }
  }
}

/// An entry's first 12 bytes, and where they are.
struct BTFEntry {
  static let size: UInt64 = 12

  /// From the start of the type section.
  let offset: UInt64
  let nameOffset: UInt32
  private let info: UInt32
  /// The size in bytes, or the identifier of the type that is referred to.
  let sizeOrType: UInt32

  init(offset: UInt64, nameOffset: UInt32, info: UInt32, sizeOrType: UInt32) {
    self.offset = offset
    self.nameOffset = nameOffset
    self.info = info
    self.sizeOrType = sizeOrType
  }

  /// The kind's number, known or not.
  var kindNumber: UInt8 { UInt8(truncatingIfNeeded: info >> 24) & 0x7f }
  /// How many elements follow; means something else or nothing for kinds without elements.
  var count: UInt32 { info & 0xff_ffff }
  /// Structures and unions: members have sizes in bits. Enumerations: values are signed. Forward
  /// declarations: it is a union.
  var flag: Bool { info >> 31 == 1 }
}
