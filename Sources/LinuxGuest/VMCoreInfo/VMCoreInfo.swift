public import Bytes

/// The text by which a Linux kernel tells dump tools about itself (kernel/crash_core.c;
/// kernel/vmcore_info.c since 6.9): lines of `KEY=VALUE`.
public struct VMCoreInfo: Hashable, Sendable {
  /// All of the text.
  public let text: String
  private let values: [Substring: Substring]

  /// The lines of `text`; of a key that comes twice, the first counts.
  public init(text: String) {
    self.text = text
    var values: [Substring: Substring] = [:]
    for line in text.split(separator: "\n") {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let key = line[..<equals]
      if values[key] == nil { values[key] = line[line.index(after: equals)...] }
    }
    self.values = values
  }

  /// The value of `key` as it stands: `OSRELEASE`, `SYMBOL(swapper_pg_dir)`.
  public subscript(_ key: String) -> String? { values[key[...]].map(String.init) }

  /// The kernel's release: `6.1.0-53-cloud-amd64`.
  public var release: String? { self["OSRELEASE"] }

  /// The address of a symbol: the hexadecimal value of `SYMBOL(name)`.
  public func symbol(_ name: String) -> VirtualAddress? {
    self["SYMBOL(\(name))"].flatMap { UInt64($0, radix: 16) }.map { VirtualAddress($0) }
  }

  /// The decimal value of `NUMBER(name)`.
  public func number(_ name: String) -> Int64? { self["NUMBER(\(name))"].flatMap { Int64($0) } }

  /// How far the kernel was moved by KASLR: `KERNELOFFSET`, hexadecimal.
  public var kernelOffset: UInt64? { self["KERNELOFFSET"].flatMap { UInt64($0, radix: 16) } }

  /// The distance of a member from the start of its structure: `OFFSET(structure.member)`, in bytes.
  public func offset(_ member: String) -> UInt64? {
    self["OFFSET(\(member))"].flatMap { UInt64($0) }
  }

  /// The size of a type in bytes: `SIZE(type)`.
  public func size(_ type: String) -> UInt64? { self["SIZE(\(type))"].flatMap { UInt64($0) } }

  /// The length of an array: `LENGTH(array)`.
  public func length(_ array: String) -> UInt64? { self["LENGTH(\(array))"].flatMap { UInt64($0) } }
}
