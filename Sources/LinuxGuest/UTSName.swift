internal import Bytes
internal import Targets

/// What a kernel calls itself: `struct new_utsname` (include/uapi/linux/utsname.h), six texts of 65
/// bytes each.
///
///     0        65         130       195       260       325
///     sysname  nodename   release   version   machine   domainname
struct UTSName: Hashable {
  let system: String
  let node: String
  let release: String
  let version: String
  let machine: String

  private static let fieldSize: UInt64 = 65

  init(in memory: some Memory, at address: VirtualAddress) throws(MemoryFault) {
    let bytes = try memory.read(address, count: 6 * Self.fieldSize)
    func field(_ index: UInt64) -> String {
      let field = bytes.clampedSubview(at: index * Self.fieldSize, count: Self.fieldSize)
      return String(decoding: field.copy().prefix { $0 != 0 }, as: UTF8.self)
    }
    system = field(0)
    node = field(1)
    release = field(2)
    version = field(3)
    machine = field(4)
  }

  /// Where `init_uts_ns` has it. Before 5.11 VMCOREINFO doesn't tell, and a 4-byte reference count
  /// stands in front.
  static func address(_ info: VMCoreInfo) -> VirtualAddress? {
    guard let namespace = info.symbol("init_uts_ns") else { return nil }
    return namespace &+ (info.offset("uts_namespace.name") ?? 4)
  }
}
