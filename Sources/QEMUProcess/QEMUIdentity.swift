import Bytes
import Symbols
public import Targets

/// Whether a process is QEMU, and which.
public struct QEMUIdentity: Hashable, Sendable {
  /// As QEMU itself prints it: `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)`; nil if it wasn't found.
  public var version: String?
  /// How it was found out.
  public var evidence: [String]

  /// Nil if nothing says that `process` is QEMU.
  public init?(_ process: Process) {
    guard let program = process.program else { return nil }
    var evidence: [String] = []
    if Self.names.contains(where: { program.name.hasPrefix($0) }) {
      evidence.append("the program is called \(program.name)")
    }
    for name in ["qemu_coroutine_yield", "qemu_aio_coroutine_enter", "qemu_init"]
    where program.contents.symbols?.symbol(named: name) != nil {
      evidence.append("it has the symbol \(name)")
      break
    }
    var version: String?
    if let found = Self.versionText(of: program, in: process) {
      evidence.append("its text “\(found.prefix)…” at \(found.address)")
      version = found.version
    }
    guard !evidence.isEmpty else { return nil }
    self.version = version
    self.evidence = evidence
  }

  /// How programs that have coroutines are called.
  static let names = ["qemu-system-", "qemu-kvm", "qemu-storage-daemon", "qemu-nbd", "qemu-img"]

  /// How QEMU begins the line that `-version` prints (softmmu/vl.c, system/vl.c since 8.2): one
  /// string together with the version.
  static let versionPrefix = "QEMU emulator version "

  /// The version in the program's constants.
  private static func versionText(
    of program: Module, in process: Process
  ) -> (prefix: String, address: VirtualAddress, version: String)? {
    for mapping in process.mappings
    where program.range.contains(mapping.start)
      && !(mapping.protection?.contains(.write) ?? false)
      && !(mapping.protection?.contains(.execute) ?? false)
    {
      guard let region = process.memory.region(containing: mapping.start),
        let address = ByteSearch.address(of: versionPrefix, in: region)
      else { continue }
      do throws(MemoryFault) {
        let start = address &+ UInt64(versionPrefix.utf8.count)
        let (text, _) = try process.memory.cString(at: start, limit: 128)
        let line = text.prefix { $0 != UInt8(ascii: "\n") }
        return (versionPrefix, address, String(decoding: line, as: UTF8.self))
      } catch {
        continue
      }
    }
    return nil
  }
}

/// Looks for text in bytes.
enum ByteSearch {
  /// The address of the first occurrence of `text`, of at least 8 bytes, in `region`. Fetched memory
  /// is searched window by window; text that lies across a border isn't found.
  static func address(of text: String, in region: MemoryRegion) -> VirtualAddress? {
    var found: VirtualAddress?
    region.forEachWindow(of: region.bytes == nil ? 16 << 20 : region.count) { address, bytes in
      found = offset(of: text, in: bytes).map { address &+ $0 }
      return found == nil
    }
    return found
  }

  /// The offset of the first occurrence of `text`, of at least 8 bytes, in `bytes`.
  static func offset(of text: String, in bytes: ByteView) -> UInt64? {
    let wanted = Array(text.utf8)
    guard wanted.count >= 8, bytes.count >= wanted.count else { return nil }
    let start = wanted[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    do throws(ByteError) {
      for offset in 0...UInt64(bytes.count - wanted.count)
      where try bytes.load(UInt64.self, at: offset) == start {
        let candidate = try bytes.subview(at: offset, count: UInt64(wanted.count))
        if candidate.copy() == wanted { return offset }
      }
    } catch {
      // Not reached: every offset leaves room for the text.
    }
    return nil
  }
}
