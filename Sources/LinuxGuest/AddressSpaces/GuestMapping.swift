public import Bytes

/// One mapping of a process, as a line of `/proc/PID/maps` tells it.
public struct GuestMapping: Hashable, Sendable {
  /// Of its `struct vm_area_struct`.
  public let address: VirtualAddress
  public let range: Range<VirtualAddress>
  /// `vm_flags`
  public let flags: UInt64
  /// Where in the file it begins, in bytes; 0 without a file.
  public internal(set) var offset: UInt64 = 0
  /// Nil if no file is mapped.
  public internal(set) var file: MappedFileName?
  /// `[heap]`, `[stack]`, `[vdso]`, `[anon:…]`: what it is if it isn't a file's.
  public internal(set) var label: String?
  /// What couldn't be read of it or contradicts itself, a line each.
  public internal(set) var diagnostics: [String] = []

  init(address: VirtualAddress, range: Range<VirtualAddress>, flags: UInt64) {
    self.address = address
    self.range = range
    self.flags = flags
  }

  /// `r-xp`: VM_READ, VM_WRITE, VM_EXEC and VM_MAYSHARE (include/linux/mm.h).
  public var permissions: String {
    (flags & 1 != 0 ? "r" : "-") + (flags & 2 != 0 ? "w" : "-") + (flags & 4 != 0 ? "x" : "-")
      + (flags & 0x80 != 0 ? "s" : "p")
  }

  /// VM_HUGETLB (include/linux/mm.h).
  public var isHugeTLB: Bool { flags & 0x40_0000 != 0 }
}

/// The file behind a mapping.
public struct MappedFileName: Hashable, Sendable {
  /// From the root directory of the guest's first task on, as `/proc` shows it there.
  public let path: String
  /// Its name was removed from its directory, or it never had one.
  public let isDeleted: Bool
  public let deviceMajor: UInt32
  public let deviceMinor: UInt32
  public let inode: UInt64
}

/// The mappings of a process.
public struct GuestMappings: Hashable, Sendable {
  /// In ascending order, unless they are damaged.
  public internal(set) var mappings: [GuestMapping] = []
  /// How they were found.
  public internal(set) var evidence: String
  /// What is damaged, a line each.
  public internal(set) var diagnostics: [String] = []
}
